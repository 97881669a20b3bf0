#!/usr/bin/env python3
"""chat.py - an interactive chat program over libstatus1to1, as examples/c/chat.c is.

    chat.py --data ./alice --listen /ip4/127.0.0.1/tcp/60001
    chat.py --data ./bob --peer /ip4/127.0.0.1/tcp/60001/p2p/16Uiu2HAm... --to zQ3sh...
"""

import argparse
import codecs
import getpass
import json
import os
import re
import select
import signal
import sys
import time
import unicodedata

import pairing
from status1to1 import Client, Error

HISTORY_SHOWN = 10
LINGER = 10  # seconds at the end of a piped stdin, for what is under way
MARKS = {"sent": "✓", "delivered": "✓✓", "failed": "✗"}
HELP = f"""\
  text             send it to the chosen person (// to begin with a slash)
  /to KEY|NAME     choose whom to write to; a key may be a Status link
  /add KEY [NAME]  put somebody into the address book
  /contacts        list them
  /me              your chat key and the Status link to you
  /request TEXT    ask the chosen person to be a contact
  /requests        who asks you
  /accept [WHO]    accept their request, or that of the chosen person
  /decline [WHO]   decline it; they are not told
  /retract [WHO]   take your request, or your acceptance, back
  /block [WHO]     hear nothing of them any more; /unblock [WHO]
  /verify [NUMBER] show the safety number with the chosen person, or check theirs
  /history [N]     the last N messages with the chosen person
  /sessions        the encrypted sessions
{pairing.HELP}
  /net             the network: own addresses and peers
  /connect ADDRESS keep a connection to a peer
  /quit"""


def put(text):
    print(text, flush=True)


def tame(text):
    """What others write must not steer our terminal: no control characters."""
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)


class Chat:
    """The program: what is typed goes in by run_line, events by on_event."""

    def __init__(self, client, plain, data):
        self.client = client
        self.plain = plain
        self.pairing = pairing.Pairing(client, data, plain, self.say, tame)
        self.to = None  # whom we write to, 0x04...
        self.under_way = 0  # messages sent and not yet acknowledged
        self.befriended = None  # the contact that was told of last

    def say(self, plain, pretty):
        """Prints a line: tab-separated fields for programs, or a text for people."""
        if self.plain:
            put("\t".join(plain))
        elif pretty is not None:
            put(pretty)

    # ---- showing things ----

    def who(self, key, said=""):
        """What we call somebody: our name for them, what they call themselves, or the
        end of their key. said is the name on a message of theirs."""
        try:
            contact = self.client.call("contacts.get", key=key)
        except Error:
            return "zQ3sh..?"
        return tame(contact["name"] or contact["display_name"] or said or "zQ3sh.." + contact["chat_key"][-6:])

    def show_error(self, error):
        where = f"{error.field}: " if error.field else ""
        self.say(["error", error.code, error.field, error.message], f"! {where}{error.message} ({error.code})")

    def show_message(self, kind, message):
        outgoing = message["outgoing"]
        fields = [kind, "out" if outgoing else "in", message["message_id"], message["from"], message["state"]]
        if self.plain:
            put("\t".join(fields + [json.dumps(message["text"], ensure_ascii=False)]))
            return
        at = time.strftime("%H:%M:%S", time.localtime(message["sent_at"] / 1000))
        name = "you" if outgoing else self.who(message["from"], message.get("sender_name", ""))
        mark = "  " + MARKS.get(message["state"], "…") if outgoing else ""
        asks = "(contact request) " if message["kind"] == "contact_request" else ""
        put(f"[{at}] {name}: {asks}{tame(message['text'])}{mark}")

    def show_network(self, peers):
        status = self.client.call("network.status")
        if peers:
            self.say(["network", status["state"]], f"The network is {status['state']}")
        for address in status["listen_addresses"]:
            self.say(["address", address], f"Others reach you at {address}")
        for peer in status["peers"] if peers else []:
            state = "connected" if peer["connected"] else "not connected"
            self.say(["peer", peer["peer_id"], state], f"  peer {peer['peer_id']} {state}")

    def show_history(self, count):
        page = self.client.call("messages.list", key=self.to, limit=count)
        for message in reversed(page["items"]):
            self.show_message("history", message)
        self.say(["history_end"], None)

    def show_contacts(self):
        for contact in self.client.call("contacts.list", limit=200)["items"]:
            name = self.who(contact["public_key"])
            trust = contact["trust"]
            self.say(["contact", contact["chat_key"], name, trust], f"  {contact['chat_key']}  {name} ({trust})")

    def show_requests(self):
        for contact in self.client.call("contacts.list", limit=200)["items"]:
            if contact["request"] == "received":
                self.show_request(contact)
        self.say(["request_end"], None)

    def show_request(self, contact):
        name = self.who(contact["public_key"])
        self.say(["request", contact["public_key"], contact["chat_key"], name],
                 f"({name} asks to be your contact: /accept {name} or /decline {name})")

    def show_me(self):
        link = self.client.call("profile.get")["link"]
        self.say(["link", link], f"You are {self.client.call('identity.get')['chat_key']}\nLink to you: {link}")

    def show_safety_number(self):
        number = self.client.call("contacts.safety_number", key=self.to)["safety_number"]
        self.say(["safety_number", number], f"Compare with what {self.who(self.to)} sees:\n  {number}\n"
                                            "If it is the same, /verify and the number they read out.")

    def show_sessions(self):
        for session in self.client.call("sessions.list")["sessions"]:
            self.say(
                ["session", session["public_key"], session["session_id"], session["state"]],
                f"  with {self.who(session['public_key'])}: {session['session_id']} ({session['state']})",
            )
        self.say(["session_end"], None)

    # ---- events ----

    def on_event(self, event):
        data = event["data"]
        if event["type"] == "message_received":
            self.on_message(data["message"])
        elif event["type"] == "message_state":
            self.on_state(data)
        elif event["type"] == "contact_request_received":
            self.show_request(data["contact"])
        elif event["type"] == "contact_changed":
            self.on_contact(data["contact"])
        elif event["type"] == "network_changed":
            self.say(["network", data["state"]], f"(the network is {data['state']})")
        elif event["type"] == "peer_changed" and data.get("error") and not self.plain:
            put(f"(peer {data['peer_id']}: {data['error']})")
        else:
            self.pairing.on_event(event["type"], data)
        if event["seq"]:
            self.client.call("events.ack", up_to=event["seq"])

    def on_contact(self, contact):
        key, mutual = contact["public_key"], contact["request"] == "mutual"
        news = f"({self.who(key)} and you are contacts)" if mutual and key != self.befriended else None
        self.say(["contact_changed", key, contact["request"], contact["trust"]], news)
        if mutual:
            self.befriended = key

    def on_message(self, message):
        self.show_message("message", message)
        self.client.call("chats.mark_read", key=message["chat_id"], up_to=message["message_id"])
        if self.to is None:
            self.to = message["chat_id"]
            if not self.plain:
                put(f"(you now write to {self.who(self.to, message.get('sender_name', ''))})")

    def on_state(self, data):
        if data["state"] in ("delivered", "failed"):
            self.under_way -= 1
        if self.plain:
            put(f"state\t{data['message_id']}\t{data['state']}")
        elif data["state"] in MARKS:
            text = tame(self.client.call("messages.get", message_id=data["message_id"])["text"])
            put(f"    {MARKS[data['state']]} {text[:40]}{'...' if len(text) > 40 else ''}")

    def take_events(self):
        """Handles what waits; False when the client has ended."""
        while True:
            event = self.client.next_event(0)
            if event is None:
                return True
            if event["type"] == "closed":
                return False
            self.on_event(event)

    # ---- commands ----

    def find(self, name):
        """The contact with this name, or None."""
        for contact in self.client.call("contacts.list", limit=200)["items"]:
            if self.who(contact["public_key"]) == name:
                return contact
        return None

    def choose(self, name):
        contact = self.find(name) or self.client.call("contacts.add", key=name)
        self.to = contact["public_key"]
        self.say(["to", self.to], f"(you now write to {self.who(self.to)})")

    def add(self, key, name=""):
        self.client.call("contacts.add", key=key, name=name)
        self.say(["added"], "(added)")

    def somebody(self):
        """Whether somebody is chosen; complains if not."""
        if self.to is None:
            self.say(["error", "nobody", "", "choose somebody first"], "! choose whom to write to first: /to KEY")
        return self.to is not None

    def about(self, verb, who):
        """Does something about a person: one with this name or key, or the chosen one."""
        if not who and not self.somebody():
            return
        contact = self.find(who) if who else None
        key = contact["public_key"] if contact else who or self.to
        self.client.call("contacts." + verb, key=key)
        self.say([verb, key], f"(done: {verb})")

    def request(self, text):
        if not self.somebody():
            return
        message = self.client.call("contacts.request", key=self.to, text=text)
        self.under_way += 1
        self.show_message("message", message)

    def verify(self, number):
        if not self.somebody():
            return
        if not number:
            self.show_safety_number()
            return
        self.client.call("contacts.verify", key=self.to, safety_number=number)
        self.say(["verify", self.to], f"({self.who(self.to)} is verified)")

    def send(self, text):
        if not self.somebody():
            return
        message = self.client.call("messages.send", to=self.to, text=text)
        self.under_way += 1
        if self.plain:
            self.show_message("message", message)

    def run_line(self, line):
        """Does what a typed line says; False for /quit."""
        try:
            return self.run(line)
        except Error as error:
            self.show_error(error)
            return True

    def run(self, line):
        if not line:
            return True
        if not line.startswith("/") or line.startswith("//"):
            self.send(line[1:] if line.startswith("//") else line)
            return True
        command, _, argument = line.partition(" ")
        if command == "/quit":
            return False
        if command == "/contacts":
            self.show_contacts()
        elif command == "/sessions":
            self.show_sessions()
        elif command == "/net":
            self.show_network(peers=True)
        elif command == "/me":
            self.show_me()
        elif command == "/requests":
            self.show_requests()
        elif command == "/request" and argument:
            self.request(argument)
        elif command in ("/accept", "/decline", "/retract", "/block", "/unblock"):
            self.about(command[1:], argument)
        elif command == "/verify":
            self.verify(argument)
        elif command == "/to" and argument:
            self.choose(argument)
        elif command == "/add" and argument:
            self.add(*argument.split(" ", 1))
        elif command == "/connect" and argument:
            self.client.call("network.connect", address=argument)
        elif command == "/history" and self.to and re.fullmatch("[0-9]{0,9}", argument):
            self.show_history(int(argument or HISTORY_SHOWN))
        elif command not in pairing.COMMANDS or not self.pairing.run(command, argument):
            put(HELP)
        return True

    # ---- from start to end ----

    def start(self, to, name):
        """Prints who we are; at the first start it makes an identity."""
        identity = self.client.identity
        if identity is None:
            created = self.client.call("identity.create", display_name=name)
            identity = created["identity"]
            if not self.plain:
                put("This is the seed phrase of your new identity. Write it down:")
                put(f"\n  {created['phrase']}\n")
        self.say(["me", identity["chat_key"]], f"You are {identity['chat_key']}")
        self.show_network(peers=False)
        if to:
            self.run_line("/to " + to)
            if self.to and not self.plain:
                self.show_history(HISTORY_SHOWN)
        self.say(["ready"], "Type a message, or /help.")

    def loop(self, interrupts):
        """Runs until /quit, Ctrl-C or the end of stdin; then it stays a while for
        messages that are under way."""
        stdin, events = sys.stdin.fileno(), self.client.event_fd()
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        watched, typed, deadline = [interrupts, events, stdin], "", None
        while deadline is None or (self.under_way + self.pairing.under_way > 0 and time.monotonic() < deadline):
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = select.select(watched, [], [], left)[0]
            if interrupts in ready or (events in ready and not self.take_events()):
                return
            if stdin not in ready:
                continue
            raw = os.read(stdin, 65536)
            typed += decoder.decode(raw) if raw else "\n"
            *lines, typed = typed.split("\n")
            if not all(self.run_line(line) for line in lines):
                return
            if not raw:
                watched.remove(stdin)
                deadline = time.monotonic() + LINGER


def catch_interrupts():
    """A descriptor that Ctrl-C makes readable. A signal may arrive on any of the
    library's threads, so that select() in this one would not notice it."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    return reader


def main():
    parser = argparse.ArgumentParser(description="An interactive chat program over libstatus1to1.")
    parser.add_argument("--data", required=True, help="directory of the encrypted store")
    parser.add_argument("--to", help="chat key or name of whom to write to")
    parser.add_argument("--listen", default="/ip4/0.0.0.0/tcp/0", help="multiaddress to listen on")
    parser.add_argument("--peer", action="append", default=[], help="multiaddress of a peer, with /p2p/...")
    parser.add_argument("--name", default="", help="display name, at the first start")
    parser.add_argument("--passphrase", help="else STATUS1TO1_PASSPHRASE, or it is asked for")
    parser.add_argument("--plain", action="store_true", help="one line an event, tab-separated, for programs")
    options = parser.parse_args()

    passphrase = options.passphrase or os.environ.get("STATUS1TO1_PASSPHRASE") or getpass.getpass("Passphrase: ")
    os.makedirs(options.data, mode=0o700, exist_ok=True)
    config = {
        "store": {"path": os.path.join(options.data, "chat.db"), "passphrase": passphrase},
        "network": {"listen": [options.listen], "peers": options.peer},
    }
    interrupts = catch_interrupts()
    try:
        client = Client(config)
    except Error as error:
        sys.exit(f"chat.py: {error}")
    with client:
        chat = Chat(client, options.plain, options.data)
        try:
            chat.start(options.to, options.name)
        except Error as error:
            sys.exit(f"chat.py: {error}")
        chat.loop(interrupts)
    if not options.plain:
        put("\nBye.")


if __name__ == "__main__":
    main()
