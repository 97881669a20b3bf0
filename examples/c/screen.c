/* screen.c - the terminal: what is printed, the lines that are typed, questions, signals. */

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "chat.h"

enum {
    LINE_SIZE = 64 * 1024, /* of piped lines: 4096 code points and room to say that it is too long */
    CUT = 4095,            /* bytes: what a terminal gives of a longer line, silently */
    WIDE_ENOUGH = 80,      /* columns a line of progress fits in */
};

bool plain; /* --plain */

static bool begun;    /* lines are taken */
static bool ended;    /* nothing more will be typed */
static bool prompted; /* without an editor: the prompt is on the screen */
static bool over;     /* the last line printed may be replaced */
static char *prompt;
static char *typed; /* what the editor gave and nobody has taken yet */
static bool typed_end;
static int signals[2]; /* a pipe the handler writes to */
static bool was_interrupted;

/* at_terminal tells whether somebody types here. */
bool at_terminal(void)
{
    return !plain && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void take(char *line)
{
    over = false;
    free(typed);
    typed = line;
    typed_end = line == NULL;
}

/* screen_begin begins to take lines, with an editor if there is one. */
void screen_begin(const char *editor)
{
    const char *why;

    begun = true;
    if (!at_terminal())
        return;
    if ((why = editor_begin(editor, take)) != NULL)
        put("(no line editor: %s. What arrives cuts into what you type.)", why);
}

static void take_prompt_away(void)
{
    if (prompted)
        printf("\r%*s\r", columns(prompt), "");
    prompted = false;
}

/* screen_end gives the terminal back. */
void screen_end(void)
{
    if (!begun)
        return;
    begun = false;
    if (editor_used())
        editor_leave();
    else
        take_prompt_away();
    fflush(stdout);
}

/* screen_prompt says what to show before what is typed. */
void screen_prompt(const char *text)
{
    free(prompt);
    prompt = format("%s", text);
}

/* screen_show shows the prompt and what has been typed, before the program waits. */
void screen_show(void)
{
    if (!begun || !at_terminal())
        return;
    if (prompt == NULL)
        screen_prompt("> ");
    if (editor_used()) {
        editor_show(prompt);
    } else if (!prompted && !ended) {
        fputs(prompt, stdout);
        fflush(stdout);
        prompted = true;
    }
}

/* ---- printing -------------------------------------------------------------- */

static void hide(void)
{
    if (begun && editor_used())
        editor_hide();
    else
        take_prompt_away();
}

/* put prints a line, above the one in progress. */
void put(const char *pattern, ...)
{
    va_list args;

    hide();
    va_start(args, pattern);
    vprintf(pattern, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    over = false;
}

/* put_over prints a line in the place of the last one, if that was printed so too and
 * nothing came since. */
void put_over(const char *line)
{
    struct winsize size = {.ws_col = 0};
    bool again = over && at_terminal() && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= WIDE_ENOUGH;

    hide();
    printf("%s%s\n", again ? "\033[A\033[K" : "", line);
    fflush(stdout);
    over = true;
}

/* ---- typed lines ----------------------------------------------------------- */

bool screen_ended(void)
{
    return ended;
}

/* read_edited takes a key from the editor, and runs the line if that ended one. */
static bool read_edited(bool (*run)(char *line))
{
    char *line;
    bool more;

    editor_key();
    if (typed_end)
        ended = true;
    if ((line = typed) == NULL)
        return true;
    typed = NULL;
    more = run(line);
    free(line);
    return more;
}

/* read_lines reads what stdin has and runs the whole lines in it. */
static bool read_lines(bool (*run)(char *line))
{
    static char buffer[LINE_SIZE];
    static size_t used;
    static bool skipping; /* the rest of a line that is too long */
    ssize_t got = read(STDIN_FILENO, buffer + used, sizeof buffer - used - 1);
    char *line = buffer, *end;

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    prompted = false;
    ended = got <= 0;
    if (got >= CUT && isatty(STDIN_FILENO)) {
        put("! the terminal cuts lines of more than %d bytes: nothing of it was sent", CUT - 1);
        return true;
    }
    used += got > 0 ? (size_t)got : 0;
    if (ended && used > 0)
        buffer[used++] = '\n'; /* the last line may lack its end */
    while ((end = memchr(line, '\n', used - (size_t)(line - buffer))) != NULL) {
        *end = '\0';
        if (!skipping && !run(line))
            return false;
        skipping = false;
        line = end + 1;
    }
    used -= (size_t)(line - buffer);
    memmove(buffer, line, used);
    if (used == sizeof buffer - 1) {
        if (!skipping)
            complain("too_long", "the line is too long");
        used = 0;
        skipping = true;
    }
    return true;
}

/* screen_read takes what has been typed and runs whole lines. It gives false if run did. */
bool screen_read(bool (*run)(char *line))
{
    return editor_used() ? read_edited(run) : read_lines(run);
}

/* ---- signals --------------------------------------------------------------- */

static void on_signal(int number)
{
    int saved = errno;
    char byte = (char)number;
    ssize_t ignored = write(signals[1], &byte, 1);

    (void)ignored;
    errno = saved;
}

/* catch_signals makes signals bytes of a pipe. A signal may arrive on any of the library's
 * threads, so that poll() in this one would not notice it otherwise; SA_ONSTACK is what the
 * library asks of every handler. */
void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};

    if (pipe(signals) != 0 || fcntl(signals[0], F_SETFL, O_NONBLOCK) != 0 || fcntl(signals[1], F_SETFL, O_NONBLOCK) != 0)
        fail(FAILED, "no pipe: %s", strerror(errno));
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (at_terminal()) {
        sigaction(SIGTSTP, &action, NULL);
        sigaction(SIGWINCH, &action, NULL);
    }
}

int signals_fd(void)
{
    return signals[0];
}

/* next_signal is the next signal that has come, or 0. */
int next_signal(void)
{
    char byte;

    if (read(signals[0], &byte, 1) != 1)
        return 0;
    if (byte == SIGINT || byte == SIGTERM)
        was_interrupted = true;
    return byte;
}

/* interrupted tells whether Ctrl-C or SIGTERM has come. */
bool interrupted(void)
{
    return was_interrupted;
}

/* screen_signal does what a signal asks of a terminal. */
void screen_signal(int number)
{
    if (number == SIGTSTP) { /* Ctrl-Z: the terminal is the shell's until we go on */
        if (begun)
            editor_leave();
        kill(getpid(), SIGSTOP);
        if (begun)
            editor_return();
    }
    if (number == SIGWINCH && begun)
        editor_resize();
}

/* ---- questions ------------------------------------------------------------- */

/* terminal is a descriptor of the terminal, or -1. It is closed by leave_terminal. */
static int terminal(void)
{
    return isatty(STDIN_FILENO) ? STDIN_FILENO : open("/dev/tty", O_RDWR | O_NOCTTY);
}

static void leave_terminal(int tty)
{
    if (tty > STDIN_FILENO)
        close(tty);
}

/* can_ask tells whether there is somebody to ask. */
bool can_ask(void)
{
    int tty = terminal();

    leave_terminal(tty);
    return tty >= 0;
}

static void write_text(int tty, const char *text)
{
    ssize_t ignored = write(tty, text, strlen(text));

    (void)ignored;
}

/* read_answer reads a line of the terminal. It gives its length, 0 if Ctrl-C or Ctrl-D
 * came instead. */
static ssize_t read_answer(int tty, char *line, size_t size)
{
    struct pollfd wait[] = {{.fd = signals[0], .events = POLLIN}, {.fd = tty, .events = POLLIN}};
    int number;

    for (;;) {
        if (poll(wait, 2, -1) < 0 && errno != EINTR)
            return 0;
        while ((number = next_signal()) != 0)
            screen_signal(number);
        if (was_interrupted)
            return 0;
        if (wait[1].revents != 0)
            return read(tty, line, size);
    }
}

/* ask gives what somebody answers at the terminal, without showing it if hidden; NULL at
 * Ctrl-C, Ctrl-D and without a terminal. */
char *ask(const char *question, bool hidden)
{
    char line[CUT + 2];
    struct termios before, asking;
    int tty = terminal();
    ssize_t got;

    if (tty < 0 || tcgetattr(tty, &before) != 0)
        return NULL;
    if (begun) {
        editor_leave();
        tcgetattr(tty, &before);
    }
    asking = before;
    asking.c_lflag |= ICANON | ISIG;
    if (hidden)
        asking.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSADRAIN, &asking);
    write_text(tty, question);
    got = read_answer(tty, line, sizeof line - 1);
    if (got < 0)
        got = 0;
    line[got] = '\0';
    if (hidden || strchr(line, '\n') == NULL)
        write_text(tty, "\n");
    tcsetattr(tty, TCSADRAIN, &before);
    leave_terminal(tty);
    if (begun)
        editor_return();
    line[strcspn(line, "\r\n")] = '\0';
    return got > 0 ? format("%s", line) : NULL;
}
