/*
 * What a message takes between two instances of c-toxcore that are friends, over UDP on loopback, for
 * `make bench-peers`. It prints its figures as JSON; internal/bench/peers/README.md says what each is.
 *
 * One thread lets both instances work in turn. It does so without a break, so that no message waits for
 * its turn, and for one figure at the pace that the library asks for.
 */

#define _XOPEN_SOURCE 700

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tox/tox.h>

/* What the figures are of, and messages that warm up. Receipts come once a second: few are waited for. */
enum { ALONE = 300, SLOW = 20, ANSWERED = 4, BATCHES = 4, AT_ONCE = 64, WARM_UP = 20 };
/* How long friends may take to find each other, and a message to come, in ns. */
static const int64_t PATIENCE = INT64_C(60000000000);

static const size_t sizes[] = {100, 1024};

struct side {
    Tox *tox;
    uint32_t friend_number; /* of the other one */
    bool met;
    int said, heard, acknowledged;
    int64_t heard_at, acknowledged_at;
};

static struct side alice, bob;

static void fail(const char *what)
{
    fprintf(stderr, "toxcore: %s\n", what);
    exit(1);
}

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void on_message(Tox *tox, uint32_t number, Tox_Message_Type type, const uint8_t *text, size_t length, void *side)
{
    struct side *s = side;

    (void)tox, (void)number, (void)type, (void)text, (void)length;
    s->heard++;
    s->heard_at = now();
}

static void on_receipt(Tox *tox, uint32_t number, uint32_t message, void *side)
{
    struct side *s = side;

    (void)tox, (void)number, (void)message;
    s->acknowledged++;
    s->acknowledged_at = now();
}

static void on_status(Tox *tox, uint32_t number, Tox_Connection status, void *side)
{
    struct side *s = side;

    (void)tox, (void)number;
    s->met = status != TOX_CONNECTION_NONE;
}

static void start(struct side *s)
{
    struct Tox_Options *options = tox_options_new(NULL);

    if (options == NULL)
        fail("no options");
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    s->tox = tox_new(options, NULL);
    tox_options_free(options);
    if (s->tox == NULL)
        fail("an instance does not start");
    tox_callback_friend_message(s->tox, on_message);
    tox_callback_friend_read_receipt(s->tox, on_receipt);
    tox_callback_friend_connection_status(s->tox, on_status);
}

static void befriend(struct side *s, const struct side *other)
{
    uint8_t key[TOX_PUBLIC_KEY_SIZE], node[TOX_PUBLIC_KEY_SIZE];

    tox_self_get_public_key(other->tox, key);
    s->friend_number = tox_friend_add_norequest(s->tox, key, NULL);
    tox_self_get_dht_id(other->tox, node);
    if (s->friend_number == UINT32_MAX || !tox_bootstrap(s->tox, "127.0.0.1", tox_self_get_udp_port(other->tox, NULL), node, NULL))
        fail("no friend was added");
}

static void iterate(void)
{
    tox_iterate(alice.tox, &alice);
    tox_iterate(bob.tox, &bob);
}

/* rest waits as long as the instances ask for. */
static void rest(void)
{
    uint32_t a = tox_iteration_interval(alice.tox), b = tox_iteration_interval(bob.tox), ms = a < b ? a : b;
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

/* work has both instances work once. */
static void work(bool slowly, int64_t until, const char *failing)
{
    if (slowly)
        rest();
    iterate();
    if (now() > until)
        fail(failing);
}

static void meet(void)
{
    int64_t until = now() + PATIENCE;

    while (!alice.met || !bob.met)
        work(true, until, "the friends do not find each other on loopback");
}

/* say sends n texts, returns when all have come, and says when that began. */
static int64_t say(struct side *from, struct side *to, size_t size, int n, bool slowly)
{
    static const uint8_t text[TOX_MAX_MESSAGE_LENGTH] = {'m'};
    int heard = to->heard + n, i;
    int64_t begin = now(), until = begin + PATIENCE;

    for (i = 0; i < n; i++) {
        while (tox_friend_send_message(from->tox, from->friend_number, TOX_MESSAGE_TYPE_NORMAL, text, size, NULL) == 0)
            work(slowly, until, "a message is not taken");
        from->said++;
    }
    while (to->heard < heard)
        work(slowly, until, "a message does not come");
    return begin;
}

/* settle returns when all that was said is acknowledged. */
static void settle(void)
{
    int64_t until = now() + PATIENCE;

    while (alice.acknowledged < alice.said || bob.acknowledged < bob.said)
        work(false, until, "a receipt does not come");
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

static void print(const char *figure, size_t size, double *took, int n)
{
    static const char *before = "[";

    qsort(took, (size_t)n, sizeof *took, compare);
    printf("%s{\"subject\":\"c-toxcore\",\"figure\":\"%s\",\"size\":%zu,\"samples\":%d,\"median_ns\":%.1f,\"p90_ns\":%.1f,\"p99_ns\":%.1f}", before, figure, size,
           n, took[n / 2], took[n * 9 / 10], took[n * 99 / 100]);
    before = ",";
}

/* one_at_a_time has alice write, or both in turn, each time when the text before has come. */
static void one_at_a_time(const char *figure, size_t size, int times, bool in_turn, bool slowly)
{
    static double took[ALONE];
    int i;

    for (i = 0; i < times; i++) {
        struct side *from = in_turn && i % 2 ? &bob : &alice, *to = from == &alice ? &bob : &alice;
        int64_t begin = say(from, to, size, 1, slowly);
        took[i] = (double)(to->heard_at - begin);
    }
    settle();
    print(figure, size, took, times);
}

/* with_receipts has alice write n texts at once, each time when all before are acknowledged. */
static void with_receipts(const char *heard, const char *acknowledged, size_t size, int times, int n)
{
    static double hears[ALONE], acknowledges[ALONE];
    int i;

    for (i = 0; i < times; i++) {
        int64_t begin = say(&alice, &bob, size, n, false);
        settle();
        hears[i] = (double)(bob.heard_at - begin) / n;
        acknowledges[i] = (double)(alice.acknowledged_at - begin) / n;
    }
    if (heard != NULL)
        print(heard, size, hears, times);
    print(acknowledged, size, acknowledges, times);
}

int main(void)
{
    size_t i;
    int j;

    start(&alice);
    start(&bob);
    befriend(&alice, &bob);
    befriend(&bob, &alice);
    meet();
    for (j = 0; j < WARM_UP; j++)
        say(&alice, &bob, sizes[0], 1, false);
    settle();
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        one_at_a_time("received", sizes[i], ALONE, false, false);
        one_at_a_time("received, ping-pong", sizes[i], ALONE, true, false);
        one_at_a_time("received, at its own pace", sizes[i], SLOW, false, true);
        with_receipts(NULL, "acknowledged", sizes[i], ANSWERED, 1);
        with_receipts("received, 64 at once", "acknowledged, 64 at once", sizes[i], BATCHES, AT_ONCE);
    }
    puts("]");
    tox_kill(alice.tox);
    tox_kill(bob.tox);
    return 0;
}
