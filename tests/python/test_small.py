"""The small examples: each is run, and does what it says."""

import os
import pathlib
import subprocess
import sys
import unittest

from helpers import ENGINE, PATIENCE, ROOT, TestCase
from status1to1.events import MessageChanged, MessageReceived

EXAMPLES = ROOT / "examples" / "python"

#: A screen, in lines.
SCREEN = 60


class Small(TestCase):
    def start(self, name, *arguments):
        """Runs an example until it has said its key."""
        process = subprocess.Popen([sys.executable, "-B", str(EXAMPLES / name), *map(str, arguments)], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, STATUS1TO1_PASSPHRASE="p"))
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        said = process.stdout.readline()
        self.assertTrue(said.startswith("I am "), said)
        return process, said.split()[2]

    def person(self):
        """Somebody with a node that bots can connect to, and its address."""
        client = self.open({"store": {"kind": "memory"}, "network": {"preset": "local"}, "engine": ENGINE})
        client.identity.create(display_name="Ann")
        return client, client.network.status().listen_addresses[0]

    def store(self, name):
        return os.path.join(self.directory, name)

    def next_of(self, client, kind, accept):
        for event in client.events(timeout=PATIENCE):
            if isinstance(event, kind) and accept(event.message):
                return event.message
        return self.fail(f"no {kind.__name__} came")

    def end(self, process):
        process.send_signal(2)  # Ctrl-C
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out, err), (0, "", ""))

    def test_bots(self):
        person, address = self.person()
        echo, echo_key = self.start("echo_bot.py", self.store("echo.db"), address)
        reminders, reminders_key = self.start("asyncio_bot.py", self.store("reminders.db"), address)
        sent = person.messages.send(echo_key, text="Is there an echo?")
        answer = self.next_of(person, MessageReceived, lambda message: not message.outgoing)
        self.assertEqual((answer.text, answer.reply_to, answer.from_), (sent.text, sent.message_id, answer.chat_id))
        sent = person.messages.send(reminders_key, text="0.2 the tea")
        changed = self.next_of(person, MessageChanged, lambda message: message.reactions)
        self.assertEqual(changed.message_id, sent.message_id)
        answer = self.next_of(person, MessageReceived, lambda message: message.text == "the tea")
        person.messages.send(reminders_key, text="nonsense")
        self.next_of(person, MessageReceived, lambda message: message.text.startswith("Say for example"))
        self.end(echo)
        self.end(reminders)

    def test_folder_bridge(self):
        there, back = (pathlib.Path(self.directory) / name for name in ("there", "back"))
        there.mkdir(), back.mkdir()
        alice, key = self.start("folder_bridge.py", self.store("alice.db"), there, back)
        bob, _ = self.start("folder_bridge.py", self.store("bob.db"), back, there, key)
        bob.stdin.write("Hello Alice\n")
        bob.stdin.flush()
        self.assertEqual(alice.stdout.readline(), "Hello Alice\n")
        alice.stdin.write("Hello Bob\n")
        alice.stdin.flush()
        self.assertEqual(bob.stdout.readline(), "Hello Bob\n")
        for process in (alice, bob):
            process.stdin.close()  # which ends the program
            self.assertEqual(process.wait(PATIENCE), 0)
            self.assertEqual(process.stderr.read(), "")
            process.stdin = None

    def test_they_are_small(self):
        for name in ("echo_bot.py", "asyncio_bot.py", "folder_bridge.py"):
            self.assertLessEqual(len((EXAMPLES / name).read_text().splitlines()), SCREEN, name)


if __name__ == "__main__":
    unittest.main()
