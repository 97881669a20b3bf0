/* What a C program may do to its process while the library waits in it: end, fork, start programs,
 * get signals, and have threads with little stack. The program starts itself again in a mode for
 * each, and looks at how it ends. */

#define _XOPEN_SOURCE 700

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "client.h"

extern char **environ;
static char *self;

/* The exit codes that the modes end with when all went well: none that an accident would give. */
enum { EXIT_MAIN = 41, EXIT_CALLBACK, EXIT_CHILD, EXIT_PROGRAM };

/* Twice the least that Linux allows. Go runs on stacks of its own. */
enum { SMALL_STACK = 32 * 1024 };

static void *wait_for_event(void *client)
{
    for (;;)
        status1to1_free(status1to1_next_event(*(status1to1_client *)client, -1));
    return NULL;
}

static void *wait_for_peers(void *client)
{
    status1to1_free(status1to1_network_wait(*(status1to1_client *)client, "{\"peers\":900,\"deadline_ms\":3600000}"));
    return NULL;
}

/* waiting opens a client that threads wait in. */
static status1to1_client waiting(void)
{
    static status1to1_client client;
    pthread_t thread;

    client = open_memory();
    CHECK(is_ok(status1to1_identity_create(client, NULL)));
    CHECK(pthread_create(&thread, NULL, wait_for_event, &client) == 0);
    CHECK(pthread_create(&thread, NULL, wait_for_peers, &client) == 0);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL); /* most likely they wait now; it holds either way */
    return client;
}

static void check_or_exit(void)
{
    if (failures != 0)
        _exit(1);
}

static int program(void)
{
    status1to1_client client = open_memory();

    CHECK(is_ok(status1to1_identity_create(client, NULL)));
    check_or_exit();
    return EXIT_PROGRAM; /* the client is still open */
}

static int ends_while_threads_wait(void)
{
    waiting();
    check_or_exit();
    return EXIT_MAIN;
}

static void end_here(status1to1_client client, const char *event, void *unused)
{
    (void)client;
    (void)event;
    (void)unused;
    exit(EXIT_CALLBACK);
}

static int ends_in_a_callback(void)
{
    status1to1_client client = open_memory();

    CHECK(is_ok(status1to1_set_event_callback(client, end_here, NULL)));
    open_memory(); /* an event for the other: a peer */
    pause();
    return 1;
}

/* A forked child may end as every program does, and so may a child of it. */
static int forked_child_ends(void)
{
    status1to1_client client = waiting();
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        pid_t grandchild = fork();
        if (grandchild == 0) {
            CHECK(is_error(status1to1_call(client, "identity.get", NULL), "forked", ""));
            exit(failures == 0 ? EXIT_CHILD : 1);
        }
        CHECK(waitpid(grandchild, &status, 0) == grandchild && WEXITSTATUS(status) == EXIT_CHILD);
        CHECK(is_error(status1to1_next_event(client, -1), "forked", ""));
        exit(failures == 0 ? EXIT_CHILD : 1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CHILD);
    CHECK(is_ok(status1to1_call(client, "identity.get", NULL)));
    CHECK(is_ok(status1to1_close(client)));
    check_or_exit();
    return EXIT_MAIN;
}

static int starts_programs(void)
{
    status1to1_client client = waiting();
    int status = 0;
    char *arguments[] = {self, "program", NULL};
    pid_t child = fork();

    if (child == 0) {
        execv(self, arguments);
        _exit(1);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PROGRAM);
    CHECK(posix_spawn(&child, self, NULL, NULL, arguments, environ) == 0);
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PROGRAM);
    CHECK(system("exit 7") == 7 << 8);
    CHECK(is_ok(status1to1_call(client, "identity.get", NULL)));
    check_or_exit();
    return EXIT_MAIN;
}

static int ends_by_signal(void)
{
    waiting();
    check_or_exit();
    raise(SIGTERM);
    return 1;
}

static atomic_int alarms;

static void on_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&alarms, 1);
}

/* Calls are not cut short by signals that interrupt system calls, whichever thread gets them. */
static int works_under_signals(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK}; /* and no SA_RESTART */
    struct itimerval often = {.it_interval = {.tv_usec = 500}, .it_value = {.tv_usec = 500}}, never = {{0, 0}, {0, 0}};
    char directory[] = "/tmp/status1to1-test-XXXXXX", path[sizeof directory + 5], config[sizeof path + 200];
    status1to1_client client = 0;
    int n;

    CHECK(mkdtemp(directory) != NULL);
    snprintf(path, sizeof path, "%s/a.db", directory);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    snprintf(config, sizeof config,
             "{\"store\":{\"path\":\"%s\",\"passphrase\":\"p\",\"kdf\":{\"memory_kib\":64,\"iterations\":1,\"parallelism\":1}},"
             "\"network\":{\"kind\":\"memory\"}}", path);
    /* Where others use the processors, few signals come in a round. */
    for (n = 0; n < 5 || (alarms <= 100 && n < 500); n++) {
        CHECK(is_ok(status1to1_open(config, &client)));
        if (n == 0)
            CHECK(is_ok(status1to1_identity_create(client, NULL)));
        CHECK(is_ok(status1to1_identity_set_display_name(client, n % 2 ? "{\"display_name\":\"A\"}" : "{\"display_name\":\"B\"}")));
        CHECK(is_error(status1to1_network_wait(client, "{\"peers\":900,\"deadline_ms\":50}"), "timeout", "deadline_ms"));
        CHECK(is_ok(status1to1_next_event(client, 50)));
        CHECK(is_ok(status1to1_close(client)));
    }
    CHECK(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK(alarms > 100);
    CHECK(unlink(path) == 0 && rmdir(directory) == 0);
    check_or_exit();
    return EXIT_MAIN;
}

static void *use_everything(void *unused)
{
    status1to1_client client = open_memory();
    char *key = new_identity(client);

    (void)unused;
    CHECK(is_ok(status1to1_next_event(client, 1)));
    CHECK(is_error(status1to1_call(client, "identity.get", "{\"a\":1}"), "unknown_field", "a"));
    CHECK(is_ok(status1to1_info()));
    CHECK(is_ok(status1to1_set_event_callback(client, NULL, NULL)));
    CHECK(status1to1_event_fd(client) >= 0);
    CHECK(is_ok(status1to1_close(client)));
    free(key);
    return NULL;
}

static int works_with_little_stack(void)
{
    pthread_attr_t small;
    pthread_t threads[4];
    size_t i;

    CHECK(pthread_attr_init(&small) == 0);
    CHECK(pthread_attr_setstacksize(&small, SMALL_STACK) == 0);
    for (i = 0; i < sizeof threads / sizeof *threads; i++)
        CHECK(pthread_create(&threads[i], &small, use_everything, NULL) == 0);
    for (i = 0; i < sizeof threads / sizeof *threads; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    check_or_exit();
    return EXIT_MAIN;
}

static const struct mode {
    const char *name;
    int (*run)(void);
    int code; /* how it ends: an exit code, or a signal as a negative number */
} modes[] = {
    {"ends while threads wait", ends_while_threads_wait, EXIT_MAIN},
    {"ends in a callback", ends_in_a_callback, EXIT_CALLBACK},
    {"a forked child ends", forked_child_ends, EXIT_MAIN},
    {"starts programs", starts_programs, EXIT_MAIN},
    {"ends by a signal", ends_by_signal, -SIGTERM},
    {"works under signals", works_under_signals, EXIT_MAIN},
    {"works with little stack", works_with_little_stack, EXIT_MAIN},
    {"program", program, EXIT_PROGRAM},
};

/* ends tells how a process ends within the patience of the tests. */
static int ends(pid_t child)
{
    int status = 0, i;

    for (i = 0; i < PATIENCE_MS / 10; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    kill(-child, SIGKILL); /* with its children */
    waitpid(child, &status, 0);
    fprintf(stderr, "it hangs\n");
    return -SIGKILL;
}

int main(int argc, char **argv)
{
    posix_spawnattr_t own_group;
    size_t i;

    self = argv[0];
    CHECK(posix_spawnattr_init(&own_group) == 0);
    CHECK(posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP) == 0);
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        char *arguments[] = {self, (char *)modes[i].name, NULL};
        pid_t child = 0;
        int code;

        if (argc > 1 && strcmp(argv[1], modes[i].name) == 0)
            return modes[i].run();
        if (argc > 1)
            continue;
        CHECK(posix_spawn(&child, self, NULL, &own_group, arguments, environ) == 0);
        code = ends(child);
        if (code != modes[i].code)
            fprintf(stderr, "%s: ended with %d, not %d\n", modes[i].name, code, modes[i].code);
        CHECK(code == modes[i].code);
    }
    return finish("process_test");
}
