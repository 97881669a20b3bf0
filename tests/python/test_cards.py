"""Contact cards and key exchanges: over the built library, and in both programs."""

import base64
import os
import unittest

from helpers import EACH, TestCase, identity
from test_examples import Programs
from test_pictures import code_in, photo


class Cards(TestCase):
    def test_card(self):
        """A card as text, as a link and as a picture; each can be added once."""
        ann = self.memory()
        key = identity(ann, "Ann")["public_key"]
        for form in ("card", "link", "image"):
            with self.subTest(form=form):
                bob = self.memory()
                identity(bob, "Bob")
                card = ann.call("identity.card", key_exchange="noise")
                self.assertLessEqual(card["bytes"], 350)
                value = card.get(form) or ann.call("pictures.qr", text=card["card"])["data"]
                field = "image" if form == "image" else "card"
                added = bob.call("contacts.add_card", **{field: value})
                contact = added["contact"]
                self.assertEqual((contact["public_key"], contact["trust"], added["key_exchange"]), (key, "verified", "noise"))
                self.fails("bad_card", field, bob.call, "contacts.add_card", **{field: value})

    def test_refusals(self):
        ann, bob = self.memory(), self.memory()
        identity(ann)
        identity(bob)
        card = ann.call("identity.card")["card"]
        for wrong in (card[:-1], card[:60], card.replace(card[40], "A" if card[40] != "A" else "B"), "hello"):
            self.fails("bad_card", "card", bob.call, "contacts.add_card", card=wrong)
        self.fails("bad_card", "card", ann.call, "contacts.add_card", card=card)
        self.fails("bad_params", "card", bob.call, "contacts.add_card")
        nothing = base64.b64encode(photo([" " * 50] * 25)).decode()
        self.fails("bad_picture", "image", bob.call, "contacts.add_card", image=nothing)
        other = bob.call("pictures.qr", text="https://example.org")["data"]
        self.fails("bad_card", "image", bob.call, "contacts.add_card", image=other)
        bob.call("contacts.add_card", card=card)


class Shown(Programs):
    def test_cards(self):
        """Either program shows, the other reads: from the terminal, and from a PNG."""
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(shows=one):
                path = os.path.join(self.directory, f"card of {one}.png")
                shown = self.run_with(one, f"/card\n/card {path}\n/card {path}\n")
                self.assertIn("cannot be written: File exists", shown)
                terminal = os.path.join(self.directory, f"terminal of {one}.PNG")
                with open(terminal, "wb") as file:
                    file.write(photo(code_in(shown)))
                typed = f"/add-card {terminal}\n/add-card {path}\n/add-card {path}\n/key-exchange\n/key-exchange noise\n"
                lines = [line.split("\t") for line in self.run_with(other, typed, "--plain").splitlines()]
                added = [line for line in lines if line[0] == "card_added"]
                self.assertEqual([line[3:] for line in added], [["verified", "x3dh"]] * 2)
                self.assertIn(added[0][2], shown)
                self.assertEqual([line[1:3] for line in lines if line[0] == "error"], [["bad_card", "image"]])
                self.assertEqual([line[1:] for line in lines if line[0] == "key_exchange"],
                                 [[added[0][1], "x3dh"], [added[0][1], "noise"]])
                for program in (one, other):
                    os.rename(os.path.join(self.directory, program + " alone"), os.path.join(self.directory, f"{program} {one}"))

    def test_svg(self):
        for program in EACH:
            with self.subTest(program=program):
                path = os.path.join(self.directory, program + ".svg")
                self.run_with(program, f"/card noise {path}\n")
                with open(path) as file:
                    self.assertTrue(file.read().startswith("<svg "))

    def test_key_exchange(self):
        """A card that asks for Noise; a message each way, and back to X3DH."""
        shower = self.start("Python")
        reader = self.start("C", "--peer", shower.address)
        path = os.path.join(self.directory, "card.png")
        shower.type("/card noise " + path)
        shower.wait("the card", "card")
        reader.type("/add-card " + path)
        self.assertEqual(reader.wait("the card being read", "card_added")[3:], ["verified", "noise"])
        shower.type("/to " + reader.key)
        shower.wait("the other being chosen", "to")
        for one, two in ((reader, shower), (shower, reader)):
            one.type("by noise")
            two.wait("the message", "message", "in")
            while one.wait("the acknowledgement", "state")[2] != "delivered":
                pass
            self.assertIn("noise", [session[3] for session in one.list("/sessions", "session")])
        reader.type("/key-exchange x3dh")
        reader.wait("the change", "key_exchange")
        reader.type("by x3dh")
        shower.wait("the message", "message", "in")
        reader.type("/key-exchange by pigeon")
        with self.assertRaisesRegex(Exception, "bad_params"):
            reader.wait("nothing", "key_exchange")
        for person in (shower, reader):
            person.stop()


if __name__ == "__main__":
    unittest.main()
