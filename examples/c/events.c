/* events.c - what the library tells, as lines on the screen. */

#define _XOPEN_SOURCE 700

#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "json.h"

static char *befriended; /* the contact that was told of last, 0x04... */

/* ---- messages -------------------------------------------------------------- */

/* on_message shows a message. It is read if it is of the chosen chat; others wait as
 * unread. */
static void on_message(const char *message)
{
    char *chat = text_at(message, "chat_id"), *id = text_at(message, "message_id");

    if (!was_shown(id)) {
        show_message("message", message, "");
        if (to == NULL) {
            char *said = text_at(message, "sender_name"), *name = who(chat, said);

            begin_with(chat);
            if (!plain)
                put("(you now write to %s)", name);
            free(said);
            free(name);
        }
        if (strcmp(chat, to) == 0)
            status1to1_free(call("chats.mark_read", format("{\"key\":\"%s\",\"up_to\":\"%s\"}", chat, id)));
    }
    free(chat);
    free(id);
}

/* on_state prints how far a message of ours has come. */
static void on_state(const char *data)
{
    char *id = text_at(data, "message_id"), *state = text_at(data, "state"), *failure = text_at(data, "failure");
    char *waiting = text_at(data, "waiting");
    bool failed = strcmp(state, "failed") == 0, waits = *waiting != '\0';

    follow_delivery(id, state);
    if (plain) {
        put("state\t%s\t%s%s%s", id, state, *failure != '\0' || waits ? "\t" : "", *failure != '\0' ? failure : waiting);
    } else if (strcmp(state, "queued") != 0 || waits) {
        char *answer = try_call("messages.get", format("{\"message_id\":\"%s\"}", id));
        char *why = failed ? format(" (%s; /retry tries again)", failure)
                           : format("%s", waits ? " (waits for a device of theirs to answer)" : "");

        if (json_is(json_get(answer, "ok"), "true")) /* else it was taken back or deleted */
            show_state(json_get(answer, "result"), state, why);
        free(why);
        status1to1_free(answer);
    }
    free(id);
    free(state);
    free(failure);
    free(waiting);
}

/* ---- people and devices ---------------------------------------------------- */

/* on_contact tells when somebody has become a contact. */
static void on_contact(const char *contact)
{
    char *key = text_at(contact, "public_key"), *request = text_at(contact, "request");
    char *trust = text_at(contact, "trust");
    bool mutual = strcmp(request, "mutual") == 0;

    if (plain) {
        put("contact_changed\t%s\t%s\t%s", key, request, trust);
    } else if (mutual && (befriended == NULL || strcmp(befriended, key) != 0)) {
        char *name = called(contact, "");
        put("(%s and you are contacts)", name);
        free(name);
    }
    if (to != NULL && strcmp(to, key) == 0)
        begin_with(key); /* they may have another name now */
    free(request);
    free(trust);
    if (mutual) {
        free(befriended);
        befriended = key;
    } else {
        free(key);
    }
}

static void on_key_exchange(const char *data)
{
    char *key = text_at(data, "public_key"), *kind = text_at(data, "key_exchange"), *cause = text_at(data, "cause");
    char *name = plain ? format("%s", key) : who(key, "");

    if (plain)
        put("key_exchange_changed\t%s\t%s\t%s", name, kind, cause);
    else if (strcmp(cause, "chosen") != 0) /* what was typed here has had its answer */
        put("(messages to %s go by %s now, because %s)", name, kind,
            strcmp(cause, "card") == 0 ? "their card asks for it" : "their device has begun to");
    free(key);
    free(kind);
    free(cause);
    free(name);
}

static void on_device(const char *type, const char *device)
{
    char *id = text_at(device, "installation_id");
    const char *state = json_is(json_get(device, "enabled"), "true") ? "enabled" : "disabled";

    if (strcmp(type, "device_found") == 0 && plain)
        put("device_found\t%s", id);
    else if (strcmp(type, "device_found") == 0 && strcmp(state, "enabled") == 0)
        put("(another device of yours: %s)", id);
    else if (strcmp(type, "device_found") == 0)
        put("(another device of yours: %s\n /devices enable %s if you know it)", id, id);
    else if (plain)
        put("device_changed\t%s\t%s", id, state);
    else if (json_is(json_get(device, "this_device"), "true"))
        put("(this device is now %s)", state);
    else
        put("(your device %s is now %s)", id, state);
    free(id);
}

/* ---- the network ----------------------------------------------------------- */

static void on_network(const char *data)
{
    char *state = text_at(data, "state");

    put(plain ? "network\t%s" : "(the network is %s)", state);
    free(state);
}

static void on_peer(const char *data)
{
    char *id = text_at(data, "peer_id"), *error = text_at(data, "error");

    if (*error != '\0' && !plain)
        put("(peer %s: %s)", id, error);
    free(id);
    free(error);
}

/* on_event handles one event and acknowledges it. */
static void on_event(const char *event)
{
    char *type = text_at(event, "type");
    const char *data = json_get(event, "data");
    long long seq = json_number(json_get(event, "seq"));

    if (strcmp(type, "message_received") == 0)
        on_message(json_get(data, "message"));
    else if (strcmp(type, "message_state") == 0)
        on_state(data);
    else if (strcmp(type, "message_changed") == 0)
        message_event(data);
    else if (strcmp(type, "chat_changed") == 0)
        chat_event(data);
    else if (strcmp(type, "contact_request_received") == 0)
        show_request(json_get(data, "contact"));
    else if (strcmp(type, "contact_changed") == 0)
        on_contact(json_get(data, "contact"));
    else if (strcmp(type, "key_exchange_changed") == 0)
        on_key_exchange(data);
    else if (strcmp(type, "device_found") == 0 || strcmp(type, "device_changed") == 0)
        on_device(type, json_get(data, "device"));
    else if (strcmp(type, "network_changed") == 0)
        on_network(data);
    else if (strcmp(type, "peer_changed") == 0)
        on_peer(data);
    else if (!sync_event(type, data))
        pairing_event(type, data);
    if (seq > 0)
        status1to1_free(call("events.ack", format("{\"up_to\":%lld}", seq)));
    free(type);
}

/* take_events handles what waits. It gives false when the client has ended. */
bool take_events(void)
{
    for (;;) {
        char *answer = status1to1_next_event(client, 0);
        const char *event = json_get(answer, "result");
        bool ended = event == NULL || json_is(json_get(event, "type"), "\"closed\"");

        if (!ended && !json_is(event, "null")) {
            on_event(event);
            status1to1_free(answer);
            continue;
        }
        if (event == NULL)
            put_error(answer);
        else
            status1to1_free(answer);
        if (ended) {
            free(befriended);
            befriended = NULL;
        }
        return !ended;
    }
}
