#!/usr/bin/env python3
"""chat.py - an interactive chat program over libstatus1to1, as examples/c/chat.c is.

    chat.py --data ./alice --listen /ip4/127.0.0.1/tcp/60001
    chat.py --data ./bob --peer /ip4/127.0.0.1/tcp/60001/p2p/16Uiu2HAm... --to zQ3sh...

One thread waits with select() for keys, for the library's events and for signals. What
each part does: options.py the command line, screen.py the terminal, commands.py what is
typed, events.py what happens, show.py how it looks, said.py how messages do, people.py
names, messages.py what is done to messages and chats, delivery.py what becomes of those that
are sent, pairing.py devices, cards.py contact cards, moving.py backups and syncs,
pictures.py QR codes.
"""

import select
import sys
import time

import options
import pairing
from cards import Cards
from commands import Commands
from delivery import Delivery
from events import Events
from messages import Messages
from moving import Moving
from people import People
from pictures import Pictures
from screen import Screen, Signals
from show import HISTORY_SHOWN, Show
from status1to1 import Client, Error

LINGER = 10  # seconds at the end of a piped stdin, for what is under way
CHATS_SHOWN = 5  # conversations at the start
PROMPT = 24  # characters of a name in the prompt


class Chat:
    """The program: who is chosen, and the parts that know each other through it."""

    def __init__(self, client, screen, given):
        self.client, self.screen, self.given = client, screen, given
        self.people = People(client)
        self.show = Show(client, screen, self.people, given.plain)
        self.delivery = Delivery(client, self.show)
        self.pictures = Pictures(client, self.show)
        self.pairing = pairing.Pairing(client, given, self.show, self.pictures)
        self.to = None  # whom we write to, 0x04...
        self.messages, self.cards, self.moving = Messages(self), Cards(self), Moving(self)
        self.commands = Commands(self)
        self.events = Events(self)

    def begin_with(self, key):
        """Chooses whom to write to."""
        self.to = key
        self.screen.prompt = self.people.who(key)[:PROMPT] + "> "

    def open_chat(self, key):
        """Shows the last messages with somebody; they are read then."""
        self.show.history(key, HISTORY_SHOWN)
        try:
            self.client.call("chats.mark_read", key=key)
        except Error as error:
            if error.code != "not_found":  # nothing was said yet
                raise

    # ---- the start ----

    def restore(self):
        """Brings an identity back; None if there was no phrase."""
        if sys.stdin.isatty():
            phrase = self.screen.ask("Seed phrase (it is not shown while you type): ", hidden=True)
        else:
            phrase = sys.stdin.buffer.readline().decode("utf-8", "replace").strip()
        if not phrase:
            return None
        return self.client.call("identity.restore", phrase=phrase, display_name=self.given.name)

    def take_in(self, path):
        """Brings an identity back from a backup; None if that fails."""
        return self.client.call("identity.get") if self.moving.take_in(path) else None

    def create(self):
        """Makes an identity, and shows its seed phrase."""
        created = self.client.call("identity.create", display_name=self.given.name)
        if not self.given.plain:
            self.screen.put("This is the seed phrase of your new identity. Write it down:")
            self.screen.put(f"\n  {created['phrase']}\n")
        return created["identity"]

    def ask_for_identity(self):
        """Asks what to do at the first start; None if there was no answer."""
        self.screen.put("There is no identity here yet. /restore brings yours back from its seed phrase,\n"
                        "/import FILE from a backup. To take it from another device, start with --new-device.")
        while True:
            answer = self.screen.ask("Press Enter for a new one, or type /restore or /import FILE: ")
            try:
                if answer is None:
                    return None
                if answer.strip() == "/restore":
                    return self.restore()
                if answer.startswith("/import "):
                    return self.take_in(answer[len("/import "):].strip())
                if not answer.strip():
                    self.given.name = self.screen.ask("Your name, as others see it (Enter for none): ") or ""
                    return self.create()
            except Error as error:
                self.show.error(error)

    def identify(self):
        """Who we are; at the first start that is decided."""
        if self.client.stored_identity is not None:
            if self.given.restore or self.given.backup:
                self.commands.restore()
            return self.client.call("identity.get")
        if self.given.restore:
            return self.restore()
        if self.given.backup:
            return self.take_in(self.given.backup)
        if self.screen.terminal and not self.given.name and self.given.send is None:
            return self.ask_for_identity()
        return self.create()

    def start(self):
        """Prints who we are and chooses whom to write to. It gives an exit code if that is
        all."""
        if self.client.stored_identity is None and self.given.new_device:
            self.show.say(["me", ""], "This device has no identity yet: /pair it with one of yours, and type /sync there.")
            self.show.network(peers=False)
            return None
        identity = self.identify()
        if identity is None:
            return options.INTERRUPTED if self.screen.signals.ended else options.FAILED
        self.show.say(["me", identity["chat_key"]], f"You are {identity['chat_key']}")
        if self.given.send is None:
            self.show.network(peers=False)
        if self.given.to:
            try:
                if not self.commands.to(self.given.to, quietly=self.given.send is not None):
                    return options.WRONG
            except Error as error:
                self.show.error(error)
                return options.WRONG
        elif self.screen.terminal:
            chats = self.show.chats(CHATS_SHOWN)
            if chats:
                self.commands.to(chats[0]["chat_key"])
        return None

    # ---- the loop ----

    def wait(self, typing, left):
        """Waits for something to happen, at most left seconds, and does it; False if that
        ends the program."""
        self.screen.show()
        signals, events = self.screen.signals, self.client.event_fd()
        watched = [signals.fd, events] + ([sys.stdin.fileno()] if typing else [])
        ready = select.select(watched, [], [], left)[0]
        if signals.fd in ready:
            self.screen.signal(signals.take())
            if signals.ended:
                return False
        if events in ready and not self.events.take():
            return False
        if typing and sys.stdin.fileno() in ready:
            self.screen.read()
        while self.screen.lines:
            if not self.commands.line(self.screen.lines.popleft()):
                return False
        return not signals.ended  # Ctrl-C at a question of a command ends the program, too

    def until(self, done, seconds):
        """Goes on without stdin until done() or the time is over."""
        deadline = time.monotonic() + seconds
        while not done():
            left = deadline - time.monotonic()
            if left <= 0 or not self.wait(False, left):
                return

    def loop(self):
        """Runs until /quit, Ctrl-C or the end of stdin; then it stays a while for what is
        under way. It gives the exit code."""
        while not self.screen.ended:
            if not self.wait(True, None):
                self.screen.end()
                self.delivery.conclude(False)
                return options.DONE
        typed = sys.stdin.isatty()
        self.screen.end()
        self.until(lambda: not self.delivery.waiting and not self.pairing.under_way, LINGER)
        code = self.delivery.conclude(False)
        return options.DONE if typed else code

    def send(self):
        """Sends the one text of --send. It gives the exit code."""
        try:
            self.commands.send(self.given.send)
        except Error as error:
            self.show.error(error)
            return options.FAILED
        delivered = self.given.wait is not None
        under_way = self.delivery.waiting if delivered else self.delivery.unsent
        self.until(lambda: not under_way, self.given.wait or LINGER)
        return self.delivery.conclude(not under_way)


def run(chat):
    """The program once the client is open; it gives the exit code."""
    try:
        code = chat.start()
    except Error as error:
        chat.show.error(error)
        return options.FAILED
    if code is not None:
        return code
    if chat.given.send is not None:
        return chat.send()
    chat.screen.begin(chat.given.editor, completer(chat.commands))
    chat.show.say(["ready"], "Type a message, or /help.")
    code = chat.loop()
    if not chat.given.plain:
        chat.screen.put("\nBye.")
    return code


def completer(commands):
    """What the line editor asks for completions, one after the other."""
    found = []

    def complete(_, number):
        import readline

        if number == 0:
            line = readline.get_line_buffer()[:readline.get_endidx()]
            try:
                found[:] = commands.complete(line, readline.get_begidx())
            except Error:
                found.clear()
        return found[number] if number < len(found) else None

    return complete


def main():
    given = options.read()
    signals = Signals()
    screen = Screen(given.plain, signals)
    config = options.configuration(given, screen)
    try:
        client = Client(config)
    except Error as error:
        options.fail(error)
    with client:
        try:
            code = run(Chat(client, screen, given))
        finally:
            screen.end()
    sys.exit(code)


if __name__ == "__main__":
    main()
