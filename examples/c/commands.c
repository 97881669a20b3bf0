/* commands.c - what can be typed: the table of commands, typos, completion. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "chat.h"

enum { ALIKE = 2 /* mistakes a typo may have */, LONGEST = 32 /* letters of what may be a typo */ };

/* A command: its name, what it takes (optional in brackets), what it does. run gets the
 * name and the argument, NULL if there is none. */
struct command {
    const char *name, *takes, *does;
    void (*run)(const char *name, const char *argument);
};

static void run_help(const char *name, const char *argument);

static const struct command commands[] = {
    {"to", "WHO", "choose whom to write to: a name, a chat key or a Status link", run_to},
    {"chats", "[archived]", "the conversations and what is unread, or the archived ones", run_chats},
    {"history", "[N]", "the last N messages with the chosen person", run_history},
    {"retry", "", "try again what failed to the chosen person", run_retry},
    {"cancel", "", "give up the last message to them that still waits", run_cancel},
    {"reply", "N TEXT", "answer message N: the number after its #", run_reply},
    {"edit", "N TEXT", "replace the text of message N, one of yours", run_edit},
    {"delete", "N [everyone]", "delete message N for you, or one of yours for both", run_delete},
    {"react", "N EMOJI", "put an emoji under message N, or take it back", run_react},
    {"pin", "N", "pin message N for both, or unpin it", run_pin},
    {"attach", "FILE [TEXT]", "send a picture or a recording", run_attach},
    {"open", "N", "show the picture or the recording of message N", run_open},
    {"save", "N FILE", "put the picture or the recording into a new file", run_save},
    {"search", "WORDS", "look for messages, the newest first", run_search},
    {"unread", "", "mark the chosen chat as unread", run_unread},
    {"mute", "[MINUTES|off]", "be quiet about the chosen chat, for ever or for a while", run_mute},
    {"archive", "[off]", "put the chosen chat into the archive, or back", run_archive},
    {"clear", "", "erase the messages of the chosen chat on your devices", run_clear},
    {"timer", "[SECONDS|off]", "erase new messages of the chosen chat after a time", run_timer},
    {"add", "KEY [NAME]", "put somebody into the address book", run_add},
    {"card", "[noise] [NAME.png|NAME.svg]", "your contact card as a QR code, here or in a file", run_card},
    {"add-card", "CARD|PICTURE", "add and verify whose card it is, and write to them", run_add_card},
    {"contacts", "", "list the address book, and who wrote to you", run_list},
    {"request", "TEXT", "ask the chosen person to be a contact", run_request},
    {"requests", "", "who asks you, and strangers whose messages wait", run_list},
    {"accept", "[WHO]", "accept their request, or that of the chosen person", run_about},
    {"decline", "[WHO]", "decline it; they are not told", run_about},
    {"retract", "[WHO]", "take your request, or your acceptance, back", run_about},
    {"block", "[WHO]", "hear nothing of them any more", run_about},
    {"unblock", "[WHO]", "hear them again", run_about},
    {"verify", "[NUMBER|PICTURE]", "show the safety number with the chosen person, or check theirs", run_verify},
    {"key-exchange", "[x3dh|noise]", "how messages to the chosen person are encrypted, or change that", run_key_exchange},
    {"me", "", "your chat key and the Status link to you", run_list},
    {"name", "[NAME]", "what you call yourself, or another name", run_name},
    {"phrase", "", "show the seed phrase; it asks for the passphrase", run_phrase},
    {"passphrase", "", "another passphrase for the store", run_passphrase},
    {"restore", "", "bring an identity back from its seed phrase, at the first start", run_list},
    {"devices", "[enable|disable DEVICE]", "your devices; DEVICE is a number or id of the list", run_devices},
    {"pair", "", "show an invitation to another device", pairing_command},
    {"scan", "INVITATION|PICTURE", "answer the invitation that another device shows", pairing_command},
    {"confirm", "", "both devices show the same authcode", pairing_command},
    {"reject", "", "they do not", pairing_command},
    {"sendfile", "PATH", "send a file to the paired device, up to 16 MiB", pairing_command},
    {"paired", "", "the pairings", pairing_command},
    {"unpair", "", "take an invitation back, or end the newest pairing", pairing_command},
    {"sync", "[accept|pause|resume|cancel]", "offer the paired device all that is here, or take what it offers", run_sync},
    {"syncs", "", "what /sync has given and taken", run_syncs},
    {"export", "FILE", "write a backup of everything but the keys of this device", run_export},
    {"import", "FILE", "add what is in a backup to what is here", run_import},
    {"sessions", "", "the encrypted sessions", run_list},
    {"net", "", "the network: own addresses and peers", run_net},
    {"doctor", "", "what is wrong when messages do not travel, and what to do", run_doctor},
    {"connect", "ADDRESS", "keep a connection to a peer", run_connect},
    {"help", "", "this list", run_help},
    {"quit", "", "end; so do Ctrl-C and Ctrl-D", NULL},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void run_help(const char *name, const char *argument)
{
    int i;

    (void)name;
    (void)argument;
    put("  %-24s %s", "text", "send it to the chosen person (// to begin with a slash)");
    for (i = 0; i < COMMANDS; i++) {
        char *usage = format("/%s %s", commands[i].name, commands[i].takes);

        put("  %-24s %s", usage, commands[i].does);
        free(usage);
    }
}

/* ---- typed lines ----------------------------------------------------------- */

static const struct command *find_command(const char *name)
{
    int i;

    for (i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return &commands[i];
    return NULL;
}

/* wrong_usage says what a command takes. */
void wrong_usage(const char *name)
{
    const char *takes = find_command(name)->takes;

    complain("usage", "usage: /%s%s%s", name, *takes != '\0' ? " " : "", takes);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* distance is how many letters to add, leave out, change or swap to make b of a, which has
 * at most LONGEST. */
static int distance(const char *a, const char *b)
{
    int rows[3][LONGEST + 1], width = (int)strlen(b), i, j;

    for (j = 0; j <= width; j++)
        rows[0][j] = j;
    for (i = 1; a[i - 1] != '\0'; i++) {
        int *row = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

        row[0] = i;
        for (j = 1; j <= width; j++) {
            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return rows[(i + 2) % 3][width];
}

/* unknown says that there is no such command, and which may be meant. */
static void unknown(const char *name)
{
    int length = (int)strlen(name), nearest = least(ALIKE, length - 1), i;
    const char *meant = NULL;
    char *tamed = tame_name(name);

    for (i = 0; i < COMMANDS && length <= LONGEST; i++) {
        int mistakes = distance(name, commands[i].name);

        if (mistakes < nearest || (mistakes == nearest && meant == NULL)) {
            nearest = mistakes;
            meant = commands[i].name;
        }
    }
    if (meant != NULL)
        complain("unknown_command", "unknown command /%s; did you mean /%s?", tamed, meant);
    else
        complain("unknown_command", "unknown command /%s; /help lists all", tamed);
    free(tamed);
}

/* run_command runs a command, without its slash. It gives false for /quit. */
static bool run_command(char *line)
{
    char *argument = line + strcspn(line, " ");
    const struct command *command;

    if (*argument != '\0') {
        *argument++ = '\0';
        argument += strspn(argument, " ");
    }
    if (*argument == '\0')
        argument = NULL;
    command = find_command(line);
    if (command == NULL)
        unknown(line);
    else if (argument == NULL ? *command->takes != '\0' && *command->takes != '[' : *command->takes == '\0')
        wrong_usage(line);
    else if (command->run == NULL)
        return false;
    else
        command->run(command->name, argument);
    return true;
}

/* run_line does what a typed line says. It gives false for /quit. */
bool run_line(char *line)
{
    char *begin = line + strspn(line, " \t\r\f\v"), *end = begin + strlen(begin);

    if (*begin == '\0')
        return true;
    if (*begin != '/') {
        send_text(line);
        return true;
    }
    while (end > begin && strchr(" \t\r\f\v", end[-1]) != NULL)
        *--end = '\0';
    if (begin[1] != '/')
        return run_command(begin + 1);
    send_text(begin + 1);
    return true;
}

/* ---- completion ------------------------------------------------------------ */

/* completes_files tells whether the word to complete is the name of a file. */
bool completes_files(const char *line)
{
    static const char *const takers[] = {"/sendfile ", "/scan ", "/verify ", "/card ", "/add-card ", "/export ", "/import ",
                                         "/attach ", "/save "};
    size_t i;

    line += strspn(line, " ");
    for (i = 0; i < sizeof takers / sizeof *takers; i++)
        if (strncmp(line, takers[i], strlen(takers[i])) == 0)
            return true;
    return false;
}

static void (*add_rest)(const char *word);
static size_t rest; /* what of a name stands there already, in words before */

static void add_name(const char *name)
{
    add_rest(name + rest);
}

/* complete adds what may stand from begin on in a line. */
void complete(const char *line, int begin, void (*add)(const char *word))
{
    const char *start = line + strspn(line, " "), *word = line + begin, *typed = start + strcspn(start, " ");
    char *name;
    int i;

    if (start == word) {
        for (i = 0; *word == '/' && i < COMMANDS; i++)
            if (strncmp(commands[i].name, word + 1, strlen(word + 1)) == 0) {
                name = format("/%s", commands[i].name);
                add(name);
                free(name);
            }
        return;
    }
    for (i = 0; *start == '/' && *typed != '\0' && i < COMMANDS; i++)
        if (strlen(commands[i].name) == (size_t)(typed - start - 1) &&
            strncmp(commands[i].name, start + 1, (size_t)(typed - start - 1)) == 0 && strstr(commands[i].takes, "WHO") != NULL) {
            add_rest = add;
            rest = (size_t)(word - typed - 1);
            complete_names(typed + 1, add_name);
        }
    if (*start == '/' && *typed != '\0') {
        name = format("%.*s", (int)(typed - start - 1), start + 1);
        complete_message(name, typed + 1, word, add);
        free(name);
    }
}
