"""The chat through folders, and what a host of an external network relies on."""

import json
import os
import pathlib
import queue
import random
import subprocess
import sys
import threading
import time
import unittest

from helpers import PATIENCE, ROOT, TestCase, identity

PROGRAM = [sys.executable, "-B", str(ROOT / "examples" / "python" / "folders.py")]


class Person:
    """folders.py in a process of its own."""

    def __init__(self, test, name, *options):
        self.out, self.incoming = (pathlib.Path(test.directory) / f"{name}-{side}" for side in ("out", "in"))
        command = PROGRAM + ["--data", os.path.join(test.directory, name), "--out", str(self.out), "--in", str(self.incoming),
                             "--resend", "0.5"]
        self.process = subprocess.Popen(command + list(options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, env=dict(os.environ, STATUS1TO1_PASSPHRASE="p"))
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        test.addCleanup(self.end)
        self.key = self.next("You are ").split()[2]

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def next(self, start=""):
        """The next line that begins so."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if line is None:
                raise AssertionError(f"the program ended before it said {start!r}")
            if line.startswith(start):
                return line

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Carrier(threading.Thread):
    """Moves files from one folder to another: it loses some, brings some twice, and others
    half before they are whole."""

    def __init__(self, test, seed, source, target):
        super().__init__()
        self.random, self.source, self.target = random.Random(seed), source, target
        self.over = threading.Event()
        self.lost = self.halves = 0
        test.addCleanup(self.join)
        test.addCleanup(self.over.set)
        self.start()

    def run(self):
        while not self.over.wait(0.05):
            for path in sorted(self.source.glob("[!.]*.json")):
                self.carry(path)

    def carry(self, path):
        whole, chance = path.read_bytes(), self.random.random()
        path.unlink()
        if chance < 0.2:
            self.lost += 1
            return
        if chance < 0.5:
            self.halves += 1
            (self.target / path.name).write_bytes(whole[:len(whole) // 2])
            time.sleep(0.3)  # the program looks meanwhile
        (self.target / path.name).write_bytes(whole)
        if chance > 0.8:
            (self.target / ("again-" + path.name)).write_bytes(whole)


class TestFolders(TestCase):
    def test_two_people(self):
        alice, seed = Person(self, "alice"), time.time_ns()
        print("seed", seed, file=sys.stderr)
        bob = Person(self, "bob", "--to", alice.key)
        carriers = [Carrier(self, seed, alice.out, bob.incoming), Carrier(self, seed + 1, bob.out, alice.incoming)]
        (alice.incoming / "nonsense.json").write_text("{")
        os.utime(alice.incoming / "nonsense.json", (0, 0))
        (alice.incoming / "other.json").write_text(json.dumps({"content_topic": "/a/1/b/proto", "payload": "?"}))
        bob.say("Hello Alice")
        said = alice.next()
        while not said.endswith(": Hello Alice"):
            said = alice.next()
        for i in range(5):
            alice.say(f"answer {i}")
            self.assertRegex(self.text(bob), rf": answer {i}$")
        self.assertEqual(sorted(p.name for p in alice.incoming.glob("*.bad")), ["nonsense.bad", "other.bad"])
        self.assertTrue(any(c.lost + c.halves for c in carriers))

    def test_much_waits(self):
        """More than one call of network.deliver takes arrives in several."""
        alice = Person(self, "alice")
        big = json.dumps({"content_topic": "/a/1/b/proto", "payload": "A" * 1_000_000})
        for name in [f"big{i}" for i in range(9)] + ["huge"]:
            unfinished = alice.incoming / f".{name}"
            unfinished.write_text(big if name != "huge" else big.replace("A", "AAAAA"))
            os.replace(unfinished, alice.incoming / f"{name}.json")
        deadline = time.monotonic() + PATIENCE
        while list(alice.incoming.glob("*.json")) and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual([p.name for p in alice.incoming.iterdir()], ["huge.bad"])

    def text(self, person):
        """The next text that somebody received."""
        line = person.next()
        while line.startswith(("(", "!")):
            line = person.next()
        return line


class TestExternal(TestCase):
    def external(self, name):
        client = self.open({"store": self.store(name), "network": {"kind": "external"}})
        if client.stored_identity is None:
            identity(client, name)
        return client

    def test_errors_name_the_field(self):
        client = self.external("alice")
        good = {"content_topic": "/a/1/b/proto", "payload": "AAAA"}
        self.fails("bad_params", "envelopes[1].payload", client.call, "network.deliver", envelopes=[good, dict(good, payload="%")])
        self.fails("unknown_field", "envelopes[0].topic", client.call, "network.deliver", envelopes=[dict(good, topic="x")])
        self.fails("bad_params", "envelope_id", client.call, "network.published", envelope_id="0x12")
        self.fails("bad_config", "network.listen", self.open, {"store": {"kind": "memory"}, "network": {"kind": "external", "listen": []}})
        self.fails("wrong_state", "network.kind", self.memory().call, "network.topics")
        self.assertEqual(client.call("network.deliver", envelopes=[good]), {"taken": 0})
        status = client.call("network.status")
        self.assertEqual((status["kind"], status["state"]), ("external", "online"))

    def test_sent_is_a_promise(self):
        """Nothing is sent before the program says so, and what it did not is asked for again."""
        alice, bob = self.external("alice"), self.external("bob")
        message = alice.call("messages.send", to=bob.call("identity.get")["chat_key"], text="hello")
        asked, bobs = {}, bob.call("network.topics")["content_topics"]
        while sum(e["content_topic"] in bobs for e in asked.values()) < 2:  # Alice's name, and the message
            event = alice.next_event(PATIENCE)
            self.assertIsNotNone(event, "nothing is to be published")
            if event.type == "envelope_outgoing":
                asked[event.data["envelope_id"]] = event.data
        self.assertIsNone(next((e for e in alice.events(timeout=0.5) if e.type == "message_state"), None))
        self.assertEqual(alice.call("messages.get", message_id=message["message_id"])["state"], "queued")
        alice.close()
        alice = self.external("alice")
        again = []
        while not any(e.type == "message_state" and e.data["state"] == "sent" for e in again):
            event = alice.next_event(PATIENCE)
            self.assertIsNotNone(event, "the message is not sent")
            again.append(event)
            if event.type == "envelope_outgoing":
                alice.call("network.published", envelope_id=event.data["envelope_id"])
        same = [e.data for e in again if e.type == "envelope_outgoing" and e.data["envelope_id"] in asked]
        self.assertTrue(same)
        for envelope in same:
            self.assertEqual(envelope["payload"], asked[envelope["envelope_id"]]["payload"])
        self.assertGreaterEqual(bob.call("network.deliver", envelopes=same)["taken"], 1)
        self.assertEqual([m["text"] for m in bob.call("messages.list", key=message["from"])["items"]], ["hello"])


if __name__ == "__main__":
    unittest.main()
