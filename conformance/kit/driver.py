"""The other side of the driver protocol: a process that answers commands, one a line. README.md,
"A driver", is the specification."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading

#: The version of the driver protocol.
PROTOCOL = 1

#: What a driver may be able to do beside the commands that every one has.
CAPABILITIES = ("threads", "callback", "event_fd", "text", "handles", "after_close", "pull", "any_config")


class Broken(Exception):
    """The driver ended, hangs, or does not keep to the protocol."""


class _Process:
    """One process of a driver, and what it has said."""

    def __init__(self, command):
        try:
            self.popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          start_new_session=True)
        except OSError as error:
            raise Broken(f"{command[0]} cannot be started: {error}") from None
        self.answers, self.arrived, self.over = {}, threading.Condition(), None
        self.called_back = queue.Queue()
        self.last, self.answered = 0, set()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        over = "it ended"
        for line in self.popen.stdout:
            try:
                self._said(json.loads(line.decode("utf-8")))
            except (ValueError, KeyError, TypeError) as error:
                over = f"it printed {line[:200]!r}: {error!r}"
                break
        with self.arrived:
            self.over = over
            self.arrived.notify_all()

    def _said(self, said):
        if "callback" in said:
            self.called_back.put((said["callback"], said["event"]))
            return
        number = said["id"]
        if number in self.answered or number not in range(1, self.last + 1):
            raise ValueError("an answer to nothing that was asked, or a second one")
        with self.arrived:
            self.answered.add(number)
            self.answers[number] = said
            self.arrived.notify_all()


#: What a driver may take beyond the patience before its first answer, in seconds: it starts.
START = 10


class Driver:
    """A running driver. Patience, in seconds, bounds the wait for each answer."""

    def __init__(self, command, patience):
        self._command, self.patience = command, patience
        self._begin()

    def _begin(self):
        self._process = _Process(self._command)
        try:
            self._greet()
        except Broken:
            self.kill()
            raise

    def _greet(self):
        hello = self.ask("hello", START)
        if not isinstance(hello, dict) or hello.get("protocol") != PROTOCOL:
            raise Broken(f"it answered hello with {hello!r}: the protocol is {PROTOCOL}")
        self.binding, self.capabilities = hello.get("binding", "?"), set(hello.get("capabilities", ()))
        unknown = self.capabilities - set(CAPABILITIES)
        if unknown:
            raise Broken(f"it has unknown capabilities: {sorted(unknown)}")

    @property
    def called_back(self):
        """A queue of the events that callbacks were called with: (handle, answer)."""
        return self._process.called_back

    def start(self, op, **fields):
        """Sends a command and gives its number."""
        process = self._process
        process.last += 1
        line = json.dumps(dict({"id": process.last, "op": op}, **fields))
        try:
            process.popen.stdin.write(line.encode() + b"\n")
            process.popen.stdin.flush()
        except OSError:
            raise Broken("it ended") from None
        return process.last

    def finish(self, number, beyond=0):
        """The answer to the command of that number, which may take beyond seconds of its own."""
        process, longest = self._process, min(self.patience + beyond, threading.TIMEOUT_MAX)
        with process.arrived:
            if not process.arrived.wait_for(lambda: number in process.answers or process.over, longest):
                raise Broken(f"it has not answered command {number} within {longest:g} s")
            if number not in process.answers:
                raise Broken(process.over)
            said = process.answers.pop(number)
        if "failed" in said:
            raise Broken(f"the binding failed: {said['failed']}")
        if "answer" not in said:
            raise Broken(f"it printed {said!r}, without an answer")
        return said["answer"]

    def ask(self, op, beyond=0, **fields):
        return self.finish(self.start(op, **fields), beyond)

    def restart(self):
        """Ends the process as the end of its input does, and starts another."""
        self.end()
        self._begin()

    def renew(self):
        """Starts another process, in whatever state this one is."""
        self.kill()
        self._begin()

    def end(self):
        """Ends the process by the end of its input: it has to leave with exit code 0."""
        popen = self._process.popen
        try:
            popen.stdin.close()
            code = popen.wait(self.patience)
        except OSError:  # it ended before
            code = popen.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            raise Broken(f"it has not ended within {self.patience:g} s after its input did") from None
        if code != 0:
            raise Broken(f"it ended with exit code {code}")

    def kill(self):
        """With what it has started: the library may run in a child of the driver."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.popen.pid, signal.SIGKILL)
        self._process.popen.wait()
