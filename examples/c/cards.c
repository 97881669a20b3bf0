/* cards.c - contact cards: what one device shows and another takes a picture of. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions.h"
#include "chat.h"
#include "json.h"

/* show_card prints a card that was made, or where it is. */
static void show_card(const char *result, const char *path)
{
    char *card = json_text(json_get(result, "card")), *link = json_text(json_get(result, "link")), *code = qr_lines(card);
    time_t expires = (time_t)(json_number(json_get(result, "expires_at")) / 1000);
    static const char warning[] = "show it only to those it is for: whoever sees it can use it until";
    char until[32];
    struct tm tm;

    localtime_r(&expires, &tm);
    strftime(until, sizeof until, "%Y-%m-%d %H:%M", &tm);
    if (plain)
        put("card\t%s\t%s\t%s", card, link, path);
    else if (*path != '\0')
        put("(your card is in %s; %s %s)", path, warning, until);
    else
        put("%s\nAs a link: %s\n(%s %s)", code, link, warning, until);
    free(card);
    free(link);
    free(code);
}

/* run_card makes a card and shows it, or puts it into a file. */
void run_card(const char *name, const char *argument)
{
    const char *path = argument == NULL ? "" : argument;
    bool noise = strncmp(path, "noise", 5) == 0 && (path[5] == ' ' || path[5] == '\0'), shown = true;
    char *answer, *card;

    if (noise)
        path += 5 + strspn(path + 5, " ");
    if (*path != '\0' && !takes_qr(path)) {
        wrong_usage(name);
        return;
    }
    answer = call_with("identity.card", "key_exchange", noise ? "noise" : "x3dh");
    if (answer == NULL)
        return;
    if (*path != '\0') {
        card = json_text(json_get(answer, "result.card"));
        shown = save_qr(card, path);
        free(card);
    }
    if (shown)
        show_card(json_get(answer, "result"), path);
    status1to1_free(answer);
}

/* run_add_card adds whose card it is, and chooses them. */
void run_add_card(const char *name, const char *argument)
{
    bool picture = is_picture(argument);
    char *value = picture ? picture_bytes(argument) : format("%s", argument), *answer, *key, *chat_key, *trust, *exchange, *person;

    (void)name;
    answer = value == NULL ? NULL : call_with("contacts.add_card", picture ? "image" : "card", value);
    free(value);
    if (answer == NULL)
        return;
    key = text_at(answer, "result.contact.public_key");
    chat_key = text_at(answer, "result.contact.chat_key");
    trust = text_at(answer, "result.contact.trust");
    exchange = text_at(answer, "result.key_exchange");
    begin_with(key);
    person = called(json_get(answer, "result.contact"), "");
    if (plain)
        put("card_added\t%s\t%s\t%s\t%s", key, chat_key, trust, exchange);
    else
        put("(%s is in the address book and %s, and you now write to %s)", person, trust, person);
    free(key);
    free(chat_key);
    free(trust);
    free(exchange);
    free(person);
    status1to1_free(answer);
}
