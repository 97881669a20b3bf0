/* chat.h - what the files of the chat program share. Each part has a heading. */

#ifndef CHAT_H
#define CHAT_H

#include <stdbool.h>
#include <stddef.h>

#include "status1to1.h"

enum { DONE, FAILED, WRONG, WAITS, UNDELIVERED, INTERRUPTED = 130 }; /* exit codes: see --help */

enum {
    HISTORY_SHOWN = 10, /* messages of a chat that is opened */
    MOST_SHOWN = 200,   /* messages, or chats, of one page */
    MAX_PEERS = 16,
};

/* ---- options.c: the command line, the passphrase, the configuration -------- */

struct options {
    const char *data, *to, *listen, *name, *send, *editor;
    const char *passphrase, *passphrase_file, *passphrase_fd, *backup;
    const char *peers[MAX_PEERS];
    int peer_count, wait; /* wait is in seconds, 0 if not given */
    bool restore, new_device;
    bool light;
};

struct options read_options(int argc, char **argv);
char *configuration(const struct options *o);
char *new_passphrase(const char *what);

/* ---- chat.c: the client, and whom we write to ------------------------------ */

extern status1to1_client client;
extern const struct options *given;
extern char *to; /* 0x04...; NULL for nobody yet */

char *try_call(const char *method, char *params);
char *call(const char *method, char *params);
char *call_with(const char *method, const char *name, const char *value);
bool every(const char *method, const char *more, void (*each)(const char *item, void *state), void *state);
void begin_with(const char *key);
void open_chat(const char *key);

/* ---- text.c: texts on the heap, and what others wrote ---------------------- */

char *format(const char *pattern, ...);
void append(char **text, const char *more);
char *tame(const char *text);
char *tame_name(const char *name);
char *cut(const char *text, int characters);
bool same(const char *a, const char *b);
bool starts(const char *text, const char *prefix);
int columns(const char *text);
void fail(int code, const char *pattern, ...);

/* ---- screen.c: the terminal ------------------------------------------------ */

extern bool plain; /* --plain */

bool at_terminal(void);
void screen_begin(const char *editor);
void screen_end(void);
void screen_prompt(const char *prompt);
void screen_show(void);
bool screen_read(bool (*run)(char *line));
bool screen_ended(void);
void screen_signal(int number);
void put(const char *pattern, ...);
void put_over(const char *line);
bool can_ask(void);
char *ask(const char *question, bool hidden);

void catch_signals(void);
int signals_fd(void);
int next_signal(void);
bool interrupted(void);

/* ---- editor.c: GNU readline, a key at a time --------------------------------- */

const char *editor_begin(const char *wanted, void (*on_line)(char *line));
bool editor_used(void);
void editor_leave(void);
void editor_return(void);
void editor_key(void);
void editor_hide(void);
void editor_show(const char *prompt);
void editor_resize(void);

/* ---- people.c: names ------------------------------------------------------- */

char *label(const char *name, const char *chat_key);
char *called(const char *contact, const char *said);
char *who(const char *key, const char *said);
char *find(const char *name);
void complete_names(const char *typed, void (*add)(const char *name));

/* ---- said.c: what messages look like, and their numbers --------------------- */

int message_number(const char *message);
char *numbered_message(const char *word);
char *said_text(const char *message);
char *said_brief(const char *message, int characters);
char *attachment_text(const char *attachment);
char *reactions_text(const char *message);
void show_message(const char *kind, const char *message, const char *whose);
void show_state(const char *message, const char *state, const char *why);
void forget_numbers(void);

/* ---- show.c: what lists look like ------------------------------------------- */

char *text_at(const char *json, const char *path);
void complain(const char *code, const char *pattern, ...);
void put_error(char *answer);
void show_history(const char *key, int count);
bool was_shown(const char *message_id);
char *show_chats(int most, bool archived);
void show_contacts(void);
void show_request(const char *contact);
void show_requests(void);
void show_safety_number(void);
void show_me(void);
void show_name(void);
void show_devices(void);
void show_sessions(void);
void show_network(bool peers);

/* ---- commands.c: what can be typed ----------------------------------------- */

bool run_line(char *line);
void complete(const char *line, int begin, void (*add)(const char *word));
bool completes_files(const char *line);

/* ---- actions.c: what the commands do, as far as others need it --------------- */

bool choose(const char *name, bool quietly);
bool somebody(void);
void send_text(const char *text);
void refuse_restore(void);

/* ---- messages.c: what is done to messages and chats --------------------------- */

void message_event(const char *data);
void chat_event(const char *data);
void complete_message(const char *command, const char *argument, const char *word, void (*add)(const char *word));

/* ---- events.c: what the library tells -------------------------------------- */

bool take_events(void);

/* ---- delivery.c: what becomes of messages sent in this run ------------------ */

void begin_delivery(const char *message);
void await_delivery(const char *message_id);
void follow_delivery(const char *message_id, const char *state);
int undelivered(void);
int unsent(void);
int conclude(bool done);

/* ---- files.c: whole files, base64 ------------------------------------------- */

char *encode(const unsigned char *bytes, size_t size);
size_t decode(char *text);
unsigned char *read_file(const char *path, size_t *size);
bool write_file(const char *path, const void *bytes, size_t size);

/* ---- pictures.c: QR codes ---------------------------------------------------- */

bool is_picture(const char *argument);
bool takes_qr(const char *path);
char *qr_lines(const char *text);
bool save_qr(const char *text, const char *path);
char *picture_bytes(const char *path);
char *text_of(const char *argument);

/* ---- pairing.c: pairing with another device, files to and from it ----------- */

extern int files_under_way;

void pairing_command(const char *name, const char *argument);
void pairing_event(const char *type, const char *data);
char *newest_pairing(const char *state);

/* ---- moving.c: backups, and syncs with a paired device ----------------------- */

bool take_in(const char *path);
bool sync_event(const char *type, const char *data);

#endif
