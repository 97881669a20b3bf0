"""The terminal: what is printed, and the line that is being typed. A part of chat.py.

At a terminal GNU readline edits the line. Python's module of that name can only wait for
a whole line; for event loops the library has functions that take one key at a time, which
are called through ctypes here, so that what arrives is printed above the line in progress.
Without readline, and for a program that pipes its lines in, lines come as they are.
(libedit has these functions too, but writes beyond its memory when a long line is typed:
seen in 3.1-20221030.)"""

import codecs
import collections
import ctypes
import os
import select
import shutil
import signal
import sys
import termios
import unicodedata

MOST_LINES = 500  # typed lines that are remembered, until the program ends
CUT = 4095  # bytes: what a terminal gives of a longer line, silently
WIDE_ENOUGH = 80  # columns a line of progress fits in


def width(text):
    """How many columns a text takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Signals:
    """Signals as bytes of a descriptor. They may arrive on any of the library's threads,
    so that select() in this one would not notice them otherwise."""

    def __init__(self):
        self.fd, writer = os.pipe()
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer)
        self.ended = False  # by Ctrl-C or SIGTERM
        self.catch(signal.SIGINT, signal.SIGTERM)

    @staticmethod
    def catch(*numbers):
        for number in numbers:
            signal.signal(number, lambda *_: None)

    def take(self):
        """The signals that have come."""
        numbers = set(os.read(self.fd, 64))
        self.ended = self.ended or bool(numbers & {signal.SIGINT, signal.SIGTERM})
        return numbers


class Editor:
    """The line editor, a key at a time. on_line gets each line, None at Ctrl-D."""

    def __init__(self, complete, on_line):
        """Raises ImportError where there is no such editor."""
        if os.environ.get("TERM", "dumb") == "dumb":
            raise ImportError("the terminal cannot do it")
        try:
            import readline
        except ImportError:
            raise ImportError("this Python has no readline") from None
        self.history = readline
        self.library = ctypes.CDLL(getattr(readline, "__file__", None))  # None: it is built into Python
        if "libedit" in (readline.__doc__ or "") or not hasattr(self.library, "rl_clear_visible_line"):
            raise ImportError("this Python has no GNU readline 7 or newer")
        self.libc = ctypes.CDLL(None)
        self.libc.free.argtypes = [ctypes.c_void_p]
        # Its handlers are not made for the threads of the library (SA_ONSTACK).
        self._variable("rl_catch_signals").value = 0
        self._variable("rl_catch_sigwinch").value = 0
        readline.set_history_length(MOST_LINES)
        readline.set_completer_delims(" ")
        readline.set_completer(complete)
        readline.parse_and_bind("tab: complete")
        readline.parse_and_bind("set enable-bracketed-paste off")  # each pasted line is one
        self.prompt = "> "
        self.on_line = on_line
        self.handler = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self._line)
        self.begin()

    def _variable(self, name):
        return ctypes.c_int.in_dll(self.library, name)

    def begin(self):
        self.library.rl_callback_handler_install(self.prompt.encode(), self.handler)
        self.shown = True

    def leave(self):
        """Gives the terminal back; the line in progress is kept."""
        self.hide()
        self.library.rl_deprep_terminal()
        self.libc.fflush(None)

    def resume(self):
        """Takes the terminal again."""
        self.library.rl_prep_terminal(1)

    def _line(self, pointer):
        """Called by the editor with a line, which is ours then."""
        line = None
        if pointer is not None:
            line = ctypes.string_at(pointer).decode("utf-8", "replace")
            self.libc.free(pointer)
            length = self.history.get_current_history_length()
            if line.strip() and (not length or self.history.get_history_item(length) != line):
                self.history.add_history(line)
        # Installed again at once, the terminal does not fall back to its own editing,
        # which would cut a long line that is being pasted.
        if line is not None:
            self.begin()
        self.on_line(line)

    def key(self):
        """Takes the key that was pressed. The library draws what it changes, and takes the
        rest to be on the screen: a line that was hidden must be back by then."""
        self.show(self.prompt)
        self.library.rl_callback_read_char()

    def hide(self):
        """Takes the line in progress off the screen, to print in its place."""
        if not self.shown:
            return
        self.library.rl_clear_visible_line()
        self.libc.fflush(None)
        self.shown = False

    def show(self, prompt):
        """Puts the line in progress back."""
        if self.shown and prompt == self.prompt:
            return
        self.hide()
        self.prompt = prompt
        self.library.rl_set_prompt(prompt.encode())
        self.library.rl_forced_update_display()
        self.libc.fflush(None)
        self.shown = True

    def resize(self):
        self.library.rl_resize_terminal()
        self.libc.fflush(None)


class Screen:
    """What the program prints to and reads lines from."""

    def __init__(self, plain, signals):
        self.plain, self.signals = plain, signals
        self.editor = None
        self.terminal = not plain and sys.stdin.isatty() and sys.stdout.isatty()
        self.lines = collections.deque()  # typed and not yet taken
        self.ended = False  # nothing more will be typed
        self.prompt = "> "
        self.prompted = False  # without an editor: the prompt is on the screen
        self.over = False  # the last line printed may be replaced
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._typed = ""

    def begin(self, wanted, complete):
        """Begins to take lines, with an editor if there is one."""
        if not self.terminal:
            return
        reason = "--editor none"
        try:
            if wanted != "none":
                self.editor = Editor(complete, self._take)
                self.signals.catch(signal.SIGTSTP, signal.SIGWINCH)
        except (ImportError, OSError, AttributeError, ValueError) as error:
            reason = str(error)
        if self.editor is None:
            self.put(f"(no line editor: {reason}. What arrives cuts into what you type.)")

    def end(self):
        if self.editor is not None:
            self.editor.leave()
        elif self.prompted:
            self._unprompt()
        self.editor, self.terminal = None, False

    # ---- printing ----

    def put(self, text):
        """Prints a line, above the one in progress."""
        self._hide()
        print(text, flush=True)
        self.over = False

    def put_over(self, text):
        """Prints a line in the place of the last one, if that was printed so too and
        nothing came since."""
        again = self.over and self.terminal and shutil.get_terminal_size().columns >= WIDE_ENOUGH
        self._hide()
        print(("\x1b[A\x1b[K" if again else "") + text, flush=True)
        self.over = True

    def _hide(self):
        if self.editor is not None:
            self.editor.hide()
        elif self.prompted:
            self._unprompt()

    def _unprompt(self):
        print("\r" + " " * width(self.prompt) + "\r", end="", flush=True)
        self.prompted = False

    def show(self):
        """Shows the prompt and what has been typed, before the program waits."""
        if self.editor is not None:
            self.editor.show(self.prompt)
        elif self.terminal and not self.prompted and not self.ended:
            print(self.prompt, end="", flush=True)
            self.prompted = True

    # ---- typed lines ----

    def _take(self, line):
        self.over = False
        if line is None:
            self.ended = True
        else:
            self.lines.append(line)

    def read(self):
        """Takes what has been typed; whole lines are in lines then."""
        if self.editor is not None:
            self.editor.key()
            return
        try:
            raw = os.read(sys.stdin.fileno(), 65536)
        except OSError:
            raw = b""  # the terminal is gone
        self.prompted = False
        if len(raw.rstrip(b"\n")) >= CUT and sys.stdin.isatty():
            self.put(f"! the terminal cuts lines of more than {CUT - 1} bytes: nothing of it was sent")
            return
        self._typed += self._decoder.decode(raw)
        if not raw and self._typed:
            self._typed += "\n"  # the last line may lack its end
        *lines, self._typed = self._typed.split("\n")
        for line in lines:
            self._take(line)
        if not raw:
            self._take(None)

    def signal(self, numbers):
        """Does what signals ask of a terminal."""
        if self.editor is None:
            return
        if signal.SIGTSTP in numbers:  # Ctrl-Z: the terminal is the shell's until we go on
            self.editor.leave()
            os.kill(os.getpid(), signal.SIGSTOP)
            self.editor.resume()
        if signal.SIGWINCH in numbers:
            self.editor.resize()

    # ---- questions ----

    def _tty(self):
        """A descriptor of the terminal, and whether it is to be closed."""
        if sys.stdin.isatty():
            return sys.stdin.fileno(), False
        return os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY), True

    def can_ask(self):
        """Whether there is somebody to ask."""
        try:
            tty, opened = self._tty()
        except OSError:
            return False
        if opened:
            os.close(tty)
        return True

    def tell(self, text):
        """Prints a line that belongs to a question."""
        print(text, file=sys.stderr if self.plain else sys.stdout, flush=True)

    def ask(self, question, hidden=False):
        """What somebody answers at the terminal, without showing it if hidden; None at
        Ctrl-C, Ctrl-D and without a terminal."""
        try:
            tty, opened = self._tty()
        except OSError:
            return None
        if self.editor is not None:
            self.editor.leave()
        before = termios.tcgetattr(tty)
        asking = list(before)
        asking[3] = (before[3] | termios.ICANON | termios.ISIG) & ~(termios.ECHO if hidden else 0)
        try:
            termios.tcsetattr(tty, termios.TCSADRAIN, asking)
            os.write(tty, question.encode())
            typed = self._answer(tty)
            if hidden or not typed.endswith(b"\n"):
                os.write(tty, b"\n")
        finally:
            termios.tcsetattr(tty, termios.TCSADRAIN, before)
            if opened:
                os.close(tty)
            if self.editor is not None:
                self.editor.resume()
        return typed.rstrip(b"\r\n").decode("utf-8", "replace") if typed else None

    def _answer(self, tty):
        """A line of the terminal; b"" if Ctrl-C or Ctrl-D came instead."""
        while True:
            ready = select.select([tty, self.signals.fd], [], [])[0]
            if self.signals.fd in ready:
                self.signals.take()
            if self.signals.ended:
                return b""
            if tty in ready:
                return os.read(tty, CUT + 1)
