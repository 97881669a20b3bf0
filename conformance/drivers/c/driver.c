/* The driver of the C interface for conformance/run.py: a command a line on stdin, an answer a line
 * on stdout (conformance/README.md, "A driver"). It is also a small example of using the library
 * from several threads. */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "../../../examples/c/json.h"
#include "status1to1.h"

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

/* say prints a line whole, whichever threads print. */
static void say(const char *before, uint64_t number, const char *between, const char *json)
{
    pthread_mutex_lock(&output);
    printf("%s%" PRIu64 "%s%s}\n", before, number, between, json);
    fflush(stdout);
    pthread_mutex_unlock(&output);
}

static void on_event(status1to1_client client, const char *event, void *user_data)
{
    (void)user_data;
    say("{\"callback\":", client, ",\"event\":", event);
}

/* argument gives a configuration or parameters on the heap: the JSON value of a field as it was
 * written, or the text of the field NAME_text. NULL if there is neither. */
static char *argument(const char *command, const char *name)
{
    char text_name[32];
    const char *json = json_get(command, name), *text;

    if (json != NULL)
        return strndup(json, (size_t)(json_skip(json) - json));
    snprintf(text_name, sizeof text_name, "%s_text", name);
    text = json_get(command, text_name);
    return text == NULL ? NULL : json_text(text);
}

/* ready tells whether the descriptor of events is readable within a time. */
static char *ready(status1to1_client client, int timeout_ms)
{
    struct pollfd events = {.fd = status1to1_event_fd(client), .events = POLLIN};

    return events.fd >= 0 && poll(&events, 1, timeout_ms) == 1 ? "true" : "false";
}

/* perform runs a command and gives the library's answer; NULL if it has said another. */
static char *perform(const char *command, uint64_t id)
{
    status1to1_client client = (status1to1_client)strtoull(json_get(command, "client") ? json_get(command, "client") : "0", NULL, 10);
    int timeout_ms = (int)json_number(json_get(command, "timeout_ms"));
    const char *op = json_get(command, "op");
    char *answer = NULL, *method, *text;

    if (json_is(op, "\"open\"")) {
        text = argument(command, "config");
        answer = status1to1_open(text, &client);
        free(text);
    } else if (json_is(op, "\"call\"")) {
        method = json_text(json_get(command, "method"));
        text = argument(command, "params");
        answer = status1to1_call(client, method, text);
        free(method);
        free(text);
    } else if (json_is(op, "\"next_event\"")) {
        answer = status1to1_next_event(client, timeout_ms);
    } else if (json_is(op, "\"close\"")) {
        answer = status1to1_close(client);
    } else if (json_is(op, "\"info\"")) {
        answer = status1to1_info();
    } else if (json_is(op, "\"schema\"")) {
        answer = status1to1_schema();
    } else if (json_is(op, "\"set_callback\"")) {
        answer = status1to1_set_event_callback(client, json_is(json_get(command, "on"), "true") ? on_event : NULL, NULL);
    } else if (json_is(op, "\"event_ready\"")) {
        say("{\"id\":", id, ",\"answer\":", ready(client, timeout_ms));
    } else if (json_is(op, "\"hello\"")) {
        say("{\"id\":", id, ",\"answer\":",
            "{\"protocol\":1,\"binding\":\"C\",\"capabilities\":"
            "[\"threads\",\"callback\",\"event_fd\",\"text\",\"handles\",\"after_close\",\"pull\",\"any_config\"]}");
    } else {
        say("{\"id\":", id, ",\"failed\":", "\"unknown op\"");
    }
    return answer;
}

/* run answers one command, which it frees. */
static void *run(void *command)
{
    uint64_t id = (uint64_t)json_number(json_get(command, "id"));
    char *answer = perform(command, id), *line;

    if (answer != NULL) {
        line = strdup(answer);
        status1to1_free(answer); /* first: the replayer counts the strings that are not freed */
        say("{\"id\":", id, ",\"answer\":", line);
        free(line);
    }
    free(command);
    return NULL;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    while ((length = getline(&line, &size, stdin)) > 0) {
        char *command = strndup(line, (size_t)length);
        pthread_t thread;

        if (!json_is(json_get(command, "thread"), "true")) {
            run(command);
        } else if (pthread_create(&thread, NULL, run, command) == 0) {
            pthread_detach(thread);
        } else {
            return 1;
        }
    }
    free(line);
    return 0;
}
