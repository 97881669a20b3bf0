"""Pictures and recordings: sent, received, read in parts, saved."""

import base64
import os
import struct
import zlib

from helpers import TestCase, identity
from test_pictures import chunk


def png(width, height, extra=b"", noise=False):
    """A PNG of one colour, or of none."""
    rows = b"".join(b"\x00" + (os.urandom(3 * width) if noise else bytes([200, 30, 60]) * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def encoded(data):
    return base64.b64encode(data).decode()


class Attachments(TestCase):
    def pair(self):
        """Two people who know each other, each with the key of the other."""
        people = [self.memory(), self.memory()]
        keys = [identity(p)["public_key"] for p in people]
        people[0].call("messages.send", to=keys[1], text="hello")
        self.wait(people[1], "message_received")
        people[1].call("messages.send", to=keys[0], text="hi")
        self.wait(people[0], "message_received")
        return people, keys

    def whole(self, client, attachment):
        parts, at = [], 0
        while True:
            part = client.call("attachments.read", attachment_id=attachment["attachment_id"], offset=at, limit=1000)
            self.assertEqual(part["size"], attachment["size"])
            parts.append(base64.b64decode(part["data"]))
            at = part["next"]
            if at == 0:
                past = client.call("attachments.read", attachment_id=attachment["attachment_id"], offset=part["size"])
                self.assertEqual(past, {"data": "", "size": part["size"], "next": 0})
                return b"".join(parts)

    def test_picture(self):
        (alice, bob), keys = self.pair()
        secret = b"Comment\x0052.5200N 13.4050E"
        path = os.path.join(self.directory, "holiday.png")
        with open(path, "wb") as f:
            f.write(png(60, 30, chunk(b"tEXt", secret)))
        sent = alice.call("messages.send", to=keys[1], text="look", attachments=[{"path": path}])
        (own,) = sent["attachments"]
        self.assertEqual((own["name"], own["mime"], own["width"], own["height"], own["state"]), ("holiday.png", "image/png", 60, 30, "stored"))
        self.assertTrue(own["blurhash"] and base64.b64decode(own["thumbnail"]).startswith(b"\xff\xd8"))
        got = self.wait(bob, "message_received")["message"]
        (at,) = got["attachments"]
        self.assertEqual((got["kind"], got["text"], at["kind"], at["attachment_id"]), ("image", "look", "image", own["attachment_id"]))
        self.assertNotIn("thumbnail", at)
        self.assertEqual(self.whole(bob, at), png(60, 30))
        saved = os.path.join(self.directory, "saved.png")
        self.assertEqual(bob.call("attachments.save", attachment_id=at["attachment_id"], path=saved)["size"], at["size"])
        with open(saved, "rb") as f:
            self.assertEqual(f.read(), png(60, 30))
        self.fails("file_io", "path", bob.call, "attachments.save", attachment_id=at["attachment_id"], path=saved)
        self.assertEqual(bob.call("attachments.preview", attachment_id=at["attachment_id"])["blurhash"], own["blurhash"])
        self.assertEqual(bob.call("messages.get", message_id=got["message_id"])["attachments"][0]["blurhash"], own["blurhash"])

    def test_album(self):
        (alice, bob), keys = self.pair()
        sent = alice.call("messages.send", to=keys[1], attachments=[{"data": encoded(png(n, n))} for n in (1, 2, 3)])
        received = [self.wait(bob, "message_received")["message"] for _ in range(3)]
        self.assertEqual({m["album_id"] for m in received}, {sent["album_id"]})
        album = bob.call("messages.album", message_id=sent["message_id"])["items"]
        self.assertEqual([m["attachments"][0]["width"] for m in album], [1, 2, 3])

    def test_large(self):
        (alice, bob), keys = self.pair()
        data = png(900, 700, noise=True)
        sent = alice.call("messages.send", to=keys[1], attachments=[{"data": encoded(data), "original": True}])
        got = self.wait(bob, "message_received")["message"]
        self.assertEqual((got["message_id"], got["attachments"][0]["size"]), (sent["message_id"], len(data)))
        small = alice.call("messages.send", to=keys[1], attachments=[{"data": encoded(data)}])["attachments"][0]
        self.assertLessEqual(small["size"], 350000)
        self.assertEqual(small["mime"], "image/jpeg")

    def test_refusals(self):
        (alice, _), keys = self.pair()
        error = self.fails("bad_attachment", "attachments", alice.call, "messages.send", to=keys[1], attachments=[{"data": encoded(b"%PDF-1.7")}])
        self.assertEqual((error.details["cause"], error.details["index"]), ("format", 0))
        self.fails("file_io", "attachments[0].path", alice.call, "messages.send", to=keys[1], attachments=[{"path": self.directory + "/none"}])
