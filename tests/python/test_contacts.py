"""Contacts through the C functions: links, requests, trust, blocking, profiles."""

import base64
import struct
import zlib

from helpers import SOMEBODY, TestCase, identity


def png(side):
    """A grey picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * side) * side)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Contacts(TestCase):
    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.memory(), self.memory()
        self.a, self.b = identity(self.alice, "Alice"), identity(self.bob, "Bobby")

    def until(self, client, key, request):
        """Waits until a contact is in a state; it may be there already."""
        contact = client.call("contacts.get", key=key)
        if contact["request"] == request:
            return contact
        return self.wait(client, "contact_changed",
                         lambda d: d["contact"]["public_key"] == key and d["contact"]["request"] == request)["contact"]

    def befriend(self):
        sent = self.alice.call("contacts.request", key=self.b["public_key"], text="Shall we?")
        asked = self.wait(self.bob, "contact_request_received")
        self.assertEqual(asked["message"]["message_id"], sent["message_id"])
        self.assertEqual((asked["message"]["kind"], asked["message"]["text"]), ("contact_request", "Shall we?"))
        self.bob.call("contacts.accept", key=self.a["public_key"])
        return self.until(self.alice, self.b["public_key"], "mutual")

    def test_request_and_accept(self):
        contact = self.befriend()
        self.assertEqual((contact["trust"], contact["added"]), ("mutual", True))
        self.fails("wrong_state", "key", self.alice.call, "contacts.request", key=self.b["public_key"], text="again")
        self.bob.call("contacts.retract", key=self.a["public_key"])
        self.assertEqual(self.until(self.alice, self.b["public_key"], "none")["trust"], "unknown")

    def test_decline(self):
        self.alice.call("contacts.request", key=self.b["public_key"], text="Shall we?")
        self.wait(self.bob, "contact_request_received")
        contact = self.bob.call("contacts.decline", key=self.a["public_key"])
        self.assertEqual(contact["request"], "declined")
        self.fails("wrong_state", "key", self.bob.call, "contacts.decline", key=self.a["public_key"])

    def test_links(self):
        link = self.bob.call("profile.get")["link"]
        self.assertRegex(link, "^https://status.app/u/.+#zQ3sh")
        contact = self.alice.call("contacts.add", key=link)
        self.assertEqual(contact["public_key"], self.b["public_key"])
        plain = self.alice.call("contacts.safety_number", key=link)["link"]
        self.assertEqual(plain, "https://status.app/u#" + self.b["chat_key"])
        self.assertEqual(self.alice.call("contacts.get", key=plain), contact)
        for bad in ("https://status.app/u#", "https://status.app/u#somebody.eth", "https://status.app/c#" + self.b["chat_key"]):
            self.fails("bad_key", "key", self.alice.call, "contacts.add", key=bad)

    def test_safety_number(self):
        mine = self.alice.call("contacts.safety_number", key=self.b["public_key"])
        theirs = self.bob.call("contacts.safety_number", key=self.a["public_key"])
        self.assertEqual(mine["safety_number"], theirs["safety_number"])
        self.assertRegex(mine["safety_number"], r"^(\d{5} ){11}\d{5}$")
        self.assertEqual((mine["color_hash"], mine["color_id"]), (theirs["own_color_hash"], theirs["own_color_id"]))
        self.fails("not_verified", "safety_number", self.alice.call, "contacts.verify",
                   key=SOMEBODY, safety_number=mine["safety_number"])
        contact = self.alice.call("contacts.verify", key=self.b["public_key"], safety_number=theirs["safety_number"])
        self.assertEqual((contact["trust"], contact["verified_by"]), ("verified", "safety_number"))

    def test_questions(self):
        self.befriend()
        self.alice.call("contacts.ask", key=self.b["public_key"], question="Where did we meet?")
        self.wait(self.bob, "verification_changed", lambda d: d["verification"]["state"] == "asked")
        self.bob.call("contacts.answer", key=self.a["public_key"], answer="On a mountain")
        answer = self.wait(self.alice, "verification_changed", lambda d: d["verification"]["state"] == "answered")
        self.assertEqual(answer["verification"]["answer"], "On a mountain")
        self.alice.call("contacts.confirm_answer", key=self.b["public_key"], right=True)
        self.assertEqual(self.alice.call("contacts.get", key=self.b["public_key"])["verified_by"], "question")
        self.assertEqual(len(self.bob.call("contacts.verifications", key=self.a["public_key"])["items"]), 1)

    def test_block(self):
        self.alice.call("contacts.block", key=self.b["public_key"])
        self.until_delivered(self.bob, self.bob.call("messages.send", to=self.a["public_key"], text="unheard"))
        self.assertEqual(self.alice.call("messages.list", key=self.b["public_key"])["items"], [])
        self.fails("blocked", "to", self.alice.call, "messages.send", to=self.b["public_key"], text="x")
        self.alice.call("contacts.unblock", key=self.b["public_key"])
        self.bob.call("messages.send", to=self.a["public_key"], text="heard")
        self.received(self.alice, "heard")

    def test_profile(self):
        self.befriend()
        picture = base64.b64encode(png(64)).decode()
        profile = self.alice.call("profile.set", bio="about me", picture=picture, color=9)
        self.assertEqual((profile["display_name"], profile["bio"], profile["color"], profile["shown_by_status"]),
                         ("Alice", "about me", 9, True))
        self.alice.call("messages.send", to=self.b["public_key"], text="look")
        self.wait(self.bob, "contact_changed", lambda d: d["contact"]["has_picture"])
        self.assertEqual(self.bob.call("contacts.picture", key=self.a["public_key"]), {"mime": "image/png", "data": picture})
        self.assertNotIn("picture", self.alice.call("profile.set", picture=""))
        self.fails("bad_picture", "picture", self.alice.call, "profile.set", picture=base64.b64encode(b"text").decode())
        self.fails("bad_params", "picture", self.alice.call, "profile.set", picture="?")

    def test_strangers(self):
        self.fails("bad_config", "engine.strangers", self.open, {
            "store": {"kind": "memory"}, "network": {"kind": "memory"}, "engine": {"strangers": "maybe"}})
        picky = self.open({"store": {"kind": "memory"}, "engine": {"strangers": "request", "ack_delay_ms": 20},
                           "network": {"kind": "memory", "memory": {"name": self.id()}}})
        key = identity(picky)["public_key"]
        self.bob.call("messages.send", to=key, text="not wanted")
        self.bob.call("contacts.request", key=key, text="please")
        self.assertEqual(self.received(picky, "please")["kind"], "contact_request")
        waiting = {m["text"]: m.get("request", False) for m in picky.call("messages.list", key=self.b["public_key"])["items"]}
        self.assertEqual(waiting, {"not wanted": True, "please": False})
        self.assertEqual(picky.call("chats.list")["items"], [])
        self.assertEqual([c["chat_id"] for c in picky.call("chats.list", requests=True)["items"]], [self.b["public_key"]])
        picky.call("contacts.accept", key=self.b["public_key"])
        self.received(picky, "not wanted")
        self.assertEqual([c["chat_id"] for c in picky.call("chats.list")["items"]], [self.b["public_key"]])
        self.assertEqual(picky.call("chats.list", requests=True)["items"], [])


class Life(TestCase):
    def test_phrase_and_deletion(self):
        client = self.waku("a.db")
        made = client.call("identity.create", language="french", words=15)
        self.assertEqual(len(made["phrase"].split()), 15)
        self.fails("wrong_passphrase", "passphrase", client.call, "identity.phrase", passphrase="no")
        shown = client.call("identity.phrase", passphrase="correct horse", forget=True)["phrase"]
        self.assertEqual(shown, made["phrase"])
        self.fails("not_found", "", client.call, "identity.phrase", passphrase="correct horse")
        again = self.memory().call("identity.restore", phrase=shown.upper())
        self.assertEqual(again["public_key"], made["identity"]["public_key"])
        self.fails("wrong_passphrase", "passphrase", client.call, "identity.delete", passphrase="no")
        client.call("identity.delete", passphrase="correct horse")
        self.assertEqual(self.wait(client, "closed")["reason"], "deleted")
        self.assertIsNone(self.waku("a.db").stored_identity)
