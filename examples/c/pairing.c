/* pairing.c - pairing with another device, and files to and from it. */

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"
#include "json.h"

int files_under_way; /* files sent that the other device does not have yet */

/* ---- files ---------------------------------------------------------------- */

/* place is where to put what was received under this name, in the data directory. The
 * name is the other device's choice: no part of it may lead elsewhere. */
static char *place(const char *name, int try)
{
    char *safe = format("%s", name), *path, *c;

    for (c = safe; *c != '\0'; c++)
        if (*c == '/' || *c == '\\' || (unsigned char)*c < 0x20)
            *c = '_';
    path = try == 0 ? format("%s/received-%.200s", given->data, safe)
                    : format("%s/received-%d-%.200s", given->data, try, safe);
    free(safe);
    return path;
}

/* copy writes what was received into a file, part by part. */
static bool copy(const char *id, FILE *file)
{
    long long at = 0, size = 1; /* told by the first answer */

    while (at < size) {
        char *answer = call("transfers.read", format("{\"transfer_id\":\"%s\",\"offset\":%lld}", id, at)), *part;
        size_t n;

        if (answer == NULL)
            return false;
        size = json_number(json_get(answer, "result.size"));
        at = json_number(json_get(answer, "result.next"));
        part = json_text(json_get(answer, "result.data"));
        status1to1_free(answer);
        n = decode(part);
        if (fwrite(part, 1, n, file) != n) {
            free(part);
            return false;
        }
        free(part);
    }
    return true;
}

/* save puts a received transfer into a new file, and lets go of it. It gives the file's
 * path, or NULL. */
static char *save(const char *transfer)
{
    char *id = text_at(transfer, "transfer_id"), *name = text_at(transfer, "name");
    char *path = place(name, 0);
    FILE *file;
    int try;

    for (try = 1; (file = fopen(path, "wxb")) == NULL && errno == EEXIST && try < 1000; try++) {
        free(path);
        path = place(name, try);
    }
    if (file == NULL || !copy(id, file) || fclose(file) != 0) {
        complain("file", "%s cannot be written", path);
        free(path);
        path = NULL;
    } else {
        status1to1_free(call_with("transfers.discard", "transfer_id", id));
    }
    free(id);
    free(name);
    return path;
}

/* ---- commands ------------------------------------------------------------- */

/* newest_pairing is the id of the newest pairing in a state; NULL, and a complaint, if there is
 * none. */
char *newest_pairing(const char *state)
{
    char *answer = call("pairing.list", NULL), *found = NULL, *wanted = json_quote(state);
    const char *item = answer == NULL ? NULL : json_first(json_get(answer, "result.pairings"));

    for (; item != NULL; item = json_next(item)) {
        if (json_is(json_get(item, "state"), wanted)) {
            free(found);
            found = text_at(item, "pairing_id");
        }
    }
    if (answer != NULL && found == NULL)
        complain("pairing_state", strcmp(state, "paired") == 0 ? "no device is paired: begin with /pair or /scan"
                                                               : "no pairing waits for its authcode to be compared");
    status1to1_free(answer);
    free(wanted);
    return found;
}

/* cancel_pairings takes back what is under way, if anything is. */
static bool cancel_pairings(void)
{
    char *answer = call("pairing.list", NULL);
    const char *item = answer == NULL ? NULL : json_first(json_get(answer, "result.pairings")), *state;
    bool found = false;

    for (; item != NULL; item = json_next(item)) {
        state = json_get(item, "state");
        if (json_is(state, "\"shown\"") || json_is(state, "\"scanned\"") || json_is(state, "\"compare\"")) {
            char *id = text_at(item, "pairing_id");

            status1to1_free(call_with("pairing.cancel", "pairing_id", id));
            free(id);
            found = true;
        }
    }
    status1to1_free(answer);
    return found;
}

static void show_pairings(void)
{
    char *answer = call("pairing.list", NULL);
    const char *item;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.pairings")); item != NULL; item = json_next(item)) {
        char *id = text_at(item, "pairing_id"), *state = text_at(item, "state");
        char *device = text_at(item, "peer.installation_id");
        put(plain ? "pairing\t%s\t%s\t%s" : "  %s  %s  %s", id, state, device);
        free(id);
        free(state);
        free(device);
    }
    if (plain)
        put("pairing_end");
    status1to1_free(answer);
}

static void confirm(bool same)
{
    char *id = newest_pairing("compare");

    if (id != NULL)
        status1to1_free(call("pairing.confirm", format("{\"pairing_id\":\"%s\",\"same\":%s}", id, same ? "true" : "false")));
    free(id);
}

static void send_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *id = newest_pairing("paired"), *name, *text, *answer;
    unsigned char *bytes;
    size_t size;

    if (id == NULL || (bytes = read_file(path, &size)) == NULL) {
        free(id);
        return;
    }
    name = json_quote(slash == NULL ? path : slash + 1);
    text = encode(bytes, size);
    free(bytes);
    answer = call("pairing.send", format("{\"pairing_id\":\"%s\",\"name\":%s,\"data\":\"%s\"}", id, name, text));
    if (answer != NULL) {
        files_under_way++;
        if (plain) {
            char *transfer = text_at(answer, "result.transfer_id");
            put("sending\t%s\t%s", transfer, name);
            free(transfer);
        }
    }
    status1to1_free(answer);
    free(id);
    free(name);
    free(text);
}

/* pairing_command runs a command of this file. */
void pairing_command(const char *name, const char *argument)
{
    char *id;

    if (strcmp(name, "pair") == 0) {
        status1to1_free(call("pairing.start", format("{\"asks\":true}")));
    } else if (strcmp(name, "scan") == 0) {
        char *invitation = text_of(argument);

        if (invitation != NULL)
            status1to1_free(call_with("pairing.scan", "invitation", invitation));
        free(invitation);
    } else if (strcmp(name, "confirm") == 0 || strcmp(name, "reject") == 0) {
        confirm(strcmp(name, "confirm") == 0);
    } else if (strcmp(name, "paired") == 0) {
        show_pairings();
    } else if (strcmp(name, "unpair") == 0) {
        if (!cancel_pairings() && (id = newest_pairing("paired")) != NULL) {
            status1to1_free(call_with("pairing.discard", "pairing_id", id));
            free(id);
        }
    } else {
        send_file(argument);
    }
}

/* ---- events --------------------------------------------------------------- */

/* show_progress draws how far a transfer has come: on a terminal always on one line. */
static void show_progress(bool outgoing, long long moved, long long size)
{
    enum { WIDTH = 30 };
    char bar[WIDTH + 1], *line;
    int full = size > 0 ? (int)(moved * WIDTH / size) : WIDTH;

    memset(bar, '.', WIDTH);
    memset(bar, '#', (size_t)full);
    bar[WIDTH] = '\0';
    line = format("  %s [%s] %3lld%%  %.2f of %.2f MB", outgoing ? "sending  " : "receiving", bar,
                  size > 0 ? moved * 100 / size : 100, (double)moved / 1e6, (double)size / 1e6);
    put_over(line);
    free(line);
}

static void on_progress(const char *data)
{
    char *id = text_at(data, "transfer_id");
    bool outgoing = json_is(json_get(data, "outgoing"), "true");
    long long moved = json_number(json_get(data, "moved")), size = json_number(json_get(data, "size"));

    if (plain)
        put("progress\t%s\t%s\t%lld\t%lld", id, outgoing ? "out" : "in", moved, size);
    else
        show_progress(outgoing, moved, size);
    free(id);
}

/* on_transfer tells of a transfer that began, is done or has failed. In a pattern for
 * people, %.0s passes over a field that is for programs. */
static void on_transfer(const char *type, const char *transfer)
{
    char *id = text_at(transfer, "transfer_id"), *raw = text_at(transfer, "name");
    char *name = plain ? json_quote(raw) : tame_name(raw); /* quoted it stays on one line */
    char *cause = text_at(transfer, "cause"), *hash = text_at(transfer, "sha256");
    bool outgoing = json_is(json_get(transfer, "outgoing"), "true"), done = strcmp(type, "transfer_done") == 0;
    long long size = json_number(json_get(transfer, "size"));

    if (strcmp(type, "transfer_offered") == 0) {
        put(plain ? "transfer_offered\t%s\t%s\t%lld" : "(%.0s%s comes, %lld bytes)", id, name, size);
    } else if (!done) {
        put(plain ? "transfer_failed\t%s\t%s\t%s" : "! %.0s%s did not get across (%s)", id, name, cause);
    } else if (outgoing) {
        put(plain ? "transfer_done\t%s\tout\t%s" : "(%.0sthe other device has %s)", id, plain ? hash : name);
    } else {
        char *path = save(transfer);
        if (path != NULL)
            put(plain ? "transfer_done\t%s\tin\t%s\t%s" : "(%.0s%.0ssaved as %s)", id, plain ? hash : path, path);
        free(path);
    }
    if (outgoing)
        files_under_way--;
    free(id);
    free(raw);
    free(name);
    free(cause);
    free(hash);
}

static void on_paired(const char *pairing)
{
    char *id = text_at(pairing, "pairing_id"), *key = text_at(pairing, "peer.chat_key");
    bool own = json_is(json_get(pairing, "peer.own"), "true");

    if (plain)
        put("paired\t%s\t%s\t%s", id, key, own ? "own" : "other");
    else if (own)
        put("(the devices are paired; /sendfile PATH sends a file, /sync all that is here)");
    else if (json_is(json_get(pairing, "peer.provisional"), "true"))
        put("(paired with a device that has no identity yet; /sync gives it yours, and all that is here)");
    else if (given->new_device)
        put("(paired with a device of %s; /sync there gives this one the identity, and all that is there)", key);
    else
        put("(paired with a device of somebody else: %s)", key);
    free(id);
    free(key);
}

/* pairing_event handles an event of pairings and transfers; others it passes over. */
void pairing_event(const char *type, const char *data)
{
    char *id = text_at(data, "pairing_id"), *cause = text_at(data, "cause"), *by = text_at(data, "by");

    if (strcmp(type, "pairing_invitation") == 0) {
        char *text = text_at(data, "invitation"), *code = qr_lines(text);
        bool renewed = json_is(json_get(data, "renewed"), "true");
        if (plain)
            put("invitation\t%s\t%s", id, text);
        else
            put("%s\n%s\n\n  /scan %s\n", renewed ? "(that has expired; now it is)" : "Scan this with the other device, or type there, within half a minute:", code, text);
        free(text);
        free(code);
    } else if (strcmp(type, "pairing_authcode") == 0) {
        char *code = text_at(data, "authcode");
        if (plain)
            put("authcode\t%s\t%s", id, code);
        else
            put("Both devices must show\n\n      %.4s %s\n\nIf so, /confirm on both; otherwise /reject.", code, strlen(code) > 4 ? code + 4 : "");
        free(code);
    } else if (strcmp(type, "pairing_paired") == 0) {
        on_paired(json_get(data, "pairing"));
    } else if (strcmp(type, "pairing_failed") == 0) {
        put(plain ? "pairing_failed\t%s\t%s\t%s" : "! %.0sthe pairing failed: %s (%s)", id, cause, by);
    } else if (strcmp(type, "pairing_scanner_refused") == 0) {
        put(plain ? "scanner_refused\t%s\t%s" : "! %.0ssomebody scanned the invitation in vain: %s", id, cause);
    } else if (strcmp(type, "pairing_ended") == 0) {
        put(plain ? "pairing_ended\t%s\t%s" : "(%.0sthe devices are no longer paired: %s)", id, by);
    } else if (strcmp(type, "transfer_progress") == 0) {
        on_progress(data);
    } else if (strncmp(type, "transfer_", 9) == 0) {
        on_transfer(type, json_get(data, "transfer"));
    }
    free(id);
    free(cause);
    free(by);
}
