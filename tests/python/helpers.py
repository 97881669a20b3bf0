"""What the tests share."""

import os
import pathlib
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: Where programs of the tests find the binding.
BINDING = str(ROOT / "bindings" / "python" / "src")
sys.path.insert(0, BINDING)
sys.path.append(str(ROOT / "examples"))

import status1to1  # noqa: E402
from demo import free_port  # noqa: E402,F401
from status1to1 import Client, Error  # noqa: E402

#: The two chat programs. STATUS1TO1_CHAT is another build of the C program.
PROGRAMS = {
    "C": [os.environ.get("STATUS1TO1_CHAT", str(ROOT / "build" / "chat"))],
    "Python": [sys.executable, "-B", str(ROOT / "examples" / "python" / "chat.py")],
}

#: The programs that are tested one by one. Under AddressSanitizer (STATUS1TO1_CHAT) it is the C program:
#: the other one is the same as without it, and only somebody to talk to.
EACH = ["C"] if "STATUS1TO1_CHAT" in os.environ else list(PROGRAMS)

#: Bounds every wait; nothing is measured by it. Two steps of `make test` run beside this one.
PATIENCE = 120

#: A cheap passphrase, so that tests do not wait for Argon2.
CHEAP = {"memory_kib": 64, "iterations": 1, "parallelism": 1}

ENGINE = {"resend_base_ms": 500, "ack_delay_ms": 20}

#: The base point of secp256k1: a valid key of nobody here.
SOMEBODY = ("0x0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
            "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")


class TestCase(unittest.TestCase):
    """A test with clients that are closed at its end and a directory that goes."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="status1to1-test-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def open(self, config):
        client = Client(dict({"engine": ENGINE}, **config))
        self.addCleanup(client.close)
        return client

    def memory(self, network=None, **options):
        """A client with nothing on disk, on a memory network of this test."""
        options["name"] = network or self.id()
        return self.open({"store": {"kind": "memory"}, "network": {"kind": "memory", "memory": options}})

    def store(self, name, passphrase="correct horse"):
        """The configuration of a store file."""
        return {"path": os.path.join(self.directory, name), "passphrase": passphrase, "kdf": CHEAP}

    def waku(self, name, port=0, peers=()):
        """A client with a store file and a relay node on loopback."""
        listen = [f"/ip4/127.0.0.1/tcp/{port}"]
        return self.open({"store": self.store(name), "network": {"listen": listen, "peers": list(peers)}})

    def fails(self, code, field, function, *arguments, **named):
        with self.assertRaises(Error) as caught:
            function(*arguments, **named)
        error = caught.exception
        self.assertEqual((error.code, error.field), (code, field), error)
        return error

    def wait(self, client, kind, accept=lambda data: True):
        """The data of the next event of a kind that is accepted."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            event = client.next_event(deadline - time.monotonic())
            if event is None:
                break
            if event.type == kind and accept(event.data):
                return event.data
        return self.fail(f"no {kind} event came")

    def until_delivered(self, client, message):
        self.wait(client, "message_state",
                  lambda d: d["message_id"] == message["message_id"] and d["state"] == "delivered")

    def received(self, client, text):
        """Waits for a message with this text."""
        return self.wait(client, "message_received", lambda d: d["message"]["text"] == text)["message"]


def identity(client, name=""):
    return client.call("identity.create", display_name=name)["identity"]
