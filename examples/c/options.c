/* options.c - the command line, the passphrase, and the configuration made of them. */

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat.h"
#include "json.h"

enum {
    WAIT = 60,            /* seconds --wait waits if not told */
    LONGEST_WAIT = 86400, /* a day */
    SHORTEST = 8,         /* characters of a new passphrase that is typed */
    TRIES = 3,            /* to type a new passphrase twice alike */
};

static const char usage[] =
    "usage: chat --data DIR [OPTION]...\n"
    "  --data DIR              where the encrypted store is; made when missing\n"
    "  --to WHO                whom to write to: a name, a chat key or a Status link\n"
    "  --listen MULTIADDRESS   where others can connect to you: /ip4/0.0.0.0/tcp/60000.\n"
    "                          Without it nobody can, and you connect to --peer\n"
    "  --peer MULTIADDRESS     a peer to keep connected, with /p2p/...; may be repeated\n"
    "  --light                 save traffic: let --peer relay for you, as a phone does\n"
    "  --name NAME             your display name, at the first start\n"
    "  --restore               at the first start, bring an identity back from its seed\n"
    "                          phrase: it is asked for, or the first line of stdin\n"
    "  --import FILE           at the first start, bring an identity back from a backup;\n"
    "                          STATUS1TO1_BACKUP_PASSPHRASE opens it, or is asked for\n"
    "  --new-device            at the first start, have no identity: /pair this device\n"
    "                          with one of yours, which gives it all it knows by /sync\n"
    "  --passphrase-file FILE  the first line of FILE opens the store\n"
    "  --passphrase-fd N       the first line of file descriptor N does\n"
    "  --passphrase TEXT       for tests only: everybody on this machine sees it in ps\n"
    "  --send TEXT             send TEXT to --to, and end once it is sent\n"
    "  --wait [SECONDS]        with --send: end once it is delivered; 60 if not told\n"
    "  --editor NAME           auto: GNU readline edits the line you type, or none\n"
    "  --plain                 one line an event, tab-separated, for programs\n"
    "  --version\n"
    "  --help\n"
    "Without a --passphrase option it is STATUS1TO1_PASSPHRASE, or asked for.\n"
    "Exit codes: 0 done; 1 an error; 2 the command line or --to is wrong; 3 messages\n"
    "still wait to be sent or acknowledged (they are stored; the next start goes on);\n"
    "4 a message failed; 130 interrupted before the start.\n";

/* ---- the command line ------------------------------------------------------ */

static void wrong(const char *what, const char *name)
{
    fprintf(stderr, "%schat: error: %s%s\n", usage, what, name);
    exit(WRONG);
}

static void show_version(void)
{
    char *answer = status1to1_info(), *version = json_text(json_get(answer, "result.version"));

    printf("chat of libstatus1to1 %s\n", version);
    free(version);
    status1to1_free(answer);
}

/* flag takes an option that has no value, and tells whether it is one. */
static bool flag(struct options *o, const char *name)
{
    if (strcmp(name, "--plain") == 0) {
        plain = true;
    } else if (strcmp(name, "--restore") == 0) {
        o->restore = true;
    } else if (strcmp(name, "--new-device") == 0) {
        o->new_device = true;
    } else if (strcmp(name, "--light") == 0) {
        o->light = true;
    } else if (strcmp(name, "--help") == 0) {
        fputs(usage, stdout);
        exit(DONE);
    } else if (strcmp(name, "--version") == 0) {
        show_version();
        exit(DONE);
    } else {
        return false;
    }
    return true;
}

/* place is where the value of an option belongs, or NULL. */
static const char **place(struct options *o, const char *name)
{
    const struct {
        const char *name, **place;
    } options[] = {
        {"--data", &o->data}, {"--to", &o->to}, {"--listen", &o->listen}, {"--name", &o->name}, {"--send", &o->send},
        {"--editor", &o->editor}, {"--passphrase", &o->passphrase}, {"--passphrase-file", &o->passphrase_file},
        {"--passphrase-fd", &o->passphrase_fd},
        {"--import", &o->backup},
    };
    size_t i;

    for (i = 0; i < sizeof options / sizeof *options; i++)
        if (strcmp(name, options[i].name) == 0)
            return options[i].place;
    if (strcmp(name, "--peer") == 0 && o->peer_count < MAX_PEERS)
        return &o->peers[o->peer_count++];
    return NULL;
}

/* number reads a whole number from low to high, or gives -1. */
static int number(const char *text, int low, int high)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    return *text < '0' || *text > '9' || *end != '\0' || errno != 0 || value < low || value > high ? -1 : (int)value;
}

static void check(struct options *o)
{
    if (o->data == NULL)
        wrong("--data is missing", "");
    if (o->send != NULL && o->to == NULL)
        wrong("--send needs --to", "");
    if (o->wait != 0 && o->send == NULL)
        wrong("--wait needs --send", "");
    if (o->passphrase_fd != NULL && number(o->passphrase_fd, 0, INT_MAX) < 0)
        wrong("no file descriptor: ", o->passphrase_fd);
    if (strcmp(o->editor, "auto") != 0 && strcmp(o->editor, "none") != 0)
        wrong("no editor: ", o->editor);
}

/* read_options reads the command line. A wrong one ends the program. */
struct options read_options(int argc, char **argv)
{
    struct options o = {.name = "", .editor = "auto"};
    int i;

    for (i = 1; i < argc; i++) {
        char *name = argv[i], *value = strncmp(name, "--", 2) == 0 ? strchr(name, '=') : NULL;
        const char **at;

        if (value != NULL)
            *value++ = '\0'; /* --name=value */
        else if (flag(&o, name))
            continue;
        if (strcmp(name, "--wait") == 0) {
            if (value == NULL && i + 1 < argc && strncmp(argv[i + 1], "-", 1) != 0)
                value = argv[++i];
            o.wait = value == NULL ? WAIT : number(value, 1, LONGEST_WAIT);
            if (o.wait < 0)
                wrong("no number of seconds: ", value);
            continue;
        }
        if ((at = place(&o, name)) == NULL)
            wrong("no such option: ", name);
        if (value == NULL && i + 1 == argc)
            wrong("a value is missing: ", name);
        *at = value != NULL ? value : argv[++i];
    }
    check(&o);
    return o;
}

/* ---- the passphrase -------------------------------------------------------- */

/* first_line is the first line of a file that holds a passphrase. */
static char *first_line(FILE *file, const char *name)
{
    char *line = NULL;
    size_t size = 0;

    if (file == NULL || (getline(&line, &size, file) < 0 && ferror(file)))
        fail(FAILED, "the passphrase cannot be read from %s: %s", name, strerror(errno));
    if (line == NULL || feof(file))
        line = line == NULL ? format("%s", "") : line;
    line[strcspn(line, "\r\n")] = '\0';
    fclose(file);
    return line;
}

/* characters is how many code points a text has. */
static int characters(const char *text)
{
    int count = 0;

    for (; *text != '\0'; text++)
        count += (*text & 0xC0) != 0x80;
    return count;
}

/* new_passphrase is a new passphrase, typed twice alike; NULL if there is none. */
char *new_passphrase(const char *what)
{
    char *question = format("%s, at least %d characters: ", what, SHORTEST), *typed = NULL, *again;
    int try;

    for (try = 0; try < TRIES && (typed = ask(question, true)) != NULL; try++) {
        if (characters(typed) >= SHORTEST) {
            again = ask("Once more: ", true);
            if (again != NULL && strcmp(typed, again) == 0) {
                free(again);
                break;
            }
            if (again == NULL)
                try = TRIES;
            else
                puts("They are not the same.");
            free(again);
        } else {
            puts("That is too short.");
        }
        fflush(stdout);
        free(typed);
        typed = NULL;
    }
    free(question);
    return typed;
}

/* passphrase is what opens the store at path. */
static char *passphrase(const struct options *o, const char *path)
{
    const char *environment = getenv("STATUS1TO1_PASSPHRASE");
    char *typed;

    if (o->passphrase_fd != NULL) {
        char *name = format("descriptor %s", o->passphrase_fd), *line;

        line = first_line(fdopen(number(o->passphrase_fd, 0, INT_MAX), "r"), name);
        free(name);
        return line;
    }
    if (o->passphrase_file != NULL)
        return first_line(fopen(o->passphrase_file, "r"), o->passphrase_file);
    if (o->passphrase != NULL)
        return format("%s", o->passphrase);
    if (environment != NULL && *environment != '\0')
        return format("%s", environment);
    if (!can_ask())
        fail(FAILED, "no passphrase: give --passphrase-file, --passphrase-fd or STATUS1TO1_PASSPHRASE");
    typed = access(path, F_OK) == 0 ? ask("Passphrase: ", true) : new_passphrase("A passphrase for the new store");
    if (interrupted())
        exit(INTERRUPTED);
    if (typed == NULL || *typed == '\0')
        fail(FAILED, "no passphrase was typed");
    return typed;
}

/* ---- the configuration ----------------------------------------------------- */

/* make_directory makes a directory with all above it. */
static void make_directory(const char *path)
{
    char *part = format("%s", path), *slash = part;
    struct stat found;

    while ((slash = strchr(slash + 1, '/')) != NULL) {
        *slash = '\0';
        mkdir(part, 0700); /* whether that was possible, the last one tells */
        *slash = '/';
    }
    if (mkdir(path, 0700) != 0 && (errno != EEXIST || stat(path, &found) != 0 || !S_ISDIR(found.st_mode)))
        fail(FAILED, "the directory %s cannot be made: %s", path, strerror(errno));
    free(part);
}

/* quoted_list is a list of JSON strings. */
static char *quoted_list(const char *const *texts, int count)
{
    char *list = format("[");
    int i;

    for (i = 0; i < count; i++) {
        char *quoted = json_quote(texts[i]);

        append(&list, i > 0 ? "," : "");
        append(&list, quoted);
        free(quoted);
    }
    append(&list, "]");
    return list;
}

/* configuration is what status1to1_open takes. It makes the data directory. */
char *configuration(const struct options *o)
{
    char *path = format("%s/chat.db", o->data), *quoted_path = json_quote(path), *opens, *quoted, *peers, *listen, *config;

    make_directory(o->data);
    opens = passphrase(o, path);
    quoted = json_quote(opens);
    peers = quoted_list(o->peers, o->peer_count);
    listen = quoted_list(&o->listen, o->listen != NULL);
    config = format("{\"store\":{\"path\":%s,\"passphrase\":%s},\"network\":{\"peers\":%s%s%s%s}}", quoted_path, quoted, peers,
                    o->light ? ",\"mode\":\"light\"" : "", o->listen == NULL ? "" : ",\"listen\":", o->listen == NULL ? "" : listen);
    memset(opens, 0, strlen(opens));
    free(opens);
    free(path);
    free(quoted_path);
    free(quoted);
    free(peers);
    free(listen);
    return config;
}
