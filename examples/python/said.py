"""What a message looks like, and the number it is called by: a part of chat.py."""

import json
import re
import time

from people import tame, tame_name

QUOTED = 50  # characters of a message that is answered
MARKS = {"queued": "…", "sent": "✓", "stored": "✓…", "delivered": "✓✓", "failed": "✗"}
SIZES = (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10))
UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))

#: What programs are told of a message beside its text, and of its attachments.
MORE = ("kind", "reply_to", "edited", "deleted", "reactions", "pinned", "expires_at")
ATTACHMENT = ("attachment_id", "kind", "name", "size", "state")


def at(ms):
    return time.strftime("%H:%M:%S", time.localtime(ms / 1000))


def size(number):
    """A number of bytes, for people."""
    for unit, least in SIZES:
        if number >= least:
            return f"{number / least:.1f} {unit}"
    return f"{number} bytes"


def duration(seconds):
    """A time, for people: in the largest unit that it is whole in."""
    for unit, length in UNITS:
        if seconds >= length and seconds % length == 0 or length == 1:
            number = seconds // length
            return f"{number} {unit}{'' if number == 1 else 's'}"


def cut(text, characters):
    return text[:characters] + ("..." if len(text) > characters else "")


class Said:
    """Messages as lines, and their numbers: a message is given one when it is shown for the
    first time."""

    def __init__(self, client, people):
        self.client, self.people = client, people
        self.numbers, self.ids = {}, []

    # ---- numbers ----

    def number(self, message_id):
        if message_id not in self.numbers:
            self.ids.append(message_id)
            self.numbers[message_id] = len(self.ids)
        return self.numbers[message_id]

    def id(self, word):
        """The id of the message that a word means: its number, with a # before it or not, or
        the id itself. None if there is no such number."""
        if re.fullmatch("0x[0-9a-fA-F]*", word):
            return word
        number = int(word.lstrip("#")) if re.fullmatch("#?[0-9]{1,9}", word) else 0
        return self.ids[number - 1] if 1 <= number <= len(self.ids) else None

    # ---- for people ----

    def author(self, message):
        return "you" if message["outgoing"] else self.people.who(message["from"], message.get("sender_name", ""))

    def text(self, message):
        """What a message says, on one line."""
        if message["deleted"]:
            return "(deleted)"
        if message["kind"] == "sticker":
            return "(a sticker)"
        if message["kind"] == "unsupported":
            return tame(message["text"]) or "(something this version cannot show)"
        asks = "(contact request) " if message["kind"] == "contact_request" else ""
        over = tame_name(message.get("bridge", {}).get("user", ""))
        return asks + (f"{over}, from elsewhere: " if over else "") + tame(message["text"])

    def brief(self, message, characters):
        """The beginning of what a message says; of a picture without a text, what it is."""
        text = self.text(message) or ", ".join(self.attachment(a) for a in message.get("attachments", []))
        return cut(text, characters)

    @staticmethod
    def attachment(attachment):
        """What an attachment is."""
        parts = [{"image": "picture", "audio": "recording"}.get(attachment["kind"], "file"), tame_name(attachment["name"])]
        facts = [size(attachment["size"])]
        if attachment.get("width"):
            facts.append(f"{attachment['width']} x {attachment['height']}")
        if attachment.get("duration_ms"):
            facts.append(f"{attachment['duration_ms'] / 1000:.0f} s")
        if attachment["state"] != "stored":
            facts.append(attachment["state"])
        return f"{' '.join(parts)}, {', '.join(facts)}"

    def quote(self, message_id):
        """The message that another one answers."""
        found = self.find(message_id)
        if found is None:
            return "    > (a message that is not here)"
        return f"    > {self.author(found)}: {self.brief(found, QUOTED)}"

    def find(self, message_id):
        """A message, or None if it is not here."""
        from status1to1 import Error

        try:
            return self.client.call("messages.get", message_id=message_id)
        except Error as error:
            if error.code != "not_found":
                raise
            return None

    def reactions(self, message):
        """Who put which emoji under a message: "👍 you, Bob  😂 Bob"."""
        who = {}
        for reaction in message.get("reactions", []):
            mine = (reaction["from"] == message["from"]) == message["outgoing"]
            who.setdefault(tame(reaction["emoji"]), []).append("you" if mine else self.people.who(reaction["from"]))
        return "  ".join(f"{emoji} {', '.join(names)}" for emoji, names in who.items())

    def lines(self, message):
        """A message as lines of the chat."""
        number = self.number(message["message_id"])
        marks = ["edited"] * bool(message["edited"]) + ["pinned"] * message["pinned"]
        if message.get("expires_at"):
            marks.append(f"until {at(message['expires_at'])}")
        tick = ""
        if message["outgoing"]:
            failed = f" ({message.get('failure', '')})" if message["state"] == "failed" else ""
            tick = "  " + MARKS.get(message["state"], "") + failed
        lines = [self.quote(message["reply_to"])] if message.get("reply_to") else []
        lines.append(f"[{at(message['sent_at'])} #{number}] {self.author(message)}: {self.text(message)}"
                     + (f" ({', '.join(marks)})" if marks else "") + tick)
        lines += [f"    {self.attachment(a)}: /open {number} shows it" for a in message.get("attachments", [])]
        reactions = self.reactions(message)
        return lines + ([f"    {reactions}"] if reactions else [])

    # ---- for programs ----

    def fields(self, message):
        """A message as tab-separated fields: direction, id, author, state, text as JSON, number,
        and the rest as JSON, as far as there is something to say."""
        more = {name: message[name] for name in MORE if message.get(name)}
        if message.get("attachments"):
            more["attachments"] = [{name: a[name] for name in ATTACHMENT} for a in message["attachments"]]
        return ["out" if message["outgoing"] else "in", message["message_id"], message["from"], message["state"],
                json.dumps(message["text"], ensure_ascii=False), str(self.number(message["message_id"])),
                json.dumps(more, ensure_ascii=False)]
