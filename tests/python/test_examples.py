"""The example programs: add by link, see and accept requests, block, verify."""

import os
import subprocess
import sys

from helpers import PATIENCE, ROOT, SOMEBODY, TestCase, free_port

sys.path.insert(0, str(ROOT / "examples"))
from demo import Person  # noqa: E402

PROGRAMS = {
    "C": [str(ROOT / "build" / "chat")],
    "Python": [sys.executable, "-B", str(ROOT / "examples" / "python" / "chat.py")],
}


class Programs(TestCase):
    def start(self, program, *options):
        data = os.path.join(self.directory, program)
        os.mkdir(data, 0o700)
        person = Person(program, PROGRAMS[program] + ["--plain", "--data", ".", "--name", program + " user",
                        "--listen", f"/ip4/127.0.0.1/tcp/{free_port()}", *options], data,
                        dict(os.environ, STATUS1TO1_PASSPHRASE="p"))
        self.addCleanup(person.process.stdout.close)
        self.addCleanup(person.reader.join)
        self.addCleanup(person.kill)
        person.until_ready()
        return person

    def run_with(self, program, typed, *options):
        """What a program prints that is started with this on its stdin."""
        data = os.path.join(self.directory, program + " alone")
        done = subprocess.run(
            PROGRAMS[program] + ["--data", data, "--listen", "/ip4/127.0.0.1/tcp/0", *options], input=typed.encode(),
            stdout=subprocess.PIPE, check=True, timeout=PATIENCE, env=dict(os.environ, STATUS1TO1_PASSPHRASE="p"))
        return done.stdout.decode()


class Commands(Programs):
    def until_mutual(self, person):
        while person.wait("being contacts", "contact_changed")[2] != "mutual":
            pass

    def test_contacts(self):
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(asks=one):
                asker = self.start(one)
                asked = self.start(other, "--peer", asker.address)
                asked.type("/me")
                asker.type("/add " + asked.wait("the link", "link")[1] + " my friend")
                asker.wait("the friend being added", "added")
                asker.type("/to my friend")
                asker.wait("the friend being chosen", "to")
                asker.type("/request Shall we be contacts?")
                asked.wait("the request", "request")
                self.assertEqual([r[2] for r in asked.list("/requests", "request")], [one + " user"])
                asked.type(f"/accept {one} user")
                self.until_mutual(asker)
                asked.wait("having accepted", "accept")
                asker.type("/verify")
                number = asker.wait("the number", "safety_number")[1]
                asked.type("/verify " + number)
                asked.wait("the friend being verified", "verify")
                asked.type("/block")
                asked.wait("the friend being blocked", "block")
                asker.type("do you hear me?")
                sent = asker.wait("the own message", "message", "out")
                asker.wait("the acknowledgement", "state", sent[2], "delivered")
                self.assertEqual([h[4] for h in asked.list("/history", "history")], ['"Shall we be contacts?"'])
                asked.type("/contacts")
                self.assertEqual(asked.wait("the contact", "contact")[3], "blocked")
                for person in (asker, asked):
                    person.stop()
            for program in PROGRAMS:
                os.rename(os.path.join(self.directory, program), os.path.join(self.directory, program + " of " + one))


class Input(Programs):
    """What people type and programs pipe in, well or badly."""

    def test_lines(self):
        long = "a" * 66000  # above the C program's buffer: its end is no message of its own
        bad = ("/history \u00b2", "/history " + "9" * 5000, "/history -1", "/foo", "/add", "/to", "/")
        for program in PROGRAMS:
            with self.subTest(program=program):
                typed = "\n".join((long, *bad, "/me")) + "\n"
                lines = [line.split("\t") for line in self.run_with(program, typed, "--plain", "--to", SOMEBODY).splitlines()]
                self.assertEqual([line[1] for line in lines if line[0] == "error"][0], "too_long")
                self.assertFalse([line for line in lines if line[0] == "message"])
                self.assertEqual(lines[-1][0], "link")

    def test_for_people(self):
        """What people are shown is text, also where it is cut."""
        reader = self.start("Python")
        for program in PROGRAMS:
            with self.subTest(program=program):
                typed = "/me\nxy" + "\u20ac" * 60 + "\n"
                shown = self.run_with(program, typed, "--peer", reader.address, "--to", reader.key)
                self.assertIn(" xy" + "\u20ac" * 38 + "...\n", shown)
                self.assertEqual(shown.count("You are zQ3sh"), 2)  # at the start and for /me
        reader.stop()
