/* editor.c - the line editor: GNU readline or libedit, whichever this machine has.
 *
 * It is looked for when the program starts (dlopen), so that the program neither needs it
 * nor its headers to be built. Both libraries have the same functions for event loops: they
 * take one key at a time, and call back with a whole line. */

#define _XOPEN_SOURCE 700

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "chat.h"

enum { MOST_LINES = 500 }; /* typed lines that are remembered, until the program ends */

typedef void line_handler(char *line);
typedef char *generator(const char *text, int number);
typedef char **completer(const char *text, int start, int end);

/* The functions and variables of the library, by the names in the table below. */
static struct {
    int (*initialize)(void);
    void (*install)(const char *prompt, line_handler *handler);
    void (*remove)(void);
    void (*read_char)(void);
    int (*set_prompt)(const char *prompt);
    int (*update)(void);
    char *(*copy_text)(int from, int to);
    void (*add_history)(const char *line);
    void (*stifle)(int most);
    char **(*matches)(const char *text, generator *next);
    int (*bind)(char *line);
    int *point, *catch_signals, *append_character, *completion_over;
    const char **word_breaks;
    completer **complete;
    int (*clear)(void);   /* only readline has it */
    void (*resize)(void); /* older libraries lack it */
    int *catch_sigwinch;
} rl;

static const struct {
    const char *name;
    void *place;
    bool needed;
} table[] = {
    {"rl_initialize", &rl.initialize, true},
    {"rl_callback_handler_install", &rl.install, true},
    {"rl_callback_handler_remove", &rl.remove, true},
    {"rl_callback_read_char", &rl.read_char, true},
    {"rl_set_prompt", &rl.set_prompt, true},
    {"rl_forced_update_display", &rl.update, true},
    {"rl_copy_text", &rl.copy_text, true},
    {"add_history", &rl.add_history, true},
    {"stifle_history", &rl.stifle, true},
    {"rl_completion_matches", &rl.matches, true},
    {"rl_parse_and_bind", &rl.bind, true},
    {"rl_point", &rl.point, true},
    {"rl_catch_signals", &rl.catch_signals, true},
    {"rl_completion_append_character", &rl.append_character, true},
    {"rl_attempted_completion_over", &rl.completion_over, true},
    {"rl_completer_word_break_characters", &rl.word_breaks, true},
    {"rl_attempted_completion_function", &rl.complete, true},
    {"rl_clear_visible_line", &rl.clear, false},
    {"rl_resize_terminal", &rl.resize, false},
    {"rl_catch_sigwinch", &rl.catch_sigwinch, false},
};

static const struct {
    const char *kind, *file;
} libraries[] = {
    {"readline", "libreadline.so.8"}, {"readline", "libreadline.so.7"}, {"readline", "libreadline.so"},
    {"libedit", "libedit.so.2"}, {"libedit", "libedit.so.0"}, {"libedit", "libedit.so"}, {"libedit", "libedit.3.dylib"},
};

static bool used, shown;
static char *prompt_shown, *last_line;
static void (*line_taken)(char *line);
static char **words; /* what may complete the word before the cursor */
static size_t word_count;

/* load finds all of the table in a library. */
static bool load(const char *file)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_GLOBAL);
    size_t i;

    if (library == NULL)
        return false;
    for (i = 0; i < sizeof table / sizeof *table; i++) {
        void *found = dlsym(library, table[i].name);

        if (found == NULL && table[i].needed) {
            dlclose(library);
            return false;
        }
        memcpy(table[i].place, &found, sizeof found); /* C has no cast of data to functions */
    }
    return true;
}

/* ---- completion ------------------------------------------------------------ */

static void add_word(const char *word)
{
    char **more = realloc(words, (word_count + 1) * sizeof *words);

    if (more == NULL)
        return;
    words = more;
    words[word_count++] = format("%s", word);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *next_word(const char *text, int number)
{
    (void)text;
    return (size_t)number < word_count ? format("%s", words[number]) : NULL;
}

/* complete_word gives what may stand in the place of text, which is in the line from start
 * to end. Where it gives NULL, the library goes on with names of files, if that is left. */
static char **complete_word(const char *text, int start, int end)
{
    char *line = rl.copy_text(0, end), **found;
    size_t i;

    *rl.completion_over = !completes_files(line);
    complete(line, start, add_word);
    free(line);
    if (word_count > 1)
        qsort(words, word_count, sizeof *words, by_name);
    found = word_count == 0 ? NULL : rl.matches(text, next_word);
    for (i = 0; i < word_count; i++)
        free(words[i]);
    word_count = 0;
    return found;
}

/* ---- the line in progress -------------------------------------------------- */

/* on_line is called by the library with a line, which is ours then. */
static void on_line(char *line)
{
    if (line != NULL && line[strspn(line, " ")] != '\0' && (last_line == NULL || strcmp(last_line, line) != 0)) {
        rl.add_history(line);
        free(last_line);
        last_line = format("%s", line);
    }
    /* Installed again at once, the terminal does not fall back to its own editing, which
     * would cut a long line that is being pasted. */
    if (line != NULL)
        editor_return();
    line_taken(line);
}

/* editor_begin begins to edit lines, with the library wanted. It gives NULL, or why there
 * is no editor. */
const char *editor_begin(const char *wanted, void (*taken)(char *line))
{
    static char tab[] = "tab: complete", tab_of_libedit[] = "bind ^I rl_complete", paste[] = "set enable-bracketed-paste off";
    const char *term = getenv("TERM");
    bool libedit = false;
    size_t i;

    if (strcmp(wanted, "none") == 0)
        return "--editor none";
    if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0)
        return "the terminal cannot do it";
    for (i = 0; !used && i < sizeof libraries / sizeof *libraries; i++) {
        libedit = strcmp(libraries[i].kind, "libedit") == 0;
        if (strcmp(wanted, "auto") == 0 || strcmp(wanted, libraries[i].kind) == 0)
            used = load(libraries[i].file);
    }
    if (!used)
        return "neither readline nor libedit is installed";
    /* Its handlers are not made for the threads of the library (SA_ONSTACK). */
    *rl.catch_signals = 0;
    if (rl.catch_sigwinch != NULL)
        *rl.catch_sigwinch = 0;
    rl.initialize();
    rl.stifle(MOST_LINES);
    rl.bind(libedit ? tab_of_libedit : tab);
    if (!libedit)
        rl.bind(paste); /* each pasted line is one */
    *rl.word_breaks = " ";
    *rl.complete = complete_word;
    *rl.append_character = '\0';
    line_taken = taken;
    prompt_shown = format("> ");
    editor_return();
    return NULL;
}

bool editor_used(void)
{
    return used;
}

/* editor_leave gives the terminal back, editor_return takes it again. */
void editor_leave(void)
{
    if (!used)
        return;
    editor_hide();
    rl.remove();
    fflush(stdout);
}

void editor_return(void)
{
    if (!used)
        return;
    rl.install(prompt_shown, on_line);
    shown = true;
}

/* editor_key takes the key that was pressed. */
void editor_key(void)
{
    rl.read_char();
}

/* erase is what libedit has no function for: up to the first row of the line, and clear. */
static void erase(void)
{
    struct winsize size = {.ws_col = 80};
    char *before = rl.copy_text(0, *rl.point);
    int wide = columns(prompt_shown) + (before == NULL ? 0 : columns(before)), rows;

    ioctl(1, TIOCGWINSZ, &size);
    rows = size.ws_col > 0 ? wide / size.ws_col : 0;
    putchar('\r');
    if (rows > 0)
        printf("\033[%dA", rows);
    fputs("\033[J", stdout);
    free(before);
}

/* editor_hide takes the line in progress off the screen, to print in its place. */
void editor_hide(void)
{
    if (!used || !shown)
        return;
    if (rl.clear != NULL)
        rl.clear();
    else
        erase();
    shown = false;
}

/* editor_show puts it back. */
void editor_show(const char *prompt)
{
    char *next;

    if (shown && strcmp(prompt, prompt_shown) == 0)
        return;
    editor_hide();
    next = format("%s", prompt); /* prompt may be prompt_shown */
    free(prompt_shown);
    prompt_shown = next;
    rl.set_prompt(prompt_shown);
    rl.update();
    fflush(stdout);
    shown = true;
}

void editor_resize(void)
{
    if (used && rl.resize != NULL)
        rl.resize();
    fflush(stdout);
}
