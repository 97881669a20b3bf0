/* people.c - what people are called, and who is meant by a name. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "json.h"

enum { LOOKED_AT = 10 }; /* messages, for the name of who wrote one of them */

/* What a name is never shown as alone: how the program speaks of its user and of others. */
static const char *const own_words[] = {"you", "me", "nobody", "somebody", "everybody"};

/* What the program's own lines are built with: a name that has it could end one, and begin
 * another. */
static const char own_signs[] = "()[]<>:!/";
static const char *const own_marks[] = {"✓", "✗", "…"};

static char *short_key(const char *chat_key)
{
    size_t length = strlen(chat_key);

    return format("zQ3sh..%s", length > 6 ? chat_key + length - 6 : "?");
}

/* doubtful tells whether a tamed name could be taken for something else. */
static bool doubtful(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof own_words / sizeof *own_words; i++)
        if (same(name, own_words[i]))
            return true;
    for (i = 0; i < sizeof own_marks / sizeof *own_marks; i++)
        if (strstr(name, own_marks[i]) != NULL)
            return true;
    return starts(name, "zQ3sh") || strpbrk(name, own_signs) != NULL;
}

/* label is what to call somebody: their tamed name, with their short key if it could be
 * taken for something else, or only the key. */
char *label(const char *name, const char *chat_key)
{
    char *tamed = tame_name(name), *key = short_key(chat_key), *text;

    if (*tamed == '\0')
        text = format("%s", key);
    else
        text = doubtful(tamed) ? format("%s (%s)", tamed, key) : format("%s", tamed);
    free(tamed);
    free(key);
    return text;
}

/* name_at is the tamed name at path. */
static char *name_at(const char *json, const char *path)
{
    char *raw = json_text(json_get(json, path)), *tamed = tame_name(raw);

    free(raw);
    return tamed;
}

/* said_by is the name on the last message of somebody. */
static char *said_by(const char *contact)
{
    char *key = json_text(json_get(contact, "public_key")), *said = format("%s", "");
    char *answer = try_call("messages.list", format("{\"key\":\"%s\",\"limit\":%d}", key, LOOKED_AT));
    const char *item = json_first(json_get(answer, "result.items"));

    for (; item != NULL && *said == '\0'; item = json_next(item)) {
        if (json_is(json_get(item, "outgoing"), "false")) {
            free(said);
            said = json_text(json_get(item, "sender_name"));
        }
    }
    free(key);
    status1to1_free(answer);
    return said;
}

/* own_name is what somebody calls themselves. said is the name on a message of theirs, ""
 * if unknown: a message may have told it before all else. */
static char *own_name(const char *contact, const char *said)
{
    char *own = name_at(contact, "display_name"), *raw;

    if (*own != '\0')
        return own;
    free(own);
    raw = *said != '\0' ? format("%s", said) : said_by(contact);
    own = tame_name(raw);
    free(raw);
    return own;
}

/* called is what we call a contact: our name for them, what they call themselves, or the
 * end of their key. */
char *called(const char *contact, const char *said)
{
    char *given_name = name_at(contact, "name"), *own = own_name(contact, said);
    char *key = json_text(json_get(contact, "chat_key"));
    char *text = label(*given_name != '\0' ? given_name : own, key);

    free(given_name);
    free(own);
    free(key);
    return text;
}

/* who is what we call the person with a key. */
char *who(const char *key, const char *said)
{
    char *quoted = json_quote(key), *answer = try_call("contacts.get", format("{\"key\":%s}", quoted));
    const char *contact = json_get(answer, "result");
    char *text = contact == NULL ? format("zQ3sh..?") : called(contact, said);

    free(quoted);
    status1to1_free(answer);
    return text;
}

/* ---- who is meant ---------------------------------------------------------- */

/* A search for a name. Names we gave, and short keys, go before those that people gave
 * themselves. */
struct search {
    const char *wanted;
    int ours, theirs;
    char *our_key, *their_key;     /* the last found, 0x04... */
    char *our_names, *their_names; /* all found, for a complaint */
};

static void note(int *count, char **key, char **names, const char *contact)
{
    char *name = called(contact, ""), *chat_key = json_text(json_get(contact, "chat_key"));
    char *more = format("%s%s %s", *count > 0 ? ", " : "", name, chat_key);

    free(*key);
    *key = json_text(json_get(contact, "public_key"));
    append(names, more);
    ++*count;
    free(name);
    free(chat_key);
    free(more);
}

static void compare(const char *contact, void *state)
{
    struct search *search = state;
    char *given_name = name_at(contact, "name"), *own = own_name(contact, "");
    char *chat_key = json_text(json_get(contact, "chat_key")), *key = short_key(chat_key);
    char *given_and_key = format("%s (%s)", given_name, key), *own_and_key = format("%s (%s)", own, key);

    if (same(search->wanted, given_name) || same(search->wanted, key) || same(search->wanted, given_and_key) ||
        same(search->wanted, own_and_key))
        note(&search->ours, &search->our_key, &search->our_names, contact);
    else if (same(search->wanted, own))
        note(&search->theirs, &search->their_key, &search->their_names, contact);
    free(given_name);
    free(own);
    free(chat_key);
    free(key);
    free(given_and_key);
    free(own_and_key);
}

/* looks_like_key tells whether a text is meant as a key, a link or an ENS name rather than
 * as a name. */
static bool looks_like_key(const char *text)
{
    size_t length = strlen(text);

    return strncmp(text, "zQ3sh", 5) == 0 || strncmp(text, "0x", 2) == 0 || strncmp(text, "http", 4) == 0 ||
           strstr(text, "status.app") != NULL || (length > 4 && strcmp(text + length - 4, ".eth") == 0);
}

/* find is the key of somebody by name, or what seems to be a key; NULL after a complaint. */
char *find(const char *name)
{
    struct search search = {.our_names = format("%s", ""), .their_names = format("%s", "")};
    char *wanted = tame_name(name), *found = NULL;

    search.wanted = wanted;
    if (*wanted == '\0' || !every("contacts.list", "", compare, &search))
        complain("not_found", "that is no name");
    else if (search.ours == 1)
        found = format("%s", search.our_key);
    else if (search.ours == 0 && search.theirs == 1)
        found = format("%s", search.their_key);
    else if (search.ours + search.theirs > 0)
        complain("ambiguous", "several are called %s: %s", wanted, search.ours > 0 ? search.our_names : search.their_names);
    else if (looks_like_key(name))
        found = format("%s", name);
    else
        complain("not_found", "no contact is called %s; give a name of /contacts, a key or a link", wanted);
    free(search.our_key);
    free(search.their_key);
    free(search.our_names);
    free(search.their_names);
    free(wanted);
    return found;
}

/* ---- completion ------------------------------------------------------------ */

struct completion {
    const char *typed;
    void (*add)(const char *name);
};

static void offer(const char *contact, void *state)
{
    struct completion *completion = state;
    char *name = called(contact, "");

    if (starts(name, completion->typed))
        completion->add(name);
    free(name);
}

/* complete_names adds the names that begin so. */
void complete_names(const char *typed, void (*add)(const char *name))
{
    struct completion completion = {typed, add};

    every("contacts.list", "", offer, &completion);
}
