/* pictures.c - QR codes: shown in the terminal, put into files, read from pictures. */

#define _XOPEN_SOURCE 700

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"
#include "json.h"

/* White on black whatever the colours of the terminal are. */
#define WHITE_ON_BLACK "\033[40;97m"
#define USUAL "\033[0m"

/* ends tells whether a name ends so; upper and lower case are the same. */
static bool ends(const char *name, const char *ending)
{
    size_t length = strlen(name), least = strlen(ending);

    return length > least && same(name + length - least, ending);
}

/* is_picture tells whether something typed is the name of a picture, and not a text: it ends
 * like one, or there is such a file. */
bool is_picture(const char *argument)
{
    return ends(argument, ".png") || ends(argument, ".jpg") || ends(argument, ".jpeg") || access(argument, F_OK) == 0;
}

/* takes_qr tells whether save_qr can write to a path. */
bool takes_qr(const char *path)
{
    return ends(path, ".png") || ends(path, ".svg");
}

/* draw gives the answer of pictures.qr, or NULL after an error. */
static char *draw(const char *text, const char *shape)
{
    char *quoted = json_quote(text), *answer;

    answer = call("pictures.qr", format("{\"text\":%s,\"format\":\"%s\"}", quoted, shape));
    free(quoted);
    return answer;
}

/* qr_lines is a QR code in block characters, on the heap; "" for programs, and after an
 * error. */
char *qr_lines(const char *text)
{
    char *answer = plain ? NULL : draw(text, "terminal"), *drawn, *lines = format("%s", ""), *line, *end;

    if (answer == NULL)
        return lines;
    drawn = json_text(json_get(answer, "result.text"));
    for (line = drawn; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char *coloured;

        *end = '\0';
        coloured = at_terminal() ? format("%s%s%s\n", WHITE_ON_BLACK, line, USUAL) : format("%s\n", line);
        append(&lines, coloured);
        free(coloured);
    }
    if (*lines != '\0')
        lines[strlen(lines) - 1] = '\0'; /* put ends the last line */
    free(drawn);
    status1to1_free(answer);
    return lines;
}

/* save_qr puts a QR code into a new file: SVG if its name says so, else PNG. It gives false
 * after a complaint. */
bool save_qr(const char *text, const char *path)
{
    bool svg = ends(path, ".svg"), saved;
    char *answer = draw(text, svg ? "svg" : "png"), *content;

    if (answer == NULL)
        return false;
    content = json_text(json_get(answer, svg ? "result.text" : "result.data"));
    saved = write_file(path, content, svg ? strlen(content) : decode(content));
    free(content);
    status1to1_free(answer);
    return saved;
}

/* picture_bytes is a picture in base64, on the heap; NULL after a complaint. */
char *picture_bytes(const char *path)
{
    size_t size;
    unsigned char *bytes = read_file(path, &size);
    char *text = bytes == NULL ? NULL : encode(bytes, size);

    free(bytes);
    return text;
}

/* text_of is what was typed, or what the QR code in the picture says that was named; on the
 * heap, NULL after a complaint. */
char *text_of(const char *argument)
{
    char *image, *answer, *text;

    if (!is_picture(argument))
        return format("%s", argument);
    if ((image = picture_bytes(argument)) == NULL)
        return NULL;
    answer = call_with("pictures.read_qr", "image", image);
    free(image);
    text = answer == NULL ? NULL : json_text(json_get(answer, "result.text"));
    status1to1_free(answer);
    return text;
}
