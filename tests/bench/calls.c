/* How long calls into the library take from C: for `make bench-calls`. It prints one JSON object. */

#define _XOPEN_SOURCE 700

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "status1to1.h"

/* Calls that are measured, and before them those that warm up. */
enum { CALLS = 20000, WARM_UP = 2000 };

/* Calls that take less than the clock are timed together. */
enum { TOGETHER = 100 };

static status1to1_client client;

static int64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* measure prints the percentiles of what a call takes, in ns. */
static void measure(const char *name, void (*call)(void), int together)
{
    static double took[CALLS];
    int i, j;

    for (i = 0; i < WARM_UP; i++)
        call();
    for (i = 0; i < CALLS; i++) {
        int64_t begin = now();
        for (j = 0; j < together; j++)
            call();
        took[i] = (double)(now() - begin) / together;
    }
    qsort(took, CALLS, sizeof *took, compare);
    printf("\"%s\":{\"median_ns\":%.1f,\"p90_ns\":%.1f,\"p99_ns\":%.1f}", name, took[CALLS / 2], took[CALLS * 9 / 10], took[CALLS * 99 / 100]);
}

static volatile uint32_t version;

static void abi_version(void)
{
    version = status1to1_abi_version();
}

/* The least that enters the Go runtime: there is no such client. */
static void enter(void)
{
    version = (uint32_t)status1to1_event_fd(0);
}

static void identity_get(void)
{
    status1to1_free(status1to1_identity_get(client, NULL));
}

static void events_ack(void)
{
    status1to1_free(status1to1_events_ack(client, "{\"up_to\":0}"));
}

static void next_event(void)
{
    status1to1_free(status1to1_next_event(client, 0));
}

int main(void)
{
    status1to1_free(status1to1_open("{\"store\":{\"kind\":\"memory\"},\"network\":{\"kind\":\"memory\"}}", &client));
    if (client == 0)
        return 1;
    status1to1_free(status1to1_identity_create(client, NULL));
    printf("{");
    measure("abi_version", abi_version, TOGETHER);
    printf(",");
    measure("empty", enter, 1);
    printf(",");
    measure("identity.get", identity_get, 1);
    printf(",");
    measure("events.ack", events_ack, 1);
    printf(",");
    measure("next_event", next_event, 1);
    printf("}\n");
    status1to1_free(status1to1_close(client));
    return 0;
}
