/* The mistakes a program may make with the library, each in a function of its own: valgrind has to
 * report every one although the library's suppressions are in use (tests/valgrind.sh). */
#include "client.h"

static void read_what_was_freed(status1to1_client client)
{
    char *answer = status1to1_identity_get(client, NULL);

    status1to1_free(answer);
    CHECK(answer[0] != '\1');
}

static void pass_what_was_freed(status1to1_client client)
{
    char *params = malloc(16);

    strcpy(params, "{}");
    free(params);
    status1to1_free(status1to1_identity_get(client, params)); /* reads them */
}

static void decide_by_what_is_unset(void)
{
    char *params = malloc(16);

    CHECK(params[3] != '\1');
    free(params);
}

static void free_twice(status1to1_client client)
{
    char *answer = status1to1_identity_get(client, NULL);

    status1to1_free(answer);
    status1to1_free(answer);
}

static void lose(status1to1_client client)
{
    CHECK(status1to1_identity_get(client, NULL) != NULL); /* and never freed */
}

int main(void)
{
    status1to1_client client = open_memory();

    read_what_was_freed(client);
    pass_what_was_freed(client);
    decide_by_what_is_unset();
    free_twice(client);
    lose(client);
    CHECK(is_ok(status1to1_close(client)));
    return finish("valgrind_test");
}
