/* actions.c - what the commands do. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "chat.h"
#include "json.h"

/* ---- whom to write to ------------------------------------------------------ */

/* choose sets whom to write to and shows the chat, unless quietly. It gives false if
 * nobody is meant. */
bool choose(const char *name, bool quietly)
{
    char *key = find(name), *answer, *text;

    if (key == NULL)
        return false;
    if (strncmp(key, "0x04", 4) != 0) {
        answer = call_with("contacts.add", "key", key);
        free(key);
        if (answer == NULL)
            return false;
        key = text_at(answer, "result.public_key");
        status1to1_free(answer);
    }
    begin_with(key);
    free(key);
    if (quietly)
        return true;
    text = who(to, "");
    put(plain ? "to\t%s" : "(you now write to %s)", plain ? to : text);
    free(text);
    if (!plain)
        open_chat(to);
    return true;
}

void run_to(const char *name, const char *argument)
{
    (void)name;
    choose(argument, false);
}

/* somebody tells whether somebody is chosen, and complains if not. */
bool somebody(void)
{
    if (to == NULL)
        complain("nobody", "choose whom to write to first: /to WHO");
    return to != NULL;
}

/* run_about does something about a person: one with this name or key, or the chosen one. */
void run_about(const char *verb, const char *name)
{
    char *key, *method, *answer;

    if (name == NULL && !somebody())
        return;
    key = name != NULL ? find(name) : format("%s", to);
    if (key == NULL)
        return;
    method = format("contacts.%s", verb);
    answer = call_with(method, "key", key);
    if (answer != NULL)
        put(plain ? "%s\t%s" : "(done: %s)", verb, key);
    status1to1_free(answer);
    free(method);
    free(key);
}

void run_add(const char *command, const char *argument)
{
    size_t length = strcspn(argument, " ");
    char *key = format("%.*s", (int)length, argument), *quoted_key = json_quote(key);
    char *name = json_quote(argument + length + strspn(argument + length, " "));
    char *answer = call("contacts.add", format("{\"key\":%s,\"name\":%s}", quoted_key, name));

    (void)command;
    if (answer != NULL)
        put(plain ? "added" : "(added)");
    status1to1_free(answer);
    free(key);
    free(quoted_key);
    free(name);
}

/* run_verify shows the safety number, or checks the one the other side reads out. */
void run_verify(const char *name, const char *number)
{
    char *seen, *quoted, *answer, *text;

    (void)name;
    if (!somebody())
        return;
    if (number == NULL) {
        show_safety_number();
        return;
    }
    if ((seen = text_of(number)) == NULL)
        return;
    quoted = json_quote(seen);
    free(seen);
    answer = call("contacts.verify", format("{\"key\":\"%s\",\"safety_number\":%s}", to, quoted));
    free(quoted);
    if (answer == NULL)
        return;
    text = who(to, "");
    put(plain ? "verify\t%s" : "(%s is verified)", plain ? to : text);
    free(text);
    status1to1_free(answer);
}

/* run_key_exchange shows how messages to the chosen person are encrypted, or changes it. */
void run_key_exchange(const char *name, const char *kind)
{
    char *answer, *quoted, *now, *text;

    (void)name;
    if (!somebody())
        return;
    if (kind == NULL) {
        answer = call_with("contacts.get", "key", to);
    } else {
        quoted = json_quote(kind);
        answer = call("contacts.set_key_exchange", format("{\"key\":\"%s\",\"key_exchange\":%s}", to, quoted));
        free(quoted);
    }
    if (answer == NULL)
        return;
    now = text_at(answer, "result.key_exchange");
    text = called(json_get(answer, "result"), "");
    put(plain ? "key_exchange\t%s\t%s" : "(messages to %s go by %s)", plain ? to : text, now);
    free(now);
    free(text);
    status1to1_free(answer);
}

/* ---- messages -------------------------------------------------------------- */

/* say sends a text by a method that takes the key in a field, and gives the answer. */
static char *say(const char *method, const char *field, const char *text)
{
    char *quoted = json_quote(text), *answer;

    answer = call(method, format("{\"%s\":\"%s\",\"text\":%s}", field, to, quoted));
    free(quoted);
    if (answer != NULL)
        begin_delivery(json_get(answer, "result"));
    return answer;
}

void send_text(const char *text)
{
    if (somebody())
        status1to1_free(say("messages.send", "to", text));
}

/* run_request asks the chosen person to be a contact. */
void run_request(const char *name, const char *text)
{
    char *answer;

    (void)name;
    if (!somebody() || (answer = say("contacts.request", "key", text)) == NULL)
        return;
    if (!plain)
        show_message("message", json_get(answer, "result"), "");
    status1to1_free(answer);
}

void run_chats(const char *name, const char *which)
{
    if (which != NULL && strcmp(which, "archived") != 0)
        wrong_usage(name);
    else
        free(show_chats(MOST_SHOWN, which != NULL));
}

void run_history(const char *name, const char *count)
{
    if (count != NULL && (strspn(count, "0123456789") != strlen(count) || strlen(count) > 9))
        wrong_usage(name);
    else if (somebody())
        show_history(to, count == NULL ? HISTORY_SHOWN : atoi(count));
}

/* own puts the ids of our messages to the chosen person that are in one of some states into
 * ids, the newest first, and returns their number. states has a space around each state. */
static int own(const char *states, char *ids[MOST_SHOWN])
{
    char *answer = call("messages.list", format("{\"key\":\"%s\",\"limit\":%d}", to, MOST_SHOWN));
    const char *item;
    int count = 0;

    for (item = json_first(json_get(answer, "result.items")); item != NULL && count < MOST_SHOWN; item = json_next(item)) {
        char *state = text_at(item, "state"), *word = format(" %s ", state);

        if (json_is(json_get(item, "outgoing"), "true") && strstr(states, word) != NULL)
            ids[count++] = text_at(item, "message_id");
        free(word);
        free(state);
    }
    status1to1_free(answer);
    return count;
}

void run_retry(const char *name, const char *argument)
{
    char *ids[MOST_SHOWN], *answer = NULL;
    int count, tried = 0, i;

    (void)name;
    (void)argument;
    if (!somebody())
        return;
    count = own(" failed ", ids);
    for (i = count - 1; i >= 0; i--) {
        if (tried == count - 1 - i && (answer = call_with("messages.retry", "message_id", ids[i])) != NULL) {
            tried++;
            await_delivery(ids[i]);
            status1to1_free(answer);
        }
        free(ids[i]);
    }
    if (tried == count)
        put(plain ? "retry\t%d" : "(%d tried again)", tried);
}

void run_cancel(const char *name, const char *argument)
{
    char *ids[MOST_SHOWN], *answer;
    int count, i;

    (void)name;
    (void)argument;
    if (!somebody())
        return;
    count = own(" queued sent stored ", ids);
    if (count == 0) {
        complain("nothing", "no message waits");
    } else if ((answer = call_with("messages.cancel", "message_id", ids[0])) != NULL) {
        put(plain ? "cancel\t%s" : "(given up)", ids[0]);
        status1to1_free(answer);
    }
    for (i = 0; i < count; i++)
        free(ids[i]);
}

/* ---- ourselves ------------------------------------------------------------- */

void run_name(const char *command, const char *name)
{
    char *answer;

    (void)command;
    if (name != NULL) {
        if ((answer = call_with("identity.set_display_name", "display_name", name)) == NULL)
            return;
        status1to1_free(answer);
    }
    show_name();
}

/* ask_hidden gives an answer that is not shown; NULL, or "", if there is none. */
static char *ask_hidden(const char *question)
{
    if (at_terminal())
        return ask(question, true);
    complain("terminal", "that needs a terminal");
    return NULL;
}

void run_phrase(const char *name, const char *argument)
{
    char *passphrase = ask_hidden("Passphrase: "), *answer = NULL, *phrase;

    (void)name;
    (void)argument;
    if (passphrase != NULL && *passphrase != '\0')
        answer = call_with("identity.phrase", "passphrase", passphrase);
    if (answer != NULL) {
        phrase = text_at(answer, "result.phrase");
        put("Who has this phrase is you. Keep it, and show it to nobody:\n\n  %s\n", phrase);
        free(phrase);
        status1to1_free(answer);
    }
    free(passphrase);
}

void run_passphrase(const char *name, const char *argument)
{
    char *old = ask_hidden("Passphrase now: "), *new = NULL, *quoted_old, *quoted_new, *answer;

    (void)name;
    (void)argument;
    if (old != NULL && *old != '\0' && (new = new_passphrase("The new one")) != NULL) {
        quoted_old = json_quote(old);
        quoted_new = json_quote(new);
        answer = call("store.change_passphrase", format("{\"passphrase\":%s,\"new_passphrase\":%s}", quoted_old, quoted_new));
        if (answer != NULL)
            put("(the new passphrase opens the store from now on)");
        status1to1_free(answer);
        free(quoted_old);
        free(quoted_new);
    }
    free(old);
    free(new);
}

void refuse_restore(void)
{
    complain("identity_exists", "there is an identity here already: /restore is for the first start with another --data");
}

/* device is the id of a device that is meant by its number in the list, or by its id. */
static char *device(const char *which)
{
    char *answer, *id = NULL;
    const char *item;
    int number;

    if (strspn(which, "0123456789") != strlen(which) || strlen(which) > 2)
        return format("%s", which);
    if ((answer = call("devices.list", NULL)) == NULL)
        return NULL;
    number = atoi(which);
    for (item = json_first(json_get(answer, "result.devices")); item != NULL && id == NULL; item = json_next(item))
        if (--number == 0)
            id = text_at(item, "installation_id");
    status1to1_free(answer);
    return id != NULL ? id : format("%s", which);
}

void run_devices(const char *name, const char *argument)
{
    bool enable = argument != NULL && strncmp(argument, "enable ", 7) == 0;
    bool disable = argument != NULL && strncmp(argument, "disable ", 8) == 0;
    const char *verb = enable ? "enable" : "disable";
    char *id, *method, *answer;

    if (argument == NULL) {
        show_devices();
    } else if (!enable && !disable) {
        wrong_usage(name);
    } else if ((id = device(argument + strlen(verb) + 1)) != NULL) {
        method = format("devices.%s", verb);
        if ((answer = call_with(method, "installation_id", id)) != NULL)
            put(plain ? "devices\t%s\t%s" : "(done: %s)", verb, id);
        status1to1_free(answer);
        free(method);
        free(id);
    }
}

/* ---- lists and the network --------------------------------------------------- */

void run_list(const char *name, const char *argument)
{
    static const struct {
        const char *name;
        void (*show)(void);
    } lists[] = {
        {"contacts", show_contacts}, {"requests", show_requests},
        {"me", show_me}, {"sessions", show_sessions}, {"restore", refuse_restore},
    };
    size_t i;

    (void)argument;
    for (i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, name) == 0)
            lists[i].show();
}

void run_net(const char *name, const char *argument)
{
    (void)name;
    (void)argument;
    show_network(true);
}

void run_connect(const char *name, const char *address)
{
    char *answer = call_with("network.connect", "address", address);

    (void)name;
    if (answer != NULL)
        put(plain ? "connect\t%s" : "(the connection is being made; /net shows it)", address);
    status1to1_free(answer);
}
