/* A program that loads the library at run time and has no header of it: dlopen and dlsym alone, as
 * foreign function interfaces do it. A handler for SIGSEGV that was there before stays in force. */

#define _XOPEN_SOURCE 700

#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>

#include "check.h"

/* The exit code of a child whose own fault came to its own handler. */
enum { EXIT_HANDLED = 43 };

static char *(*open_client)(const char *, uint64_t *);
static char *(*call)(uint64_t, const char *, const char *);
static char *(*next_event)(uint64_t, int32_t);
static char *(*close_client)(uint64_t);
static char *(*info)(void);
static void (*free_string)(char *);
static uint32_t (*abi_version)(void);

/* function gets a symbol; a function pointer cannot be cast from a void * in ISO C. */
static void function(void *library, const char *name, void *pointer)
{
    void *symbol = dlsym(library, name);

    CHECK(symbol != NULL);
    memcpy(pointer, &symbol, sizeof symbol);
}

static void find_functions(void *library)
{
    function(library, "status1to1_abi_version", &abi_version);
    function(library, "status1to1_info", &info);
    function(library, "status1to1_open", &open_client);
    function(library, "status1to1_call", &call);
    function(library, "status1to1_next_event", &next_event);
    function(library, "status1to1_close", &close_client);
    function(library, "status1to1_free", &free_string);
}

/* says frees an answer and tells whether a text is in it. */
static int says(char *answer, const char *text)
{
    int yes = answer != NULL && strstr(answer, text) != NULL;

    if (!yes)
        fprintf(stderr, "wanted %s, got %s\n", text, answer == NULL ? "NULL" : answer);
    free_string(answer);
    return yes;
}

static void use(void)
{
    uint64_t client = 0;

    CHECK(abi_version() == 1);
    CHECK(says(info(), "\"abi_version\":1"));
    CHECK(says(open_client("{\"store\":{\"kind\":\"memory\"},\"network\":{\"kind\":\"memory\"}}", &client), "\"ok\":true"));
    CHECK(client != 0);
    CHECK(says(call(client, "identity.create", NULL), "\"phrase\""));
    CHECK(says(call(client, "identity.get", "{\"x\":1}"), "unknown_field"));
    CHECK(says(next_event(client, 0), "\"ok\":true"));
    CHECK(says(close_client(client), "\"ok\":true"));
}

static void on_fault(int number)
{
    (void)number;
    _exit(EXIT_HANDLED);
}

/* A fault of C code, after calls into the library. */
static int faults(const char *path)
{
    struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
    void *library;
    volatile int *nowhere = NULL;

    CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    find_functions(library);
    use();
    if (failures == 0)
        *nowhere = 1;
    return 1;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "libstatus1to1.so";
    int status = 0;
    pid_t child = fork(); /* before the library is loaded */
    void *library, *again;

    if (child == 0)
        _exit(faults(path));
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_HANDLED);

    library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL)
        fprintf(stderr, "%s\n", dlerror());
    CHECK(library != NULL);
    if (library == NULL)
        return finish("dlopen_test");
    find_functions(library);
    use();
    CHECK(dlsym(library, "s1_go_open") == NULL); /* what is not public stays hidden */
    CHECK(dlclose(library) == 0);
    again = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* it stays loaded, and works on */
    CHECK(again == library);
    find_functions(again);
    use();
    return finish("dlopen_test");
}
