"""Kinds of messages, mentions, previews and presence, as programs see them."""

from helpers import TestCase, identity


class Kinds(TestCase):
    def test_both_sides(self):
        alice, bob = self.memory(), self.memory()
        a, b = identity(alice, "Alice")["public_key"], identity(bob, "Bob")["public_key"]
        alice.call("contacts.add", key=b)
        bob.call("contacts.add", key=a)

        def said(**params):
            sent = alice.call("messages.send", to=b, **params)
            got = self.wait(bob, "message_received", lambda d: d["message"]["message_id"] == sent["message_id"])["message"]
            for name in ("kind", "text", "reply_to", "mentions", "previews", "sticker"):
                self.assertEqual(got.get(name), sent.get(name), name)
            return got

        first = said(text="first")
        self.assertEqual(said(text="yes", reply_to=first["message_id"])["reply_to"], first["message_id"])
        self.assertEqual(said(text="🎉")["kind"], "emoji")
        self.assertEqual(said(text="at the sea", kind="status")["kind"], "status")
        sticker = said(sticker={"hash": "0xab", "pack": 3})
        self.assertEqual((sticker["kind"], sticker["text"], sticker["sticker"]), ("sticker", "", {"hash": "0xab", "pack": 3}))
        named = said(text="hello Bob!", mentions=[{"from": 6, "length": 3, "key": b}])
        span = named["mentions"][0]
        self.assertEqual(named["text"][span["from"]:span["from"] + span["length"]], "@" + b)
        self.assertEqual(span["key"], b)
        self.assertEqual(bob.call("chats.get", key=a)["mentions"], 1)
        preview = said(text="see https://a.example", previews=[{"url": "https://a.example", "title": "A"}])["previews"][0]
        self.assertEqual((preview["kind"], preview["title"]), ("link", "A"))
        self.fails("not_found", "reply_to", alice.call, "messages.send", to=b, text="t", reply_to="0x" + "00" * 32)
        self.fails("bad_params", "sticker", alice.call, "messages.send", to=b, text="t", sticker={"hash": "ab", "pack": 1})

    def test_presence(self):
        alice, bob = self.memory(), self.memory()
        identity(alice, "Alice")
        b = identity(bob, "Bob")["public_key"]
        alice.call("contacts.add", key=b)
        self.assertIsNone(bob.call("presence.get")["presence"])
        bob.call("presence.set", status="do_not_disturb", text="busy")
        seen = self.wait(alice, "presence_changed", lambda d: d["public_key"] == b)["presence"]
        self.assertEqual((seen["status"], seen["text"]), ("do_not_disturb", "busy"))
        self.assertEqual(alice.call("contacts.get", key=b)["presence"], seen)
        self.assertIsNone(bob.call("presence.set", status="off")["presence"])


if __name__ == "__main__":
    import unittest

    unittest.main()
