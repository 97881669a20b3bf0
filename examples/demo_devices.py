#!/usr/bin/env python3
"""The demonstration of devices: two people with two devices each, over real nodes.

Four processes, each with an encrypted store and a Waku relay node on 127.0.0.1:
Alice's phone and laptop, Bob's phone and laptop. The laptops are set up from the
seed phrases of the phones; each is found by the phone, which enables it. Then
everybody writes, and everything is on all four. A device is stopped and catches up,
one is disabled and gets nothing more, and Bob's phone loses all it has: he restores
his identity on it and goes on. The script ends with an error if anything is missing.

    demo_devices.py             the demonstration
    demo_devices.py --device    one device: requests on stdin, answers on stdout
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

from demo import free_port

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 90  # seconds for anything to happen, on a slow machine
ENGINE = {"resend_base_ms": 2000, "ack_delay_ms": 50, "contact_code_every_ms": 5000, "advertise_every_ms": 5000}


def device():
    """The driver: one JSON request a line, {"method", "params"}, one answer a line."""
    sys.path.insert(0, str(HERE / "python"))
    from status1to1 import Client, Error

    with Client(json.loads(sys.stdin.readline())) as client:
        print(json.dumps({"result": (client.stored_identity and client.call("identity.get"))}), flush=True)
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = {"result": client.call(request["method"], **request["params"])}
            except Error as error:
                answer = {"error": str(error)}
            print(json.dumps(answer), flush=True)


class Failure(Exception):
    """Something expected did not happen."""


class Device:
    """A process with a client, and calls to it."""

    def __init__(self, name, directory, port, peers):
        self.name, self.path, self.port, self.peers = name, os.path.join(directory, name + ".db"), port, peers
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "demo_devices.py"), "--device"], cwd=os.path.dirname(self.path),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")
        self.answers = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.stdout, self.answers), daemon=True).start()
        self._ask({
            "store": {"path": self.path, "passphrase": "for a try only",
                      "kdf": {"memory_kib": 64, "iterations": 1, "parallelism": 1}},
            "network": {"listen": [f"/ip4/127.0.0.1/tcp/{self.port}"], "peers": self.peers}, "engine": ENGINE})
        self.address = self.call("network.status")["listen_addresses"][0]

    @staticmethod
    def _read(stream, answers):
        for line in stream:
            answers.put(json.loads(line))
        answers.put({"error": "the process ended"})

    def _ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        try:
            answer = self.answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Failure(f"{self.name} does not answer") from None
        if "error" in answer:
            raise Failure(f"{self.name}: {answer['error']}")
        return answer["result"]

    def call(self, method, **params):
        return self._ask({"method": method, "params": params})

    def stop(self):
        self.process.stdin.close()
        if self.process.wait(PATIENCE) != 0:
            raise Failure(f"{self.name} ended with {self.process.returncode}")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # ---- what is asked of a device ----

    def become(self, phrase=None, name=""):
        """Makes an identity, or restores one; gives the seed phrase."""
        if phrase is None:
            made = self.call("identity.create", display_name=name)
            self.identity, phrase = made["identity"], made["phrase"]
        else:
            self.identity = self.call("identity.restore", phrase=phrase, display_name=name)
        self.key, self.installation = self.identity["chat_key"], self.identity["installation_id"]
        return phrase

    def knows(self, other):
        return any(d["installation_id"] == other.installation for d in self.call("devices.list")["devices"])

    def enabled(self, other):
        return any(d["installation_id"] == other.installation and d["enabled"]
                   for d in self.call("devices.list")["devices"])

    def send(self, to, text):
        return self.call("messages.send", to=to.key, text=text)["message_id"]

    def texts(self, other):
        """The conversation with somebody, oldest first: who wrote, and what."""
        items = self.call("messages.list", key=other.key, limit=200)["items"]
        return [("me" if m["outgoing"] else "you", m["text"]) for m in reversed(items)]

    def has(self, other, text):
        return sum(t == text for _, t in self.texts(other))

    def acknowledged(self, message):
        """The devices that have a message."""
        return {d["installation_id"] for d in self.call("messages.get", message_id=message)["devices"]
                if d["acknowledged_at"]}


def until(what, check):
    deadline = time.monotonic() + PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise Failure("waited in vain for " + what)
        time.sleep(0.05)


def say(text):
    print(text, flush=True)


def everywhere(text, sender, receiver, senders, receivers):
    """Waits until a text is on all devices of both, once, and written by the right one."""
    until(f"{text!r} on all devices", lambda: all(d.has(receiver, text) for d in senders)
          and all(d.has(sender, text) for d in receivers))
    for d in senders:
        if d.texts(receiver).count(("me", text)) != 1:
            raise Failure(f"{text!r} is wrong on {d.name}")
    for d in receivers:
        if d.texts(sender).count(("you", text)) != 1:
            raise Failure(f"{text!r} is wrong on {d.name}")


def pair(phone, laptop):
    until(f"{phone.name} to find {laptop.name}", lambda: phone.knows(laptop))
    phone.call("devices.rename", installation_id=laptop.installation, name=laptop.name)
    phone.call("devices.enable", installation_id=laptop.installation)
    until(f"{laptop.name} to be paired", lambda: laptop.enabled(phone))
    say(f"  {phone.name} found {laptop.name} and enabled it; both are paired")


def demonstrate(directory, devices):
    def new(name):
        d = Device(name, directory, free_port(), [o.address for o in devices])
        devices.append(d)
        if len(devices) > 1:
            d.call("network.wait", peers=1, deadline_ms=PATIENCE * 1000)
        return d

    say("Four devices")
    a1, b1 = new("alice-phone"), new("bob-phone")
    alice, bob = a1.become(name="Alice"), b1.become(name="Bob")
    a2, b2 = new("alice-laptop"), new("bob-laptop")
    a2.become(alice, "Alice")
    b2.become(bob, "Bob")
    for d, other in ((a1, b1), (a2, b1), (b1, a1), (b2, a1)):
        d.call("contacts.add", key=other.key, name="")
    pair(a1, a2)
    pair(b1, b2)

    say("Everybody writes")
    for n, (sender, to) in enumerate(((a1, b1), (b2, a1), (a2, b1), (b1, a1)) * 2):
        text = f"message {n} from {sender.name}"
        message = sender.send(to, text)
        mine, theirs = ([a1, a2], [b1, b2]) if sender.key == a1.key else ([b1, b2], [a1, a2])
        everywhere(text, sender, to, mine, theirs)
        wanted = {d.installation for d in mine + theirs if d is not sender}
        until("all acknowledgements", lambda: wanted <= sender.acknowledged(message))
    say("  8 messages, each on all four devices once, acknowledged by the three others")

    say("Alice's laptop is away")
    a2.stop()
    a1.send(b1, "while the laptop is away")
    b2.send(a1, "an answer meanwhile")
    a2.start()
    everywhere("while the laptop is away", a1, b1, [a1, a2], [b1, b2])
    everywhere("an answer meanwhile", b2, a1, [b1, b2], [a1, a2])
    say("  it is back, and has both messages")

    say("Alice loses her laptop")
    a1.call("devices.disable", installation_id=a2.installation)
    until("the laptop to be told", lambda: not a2.call("devices.list")["devices"][0]["enabled"])
    until("Bob to leave it out", lambda: left_out(b1, a1, a2))
    b1.send(a1, "not for the laptop")
    a1.send(b1, "nor this")
    everywhere("not for the laptop", b1, a1, [b1, b2], [a1])
    everywhere("nor this", a1, b1, [a1], [b1, b2])
    if a2.has(b1, "not for the laptop") or a2.has(b1, "nor this"):
        raise Failure("the disabled laptop got a message")
    a2.stop()
    say("  it gets nothing more")

    say("Bob's phone loses everything, and is set up again from the seed phrase")
    b1.stop()
    os.remove(b1.path)
    b1.start()
    lost = b1.installation
    b1.become(bob, "Bob")
    until("the laptop to find it", lambda: b2.knows(b1))
    b2.call("devices.disable", installation_id=lost)
    pair(b2, b1)
    if any(text.startswith("message ") for _, text in b1.texts(a1)):
        raise Failure("history was invented")
    waiting = a1.send(b1, "welcome back")
    until("Alice's message", lambda: b1.has(a1, "welcome back") and b2.has(a1, "welcome back"))
    b1.send(a1, "here I am")
    everywhere("here I am", b1, a1, [b1, b2], [a1])
    until("the acknowledgement of the new installation", lambda: b1.installation in a1.acknowledged(waiting))
    say("  it takes part again, as a new installation; the old history stays on the laptop")

    for d in (a1, b1, b2):
        problems = d.call("store.check")["problems"]
        if problems:
            raise Failure(f"{d.name}: {problems}")
        d.stop()


def left_out(sender, to, device):
    """Whether a message of sender is not addressed to a device any more."""
    probe = sender.send(to, f"probe {time.monotonic_ns()}")
    listed = {d["installation_id"] for d in sender.call("messages.get", message_id=probe).get("devices", [])}
    return device.installation not in listed


def main():
    directory = tempfile.mkdtemp(prefix="status1to1-devices-")
    devices = []
    try:
        demonstrate(directory, devices)
        say("All is well.")
        return 0
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return 1
    finally:
        for d in devices:
            d.kill()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(device() if "--device" in sys.argv[1:] else main())
