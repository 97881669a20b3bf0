#!/usr/bin/env python3
"""The demonstration: two programs chat, each in a process of its own.

Alice is the C program (examples/c/chat), Bob the Python program
(examples/python/chat.py). Each has an encrypted store and a Waku relay node on
127.0.0.1. They exchange chat keys, become contacts, chat both ways, stop, start again from their
files and go on in the same session; then Bob answers a message, corrects what he said, Alice
puts an emoji under it and sends a picture. This script types what they say and reads what
they print; it ends with an error if a message is missing.

    demo.py CHAT_PROGRAM
"""

import json
import os
import pathlib
import queue
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60  # seconds for anything to happen, on a slow machine
LONG = ("All the world's a stage, and all the men and women merely players. " * 60)[:3999] + "!"

BEFORE = [
    ("Alice", "Hello Bob! Did this reach you?"),
    ("Bob", "Loud and clear, Alice. Hello from Python."),
    ("Alice", "Let's try pictures: 👋🏽 🎉 👩‍👩‍👧‍👦 🏳️‍🌈"),
    ("Bob", "And the other direction: שלום עולם — مرحبا بالعالم"),
    ("Alice", LONG),
    ("Bob", "That was long. Quotes \"and\" \\backslashes\\ and\ttabs survive, too?"),
    ("Alice", "They do. Let's both stop now, and see what is left."),
]
AFTER = [
    ("Bob", "I'm back. Same files, same session?"),
    ("Alice", "Same session. And everything we said is still here. 🔐"),
    ("Bob", "¡Perfecto! До завтра."),
]


ASK = ("Alice", "Hello, this is Alice. Shall we be contacts?")


class Failure(Exception):
    """Something expected did not happen."""


class Person:
    """A chat program, driven over its stdin and stdout."""

    def __init__(self, name, command, data, environment):
        self.name = name
        self.lines = queue.Queue()
        self.key = self.address = None
        # cwd is the data directory so that nothing is left behind elsewhere.
        self.process = subprocess.Popen(
            command, cwd=data, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n").split("\t"))
        self.lines.put(None)

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, what, *start):
        """The next line whose fields begin with start; others are passed over."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fields = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failure(f"{self.name} waited {PATIENCE} s in vain for {what}") from None
            if fields is None:
                raise Failure(f"{self.name}'s program ended while waiting for {what}")
            if fields[0] == "error":
                raise Failure(f"{self.name}'s program reports: {' '.join(fields[1:])}")
            if fields[:len(start)] == list(start):
                return fields

    def until_ready(self):
        self.key = self.wait("its chat key", "me")[1]
        self.address = self.wait("its address", "address")[1]
        self.wait("being ready", "ready")

    def list(self, command, kind):
        """What a command lists, up to the line that ends the list."""
        self.type(command)
        items = []
        while True:
            fields = self.wait("the answer to " + command)
            if fields[0] == kind + "_end":
                return items
            if fields[0] == kind:
                items.append(fields[1:])

    def stop(self):
        self.type("/quit")
        self.process.stdin.close()
        if self.process.wait(PATIENCE) != 0:
            raise Failure(f"{self.name}'s program ended with {self.process.returncode}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


#: Below the ports that systems give to outgoing connections (Linux from 32768 on): nobody gets one
#: while a program that listens there is stopped. Each process takes them in another order.
PORTS = iter(random.sample(range(20_000, 32_000), 12_000))


def free_port():
    """A port of 127.0.0.1 that nobody listens on, another one each time."""
    for port in PORTS:
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failure("no port is free")


def start(program, directory, ports):
    """Starts both; Bob knows Alice's address."""
    environment = dict(os.environ, STATUS1TO1_PASSPHRASE="the demo's passphrase")
    people = {}
    programs = {"Alice": [program], "Bob": [sys.executable, "-B", str(HERE / "python" / "chat.py")]}
    try:
        for name, command in programs.items():
            options = ["--plain", "--data", ".", "--name", name, "--listen", f"/ip4/127.0.0.1/tcp/{ports[name]}"]
            if name == "Bob":
                options += ["--peer", people["Alice"].address]
            data = directory / name
            data.mkdir(mode=0o700, exist_ok=True)
            people[name] = Person(name, command + options, data, environment)
            people[name].until_ready()
    except BaseException:
        for person in people.values():
            person.kill()
        raise
    return people


def shorten(text):
    if len(text) <= 100:
        return text.replace("\t", " ")
    return f"{text[:60]}... ({len(text):,} characters)"


def talk(people, lines):
    """Has each line said, and waits until it has arrived and is acknowledged."""
    for name, text in lines:
        speaker = people[name]
        listener = people["Bob" if name == "Alice" else "Alice"]
        speaker.type(text)
        sent = speaker.wait("the own message", "message", "out")
        got = listener.wait(f"“{shorten(text)}”", "message", "in")
        if json.loads(got[5]) != text or got[2] != sent[2]:
            raise Failure(f"{listener.name} got something else than {name} said: {got[5][:80]}")
        speaker.wait("the acknowledgement", "state", sent[2], "delivered")
        print(f"  {time.strftime('%H:%M:%S')}  {name:>5}  {shorten(text)}  ✓✓", flush=True)


def befriend(people):
    """Alice asks Bob to be a contact, and he accepts."""
    alice, bob = people["Alice"], people["Bob"]
    alice.type("/request " + ASK[1])
    alice.wait("the own request", "message", "out")
    bob.wait("the request's text", "message", "in")
    bob.wait("the request", "request")
    bob.type("/accept")
    bob.wait("having accepted", "accept")
    while alice.wait("Bob's acceptance", "contact_changed")[2] != "mutual":
        pass
    numbers = []
    for person in (alice, bob):
        person.type("/verify")
        numbers.append(person.wait("the safety number", "safety_number")[1])
    if numbers[0] != numbers[1]:
        raise Failure("they see different safety numbers")
    alice.type("/verify " + numbers[1])
    alice.wait("Bob being verified", "verify")
    print(f"Alice has asked Bob to be a contact, he has accepted, and both see the safety number\n  {numbers[0]}\n")


def message(fields):
    """A message as a program prints it: its id, text, number, and what else is to be said."""
    return fields[2], json.loads(fields[5]), fields[6], json.loads(fields[7])


def say(who, text):
    print(f"  {time.strftime('%H:%M:%S')}  {who:>5}  {text}", flush=True)


def both(people, cause, message_id):
    """Waits until both have a message changed, and gives it as the one who did not do it has."""
    for person in people:
        while True:
            changed = message(person.wait(cause, "changed", cause)[1:])
            if changed[0] == message_id:
                break
    return changed


def picture():
    """A small picture: PNG, a colour wheel of squares."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(c for x in range(160) for c in (x // 20 * 32, y // 20 * 32, 128)) for y in range(160))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 160, 160, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def show_more(people, directory):
    """Bob answers and corrects himself, Alice reacts and sends a picture."""
    alice, bob = people["Alice"], people["Bob"]
    question = message(["history", *bob.list("/history 3", "history")[1]])
    bob.type(f"/reply {question[2]} Every wrod of it.")
    answer, heard = (message(person.wait("the answer", "message")) for person in (bob, alice))
    if heard[3].get("reply_to") != question[0]:
        raise Failure("the answer does not name what it answers")
    say("Bob", f"> {question[1]}\n                   {answer[1]}")
    bob.type(f"/edit {answer[2]} Every word of it.")
    if both((bob, alice), "edited", answer[0])[1] != "Every word of it.":
        raise Failure("the correction did not arrive")
    say("Bob", "Every word of it. (edited)")
    alice.type(f"/react {heard[2]} 😂")
    if [r["emoji"] for r in both((alice, bob), "reaction", answer[0])[3]["reactions"]] != ["😂"]:
        raise Failure("the reaction is another one")
    say("Alice", "😂 under that")
    path = directory / "holiday.png"
    path.write_bytes(picture())
    alice.type(f"/attach {path} Our new kitchen!")
    alice.wait("the own picture", "message", "out")
    shown = message(bob.wait("the picture", "message", "in"))
    attachment = shown[3]["attachments"][0]
    bob.type(f"/save {shown[2]} kitchen.png")
    bob.wait("the saved picture", "saved")
    size = (directory / "Bob" / "kitchen.png").stat().st_size
    if size != attachment["size"]:
        raise Failure("the picture was saved in another size")
    say("Alice", f"{shown[1]}\n                   [{attachment['kind']} {attachment['name']}, {size:,} bytes, saved by Bob as kitchen.png]")


def check_history(people, lines):
    """Both must have the whole conversation, in order."""
    for person in people.values():
        history = person.list("/history 200", "history")
        said = [("out" if name == person.name else "in", text) for name, text in [ASK, *lines]]
        found = [(entry[0], json.loads(entry[4])) for entry in history]
        if found != said:
            raise Failure(f"{person.name}'s history has {len(found)} messages, not the {len(said)} that were said")


def sessions(people):
    """The session ids of each."""
    found = {name: sorted(s[1] for s in person.list("/sessions", "session")) for name, person in people.items()}
    if not all(found.values()):
        raise Failure("there is no encrypted session")
    return found


def run(program, directory):
    ports = {"Alice": free_port(), "Bob": free_port()}
    print("Starting Alice (C) and Bob (Python), each with a new identity, store and Waku node.")
    people = start(program, directory, ports)
    try:
        keys = {name: person.key for name, person in people.items()}
        for name, person in people.items():
            print(f"  {name:>5}  {person.key}\n         {person.address}")
        for person, other in ((people["Alice"], keys["Bob"]), (people["Bob"], keys["Alice"])):
            person.type("/to " + other)
            person.wait("the other's key being taken", "to")
        print("They have exchanged their chat keys.")
        befriend(people)
        talk(people, BEFORE)
        before = sessions(people)
        for person in people.values():
            person.stop()
    finally:
        for person in people.values():
            person.kill()

    print("\nBoth have stopped. Starting them again from their files.")
    people = start(program, directory, ports)
    try:
        if {name: person.key for name, person in people.items()} != keys:
            raise Failure("somebody came back as somebody else")
        for person, other in ((people["Alice"], keys["Bob"]), (people["Bob"], keys["Alice"])):
            person.type("/to " + other)
            person.wait("the other being chosen", "to")
        check_history(people, BEFORE)
        print(f"Both still have all {len(BEFORE)} messages.\n")
        talk(people, AFTER)
        check_history(people, BEFORE + AFTER)
        if sessions(people) != before:
            raise Failure("they went on in another session")
        show_more(people, directory)
        for person in people.values():
            person.stop()
    finally:
        for person in people.values():
            person.kill()
    print(f"\nAll {len(BEFORE + AFTER)} messages arrived, were acknowledged and are in both histories;")
    print(f"the session before and after is the same: {', '.join(sorted(set(sum(before.values(), []))))}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    # Where stdout is not UTF-8, a question mark is better than a crash.
    sys.stdout.reconfigure(errors="replace")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="status1to1-demo-"))
    begun = time.monotonic()
    try:
        run(str(pathlib.Path(sys.argv[1]).resolve()), directory)
    except Failure as failure:
        sys.exit(f"\nThe demo failed: {failure}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
