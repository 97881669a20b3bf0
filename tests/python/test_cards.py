"""Contact cards through the C functions: as text, link and picture."""

from helpers import TestCase, identity


class Cards(TestCase):
    def setUp(self):
        super().setUp()
        self.alice, self.bob = self.memory(), self.memory()
        identity(self.alice, "Alice")
        self.b = identity(self.bob, "Bobby")

    def refused(self, cause, field="card", **params):
        self.assertEqual(self.fails("bad_card", field, self.alice.call, "contacts.add_card", **params).details["cause"], cause)

    def test_picture(self):
        card = self.bob.call("identity.card")
        self.assertLessEqual(card["bytes"], 350)
        drawn = self.bob.call("pictures.qr", text=card["card"])
        added = self.alice.call("contacts.add_card", image=drawn["data"], name="Bob")
        self.assertEqual((added["contact"]["public_key"], added["contact"]["verified_by"]), (self.b["public_key"], "card"))
        self.assertEqual(added["devices"], [self.b["installation_id"]])
        sent = self.alice.call("messages.send", to=self.b["public_key"], text="Nice to meet you")
        self.assertEqual(self.wait(self.bob, "message_received")["message"]["message_id"], sent["message_id"])

    def test_refused(self):
        card = self.bob.call("identity.card")
        text = card["card"]
        self.refused("truncated", card=text[:200])
        self.refused("altered", card=text[:200] + ("B" if text[200] == "A" else "A") + text[201:])
        self.refused("no_card", card=card["short_link"])
        self.refused("own", card=self.alice.call("identity.card")["card"])
        self.alice.call("contacts.add_card", card=text)
        self.refused("replayed", card=card["link"])

    def test_link(self):
        card = self.bob.call("identity.card", display_name=False)
        # The link is an ordinary one for whatever knows nothing of cards.
        self.assertEqual(self.alice.call("contacts.add", key=card["link"])["public_key"], self.b["public_key"])
        added = self.alice.call("contacts.add_card", card=card["link"], verify=False)
        self.assertEqual((added["contact"]["trust"], added["contact"]["display_name"]), ("unknown", ""))
