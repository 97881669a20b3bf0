"""A program at a terminal: what is typed, and what the screen shows."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

ROWS, COLUMNS = 30, 100
UP, LEFT, HOME, TAB, CTRL_C, CTRL_D = "\x1b[A", "\x1b[D", "\x01", "\t", "\x03", "\x04"

#: What a terminal is told: text, a control character, or a sequence with its numbers.
_TOKEN = re.compile("\x1b\\[([?0-9;]*)([@-~])|\x1b[()][0-9A-B]|\x1b[^\\[()]|[\x00-\x1a\x1c-\x1f]|[^\x00-\x1f\x1b]+", re.DOTALL)


class Screen:
    """As much of a terminal (xterm) as a line editor uses. Rows that scroll off are kept."""

    def __init__(self):
        self.rows, self.row, self.column = [[]], 0, 0

    def feed(self, text):
        """Draws text, and gives the rest that is no whole sequence yet."""
        at = 0
        while at < len(text):
            token = _TOKEN.match(text, at)
            if token is None:
                return text[at:]
            at = token.end()
            if token.group(2):
                self._sequence(token.group(1), token.group(2))
            elif token.group()[0] >= " ":
                for c in token.group():
                    self._put(c)
            else:
                self._control(token.group())
        return ""

    def _down(self):
        self.row += 1
        while self.row >= len(self.rows):
            self.rows.append([])

    def _put(self, c):
        if unicodedata.combining(c):
            return
        cells = [c, ""] if unicodedata.east_asian_width(c) in "WF" else [c]
        if self.column + len(cells) > COLUMNS:
            self.column = 0
            self._down()
        line = self.rows[self.row]
        line.extend(" " * (self.column + len(cells) - len(line)))
        line[self.column:self.column + len(cells)] = cells
        self.column += len(cells)

    def _control(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self._down()
        elif c == "\b":
            self.column = max(0, min(self.column, COLUMNS) - 1)

    def _sequence(self, numbers, what):
        count = int(numbers) if numbers.isdigit() else 0
        line, many = self.rows[self.row], max(1, count)
        if what == "A":
            self.row = max(0, self.row - many)
        elif what == "B":
            for _ in range(many):
                self._down()
        elif what == "C":
            self.column = min(COLUMNS - 1, self.column + many)
        elif what == "D":
            self.column = max(0, self.column - many)
        elif what == "G":
            self.column = many - 1
        elif what in "JK" and count == 0:
            del line[self.column:]
            if what == "J":
                del self.rows[self.row + 1:]
        elif what == "P":
            del line[self.column:self.column + many]
        elif what == "@":
            line[self.column:self.column] = " " * many

    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]


class Program:
    """A program with a terminal of its own."""

    def __init__(self, command, environment, patience):
        self.patience, self.screen, self.rest, self.code = patience, Screen(), b"", None
        self.drawn = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def type(self, text):
        """Types, as fast as the program takes it."""
        raw = text.encode()
        while raw:
            ready = select.select([self.fd], [self.fd], [], self.patience)
            if self.fd in ready[0]:
                self._read()
            if self.fd in ready[1]:
                raw = raw[os.write(self.fd, raw[:512]):]

    def _read(self):
        try:
            raw = os.read(self.fd, 65536)
        except OSError:
            raw = b""
        text = (self.rest + raw).decode("utf-8", "surrogateescape")
        # The end may be part of a character, or of a sequence.
        whole = len(text)
        while whole and "\udc80" <= text[whole - 1] <= "\udcff" and len(text) - whole < 3:
            whole -= 1
        self.rest = text[whole:].encode("utf-8", "surrogateescape")
        self.drawn = self.screen.feed(self.drawn + text[:whole])
        return bool(raw)

    def text(self):
        return "\n".join(self.screen.lines())

    def until(self, text, count=1):
        """Waits until the screen shows a text so many times."""
        text = text.rstrip()  # rows end with what is not blank
        self._until(text, lambda: self.text().count(text) >= count)

    def until_typed(self, text):
        """Waits until the line in progress is this, below all else."""
        shown = ("> " + text).rstrip()  # rows end with what is not blank
        self._until(shown, lambda: self.text().rstrip().endswith(shown))

    def _until(self, text, shown):
        deadline = time.monotonic() + self.patience
        while not shown():
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"the screen never showed {text!r}:\n{self.text()}")
            if select.select([self.fd], [], [], left)[0] and not self._read() and not shown():
                raise AssertionError(f"the program ended without {text!r}:\n{self.text()}")

    def hidden(self):
        """Whether the terminal shows what is typed to somebody who does not edit."""
        return not termios.tcgetattr(self.fd)[3] & termios.ECHO

    def stop(self):
        """Ctrl-Z, and waits until the program has stopped."""
        self.type("\x1a")
        deadline = time.monotonic() + self.patience
        while not os.waitpid(self.pid, os.WUNTRACED | os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                raise AssertionError("the program does not stop")
            if select.select([self.fd], [], [], 0.05)[0]:
                self._read()

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)

    def end(self):
        """Waits for the end; the exit code."""
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0] and not self._read():
                break
        return self.close()

    def close(self):
        if self.code is None:
            deadline = time.monotonic() + self.patience
            while time.monotonic() < deadline:
                done, status = os.waitpid(self.pid, os.WNOHANG)
                if done:
                    self.code = os.waitstatus_to_exitcode(status)
                    break
                time.sleep(0.01)
            os.close(self.fd)
        return self.code

    def kill(self):
        if self.code is None:
            os.kill(self.pid, 9)
            self.close()
