/* The driver of the C interface with a fault: it frees no string. The kit has to notice. */
#define _XOPEN_SOURCE 700

#include "status1to1.h"
#define status1to1_free(string) ((void)(string))

#include "../drivers/c/driver.c"
