/* What the tests of the C functions share: clients in memory, answers, events,
 * and what the process holds. */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "../../examples/c/json.h"
#include "check.h"
#include "status1to1.h"

/* A client with nothing on disk, on a memory network of this program. */
static const char memory[] =
    "{\"store\":{\"kind\":\"memory\"},\"network\":{\"kind\":\"memory\",\"memory\":{\"name\":\"abi\"}},"
    "\"engine\":{\"resend_base_ms\":200,\"ack_delay_ms\":20}}";

/* Bounds every wait; nothing is measured by it. */
enum { PATIENCE_MS = 60000 };

/* has_error tells whether answer is that error. */
static inline bool has_error(const char *answer, const char *code)
{
    char *got = json_text(json_get(answer, "error.code"));
    bool yes = json_is(json_get(answer, "ok"), "false") && strcmp(got, code) == 0;

    free(got);
    return yes;
}

/* is_error frees answer and tells whether it is that error about that field. */
static inline bool is_error(char *answer, const char *code, const char *field)
{
    char *at = json_text(json_get(answer, "error.field"));
    bool yes = has_error(answer, code) && strcmp(at, field) == 0 &&
               json_get(answer, "error.category") != NULL && json_get(answer, "error.message") != NULL &&
               json_get(answer, "error.retryable") != NULL && json_is(json_get(answer, "error.details"), "{");

    if (!yes)
        fprintf(stderr, "wanted %s (%s), got %s\n", code, field, answer);
    free(at);
    status1to1_free(answer);
    return yes;
}

/* is_ok frees answer and tells whether it is a success. */
static inline bool is_ok(char *answer)
{
    bool yes = json_is(json_get(answer, "ok"), "true");

    if (!yes)
        fprintf(stderr, "got %s\n", answer);
    status1to1_free(answer);
    return yes;
}

static inline status1to1_client open_memory(void)
{
    status1to1_client client = 0;

    CHECK(is_ok(status1to1_open(memory, &client)));
    CHECK(client != 0 && client < (UINT64_C(1) << 53));
    return client;
}

/* new_identity makes client somebody; the chat key is on the heap. */
static inline char *new_identity(status1to1_client client)
{
    char *answer = status1to1_identity_create(client, NULL);
    char *key = json_text(json_get(answer, "result.identity.chat_key"));

    CHECK(strncmp(key, "zQ3sh", 5) == 0);
    status1to1_free(answer);
    return key;
}

/* next is the next event of a type, on the heap; others are passed over. */
static inline char *next(status1to1_client client, const char *type)
{
    for (;;) {
        char *answer = status1to1_next_event(client, PATIENCE_MS);
        char *got = json_text(json_get(answer, "result.type"));
        bool found = strcmp(got, type) == 0, none = *got == '\0';

        free(got);
        if (found)
            return answer;
        if (none) {
            fprintf(stderr, "no %s came: %s\n", type, answer);
            return answer;
        }
        status1to1_free(answer);
    }
}

/* strings_held is how many strings of the library are not freed. */
static inline long long strings_held(void)
{
    char *info = status1to1_info();
    long long held = json_number(json_get(info, "result.strings_held"));

    status1to1_free(info);
    return held;
}

/* held is what the process holds, as the library and the system tell. */
struct held {
    long long strings, clients, unread, goroutines, descriptors, kilobytes;
};

/* descriptors counts open descriptors; 0 where there is no /proc. */
static inline long long descriptors(void)
{
    DIR *open = opendir("/proc/self/fd");
    long long count = 0;

    if (open == NULL)
        return 0;
    while (readdir(open) != NULL)
        count++;
    closedir(open);
    return count;
}

/* kilobytes is the resident memory of the process; 0 where there is no /proc. */
static inline long long kilobytes(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long long pages = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%*d %lld", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

/* holds asks client what the process holds. */
static inline struct held holds(status1to1_client client)
{
    char *answer = status1to1_diagnostics_get(client, NULL);
    struct held h = {
        .strings = json_number(json_get(answer, "result.strings_held")),
        .clients = json_number(json_get(answer, "result.clients_open")),
        .unread = json_number(json_get(answer, "result.clients_unread")),
        .goroutines = json_number(json_get(answer, "result.goroutines")),
        .descriptors = descriptors(),
        .kilobytes = kilobytes(),
    };

    CHECK(json_is(json_get(answer, "ok"), "true") && h.goroutines > 0 && h.clients > 0);
    status1to1_free(answer);
    return h;
}

#endif
