/* delivery.c - what becomes of the messages that were sent in this run. */

#define _XOPEN_SOURCE 700

#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "json.h"

enum { MOST = 100000 }; /* messages followed; what pipes more in than that is told less */

/* One message under way: its id, and how far it has come. */
struct sent {
    char *id;
    enum { QUEUED, SENT, DELIVERED, NOT_DELIVERED } state;
};

static struct sent *all;
static int count;

static struct sent *find_sent(const char *message_id)
{
    int i;

    for (i = count - 1; i >= 0; i--)
        if (strcmp(all[i].id, message_id) == 0)
            return &all[i];
    return NULL;
}

/* await_delivery notes a message that is to be delivered. */
void await_delivery(const char *message_id)
{
    struct sent *sent = find_sent(message_id), *more;

    if (sent == NULL) {
        if (count == MOST || (more = realloc(all, ((size_t)count + 1) * sizeof *all)) == NULL)
            return;
        all = more;
        sent = &all[count++];
        sent->id = format("%s", message_id);
    }
    sent->state = QUEUED;
}

/* begin_delivery notes a message that was queued, and says so if it will stay queued. */
void begin_delivery(const char *message)
{
    char *id = text_at(message, "message_id");

    await_delivery(id);
    free(id);
    if (plain) {
        show_message("message", message, "");
    } else {
        char *answer = call("network.status", NULL);

        if (answer != NULL && !json_is(json_get(answer, "result.state"), "\"online\""))
            show_state(message, "queued", "  (waits until somebody can be reached)");
        status1to1_free(answer);
    }
}

/* follow_delivery follows a state of a message. */
void follow_delivery(const char *message_id, const char *state)
{
    struct sent *sent = find_sent(message_id);

    if (sent == NULL)
        return;
    if (strcmp(state, "delivered") == 0)
        sent->state = DELIVERED;
    else if (strcmp(state, "failed") == 0)
        sent->state = NOT_DELIVERED;
    else if (strcmp(state, "queued") == 0) /* it is tried again */
        sent->state = QUEUED;
    else if ((strcmp(state, "sent") == 0 || strcmp(state, "stored") == 0) && sent->state == QUEUED)
        sent->state = SENT;
}

static int in_state(int state)
{
    int found = 0, i;

    for (i = 0; i < count; i++)
        found += (int)all[i].state == state;
    return found;
}

/* undelivered is how many wait to be delivered, unsent how many of them not even the
 * network has. */
int undelivered(void)
{
    return in_state(QUEUED) + in_state(SENT);
}

int unsent(void)
{
    return in_state(QUEUED);
}

/* conclude says what still waits, and gives the exit code; done if it need not be more
 * than sent. */
int conclude(bool done)
{
    int waiting = done ? 0 : undelivered(), failed = in_state(NOT_DELIVERED), i;
    bool one = waiting == 1;

    if (waiting > 0 && plain)
        put("waiting\t%d", waiting);
    else if (waiting > 0)
        put("! %d %s to be delivered: the next start goes on with %s", waiting, one ? "message waits" : "messages wait",
            one ? "it" : "them");
    for (i = 0; i < count; i++)
        free(all[i].id);
    free(all);
    all = NULL;
    count = 0;
    return failed > 0 ? UNDELIVERED : waiting > 0 ? WAITS : DONE;
}
