"""No secret the library was given or gave gets into a log, an event, an error, the
schema or the store's file: over the built library with real nodes."""

import base64
import dataclasses
import json
import os
import unittest

from helpers import CHEAP, ENGINE, Client, Error, TestCase, status1to1

PRIVATE_KEY = "4c9a1f03b7d2e865a1903cf47d5be28613fa07c9e4b86d215fa39c07e1d4b682"
PASSPHRASE = "the quick onyx goblin jumps over 7 lazy dwarves"
STORE_KEY = bytes(range(11, 251, 8)) + b"\x05\x03"
TEXT = "the treasure lies below the seventh oak, dig at dusk"


def pieces(name, secret, size):
    """What to look for: every piece of a secret, as it is, in hex and in base64."""
    found = {}
    for start in range(0, len(secret) - size + 1, 4):
        piece = secret[start:start + size]
        found[piece] = name
        found[piece.hex().encode()] = name + " in hex"
        for shift in range(3):  # wherever in a longer base64 text it begins
            whole = base64.b64encode(b"\0" * shift + piece)
            # The first and last characters depend on what is around.
            inner = whole[4 if shift else 0:len(whole) - 4]
            found[inner] = found[inner.replace(b"+", b"-").replace(b"/", b"_")] = name + " in base64"
    return found


class Secrets(TestCase):
    def setUp(self):
        super().setUp()
        self.keys, self.texts = {}, pieces("message", TEXT.encode(), 20)
        self.keys.update(pieces("private key", bytes.fromhex(PRIVATE_KEY), 12))
        self.keys.update(pieces("store key", STORE_KEY, 12))
        self.keys.update(pieces("passphrase", PASSPHRASE.encode(), 16))
        self.seen, self.quiet = [], []  # what may hold messages, and what may not

    def find(self, text, wanted):
        """The names of the secrets in text, whatever the case of hex digits."""
        lower = text.lower()
        return sorted({name for piece, name in wanted.items() if piece in (lower if name.endswith("hex") else text)})

    def client(self, name, store, listen, peers=()):
        store = dict(store, path=os.path.join(self.directory, name + ".db"))
        log = {"level": "debug", "events": True, "file": os.path.join(self.directory, name + ".log")}
        return self.open({"store": store, "log": log, "engine": ENGINE, "network": {"listen": [listen], "peers": list(peers)}})

    def refused(self, function, *arguments, **named):
        with self.assertRaises(Error) as caught:
            function(*arguments, **named)
        error = caught.exception
        self.quiet.append(json.dumps([str(error), error.message, error.field, error.details], ensure_ascii=False))

    def events(self, client, kind, accept):
        def keep(data):
            self.seen.append(json.dumps(data, ensure_ascii=False))
            return accept(data)
        return self.wait(client, kind, keep)

    def test_the_search_finds(self):
        secret = bytes.fromhex(PRIVATE_KEY)
        for text in (secret, b"x" + secret, PRIVATE_KEY.encode(), PRIVATE_KEY.upper().encode(),
                     *(base64.b64encode(b"z" * n + secret) for n in range(4)), base64.urlsafe_b64encode(secret)):
            self.assertTrue(self.find(text, self.keys), text)
        self.assertEqual(self.find(b"nothing of the sort" * 100, self.keys), [])

    def test_stay_inside(self):
        local = "/ip4/127.0.0.1/tcp/0"
        alice = self.client("alice", {"passphrase": PASSPHRASE, "kdf": CHEAP}, local)
        address = alice.call("network.status")["listen_addresses"][0]
        bob = self.client("bob", {"key": base64.b64encode(STORE_KEY).decode()}, local, [address])
        created = alice.call("identity.create", display_name="Alice")
        phrase = created["phrase"]
        self.keys.update(pieces("phrase", phrase.encode(), 20))
        imported = bob.call("identity.import", private_key="0x" + PRIVATE_KEY)
        message = alice.call("messages.send", to=imported["chat_key"], text=TEXT)
        self.events(bob, "message_received", lambda d: d["message"]["text"] == TEXT)
        self.events(alice, "message_state", lambda d: d["message_id"] == message["message_id"] and d["state"] == "delivered")
        self.mistakes(alice, bob, phrase)
        for client in (alice, bob):
            for method in ("identity.get", "contacts.list", "sessions.list", "network.status", "store.info", "store.check",
                           "diagnostics.get"):
                self.quiet.append(json.dumps(client.call(method), ensure_ascii=False))
            self.seen.extend(json.dumps(event.data, ensure_ascii=False) for event in client.events(timeout=0.2))
            client.close()
        self.quiet += [json.dumps(dataclasses.asdict(status1to1.info())), json.dumps(status1to1.schema())]

        files = sorted(os.listdir(self.directory))
        self.assertLessEqual({"alice.db", "alice.log", "bob.db", "bob.log"}, set(files))
        for name in files:
            with open(os.path.join(self.directory, name), "rb") as file:
                raw = file.read()
            self.assertEqual(self.find(raw, {**self.keys, **self.texts}), [], name)
        self.assertEqual(self.find("\n".join(self.seen).encode(), self.keys), [])
        self.assertEqual(self.find("\n".join(self.quiet).encode(), {**self.keys, **self.texts}), [])
        self.assertTrue(self.find(json.dumps(created).encode(), self.keys))

    def mistakes(self, alice, bob, phrase):
        words = phrase.split()
        for bad in (phrase, " ".join(words[1:]), " ".join(words[1:] + words[:1]), phrase + " zz", [phrase]):
            self.refused(alice.call, "identity.restore", phrase=bad)
        self.refused(alice.call, "identity.restore", phrase=phrase, passphrase=[PASSPHRASE])
        self.refused(bob.call, "identity.import", private_key="0x" + PRIVATE_KEY)
        self.refused(bob.call, "identity.import", private_key=PRIVATE_KEY)
        self.refused(alice.call, "store.change_passphrase", passphrase=PASSPHRASE + "!", new_passphrase=PASSPHRASE)
        self.refused(alice.call, "store.change_passphrase", passphrase=PASSPHRASE, new_passphrase="")
        self.refused(alice.call, "messages.send", to=TEXT, text=TEXT)
        self.refused(alice.call, "messages.send", to=PRIVATE_KEY, text=TEXT)
        self.refused(alice.call, "network.connect", address=PASSPHRASE)
        path = os.path.join(self.directory, "alice.db")
        memory = {"kind": "memory"}
        for store in ({"path": path, "passphrase": PASSPHRASE}, {"path": path, "passphrase": [PASSPHRASE]},
                      {"path": path, "passphrase": PASSPHRASE, "key": base64.b64encode(STORE_KEY).decode()},
                      {"path": path, "key": STORE_KEY.hex()}):
            self.refused(Client, {"store": store, "network": memory})


if __name__ == "__main__":
    unittest.main()
