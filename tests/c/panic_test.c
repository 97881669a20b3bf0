/* What a panic inside the library comes to. Runs with the library of build/test/,
 * which panics on demand; the one that ships does not. */

#define _XOPEN_SOURCE 700

#include "client.h"

/* ends_by_itself checks that the stream of client gives an internal_error with
 * the report id, and ends because of it. */
static void ends_by_itself(status1to1_client client, const char *report_id)
{
    char *event = next(client, "internal_error");
    char *id = json_text(json_get(event, "result.data.report_id"));

    CHECK(strlen(id) == 16 && (report_id == NULL || strcmp(id, report_id) == 0));
    CHECK(strstr(event, "secret") == NULL);
    status1to1_free(event);
    free(id);
    event = next(client, "closed");
    CHECK(json_is(json_get(event, "result.data.reason"), "\"internal\""));
    status1to1_free(event);
}

/* still_there checks that client works. */
static void still_there(status1to1_client client)
{
    CHECK(is_ok(status1to1_identity_get(client, NULL)));
    CHECK(is_ok(status1to1_store_check(client, NULL)));
}

/* In a method: the caller gets internal. */
static void test_in_a_method(void)
{
    status1to1_client hurt = open_memory(), other = open_memory();
    char *answer, *id;

    free(new_identity(hurt));
    free(new_identity(other));
    CHECK(is_error(status1to1_call(hurt, "test.panic", "{\"where\":\"nowhere\"}"), "bad_params", "where"));
    answer = status1to1_call(hurt, "test.panic", "{\"where\":\"method\"}");
    id = json_text(json_get(answer, "error.details.report_id"));
    CHECK(has_error(answer, "internal") && strlen(id) == 16 && strstr(answer, "secret") == NULL);
    status1to1_free(answer);
    ends_by_itself(hurt, id);
    CHECK(is_error(status1to1_identity_get(hurt, NULL), "closed", ""));
    still_there(other);
    free(id);
    CHECK(is_ok(status1to1_close(hurt)));
    CHECK(is_error(status1to1_identity_get(hurt, NULL), "bad_client", "client"));
    CHECK(is_ok(status1to1_close(other)));
}

/* On a goroutine of the engine or of the store: the client ends, the other one
 * and the process go on. */
static void test_on_a_goroutine(const char *where)
{
    status1to1_client hurt = open_memory(), other = open_memory();
    char *key, params[256], *answer;

    free(new_identity(hurt));
    key = new_identity(other);
    snprintf(params, sizeof params, "{\"where\":\"%s\"}", where);
    CHECK(is_ok(status1to1_call(hurt, "test.panic", params)));
    snprintf(params, sizeof params, "{\"to\":\"%s\",\"text\":\"a secret\"}", key);
    answer = status1to1_messages_send(hurt, params); /* or the goroutine was quicker */
    CHECK(json_is(json_get(answer, "ok"), "true") || has_error(answer, "internal") || has_error(answer, "closed"));
    status1to1_free(answer);
    ends_by_itself(hurt, NULL);
    CHECK(is_error(status1to1_identity_get(hurt, NULL), "closed", ""));
    still_there(other);
    free(key);
    CHECK(is_ok(status1to1_close(hurt)));
    CHECK(is_ok(status1to1_close(other)));
}

int main(void)
{
    test_in_a_method();
    test_on_a_goroutine("before commit");
    test_on_a_goroutine("after commit before publish");
    test_on_a_goroutine("after publish before mark");
    CHECK(strings_held() == 0);
    return finish("panic_test");
}
