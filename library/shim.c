/* The public functions of include/status1to1.h. Each checks what must be checked
 * before the Go runtime is entered - NULL pointers, and a process id that is not
 * the one the library was loaded in - and then calls its twin in main.go. The
 * twins are hidden by exports.map. */

#include "shim.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "_cgo_export.h"
#include "written.h"

/* The process the Go runtime runs in. A forked child has our memory but none of
 * the runtime's threads: a call into Go would hang there for ever. */
static pid_t home;

__attribute__((constructor)) static void remember_home(void)
{
    home = getpid();
}

static int forked(void)
{
    return getpid() != home;
}

/* How many strings callers hold. */
static atomic_llong live_strings;

/* Whether an event callback runs on this thread, of whichever client. What waits for
 * callbacks does not do so then: two of them could wait for each other. */
static _Thread_local int inside;

size_t s1_length(const char *s, size_t most)
{
    return strnlen(s, most);
}

char *s1_counted(char *s, size_t length)
{
    written(&s, sizeof s);
    written(&length, sizeof length);
    written(s, length + 1);
    atomic_fetch_add(&live_strings, 1);
    return s;
}

long long s1_held(void)
{
    return atomic_load(&live_strings);
}

void s1_call_back(status1to1_event_fn fn, status1to1_client client, const char *event, size_t length, void *user_data)
{
    written(&fn, sizeof fn);
    written(&client, sizeof client);
    written(&event, sizeof event);
    written(&user_data, sizeof user_data);
    written(&length, sizeof length);
    written(event, length + 1);
    inside = 1;
    fn(client, event, user_data);
    inside = 0;
}

/* refuse is a heap copy of an error that is known beforehand. */
static char *refuse(const char *response)
{
    char *copy = strdup(response);
    if (copy == NULL)
        abort(); /* as Go does when there is no memory for a string */
    return s1_counted(copy, strlen(copy));
}

/* from_go is a string that a function of Go returned. */
static char *from_go(char *s)
{
    written(&s, sizeof s);
    return s;
}

static char *refuse_forked(void)
{
    return refuse("{\"ok\":false,\"error\":{\"code\":\"forked\",\"category\":\"request\","
                  "\"message\":\"the process was forked after the library was loaded\","
                  "\"retryable\":false,\"field\":\"\",\"details\":{}}}");
}

#define REFUSE_NULL(name)                                                          \
    refuse("{\"ok\":false,\"error\":{\"code\":\"bad_params\",\"category\":\"request\"," \
           "\"message\":\"" name " must not be NULL\","                            \
           "\"retryable\":false,\"field\":\"" name "\",\"details\":{}}}")

uint32_t status1to1_abi_version(void)
{
    return STATUS1TO1_ABI_VERSION;
}

char *status1to1_info(void)
{
    return forked() ? refuse_forked() : from_go(s1_go_info());
}

char *status1to1_schema(void)
{
    return forked() ? refuse_forked() : from_go(s1_go_schema());
}

char *status1to1_open(const char *config_json, status1to1_client *out)
{
    if (out == NULL)
        return REFUSE_NULL("out");
    *out = 0;
    if (config_json == NULL)
        return REFUSE_NULL("config_json");
    if (forked())
        return refuse_forked();
    char *answer = from_go(s1_go_open((char *)config_json, out));
    written(out, sizeof *out);
    return answer;
}

char *status1to1_call(status1to1_client client, const char *method, const char *params_json)
{
    if (method == NULL)
        return REFUSE_NULL("method");
    return forked() ? refuse_forked() : from_go(s1_go_call(client, (char *)method, (char *)params_json));
}

char *status1to1_next_event(status1to1_client client, int32_t timeout_ms)
{
    return forked() ? refuse_forked() : from_go(s1_go_next_event(client, timeout_ms));
}

int status1to1_event_fd(status1to1_client client)
{
    int fd = forked() ? -1 : s1_go_event_fd(client);

    written(&fd, sizeof fd);
    return fd;
}

char *status1to1_set_event_callback(status1to1_client client, status1to1_event_fn fn, void *user_data)
{
    return forked() ? refuse_forked() : from_go(s1_go_set_event_callback(client, fn, user_data, inside));
}

char *status1to1_close(status1to1_client client)
{
    return forked() ? refuse_forked() : from_go(s1_go_close(client, inside));
}

void status1to1_free(char *s)
{
    if (s == NULL)
        return;
    atomic_fetch_sub(&live_strings, 1);
    free(s);
}
