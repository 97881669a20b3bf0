/* chat - an interactive chat program over libstatus1to1.
 *
 *     chat --data ./alice --listen /ip4/127.0.0.1/tcp/60001
 *     chat --data ./bob --peer /ip4/127.0.0.1/tcp/60001/p2p/16Uiu2HAm... --to zQ3sh...
 *
 * One thread waits with poll() for keys, for the library's events and for signals; no
 * callbacks. Everything it does goes through include/status1to1.h. chat.h tells what each
 * file does. */

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "json.h"

enum {
    LINGER = 10,     /* seconds at the end of a piped stdin, for what is under way */
    CHATS_SHOWN = 5, /* conversations at the start */
    PROMPT = 24,     /* characters of a name in the prompt */
};

status1to1_client client;
const struct options *given;
char *to;

/* ---- calls ----------------------------------------------------------------- */

/* try_call runs a method and frees params. It gives the answer, whatever it is. */
char *try_call(const char *method, char *params)
{
    char *answer = status1to1_call(client, method, params);

    free(params);
    return answer;
}

/* call runs a method and frees params. It gives the answer, or prints the error and gives
 * NULL. */
char *call(const char *method, char *params)
{
    char *answer = try_call(method, params);

    if (json_is(json_get(answer, "ok"), "true"))
        return answer;
    put_error(answer);
    return NULL;
}

/* call_with runs a method with one string parameter. */
char *call_with(const char *method, const char *name, const char *value)
{
    char *quoted = json_quote(value);
    char *params = format("{\"%s\":%s}", name, quoted);

    free(quoted);
    return call(method, params);
}

/* every hands over each item of what a method lists, all pages of it; more are further
 * parameters. It gives false, and an error is printed, if the method fails. */
bool every(const char *method, const char *more, void (*each)(const char *item, void *state), void *state)
{
    char *cursor = format("%s", "");

    do {
        char *answer = call(method, format("{\"limit\":200,\"cursor\":\"%s\"%s}", cursor, more));
        const char *item;

        free(cursor);
        if (answer == NULL)
            return false;
        for (item = json_first(json_get(answer, "result.items")); item != NULL; item = json_next(item))
            each(item, state);
        cursor = json_text(json_get(answer, "result.next"));
        status1to1_free(answer);
    } while (*cursor != '\0');
    free(cursor);
    return true;
}

/* ---- whom we write to ------------------------------------------------------ */

/* begin_with chooses whom to write to. */
void begin_with(const char *key)
{
    char *chosen = format("%s", key); /* key may be to */
    char *name = who(chosen, ""), *begin = cut(name, PROMPT), *prompt = format("%s> ", begin);

    free(to);
    to = chosen;
    screen_prompt(prompt);
    free(name);
    free(begin);
    free(prompt);
}

/* open_chat shows the last messages with somebody; they are read then. */
void open_chat(const char *key)
{
    char *answer;

    show_history(key, HISTORY_SHOWN);
    answer = try_call("chats.mark_read", format("{\"key\":\"%s\"}", key));
    if (json_is(json_get(answer, "ok"), "true") || json_is(json_get(answer, "error.code"), "\"not_found\""))
        status1to1_free(answer); /* not found: nothing was said yet */
    else
        put_error(answer);
}

/* ---- the start ------------------------------------------------------------- */

/* restore brings an identity back. It gives the answer; NULL if there was no phrase, or
 * after an error. */
static char *restore(const char *name)
{
    char *phrase = NULL, *quoted, *quoted_name, *answer;
    size_t size = 0;

    if (isatty(STDIN_FILENO))
        phrase = ask("Seed phrase (it is not shown while you type): ", true);
    else if (getline(&phrase, &size, stdin) > 0)
        phrase[strcspn(phrase, "\r\n")] = '\0';
    if (phrase == NULL || *phrase == '\0') {
        free(phrase);
        return NULL;
    }
    quoted = json_quote(phrase);
    quoted_name = json_quote(name);
    answer = call("identity.restore", format("{\"phrase\":%s,\"display_name\":%s}", quoted, quoted_name));
    free(phrase);
    free(quoted);
    free(quoted_name);
    return answer;
}

/* bring_back takes an identity from a backup. It gives an answer, or NULL after an error. */
static char *bring_back(const char *path)
{
    return take_in(path) ? call("identity.get", NULL) : NULL;
}

/* create makes an identity, and shows its seed phrase. It gives the answer, or NULL after
 * an error. */
static char *create(const char *name)
{
    char *answer = call_with("identity.create", "display_name", name), *phrase;

    if (answer == NULL)
        return NULL;
    phrase = text_at(answer, "result.phrase");
    if (!plain)
        put("This is the seed phrase of your new identity. Write it down:\n\n  %s\n", phrase);
    free(phrase);
    return answer;
}

/* ask_for_identity asks what to do at the first start; NULL if there was no answer. */
static char *ask_for_identity(void)
{
    char *typed, *done = NULL;

    put("There is no identity here yet. /restore brings yours back from its seed phrase,\n"
        "/import FILE from a backup. To take it from another device, start with --new-device.");
    while (done == NULL && (typed = ask("Press Enter for a new one, or type /restore or /import FILE: ", false)) != NULL) {
        if (strcmp(typed, "/restore") == 0) {
            done = restore(given->name);
        } else if (strncmp(typed, "/import ", 8) == 0) {
            done = bring_back(typed + 8 + strspn(typed + 8, " "));
        } else if (typed[strspn(typed, " ")] == '\0') {
            char *name = ask("Your name, as others see it (Enter for none): ", false);
            done = create(name == NULL ? "" : name);
            free(name);
        }
        free(typed);
        if (interrupted())
            break;
    }
    return done;
}

/* identify prints who we are; at the first start that is decided. It gives false if it
 * was not. */
static bool identify(char *opened)
{
    const char *identity = json_get(opened, "result.identity");
    char *made = NULL, *chat_key;

    if (!json_is(identity, "null")) {
        if (given->restore || given->backup != NULL)
            refuse_restore();
    } else {
        if (given->restore)
            made = restore(given->name);
        else if (given->backup != NULL)
            made = bring_back(given->backup);
        else if (at_terminal() && *given->name == '\0' && given->send == NULL)
            made = ask_for_identity();
        else
            made = create(given->name);
        if (made == NULL)
            return false;
    }
    status1to1_free(made);
    made = call("identity.get", NULL);
    chat_key = text_at(made, "result.chat_key");
    put(plain ? "me\t%s" : "You are %s", chat_key);
    free(chat_key);
    status1to1_free(made);
    return true;
}

/* start prints who we are and chooses whom to write to. It gives an exit code if that is
 * all, or -1. */
static int start(char *opened)
{
    char *newest;

    if (given->new_device && json_is(json_get(opened, "result.identity"), "null")) {
        put(plain ? "me\t" : "This device has no identity yet: /pair it with one of yours, and type /sync there.");
        show_network(false);
        return -1;
    }
    if (!identify(opened))
        return interrupted() ? INTERRUPTED : FAILED;
    if (given->send == NULL)
        show_network(false);
    if (given->to != NULL)
        return choose(given->to, given->send != NULL) ? -1 : WRONG;
    if (at_terminal() && (newest = show_chats(CHATS_SHOWN, false)) != NULL) {
        choose(newest, false);
        free(newest);
    }
    return -1;
}

/* ---- the loop -------------------------------------------------------------- */

/* now_ms is a clock that only goes forward. */
static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* turn waits for something to happen, at most left ms (-1: for ever), and does it. It gives
 * false if that ends the program. */
static bool turn(bool typing, int left)
{
    struct pollfd wait[] = {
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = status1to1_event_fd(client), .events = POLLIN},
        {.fd = typing ? STDIN_FILENO : -1, .events = POLLIN},
    };
    int number;

    screen_show();
    if (poll(wait, 3, left) < 0 && errno != EINTR)
        fail(FAILED, "poll: %s", strerror(errno));
    while ((number = next_signal()) != 0)
        screen_signal(number);
    if (interrupted())
        return false;
    if (wait[1].revents != 0 && !take_events())
        return false;
    if (wait[2].revents != 0 && !screen_read(run_line))
        return false;
    return !interrupted(); /* Ctrl-C at a question of a command ends the program, too */
}

static bool all_delivered(void)
{
    return undelivered() == 0 && files_under_way <= 0;
}

static bool all_sent(void)
{
    return unsent() == 0;
}

/* until goes on without stdin until done() or the time is over. */
static void until(bool (*done)(void), int seconds)
{
    long long deadline = now_ms() + seconds * 1000LL, left;

    while (!done() && (left = deadline - now_ms()) > 0)
        if (!turn(false, (int)left))
            return;
}

/* loop runs until /quit, Ctrl-C or the end of stdin; then it stays a while for what is
 * under way. It gives the exit code. */
static int loop(void)
{
    bool typed = isatty(STDIN_FILENO);
    int code;

    while (!screen_ended()) {
        if (!turn(true, -1)) {
            screen_end();
            conclude(false);
            return DONE;
        }
    }
    screen_end();
    until(all_delivered, LINGER);
    code = conclude(false);
    return typed ? DONE : code;
}

/* send_one sends the one text of --send. It gives the exit code. */
static int send_one(void)
{
    bool delivered = given->wait != 0;

    send_text(given->send);
    if (undelivered() == 0)
        return FAILED; /* it was refused, and that was said */
    until(delivered ? all_delivered : all_sent, delivered ? given->wait : LINGER);
    return conclude(!delivered && all_sent());
}

/* run is the program once the client is open; it gives the exit code. */
static int run(char *opened)
{
    int code = start(opened);

    if (code >= 0)
        return code;
    if (given->send != NULL)
        return send_one();
    screen_begin(given->editor);
    put(plain ? "ready" : "Type a message, or /help.");
    code = loop();
    if (!plain)
        put("\nBye.");
    return code;
}

/* speak_utf8 takes the locale of the user, or one with UTF-8 if theirs has another code. */
static void speak_utf8(void)
{
    setlocale(LC_CTYPE, "");
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
        setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
    struct options options;
    char *config, *opened;
    int code = FAILED;

    if (status1to1_abi_version() != STATUS1TO1_ABI_VERSION)
        fail(FAILED, "the library is of another ABI version than the header");
    speak_utf8();
    options = read_options(argc, argv);
    given = &options;
    catch_signals();
    config = configuration(given);
    opened = status1to1_open(config, &client);
    free(config);
    if (json_is(json_get(opened, "ok"), "true")) {
        code = run(opened);
        screen_end();
        status1to1_free(opened);
        status1to1_free(status1to1_close(client));
    } else {
        put_error(opened);
    }
    free(to);
    forget_numbers();
    return code;
}
