/* What the Go side (main.go) and the C side (shim.c) of the library share. */
#ifndef STATUS1TO1_SHIM_H
#define STATUS1TO1_SHIM_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "status1to1.h"

/* s1_length is strlen, but looks at most bytes only. */
size_t s1_length(const char *s, size_t most);

/* s1_counted counts a string of that length that goes out to the caller, and returns it. */
char *s1_counted(char *s, size_t length);

/* s1_held is how many strings callers hold. */
long long s1_held(void);

/* s1_call_back runs fn with an event of that length, and notes meanwhile that this thread is in a callback. */
void s1_call_back(status1to1_event_fn fn, status1to1_client client, const char *event, size_t length, void *user_data);

#endif
