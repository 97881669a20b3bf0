/* said.c - what a message looks like, and the number it is called by: it is given one when it
 * is shown for the first time. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chat.h"
#include "json.h"

enum { QUOTED = 50, /* characters of a message that is answered */ STATE_SHOWN = 40 /* of one whose state has changed */ };

/* ---- numbers --------------------------------------------------------------- */

static char **ids; /* of the messages with the numbers 1, 2, ... */
static int numbered;

/* number_of is the number of a message. */
static int number_of(const char *message_id)
{
    char **more;
    int i;

    for (i = numbered - 1; i >= 0; i--)
        if (strcmp(ids[i], message_id) == 0)
            return i + 1;
    if ((more = realloc(ids, ((size_t)numbered + 1) * sizeof *ids)) == NULL)
        abort();
    ids = more;
    ids[numbered++] = format("%s", message_id);
    return numbered;
}

int message_number(const char *message)
{
    char *id = text_at(message, "message_id");
    int number = number_of(id);

    free(id);
    return number;
}

/* numbered_message is the id of the message that a word means, on the heap: its number, with
 * a # before it or not, or the id itself. NULL if there is no such number. */
char *numbered_message(const char *word)
{
    int number;

    if (strncmp(word, "0x", 2) == 0)
        return strspn(word + 2, "0123456789abcdefABCDEF") == strlen(word + 2) ? format("%s", word) : NULL;
    word += *word == '#';
    if (*word == '\0' || strlen(word) > 9 || strspn(word, "0123456789") != strlen(word))
        return NULL;
    number = atoi(word);
    return number >= 1 && number <= numbered ? format("%s", ids[number - 1]) : NULL;
}

/* ---- for people ------------------------------------------------------------ */

static void clock_text(long long ms, char out[16])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    localtime_r(&seconds, &tm);
    strftime(out, 16, "%H:%M:%S", &tm);
}

static const char *mark(const char *state)
{
    static const struct {
        const char *state, *mark;
    } marks[] = {{"queued", "…"}, {"sent", "✓"}, {"stored", "✓…"}, {"delivered", "✓✓"}, {"failed", "✗"}};
    size_t i;

    for (i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcmp(state, marks[i].state) == 0)
            return marks[i].mark;
    return "";
}

static bool flag(const char *json, const char *name)
{
    return json_is(json_get(json, name), "true");
}

/* there tells whether a member is there and not null. */
static bool there(const char *json, const char *name)
{
    const char *value = json_get(json, name);

    return value != NULL && !json_is(value, "null");
}

static char *author(const char *message)
{
    char *from, *said, *name;

    if (flag(message, "outgoing"))
        return format("you");
    from = text_at(message, "from");
    said = text_at(message, "sender_name");
    name = who(from, said);
    free(from);
    free(said);
    return name;
}

/* said_text is what a message says, on one line. */
char *said_text(const char *message)
{
    char *text, *raw, *user, *whole;
    const char *kind = json_get(message, "kind");

    if (there(message, "deleted"))
        return format("(deleted)");
    if (json_is(kind, "\"sticker\""))
        return format("(a sticker)");
    text = text_at(message, "text");
    if (json_is(kind, "\"unsupported\"") && *text == '\0') {
        free(text);
        return format("(something this version cannot show)");
    }
    raw = json_text(json_get(message, "bridge.user"));
    user = tame_name(raw);
    whole = format("%s%s%s%s", json_is(kind, "\"contact_request\"") ? "(contact request) " : "", user,
                   *user != '\0' ? ", from elsewhere: " : "", text);
    free(text);
    free(raw);
    free(user);
    return whole;
}

/* size_text is a number of bytes, for people. */
static char *size_text(long long size)
{
    static const char *const units[] = {"KB", "MB", "GB"};
    double number = (double)size / 1024;
    int i = 0;

    if (size < 1024)
        return format("%lld bytes", size);
    for (; number >= 1024 && i < 2; i++)
        number /= 1024;
    return format("%.1f %s", number, units[i]);
}

/* attachment_text says what an attachment is. */
char *attachment_text(const char *attachment)
{
    const char *kind = json_get(attachment, "kind");
    char *raw = json_text(json_get(attachment, "name")), *name = tame_name(raw);
    char *size = size_text(json_number(json_get(attachment, "size"))), *state = text_at(attachment, "state"), *more;
    long long width = json_number(json_get(attachment, "width")), ms = json_number(json_get(attachment, "duration_ms"));
    char *text = format("%s %s, %s", json_is(kind, "\"image\"") ? "picture" : json_is(kind, "\"audio\"") ? "recording" : "file", name, size);

    if (width > 0) {
        more = format(", %lld x %lld", width, json_number(json_get(attachment, "height")));
        append(&text, more);
        free(more);
    }
    if (ms > 0) {
        more = format(", %.0f s", (double)ms / 1000);
        append(&text, more);
        free(more);
    }
    if (strcmp(state, "stored") != 0) {
        append(&text, ", ");
        append(&text, state);
    }
    free(raw);
    free(name);
    free(size);
    free(state);
    return text;
}

/* said_brief is the beginning of what a message says; of a picture without a text, what it is. */
char *said_brief(const char *message, int characters)
{
    char *text = said_text(message), *begin, *brief, *one;
    const char *item;

    for (item = *text == '\0' ? json_first(json_get(message, "attachments")) : NULL; item != NULL; item = json_next(item)) {
        one = attachment_text(item);
        if (*text != '\0')
            append(&text, ", ");
        append(&text, one);
        free(one);
    }
    begin = cut(text, characters);
    brief = format("%s%s", begin, strlen(begin) < strlen(text) ? "..." : "");
    free(begin);
    free(text);
    return brief;
}

/* put_quote prints the message that another one answers. */
static void put_quote(const char *message_id)
{
    char *answer = try_call("messages.get", format("{\"message_id\":\"%s\"}", message_id)), *name, *brief;
    const char *found = json_get(answer, "result");

    if (found == NULL) {
        put("    > (a message that is not here)");
    } else {
        name = author(found);
        brief = said_brief(found, QUOTED);
        put("    > %s: %s", name, brief);
        free(name);
        free(brief);
    }
    status1to1_free(answer);
}

/* seen_before tells whether an item has the same emoji as an earlier one of the array. */
static bool seen_before(const char *array, const char *item, const char *emoji)
{
    const char *other;
    bool found = false;

    for (other = json_first(array); other != NULL && other != item && !found; other = json_next(other)) {
        char *same_emoji = text_at(other, "emoji");

        found = strcmp(same_emoji, emoji) == 0;
        free(same_emoji);
    }
    return found;
}

/* reactor is who put an emoji under a message. */
static char *reactor(const char *message, const char *reaction)
{
    char *from = text_at(reaction, "from"), *by = text_at(message, "from"), *name;
    bool mine = (strcmp(from, by) == 0) == flag(message, "outgoing");

    name = mine ? format("you") : who(from, "");
    free(from);
    free(by);
    return name;
}

/* reactions_text is who put which emoji under a message: "👍 you, Bob  😂 Bob". */
char *reactions_text(const char *message)
{
    const char *array = json_get(message, "reactions"), *item, *other;
    char *text = format("%s", "");

    for (item = json_first(array); item != NULL; item = json_next(item)) {
        char *emoji = text_at(item, "emoji");
        const char *before = " ";

        if (!seen_before(array, item, emoji)) {
            append(&text, *text != '\0' ? "  " : "");
            append(&text, emoji);
            for (other = item; other != NULL; other = json_next(other)) {
                char *same_emoji = text_at(other, "emoji"), *name = reactor(message, other);

                if (strcmp(same_emoji, emoji) == 0) {
                    append(&text, before);
                    append(&text, name);
                    before = ", ";
                }
                free(same_emoji);
                free(name);
            }
        }
        free(emoji);
    }
    return text;
}

/* marks_text is what else is to be known of a message: " (edited, pinned)". */
static char *marks_text(const char *message)
{
    long long until = json_number(json_get(message, "expires_at"));
    char *text = format("%s", ""), *whole, *more, time[16];

    if (there(message, "edited"))
        append(&text, ", edited");
    if (flag(message, "pinned"))
        append(&text, ", pinned");
    if (until > 0) {
        clock_text(until, time);
        more = format(", until %s", time);
        append(&text, more);
        free(more);
    }
    whole = *text == '\0' ? format("%s", "") : format(" (%s)", text + 2);
    free(text);
    return whole;
}

/* for_people prints a message as lines of the chat. */
static void for_people(const char *message, const char *whose)
{
    char *text = said_text(message), *state = text_at(message, "state"), *failure = text_at(message, "failure");
    char *answers = text_at(message, "reply_to"), *name = author(message), *marks = marks_text(message);
    char *reactions = reactions_text(message), *line, time[16];
    bool outgoing = flag(message, "outgoing"), failed = strcmp(state, "failed") == 0;
    int number = message_number(message);
    const char *item;

    clock_text(json_number(json_get(message, "sent_at")), time);
    if (*answers != '\0')
        put_quote(answers);
    put("%s[%s #%d] %s: %s%s%s%s%s%s%s", whose, time, number, name, text, marks, outgoing ? "  " : "", outgoing ? mark(state) : "",
        failed ? " (" : "", failed ? failure : "", failed ? ")" : "");
    for (item = json_first(json_get(message, "attachments")); item != NULL; item = json_next(item)) {
        line = attachment_text(item);
        put("    %s: /open %d shows it", line, number);
        free(line);
    }
    if (*reactions != '\0')
        put("    %s", reactions);
    free(text);
    free(state);
    free(failure);
    free(answers);
    free(name);
    free(marks);
    free(reactions);
}

/* ---- for programs ---------------------------------------------------------- */

/* add_member appends the member of an object, if there is something to say in it. */
static void add_member(char **to_text, const char *json, const char *name)
{
    const char *value = json_get(json, name);
    char *member;

    if (value == NULL || json_is(value, "null") || json_is(value, "false") || json_is(value, "\"\"") || json_is(value, "[]"))
        return;
    value = json_space(value);
    member = format("%s\"%s\":%.*s", (*to_text)[strlen(*to_text) - 1] == '{' ? "" : ",", name, (int)(json_skip(value) - value), value);
    append(to_text, member);
    free(member);
}

/* rest_of is what is to be said of a message beside its text, as JSON. */
static char *rest_of(const char *message)
{
    static const char *const names[] = {"kind", "reply_to", "edited", "deleted", "reactions", "pinned", "expires_at"};
    static const char *const of_attachments[] = {"attachment_id", "kind", "name", "size", "state"};
    const char *item = json_first(json_get(message, "attachments"));
    char *text = format("{");
    size_t i;

    for (i = 0; i < sizeof names / sizeof *names; i++)
        add_member(&text, message, names[i]);
    if (item != NULL) {
        append(&text, text[1] == '\0' ? "\"attachments\":[" : ",\"attachments\":[");
        for (; item != NULL; item = json_next(item)) {
            append(&text, "{");
            for (i = 0; i < sizeof of_attachments / sizeof *of_attachments; i++)
                add_member(&text, item, of_attachments[i]);
            append(&text, json_next(item) != NULL ? "}," : "}");
        }
        append(&text, "]");
    }
    append(&text, "}");
    return text;
}

/* show_message prints a message, and why, for programs; whose stands before it for people. The
 * fields are direction, id, author, state, text as JSON, number, and the rest as JSON. */
void show_message(const char *kind, const char *message, const char *whose)
{
    char *id, *from, *text, *state, *quoted, *rest;

    if (!plain) {
        for_people(message, whose);
        return;
    }
    id = text_at(message, "message_id");
    from = text_at(message, "from");
    text = text_at(message, "text");
    state = text_at(message, "state");
    quoted = json_quote(text); /* keeps it on one line */
    rest = rest_of(message);
    put("%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s", kind, flag(message, "outgoing") ? "out" : "in", id, from, state, quoted, number_of(id), rest);
    free(rest);
    free(quoted);
    free(id);
    free(from);
    free(text);
    free(state);
}

/* show_state prints how far a message of ours has come, and why if that is known. */
void show_state(const char *message, const char *state, const char *why)
{
    char *brief = said_brief(message, STATE_SHOWN);

    put("    #%d %s %s%s", message_number(message), mark(state), brief, why);
    free(brief);
}

/* forget_numbers frees what the numbers take, at the end. */
void forget_numbers(void)
{
    while (numbered > 0)
        free(ids[--numbered]);
    free(ids);
    ids = NULL;
}
