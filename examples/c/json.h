/* A reader for the JSON the library gives, and a writer of JSON strings: all that
 * examples/c/chat.c needs. It trusts its input to be valid JSON, as the library's
 * is; for JSON of others use a real parser. */
#ifndef EXAMPLE_JSON_H
#define EXAMPLE_JSON_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* json_space skips white space. */
static inline const char *json_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* json_skip gives the end of the value at p. */
static inline const char *json_skip(const char *p)
{
    int depth = 0;
    bool quoted = false;

    for (p = json_space(p); *p != '\0'; p++) {
        if (quoted) {
            if (*p == '\\')
                p++;
            else if (*p == '"')
                quoted = false;
        } else if (*p == '"') {
            quoted = true;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p; /* the end of what the value stands in */
            depth--;
        } else if (*p == ',' && depth == 0) {
            return p;
        } else if (*p == ':' && depth == 0) {
            return p; /* it was a name */
        }
        if (depth == 0 && !quoted && (*p == '"' || *p == '}' || *p == ']'))
            return p + 1;
    }
    return p;
}

/* json_first gives the first item of an array, or NULL when it is empty;
 * json_next the one after item, or NULL. */
static inline const char *json_first(const char *array)
{
    const char *p;

    if (array == NULL || *(p = json_space(array)) != '[')
        return NULL;
    p = json_space(p + 1);
    return *p == ']' ? NULL : p;
}

static inline const char *json_next(const char *item)
{
    const char *p = json_space(json_skip(item));

    return *p == ',' ? json_space(p + 1) : NULL;
}

/* json_get gives the value at path, such as "result.data.text", or NULL. */
static inline const char *json_get(const char *json, const char *path)
{
    while (json != NULL && *path != '\0') {
        size_t length = strcspn(path, ".");
        const char *p = json_space(json);

        json = NULL;
        if (*p != '{')
            return NULL;
        for (p = json_space(p + 1); *p == '"'; p = json_space(p)) {
            const char *name = p + 1;
            const char *end = json_skip(p);
            const char *value = json_space(json_space(end) + 1); /* after the colon */

            if ((size_t)(end - 1 - name) == length && strncmp(name, path, length) == 0) {
                json = value;
                break;
            }
            p = json_space(json_skip(value));
            if (*p == ',')
                p++;
        }
        path += length;
        if (*path == '.')
            path++;
    }
    return json;
}

static inline bool json_is(const char *value, const char *literal)
{
    return value != NULL && strncmp(json_space(value), literal, strlen(literal)) == 0;
}

static inline long long json_number(const char *value)
{
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

/* json_utf8 writes a code point at out and gives the end. */
static inline char *json_utf8(char *out, unsigned long c)
{
    if (c < 0x80) {
        *out++ = (char)c;
    } else if (c < 0x800) {
        *out++ = (char)(0xC0 | c >> 6);
        *out++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *out++ = (char)(0xE0 | c >> 12);
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    } else {
        *out++ = (char)(0xF0 | c >> 18);
        *out++ = (char)(0x80 | (c >> 12 & 0x3F));
        *out++ = (char)(0x80 | (c >> 6 & 0x3F));
        *out++ = (char)(0x80 | (c & 0x3F));
    }
    return out;
}

/* json_hex4 reads the four digits of a \u escape. */
static inline unsigned long json_hex4(const char *p)
{
    char digits[5] = {p[0], p[1], p[2], p[3], '\0'};

    return strtoul(digits, NULL, 16);
}

/* json_text gives the string at value, decoded, on the heap; "" if there is none. A
 * NUL in it, which would end a C string, becomes U+FFFD. */
static inline char *json_text(const char *value)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *p = value == NULL ? "" : json_space(value);
    char *text = malloc(strlen(p) + 1), *out = text;

    if (text == NULL)
        abort();
    if (*p == '"') {
        for (p++; *p != '"' && *p != '\0'; p++) {
            if (*p != '\\') {
                *out++ = *p;
            } else if (*++p != 'u') {
                const char *found = strchr(escapes, *p);
                *out++ = found == NULL ? *p : meanings[found - escapes];
            } else {
                unsigned long c = json_hex4(p + 1);

                p += 4;
                if (c >= 0xD800 && c < 0xDC00) { /* the other half follows */
                    c = 0x10000 + ((c - 0xD800) << 10) + (json_hex4(p + 3) - 0xDC00);
                    p += 6;
                }
                out = json_utf8(out, c == 0 ? 0xFFFD : c);
            }
        }
    }
    *out = '\0';
    return text;
}

/* json_quote gives text, which is UTF-8, as a JSON string on the heap. */
static inline char *json_quote(const char *text)
{
    static const char hex[] = "0123456789abcdef";
    char *quoted = malloc(6 * strlen(text) + 3), *out = quoted;

    if (quoted == NULL)
        abort();
    *out++ = '"';
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\') {
            *out++ = '\\';
            *out++ = (char)c;
        } else if (c < 0x20) {
            memcpy(out, "\\u00", 4);
            out[4] = hex[c >> 4];
            out[5] = hex[c & 15];
            out += 6;
        } else {
            *out++ = (char)c;
        }
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

#endif
