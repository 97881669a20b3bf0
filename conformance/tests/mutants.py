#!/usr/bin/env python3
"""A driver with a fault, chosen by name: mutants.py MUTATION DRIVER... It starts the real driver and
spoils what passes through, as a binding with that fault would."""

import json
import subprocess
import sys
import threading

output = threading.Lock()


def everywhere(function, value):
    """The value with function applied to everything in it, from within."""
    if isinstance(value, dict):
        value = {name: everywhere(function, item) for name, item in value.items()}
    elif isinstance(value, list):
        value = [everywhere(function, item) for item in value]
    return function(value)


def strings(function):
    return lambda value: everywhere(lambda one: function(one) if isinstance(one, str) else one, value)


def objects(function):
    return lambda value: everywhere(lambda one: function(one) if isinstance(one, dict) else one, value)


def without(*names):
    return objects(lambda one: {name: item for name, item in one.items() if name not in names})


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def rounded(value):
    """A whole number beyond 2^31, as a double of a careless printer."""
    return int(float("%.6g" % value)) if type(value) is int and value > 2**31 else value


#: What becomes of the parameters of a call on its way to the library.
PARAMS = {
    "request texts end at NUL": strings(lambda text: text.partition("\0")[0]),
    "request texts are UCS-2": strings(lambda text: "".join(c if ord(c) < 0x10000 else "\ufffd" for c in text)),
    "request texts are normalised": strings(lambda text: __import__("unicodedata").normalize("NFC", text)),
    "request texts lose white space": strings(str.strip),
    "requests lose client_ref": without("client_ref"),
    "requests lose unknown fields": without("display_nam", "Words", "txt", ""),
    "requests have texts for numbers": lambda value: everywhere(lambda one: str(one) if type(one) is int else one, value),
    "requests have doubles": lambda value: everywhere(lambda one: float(one) if type(one) is int else one, value),
    "requests round large numbers": lambda value: everywhere(rounded, value),
}

#: What becomes of an answer or an event on its way back.
ANSWERS = {
    "answers end at NUL": strings(lambda text: text.partition("\0")[0]),
    "answers are Latin-1": strings(lambda text: text.encode("latin-1", "replace").decode("latin-1")),
    "answers lose null": objects(lambda one: {name: item for name, item in one.items() if item is not None}),
    "answers lose empty lists": objects(lambda one: {name: item for name, item in one.items() if item != []}),
    "answers have null for nothing": objects(lambda one: dict({"reply_to": None}, **one) if "message_id" in one else one),
    "answers are in camelCase": objects(lambda one: {camel(name): item for name, item in one.items()}),
    "answers have doubles": lambda value: everywhere(lambda one: float(one) if type(one) is int else one, value),
    "answers round large numbers": lambda value: everywhere(rounded, value),
    "answers have 1 for true": lambda value: everywhere(lambda one: int(one) if one is True else one, value),
    "errors lose their field": without("field"),
    "errors lose their details": without("details"),
    "errors have one code": objects(lambda one: dict(one, code="error") if "category" in one else one),
    "answers say nothing of ok": without("ok"),
    "base64 is that of URLs": strings(lambda text: text.replace("+", "-").replace("/", "_")),
}


class Mutant:
    def __init__(self, mutation, driver):
        self.mutation = mutation
        self.process = subprocess.Popen(driver, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.commands, self.closed, self.events, self.repeat, self.held = {}, set(), 0, None, None

    def say(self, line):
        with output:
            print(json.dumps(line), flush=True)

    def command(self, command):
        """What the driver gets in place of a command, or None if it was answered here."""
        op = command["op"]
        if op == "call" and "params" in command and self.mutation in PARAMS:
            command = dict(command, params=PARAMS[self.mutation](command["params"]))
        if op == "next_event" and self.mutation == "waits for ever are none" and command["timeout_ms"] < 0:
            command = dict(command, timeout_ms=0)
        if op == "next_event" and self.mutation == "waits of 0 are for ever" and command["timeout_ms"] == 0:
            command = dict(command, timeout_ms=-1)
        if op == "next_event" and self.mutation == "waits are none" and command["timeout_ms"] > 0:
            command = dict(command, timeout_ms=0)
        if self.mutation == "one thread at a time":
            command = {name: value for name, value in command.items() if name != "thread"}
        if op == "set_callback" and self.mutation == "callbacks stay" and not command["on"]:
            self.say({"id": command["id"], "answer": {"ok": True, "result": None}})
            return None
        if op == "close" and self.mutation == "a second close fails":
            if command["client"] in self.closed:
                self.say({"id": command["id"], "failed": "closed already"})
                return None
            self.closed.add(command["client"])
        return command

    def answer(self, said):
        """What the replayer gets in place of an answer."""
        command = self.commands.get(said.get("id"), {"op": "event"})
        op = command["op"]
        if op not in ("open", "call", "next_event", "event", "close"):
            return said
        name = "event" if op == "event" else "answer"
        value = said.get(name)
        if self.mutation in ANSWERS and op != "open":
            value = ANSWERS[self.mutation](value)
        if self.mutation == "two answers are swapped" and command.get("method") == "messages.send" and "thread" in command:
            value = self.swapped(said["id"], value)
        if op == "next_event" and isinstance(value, dict):
            value = self.event(value) if value.get("result") else self.no_event(value)
        return dict(said, **{name: value})

    def swapped(self, number, value):
        """The first of two answers is kept, and said as the second with the value of that."""
        if self.held is None:
            self.held = (number, value)
            return None
        if self.held:
            self.say({"id": self.held[0], "answer": value})
            value, self.held = self.held[1], ()
        return value

    def no_event(self, value):
        """Where no event comes: one that was kept back."""
        if self.held:
            value, self.held = self.held, ()
        return value

    def event(self, value):
        if self.mutation == "stored events get lost" and value["result"]["seq"]:
            return dict(value, result=None)
        if self.mutation == "two events change places" and value["result"]["seq"] and self.held is None:
            self.held = value
            return dict(value, result=None)
        if self.mutation == "the closed event comes twice" and value["result"]["type"] == "closed":
            self.held = value
        if self.mutation == "an event comes twice" and value["result"]["seq"]:
            self.events += 1
            if self.events == 2:  # in place of the second the first, once more
                return self.repeat
            self.repeat = value
        if self.mutation == "events lose seq":
            return dict(value, result={name: item for name, item in value["result"].items() if name != "seq"})
        if self.mutation == "the closed event is kept back" and value["result"]["type"] == "closed":
            return dict(value, result=None)
        return value

    def read(self):
        for line in self.process.stdout:
            said = self.answer(json.loads(line))
            if said.get("answer", "") is None:
                continue
            self.say(said)
            if self.mutation == "an answer comes twice" and self.commands.get(said.get("id"), {}).get("op") == "call":
                self.say(said)

    def run(self):
        reader = threading.Thread(target=self.read)
        reader.start()
        for line in sys.stdin:
            command = json.loads(line)
            self.commands[command["id"]] = command
            command = self.command(command)
            if command is not None:
                self.process.stdin.write(json.dumps(command).encode() + b"\n")
                self.process.stdin.flush()
        self.process.stdin.close()
        reader.join()
        return 3 if self.mutation == "exits with an error" else self.process.wait()


if __name__ == "__main__":
    sys.exit(Mutant(sys.argv[1], sys.argv[2:]).run())
