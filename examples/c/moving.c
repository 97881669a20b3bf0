/* moving.c - what one device knows, for another one: backups, and syncs with a paired
 * device. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "chat.h"
#include "json.h"

#define ENVIRONMENT "STATUS1TO1_BACKUP_PASSPHRASE"

/* ---- backups ----------------------------------------------------------------- */

/* passphrase is that of a backup, on the heap; NULL after a complaint. */
static char *passphrase(bool new)
{
    const char *environment = getenv(ENVIRONMENT);
    char *typed;

    if (environment != NULL && *environment != '\0')
        return format("%s", environment);
    if (!can_ask()) {
        complain("terminal", "that needs a terminal, or %s", ENVIRONMENT);
        return NULL;
    }
    if (new)
        return new_passphrase("A passphrase for the backup");
    typed = ask("The passphrase of the backup: ", true);
    if (typed != NULL && *typed == '\0') {
        free(typed);
        typed = NULL;
    }
    return typed;
}

/* store_passphrase is that of the store, which a backup asks for since it shows the seed
 * phrase; on the heap, or NULL after a complaint. */
static char *store_passphrase(void)
{
    const char *environment = getenv("STATUS1TO1_PASSPHRASE");

    if (environment != NULL && *environment != '\0')
        return format("%s", environment);
    if (can_ask())
        return ask("The passphrase of the store: ", true);
    complain("terminal", "that needs a terminal, or STATUS1TO1_PASSPHRASE");
    return NULL;
}

/* forget erases a passphrase and frees it. */
static void forget(char *passphrase)
{
    if (passphrase != NULL)
        memset(passphrase, 0, strlen(passphrase));
    free(passphrase);
}

/* with_file calls a method with a path, the passphrase of a backup, and further params: JSON
 * that begins with a comma, or nothing. It frees opens. */
static char *with_file(const char *method, const char *path, char *opens, const char *further)
{
    char *quoted_path, *quoted, *answer;

    if (opens == NULL)
        return NULL;
    quoted_path = json_quote(path);
    quoted = json_quote(opens);
    answer = call(method, format("{\"path\":%s,\"passphrase\":%s%s}", quoted_path, quoted, further));
    forget(opens);
    free(quoted_path);
    forget(quoted);
    return answer;
}

void run_export(const char *name, const char *path)
{
    char *store = store_passphrase(), *quoted = store == NULL ? NULL : json_quote(store);
    char *params = quoted == NULL ? NULL : format(",\"store\":{\"passphrase\":%s}", quoted);
    char *answer = params == NULL ? NULL : with_file("store.export", path, passphrase(true), params);
    long long people = json_number(json_get(answer, "result.contents.people"));
    long long messages = json_number(json_get(answer, "result.contents.messages"));

    (void)name;
    if (answer != NULL && plain)
        put("exported\t%s\t%lld\t%lld", path, people, messages);
    else if (answer != NULL)
        put("(%s has %lld %s and %lld %s; keep its passphrase: without it nobody can read the backup)", path,
            people, people == 1 ? "person" : "people", messages, messages == 1 ? "message" : "messages");
    status1to1_free(answer);
    forget(store);
    forget(quoted);
    forget(params);
}

/* take_in imports a backup; false after a complaint. */
bool take_in(const char *path)
{
    char *answer = with_file("store.import", path, passphrase(false), "");
    long long people = json_number(json_get(answer, "result.new.people"));
    long long messages = json_number(json_get(answer, "result.new.messages"));
    bool done = answer != NULL;

    if (done && plain)
        put("imported\t%s\t%lld\t%lld", path, people, messages);
    else if (done)
        put("(new: %lld %s and %lld %s)", people, people == 1 ? "person" : "people", messages, messages == 1 ? "message" : "messages");
    status1to1_free(answer);
    return done;
}

void run_import(const char *name, const char *path)
{
    (void)name;
    take_in(path);
}

/* ---- syncs ------------------------------------------------------------------- */

static void show_sync(const char *sync)
{
    char *id = text_at(sync, "sync_id"), *state = text_at(sync, "state");
    bool offers = json_is(json_get(sync, "offers"), "true");
    bool here = json_is(json_get(sync, "paused_here"), "true");
    bool paused = here || json_is(json_get(sync, "paused_there"), "true");
    const char *pause = here ? ", paused here (/sync resume)" : ", paused there";

    if (plain)
        put("sync\t%s\t%s\t%s%s", id, offers ? "out" : "in", state, paused ? " paused" : "");
    else
        put("  %s  %s, %s%s: %lld of %lld", id, offers ? "given" : "taken", state, paused ? pause : "",
            json_number(json_get(sync, "moved")), json_number(json_get(sync, "total")));
    free(id);
    free(state);
}

/* open_sync is the id of the newest sync that may be accepted, or is not over; NULL after a
 * complaint. */
static char *open_sync(bool accept)
{
    char *answer = call("devices.syncs", NULL), *found = NULL;
    const char *item = answer == NULL ? NULL : json_first(json_get(answer, "result.syncs")), *state;

    for (; item != NULL; item = json_next(item)) {
        bool offered = json_is(state = json_get(item, "state"), "\"offered\"");

        if (accept ? offered && json_is(json_get(item, "offers"), "false") : offered || json_is(state, "\"running\"")) {
            free(found);
            found = text_at(item, "sync_id");
        }
    }
    if (answer != NULL && found == NULL)
        complain("sync_state", accept ? "nothing was offered" : "no sync is under way");
    status1to1_free(answer);
    return found;
}

/* run_sync offers all that is here, or says what becomes of what was offered. */
void run_sync(const char *name, const char *verb)
{
    static const char *const verbs[] = {"accept", "pause", "resume", "cancel"};
    char *id, *method, *answer = NULL;
    bool known = verb == NULL;
    size_t i;

    for (i = 0; !known && i < sizeof verbs / sizeof *verbs; i++)
        known = strcmp(verb, verbs[i]) == 0;
    if (!known) {
        wrong_usage(name);
        return;
    }
    id = verb == NULL ? newest_pairing("paired") : open_sync(strcmp(verb, "accept") == 0);
    if (id == NULL)
        return;
    if (verb == NULL) {
        answer = call_with("devices.sync", "pairing_id", id);
    } else {
        method = format("devices.sync_%s", verb);
        answer = call_with(method, "sync_id", id);
        free(method);
    }
    if (answer != NULL)
        show_sync(json_get(answer, "result"));
    status1to1_free(answer);
    free(id);
}

void run_syncs(const char *name, const char *argument)
{
    char *answer = call("devices.syncs", NULL);
    const char *item = answer == NULL ? NULL : json_first(json_get(answer, "result.syncs"));

    (void)name;
    (void)argument;
    for (; item != NULL; item = json_next(item))
        show_sync(item);
    if (plain && answer != NULL)
        put("sync_end");
    status1to1_free(answer);
}

/* ---- events ------------------------------------------------------------------ */

static void on_progress(const char *data)
{
    enum { WIDTH = 30 };
    long long moved = json_number(json_get(data, "moved")), total = json_number(json_get(data, "total"));
    bool offers = json_is(json_get(data, "offers"), "true");
    char *id = text_at(data, "sync_id"), bar[WIDTH + 1], *line;

    if (total < moved)
        total = moved;
    if (total < 1)
        total = 1;
    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)(moved * WIDTH / total));
    bar[WIDTH] = '\0';
    line = format("  %s [%s] %lld of %lld", offers ? "giving" : "taking", bar, moved, total);
    if (plain)
        put("sync_progress\t%s\t%s\t%lld\t%lld", id, offers ? "out" : "in", moved, total);
    else
        put_over(line);
    free(id);
    free(line);
}

/* on_end tells that a sync is done, or has failed. */
static void on_end(const char *type, const char *sync)
{
    char *id = text_at(sync, "sync_id"), *cause = text_at(sync, "cause"), *by = text_at(sync, "by");
    bool offers = json_is(json_get(sync, "offers"), "true");

    if (strcmp(type, "sync_failed") == 0)
        put(plain ? "sync_failed\t%s\t%s\t%s" : "! %.0sthe sync has ended: %s (%s)", id, cause, by);
    else if (plain)
        put("sync_done\t%s\t%lld", id, json_number(json_get(sync, "moved")));
    else
        put(offers ? "(the other device knows all that is here)" : "(all that the other device knows is here)");
    free(id);
    free(cause);
    free(by);
}

static void on_identity(void)
{
    char *answer = call("identity.get", NULL), *chat_key = text_at(answer, "result.chat_key");

    if (answer != NULL)
        put(plain ? "me\t%s" : "You are %s, on this device, too", chat_key);
    free(chat_key);
    status1to1_free(answer);
}

/* sync_event handles an event of syncs, and tells whether it is one. */
bool sync_event(const char *type, const char *data)
{
    const char *sync = json_get(data, "sync");

    if (strcmp(type, "sync_offered") == 0) {
        char *id = text_at(sync, "sync_id");

        if (plain)
            put("sync_offered\t%s", id);
        else
            put("(the paired device offers all it knows, %lld things: /sync accept)", json_number(json_get(sync, "total")));
        free(id);
    } else if (strcmp(type, "sync_changed") == 0) {
        if (plain)
            show_sync(sync);
    } else if (strcmp(type, "sync_progress") == 0) {
        on_progress(data);
    } else if (strcmp(type, "sync_done") == 0 || strcmp(type, "sync_failed") == 0) {
        on_end(type, sync);
    } else if (strcmp(type, "identity_received") == 0) {
        on_identity();
    } else {
        return false;
    }
    return true;
}
