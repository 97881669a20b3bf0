#!/usr/bin/env python3
"""The driver of the Python package for conformance/run.py: a command a line on stdin, an answer a
line on stdout (conformance/README.md, "A driver").

Methods are called by the typed functions where there is one, and typed results and events are
turned back into JSON: so what they lose is found."""

import base64
import dataclasses
import inspect
import json
import pathlib
import select
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python" / "src"))

import status1to1  # noqa: E402

CAPABILITIES = ["threads", "callback", "event_fd", "after_close", "pull", "any_config"]

clients = {}
output = threading.Lock()


def say(line):
    text = json.dumps(line)
    with output:
        print(text, flush=True)


def plain(value):
    """A typed value in JSON. Fields that are not set are left out; from_ is called from there."""
    if dataclasses.is_dataclass(value):
        return {name.rstrip("_"): plain(item) for name, item in vars(value).items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value


def plain_event(event):
    common = {name: getattr(event, name) for name in ("seq", "type", "at")}
    data = {name: value for name, value in plain(event).items() if name not in ("seq", "type", "at", "data")}
    return dict(common, data=event.data if type(event) is status1to1.Event else data)


def envelope(function, *arguments):
    """The answer as the C function gives it."""
    try:
        return {"ok": True, "result": plain(function(*arguments))}
    except status1to1.Error as error:
        names = ("code", "category", "message", "retryable", "field", "details")
        return {"ok": False, "error": {name: getattr(error, name) for name in names}}


def open_client(config):
    client = status1to1.Client(config)
    clients[client.handle] = client
    return {"client": client.handle, "identity": client.stored_identity}


def call(client, method, params):
    """Unknown methods and fields are left to the library to refuse."""
    noun, _, verb = method.partition(".")
    typed = getattr(getattr(client, noun, None), verb, None) if verb else None
    try:
        inspect.signature(typed).bind(**params)
    except TypeError:
        return client.call(method, **params)
    return typed(**params) or {}


def set_callback(client, on):
    def called_back(event):
        say({"callback": client.handle, "event": {"ok": True, "result": plain_event(event)}})

    client.set_event_callback(called_back if on else None)


def next_event(client, timeout_ms):
    event = client.next_event(None if timeout_ms < 0 else timeout_ms / 1000)
    return None if event is None else plain_event(event)


def event_ready(client, timeout_ms):
    poll = select.poll()
    poll.register(client.event_fd(), select.POLLIN)
    return bool(poll.poll(timeout_ms))


def perform(command):
    op, client = command["op"], clients.get(command.get("client"))
    if op == "hello":
        return {"protocol": 1, "binding": "Python", "capabilities": CAPABILITIES}
    if op == "info":
        return envelope(status1to1.info)
    if op == "schema":
        return envelope(status1to1.schema)
    if op == "open":
        return envelope(open_client, command["config"])
    if op == "call":
        return envelope(call, client, command["method"], command.get("params") or {})
    if op == "next_event":
        return envelope(next_event, client, command["timeout_ms"])
    if op == "set_callback":
        return envelope(set_callback, client, command["on"])
    if op == "event_ready":
        return event_ready(client, command["timeout_ms"])
    if op == "close":
        return envelope(client.close)
    raise ValueError(f"there is no op {op}")


def run(command):
    try:
        say({"id": command["id"], "answer": perform(command)})
    except Exception as error:  # whatever else the binding raises is a fault to report
        say({"id": command["id"], "failed": repr(error)})


def main():
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("thread"):
            threading.Thread(target=run, args=(command,), daemon=True).start()
        else:
            run(command)


main()
