"""What can be typed: a part of chat.py."""

import os
import re

import cards
import messages
import moving
import options
import pairing
from people import looks_like_key, tame_name
from show import HISTORY_SHOWN, MOST_SHOWN
from status1to1 import Error

#: Each command: its name, what it takes (optional in brackets), what it does.
COMMANDS = (
    ("to", "WHO", "choose whom to write to: a name, a chat key or a Status link"),
    ("chats", "[archived]", "the conversations and what is unread, or the archived ones"),
    ("history", "[N]", "the last N messages with the chosen person"),
    ("retry", "", "try again what failed to the chosen person"),
    ("cancel", "", "give up the last message to them that still waits"),
) + messages.COMMANDS + (
    ("add", "KEY [NAME]", "put somebody into the address book"),
) + cards.COMMANDS + (
    ("contacts", "", "list the address book, and who wrote to you"),
    ("request", "TEXT", "ask the chosen person to be a contact"),
    ("requests", "", "who asks you, and strangers whose messages wait"),
    ("accept", "[WHO]", "accept their request, or that of the chosen person"),
    ("decline", "[WHO]", "decline it; they are not told"),
    ("retract", "[WHO]", "take your request, or your acceptance, back"),
    ("block", "[WHO]", "hear nothing of them any more"),
    ("unblock", "[WHO]", "hear them again"),
    ("verify", "[NUMBER|PICTURE]", "show the safety number with the chosen person, or check theirs"),
    ("key-exchange", "[x3dh|noise]", "how messages to the chosen person are encrypted, or change that"),
    ("me", "", "your chat key and the Status link to you"),
    ("name", "[NAME]", "what you call yourself, or another name"),
    ("phrase", "", "show the seed phrase; it asks for the passphrase"),
    ("passphrase", "", "another passphrase for the store"),
    ("restore", "", "bring an identity back from its seed phrase, at the first start"),
    ("devices", "[enable|disable DEVICE]", "your devices; DEVICE is a number or id of the list"),
) + pairing.COMMANDS + moving.COMMANDS + (
    ("sessions", "", "the encrypted sessions"),
    ("net", "", "the network: own addresses and peers"),
    ("doctor", "", "what is wrong when messages do not travel, and what to do"),
    ("connect", "ADDRESS", "keep a connection to a peer"),
    ("help", "", "this list"),
    ("quit", "", "end; so do Ctrl-C and Ctrl-D"),
)
TAKES = {name: takes for name, takes, _ in COMMANDS}
FILES = {"sendfile", "scan", "verify", "card", "add-card", "export", "import"} | messages.FILES  # commands that take the name of a file
ALIKE = 2  # mistakes a typo may have


def usage(name):
    return f"/{name} {TAKES[name]}".rstrip()


def help_text():
    lines = [f"  {'text':24} send it to the chosen person (// to begin with a slash)"]
    for name, takes, does in COMMANDS:
        line = f"  {usage(name):24} {does}"
        lines.append(line)
    return "\n".join(lines)


def distance(a, b):
    """How many letters to add, leave out, change or swap make b of a."""
    before, last = [], list(range(len(b) + 1))
    for i, x in enumerate(a):
        row = [i + 1]
        for j, y in enumerate(b):
            row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (x != y)))
            if i and j and x == b[j - 1] and a[i - 1] == y:
                row[-1] = min(row[-1], before[j - 1] + 1)
        before, last = last, row
    return last[-1]


def meant(typed):
    """The command a typo may mean, or None."""
    found = min(TAKES, key=lambda name: distance(typed, name))
    return found if distance(typed, found) <= min(ALIKE, len(typed) - 1) else None


class Commands:
    """Runs what is typed."""

    def __init__(self, chat):
        self.chat, self.client, self.show, self.people = chat, chat.client, chat.show, chat.people
        self.say, self.complain = chat.show.say, chat.show.complain
        self.parts = {command[0]: part for module, part in (
            (messages, chat.messages), (cards, chat.cards), (moving, chat.moving), (pairing, chat.pairing)) for command in module.COMMANDS}

    def line(self, line):
        """Does what a typed line says; False for /quit."""
        try:
            return self.run(line)
        except Error as error:
            self.show.error(error)
            return True

    def run(self, line):
        command = line.strip()
        if not command.startswith("/"):
            if command:
                self.send(line)
            return True
        if command.startswith("//"):
            self.send(command[1:])
            return True
        name, _, argument = command[1:].partition(" ")
        argument = argument.strip()
        if name not in TAKES:
            maybe = meant(name)
            hint = f"did you mean /{maybe}?" if maybe else "/help lists all"
            self.complain("unknown_command", f"unknown command /{tame_name(name)}; {hint}")
        elif bool(argument) > bool(TAKES[name]) or (not argument and TAKES[name] and TAKES[name][0] != "["):
            self.wrong(name)
        elif name == "quit":
            return False
        elif name in ("accept", "decline", "retract", "block", "unblock"):
            self.about(name, argument)
        elif name in ("contacts", "requests", "me", "sessions"):
            getattr(self.show, name)()
        elif name in self.parts:
            self.parts[name].run(name, argument)
        else:
            getattr(self, name.replace("-", "_"))(*([argument] if TAKES[name] else []))
        return True

    def wrong(self, name):
        self.complain("usage", f"usage: {usage(name)}")

    # ---- whom to write to ----

    def find(self, who):
        """The key of somebody by name, or what seems to be a key; None after a complaint."""
        found = self.people.called(tame_name(who))
        if len(found) == 1:
            return found[0]["public_key"]
        if found:
            names = ", ".join(f"{self.people.of(c)} {c['chat_key']}" for c in found)
            self.complain("ambiguous", f"several are called {tame_name(who)}: {names}")
        elif looks_like_key(who):
            return who
        else:
            self.complain("not_found", f"no contact is called {tame_name(who)}; give a name of /contacts, a key or a link")
        return None

    def to(self, who, quietly=False):
        """Chooses somebody, and shows the chat unless quietly; False if nobody is meant."""
        key = self.find(who)
        if key is None:
            return False
        known = key if key.startswith("0x04") else self.client.call("contacts.add", key=key)["public_key"]
        self.chat.begin_with(known)
        if quietly:
            return True
        self.say(["to", known], f"(you now write to {self.people.who(known)})")
        if not self.show.plain:
            self.chat.open_chat(known)
        return True

    def somebody(self):
        """Whether somebody is chosen; complains if not."""
        if self.chat.to is None:
            self.complain("nobody", "choose whom to write to first: /to WHO")
        return self.chat.to is not None

    def about(self, verb, who):
        """Does something about a person: one with this name or key, or the chosen one."""
        if not who and not self.somebody():
            return
        key = self.find(who) if who else self.chat.to
        if key is not None:
            self.client.call("contacts." + verb, key=key)
            self.say([verb, key], f"(done: {verb})")

    def add(self, argument):
        key, _, name = argument.partition(" ")
        self.client.call("contacts.add", key=key, name=name.strip())
        self.say(["added"], "(added)")

    def verify(self, number):
        if not self.somebody():
            return
        if not number:
            self.show.safety_number(self.chat.to, self.chat.pictures.lines)
            return
        seen = self.chat.pictures.text(number)
        if seen is None:
            return
        self.client.call("contacts.verify", key=self.chat.to, safety_number=seen)
        self.say(["verify", self.chat.to], f"({self.people.who(self.chat.to)} is verified)")

    def key_exchange(self, kind):
        if not self.somebody():
            return
        if kind:
            contact = self.client.call("contacts.set_key_exchange", key=self.chat.to, key_exchange=kind)
        else:
            contact = self.client.call("contacts.get", key=self.chat.to)
        kind, name = contact["key_exchange"], self.people.of(contact)
        self.say(["key_exchange", self.chat.to, kind], f"(messages to {name} go by {kind})")

    # ---- messages ----

    def chats(self, which):
        if which not in ("", "archived"):
            self.wrong("chats")
        else:
            self.show.chats(archived=which == "archived")

    def send(self, text):
        if self.somebody():
            self.chat.delivery.begin(self.client.call("messages.send", to=self.chat.to, text=text))

    def request(self, text):
        if self.somebody():
            message = self.client.call("contacts.request", key=self.chat.to, text=text)
            self.chat.delivery.begin(message)
            if not self.show.plain:
                self.show.message("message", message)

    def history(self, count):
        if count and not re.fullmatch("[0-9]{1,9}", count):
            self.wrong("history")
        elif self.somebody():
            self.show.history(self.chat.to, int(count or HISTORY_SHOWN))

    def own(self, *states):
        """Our messages to the chosen person in one of these states, the newest first."""
        page = self.client.call("messages.list", key=self.chat.to, limit=MOST_SHOWN)
        return [m for m in page["items"] if m["outgoing"] and m["state"] in states]

    def retry(self):
        if not self.somebody():
            return
        failed = self.own("failed")
        for message in reversed(failed):
            self.client.call("messages.retry", message_id=message["message_id"])
            self.chat.delivery.waiting.add(message["message_id"])
        self.say(["retry", str(len(failed))], f"({len(failed)} tried again)")

    def cancel(self):
        if not self.somebody():
            return
        waiting = self.own("queued", "sent", "stored")
        if not waiting:
            self.complain("nothing", "no message waits")
            return
        self.client.call("messages.cancel", message_id=waiting[0]["message_id"])
        self.say(["cancel", waiting[0]["message_id"]], "(given up)")

    # ---- ourselves ----

    def name(self, name):
        if name:
            self.client.call("identity.set_display_name", display_name=name)
        self.show.name()

    def ask(self, question):
        """An answer that is not shown; None after a complaint."""
        if not self.chat.screen.terminal:
            self.complain("terminal", "that needs a terminal")
            return None
        return self.chat.screen.ask(question, hidden=True)

    def phrase(self):
        passphrase = self.ask("Passphrase: ")
        if passphrase:
            phrase = self.client.call("identity.phrase", passphrase=passphrase)["phrase"]
            self.say([], f"Who has this phrase is you. Keep it, and show it to nobody:\n\n  {phrase}\n")

    def passphrase(self):
        old = self.ask("Passphrase now: ")
        new = old and options.new_passphrase(self.chat.screen, "The new one")
        if new:
            self.client.call("store.change_passphrase", passphrase=old, new_passphrase=new)
            self.say([], "(the new passphrase opens the store from now on)")

    def restore(self):
        self.complain("identity_exists", "there is an identity here already: /restore is for the first start with another --data")

    def devices(self, argument):
        verb, _, which = argument.partition(" ")
        if not argument:
            self.show.devices()
        elif verb not in ("enable", "disable") or not which:
            self.wrong("devices")
        else:
            listed = self.client.call("devices.list")["devices"]
            device = which
            if re.fullmatch("[0-9]{1,2}", which) and 1 <= int(which) <= len(listed):
                device = listed[int(which) - 1]["installation_id"]
            self.client.call("devices." + verb, installation_id=device)
            self.say(["devices", verb, device], f"(done: {verb})")

    # ---- the network, help ----

    def net(self):
        self.show.network(peers=True)

    def doctor(self):
        self.show.doctor()

    def connect(self, address):
        self.client.call("network.connect", address=address)
        self.say(["connect", address], "(the connection is being made; /net shows it)")

    def help(self):
        self.chat.screen.put(help_text())

    # ---- completion ----

    def complete(self, line, begin):
        """What may stand from begin on in a line."""
        before, word = line[:begin], line[begin:]
        if not before.strip():
            return ["/" + name for name in sorted(TAKES) if ("/" + name).startswith(word)] if word.startswith("/") else []
        command, _, typed = line.lstrip().partition(" ")
        if TAKES.get(command[1:], "").strip("[]") == "WHO":
            done = len(typed) - len(word)
            return [name[done:] for name in self.people.names() if name.lower().startswith(typed.lower())]
        if command[1:] in messages.TAKES:
            found = self.chat.messages.complete(command[1:], typed[:len(typed) - len(word)], word)
            if found is not None:
                return found
        if command[1:] in FILES:
            folder, start = os.path.split(word)
            try:
                names = os.listdir(folder or ".")
            except OSError:
                return []
            return sorted(os.path.join(folder, name) for name in names if name.startswith(start))
        return []
