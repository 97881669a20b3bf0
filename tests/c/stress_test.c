/* Many calls, many threads, many clients: nothing breaks and nothing grows.
 * STATUS1TO1_CALLS sets how many calls the first test makes (default 1,000,000). */

#define _XOPEN_SOURCE 700

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "client.h"

/* The base point of secp256k1: a valid key of nobody here. */
#define SOMEBODY "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"

/* Bounds of what may grow that is not a leak: the Go runtime keeps threads and
 * gives memory back late. A leak of one small object a call would be 30 MB. */
enum { SLACK_KILOBYTES = 16 << 10, SLACK_GOROUTINES = 4 };

static long many(const char *variable, long usual)
{
    const char *given = getenv(variable);

    return given != NULL && atol(given) > 0 ? atol(given) : usual;
}

static bool more(struct held before, struct held after)
{
    return after.goroutines > before.goroutines + SLACK_GOROUTINES || after.descriptors > before.descriptors ||
           after.kilobytes > before.kilobytes + SLACK_KILOBYTES;
}

/* the_same checks that nothing but a little memory was added since before. What was told to end
 * and what is to be given back may take a moment, longer where others use the processors; what
 * leaks never comes down. Gives what is held now. */
static struct held the_same(const char *what, status1to1_client client, struct held before)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    struct held after = holds(client);
    int waits;

    for (waits = 0; waits < 1000 && more(before, after); waits++) {
        nanosleep(&moment, NULL);
        after = holds(client);
    }
    printf("%s: %lld -> %lld kB, %lld -> %lld goroutines, %lld -> %lld descriptors\n", what, before.kilobytes,
           after.kilobytes, before.goroutines, after.goroutines, before.descriptors, after.descriptors);
    CHECK(after.strings == before.strings);
    CHECK(after.clients == before.clients);
    CHECK(after.goroutines <= before.goroutines + SLACK_GOROUTINES);
    CHECK(after.descriptors <= before.descriptors);
    CHECK(after.kilobytes <= before.kilobytes + SLACK_KILOBYTES);
    return after;
}

/* some_call is one of several calls, by number; the answer is the caller's. */
static char *some_call(status1to1_client client, unsigned long n)
{
    switch (n % 8) {
    case 0:
        return status1to1_identity_get(client, NULL);
    case 1:
        return status1to1_call(client, "contacts.get", "{\"key\":\"" SOMEBODY "\"}");
    case 2:
        return status1to1_call(client, "identity.get", "{\"a\":1}");
    case 3:
        return status1to1_call(client, "no.such", "{}");
    case 4:
        return status1to1_next_event(client, 0);
    case 5:
        return status1to1_call(client, "chats.list", "{\"limit\":3}");
    case 6:
        return status1to1_set_event_callback(client, NULL, NULL);
    default:
        return status1to1_call(client, "network.status", "{");
    }
}

static void calls(status1to1_client client, long count)
{
    long i;

    for (i = 0; i < count; i++) {
        char *answer = some_call(client, (unsigned long)i);

        if (*answer != '{')
            CHECK(*answer == '{');
        status1to1_free(answer);
    }
}

static void test_flat(void)
{
    status1to1_client client = open_memory();
    long count = many("STATUS1TO1_CALLS", 1000000);
    struct held before;
    char what[64];

    free(new_identity(client));
    calls(client, 20000); /* until the heap has its size */
    before = holds(client);
    calls(client, count);
    snprintf(what, sizeof what, "%ld calls", count);
    the_same(what, client, before);
    CHECK(is_ok(status1to1_close(client)));
}

/* ---- threads ---- */

enum { THREADS = 8, CALLS_A_THREAD = 10000 };

struct shared {
    status1to1_client client;
    atomic_long calls, fine, gone, wrong;
};

static void *call_on_and_on(void *argument)
{
    struct shared *s = argument;
    bool closed = false;
    long i;

    for (i = 0; i < CALLS_A_THREAD; i++) {
        char *answer;

        if (i % 64 == 63) {
            char params[160];
            snprintf(params, sizeof params, "{\"to\":\"" SOMEBODY "\",\"text\":\"%ld of %p\"}", i, (void *)&params);
            answer = status1to1_messages_send(s->client, params);
        } else if (i % 64 == 31) {
            int fd = status1to1_event_fd(s->client);
            if (fd < -1)
                s->wrong++;
            answer = status1to1_diagnostics_get(s->client, NULL);
        } else {
            answer = some_call(s->client, (unsigned long)i);
        }
        if (has_error(answer, "closed") || has_error(answer, "bad_client")) {
            s->gone++;
            closed = closed || has_error(answer, "bad_client");
        } else if (has_error(answer, "internal") || (closed && json_get(answer, "result.seq") == NULL)) {
            fprintf(stderr, "got %s\n", answer); /* a closed client gives what was left unread, no more */
            s->wrong++;
        } else {
            s->fine++;
        }
        status1to1_free(answer);
        s->calls++;
    }
    return NULL;
}

/* Threads call without pause; in the middle the client is closed. */
static void test_close_in_the_middle(void)
{
    status1to1_client observer = open_memory();
    struct shared s = {.client = open_memory()};
    struct held before;
    pthread_t threads[THREADS];
    int i;

    free(new_identity(s.client));
    CHECK(is_ok(status1to1_contacts_add(s.client, "{\"key\":\"" SOMEBODY "\"}")));
    before = holds(observer);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, call_on_and_on, &s) == 0);
    while (s.calls < (long)THREADS * CALLS_A_THREAD / 2)
        sched_yield();
    CHECK(is_ok(status1to1_close(s.client)));
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    printf("%d threads: %ld calls, %ld before the end, %ld after it\n", THREADS, s.calls, s.fine, s.gone);
    CHECK(s.calls == (long)THREADS * CALLS_A_THREAD && s.wrong == 0);
    CHECK(s.fine > 0 && s.gone > 0);
    CHECK(holds(observer).clients == before.clients - 1);
    CHECK(holds(observer).strings == before.strings);
    CHECK(is_ok(status1to1_close(observer)));
}

/* ---- two readers ---- */

enum { MESSAGES = 400 };

struct readers {
    status1to1_client client;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long long highest, twice;
    int messages, ends;
    bool seen[16 * MESSAGES];
};

static void *read_events(void *argument)
{
    struct readers *r = argument;

    for (;;) {
        char *answer = status1to1_next_event(r->client, -1);
        long long seq = json_number(json_get(answer, "result.seq"));
        bool message = json_is(json_get(answer, "result.type"), "\"message_received\"");
        bool end = json_is(json_get(answer, "result.type"), "\"closed\"");
        bool failed = json_is(json_get(answer, "ok"), "false");

        status1to1_free(answer);
        pthread_mutex_lock(&r->mutex);
        if (seq > 0 && seq < (long long)(sizeof r->seen / sizeof *r->seen)) {
            r->twice += r->seen[seq];
            r->seen[seq] = true;
            r->highest = seq > r->highest ? seq : r->highest;
        }
        r->messages += message;
        r->ends += end;
        pthread_cond_signal(&r->changed);
        pthread_mutex_unlock(&r->mutex);
        if (end || failed)
            return NULL;
    }
}

/* Two threads wait for events of one client: each event goes to one of them, and
 * none is left out. */
static void test_two_readers(void)
{
    static struct readers r;
    status1to1_client alice = open_memory();
    pthread_t threads[2];
    char *key, *from, params[256];
    long long seq;
    int i;

    r.client = open_memory();
    CHECK(pthread_mutex_init(&r.mutex, NULL) == 0 && pthread_cond_init(&r.changed, NULL) == 0);
    from = new_identity(alice);
    key = new_identity(r.client);
    snprintf(params, sizeof params, "{\"key\":\"%s\"}", from); /* a stranger may say less */
    CHECK(is_ok(status1to1_contacts_add(r.client, params)));
    free(from);
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, read_events, &r) == 0);
    for (i = 0; i < MESSAGES; i++) {
        snprintf(params, sizeof params, "{\"to\":\"%s\",\"text\":\"%d\"}", key, i);
        CHECK(is_ok(status1to1_messages_send(alice, params)));
    }
    pthread_mutex_lock(&r.mutex);
    while (r.messages < MESSAGES)
        pthread_cond_wait(&r.changed, &r.mutex); /* the caller of the tests has a time limit */
    pthread_mutex_unlock(&r.mutex);
    CHECK(is_ok(status1to1_close(r.client)));
    for (i = 0; i < 2; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(r.messages == MESSAGES && r.twice == 0 && r.ends == 1);
    for (seq = 1; seq <= r.highest; seq++)
        CHECK(r.seen[seq]);
    free(key);
    CHECK(is_ok(status1to1_close(alice)));
}

/* ---- many clients ---- */

static void clients(int count)
{
    int i;

    for (i = 0; i < count; i++) {
        status1to1_client client = open_memory();

        CHECK(status1to1_event_fd(client) >= 0);
        if (i % 2 == 0)
            free(new_identity(client));
        CHECK(is_ok(status1to1_close(client)));
    }
}

/* Clients come and go, and nobody reads their last events. */
static void test_many_clients(void)
{
    status1to1_client observer = open_memory();
    struct held before, after;

    clients(100);
    before = holds(observer);
    clients(400);
    after = the_same("400 clients", observer, before);
    CHECK(before.unread > 0 && after.unread == before.unread); /* only the last few are kept */
    CHECK(is_ok(status1to1_close(observer)));
}

int main(void)
{
    test_flat();
    test_close_in_the_middle();
    test_two_readers();
    test_many_clients();
    CHECK(strings_held() == 0);
    return finish("stress_test");
}
