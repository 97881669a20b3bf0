/* Tests examples/c/json.h. */
#include "json.h"

#include "check.h"

static void check_text(const char *json, const char *path, const char *want)
{
    char *text = json_text(json_get(json, path));

    CHECK(strcmp(text, want) == 0);
    free(text);
}

static void check_quote(const char *text, const char *want)
{
    char *quoted = json_quote(text), *back;

    CHECK(strcmp(quoted, want) == 0);
    back = json_text(quoted);
    CHECK(strcmp(back, text) == 0);
    free(quoted);
    free(back);
}

int main(void)
{
    static const char json[] =
        " { \"ok\" : true , \"text\" : \"a\\\"b{\" , \"result\" : { \"list\" : [ 1 , {\"x\":[]} , \"s,]\" ] , \"n\" : -12 ,"
        " \"empty\":[ ],\"deep\":{\"text\":\"in\"}}, \"oktext\":\"other\" } ";
    const char *item;

    CHECK(json_is(json_get(json, "ok"), "true"));
    CHECK(json_get(json, "k") == NULL);
    CHECK(json_get(json, "o") == NULL);
    CHECK(json_get(json, "result.none") == NULL);
    CHECK(json_get(json, "ok.text") == NULL);
    CHECK(json_get(NULL, "ok") == NULL);
    CHECK(json_number(json_get(json, "result.n")) == -12);
    CHECK(json_number(NULL) == 0);
    check_text(json, "text", "a\"b{");
    check_text(json, "oktext", "other");
    check_text(json, "result.deep.text", "in");
    check_text(json, "none", "");
    check_text(json, "ok", "");

    item = json_first(json_get(json, "result.list"));
    CHECK(json_number(item) == 1);
    item = json_next(item);
    CHECK(json_is(item, "{\"x\""));
    CHECK(json_first(json_get(item, "x")) == NULL);
    item = json_next(item);
    CHECK(json_is(item, "\"s,]\""));
    CHECK(json_next(item) == NULL);
    CHECK(json_first(json_get(json, "result.empty")) == NULL);
    CHECK(json_first(NULL) == NULL);
    CHECK(json_first(json_get(json, "ok")) == NULL);

    check_text("{\"a\":\"\\u00e9 \\u20ac \\ud83d\\ude00 \\n\\t\\b\\f\\r\\/\\\\\"}", "a", "é € 😀 \n\t\b\f\r/\\");
    check_text("{\"a\\\"b\":1,\"c\":\"d\"}", "c", "d");
    check_text("{\"a\":\"not\\u0000 the end\"}", "a", "not\xEF\xBF\xBD the end");
    check_quote("", "\"\"");
    check_quote("say \"hi\" \\ \n\x01 é 😀", "\"say \\\"hi\\\" \\\\ \\u000a\\u0001 é 😀\"");
    return finish("json_test");
}
