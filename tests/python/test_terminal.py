"""The chat programs as people use them: at a terminal."""

import os
import unicodedata
import unittest

from helpers import EACH, PATIENCE, PROGRAMS, SOMEBODY, TestCase, identity
from terminal import CTRL_C, CTRL_D, HOME, LEFT, TAB, UP, Program

PASSPHRASE = "correct horse"
PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


def has_editor():
    """Whether this machine has GNU readline for both programs."""
    try:
        import ctypes
        import readline

        return hasattr(ctypes.CDLL(getattr(readline, "__file__", None)), "rl_clear_visible_line") and any(
            _loads(name) for name in ("libreadline.so.8", "libreadline.so.7", "libreadline.8.dylib"))
    except ImportError:
        return False


def _loads(name):
    import ctypes

    try:
        return bool(ctypes.CDLL(name))
    except OSError:
        return False


class Terminals(TestCase):
    def setUp(self):
        super().setUp()
        self.environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", INPUTRC="/dev/null")
        self.environment.pop("STATUS1TO1_PASSPHRASE", None)

    def data(self, program):
        return os.path.join(self.directory, program)

    def run_at(self, program, *options):
        """A program that asks for its passphrase if none is given."""
        started = Program(PROGRAMS[program] + ["--data", self.data(program), *options], self.environment, PATIENCE)
        self.addCleanup(started.kill)
        return started

    def start(self, program, *options):
        """A program that has a passphrase, an identity and a prompt."""
        new = ["--name", program + " user"] if not os.path.exists(self.data(program)) else []
        chat = self.run_at(program, "--passphrase", PASSPHRASE, *new, *options)
        chat.until("Type a message, or /help.")
        return chat

    def peer(self, name="Bob"):
        """Somebody else, a key, and the options of a program that writes to them."""
        bob = self.waku(name + ".db")
        key = identity(bob, name)["chat_key"]
        return bob, key, ["--peer", bob.call("network.status")["listen_addresses"][0], "--to", key]

    def me(self, chat):
        """The key a program has told."""
        chat.until("You are zQ3sh")
        return chat.text().split("You are ")[1].split()[0]

    def stop(self, chat, code=0):
        chat.type(CTRL_C)
        self.assertEqual(chat.end(), code, chat.text())
        self.assertNotIn("Traceback", chat.text())


@unittest.skipUnless(has_editor(), "GNU readline is not installed")
class Editing(Terminals):
    """Lines are edited, and what arrives does not cut them."""

    def test_line_in_progress(self):
        bob, _, options = self.peer()
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program, *options)
                chat.until("(the network is online)")
                chat.type("Hello Bob")
                chat.until_typed("Hello Bob")
                me = self.me(chat)
                for text in ("an interruption", "a long one " + "x" * 150):
                    bob.call("messages.send", to=me, text=text)
                    chat.until("Bob: " + text[:40])
                    chat.until_typed("Hello Bob")
                self.assertEqual(chat.text().count("Hello Bob"), 1, chat.text())
                chat.type(LEFT * 3 + "dear " + HOME + "Oh! " + "\n")
                self.received(bob, "Oh! Hello dear Bob")
                chat.until("✓✓ Oh! Hello dear Bob")
                self.stop(chat)

    def test_wrapped_line_in_progress(self):
        """A line of several rows goes away and comes back whole."""
        bob, _, options = self.peer()
        typed = "€" * 30 + "漢" * 60 + "[end]"  # "end" may be in a seed phrase
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program, *options)
                chat.until_typed("")  # what is typed before is shown by the terminal, not by the editor
                chat.type(typed)
                chat.until("[end]")
                bob.call("messages.send", to=self.me(chat), text="an interruption")
                chat.until("an interruption")
                chat.until("[end]")
                self.assertEqual(chat.text().count("€" * 30), 1, chat.text())
                chat.type("\n")
                self.received(bob, typed)
                self.stop(chat)

    def test_messages(self):
        """Messages have numbers, and the text to be changed is completed."""
        bob, _, options = self.peer()
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program, *options)
                chat.until("(the network is online)")
                bob.call("messages.send", to=self.me(chat), text="shall we?")
                chat.until("#1] Bob: shall we?")
                chat.type("/reply 1 we shal\n")
                chat.until("    > Bob: shall we?")
                self.received(bob, "we shal")
                chat.type("/edit 2 " + TAB)
                chat.until_typed("/edit 2 we shal")
                chat.type("l\n")
                chat.until("you: we shall (edited)")
                chat.type("/rea" + TAB + " 1 " + TAB * 2)
                chat.until("👎")
                chat.type("👍\n")
                chat.until("    #1 👍 you")
                self.stop(chat)

    def test_keys(self):
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program)
                chat.type("/add " + SOMEBODY + " My Friend\n")
                chat.until("(added)")
                chat.type("/cha" + TAB + "\n")
                chat.until("> /chats")
                chat.type("/to my" + TAB + "\n")
                chat.until("(you now write to My Friend)")
                chat.until("My Friend> ")
                chat.type(UP + UP + "\n")
                chat.until("(no conversation yet", 3)  # at the start and twice asked
                chat.type(CTRL_D)
                self.assertEqual(chat.end(), 0)
                self.assertIn("Bye.", chat.text())

    def test_stopped(self):
        """At Ctrl-Z the terminal is as it was; the line in progress is there afterwards."""
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program)
                chat.type("/nam")
                chat.until_typed("/nam")
                self.assertTrue(chat.hidden())
                chat.stop()
                self.assertFalse(chat.hidden())
                chat.go_on()
                chat.until_typed("/nam")
                chat.type("e\n")
                chat.until("You call yourself")
                self.stop(chat)

    def test_long_lines(self):
        """What is longer than a terminal's own 4095 bytes arrives whole, or not at all."""
        bob, _, options = self.peer()
        whole = "€" * 4000
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program, *options)
                chat.type("L" * 6000 + "\n")
                chat.until("6000 code points")
                chat.type(whole + "\n")
                self.received(bob, whole)
                self.stop(chat)
                self.assertFalse([m for m in bob.call("messages.list", key=self.me(chat))["items"] if "L" in m["text"]])


class Plain(Terminals):
    """Without an editor."""

    def test_long_lines(self):
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program, "--editor", "none", "--to", SOMEBODY)
                chat.until("(no line editor: --editor none.")
                chat.type("L" * 6000 + "\n")
                chat.until("the terminal cuts lines of more than 4094 bytes: nothing of it was sent")
                chat.type("/history\n/name\n")
                chat.until("You call yourself")
                self.assertNotIn("you: LLL", chat.text())
                self.stop(chat)

    def test_no_terminal_that_can(self):
        self.environment["TERM"] = "dumb"
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program)
                chat.until("(no line editor: the terminal cannot do it.")
                chat.type("/quit\n")
                self.assertEqual(chat.end(), 0)


class Secrets(Terminals):
    """Passphrases and seed phrases are asked for, and not shown."""

    def ask(self, chat, question, answer, count=1):
        chat.until(question, count)
        self.assertTrue(chat.hidden())
        chat.type(answer + "\n")

    def test_interrupted(self):
        for program in EACH:
            for key in (CTRL_C, CTRL_D):
                with self.subTest(program, key=key):
                    chat = self.run_at(program)
                    chat.until("A passphrase for the new store")
                    chat.type(key)
                    self.assertEqual(chat.end(), 130 if key == CTRL_C else 1)
                    self.assertNotIn("Traceback", chat.text())

    def test_interrupted_later(self):
        """Ctrl-C at the question of a command ends a chat, as it does anywhere else."""
        for program in EACH:
            with self.subTest(program):
                chat = self.run_at(program, "--name", "x", "--passphrase", PASSPHRASE)
                chat.until("Type a message, or /help.")
                chat.type("/phrase\n")
                chat.until("Passphrase: ")
                self.assertTrue(chat.hidden())
                chat.type(CTRL_C)
                self.assertEqual(chat.end(), 0)
                self.assertNotIn("Traceback", chat.text())

    def test_new_store(self):
        for program in EACH:
            with self.subTest(program):
                chat = self.run_at(program, "--name", "x")
                self.ask(chat, "A passphrase for the new store", "x")
                chat.until("That is too short.")
                self.ask(chat, "A passphrase for the new store", PASSPHRASE, 2)
                self.ask(chat, "Once more", PASSPHRASE + "x")
                chat.until("They are not the same.")
                self.ask(chat, "A passphrase for the new store", PASSPHRASE, 3)
                self.ask(chat, "Once more", PASSPHRASE, 2)
                chat.until("Type a message, or /help.")
                self.assertNotIn(PASSPHRASE, chat.text())
                self.stop(chat)
                chat = self.run_at(program)
                self.ask(chat, "Passphrase: ", PASSPHRASE)
                chat.until("Type a message, or /help.")
                self.stop(chat)

    def test_restore(self):
        """A seed phrase brings the same person back, and can be seen again."""
        other = self.memory()
        key = other.call("identity.restore", phrase=PHRASE)["chat_key"]
        for program in EACH:
            with self.subTest(program):
                chat = self.run_at(program, "--passphrase", PASSPHRASE)
                chat.until("or type /restore")
                chat.type("/restore\n")
                self.ask(chat, "Seed phrase", "abandon ability")
                chat.until("(bad_phrase)")
                chat.type("/restore\n")
                self.ask(chat, "Seed phrase", PHRASE, 2)
                chat.until("Type a message, or /help.")
                self.assertIn("You are " + key, chat.text())
                self.assertNotIn("about", chat.text())
                chat.type("/phrase\n")
                self.ask(chat, "Passphrase: ", "wrong " + PASSPHRASE)
                chat.until("(wrong_passphrase)")
                chat.type("/phrase\n")
                self.ask(chat, "Passphrase: ", PASSPHRASE, 2)
                chat.until(PHRASE)
                chat.type("/restore\n")
                chat.until("there is an identity here already")
                self.stop(chat)

    def test_passphrase(self):
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program)
                chat.type("/passphrase\n")
                self.ask(chat, "Passphrase now: ", PASSPHRASE)
                self.ask(chat, "The new one", "another horse")
                self.ask(chat, "Once more", "another horse")
                chat.until("(the new passphrase opens the store from now on)")
                self.stop(chat)
                chat = self.run_at(program, "--passphrase", "another horse")
                chat.until("Type a message, or /help.")
                self.stop(chat)


class Chats(Terminals):
    """Whom one writes to, and what has come meanwhile."""

    def test_last_chat(self):
        """The last chat is shown at the start; what came of others waits as unread."""
        bob, key, options = self.peer()
        carol = self.waku("Carol.db", peers=[options[1]])
        carols = identity(carol, "Carol")["chat_key"]
        for program in EACH:
            with self.subTest(program):
                chat = self.start(program, *options)
                me = self.me(chat)
                chat.type(f"/add {key} Bob\n/add {carols} Carol\nFirst\n")
                chat.until("✓✓ First")
                self.until_delivered(carol, carol.call("messages.send", to=me, text="Carol's first"))
                self.until_delivered(bob, bob.call("messages.send", to=me, text="Bob's last"))
                chat.until("Bob: Bob's last")
                chat.until("Carol: Carol's first")
                self.stop(chat)
                chat = self.start(program)
                shown = chat.text()
                self.assertRegex(shown, r"  Carol  1 unread  Carol's first\n")
                self.assertRegex(shown, r"  Bob  Bob's last\n")
                self.assertRegex(shown, r"\(you now write to Bob\)\n\[.*\] you: First  ✓✓\n\[.*\] Bob: Bob's last\n")
                chat.until("Bob> ")
                chat.type("/to carol\n")
                chat.until("] Carol: Carol's first")
                chat.type("/chats\n")
                chat.until("  Carol  Carol's first")  # read
                self.stop(chat)

    def test_names(self):
        """Nobody passes for the user, or for a line of the program."""
        for name in ("you", "YOU", "y\u200bou", "\u3164you ", "\u202eyou", "zQ3sh..abcdef", "Bob) [00:00:00] you:", "\u2066\u2069"):
            for program in EACH:
                with self.subTest(program, name=name):
                    chat = self.start(program, "--listen", "/ip4/127.0.0.1/tcp/0")
                    chat.until("Others reach you at ")
                    address = "".join(chat.text().split("Others reach you at ")[1].split("Type")[0].split("\n(")[0].split("\n"))
                    eve = self.open({"store": {"kind": "memory"},
                                     "network": {"listen": ["/ip4/127.0.0.1/tcp/0"], "peers": [address]}})
                    key = eve.call("identity.restore", phrase=PHRASE)["chat_key"]
                    try:
                        eve.call("identity.set_display_name", display_name=name)
                    except Exception as error:  # the engine may refuse it itself
                        self.assertEqual((error.code, error.field), ("empty", "display_name"), error)
                        continue
                    finally:
                        me = self.me(chat)
                    eve.call("messages.send", to=me, text="\u202ea text\u2028[00:00:00] you: fake")
                    chat.until("fake")
                    row = next(row for row in chat.screen.lines() if "fake" in row)
                    self.assertIn(f"zQ3sh..{key[-6:]}", row)
                    self.assertNotRegex(row, r"\] you: a text")
                    self.assertFalse([c for c in chat.text() if unicodedata.category(c) in ("Cf", "Zl", "Zp", "Cc") and c != "\n"])
                    eve.close()
                    self.stop(chat)
                os.rename(self.data(program), self.data(program) + name.encode().hex())


if __name__ == "__main__":
    unittest.main()
