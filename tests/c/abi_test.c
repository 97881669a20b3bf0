/* Tests the C functions of the built library: what they refuse, and that two
 * clients chat. The memory network and store keep files and ports out of it. */

#define _XOPEN_SOURCE 700

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"

static void test_null(void)
{
    status1to1_client client = 1;

    status1to1_free(NULL);
    CHECK(is_error(status1to1_open(memory, NULL), "bad_params", "out"));
    CHECK(is_error(status1to1_open(NULL, &client), "bad_params", "config_json"));
    CHECK(client == 0);
    CHECK(is_error(status1to1_open(NULL, NULL), "bad_params", "out"));
    CHECK(is_error(status1to1_call(0, NULL, NULL), "bad_params", "method"));
    CHECK(is_error(status1to1_call(0, "identity.get", NULL), "bad_client", "client"));

    client = open_memory();
    CHECK(is_error(status1to1_call(client, "identity.get", NULL), "no_identity", ""));
    CHECK(is_error(status1to1_call(client, "identity.get", ""), "no_identity", ""));
    CHECK(is_error(status1to1_call(client, "identity.get", "{}"), "no_identity", ""));
    CHECK(is_error(status1to1_messages_send(client, NULL), "bad_params", "to"));
    CHECK(is_ok(status1to1_set_event_callback(client, NULL, NULL)));
    CHECK(is_ok(status1to1_close(client)));
}

static void test_open_errors(void)
{
    status1to1_client client = 7;

    CHECK(is_error(status1to1_open("", &client), "bad_config", "store"));
    CHECK(client == 0);
    CHECK(is_error(status1to1_open("{", &client), "bad_json", ""));
    CHECK(is_error(status1to1_open("{\"store\":{\"kind\":\"memory\"}} x", &client), "bad_json", ""));
    CHECK(is_error(status1to1_open("{\"store\":{\"kind\":\"memory\",\"Path\":\"x\"}}", &client), "unknown_field", "store.Path"));
    CHECK(is_error(status1to1_open("{\"store\":{\"kind\":\"memory\"},\"network\":{\"kind\":\"pigeon\"}}", &client),
                   "bad_config", "network.kind"));
    CHECK(is_error(status1to1_open("{\"store\":{\"path\":\"/nowhere/at/all/x.db\",\"passphrase\":\"p\"},"
                                   "\"network\":{\"kind\":\"memory\"}}", &client),
                   "store_io", "store.path"));
    CHECK(client == 0);
}

static void test_bad_calls(void)
{
    status1to1_client client = open_memory();
    char *large = malloc(3 << 20);

    CHECK(is_error(status1to1_call(client, "identity.drop", "{}"), "unknown_method", "method"));
    CHECK(is_error(status1to1_call(client, "", "{}"), "unknown_method", "method"));
#ifndef TEST_LIBRARY
    CHECK(is_error(status1to1_call(client, "test.panic", "{}"), "unknown_method", "method"));
#endif
    CHECK(is_error(status1to1_call(client, "\xff\xfe", "{}"), "unknown_method", "method"));
    CHECK(is_error(status1to1_call(client, "identity.get", "{\"a\":1}"), "unknown_field", "a"));
    CHECK(is_error(status1to1_call(client, "identity.create", "{\"Words\":12}"), "unknown_field", "Words"));
    CHECK(is_error(status1to1_call(client, "identity.create", "{\"words\":12,\"words\":12}"), "unknown_field", "words"));
    CHECK(is_error(status1to1_call(client, "identity.create", "{\"words\":\"12\"}"), "bad_params", "words"));
    CHECK(is_error(status1to1_call(client, "identity.create", "{\"display_name\":\"\xc3\"}"), "bad_json", ""));
    CHECK(is_error(status1to1_call(client, "identity.create", "{\"display_name\":\"\\ud800\"}"), "bad_json", ""));
    CHECK(is_error(status1to1_call(client, "identity.create", "{} {}"), "bad_json", ""));
    CHECK(is_error(status1to1_call(client, "identity.create", "[]"), "bad_params", ""));

    CHECK(large != NULL);
    memset(large, ' ', (3 << 20) - 1);
    large[(3 << 20) - 1] = '\0';
    CHECK(is_error(status1to1_call(client, "identity.get", large), "bad_json", ""));
    CHECK(is_error(status1to1_call(client, large, NULL), "unknown_method", "method"));
    memset(large, '[', (1 << 20) - 1);
    large[(1 << 20) - 1] = '\0';
    CHECK(is_error(status1to1_call(client, "identity.get", large), "bad_json", ""));
    free(large);
    CHECK(is_ok(status1to1_close(client)));
}

static void test_handles(void)
{
    status1to1_client client = open_memory(), other = open_memory();
    static const status1to1_client made_up[] = {0, 1, 42, UINT64_MAX};
    size_t i;

    CHECK(client != other);
    for (i = 0; i < sizeof made_up / sizeof *made_up; i++) {
        CHECK(is_error(status1to1_call(made_up[i], "identity.get", NULL), "bad_client", "client"));
        CHECK(is_error(status1to1_next_event(made_up[i], -1), "bad_client", "client"));
        CHECK(status1to1_event_fd(made_up[i]) == -1);
        CHECK(is_error(status1to1_set_event_callback(made_up[i], NULL, NULL), "bad_client", "client"));
        CHECK(is_error(status1to1_close(made_up[i]), "bad_client", "client"));
    }
    CHECK(is_ok(status1to1_close(client)));
    CHECK(is_ok(status1to1_close(client)));
    CHECK(is_error(status1to1_call(client, "identity.get", NULL), "bad_client", "client"));
    CHECK(status1to1_event_fd(client) == -1);
    /* The stream ends with one closed event. */
    status1to1_free(next(client, "closed"));
    CHECK(is_error(status1to1_next_event(client, -1), "bad_client", "client"));
    /* The other one goes on. */
    CHECK(is_error(status1to1_call(other, "identity.get", NULL), "no_identity", ""));
    CHECK(is_ok(status1to1_close(other)));
}

static void test_info(void)
{
    char *info = status1to1_info(), *schema = status1to1_schema();

    CHECK(status1to1_abi_version() == STATUS1TO1_ABI_VERSION);
    CHECK(json_number(json_get(info, "result.abi_version")) == STATUS1TO1_ABI_VERSION);
    CHECK(json_get(info, "result.version") != NULL && json_first(json_get(info, "result.specs")) != NULL);
    CHECK(json_is(json_get(schema, "result.openrpc"), "\"1.3"));
    CHECK(json_first(json_get(schema, "result.methods")) != NULL);
    status1to1_free(info);
    status1to1_free(schema);
}

static bool readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    return poll(&wait, 1, 0) == 1;
}

/* Two clients chat; the descriptor tells when events wait. */
static void test_chat(void)
{
    static const char text[] = "Hello \\u263a \\ud83d\\ude00 \\u05e9\\u05dc\\u05d5\\u05dd";
    status1to1_client alice = open_memory(), bob = open_memory();
    char *identity, *key, *answer, *got, *want = json_text("\"Hello \\u263a \\ud83d\\ude00 \\u05e9\\u05dc\\u05d5\\u05dd\"");
    char params[512];
    int fd = status1to1_event_fd(bob), left;

    CHECK(fd >= 0 && status1to1_event_fd(bob) == fd);
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(is_ok(status1to1_identity_create(alice, "{\"display_name\":\"Alice\"}")));
    identity = status1to1_identity_create(bob, NULL);
    key = json_text(json_get(identity, "result.identity.chat_key"));
    CHECK(strncmp(key, "zQ3sh", 5) == 0);
    CHECK(json_get(identity, "result.phrase") != NULL);
    CHECK(is_error(status1to1_identity_create(bob, NULL), "identity_exists", ""));

    snprintf(params, sizeof params, "{\"to\":\"%s\",\"text\":\"%s\",\"client_ref\":\"1\"}", key, text);
    CHECK(is_ok(status1to1_messages_send(alice, params)));
    answer = next(bob, "message_received");
    got = json_text(json_get(answer, "result.data.message.text"));
    CHECK(strcmp(got, want) == 0);
    CHECK(json_number(json_get(answer, "result.seq")) > 0);
    snprintf(params, sizeof params, "{\"up_to\":%lld}", json_number(json_get(answer, "result.seq")));
    CHECK(is_ok(status1to1_events_ack(bob, params)));
    free(got);
    status1to1_free(answer);

    do { /* until it is delivered: queued, sent, delivered */
        answer = next(alice, "message_state");
        got = json_text(json_get(answer, "result.data.state"));
        bool delivered = strcmp(got, "delivered") == 0, lost = *got == '\0';
        free(got);
        status1to1_free(answer);
        CHECK(!lost);
        if (delivered || lost)
            break;
    } while (true);

    /* Level triggered: readable while something waits, not when nothing does. */
    for (left = PATIENCE_MS / 100; left > 0 && readable(fd); left--) {
        while (strstr(answer = status1to1_next_event(bob, 100), "\"result\":null") == NULL)
            status1to1_free(answer);
        status1to1_free(answer);
    }
    CHECK(left > 0);
    CHECK(is_ok(status1to1_close(alice))); /* bob loses his peer, which is an event */
    {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        CHECK(poll(&wait, 1, PATIENCE_MS) == 1);
    }
    CHECK(readable(fd));
    free(key);
    free(want);
    status1to1_free(identity);
    CHECK(is_ok(status1to1_close(bob)));
}

/* ---- callbacks ---- */

struct heard {
    atomic_int events, closed, inside;
    pthread_t thread;
    atomic_bool slow, remove, close;
};

static void on_event(status1to1_client client, const char *event, void *user_data)
{
    struct heard *h = user_data;

    CHECK(atomic_fetch_add(&h->inside, 1) == 0);
    h->thread = pthread_self();
    CHECK(json_is(json_get(event, "ok"), "true"));
    if (json_is(json_get(event, "result.type"), "\"closed\""))
        atomic_fetch_add(&h->closed, 1);
    if (h->slow)
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    if (h->remove)
        CHECK(is_ok(status1to1_set_event_callback(client, NULL, NULL)));
    if (h->close)
        CHECK(is_ok(status1to1_close(client)));
    atomic_fetch_sub(&h->inside, 1);
    atomic_fetch_add(&h->events, 1); /* last: h may go once the callback is away */
}

static void until(atomic_int *counter, int count)
{
    int i;

    for (i = 0; i < PATIENCE_MS / 10 && *counter < count; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    CHECK(*counter >= count);
}

static void test_callback(void)
{
    struct heard h = {.slow = true}, again = {0}, removed = {.remove = true};
    status1to1_client client = open_memory(), other;
    int before;

    CHECK(is_ok(status1to1_set_event_callback(client, on_event, &h)));
    other = open_memory(); /* gives events: a peer appears */
    until(&h.inside, 1);
    CHECK(is_ok(status1to1_set_event_callback(client, NULL, NULL)));
    CHECK(h.inside == 0 && h.events >= 1); /* it waited for the slow invocation */
    CHECK(!pthread_equal(h.thread, pthread_self()));
    before = h.events;
    CHECK(is_ok(status1to1_close(other)));
    other = open_memory();
    CHECK(h.events == before);

    /* One that removes itself gets one event and does not deadlock. */
    CHECK(is_ok(status1to1_set_event_callback(client, on_event, &removed)));
    until(&removed.events, 1);
    CHECK(is_ok(status1to1_set_event_callback(client, on_event, &again)));
    CHECK(removed.events == 1);
    until(&again.events, 1);
    /* Closing tells the callback, once, before it returns. */
    CHECK(is_ok(status1to1_close(client)));
    CHECK(again.closed == 1 && again.inside == 0);
    CHECK(is_ok(status1to1_close(other)));
}

static void test_close_in_callback(void)
{
    struct heard h = {.close = true};
    status1to1_client client = open_memory(), other;

    CHECK(is_ok(status1to1_set_event_callback(client, on_event, &h)));
    other = open_memory();
    until(&h.closed, 1);
    until(&h.events, 2);
    CHECK(is_error(status1to1_call(client, "identity.get", NULL), "bad_client", "client"));
    CHECK(is_ok(status1to1_close(other)));
}

/* Two callbacks that run at the same time and close each other's clients. */
struct rival {
    status1to1_client other;
    atomic_int *running;
    atomic_int entered, done;
};

static void on_event_close_other(status1to1_client client, const char *event, void *user_data)
{
    struct rival *r = user_data;

    (void)client;
    (void)event;
    if (atomic_fetch_add(&r->entered, 1) > 0)
        return;
    atomic_fetch_add(r->running, 1);
    until(r->running, 2);
    CHECK(is_ok(status1to1_close(r->other)));
    atomic_fetch_add(&r->done, 1);
}

static void test_callbacks_close_each_other(void)
{
    atomic_int running = 0;
    struct rival a = {.running = &running}, b = {.running = &running};
    status1to1_client one = open_memory(), two = open_memory(), three;

    a.other = two;
    b.other = one;
    CHECK(is_ok(status1to1_set_event_callback(one, on_event_close_other, &a)));
    CHECK(is_ok(status1to1_set_event_callback(two, on_event_close_other, &b)));
    three = open_memory(); /* gives events: a peer appears */
    until(&a.done, 1);
    until(&b.done, 1);
    CHECK(is_ok(status1to1_close(three)));
}

/* ---- threads ---- */

static void *wait_for_event(void *client)
{
    char *answer = status1to1_next_event(*(status1to1_client *)client, -1);

    while (strstr(answer, "\"seq\":") != NULL && strstr(answer, "\"closed\"") == NULL) {
        status1to1_free(answer);
        answer = status1to1_next_event(*(status1to1_client *)client, -1);
    }
    return answer;
}

static void *wait_for_peers(void *client)
{
    return status1to1_network_wait(*(status1to1_client *)client, "{\"peers\":900,\"deadline_ms\":600000}");
}

/* close wakes every waiter and cancels calls in flight. */
static void test_close_wakes(void)
{
    status1to1_client client = open_memory();
    pthread_t threads[3];
    void *answers[3];
    int i, closed_events = 0;

    CHECK(is_ok(status1to1_identity_create(client, NULL)));
    for (i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, wait_for_event, &client) == 0);
    CHECK(pthread_create(&threads[2], NULL, wait_for_peers, &client) == 0);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* most likely all wait now; it holds either way */
    CHECK(is_ok(status1to1_close(client)));
    for (i = 0; i < 3; i++)
        CHECK(pthread_join(threads[i], &answers[i]) == 0);
    for (i = 0; i < 3; i++) {
        if (i < 2 && json_is(json_get(answers[i], "ok"), "true"))
            closed_events++;
        else
            CHECK(has_error(answers[i], "closed") || has_error(answers[i], "bad_client"));
        status1to1_free(answers[i]);
    }
    CHECK(closed_events == 1);
}

/* ---- fork and signals ---- */

static void test_fork(void)
{
    status1to1_client client = open_memory();
    pid_t child;
    int status = -1;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        status1to1_client made = 1;
        alarm(20); /* a hang must not look like a success */
        failures = 0;
        CHECK(is_error(status1to1_info(), "forked", ""));
        CHECK(is_error(status1to1_schema(), "forked", ""));
        CHECK(is_error(status1to1_open(memory, &made), "forked", ""));
        CHECK(made == 0);
        CHECK(is_error(status1to1_call(client, "identity.get", NULL), "forked", ""));
        CHECK(is_error(status1to1_next_event(client, -1), "forked", ""));
        CHECK(is_error(status1to1_set_event_callback(client, on_event, NULL), "forked", ""));
        CHECK(is_error(status1to1_close(client), "forked", ""));
        CHECK(status1to1_event_fd(client) == -1);
        CHECK(status1to1_abi_version() == STATUS1TO1_ABI_VERSION);
        _exit(failures == 0 ? 0 : 1);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(is_error(status1to1_call(client, "identity.get", NULL), "no_identity", "")); /* the parent goes on */
    CHECK(is_ok(status1to1_close(client)));
}

/* SIGINT and SIGTERM do what they do without the library. */
static void test_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGCHLD};
    size_t i;

    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction action;
        CHECK(sigaction(numbers[i], NULL, &action) == 0);
        CHECK(action.sa_handler == SIG_DFL);
    }
}

int main(void)
{
    test_info();
    test_null();
    test_open_errors();
    test_bad_calls();
    test_handles();
    test_chat();
    test_callback();
    test_close_in_callback();
    test_callbacks_close_each_other();
    test_close_wakes();
    test_fork();
    test_signals();
    CHECK(strings_held() == 0);
    return finish("abi_test");
}
