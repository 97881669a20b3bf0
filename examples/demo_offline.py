#!/usr/bin/env python3
"""The demonstration of being away: nothing is lost, and nobody has to wait.

Alice is the C program (examples/c/chat), Bob the Python program
(examples/python/chat.py). Between them are two service nodes, the network: they relay,
and store what they relay. The two get to know each other, and Bob stops. Alice writes to
him and stops, too. One of the service nodes fails. Then Bob starts as a light node, as on
a phone, and has everything from the other one, while Alice is not there; and she learns
that it arrived as soon as she is back. This script types what they say and reads what
they print; it ends with an error if a message is missing.

    demo_offline.py CHAT_PROGRAM SERVICE_NODE_PROGRAM
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from demo import HERE, Failure, Person, shorten

MISSED = [
    "Bob? Are you there?",
    "Never mind. I just wanted to tell you three things.",
    "One: the train leaves at 7:42, not at 7:24. 🚆",
    "Two: bring the tent. " + "And the pegs. " * 100,
    "Three: happy birthday! 🎂",
    "I have to go offline now. See you tomorrow.",
]


class ServiceNode:
    """A service node in a process of its own; it ends with this script."""

    def __init__(self, program, *peers):
        options = ["-stdin", "-listen", "/ip4/127.0.0.1/tcp/0"]
        if peers:
            options += ["-peers", ",".join(peers)]
        self.process = subprocess.Popen([program] + options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        line = self.process.stdout.readline()
        if not line:
            raise Failure("a service node did not start")
        self.address = json.loads(line)["addresses"][0]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Chat(Person):
    """One of the two programs, with the service nodes as its peers."""

    def __init__(self, name, command, directory, nodes, *options):
        data = directory / name
        data.mkdir(mode=0o700, exist_ok=True)
        options = ["--plain", "--data", ".", "--name", name, *options]
        for node in nodes:
            options += ["--peer", node.address]
        environment = dict(os.environ, STATUS1TO1_PASSPHRASE="the demo's passphrase")
        super().__init__(name, command + options, data, environment)

    def until_ready(self):
        """Without an address of its own, as behind a router."""
        self.key = self.wait("its chat key", "me")[1]
        self.wait("being ready", "ready")

    def choose(self, key):
        self.type("/to " + key)
        self.wait("the other being chosen", "to")

    def history(self):
        return [(entry[0], json.loads(entry[4])) for entry in self.list("/history 200", "history")]


def say(text):
    print(text, flush=True)


def hear(speaker, listener, text):
    """Has a line said, and waits until it has arrived and is acknowledged."""
    speaker.type(text)
    sent = speaker.wait("the own message", "message", "out")
    got = listener.wait(f"“{shorten(text)}”", "message", "in")
    if json.loads(got[5]) != text or got[2] != sent[2]:
        raise Failure(f"{listener.name} got something else than {speaker.name} said: {got[5][:80]}")
    speaker.wait("the acknowledgement", "state", sent[2], "delivered")
    say(f"  {time.strftime('%H:%M:%S')}  {speaker.name:>5}  {shorten(text)}  ✓✓")


class Demo:
    """The two, the network, and everything that has to be ended."""

    def __init__(self, chat, service_node, directory):
        self.programs = {"Alice": [chat], "Bob": [sys.executable, "-B", str(HERE / "python" / "chat.py")]}
        self.service_node, self.directory = service_node, directory
        self.running = []

    def node(self, *peers):
        self.running.append(ServiceNode(self.service_node, *[peer.address for peer in peers]))
        return self.running[-1]

    def start(self, name, nodes, *options):
        self.running.append(Chat(name, self.programs[name], self.directory, nodes, *options))
        self.running[-1].until_ready()
        return self.running[-1]

    def end(self):
        for process in self.running:
            process.kill()

    def run(self):
        say("Two service nodes relay and store. Alice (C) and Bob (Python) know only them.")
        first = self.node()
        second = self.node(first)
        nodes = [first, second]
        alice, bob = self.start("Alice", nodes), self.start("Bob", nodes)
        keys = {"Alice": alice.key, "Bob": bob.key}
        alice.choose(keys["Bob"])
        bob.choose(keys["Alice"])
        hear(alice, bob, "Hi Bob, it's Alice.")
        hear(bob, alice, "Hi Alice! My battery is nearly empty.")
        bob.stop()

        say("\nBob is away. Alice writes to him, and then leaves, too.")
        ids = []
        for text in MISSED:
            alice.type(text)
            ids.append(alice.wait("the own message", "message", "out")[2])
            alice.wait("its being out", "state", ids[-1], "sent")
            say(f"  {time.strftime('%H:%M:%S')}  Alice  {shorten(text)}  ✓")
        alice.stop()

        say("\nNobody is there any more, and one of the service nodes fails. Bob starts as a light node.")
        first.kill()
        bob = self.start("Bob", nodes, "--light")
        for text in MISSED:
            got = bob.wait(f"“{shorten(text)}”", "message", "in")
            if json.loads(got[5]) != text:
                raise Failure(f"Bob got {shorten(json.loads(got[5]))} where {shorten(text)} was to be")
            say(f"  {time.strftime('%H:%M:%S')}    Bob  has “{shorten(text)}”")
        found = bob.history()
        if [text for way, text in found if way == "in"] != ["Hi Bob, it's Alice.", *MISSED]:
            raise Failure(f"Bob's history has {len(found)} messages, or another order")

        say("\nAlice is back, and learns that he has them.")
        alice = self.start("Alice", nodes)
        waiting = set(ids)
        while waiting:
            waiting.discard(alice.wait("the acknowledgements", "state")[1])
        alice.choose(keys["Bob"])
        bob.choose(keys["Alice"])
        hear(bob, alice, "Got all of it. Thank you! See you at 7:42.")
        alice.stop()
        bob.stop()
        say(f"\nAll {len(MISSED)} messages reached Bob while Alice was away, in order and once.")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    # Where stdout is not UTF-8, a question mark is better than a crash.
    sys.stdout.reconfigure(errors="replace")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="status1to1-demo-"))
    begun = time.monotonic()
    demo = Demo(*(str(pathlib.Path(path).resolve()) for path in sys.argv[1:]), directory)
    try:
        demo.run()
    except Failure as failure:
        sys.exit(f"\nThe demo failed: {failure}")
    finally:
        demo.end()
        shutil.rmtree(directory, ignore_errors=True)
    print(f"({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
