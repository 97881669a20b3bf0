#!/usr/bin/env python3
"""The driver of status1to1-rpc for conformance/run.py: it turns commands into JSON-RPC requests and
notifications into events (docs/rpc.md). Its argument is the server, perhaps with arguments."""

import json
import queue
import subprocess
import sys
import threading

CAPABILITIES = ["threads", "handles", "after_close", "any_config"]

BAD_CLIENT = {"ok": False, "error": {"code": "bad_client", "category": "request", "message": "the client is closed", "retryable": False,
                                     "field": "client", "details": {}}}

output = threading.Lock()


def say(line):
    text = json.dumps(line)
    with output:
        print(text, flush=True)


class Server:
    """The server, what is asked of it and what it has told."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lock, self.last = threading.Lock(), 0
        self.waiting = {}  # requests by number: who waits for the response
        self.events = {}  # clients: their events
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("method") == "event":
                event = message["params"]
                self.of(event.pop("client")).put(event)
            else:
                self.waiting.pop(message["id"]).put(message)

    def of(self, client):
        with self.lock:
            return self.events.setdefault(client, queue.Queue())

    def ask(self, method, **params):
        """Sends a request and gives the envelope of its response."""
        response = queue.Queue()
        with self.lock:
            self.last += 1
            self.waiting[self.last] = response
            line = json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        message = response.get()
        if "error" in message:
            return {"ok": False, "error": message["error"]["data"]}
        return {"ok": True, "result": message["result"]}

    def next_event(self, client, timeout_ms):
        events = self.of(client)
        if client not in opened:
            return BAD_CLIENT
        try:
            event = events.get(timeout_ms != 0, timeout_ms / 1000 if 0 < timeout_ms <= LONGEST_MS else None)
        except queue.Empty:
            return {"ok": True, "result": None}
        if event["type"] == "closed":
            opened.discard(client)
        return {"ok": True, "result": event}


#: Waits of more than an hour are waits for ever: not every system has longer ones.
LONGEST_MS = 3600000

#: The clients whose closed event was not read yet.
opened = set()


def perform(server, command):
    op, client = command["op"], command.get("client")
    if op == "hello":
        return {"protocol": 1, "binding": "stdio", "capabilities": CAPABILITIES}
    if op in ("info", "schema"):
        return server.ask(op)
    if op == "open":
        answer = server.ask("open", config=command["config"])
        if answer["ok"]:
            opened.add(answer["result"]["client"])
        return answer
    if op == "call":
        return server.ask(command["method"], **dict(command.get("params") or {}, client=client))
    if op == "next_event":
        return server.next_event(client, command["timeout_ms"])
    if op == "close":
        return server.ask("close", client=client)
    raise ValueError(f"there is no op {op}")


def run(server, command):
    try:
        say({"id": command["id"], "answer": perform(server, command)})
    except Exception as error:
        say({"id": command["id"], "failed": repr(error)})


def main():
    server = Server(sys.argv[1:])
    for line in sys.stdin:
        command = json.loads(line)
        if command.get("thread"):
            threading.Thread(target=run, args=(server, command), daemon=True).start()
        else:
            run(server, command)
    server.process.stdin.close()
    return server.process.wait()


sys.exit(main())
