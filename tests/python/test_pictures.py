"""Pictures: QR codes drawn and read by the library, and by both programs."""

import base64
import os
import struct
import unittest
import zlib

from helpers import EACH, SOMEBODY, TestCase, identity
from test_examples import Programs

BLOCKS = {" ": (0, 0), "▀": (1, 0), "▄": (0, 1), "█": (1, 1)}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def photo(lines, scale=4):
    """A PNG of what a terminal shows: white where blocks are, on black."""
    rows = []
    for line in lines:
        for half in (0, 1):
            row = b"".join(bytes([255 * BLOCKS[c][half]]) * scale for c in line)
            rows += [bytes(4 * scale) + row + bytes(4 * scale)] * scale
    black = [bytes(len(rows[0]))] * 4 * scale
    raw = b"".join(b"\x00" + row for row in black + rows + black)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows) + 8 * scale, 8, 0, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def code_in(shown):
    """The lines of the QR code among what a program has printed for people."""
    return [line for line in shown.splitlines() if line and not set(line) - set(BLOCKS) and "█" in line]


class Pictures(TestCase):
    def read(self, client, content):
        return client.call("pictures.read_qr", image=base64.b64encode(content).decode())["text"]

    def test_codes(self):
        client = self.memory()
        for text in ("0123456789" * 6, "https://status.app/u#zQ3sh", "grüße 👋", "x" * 2953):
            drawn = client.call("pictures.qr", text=text, size=800)
            self.assertEqual(self.read(client, base64.b64decode(drawn["data"])), text)
        lines = client.call("pictures.qr", text=text[:300], format="terminal")["text"].splitlines()
        self.assertEqual(self.read(client, photo(lines)), text[:300])
        self.assertIn("<svg ", client.call("pictures.qr", text=text, format="svg")["text"])

    def test_refusals(self):
        client = self.memory()
        self.fails("too_long", "text", client.call, "pictures.qr", text="x" * 2954)
        self.fails("empty", "text", client.call, "pictures.qr", text="")
        self.assertEqual(self.fails("bad_params", "size", client.call, "pictures.qr", text="x" * 2953, size=184).details["min"], 185)
        self.fails("bad_params", "format", client.call, "pictures.qr", text="x", format="gif")
        huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0))
        for content, cause in ((b"", "format"), (b"hello", "format"), (huge, "too_large"), (photo([" " * 50] * 25), "no_code")):
            image = base64.b64encode(content).decode()
            error = self.fails("bad_picture", "image", client.call, "pictures.read_qr", image=image)
            self.assertEqual(error.details["cause"], cause)
        self.fails("bad_params", "image", client.call, "pictures.read_qr", image="not base64")

    def test_identicon(self):
        client = self.memory()
        seen = set()
        for key in (SOMEBODY, identity(client)["chat_key"]):
            for style in ("ring", "identicon"):
                data = base64.b64decode(client.call("pictures.identicon", key=key, style=style, size=64)["data"])
                self.assertEqual(struct.unpack(">II", data[16:24]), (64, 64))
                seen |= {data, client.call("pictures.identicon", key=key, style=style, format="svg")["text"]}
        self.assertEqual(len(seen), 8)


class Shown(Programs):
    """What the programs show can be read, by a camera and by the other program."""

    def read(self, shown):
        camera = self.memory("camera")
        image = base64.b64encode(photo(code_in(shown))).decode()
        return camera.call("pictures.read_qr", image=image)["text"]

    def test_terminal(self):
        for program in EACH:
            with self.subTest(program=program):
                invitation = self.run_with(program, "/pair\n")
                self.assertIn("/scan " + self.read(invitation), invitation)
                number = self.run_with(program, "/verify\n", "--to", SOMEBODY)
                self.assertIn("  " + self.read(number) + "\n", number)

    def test_files(self):
        """An invitation and a safety number, each from a picture."""
        shower = self.start("C")
        scanner = self.start("Python", "--peer", shower.address)
        camera = self.memory("camera")

        def picture(name, text):
            path = os.path.join(self.directory, name)
            with open(path, "wb") as file:
                file.write(base64.b64decode(camera.call("pictures.qr", text=text)["data"]))
            return path

        shower.type("/pair")
        scanner.type("/scan " + picture("invitation.png", shower.wait("the invitation", "invitation")[2]))
        codes = {p.wait("the authcode", "authcode")[2] for p in (shower, scanner)}
        self.assertEqual(len(codes), 1)
        for one, other in ((shower, scanner), (scanner, shower)):
            one.type("/to " + other.key)
            one.wait("the other being chosen", "to")
        shower.type("/verify")
        path = picture("NUMBER.PNG", shower.wait("the number", "safety_number")[1])
        for person in (scanner, shower):
            person.type("/verify " + path)
            person.wait("being verified", "verify")
            person.stop()

    def test_no_picture(self):
        for program in EACH:
            with self.subTest(program=program):
                path = os.path.join(self.directory, "text.png")
                with open(path, "w") as file:
                    file.write("hello")
                lines = self.fields_of(program, f"/scan {path}\n/scan {path}.jpg\n")
                self.assertEqual([line[1:3] for line in lines if line[0] == "error"], [["bad_picture", "image"], ["file", ""]])

    def fields_of(self, program, typed):
        return [line.split("\t") for line in self.run_with(program, typed, "--plain").splitlines()]


if __name__ == "__main__":
    unittest.main()
