#!/usr/bin/env python3
"""The driver of the Python package for conformance/run.py: a command a line on stdin, an answer a
line on stdout (conformance/README.md, "A driver")."""

import json
import pathlib
import select
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"))

import status1to1  # noqa: E402

CAPABILITIES = ["threads", "callback", "event_fd", "after_close"]

clients = {}
output = threading.Lock()


def say(line):
    text = json.dumps(line)
    with output:
        print(text, flush=True)


def envelope(function, *arguments, **named):
    """The answer as the C function gives it."""
    try:
        return {"ok": True, "result": function(*arguments, **named)}
    except status1to1.Error as error:
        names = ("code", "category", "message", "retryable", "field", "details")
        return {"ok": False, "error": {name: getattr(error, name) for name in names}}


def open_client(config):
    client = status1to1.Client(config)
    clients[client.handle] = client
    return {"client": client.handle, "identity": client.identity}


def set_callback(client, on):
    def called_back(event):
        say({"callback": client.handle, "event": {"ok": True, "result": event}})

    client.set_event_callback(called_back if on else None)
    return None


def close(client):
    client.close()
    return None


def next_event(client, timeout_ms):
    return client.next_event(None if timeout_ms < 0 else timeout_ms / 1000)


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
        return envelope(client.call, command["method"], **command.get("params") or {})
    if op == "next_event":
        return envelope(next_event, client, command["timeout_ms"])
    if op == "set_callback":
        return envelope(set_callback, client, command["on"])
    if op == "event_ready":
        return event_ready(client, command["timeout_ms"])
    if op == "close":
        return envelope(close, client)
    raise ValueError(f"there is no op {op}")


def run(command):
    try:
        say({"id": command["id"], "answer": perform(command)})
    except Exception as error:  # whatever the binding raises is a fault to report
        say({"id": command["id"], "failed": repr(error)})


def main():
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("thread"):
            threading.Thread(target=run, args=(command,), daemon=True).start()
        else:
            run(command)


main()
