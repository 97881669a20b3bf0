/* CHECK counts what fails and says where, from any thread; finish gives the exit
 * code. */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <stdatomic.h>
#include <stdio.h>

static atomic_int checks, failures;

#define CHECK(condition)                                                        \
    do {                                                                        \
        checks++;                                                               \
        if (!(condition)) {                                                     \
            failures++;                                                         \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
        }                                                                       \
    } while (0)

static inline int finish(const char *name)
{
    printf("%s: %d checks, %d failed\n", name, checks, failures);
    return failures == 0 ? 0 : 1;
}

#endif
