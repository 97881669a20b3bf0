/* chat - an interactive chat program over libstatus1to1.
 *
 *     chat --data ./alice --listen /ip4/127.0.0.1/tcp/60001
 *     chat --data ./bob --peer /ip4/127.0.0.1/tcp/60001/p2p/16Uiu2HAm... --to zQ3sh...
 *
 * It waits with poll() on stdin and on the library's event descriptor: one
 * thread, no callbacks. Everything it does goes through include/status1to1.h. What
 * pairs it with another device is in pairing.c. */

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "chat.h"
#include "json.h"

enum {
    MAX_PEERS = 16,
    LINE_SIZE = 64 * 1024,     /* 4096 code points and room to say that it is too long */
    LINGER_MS = 10 * 1000,     /* at the end of a piped stdin, for what is under way */
    HISTORY_SHOWN = 10,
    STATE_SHOWN = 40,          /* characters of a message whose state has changed */
};

static const char usage[] =
    "usage: chat --data DIR [--to KEY] [--listen MULTIADDRESS] [--peer MULTIADDRESS]...\n"
    "            [--name DISPLAY_NAME] [--passphrase TEXT] [--plain]\n"
    "The passphrase is also read from STATUS1TO1_PASSPHRASE, or asked for.\n"
    "--plain prints one line an event, tab-separated, for programs.\n";

static const char help[] =
    "  text             send it to the chosen person (// to begin with a slash)\n"
    "  /to KEY|NAME     choose whom to write to; a key may be a Status link\n"
    "  /add KEY [NAME]  put somebody into the address book\n"
    "  /contacts        list them\n"
    "  /me              your chat key and the Status link to you\n"
    "  /request TEXT    ask the chosen person to be a contact\n"
    "  /requests        who asks you\n"
    "  /accept [WHO]    accept their request, or that of the chosen person\n"
    "  /decline [WHO]   decline it; they are not told\n"
    "  /retract [WHO]   take your request, or your acceptance, back\n"
    "  /block [WHO]     hear nothing of them any more; /unblock [WHO]\n"
    "  /verify [NUMBER] show the safety number with the chosen person, or check theirs\n"
    "  /history [N]     the last N messages with the chosen person\n"
    "  /sessions        the encrypted sessions\n"
    "  /pair            show an invitation to another device; /scan TEXT there answers it\n"
    "  /confirm         both show the same authcode; /reject if not\n"
    "  /sendfile PATH   send a file to the paired device, up to 16 MiB\n"
    "  /paired          the pairings; /unpair ends the newest\n"
    "  /net             the network: own addresses and peers\n"
    "  /connect ADDRESS keep a connection to a peer\n"
    "  /quit\n";

struct options {
    const char *data, *to, *listen, *name, *passphrase;
    const char *peers[MAX_PEERS];
    int peer_count;
};

status1to1_client client;
bool plain;                 /* --plain */
const char *data_directory; /* --data */
int under_way;              /* messages and files sent and not yet acknowledged */
static char *to;            /* whom we write to, 0x04...; NULL for nobody yet */
static char *befriended;    /* the contact that was told of last, 0x04... */
static int interrupts[2];   /* a pipe the SIGINT handler writes to */

/* ---- small tools ---------------------------------------------------------- */

static void fail(const char *message)
{
    fprintf(stderr, "chat: %s\n", message);
    exit(1);
}

/* format is sprintf onto the heap. */
char *format(const char *pattern, ...)
{
    va_list args;
    int size;
    char *text;

    va_start(args, pattern);
    size = vsnprintf(NULL, 0, pattern, args);
    va_end(args);
    if (size < 0 || (text = malloc((size_t)size + 1)) == NULL)
        fail("out of memory");
    va_start(args, pattern);
    vsnprintf(text, (size_t)size + 1, pattern, args);
    va_end(args);
    return text;
}

/* text_at is the string at path, on the heap. For people it is made harmless: what
 * others write must not steer our terminal, so control characters become spaces. */
char *text_at(const char *json, const char *path)
{
    char *text = json_text(json_get(json, path));
    unsigned char *c;

    for (c = (unsigned char *)text; !plain && *c != '\0'; c++) {
        if (*c < 0x20 || *c == 0x7F)
            *c = ' ';
        else if (*c == 0xC2 && c[1] >= 0x80 && c[1] < 0xA0) /* U+0080 to U+009F */
            c[0] = c[1] = ' ';
    }
    return text;
}

/* put prints a line: its fields with tabs if --plain, else as pattern says. */
void put(const char *pattern, ...)
{
    va_list args;

    va_start(args, pattern);
    vprintf(pattern, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* put_error prints what went wrong and frees the answer. */
static void put_error(char *answer)
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

/* call runs a method and frees params. It gives the answer, or prints the error
 * and gives NULL. */
char *call(const char *method, char *params)
{
    char *answer = status1to1_call(client, method, params);

    free(params);
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

/* ---- showing things ------------------------------------------------------- */

/* who is what we call somebody: our name for them, what they call themselves, or
 * the end of their key. said is the name on a message of theirs, "" if unknown. */
static char *who(const char *key, const char *said)
{
    char *answer = call_with("contacts.get", "key", key);
    char *name = text_at(answer, "result.name");

    if (*name == '\0') {
        free(name);
        name = text_at(answer, "result.display_name");
    }
    if (*name == '\0') {
        char *chat_key = text_at(answer, "result.chat_key");
        size_t length = strlen(chat_key);

        free(name);
        name = *said != '\0' ? format("%s", said) : format("zQ3sh..%s", length > 6 ? chat_key + length - 6 : "?");
        free(chat_key);
    }
    status1to1_free(answer);
    return name;
}

static void clock_text(long long ms, char out[16])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    localtime_r(&seconds, &tm);
    strftime(out, 16, "%H:%M:%S", &tm);
}

/* mark is the tick of a message's state. */
static const char *mark(const char *state)
{
    if (strcmp(state, "sent") == 0)
        return "✓";
    if (strcmp(state, "delivered") == 0)
        return "✓✓";
    return strcmp(state, "failed") == 0 ? "✗" : "…";
}

/* show_message prints a message of history or of an event. */
static void show_message(const char *kind, const char *message)
{
    char *id = text_at(message, "message_id"), *from = text_at(message, "from");
    char *text = text_at(message, "text"), *state = text_at(message, "state");
    char *said = text_at(message, "sender_name");
    bool outgoing = json_is(json_get(message, "outgoing"), "true");
    bool asks = json_is(json_get(message, "kind"), "\"contact_request\"");
    char time[16];

    if (plain) {
        char *quoted = json_quote(text); /* keeps it on one line */
        put("%s\t%s\t%s\t%s\t%s\t%s", kind, outgoing ? "out" : "in", id, from, state, quoted);
        free(quoted);
    } else {
        char *name = outgoing ? format("you") : who(from, said);

        clock_text(json_number(json_get(message, "sent_at")), time);
        put("[%s] %s: %s%s%s%s", time, name, asks ? "(contact request) " : "", text, outgoing ? "  " : "",
            outgoing ? mark(state) : "");
        free(name);
    }
    free(id);
    free(from);
    free(text);
    free(state);
    free(said);
}

static void show_identity(const char *identity)
{
    char *chat_key = text_at(identity, "chat_key");

    put(plain ? "me\t%s" : "You are %s", chat_key);
    free(chat_key);
}

/* show_network prints own addresses, and peers if asked to. */
static void show_network(bool peers)
{
    char *answer = call("network.status", NULL);
    const char *item;

    if (answer == NULL)
        return;
    if (peers) {
        char *state = text_at(answer, "result.state");
        put(plain ? "network\t%s" : "The network is %s", state);
        free(state);
    }
    for (item = json_first(json_get(answer, "result.listen_addresses")); item != NULL; item = json_next(item)) {
        char *address = json_text(item);
        put(plain ? "address\t%s" : "Others reach you at %s", address);
        free(address);
    }
    for (item = json_first(json_get(answer, "result.peers")); peers && item != NULL; item = json_next(item)) {
        char *id = text_at(item, "peer_id");
        bool connected = json_is(json_get(item, "connected"), "true");
        put(plain ? "peer\t%s\t%s" : "  peer %s %s", id, connected ? "connected" : "not connected");
        free(id);
    }
    status1to1_free(answer);
}

/* show_history prints the last messages with the chosen person, oldest first. */
static void show_history(int count)
{
    char *answer = call("messages.list", format("{\"key\":\"%s\",\"limit\":%d}", to, count));
    const char *items[200], *item;
    int n = 0;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.items")); item != NULL && n < 200; item = json_next(item))
        items[n++] = item;
    while (n > 0)
        show_message("history", items[--n]);
    if (plain)
        put("history_end");
    status1to1_free(answer);
}

static void show_contacts(void)
{
    char *answer = call("contacts.list", format("{\"limit\":200}"));
    const char *item;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.items")); item != NULL; item = json_next(item)) {
        char *key = text_at(item, "public_key"), *chat_key = text_at(item, "chat_key"), *name = who(key, "");
        char *trust = text_at(item, "trust");
        put(plain ? "contact\t%s\t%s\t%s" : "  %s  %s (%s)", chat_key, name, trust);
        free(key);
        free(chat_key);
        free(name);
        free(trust);
    }
    status1to1_free(answer);
}

/* show_request prints who asks to be a contact. */
static void show_request(const char *contact)
{
    char *key = text_at(contact, "public_key"), *chat_key = text_at(contact, "chat_key"), *name = who(key, "");

    if (plain)
        put("request\t%s\t%s\t%s", key, chat_key, name);
    else
        put("(%s asks to be your contact: /accept %s or /decline %s)", name, name, name);
    free(key);
    free(chat_key);
    free(name);
}

static void show_requests(void)
{
    char *answer = call("contacts.list", format("{\"limit\":200}"));
    const char *item;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.items")); item != NULL; item = json_next(item))
        if (json_is(json_get(item, "request"), "\"received\""))
            show_request(item);
    if (plain)
        put("request_end");
    status1to1_free(answer);
}

static void show_me(void)
{
    char *answer, *link;

    if (!plain && (answer = call("identity.get", NULL)) != NULL) {
        show_identity(json_get(answer, "result"));
        status1to1_free(answer);
    }
    answer = call("profile.get", NULL);
    if (answer == NULL)
        return;
    link = text_at(answer, "result.link");
    put(plain ? "link\t%s" : "Link to you: %s", link);
    free(link);
    status1to1_free(answer);
}

static void show_sessions(void)
{
    char *answer = call("sessions.list", NULL);
    const char *item;

    if (answer == NULL)
        return;
    for (item = json_first(json_get(answer, "result.sessions")); item != NULL; item = json_next(item)) {
        char *key = text_at(item, "public_key"), *id = text_at(item, "session_id"), *state = text_at(item, "state");
        if (plain) {
            put("session\t%s\t%s\t%s", key, id, state);
        } else {
            char *name = who(key, "");
            put("  with %s: %s (%s)", name, id, state);
            free(name);
        }
        free(key);
        free(id);
        free(state);
    }
    if (plain)
        put("session_end");
    status1to1_free(answer);
}

/* ---- events --------------------------------------------------------------- */

/* on_message prints a message that came and marks it as read. */
static void on_message(const char *message)
{
    char *chat = text_at(message, "chat_id"), *id = text_at(message, "message_id");

    show_message("message", message);
    status1to1_free(call("chats.mark_read", format("{\"key\":\"%s\",\"up_to\":\"%s\"}", chat, id)));
    if (to == NULL && !plain) {
        char *said = text_at(message, "sender_name"), *name = who(chat, said);
        put("(you now write to %s)", name);
        free(said);
        free(name);
    }
    if (to == NULL)
        to = chat;
    else
        free(chat);
    free(id);
}

/* first_part is how many bytes the first STATE_SHOWN characters of text have. */
static int first_part(const char *text)
{
    int bytes = 0, characters = 0;

    for (; text[bytes] != '\0'; bytes++)
        if ((text[bytes] & 0xC0) != 0x80 && ++characters > STATE_SHOWN)
            break;
    return bytes;
}

/* on_state prints how far a message of ours has come. */
static void on_state(const char *data)
{
    char *id = text_at(data, "message_id"), *state = text_at(data, "state");

    if (strcmp(state, "delivered") == 0 || strcmp(state, "failed") == 0)
        under_way--;
    if (plain) {
        put("state\t%s\t%s", id, state);
    } else if (strcmp(state, "queued") != 0) {
        char *answer = call_with("messages.get", "message_id", id), *text = text_at(answer, "result.text");
        int shown = first_part(text);

        put("    %s %.*s%s", mark(state), shown, text, text[shown] == '\0' ? "" : "...");
        free(text);
        status1to1_free(answer);
    }
    free(id);
    free(state);
}

/* on_contact tells when somebody has become a contact. */
static void on_contact(const char *contact)
{
    char *key = text_at(contact, "public_key"), *request = text_at(contact, "request");
    char *trust = text_at(contact, "trust");
    bool mutual = strcmp(request, "mutual") == 0;

    if (plain) {
        put("contact_changed\t%s\t%s\t%s", key, request, trust);
    } else if (mutual && (befriended == NULL || strcmp(befriended, key) != 0)) {
        char *name = who(key, "");
        put("(%s and you are contacts)", name);
        free(name);
    }
    free(request);
    free(trust);
    if (mutual) {
        free(befriended);
        befriended = key;
    } else {
        free(key);
    }
}

/* on_event handles one event and acknowledges it. */
static void on_event(const char *event)
{
    char *type = text_at(event, "type");
    const char *data = json_get(event, "data");
    long long seq = json_number(json_get(event, "seq"));

    if (strcmp(type, "message_received") == 0) {
        on_message(json_get(data, "message"));
    } else if (strcmp(type, "message_state") == 0) {
        on_state(data);
    } else if (strcmp(type, "contact_request_received") == 0) {
        show_request(json_get(data, "contact"));
    } else if (strcmp(type, "contact_changed") == 0) {
        on_contact(json_get(data, "contact"));
    } else if (strcmp(type, "network_changed") == 0) {
        char *state = text_at(data, "state");
        put(plain ? "network\t%s" : "(the network is %s)", state);
        free(state);
    } else if (strcmp(type, "peer_changed") == 0 && !plain) {
        char *id = text_at(data, "peer_id"), *error = text_at(data, "error");
        if (*error != '\0')
            put("(peer %s: %s)", id, error);
        free(id);
        free(error);
    } else {
        pairing_event(type, data);
    }
    if (seq > 0)
        status1to1_free(call("events.ack", format("{\"up_to\":%lld}", seq)));
    free(type);
}

/* take_events handles what waits. It gives false when the client has ended. */
static bool take_events(void)
{
    for (;;) {
        char *answer = status1to1_next_event(client, 0);
        const char *event = json_get(answer, "result");
        bool ended = event == NULL || json_is(json_get(event, "type"), "\"closed\"");

        if (!ended && !json_is(event, "null")) {
            on_event(event);
            status1to1_free(answer);
            continue;
        }
        if (event == NULL)
            put_error(answer);
        else
            status1to1_free(answer);
        return !ended;
    }
}

/* ---- commands ------------------------------------------------------------- */

/* find is the key of the contact with this name, or NULL. */
static char *find(const char *name)
{
    char *answer = call("contacts.list", format("{\"limit\":200}"));
    const char *item = answer == NULL ? NULL : json_first(json_get(answer, "result.items"));
    char *found = NULL;

    for (; item != NULL && found == NULL; item = json_next(item)) {
        char *key = text_at(item, "public_key"), *called = who(key, "");

        if (strcmp(called, name) == 0)
            found = key;
        else
            free(key);
        free(called);
    }
    status1to1_free(answer);
    return found;
}

/* choose sets whom to write to: a key or link, or the name of a contact. */
static void choose(const char *name)
{
    char *found = find(name), *answer;

    if (found == NULL && (answer = call_with("contacts.add", "key", name)) != NULL) {
        found = text_at(answer, "result.public_key");
        status1to1_free(answer);
    }
    if (found != NULL) {
        char *called = who(found, "");

        free(to);
        to = found;
        put(plain ? "to\t%s" : "(you now write to %s)", plain ? to : called);
        free(called);
    }
}

static void add(char *argument)
{
    char *name = strchr(argument, ' '), *key, *quoted, *answer;

    if (name != NULL)
        *name++ = '\0';
    key = json_quote(argument);
    quoted = json_quote(name == NULL ? "" : name);
    answer = call("contacts.add", format("{\"key\":%s,\"name\":%s}", key, quoted));
    if (answer != NULL)
        put(plain ? "added" : "(added)");
    status1to1_free(answer);
    free(key);
    free(quoted);
}

/* somebody tells whether somebody is chosen, and complains if not. */
static bool somebody(void)
{
    if (to == NULL)
        put(plain ? "error\tnobody\t\tchoose somebody first" : "! choose whom to write to first: /to KEY");
    return to != NULL;
}

/* about does something about a person: one with this name or key, or the chosen one. */
static void about(const char *verb, const char *name)
{
    char *method, *found, *answer;
    const char *key;

    if (name == NULL && !somebody())
        return;
    found = name == NULL ? NULL : find(name);
    key = found != NULL ? found : name != NULL ? name : to;
    method = format("contacts.%s", verb);
    answer = call_with(method, "key", key);
    if (answer != NULL)
        put(plain ? "%s\t%s" : "(done: %s)", verb, key);
    status1to1_free(answer);
    free(method);
    free(found);
}

/* request asks the chosen person to be a contact. */
static void request(const char *text)
{
    char *quoted, *answer;

    if (!somebody())
        return;
    quoted = json_quote(text);
    answer = call("contacts.request", format("{\"key\":\"%s\",\"text\":%s}", to, quoted));
    free(quoted);
    if (answer == NULL)
        return;
    under_way++;
    show_message("message", json_get(answer, "result"));
    status1to1_free(answer);
}

/* verify shows the safety number, or checks the one the other side reads out. */
static void verify(const char *number)
{
    char *answer;

    if (!somebody())
        return;
    if (number == NULL) {
        char *ours;

        if ((answer = call_with("contacts.safety_number", "key", to)) == NULL)
            return;
        ours = text_at(answer, "result.safety_number");
        put(plain ? "safety_number\t%s" : "Compare with what they see:\n  %s\n"
            "If it is the same, /verify and the number they read out.", ours);
        free(ours);
    } else {
        char *quoted = json_quote(number);

        answer = call("contacts.verify", format("{\"key\":\"%s\",\"safety_number\":%s}", to, quoted));
        free(quoted);
        if (answer == NULL)
            return;
        put(plain ? "verify\t%s" : "(verified)", to);
    }
    status1to1_free(answer);
}

static void send_text(const char *text)
{
    char *quoted, *answer;

    if (!somebody())
        return;
    quoted = json_quote(text);
    answer = call("messages.send", format("{\"to\":\"%s\",\"text\":%s}", to, quoted));
    free(quoted);
    if (answer == NULL)
        return;
    under_way++;
    if (plain)
        show_message("message", json_get(answer, "result"));
    status1to1_free(answer);
}

/* run_line does what a line of stdin says. It gives false for /quit. */
static bool run_line(char *line)
{
    char *argument = strchr(line, ' ');

    if (*line == '\0')
        return true;
    if (*line != '/' || line[1] == '/') {
        send_text(*line == '/' ? line + 1 : line);
        return true;
    }
    if (argument != NULL)
        *argument++ = '\0';
    if (strcmp(line, "/quit") == 0)
        return false;
    if (strcmp(line, "/contacts") == 0)
        show_contacts();
    else if (strcmp(line, "/sessions") == 0)
        show_sessions();
    else if (strcmp(line, "/net") == 0)
        show_network(true);
    else if (strcmp(line, "/me") == 0)
        show_me();
    else if (strcmp(line, "/requests") == 0)
        show_requests();
    else if (strcmp(line, "/request") == 0 && argument != NULL)
        request(argument);
    else if (strcmp(line, "/accept") == 0 || strcmp(line, "/decline") == 0 || strcmp(line, "/retract") == 0 ||
             strcmp(line, "/block") == 0 || strcmp(line, "/unblock") == 0)
        about(line + 1, argument);
    else if (strcmp(line, "/verify") == 0)
        verify(argument);
    else if (strcmp(line, "/to") == 0 && argument != NULL)
        choose(argument);
    else if (strcmp(line, "/add") == 0 && argument != NULL)
        add(argument);
    else if (strcmp(line, "/connect") == 0 && argument != NULL)
        status1to1_free(call_with("network.connect", "address", argument));
    else if (strcmp(line, "/history") == 0 && to != NULL)
        show_history(argument == NULL ? HISTORY_SHOWN : atoi(argument));
    else if (!pairing_command(line, argument))
        fputs(help, stdout);
    fflush(stdout);
    return true;
}

/* read_lines reads what stdin has and runs the whole lines in it. It gives 1 to
 * go on, 0 at the end of input, -1 for /quit. */
static int read_lines(void)
{
    static char buffer[LINE_SIZE];
    static size_t used;
    static bool skipping; /* the rest of a line that is too long */
    ssize_t got = read(STDIN_FILENO, buffer + used, sizeof buffer - used - 1);
    char *line = buffer, *end;

    if (got < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : 0;
    used += (size_t)got;
    buffer[used] = '\0';
    if (got == 0 && used > 0)
        strcpy(buffer + used++, "\n"); /* the last line may lack its end */
    while ((end = memchr(line, '\n', used - (size_t)(line - buffer))) != NULL) {
        *end = '\0';
        if (!skipping && !run_line(line))
            return -1;
        skipping = false;
        line = end + 1;
    }
    used -= (size_t)(line - buffer);
    memmove(buffer, line, used);
    if (used == sizeof buffer - 1) {
        if (!skipping)
            put(plain ? "error\ttoo_long\t\tthe line is too long" : "! the line is too long");
        used = 0;
        skipping = true;
    }
    return got > 0;
}

/* ---- from start to end ---------------------------------------------------- */

/* ask reads the passphrase from the terminal without showing it. */
static const char *ask(void)
{
    static char line[1024];
    struct termios shown, hidden;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &shown) != 0)
        fail("no passphrase: use --passphrase or STATUS1TO1_PASSPHRASE");
    fputs("Passphrase: ", stdout);
    fflush(stdout);
    hidden = shown;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    if (fgets(line, sizeof line, stdin) == NULL)
        line[0] = '\0';
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    putchar('\n');
    line[strcspn(line, "\n")] = '\0';
    return line;
}

static struct options read_options(int argc, char **argv)
{
    struct options o = {.passphrase = getenv("STATUS1TO1_PASSPHRASE")};
    int i;

    for (i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(name, "--plain") == 0) {
            plain = true;
            continue;
        }
        if (value == NULL) {
            fputs(usage, strcmp(name, "--help") == 0 ? stdout : stderr);
            exit(strcmp(name, "--help") == 0 ? 0 : 2);
        }
        i++;
        if (strcmp(name, "--data") == 0)
            o.data = value;
        else if (strcmp(name, "--to") == 0)
            o.to = value;
        else if (strcmp(name, "--listen") == 0)
            o.listen = value;
        else if (strcmp(name, "--name") == 0)
            o.name = value;
        else if (strcmp(name, "--passphrase") == 0)
            o.passphrase = value;
        else if (strcmp(name, "--peer") == 0 && o.peer_count < MAX_PEERS)
            o.peers[o.peer_count++] = value;
        else {
            fputs(usage, stderr);
            exit(2);
        }
    }
    if (o.data == NULL) {
        fputs(usage, stderr);
        exit(2);
    }
    if (o.passphrase == NULL)
        o.passphrase = ask();
    return o;
}

/* configuration is what status1to1_open takes. */
static char *configuration(const struct options *o)
{
    char *path = format("%s/chat.db", o->data), *quoted_path = json_quote(path);
    char *passphrase = json_quote(o->passphrase);
    char *listen = json_quote(o->listen == NULL ? "/ip4/0.0.0.0/tcp/0" : o->listen);
    char *peers = format("%s", ""), *config;
    int i;

    for (i = 0; i < o->peer_count; i++) {
        char *peer = json_quote(o->peers[i]), *more = format("%s%s%s", peers, i > 0 ? "," : "", peer);
        free(peers);
        free(peer);
        peers = more;
    }
    config = format("{\"store\":{\"path\":%s,\"passphrase\":%s},\"network\":{\"listen\":[%s],\"peers\":[%s]}}",
                    quoted_path, passphrase, listen, peers);
    free(path);
    free(quoted_path);
    free(passphrase);
    free(listen);
    free(peers);
    return config;
}

/* start opens the client; at the first start it makes an identity. */
static void start(const struct options *o)
{
    char *config = configuration(o), *answer = status1to1_open(config, &client);

    free(config);
    if (!json_is(json_get(answer, "ok"), "true")) {
        put_error(answer);
        exit(1);
    }
    if (json_is(json_get(answer, "result.identity"), "null")) {
        char *phrase;

        status1to1_free(answer);
        answer = call_with("identity.create", "display_name", o->name == NULL ? "" : o->name);
        if (answer == NULL)
            exit(1);
        phrase = text_at(answer, "result.phrase");
        if (!plain)
            put("This is the seed phrase of your new identity. Write it down:\n\n  %s\n", phrase);
        free(phrase);
    }
    show_identity(json_get(answer, "result.identity"));
    status1to1_free(answer);
    show_network(false);
    if (o->to != NULL) {
        choose(o->to);
        if (to != NULL && !plain)
            show_history(HISTORY_SHOWN);
    }
    if (plain)
        put("ready");
    else
        put("Type a message, or /help.");
}

static void on_interrupt(int number)
{
    int saved = errno;
    ssize_t ignored = write(interrupts[1], "", 1);

    (void)number;
    (void)ignored;
    errno = saved;
}

/* catch_interrupts lets Ctrl-C end the loop. A signal may arrive on any of the
 * library's threads, so it goes through a pipe; SA_ONSTACK is what the library
 * asks of every handler. */
static void catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_ONSTACK | SA_RESTART};

    if (pipe(interrupts) != 0)
        fail("no pipe");
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* now_ms is a clock that only goes forward. */
static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* loop runs until /quit, Ctrl-C, or the end of stdin; then it stays a while for
 * messages that are under way. */
static void loop(void)
{
    struct pollfd wait[] = {
        {.fd = interrupts[0], .events = POLLIN},
        {.fd = status1to1_event_fd(client), .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
    };
    long long deadline = -1; /* none: stdin is open */

    for (;;) {
        int left = deadline < 0 ? -1 : (int)(deadline - now_ms());

        if (deadline >= 0 && (left <= 0 || under_way <= 0))
            return;
        if (poll(wait, 3, left) < 0 && errno != EINTR)
            fail("poll");
        if (wait[0].revents != 0)
            return;
        if (wait[1].revents != 0 && !take_events())
            return;
        if (wait[2].revents != 0) {
            int more = read_lines();

            if (more < 0)
                return;
            if (more == 0) {
                wait[2].fd = -1;
                deadline = now_ms() + LINGER_MS;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct options o = read_options(argc, argv);

    if (status1to1_abi_version() != STATUS1TO1_ABI_VERSION)
        fail("the library is of another ABI version than the header");
    data_directory = o.data;
    if (mkdir(o.data, 0700) != 0 && errno != EEXIST)
        fail("the --data directory cannot be made");
    catch_interrupts();
    start(&o);
    loop();
    status1to1_free(status1to1_close(client));
    free(to);
    if (!plain)
        puts("\nBye.");
    return 0;
}
