#!/usr/bin/env python3
"""The demonstration of contact cards: the first message needs nothing from the network.

Alice is the C program (examples/c/chat), Bob the Python program
(examples/python/chat.py). Alice is alone and writes her card as a picture, a PNG with a QR
code. Bob, who knows nobody, reads it and writes to her. Between them stands a service node
that watches the wire: nothing of Alice's was published before, nothing of hers was asked for,
and the first envelope for her carries a header of X3DH. Only then does Alice connect, and has
his message. Then the same with two others and a card that asks for Noise: the first envelope
is a handshake, and the message travels in a Noise session.

    demo_card.py CHAT_PROGRAM WATCHER_PROGRAM
"""

import json
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from demo import HERE, PATIENCE, Failure, Person

#: The seed phrases of the two whose mail is watched: of tests, and nobody's.
PHRASES = {
    "x3dh": "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
    "noise": "legal winner thank year wave sausage worth useful legal winner thank yellow",
}


def say(text):
    print(text, flush=True)


class Watcher:
    """A service node that tells what passes it about the person with a phrase."""

    def __init__(self, program, phrase):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.process.stdin.write(phrase + "\n")
        self.process.stdin.flush()
        self.lines, self.seen = queue.Queue(), []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.address = self.until("being ready", lambda line: line["is"] == "ready")["address"]

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def until(self, what, accept):
        """The next thing that was seen and is accepted; all are kept in seen."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failure(f"the watcher waited {PATIENCE} s in vain for {what}") from None
            if line is None:
                raise Failure(f"the watcher ended while waiting for {what}")
            self.seen.append(line)
            if accept(line):
                return line

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Chat(Person):
    """One of the two programs."""

    def __init__(self, name, command, directory, *options):
        data = directory / name
        data.mkdir(mode=0o700)
        environment = dict(os.environ, STATUS1TO1_PASSPHRASE="the demo's passphrase")
        super().__init__(name, command + ["--plain", "--data", ".", "--name", name, *options], data, environment)

    def until_ready(self):
        self.key = self.wait("its chat key", "me")[1]
        self.wait("being ready", "ready")

    def hears(self, speaker, text):
        """Has a line said by somebody, and waits until it is here and acknowledged."""
        speaker.type(text)
        sent = speaker.wait("the own message", "message", "out")
        self.has(speaker, sent, text)

    def has(self, speaker, sent, text):
        got = self.wait(f"“{text}”", "message", "in")
        if json.loads(got[5]) != text or got[2] != sent[2]:
            raise Failure(f"{self.name} got something else than {speaker.name} said: {got[5][:80]}")
        while speaker.wait("the acknowledgement", "state", sent[2])[2] != "delivered":
            pass
        say(f"  {time.strftime('%H:%M:%S')}  {speaker.name:>5}  {text}  ✓✓")


class Scene:
    """Two people, a card, and what the watcher sees of it."""

    def __init__(self, programs, directory, kind, names):
        self.programs, self.directory, self.kind, self.names = programs, directory, kind, names
        self.running = []

    def start(self, name, command, *options):
        chat = Chat(name, command, self.directory, *options)
        self.running.append(chat)
        return chat

    def end(self):
        for process in self.running:
            process.kill()

    def show_card(self):
        """The first of the two, whom nobody can reach yet, puts a card into a picture."""
        shower = self.start(self.names[0], [self.programs["chat"]], "--restore")
        shower.type(PHRASES[self.kind])
        shower.until_ready()
        picture = self.directory / f"{shower.name}.png"
        shower.type(f"/card {'noise ' if self.kind == 'noise' else ''}{picture}")
        shower.wait("the card", "card")
        say(f"{shower.name} (C) is connected to nobody, and puts a card into a PNG of {picture.stat().st_size:,} bytes.")
        return shower, picture

    def run(self):
        shower, picture = self.show_card()
        watcher = Watcher(self.programs["watcher"], PHRASES[self.kind])
        self.running.append(watcher)
        reader = self.start(self.names[1], [sys.executable, "-B", str(HERE / "python" / "chat.py")], "--peer", watcher.address)
        reader.until_ready()
        reader.type(f"/add-card {picture}")
        card = reader.wait("the card being read", "card_added")
        if card[2:] != [shower.key, "verified", self.kind]:
            raise Failure(f"{reader.name} read another card: {card}")
        say(f"{reader.name} (Python) reads it: {shower.name} is in the address book, verified. The first message:")
        text = f"Hello {shower.name}, I have your card."
        reader.type(text)
        sent = reader.wait("the own message", "message", "out")
        self.check_first(watcher, shower, reader)

        shower.type("/connect " + watcher.address)
        shower.has(reader, sent, text)
        shower.type("/to " + reader.key)
        shower.wait("the other being chosen", "to")
        reader.hears(shower, f"That was quick, {reader.name}.")
        self.check_session(watcher, shower, reader)
        for person in (shower, reader):
            person.stop()

    def check_first(self, watcher, shower, reader):
        """The first envelope for the one with the card, and that nothing came before it."""
        first = watcher.until("the first envelope", lambda line: line["is"] == "to_person")
        before = watcher.seen[:-1]
        if any(line["is"] in ("contact_code", "noise") or line.get("contact_code") for line in before):
            raise Failure(f"something went before the first envelope: {before}")
        wanted = {"x3dh": ["x3dh"], "noise": ["noise_handshake"]}[self.kind]
        if first != {"is": "to_person", "signer": reader.key, "headers": wanted}:
            raise Failure(f"the first envelope for {shower.name} is another: {first}")
        say(f"  on the wire: no contact code of {shower.name}, no query for it; the first envelope for {shower.name} "
            f"carries {'a header of X3DH' if self.kind == 'x3dh' else 'a Noise handshake'}")

    def check_session(self, watcher, shower, reader):
        """The two talk in the way the card asked for."""
        for person in (shower, reader):
            kinds = {session[3] for session in person.list("/sessions", "session")}
            if self.kind not in kinds:
                raise Failure(f"{person.name} has sessions of the kinds {kinds}, not {self.kind}")
        if self.kind == "noise":
            while not watcher.lines.empty():
                watcher.seen.append(watcher.lines.get())
            for line in watcher.seen:
                if line and set(line.get("headers", ())) - {"noise_handshake"}:
                    raise Failure(f"something went by another way: {line}")
            if sum(line["is"] == "noise" for line in watcher.seen if line) < 2:
                raise Failure("the messages did not travel in a Noise session")
            say("  on the wire: both messages in envelopes of a Noise session, nothing by X3DH")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    # Where stdout is not UTF-8, a question mark is better than a crash.
    sys.stdout.reconfigure(errors="replace")
    programs = {name: str(pathlib.Path(path).resolve()) for name, path in zip(("chat", "watcher"), sys.argv[1:])}
    directory = pathlib.Path(tempfile.mkdtemp(prefix="status1to1-demo-"))
    begun = time.monotonic()
    try:
        for kind, names in (("x3dh", ("Alice", "Bob")), ("noise", ("Carol", "Dave"))):
            scene = Scene(programs, directory, kind, names)
            try:
                scene.run()
            finally:
                scene.end()
            say("")
    except Failure as failure:
        sys.exit(f"\nThe demo failed: {failure}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"Two cards, two first messages, and nothing that had to be fetched. ({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
