/* text.c - texts on the heap, and the taming of what others wrote.
 *
 * Names and texts are what others say of themselves. They are tamed before they are
 * shown: they must not steer the terminal, turn the direction of what follows, or hide. */

#define _XOPEN_SOURCE 700

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "chat.h"

struct range {
    unsigned long low, high;
};

/* Code points that show nothing (Default_Ignorable_Code_Point), the marks of direction
 * among them. */
static const struct range invisible[] = {
    {0xAD, 0xAD}, {0x34F, 0x34F}, {0x61C, 0x61C}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F},
    {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F}, {0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}, {0, 0},
};

/* What turns the direction of all that follows it. In a text other invisible characters
 * have their use: a joiner makes one picture of several. */
static const struct range direction[] = {{0x202A, 0x202E}, {0x2066, 0x2069}, {0, 0}};

/* What ends a line or steers a terminal: control characters and separators. */
static const struct range breaks[] = {{0x01, 0x1F}, {0x7F, 0x9F}, {0x2028, 0x2029}, {0, 0}};

static const struct range blanks[] = {
    {0x20, 0x20}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F},
    {0x3000, 0x3000}, {0, 0},
};

static bool among(const struct range *ranges, unsigned long c)
{
    for (; ranges->high != 0; ranges++)
        if (c >= ranges->low && c <= ranges->high)
            return true;
    return false;
}

/* next_point reads the code point at *text and moves on. A byte that is no UTF-8 stands
 * for itself. */
static unsigned long next_point(const char **text)
{
    const unsigned char *p = (const unsigned char *)*text;
    int more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : *p >= 0xC0 ? 1 : 0, i;
    unsigned long c = more == 3 ? *p & 0x07 : more == 2 ? *p & 0x0F : more == 1 ? *p & 0x1F : *p;

    for (i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            more = 0;
            c = *p;
            break;
        }
        c = c << 6 | (p[i] & 0x3F);
    }
    *text += more + 1;
    return c;
}

/* fail ends the program with a message. */
void fail(int code, const char *pattern, ...)
{
    va_list args;

    screen_end();
    fputs("chat: ", stderr);
    va_start(args, pattern);
    vfprintf(stderr, pattern, args);
    va_end(args);
    fputc('\n', stderr);
    exit(code);
}

/* format is sprintf onto the heap. */
char *format(const char *pattern, ...)
{
    va_list args;
    int size;
    char *text;

    va_start(args, pattern);
    size = vsnprintf(NULL, 0, pattern, args);
    va_end(args);
    if (size < 0 || (text = malloc((size_t)size + 1)) == NULL)
        abort();
    va_start(args, pattern);
    vsnprintf(text, (size_t)size + 1, pattern, args);
    va_end(args);
    return text;
}

/* append puts more at the end of a text on the heap. */
void append(char **text, const char *more)
{
    size_t length = strlen(*text), size = strlen(more) + 1;
    char *longer = realloc(*text, length + size);

    if (longer == NULL)
        abort();
    memcpy(longer + length, more, size);
    *text = longer;
}

/* tame is a text that others wrote, on one line. It never gets longer. */
char *tame(const char *text)
{
    char *tamed = format("%s", text), *out = tamed;

    while (*text != '\0') {
        const char *begin = text;
        unsigned long c = next_point(&text);

        if (among(breaks, c)) {
            *out++ = ' ';
        } else if (!among(direction, c)) {
            memcpy(out, begin, (size_t)(text - begin));
            out += text - begin;
        }
    }
    *out = '\0';
    return tamed;
}

/* tame_name is a name that others gave, with single blanks; "" if it shows nothing. */
char *tame_name(const char *name)
{
    char *tamed = format("%s", name), *out = tamed;
    bool blank = false;

    while (*name != '\0') {
        const char *begin = name;
        unsigned long c = next_point(&name);

        if (among(invisible, c))
            continue;
        if (among(breaks, c) || among(blanks, c)) {
            blank = true;
            continue;
        }
        if (blank && out > tamed)
            *out++ = ' ';
        blank = false;
        memcpy(out, begin, (size_t)(name - begin));
        out += name - begin;
    }
    *out = '\0';
    return tamed;
}

/* cut is the beginning of a text: at most so many characters. */
char *cut(const char *text, int characters)
{
    const char *end = text;

    while (*end != '\0' && characters-- > 0)
        next_point(&end);
    return format("%.*s", (int)(end - text), text);
}

/* starts tells whether a text begins with prefix; upper and lower case are the same. */
bool starts(const char *text, const char *prefix)
{
    while (*prefix != '\0')
        if (*text == '\0' || towlower((wint_t)next_point(&text)) != towlower((wint_t)next_point(&prefix)))
            return false;
    return true;
}

/* same tells whether two texts are the same but for upper and lower case. */
bool same(const char *a, const char *b)
{
    return starts(a, b) && starts(b, a);
}

/* columns is how many columns of a terminal a text takes. */
int columns(const char *text)
{
    int sum = 0;

    while (*text != '\0') {
        int width = wcwidth((wchar_t)next_point(&text));

        sum += width > 0 ? width : 0;
    }
    return sum;
}
