/* Two clients in one poll() loop, without threads: Alice says hello, Bob answers, both say what
 * they read. Needs this file, ../json.h and the library:
 *     cc poll.c $(pkg-config --cflags --libs status1to1) */
#include <poll.h>
#include <stdio.h>

#include "../json.h"
#include "status1to1.h"

enum { ALICE, BOB, CLIENTS, PATIENCE_MS = 30000 };

static const char *const names[CLIENTS] = {"Alice", "Bob"};
static int heard; /* messages that were read */

/* done frees an answer that should be a success; if it is not, the program ends. */
static void done(char *answer)
{
    if (!json_is(json_get(answer, "ok"), "true")) {
        fprintf(stderr, "%s\n", answer);
        exit(1);
    }
    status1to1_free(answer);
}

/* say sends text to the person whose key is the JSON string at key. */
static void say(status1to1_client client, const char *key, const char *text)
{
    char *to = json_text(key), params[1024];

    snprintf(params, sizeof params, "{\"to\":\"%s\",\"text\":\"%s\"}", to, text);
    free(to);
    done(status1to1_messages_send(client, params));
}

/* handle does what an event asks for, then acknowledges it. */
static void handle(int who, status1to1_client client, const char *event)
{
    long long seq = json_number(json_get(event, "result.seq"));
    char params[64];

    if (json_is(json_get(event, "result.type"), "\"message_received\"")) {
        char *text = json_text(json_get(event, "result.data.message.text"));

        printf("%s reads: %s\n", names[who], text);
        free(text);
        if (who == BOB)
            say(client, json_get(event, "result.data.message.from"), "Hello, Alice!");
        heard++;
    }
    if (seq > 0) { /* the others are not stored */
        snprintf(params, sizeof params, "{\"up_to\":%lld}", seq);
        done(status1to1_events_ack(client, params));
    }
}

/* drain handles the events that wait, until there is none. */
static void drain(int who, status1to1_client client)
{
    for (;;) {
        char *event = status1to1_next_event(client, 0);
        bool some = json_is(json_get(event, "result"), "{");

        if (some)
            handle(who, client, event);
        status1to1_free(event);
        if (!some)
            return;
    }
}

/* A network within this process. On that of Status: "store":{"path":"alice.db","passphrase":"..."}
 * and "network":{"preset":"status.prod"}. */
static const char config[] = "{\"store\":{\"kind\":\"memory\"},\"network\":{\"kind\":\"memory\"}}";

int main(void)
{
    status1to1_client clients[CLIENTS];
    struct pollfd waiting[CLIENTS];
    int i;

    for (i = 0; i < CLIENTS; i++) {
        done(status1to1_open(config, &clients[i]));
        waiting[i].fd = status1to1_event_fd(clients[i]);
        waiting[i].events = POLLIN;
    }
    done(status1to1_identity_create(clients[ALICE], NULL));
    char *bob = status1to1_identity_create(clients[BOB], NULL);
    say(clients[ALICE], json_get(bob, "result.identity.chat_key"), "Hello, Bob!");
    done(bob);
    while (heard < CLIENTS && poll(waiting, CLIENTS, PATIENCE_MS) > 0)
        for (i = 0; i < CLIENTS; i++)
            drain(i, clients[i]);
    for (i = 0; i < CLIENTS; i++)
        done(status1to1_close(clients[i]));
    return heard == CLIENTS ? 0 : 1;
}
