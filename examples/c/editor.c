/* editor.c - the line editor: GNU readline, where this machine has it.
 *
 * It is looked for when the program starts (dlopen), so that the program neither needs it
 * nor its headers to be built. Of its functions those for event loops are used: they take
 * one key at a time, and call back with a whole line. libedit has them by the same names,
 * but writes beyond its memory when a long line is typed (seen in 3.1-20221030). */

#define _XOPEN_SOURCE 700

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat.h"

enum { MOST_LINES = 500 }; /* typed lines that are remembered, until the program ends */

typedef void line_handler(char *line);
typedef char *generator(const char *text, int number);
typedef char **completer(const char *text, int start, int end);

/* The functions and variables of the library, by the names in the table below. */
static struct {
    int (*initialize)(void);
    void (*install)(const char *prompt, line_handler *handler);
    void (*prep)(int eight_bits);
    void (*deprep)(void);
    void (*read_char)(void);
    int (*set_prompt)(const char *prompt);
    int (*update)(void);
    void (*add_history)(const char *line);
    void (*stifle)(int most);
    char **(*matches)(const char *text, generator *next);
    int (*bind)(char *line);
    char **line_buffer;
    int *catch_signals, *append_character, *completion_over;
    const char **word_breaks;
    completer **complete;
    int (*clear)(void);
    void (*resize)(void);
    int *catch_sigwinch;
} rl;

static const struct {
    const char *name;
    void *place;
} table[] = {
    {"rl_initialize", &rl.initialize},
    {"rl_callback_handler_install", &rl.install},
    {"rl_prep_terminal", &rl.prep},
    {"rl_deprep_terminal", &rl.deprep},
    {"rl_callback_read_char", &rl.read_char},
    {"rl_set_prompt", &rl.set_prompt},
    {"rl_forced_update_display", &rl.update},
    {"add_history", &rl.add_history},
    {"stifle_history", &rl.stifle},
    {"rl_completion_matches", &rl.matches},
    {"rl_parse_and_bind", &rl.bind},
    {"rl_line_buffer", &rl.line_buffer},
    {"rl_catch_signals", &rl.catch_signals},
    {"rl_completion_append_character", &rl.append_character},
    {"rl_attempted_completion_over", &rl.completion_over},
    {"rl_completer_word_break_characters", &rl.word_breaks},
    {"rl_attempted_completion_function", &rl.complete},
    {"rl_clear_visible_line", &rl.clear},
    {"rl_resize_terminal", &rl.resize},
    {"rl_catch_sigwinch", &rl.catch_sigwinch},
};

/* The versions that have all of the table, the newest first. */
static const char *const libraries[] = {"libreadline.so.8", "libreadline.so.7", "libreadline.8.dylib"};

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

        if (found == NULL) {
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
    char *line = format("%.*s", end, *rl.line_buffer), **found;
    size_t i;

    *rl.completion_over = !completes_files(line);
    *rl.append_character = '\0'; /* the library sets it anew each time */
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

static void on_line(char *line);

/* install begins a line. */
static void install(void)
{
    rl.install(prompt_shown, on_line);
    shown = true;
}

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
        install();
    line_taken(line);
}

/* editor_begin begins to edit lines, unless none is wanted. It gives NULL, or why there is no
 * editor. */
const char *editor_begin(const char *wanted, void (*taken)(char *line))
{
    static char paste[] = "set enable-bracketed-paste off"; /* each pasted line is one */
    const char *term = getenv("TERM");
    size_t i;

    if (strcmp(wanted, "none") == 0)
        return "--editor none";
    if (term == NULL || *term == '\0' || strcmp(term, "dumb") == 0)
        return "the terminal cannot do it";
    for (i = 0; !used && i < sizeof libraries / sizeof *libraries; i++)
        used = load(libraries[i]);
    if (!used)
        return "GNU readline is not installed";
    /* Its handlers are not made for the threads of the library (SA_ONSTACK). */
    *rl.catch_signals = 0;
    *rl.catch_sigwinch = 0;
    rl.initialize();
    rl.stifle(MOST_LINES);
    rl.bind(paste);
    *rl.word_breaks = " ";
    *rl.complete = complete_word;
    line_taken = taken;
    prompt_shown = format("> ");
    install();
    return NULL;
}

bool editor_used(void)
{
    return used;
}

/* editor_leave gives the terminal back, editor_return takes it again. The line in progress
 * is kept. */
void editor_leave(void)
{
    if (!used)
        return;
    editor_hide();
    rl.deprep();
    fflush(stdout);
}

void editor_return(void)
{
    if (used)
        rl.prep(1);
}

/* editor_hide takes the line in progress off the screen, to print in its place. */
void editor_hide(void)
{
    if (!used || !shown)
        return;
    rl.clear();
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

/* editor_key takes the key that was pressed. The library draws what it changes, and takes the
 * rest to be on the screen: a line that was hidden must be back by then. */
void editor_key(void)
{
    editor_show(prompt_shown);
    rl.read_char();
}

void editor_resize(void)
{
    if (used)
        rl.resize();
    fflush(stdout);
}
