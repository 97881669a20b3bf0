/* actions.h - what the commands do, for the table of commands. Each gets the name of the
 * command and its argument, NULL if there is none. */

#ifndef ACTIONS_H
#define ACTIONS_H

void run_to(const char *name, const char *argument);
void run_about(const char *name, const char *argument);
void run_add(const char *name, const char *argument);
void run_verify(const char *name, const char *argument);
void run_key_exchange(const char *name, const char *argument);
void run_request(const char *name, const char *argument);
void run_chats(const char *name, const char *argument);
void run_history(const char *name, const char *argument);
void run_retry(const char *name, const char *argument);
void run_cancel(const char *name, const char *argument);
void run_name(const char *name, const char *argument);
void run_phrase(const char *name, const char *argument);
void run_passphrase(const char *name, const char *argument);
void run_devices(const char *name, const char *argument);
void run_list(const char *name, const char *argument);
void run_net(const char *name, const char *argument);
void run_doctor(const char *name, const char *argument);
void run_connect(const char *name, const char *argument);

/* cards.c */
void run_card(const char *name, const char *argument);
void run_add_card(const char *name, const char *argument);

/* messages.c */
void run_reply(const char *name, const char *argument);
void run_edit(const char *name, const char *argument);
void run_delete(const char *name, const char *argument);
void run_react(const char *name, const char *argument);
void run_pin(const char *name, const char *argument);
void run_attach(const char *name, const char *argument);
void run_open(const char *name, const char *argument);
void run_save(const char *name, const char *argument);
void run_search(const char *name, const char *words);
void run_unread(const char *name, const char *argument);
void run_mute(const char *name, const char *argument);
void run_archive(const char *name, const char *argument);
void run_clear(const char *name, const char *argument);
void run_timer(const char *name, const char *argument);

/* moving.c */
void run_sync(const char *name, const char *argument);
void run_syncs(const char *name, const char *argument);
void run_export(const char *name, const char *path);
void run_import(const char *name, const char *path);

/* commands.c */
void wrong_usage(const char *name);

#endif
