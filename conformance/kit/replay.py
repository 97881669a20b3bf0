"""Replays one transcript through a driver. README.md, "Steps", is the specification."""

import contextlib
import itertools
import json
import os
import pathlib
import queue
import tempfile
import time

from .driver import CAPABILITIES, Broken
from .match import Malformed, Mismatch, fill, match, show
from .schema import Document

#: How long a wait for an event lets the driver wait at once: short, so that the events of a
#: callback are seen soon too.
SLICE_MS = 200

#: A wait of a transcript that may pass in full. What is longer ends by what happens.
LONGEST_MS = 60000

#: How much too early a wait may end without an event: clocks and timers have steps.
EARLY_MS = 5

_ERROR = {"code": "text", "category": "text", "message": "text", "retryable": "boolean", "field": "string",
          "details": "object"}
_EVENT = {"seq": {"$is": "integer"}, "type": {"$is": "text"}, "at": {"$is": "integer"}, "data": {"$is": "object"}}

_numbers = itertools.count(1)


class Failed(Exception):
    """A step of a transcript did not go as expected."""


class _Client:
    """A client the transcript has opened, and what came of it."""

    def __init__(self, handle):
        self.handle = handle
        self.inbox = []  # events that came and that no step has taken
        self.highest = 0  # the highest seq so far
        self.by_callback = False
        self.open = True
        self.ended = False  # the event closed has come


class Replay:
    """One run of one transcript. After a failure the driver has to be renewed."""

    def __init__(self, transcript, driver, schema):
        self._transcript, self._driver, self._schema = transcript, driver, schema
        self._clients, self._waiting = {}, {}
        self._variables = {"unique": f"conformance {os.getpid()} {next(_numbers)}"}

    def run(self):
        with tempfile.TemporaryDirectory(prefix="status1to1-conformance-") as directory:
            self._variables["dir"] = directory
            self._let({"let": self._transcript.get("let", {})})
            for number, step in enumerate(self._transcript["steps"], 1):
                self._step(number, step)
            self._leave_nothing()

    def _step(self, number, step):
        kinds = [name for name in _STEPS if name in step]
        if len(kinds) != 1:
            raise Malformed(f"step {number} is of {len(kinds)} kinds: {kinds}")
        try:
            _STEPS[kinds[0]](self, step)
        except (Mismatch, Broken) as fault:
            why = f"\n    why: {step['why']}" if "why" in step else ""
            raise Failed(f"step {number}: {_short(step)}{why}\n    {fault}") from None

    def _leave_nothing(self):
        """Every client is closed, every thread was waited for, and every string was freed."""
        if self._waiting:
            raise Malformed(f"nobody awaits {sorted(self._waiting)}")
        for client in self._clients.values():
            if client.open:
                self._driver.ask("close", client=client.handle)
        if not self._driver.called_back.empty() and not any(client.by_callback for client in self._clients.values()):
            raise Failed(f"at the end: a callback was called that is removed: {show(self._driver.called_back.get())}")
        held = self._driver.ask("info").get("result", {}).get("strings_held", 0)
        if held != 0:
            raise Failed(f"at the end: {held} strings of the library have not been freed")

    # ---- answers ----

    def _expect(self, step, answer, method=None):
        """Compares an answer with the step's result or error, after its form."""
        if not isinstance(answer, dict) or not isinstance(answer.get("ok"), bool):
            raise Mismatch("", f"an answer has ok, true or false: {show(answer)}")
        if set(answer) != {"ok", "result" if answer["ok"] else "error"}:
            raise Mismatch("", f"an answer has either result or error: {show(answer)}")
        if "error" in step:
            if answer["ok"]:
                raise Mismatch("ok", f"expected the error {step['error']}, got {show(answer['result'])}")
            match({name: {"$is": kind} for name, kind in _ERROR.items()}, answer["error"], {}, "error")
            match(step["error"], answer["error"], self._variables, "error")
            return
        if not answer["ok"]:
            raise Mismatch("ok", f"it failed: {show(answer['error'])}")
        if method:
            self._schema.result(method, answer["result"])
        if "result" in step:
            match(step["result"], answer["result"], self._variables, "result")

    def _client(self, step, kind):
        """The client a step is about: of a name, or of a made-up handle."""
        name = step[kind]
        if isinstance(name, str):
            if name not in self._clients:
                raise Malformed(f"no step has opened {name}")
            return self._clients[name]
        return _Client(name["handle"])

    def _command(self, step, op, expect, beyond=0, **fields):
        """Sends a command, and gives its answer to expect: now, or when it is awaited."""
        if "as" in step:
            number = self._driver.start(op, thread=True, **fields)
            self._waiting[step["as"]] = (number, beyond, expect)
        else:
            expect(step, self._driver.ask(op, beyond, **fields))

    # ---- steps ----

    def _let(self, step):
        for name, value in step["let"].items():
            self._variables[name] = fill(value, self._variables)

    def _open(self, step):
        fields, name = self._texts(step, "config"), step["open"]

        def expect(step, answer):
            result = answer.get("result") if isinstance(answer, dict) else None
            if isinstance(result, dict) and "client" in result:  # closed at the end, whatever else is wrong
                self._clients[name] = _Client(result["client"])
            self._expect(step, answer)
            if answer["ok"]:
                match({"$exactly": {"client": {"$greater": 0}, "identity": {"$is": ["null", "object"]}}}, result, {}, "result")

        self._command(step, "open", expect, **fields)

    def _call(self, step):
        client, method = self._client(step, "call"), fill(step["method"], self._variables)
        fields = self._texts(step, "params")
        self._command(step, "call", lambda step, answer: self._expect(step, answer, method),
                      client=client.handle, method=method, **fields)

    def _texts(self, step, name):
        """A configuration or parameters, as JSON or as a text that need not be JSON."""
        if name + "_text" in step:
            return {name + "_text": fill(step[name + "_text"], self._variables)}
        return {name: fill(step[name], self._variables)} if name in step else {}

    def _close(self, step):
        client = self._client(step, "close")

        def expect(step, answer):
            self._expect(dict({"result": None}, **step), answer)
            client.open = False

        self._command(step, "close", expect, client=client.handle)

    def _next_event(self, step):
        client, timeout, begin = self._client(step, "next_event"), step["timeout_ms"], time.monotonic()

        def expect(step, answer):
            if isinstance(answer, dict) and isinstance(answer.get("result"), dict):
                self._note(client, answer["result"])
            self._expect(step, answer)
            took = (time.monotonic() - begin) * 1000
            if answer["ok"] and answer["result"] is None and took < min(timeout, LONGEST_MS) - EARLY_MS:
                raise Mismatch("result", f"there was no event after {took:.0f} ms: the wait is for {timeout} ms")

        beyond = timeout / 1000 if 0 < timeout <= LONGEST_MS else 0
        self._command(step, "next_event", expect, beyond, client=client.handle, timeout_ms=timeout)

    def _await(self, step):
        number, beyond, expect = self._waiting.pop(step["await"])
        expect(step, self._driver.finish(number, beyond))

    def _event(self, step):
        """Takes the first event that is as described, whatever came before it."""
        client = self._client(step, "event")
        self._take(client, step, 0)

    def _events(self, step):
        """Takes several, each of which must have come after the one before."""
        client, place = self._client(step, "events"), 0
        for wanted in step["in_order"]:
            place = self._take(client, wanted, place)

    def _take(self, client, wanted, place):
        """Takes the first event from that place of the inbox that is as wanted, and gives its place."""
        end, nearest = time.monotonic() + self._driver.patience, None
        while True:
            while place < len(client.inbox):
                try:
                    self._is(wanted, client.inbox[place])
                    del client.inbox[place]
                    return place
                except Mismatch as fault:
                    if client.inbox[place]["type"] == wanted["type"]:
                        nearest = fault
                    place += 1
            if time.monotonic() > end or not self._more(client, SLICE_MS):
                came = ", ".join(event["type"] for event in client.inbox) or "none"
                nearly = f"; the nearest was wrong in {nearest}" if nearest else ""
                raise Mismatch("", f"no such event came within {self._driver.patience:g} s{nearly}. Not taken: {came}")

    def _is(self, wanted, event):
        """Captures only what an event that matches has."""
        variables = dict(self._variables)
        match(wanted["type"], event["type"], variables, "type")
        match(wanted.get("data", {}), event["data"], variables, "data")
        match(wanted.get("seq", {"$is": "any"}), event["seq"], variables, "seq")
        self._variables.update(variables)

    def _more(self, client, timeout_ms):
        """Fetches an event into the inbox. False if there will be none any more."""
        if client.by_callback:
            return self._called_back(client, timeout_ms)
        answer = self._driver.ask("next_event", timeout_ms / 1000, client=client.handle, timeout_ms=timeout_ms)
        if isinstance(answer, dict) and answer.get("ok") is False and answer["error"]["code"] in ("bad_client", "closed"):
            return False  # all was read
        self._expect({}, answer)
        if answer["result"] is not None:
            self._note(client, answer["result"])
            client.inbox.append(answer["result"])
        return True

    def _called_back(self, client, timeout_ms):
        """Takes what the callbacks were called with, for whichever client."""
        with contextlib.suppress(queue.Empty):
            handle, answer = self._driver.called_back.get(timeout=timeout_ms / 1000)
            for one in self._clients.values():
                if one.handle == handle:
                    self._expect({}, answer)
                    self._note(one, answer["result"])
                    one.inbox.append(answer["result"])
        return True

    def _note(self, client, event):
        """What holds for every event: its form, and that seq rises."""
        match({"$exactly": _EVENT}, event, {}, "event")
        self._schema.event(event["type"], event["data"])
        if client.ended:
            raise Mismatch("event", f"{event['type']} came after closed, which is the last event")
        client.ended = event["type"] == "closed"
        if event["seq"] != 0:
            if event["seq"] <= client.highest:
                raise Mismatch("event.seq", f"{event['type']} has seq {event['seq']} after {client.highest}: it has to rise")
            client.highest = event["seq"]

    def _no_event(self, step):
        """What waits now is read, and none is as described."""
        client = self._client(step, "no_event")
        count = -1
        while count != len(client.inbox):
            count = len(client.inbox)
            if not self._more(client, 0):
                break
        for event in client.inbox:
            with contextlib.suppress(Mismatch):
                self._is(step, event)
                raise Failed(f"there is such an event: {show(event)}")

    def _callback(self, step):
        client = self._client(step, "callback")
        client.by_callback = step["on"]
        self._expect({"result": None}, self._driver.ask("set_callback", client=client.handle, on=step["on"]))
        if not step["on"]:
            while not self._driver.called_back.empty():
                self._called_back(client, 0)

    def _ready(self, step):
        client = self._client(step, "ready")
        timeout = step.get("timeout_ms", 0)
        answer = self._driver.ask("event_ready", timeout / 1000, client=client.handle, timeout_ms=timeout)
        match(step["is"], answer, {}, "ready")

    def _info(self, step):
        self._expect(dict(step, result=step["info"]), self._driver.ask("info"))

    def _schema_step(self, step):
        self._expect(dict(step, result=step["schema"]), self._driver.ask("schema"))

    def _restart(self, step):
        """The program ends with its clients open, and begins anew."""
        self._driver.restart()
        for client in self._clients.values():
            client.open = False


#: The kinds of steps, by the name that makes one of them.
_STEPS = {
    "let": Replay._let,
    "open": Replay._open,
    "call": Replay._call,
    "close": Replay._close,
    "next_event": Replay._next_event,
    "await": Replay._await,
    "event": Replay._event,
    "events": Replay._events,
    "no_event": Replay._no_event,
    "callback": Replay._callback,
    "ready": Replay._ready,
    "info": Replay._info,
    "schema": Replay._schema_step,
    "restart": Replay._restart,
}


def _short(step):
    text = json.dumps({name: value for name, value in step.items() if name != "why"})
    return text if len(text) <= 160 else text[:160] + "..."


def needs(transcript):
    """The capabilities a transcript needs: those that its steps show."""
    found = set()
    for step in transcript["steps"]:
        found |= {"threads"} if "as" in step else set()
        found |= {"callback"} if "callback" in step else set()
        found |= {"event_fd"} if "ready" in step else set()
        found |= {"text"} if "params_text" in step or "config_text" in step else set()
        found |= {"handles"} if any(isinstance(step.get(kind), dict) for kind in ("call", "close", "next_event")) else set()
    found |= set(transcript.get("needs", ()))
    unknown = found - set(CAPABILITIES)
    if unknown:
        raise Malformed(f"there is no capability {sorted(unknown)}")
    return found


_SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[1] / "transcript.schema.json").read_text(encoding="utf-8"))


def load(path):
    """A transcript that is as the schema of transcripts says: a misspelt field would expect nothing."""
    with open(path, encoding="utf-8") as file:
        transcript = json.load(file)
    try:
        Document(_SCHEMA).check(_SCHEMA, transcript, "transcript")
    except Mismatch as fault:
        raise Malformed(f"{path.name}: {fault}") from None
    return transcript
