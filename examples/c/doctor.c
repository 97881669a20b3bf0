/* doctor.c - what is wrong when messages do not travel, as lines on the screen. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "chat.h"
#include "json.h"

/* tamed_at returns the string at path, on the heap, without control characters, for programs
 * too: a cause may quote what a peer has said. */
static char *tamed_at(const char *json, const char *path)
{
    char *raw = json_text(json_get(json, path)), *tamed = tame(raw);

    free(raw);
    return tamed;
}

/* mark_of returns the mark of a check's result. */
static const char *mark_of(const char *result)
{
    static const struct {
        const char *result, *mark;
    } marks[] = {{"passed", "ok  "}, {"warning", "hmm "}, {"failed", "BAD "}};
    size_t i;

    for (i = 0; i < sizeof marks / sizeof *marks; i++)
        if (strcmp(marks[i].result, result) == 0)
            return marks[i].mark;
    return "-   ";
}

static void show_check(const char *check)
{
    char *name = text_at(check, "name"), *result = text_at(check, "result");
    char *cause = tamed_at(check, "cause"), *remedy = tamed_at(check, "remedy");

    if (plain) {
        put("check\t%s\t%s\t%s\t%s", name, result, cause, remedy);
    } else {
        put("  %s%s: %s", mark_of(result), name, cause);
        if (*remedy != '\0' && strcmp(result, "skipped") != 0)
            put("      -> %s", remedy);
    }
    free(name);
    free(result);
    free(cause);
    free(remedy);
}

/* run_doctor examines, which may take some seconds. */
void run_doctor(const char *name, const char *argument)
{
    const char *check;
    char *answer;
    bool warned = false;

    (void)name;
    (void)argument;
    if (!plain)
        put("(looking; that takes up to 20 seconds)");
    answer = call("network.doctor", NULL);
    for (check = json_first(json_get(answer, "result.checks")); check != NULL; check = json_next(check)) {
        show_check(check);
        warned = warned || json_is(json_get(check, "result"), "\"warning\"");
    }
    if (answer != NULL) {
        bool healthy = json_is(json_get(answer, "result.healthy"), "true");
        char *summary = tamed_at(answer, "result.summary");

        if (plain)
            put("doctor\t%s\t%s", healthy ? "healthy" : "unhealthy", summary);
        else
            put("%s %s", !healthy ? "unhealthy:" : warned ? "healthy, but" : "healthy:", summary);
        free(summary);
    }
    status1to1_free(answer);
}
