/* chat.h - what the files of the chat program share. */

#ifndef CHAT_H
#define CHAT_H

#include <stdbool.h>

#include "status1to1.h"

/* chat.c */
extern status1to1_client client;
extern bool plain;        /* --plain */
extern const char *data_directory;
extern int under_way;     /* what was sent and is not yet acknowledged */

char *format(const char *pattern, ...);
char *text_at(const char *json, const char *path);
void put(const char *pattern, ...);
char *call(const char *method, char *params);
char *call_with(const char *method, const char *name, const char *value);

/* pairing.c */
bool pairing_command(const char *command, const char *argument);
void pairing_event(const char *type, const char *data);

#endif
