/* files.c - whole files, and base64, in which JSON carries bytes. */

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chat.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* encode is standard base64, on the heap. */
char *encode(const unsigned char *bytes, size_t size)
{
    char *text = malloc((size + 2) / 3 * 4 + 1), *out = text;
    size_t i;

    if (text == NULL)
        abort();
    for (i = 0; i < size; i += 3) {
        unsigned long three = (unsigned long)bytes[i] << 16;

        if (i + 1 < size)
            three |= (unsigned long)bytes[i + 1] << 8;
        if (i + 2 < size)
            three |= bytes[i + 2];
        *out++ = digits[three >> 18];
        *out++ = digits[three >> 12 & 63];
        *out++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
        *out++ = i + 2 < size ? digits[three & 63] : '=';
    }
    *out = '\0';
    return text;
}

/* decode turns valid base64 into bytes, in place, and gives their number. */
size_t decode(char *text)
{
    unsigned char *out = (unsigned char *)text;
    unsigned long bits = 0;
    int have = 0;
    const char *c;

    for (c = text; *c != '\0' && *c != '='; c++) {
        bits = bits << 6 | (unsigned long)(strchr(digits, *c) - digits);
        have += 6;
        if (have >= 8)
            *out++ = (unsigned char)(bits >> (have -= 8));
    }
    return (size_t)(out - (unsigned char *)text);
}

/* read_file reads a whole file, or complains and gives NULL. */
unsigned char *read_file(const char *path, size_t *size)
{
    enum { MOST = 16 << 20 }; /* what the library takes in one call */
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = file == NULL ? NULL : malloc(MOST + 1);

    if (bytes != NULL)
        *size = fread(bytes, 1, MOST + 1, file);
    if (bytes == NULL || ferror(file)) {
        complain("file", "%s cannot be read: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    } else if (*size > MOST) {
        complain("file", "%s has more than 16 MiB", path);
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* write_file makes a new file that only its owner can read: a contact card has a secret in
 * it. False after a complaint. */
bool write_file(const char *path, const void *bytes, size_t size)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    bool written = file != NULL && fwrite(bytes, 1, size, file) == size;

    if (file != NULL && fclose(file) != 0)
        written = false;
    if (!written)
        complain("file", "%s cannot be written: %s", path, strerror(errno));
    return written;
}
