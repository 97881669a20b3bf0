/* messages.c - what is done to messages and chats: commands, and their events. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "actions.h"
#include "chat.h"
#include "json.h"

enum { FOUND = 20 /* messages that a search shows */, PAGES = 10 /* that it looks at for them */ };

#define OPENED "opened" /* the folder in --data with what was opened */

/* The reactions of the Status app. */
static const char *const emoji[] = {"❤", "👍", "👎", "😂", "😢", "😠"};

/* ---- one message ----------------------------------------------------------- */

/* message_meant is the id of the message that the first word of an argument means, on the
 * heap, and *after is the rest of it. NULL after a complaint; needs: there must be a rest. */
static char *message_meant(const char *command, const char *argument, const char **after, bool needs)
{
    size_t length = strcspn(argument, " ");
    char *word = format("%.*s", (int)length, argument), *id = numbered_message(word), *tamed;

    *after = argument + length + strspn(argument + length, " ");
    if (needs ? **after == '\0' : **after != '\0') {
        wrong_usage(command);
        free(id);
        id = NULL;
    } else if (id == NULL) {
        tamed = tame_name(word);
        complain("not_found", "there is no message %s: the number of a message is after its #", tamed);
        free(tamed);
    }
    free(word);
    return id;
}

/* message_of asks for a message; the answer, or NULL after an error. */
static char *message_of(const char *id)
{
    return call_with("messages.get", "message_id", id);
}

/* began follows a message that was sent; people see what a typed line does not show. */
static void began(char *answer)
{
    if (answer == NULL)
        return;
    begin_delivery(json_get(answer, "result"));
    if (!plain)
        show_message("message", json_get(answer, "result"), "");
    status1to1_free(answer);
}

void run_reply(const char *name, const char *argument)
{
    const char *text;
    char *id = message_meant(name, argument, &text, true), *found, *chat, *quoted;

    if (id == NULL)
        return;
    if ((found = message_of(id)) != NULL) {
        chat = json_text(json_get(found, "result.chat_id"));
        quoted = json_quote(text);
        began(call("messages.send", format("{\"to\":\"%s\",\"text\":%s,\"reply_to\":\"%s\"}", chat, quoted, id)));
        free(chat);
        free(quoted);
        status1to1_free(found);
    }
    free(id);
}

void run_edit(const char *name, const char *argument)
{
    const char *text;
    char *id = message_meant(name, argument, &text, true), *quoted_id, *quoted;

    if (id == NULL)
        return;
    quoted_id = json_quote(id);
    quoted = json_quote(text);
    status1to1_free(call("messages.edit", format("{\"message_id\":%s,\"text\":%s}", quoted_id, quoted)));
    free(quoted_id);
    free(quoted);
    free(id);
}

void run_delete(const char *name, const char *argument)
{
    size_t length = strlen(argument), ending = strlen(" everyone");
    bool everyone = length > ending && strcmp(argument + length - ending, " everyone") == 0;
    char *word = format("%.*s", (int)(everyone ? length - ending : length), argument), *id, *quoted;
    const char *rest;

    if ((id = message_meant(name, word, &rest, false)) != NULL) {
        quoted = json_quote(id);
        status1to1_free(call("messages.delete", format("{\"message_id\":%s,\"for_everyone\":%s}", quoted, everyone ? "true" : "false")));
        free(quoted);
        free(id);
    }
    free(word);
}

/* plain_emoji is an emoji without the sign that only asks for colours (U+FE0F). */
static char *plain_emoji(const char *text)
{
    char *shorter = format("%s", text), *sign;

    while ((sign = strstr(shorter, "\xEF\xB8\x8F")) != NULL)
        memmove(sign, sign + 3, strlen(sign + 3) + 1);
    return shorter;
}

/* reacted tells whether we have put this emoji under a message. */
static bool reacted(const char *message, const char *wanted, const char *me)
{
    const char *item;
    bool found = false;

    for (item = json_first(json_get(message, "reactions")); item != NULL && !found; item = json_next(item)) {
        char *from = json_text(json_get(item, "from")), *raw = json_text(json_get(item, "emoji")), *is = plain_emoji(raw);

        found = strcmp(from, me) == 0 && strcmp(is, wanted) == 0;
        free(from);
        free(raw);
        free(is);
    }
    return found;
}

void run_react(const char *name, const char *argument)
{
    const char *given_emoji;
    char *id = message_meant(name, argument, &given_emoji, true), *found = NULL, *identity = NULL, *me, *wanted, *quoted;

    if (id != NULL && (found = message_of(id)) != NULL && (identity = call("identity.get", NULL)) != NULL) {
        me = json_text(json_get(identity, "result.public_key"));
        wanted = plain_emoji(given_emoji);
        quoted = json_quote(given_emoji);
        status1to1_free(call("messages.react", format("{\"message_id\":\"%s\",\"emoji\":%s,\"retract\":%s}", id, quoted,
                                                      reacted(json_get(found, "result"), wanted, me) ? "true" : "false")));
        free(me);
        free(wanted);
        free(quoted);
    }
    status1to1_free(identity);
    status1to1_free(found);
    free(id);
}

void run_pin(const char *name, const char *argument)
{
    const char *rest;
    char *id = message_meant(name, argument, &rest, false), *found = NULL;

    if (id != NULL && (found = message_of(id)) != NULL)
        status1to1_free(call("messages.pin", format("{\"message_id\":\"%s\",\"pinned\":%s}", id,
                                                    json_is(json_get(found, "result.pinned"), "true") ? "false" : "true")));
    status1to1_free(found);
    free(id);
}

/* ---- attachments ----------------------------------------------------------- */

/* absolute is a path that does not depend on where the program runs, as a JSON string. */
static char *absolute(const char *path)
{
    char here[4096], *whole, *quoted;

    whole = *path == '/' || getcwd(here, sizeof here) == NULL ? format("%s", path) : format("%s/%s", here, path);
    quoted = json_quote(whole);
    free(whole);
    return quoted;
}

static bool is_file(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static void send_file(const char *path, const char *text)
{
    const char *slash = strrchr(path, '/');
    char *whole = absolute(path), *name = json_quote(slash == NULL ? path : slash + 1), *quoted = json_quote(text);

    began(call("messages.send", format("{\"to\":\"%s\",\"text\":%s,\"attachments\":[{\"path\":%s,\"name\":%s}]}", to, quoted, whole, name)));
    free(whole);
    free(name);
    free(quoted);
}

/* run_attach sends the file that is named at the beginning, and the text after it. Names have
 * blanks in them. */
void run_attach(const char *name, const char *argument)
{
    char *path = format("%s", argument), *tamed;
    size_t length = strlen(path);

    (void)name;
    if (!somebody()) {
        free(path);
        return;
    }
    while (length > 0 && !is_file(path)) {
        while (length > 0 && path[--length] != ' ')
            ;
        path[length] = '\0';
    }
    if (length > 0) {
        send_file(path, argument + length + strspn(argument + length, " "));
    } else {
        tamed = tame_name(argument);
        complain("file", "there is no file %s", tamed);
        free(tamed);
    }
    free(path);
}

/* write_attachment puts an attachment into a new file. False after an error. */
static bool write_attachment(const char *attachment, const char *path)
{
    char *id = text_at(attachment, "attachment_id"), *whole = absolute(path), *text = attachment_text(attachment);
    char *answer = call("attachments.save", format("{\"attachment_id\":\"%s\",\"path\":%s}", id, whole));
    bool written = answer != NULL;

    if (written)
        put(plain ? "saved\t%s\t%s" : "(%s, saved as %s)", plain ? id : text, path);
    status1to1_free(answer);
    free(id);
    free(whole);
    free(text);
    return written;
}

/* attachments_of asks what is attached to a message; the answer, or NULL after an error and
 * if that is nothing. */
static char *attachments_of(const char *id)
{
    char *answer = message_of(id);

    if (answer != NULL && json_first(json_get(answer, "result.attachments")) == NULL) {
        complain("nothing", "nothing is attached to this message");
        status1to1_free(answer);
        return NULL;
    }
    return answer;
}

/* run_save puts what is attached into new files: the first one has the name that is given. */
void run_save(const char *name, const char *argument)
{
    const char *path, *item, *dot, *slash;
    char *id = message_meant(name, argument, &path, true), *answer = id == NULL ? NULL : attachments_of(id), *other;
    int number = 1;

    for (item = json_first(json_get(answer, "result.attachments")); item != NULL; item = json_next(item), number++) {
        slash = strrchr(path, '/');
        dot = strrchr(slash == NULL ? path : slash + 1, '.');
        if (dot == NULL || dot == path || dot == (slash == NULL ? path : slash + 1))
            dot = path + strlen(path);
        other = number == 1 ? format("%s", path) : format("%.*s-%d%s", (int)(dot - path), path, number, dot);
        write_attachment(item, other);
        free(other);
    }
    status1to1_free(answer);
    free(id);
}

/* present opens a file in the program that shows such files here, if there is a screen. */
static void present(const char *path)
{
#ifdef __APPLE__
    const char *program = "open";
    bool screen = true;
#else
    const char *program = "xdg-open";
    bool screen = getenv("DISPLAY") != NULL || getenv("WAYLAND_DISPLAY") != NULL;
#endif
    pid_t child = plain || !at_terminal() || !screen ? -1 : fork();

    if (child == 0) { /* its child is nobody's to wait for */
        if (fork() == 0) {
            setsid();
            if (freopen("/dev/null", "r", stdin) != NULL && freopen("/dev/null", "w", stdout) != NULL && freopen("/dev/null", "w", stderr) != NULL)
                execlp(program, program, path, (char *)NULL);
        }
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
    put(plain ? "opened\t%s" : child > 0 ? "(opened %s)" : "(it is in %s)", path);
}

/* safe_name is the name of an attachment as that of a file in a folder of ours. */
static char *safe_name(const char *attachment)
{
    char *raw = json_text(json_get(attachment, "name")), *tamed = tame_name(raw), *slash = strrchr(tamed, '/');
    const char *begin = slash == NULL ? tamed : slash + 1;
    char *name;

    begin += strspn(begin, ".");
    name = format("%s", *begin != '\0' ? begin : "file");
    free(raw);
    free(tamed);
    return name;
}

void run_open(const char *name, const char *argument)
{
    const char *rest, *item;
    char *id = message_meant(name, argument, &rest, false), *answer = id == NULL ? NULL : attachments_of(id);
    char *folder = format("%s/%s", given->data, OPENED);

    mkdir(folder, 0700);
    for (item = json_first(json_get(answer, "result.attachments")); item != NULL; item = json_next(item)) {
        char *attachment_id = json_text(json_get(item, "attachment_id")), *end = safe_name(item);
        char *path = format("%s/%.8s-%s", folder, strlen(attachment_id) > 2 ? attachment_id + 2 : attachment_id, end);

        if (access(path, F_OK) == 0 || write_attachment(item, path))
            present(path);
        free(attachment_id);
        free(end);
        free(path);
    }
    status1to1_free(answer);
    free(folder);
    free(id);
}

/* ---- search ---------------------------------------------------------------- */

static void show_found(const char *message)
{
    char *chat = json_text(json_get(message, "chat_id")), *partner = NULL, *whose;

    if (!plain && (to == NULL || strcmp(chat, to) != 0))
        partner = who(chat, "");
    whose = partner == NULL ? format("%s", "") : format("with %s: ", partner);
    show_message("found", message, whose);
    free(whose);
    free(partner);
    free(chat);
}

static void show_found_people(const char *page)
{
    const char *item;

    for (item = json_first(json_get(page, "people")); item != NULL; item = json_next(item)) {
        char *key = text_at(item, "public_key"), *chat_key = text_at(item, "chat_key"), *name = called(item, "");

        if (plain)
            put("found_person\t%s\t%s\t%s", key, chat_key, name);
        else
            put("  %s  %s", chat_key, name);
        free(key);
        free(chat_key);
        free(name);
    }
}

/* run_search looks at several pages: one may have few messages, though there are more. */
void run_search(const char *name, const char *words)
{
    char *quoted = json_quote(words), *next = format("%s", ""), *pages[PAGES] = {NULL};
    const char *items[FOUND], *item, *more;
    bool complete = true, all = false;
    int count = 0, page, i;

    (void)name;
    for (page = 0; page < PAGES && !all; page++) {
        pages[page] = call("messages.search", format("{\"query\":%s,\"limit\":%d,\"cursor\":\"%s\"}", quoted, FOUND - count, next));
        if (pages[page] == NULL)
            break;
        show_found_people(json_get(pages[page], "result"));
        for (item = json_first(json_get(pages[page], "result.items")); item != NULL && count < FOUND; item = json_next(item))
            items[count++] = item;
        free(next);
        next = json_text(json_get(pages[page], "result.next"));
        complete = json_is(json_get(pages[page], "result.complete"), "true");
        all = *next == '\0' || count == FOUND;
    }
    for (i = count - 1; i >= 0; i--)
        show_found(items[i]);
    more = *next != '\0' ? "; there are more" : complete ? "" : "; older messages are not in the index yet";
    if (all || page == PAGES) { /* else there was an error */
        if (plain)
            put("found_end\t%d", count);
        else if (count == 0 && *more == '\0')
            put("(nothing found)");
        else
            put("(%d found%s)", count, more);
    }
    for (page = 0; page < PAGES; page++)
        status1to1_free(pages[page]);
    free(next);
    free(quoted);
}

/* ---- the chosen chat ------------------------------------------------------- */

static bool is_number(const char *text, size_t digits)
{
    return strspn(text, "0123456789") == strlen(text) && strlen(text) <= digits;
}

void run_unread(const char *name, const char *argument)
{
    (void)name;
    (void)argument;
    if (somebody())
        status1to1_free(call_with("chats.mark_unread", "key", to));
}

void run_mute(const char *name, const char *argument)
{
    bool off = argument != NULL && strcmp(argument, "off") == 0;

    if (!somebody())
        return;
    if (argument != NULL && !off && !is_number(argument, 7))
        wrong_usage(name);
    else if (argument == NULL || off)
        status1to1_free(call("chats.mute", format("{\"key\":\"%s\",\"muted\":%s}", to, off ? "false" : "true")));
    else
        status1to1_free(call("chats.mute", format("{\"key\":\"%s\",\"muted\":true,\"until\":%lld}", to,
                                                  ((long long)time(NULL) + 60 * atoll(argument)) * 1000)));
}

void run_archive(const char *name, const char *argument)
{
    bool off = argument != NULL && strcmp(argument, "off") == 0;

    if (!somebody())
        return;
    if (argument != NULL && !off)
        wrong_usage(name);
    else
        status1to1_free(call("chats.archive", format("{\"key\":\"%s\",\"archived\":%s}", to, off ? "false" : "true")));
}

void run_clear(const char *name, const char *argument)
{
    (void)name;
    (void)argument;
    if (somebody())
        status1to1_free(call_with("chats.clear", "key", to));
}

/* duration is a time in seconds, for people: in the largest unit that it is whole in. */
static char *duration(long long seconds)
{
    static const struct {
        const char *name;
        long long length;
    } units[] = {{"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};
    size_t i = 0;

    while (units[i].length > 1 && (seconds < units[i].length || seconds % units[i].length != 0))
        i++;
    return format("%lld %s%s", seconds / units[i].length, units[i].name, seconds / units[i].length == 1 ? "" : "s");
}

/* tell_timer says how long messages of a chat stay. */
static void tell_timer(const char *chat)
{
    char *id = text_at(chat, "chat_id"), *name = who(id, "");
    long long seconds = json_number(json_get(chat, "expires_in"));
    char *long_text = duration(seconds);

    if (plain)
        put("timer\t%s\t%lld", id, seconds);
    else if (seconds > 0)
        put("(new messages with %s disappear %s after they were written)", name, long_text);
    else
        put("(messages with %s stay)", name);
    free(id);
    free(name);
    free(long_text);
}

void run_timer(const char *name, const char *argument)
{
    char *answer;

    if (!somebody())
        return;
    if (argument == NULL) {
        answer = call_with("chats.get", "key", to);
        if (answer != NULL)
            tell_timer(json_get(answer, "result"));
        status1to1_free(answer);
    } else if (strcmp(argument, "off") != 0 && !is_number(argument, 9)) {
        wrong_usage(name);
    } else {
        status1to1_free(call("chats.timer", format("{\"key\":\"%s\",\"seconds\":%d}", to, strcmp(argument, "off") == 0 ? 0 : atoi(argument))));
    }
}

/* ---- events ---------------------------------------------------------------- */

/* message_event handles a message that is another one now. */
void message_event(const char *data)
{
    const char *message = json_get(data, "message");
    char *cause = text_at(data, "cause"), *kind, *reactions;
    int number = message_number(message);

    if (plain) {
        kind = format("changed\t%s", cause);
        show_message(kind, message, "");
        free(kind);
    } else if (strcmp(cause, "reaction") == 0) {
        reactions = reactions_text(message);
        put("    #%d %s", number, *reactions != '\0' ? reactions : "(no reaction)");
        free(reactions);
    } else if (strcmp(cause, "expired") == 0) {
        put("(#%d has disappeared)", number);
    } else if (strcmp(cause, "pinned") == 0) {
        put("(#%d is %s)", number, json_is(json_get(message, "pinned"), "true") ? "pinned" : "no longer pinned");
    } else if (strcmp(cause, "deleted") == 0) {
        put("(#%d was deleted%s)", number, json_is(json_get(message, "deleted.for_everyone"), "true") ? " for both" : " for you");
    } else {
        show_message("message", message, "");
    }
    free(cause);
}

/* news_of is what people are told of a chat that has changed; NULL for nothing. */
static const char *news_of(const char *cause, const char *chat)
{
    static const struct {
        const char *cause, *news;
    } all[] = {{"unread", "is marked as unread"}, {"cleared", "is cleared"}, {"deleted", "is deleted"},
               {"expired", "has lost messages whose time was over"}};
    size_t i;

    if (strcmp(cause, "muted") == 0)
        return json_is(json_get(chat, "muted"), "true") ? "is muted" : "is no longer muted";
    if (strcmp(cause, "archived") == 0)
        return json_is(json_get(chat, "archived"), "true") ? "is archived" : "is no longer archived";
    for (i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(cause, all[i].cause) == 0)
            return all[i].news;
    return NULL;
}

void chat_event(const char *data)
{
    const char *chat = json_get(data, "chat"), *news;
    char *cause = text_at(data, "cause"), *id = text_at(chat, "chat_id"), *name = plain ? NULL : who(id, "");

    if (plain)
        put("chat_changed\t%s\t%s\t%lld\t%lld", id, cause, json_number(json_get(chat, "unread")), json_number(json_get(chat, "expires_in")));
    else if (strcmp(cause, "timer") == 0)
        tell_timer(chat);
    else if ((news = news_of(cause, chat)) != NULL)
        put("(the chat with %s %s)", name, news);
    free(cause);
    free(id);
    free(name);
}

/* ---- completion ------------------------------------------------------------ */

/* complete_message adds what the second word of a command about a message may be: an emoji, or
 * the text that is to be changed. argument begins with the first word. */
void complete_message(const char *command, const char *argument, const char *word, void (*add)(const char *word))
{
    size_t length = strcspn(argument, " "), i;
    char *number, *id, *answer, *text;

    if (word != argument + length + strspn(argument + length, " ") || word == argument)
        return; /* it is not the second word */
    if (strcmp(command, "react") == 0)
        for (i = 0; i < sizeof emoji / sizeof *emoji; i++)
            if (strncmp(emoji[i], word, strlen(word)) == 0)
                add(emoji[i]);
    if (strcmp(command, "edit") != 0 || *word != '\0')
        return;
    number = format("%.*s", (int)length, argument);
    id = numbered_message(number);
    answer = id == NULL ? NULL : try_call("messages.get", format("{\"message_id\":\"%s\"}", id));
    if (json_is(json_get(answer, "ok"), "true")) {
        text = said_text(json_get(answer, "result"));
        add(text);
        free(text);
    }
    status1to1_free(answer);
    free(id);
    free(number);
}
