/* valgrind's memcheck takes a switch between two of Go's stacks for a frame that ends, and believes
 * then that what was written there is not. Programs that got it from us would be blamed for using
 * it. written tells memcheck that n bytes at p are written. It is a request of valgrind's documented
 * kind: instructions that change nothing on a processor, and that valgrind looks for. */
#ifndef STATUS1TO1_WRITTEN_H
#define STATUS1TO1_WRITTEN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__linux__) && defined(__x86_64__)

/* Memcheck's number for "these bytes are written": 'M', 'C', and the third of its requests. */
#define STATUS1TO1_MEMCHECK_WRITTEN 0x4D430002u

static inline void written(const void *p, size_t n)
{
    volatile uint64_t request[6] = {STATUS1TO1_MEMCHECK_WRITTEN, (uint64_t)(uintptr_t)p, n, 0, 0, 0};
    uint64_t answer = 0;

    __asm__ volatile("rolq $3, %%rdi\n\trolq $13, %%rdi\n\trolq $61, %%rdi\n\trolq $51, %%rdi\n\txchgq %%rbx, %%rbx"
                     : "+d"(answer)
                     : "a"(request)
                     : "cc", "memory");
    (void)answer;
}

#else

static inline void written(const void *p, size_t n)
{
    (void)p;
    (void)n;
}

#endif
#endif
