/* show.c - what lists and messages look like: tab-separated fields for programs, or texts
 * for people. In a pattern for people, %.0s passes over a field that is for programs. */

#define _XOPEN_SOURCE 700

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "json.h"

enum { LAST_SHOWN = 40 }; /* characters of the last message of a chat */

static char *seen[MOST_SHOWN]; /* ids of the messages that a history has shown */
static int seen_count;

/* text_at is the string at path, on the heap, tamed for people. */
char *text_at(const char *json, const char *path)
{
    char *raw = json_text(json_get(json, path)), *tamed;

    if (plain)
        return raw;
    tamed = tame(raw);
    free(raw);
    return tamed;
}

/* complain says what is wrong with what was typed. */
void complain(const char *code, const char *pattern, ...)
{
    char message[4096];
    va_list args;

    va_start(args, pattern);
    vsnprintf(message, sizeof message, pattern, args);
    va_end(args);
    if (plain)
        put("error\t%s\t\t%s", code, message);
    else
        put("! %s", message);
}

/* put_error says what a call failed with, and frees the answer. */
void put_error(char *answer)
{
    char *code = text_at(answer, "error.code"), *field = text_at(answer, "error.field");
    char *message = text_at(answer, "error.message");

    if (plain)
        put("error\t%s\t%s\t%s", code, field, message);
    else if (*field != '\0')
        put("! %s: %s (%s)", field, message, code);
    else
        put("! %s (%s)", message, code);
    free(code);
    free(field);
    free(message);
    status1to1_free(answer);
}

/* ---- messages -------------------------------------------------------------- */

/* was_shown tells whether the last history that was shown had a message. */
bool was_shown(const char *message_id)
{
    int i;

    for (i = 0; i < seen_count; i++)
        if (strcmp(seen[i], message_id) == 0)
            return true;
    return false;
}

/* show_history prints the last messages with somebody, oldest first. */
void show_history(const char *key, int count)
{
    char *answer = count == 0 ? format("{}") : NULL;
    const char *items[MOST_SHOWN], *item;
    int n = 0;

    if (answer == NULL)
        answer = call("messages.list", format("{\"key\":\"%s\",\"limit\":%d}", key, count < MOST_SHOWN ? count : MOST_SHOWN));
    if (answer == NULL)
        return;
    while (seen_count > 0)
        free(seen[--seen_count]);
    for (item = json_first(json_get(answer, "result.items")); item != NULL && n < MOST_SHOWN; item = json_next(item)) {
        seen[seen_count++] = text_at(item, "message_id");
        items[n++] = item;
    }
    while (n > 0)
        show_message("history", items[--n], "");
    if (plain)
        put("history_end");
    if (count == 0)
        free(answer);
    else
        status1to1_free(answer);
}

/* add_word appends a word to a list of them, if it holds. */
static void add_word(char **list, const char *between, const char *word, bool holds)
{
    if (!holds)
        return;
    append(list, **list != '\0' ? between : "");
    append(list, word);
}

/* news is what is to be known of a chat before its last message, for people. */
static char *news(const char *chat)
{
    long long unread = json_number(json_get(chat, "unread")), mentions = json_number(json_get(chat, "mentions"));
    char *count = unread > 0 ? format("  %lld unread", unread)
                             : format("%s", json_is(json_get(chat, "marked_unread"), "true") ? "  unread" : "");
    char *named = mentions > 0 ? format(", %lld name%s you", mentions, mentions == 1 ? "s" : "") : format("%s", "");
    char *aside = format("%s", ""), *text;

    add_word(&aside, ", ", "muted", json_is(json_get(chat, "muted"), "true"));
    add_word(&aside, ", ", "archived", json_is(json_get(chat, "archived"), "true"));
    text = *aside != '\0' ? format("%s%s  (%s)", count, named, aside) : format("%s%s", count, named);
    free(count);
    free(named);
    free(aside);
    return text;
}

static void show_chat(const char *chat)
{
    char *id = text_at(chat, "chat_id"), *chat_key = text_at(chat, "chat_key"), *name = who(id, "");
    const char *last = json_get(chat, "last_message");
    char *brief = last == NULL ? format("%s", "") : said_brief(last, LAST_SHOWN), *standing = format("%s", ""), *text = news(chat);

    add_word(&standing, "", "\tmarked", json_is(json_get(chat, "marked_unread"), "true"));
    add_word(&standing, "", "\tmuted", json_is(json_get(chat, "muted"), "true"));
    add_word(&standing, "", "\tarchived", json_is(json_get(chat, "archived"), "true"));
    if (plain)
        put("chat\t%s\t%s\t%s\t%lld\t%lld\t%lld%s", id, chat_key, name, json_number(json_get(chat, "unread")),
            json_number(json_get(chat, "messages")), json_number(json_get(chat, "mentions")), standing);
    else
        put("  %s%s  %s", name, text, brief);
    free(id);
    free(chat_key);
    free(name);
    free(brief);
    free(standing);
    free(text);
}

/* show_chats prints the conversations, the newest first, or those of the archive. It gives the
 * key of the newest, or NULL. */
char *show_chats(int most, bool archived)
{
    char *answer = call("chats.list", format("{\"limit\":%d,\"archived\":%s}", most, archived ? "true" : "false")), *newest = NULL;
    const char *item;

    if (answer == NULL)
        return NULL;
    for (item = json_first(json_get(answer, "result.items")); item != NULL; item = json_next(item)) {
        if (newest == NULL)
            newest = text_at(item, "chat_key");
        show_chat(item);
    }
    if (plain)
        put("chat_end");
    else if (newest == NULL)
        put(archived ? "(nothing is archived)" : "(no conversation yet: /to WHO begins one)");
    status1to1_free(answer);
    return newest;
}

/* ---- people ---------------------------------------------------------------- */

static void show_contact(const char *contact, void *state)
{
    char *chat_key = text_at(contact, "chat_key"), *name = called(contact, ""), *trust = text_at(contact, "trust");

    (void)state;
    put(plain ? "contact\t%s\t%s\t%s" : "  %s  %s (%s)", chat_key, name, trust);
    free(chat_key);
    free(name);
    free(trust);
}

void show_contacts(void)
{
    every("contacts.list", "", show_contact, NULL);
}

/* show_request prints who asks to be a contact. */
void show_request(const char *contact)
{
    char *key = text_at(contact, "public_key"), *chat_key = text_at(contact, "chat_key"), *name = called(contact, "");

    if (plain)
        put("request\t%s\t%s\t%s", key, chat_key, name);
    else
        put("(%s asks to be your contact: /accept %s or /decline %s)", name, name, name);
    free(key);
    free(chat_key);
    free(name);
}

static void show_if_asking(const char *contact, void *state)
{
    if (!json_is(json_get(contact, "request"), "\"received\""))
        return;
    show_request(contact);
    ++*(int *)state;
}

static void show_stranger(const char *chat, void *state)
{
    char *id = text_at(chat, "chat_id"), *chat_key = text_at(chat, "chat_key"), *raw = text_at(chat, "name");
    char *name = label(raw, chat_key), *contact = call_with("contacts.get", "key", id);
    long long messages = json_number(json_get(chat, "messages"));
    bool asks = contact != NULL && json_is(json_get(contact, "result.request"), "\"received\"");

    if (!asks) { /* else they are listed already */
        if (plain)
            put("stranger\t%s\t%s\t%s\t%lld", id, chat_key, name, messages);
        else
            put("  %s, a stranger, has written %lld: /add %s shows it", name, messages, chat_key);
        ++*(int *)state;
    }
    free(id);
    free(chat_key);
    free(raw);
    free(name);
    status1to1_free(contact);
}

/* keeps_strangers tells whether the library keeps chats of strangers apart. */
static bool keeps_strangers(void)
{
    char *answer = try_call("chats.list", format("{\"limit\":1,\"requests\":true}"));
    bool known = !json_is(json_get(answer, "error.code"), "\"unknown_field\"");

    status1to1_free(answer);
    return known;
}

/* show_requests prints who asks to be a contact, and the strangers whose messages wait. */
void show_requests(void)
{
    int shown = 0;

    if (!every("contacts.list", "", show_if_asking, &shown))
        return;
    if (keeps_strangers() && !every("chats.list", ",\"requests\":true", show_stranger, &shown))
        return;
    if (plain)
        put("request_end");
    else if (shown == 0)
        put("(nobody asks)");
}

/* show_safety_number prints what to compare with the chosen person. */
void show_safety_number(void)
{
    char *answer = call_with("contacts.safety_number", "key", to), *number, *name, *code;

    if (answer == NULL)
        return;
    number = text_at(answer, "result.safety_number");
    name = who(to, "");
    code = qr_lines(number);
    if (plain)
        put("safety_number\t%s", number);
    else
        put("Compare with what %s sees:\n  %s\n%s\nIf it is the same, /verify and the number they read out, or a photo of their code.", name, number, code);
    free(number);
    free(name);
    free(code);
    status1to1_free(answer);
}

/* ---- ourselves ------------------------------------------------------------- */

void show_me(void)
{
    char *profile = call("profile.get", NULL), *identity = profile == NULL ? NULL : call("identity.get", NULL);
    char *link = text_at(profile, "result.link"), *chat_key = text_at(identity, "result.chat_key");

    if (identity != NULL && plain)
        put("link\t%s", link);
    else if (identity != NULL)
        put("You are %s\nLink to you: %s", chat_key, link);
    free(link);
    free(chat_key);
    status1to1_free(profile);
    status1to1_free(identity);
}

void show_name(void)
{
    char *answer = call("identity.get", NULL), *raw = text_at(answer, "result.display_name"), *name = tame_name(raw);

    if (answer != NULL && (plain || *name != '\0'))
        put(plain ? "name\t%s" : "You call yourself %s", name);
    else if (answer != NULL)
        put("You have no name: /name NAME");
    free(raw);
    free(name);
    status1to1_free(answer);
}

static void show_device(const char *device, int number)
{
    char *id = text_at(device, "installation_id"), *raw = text_at(device, "name"), *name = tame_name(raw);
    const char *state = json_is(json_get(device, "enabled"), "true") ? "enabled" : "disabled";
    bool this = json_is(json_get(device, "this_device"), "true");

    if (plain)
        put("device\t%s\t%s\t%s\t%s", id, state, this ? "this" : "other", name);
    else
        put("  %d  %s  %s%s%s%s", number, id, state, this ? ", this device" : "", *name != '\0' ? "  " : "", name);
    free(id);
    free(raw);
    free(name);
}

void show_devices(void)
{
    char *answer = call("devices.list", NULL);
    const char *item;
    int number = 0;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.devices")); item != NULL; item = json_next(item))
        show_device(item, ++number);
    if (plain)
        put("device_end");
    status1to1_free(answer);
}

void show_sessions(void)
{
    char *answer = call("sessions.list", NULL);
    const char *item;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.sessions")); item != NULL; item = json_next(item)) {
        char *key = text_at(item, "public_key"), *id = text_at(item, "session_id"), *state = text_at(item, "state");
        char *name = plain ? format("%s", key) : who(key, ""), *kind = text_at(item, "key_exchange");

        put(plain ? "session\t%s\t%s\t%s\t%s" : "  with %s: %s (%s, %s)", name, id, state, kind);
        free(kind);
        free(key);
        free(id);
        free(state);
        free(name);
    }
    if (plain)
        put("session_end");
    status1to1_free(answer);
}

/* show_network prints own addresses, and peers if asked to. */
void show_network(bool peers)
{
    char *answer = call("network.status", NULL), *state = text_at(answer, "result.state");
    const char *addresses = json_first(json_get(answer, "result.listen_addresses")), *item;
    bool light = json_is(json_get(answer, "result.mode"), "\"light\"");

    if (answer != NULL && peers)
        put(plain ? "network\t%s" : "The network is %s%s", state, light ? " (light mode)" : "");
    for (item = addresses; item != NULL; item = json_next(item)) {
        char *address = json_text(item);
        put(plain ? "address\t%s" : "Others reach you at %s", address);
        free(address);
    }
    if (answer != NULL && addresses == NULL)
        put(plain ? "no_address" : "Nobody can connect to you (%s), but you connect to others.", light ? "in light mode" : "give --listen");
    for (item = json_first(json_get(answer, "result.peers")); peers && item != NULL; item = json_next(item)) {
        char *id = text_at(item, "peer_id");
        bool connected = json_is(json_get(item, "connected"), "true");
        put(plain ? "peer\t%s\t%s" : "  peer %s %s", id, connected ? "connected" : "not connected");
        free(id);
    }
    free(state);
    status1to1_free(answer);
}
