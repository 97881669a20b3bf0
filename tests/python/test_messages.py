"""The example programs: answers, edits, reactions, pictures, search, chats put aside, timers."""

import json
import os
import struct
import zlib

from helpers import PROGRAMS
from test_examples import Programs


def png(width, height):
    """A picture: PNG, grey."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((x + y) % 256 for x in range(width)) for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Message:
    """A message as a program prints it."""

    def __init__(self, fields):
        kind, self.way, self.id, self.author, self.state, text, number, more = fields
        self.kind, self.text, self.number, self.more = kind, json.loads(text), number, json.loads(more)


class Talk(Programs):
    """Two programs that write to each other."""

    def two(self, one, other):
        """The C and the Python program, each writing to the other."""
        first = self.start(one)
        second = self.start(other, "--peer", first.address)
        for person, partner in ((first, second), (second, first)):
            person.type("/to " + partner.key)
            partner.hex = person.wait("the other being chosen", "to")[1]
        return first, second

    def stop_all(self, mark, *people):
        """Ends programs and puts their data aside, for the next two."""
        for person in people:
            person.stop()
        for program in PROGRAMS:
            os.rename(os.path.join(self.directory, program), os.path.join(self.directory, program + mark))

    def said(self, speaker, listener, line):
        """A message that is typed, as both print it."""
        speaker.type(line)
        sent = Message(speaker.wait("the own message", "message", "out"))
        got = Message(listener.wait("the message", "message", "in"))
        self.assertEqual((got.id, got.text), (sent.id, sent.text))
        return sent, got

    def changed(self, person, cause, message_id):
        while True:
            message = Message(person.wait(cause, "changed", cause)[1:])
            if message.id == message_id:
                return message

    def both_changed(self, cause, message_id, *people):
        found = [self.changed(person, cause, message_id) for person in people]
        self.assertEqual(found[0].text, found[1].text)
        return found[0]


class Messages(Talk):
    def test_actions(self):
        """An answer, an edit, reactions, a pin and deletions go either way."""
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(speaks=one):
                speaker, listener = self.two(one, other)
                _, hello = self.said(speaker, listener, "Hello, how are you?")
                answer, heard = self.said(listener, speaker, f"/reply {hello.number} Very well!")
                self.assertEqual((answer.text, answer.more["reply_to"], heard.more["reply_to"]), ("Very well!", hello.id, hello.id))

                listener.type(f"/edit #{answer.number} Very well, and you?")
                self.assertEqual(self.both_changed("edited", answer.id, listener, speaker).text, "Very well, and you?")

                speaker.type(f"/react {heard.number} 👍")
                reacted = self.both_changed("reaction", answer.id, speaker, listener)
                self.assertEqual([r["emoji"] for r in reacted.more["reactions"]], ["👍"])
                speaker.type(f"/react {heard.number} 👍")
                self.assertNotIn("reactions", self.both_changed("reaction", answer.id, speaker, listener).more)

                listener.type(f"/pin {answer.number}")
                self.assertTrue(self.both_changed("pinned", answer.id, listener, speaker).more["pinned"])

                listener.type(f"/delete {answer.number} everyone")
                gone = self.both_changed("deleted", answer.id, listener, speaker)
                self.assertEqual((gone.text, gone.more["deleted"]["for_everyone"]), ("", True))
                listener.type(f"/delete {hello.number}")
                self.assertFalse(self.changed(listener, "deleted", hello.id).more["deleted"]["for_everyone"])
                speaker.type("/history")
                self.assertEqual(Message(speaker.wait("the history", "history")).text, "Hello, how are you?")
                self.stop_all(" of " + one, speaker, listener)

    def test_pictures(self):
        """A picture is a name and a size, and comes as it went."""
        with open(os.path.join(self.directory, "my picture.png"), "wb") as file:
            file.write(png(60, 40))
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(sends=one):
                sender, receiver = self.two(one, other)
                sent, got = self.said(sender, receiver, f"/attach {self.directory}/my picture.png look at this")
                self.assertEqual(sent.text, "look at this")
                picture = got.more["attachments"][0]
                self.assertEqual((picture["kind"], picture["state"]), ("image", "stored"))
                target = os.path.join(self.directory, f"saved by {other}.png")
                receiver.type(f"/save {got.number} {target}")
                receiver.wait("the file", "saved")
                self.assertEqual(os.path.getsize(target), picture["size"])
                receiver.type(f"/open {got.number}")
                opened = receiver.wait("being opened", "opened")[1]
                with open(os.path.join(self.directory, other, opened), "rb") as file, open(target, "rb") as saved:
                    self.assertEqual(file.read(), saved.read())
                self.stop_all(" picture of " + one, sender, receiver)

    def test_chats(self):
        """Chats are unread, muted, archived, cleared; messages are found; a timer erases them."""
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(person=one):
                person, friend = self.two(one, other)
                self.said(person, friend, "the owl and the pussycat")
                _, found = self.said(friend, person, "went to sea in a beautiful boat")
                person.type("/search beautiful")
                self.assertEqual(Message(person.wait("what is found", "found")).id, found.id)
                self.assertEqual(person.wait("the end of it", "found_end")[1], "1")

                for command, cause in (("/unread", "unread"), ("/mute", "muted"), ("/archive", "archived")):
                    person.type(command)
                    person.wait(cause, "chat_changed", friend.hex, cause)
                self.assertEqual(person.list("/chats", "chat"), [])
                self.assertEqual(person.list("/chats archived", "chat")[0][6:], ["marked", "muted", "archived"])
                for command, cause in (("/mute off", "muted"), ("/archive off", "archived")):
                    person.type(command)
                    person.wait(cause, "chat_changed", friend.hex, cause)
                person.type("/clear")
                person.wait("being cleared", "chat_changed", friend.hex, "cleared")
                self.assertEqual(person.list("/history", "history"), [])

                person.type("/timer 5")
                person.wait("the timer", "chat_changed", friend.hex, "timer")
                sent, _ = self.said(person, friend, "like snow in spring")
                for side in (person, friend):
                    self.assertEqual(self.changed(side, "expired", sent.id).text, "")
                friend.type("/timer")
                self.assertEqual(friend.wait("their timer", "timer")[2], "5")
                self.stop_all(" chats of " + one, person, friend)

    def test_mistakes(self):
        """What is wrong is said, and in the same words by both."""
        typed = {
            "/reply 1": "usage: /reply N TEXT", "/reply 99 x": "there is no message 99: the number of a message is after its #",
            "/edit x y": "there is no message x: the number of a message is after its #", "/pin 1 2": "usage: /pin N",
            "/delete 1 x": "usage: /delete N [everyone]", "/open": "usage: /open N",
            "/attach nowhere.png": "choose whom to write to first: /to WHO", "/mute x": "choose whom to write to first: /to WHO",
            "/chats x": "usage: /chats [archived]", "/search": "usage: /search WORDS",
        }
        for program in PROGRAMS:
            with self.subTest(program=program):
                lines = [line.split("\t") for line in self.run_with(program, "\n".join(typed) + "\n", "--plain").splitlines()]
                self.assertEqual([line[3] for line in lines if line[0] == "error"], list(typed.values()))
