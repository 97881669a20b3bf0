"""messages.edit, delete, react and pin, as programs see them."""

from helpers import ENGINE, TestCase, identity


class Actions(TestCase):
    def test_both_sides(self):
        alice = self.open({"store": {"kind": "memory"}, "engine": dict(ENGINE, keep_edits=True), "network": {"kind": "memory", "memory": {"name": self.id()}}})
        bob = self.memory()
        a, b = identity(alice, "Alice")["public_key"], identity(bob, "Bob")["public_key"]
        alice.call("contacts.add", key=b)
        bob.call("contacts.add", key=a)
        sent = alice.call("messages.send", to=b, text="as it was")
        self.assertIsNone(sent["edited"])
        self.assertIsNone(sent["deleted"])
        self.assertFalse(sent["pinned"])
        self.received(bob, "as it was")
        name = sent["message_id"]

        def changed(client, cause):
            return self.wait(client, "message_changed", lambda d: d["cause"] == cause and d["message"]["message_id"] == name)["message"]

        edited = alice.call("messages.edit", message_id=name, text="as it is")
        self.assertEqual((edited["text"], [e["text"] for e in edited["edits"]]), ("as it is", ["as it was"]))
        got = changed(bob, "edited")
        self.assertEqual((got["text"], got["edited"]), ("as it is", edited["edited"]))
        bob.call("messages.react", message_id=name, emoji="❤")
        self.assertEqual([(r["emoji"], r["from"]) for r in changed(alice, "reaction")["reactions"]], [("❤️", b)])
        bob.call("messages.react", message_id=name, emoji="❤️", retract=True)
        self.assertNotIn("reactions", changed(alice, "reaction"))
        bob.call("messages.pin", message_id=name, pinned=True)
        self.assertTrue(changed(alice, "pinned")["pinned"])
        self.fails("wrong_state", "message_id", bob.call, "messages.edit", message_id=name, text="mine")
        self.fails("wrong_state", "message_id", bob.call, "messages.delete", message_id=name, for_everyone=True)
        self.fails("bad_params", "emoji", bob.call, "messages.react", message_id=name, emoji="no")
        self.fails("not_found", "message_id", bob.call, "messages.pin", message_id="0x" + "00" * 32, pinned=True)
        alice.call("messages.delete", message_id=name, for_everyone=True)
        gone = changed(bob, "deleted")
        self.assertEqual((gone["text"], gone["deleted"]["for_everyone"], gone["edited"], gone["pinned"]), ("", True, None, False))
        self.assertEqual(bob.call("messages.get", message_id=name)["deleted"], gone["deleted"])


if __name__ == "__main__":
    import unittest

    unittest.main()
