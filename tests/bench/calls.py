"""How long calls into the library take from Python, and through status1to1-rpc: for `make
bench-calls`. calls.py python, or calls.py stdio SERVER, prints one JSON object."""

import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bindings" / "python" / "src"))

#: Calls that are measured, and before them those that warm up.
CALLS, WARM_UP = 5000, 500

CONFIG = {"store": {"kind": "memory"}, "network": {"kind": "memory"}}


def measure(call):
    """The percentiles of what a call takes, in ns."""
    for _ in range(WARM_UP):
        call()
    took = []
    for _ in range(CALLS):
        begin = time.perf_counter_ns()
        call()
        took.append(time.perf_counter_ns() - begin)
    took.sort()
    return {"median_ns": took[CALLS // 2], "p90_ns": took[CALLS * 9 // 10], "p99_ns": took[CALLS * 99 // 100]}


def python():
    import status1to1

    with status1to1.Client(CONFIG) as client:
        client.identity.create()
        return {
            "identity.get": measure(client.identity.get),
            "identity.get, untyped": measure(lambda: client.call("identity.get")),
            "events.ack": measure(lambda: client.events.ack(0)),
            "next_event": measure(lambda: client.next_event(0)),
        }


def stdio(server):
    """One request after the other: a host that writes several at once waits less for each."""
    process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(method, **params):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        process.stdin.flush()
        while True:
            message = json.loads(process.stdout.readline())
            if "id" in message:
                return message["result"]

    client = ask("open", config=CONFIG)["client"]
    ask("identity.create", client=client)
    found = {
        "identity.get": measure(lambda: ask("identity.get", client=client)),
        "events.ack": measure(lambda: ask("events.ack", client=client, up_to=0)),
    }
    process.stdin.close()
    process.wait()
    return found


print(json.dumps(python() if sys.argv[1] == "python" else stdio(sys.argv[2])))
