/* Shows that AddressSanitizer is awake: does what it must find.
 *   asan_test use     uses a string of the library after freeing it
 *   asan_test leak    loses strings of the library
 *   asan_test shim    hands the library text that ends nowhere */
#include <stdlib.h>
#include <string.h>

#include "status1to1.h"

static void lose(int count)
{
    while (count-- > 0)
        (void)status1to1_info();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "use") == 0) {
        char *volatile text = status1to1_info();
        status1to1_free(text);
        return text[0] == '{' ? 0 : 2;
    }
    if (strcmp(what, "leak") == 0) {
        lose(20);
        return 0;
    }
    if (strcmp(what, "shim") == 0) {
        char *text = malloc(3);
        if (text == NULL)
            return 2;
        memcpy(text, "abc", 3);
        status1to1_free(status1to1_call(1, text, "{}"));
        free(text);
        return 0;
    }
    return 2;
}
