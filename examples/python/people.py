"""What people are called, and who is meant by a name: a part of chat.py.

Names and texts are what others say of themselves. They are tamed before they are shown:
they must not steer the terminal, turn the direction of what follows, hide, or pass for
this program's own words."""

import unicodedata

from status1to1 import Error

#: What a name is never shown as alone: how the program speaks of its user and of others.
OWN_WORDS = {"you", "me", "nobody", "somebody", "everybody"}

#: What the program's own lines are built with: a name that has it could end one, and
#: begin another.
OWN_SIGNS = set("()[]<>:!/✓✗…")

#: Code points that show nothing (Default_Ignorable_Code_Point), the marks of direction
#: among them.
INVISIBLE = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)

#: What turns the direction of all that follows it. In a text other invisible characters
#: have their use: a joiner makes one picture of several.
DIRECTION = ((0x202A, 0x202E), (0x2066, 0x2069))


LOOKED_AT = 10  # messages, for the name of who wrote one of them


def among(ranges, c):
    return any(low <= ord(c) <= high for low, high in ranges)


def breaks(c):
    """Whether a character ends a line or steers a terminal."""
    return unicodedata.category(c) == "Cc" or c in "\u2028\u2029"


def tame(text):
    """A text that others wrote, on one line."""
    return "".join(" " if breaks(c) else c for c in text if not among(DIRECTION, c))


def tame_name(name):
    """A name that others gave, with single blanks; "" if it shows nothing."""
    shown = "".join(" " if breaks(c) or unicodedata.category(c) == "Zs" else c for c in name if not among(INVISIBLE, c))
    return " ".join(part for part in shown.split(" ") if part)


def short(chat_key):
    return "zQ3sh.." + chat_key[-6:]


def label(name, chat_key):
    """What to call somebody: their tamed name, with their short key if it could be taken
    for something else, or only the key."""
    name = tame_name(name)
    if not name:
        return short(chat_key)
    if name.lower() in OWN_WORDS or name.lower().startswith("zq3sh") or OWN_SIGNS & set(name):
        return f"{name} ({short(chat_key)})"
    return name


def looks_like_key(text):
    """Whether a text is meant as a key, a link or an ENS name rather than as a name."""
    return text.startswith(("zQ3sh", "0x", "http")) or text.endswith(".eth") or "status.app" in text


class People:
    """Who is who, by the address book."""

    def __init__(self, client):
        self.client = client

    def every(self, method, **params):
        """What a method lists, all pages of it."""
        cursor = ""
        while True:
            page = self.client.call(method, limit=200, cursor=cursor, **params)
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def who(self, key, said=""):
        """What we call somebody: our name for them, what they call themselves, or the
        end of their key. said is the name on a message of theirs."""
        try:
            contact = self.client.call("contacts.get", key=key)
        except Error:
            return "zQ3sh..?"
        return self.of(contact, said)

    def of(self, contact, said=""):
        """What we call a contact."""
        return label(tame_name(contact["name"]) or self.own_name(contact, said), contact["chat_key"])

    def own_name(self, contact, said=""):
        """What somebody calls themselves; a message may have told it before all else."""
        return tame_name(contact["display_name"]) or tame_name(said or self.said(contact["public_key"]))

    def said(self, key):
        """The name on the last message of somebody."""
        items = self.client.call("messages.list", key=key, limit=LOOKED_AT)["items"]
        return next((m["sender_name"] for m in items if not m["outgoing"] and m.get("sender_name")), "")

    def called(self, name):
        """Those a name may mean. Names we gave, and short keys, go before those that
        people gave themselves."""
        wanted, ours, theirs = name.lower(), [], []
        for contact in self.every("contacts.list"):
            shortened, given = short(contact["chat_key"]), tame_name(contact["name"])
            own = self.own_name(contact)
            exact = {given, shortened, f"{given} ({shortened})", f"{own} ({shortened})"}
            if wanted in {form.lower() for form in exact}:
                ours.append(contact)
            elif wanted == own.lower():
                theirs.append(contact)
        return ours or theirs

    def names(self):
        """The names of all, for completion."""
        return sorted(self.of(contact) for contact in self.every("contacts.list"))
