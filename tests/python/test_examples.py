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

    def test_pairing(self):
        """Either program shows, the other scans; a file goes each way; names are tamed."""
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(shows=one):
                shower = self.start(one)
                scanner = self.start(other, "--peer", shower.address)
                self.pair(shower, scanner)
                for person in (shower, scanner):
                    self.assertEqual(person.wait("being paired", "paired")[3], "other")
                for sender, receiver in ((shower, scanner), (scanner, shower)):
                    self.send_file(sender, receiver)
                shower.type("/paired")
                self.assertEqual(shower.wait("the pairing", "pairing")[2], "paired")
                scanner.type("/unpair")
                shower.wait("being told", "pairing_ended")
                self.pair(scanner, shower, "/reject")
                for person, by in ((shower, "remote"), (scanner, "local")):
                    self.assertEqual(person.wait("the failure", "pairing_failed")[2:], ["pairing_rejected", by])
                for person in (shower, scanner):
                    person.stop()
            for program in PROGRAMS:
                os.rename(os.path.join(self.directory, program), os.path.join(self.directory, program + " shown by " + one))

    def pair(self, shower, scanner, answer="/confirm"):
        shower.type("/pair")
        scanner.type("/scan " + shower.wait("the invitation", "invitation")[2])
        codes = {p.wait("the authcode", "authcode")[2] for p in (shower, scanner)}
        self.assertEqual(len(codes), 1)
        shower.type(answer)
        if answer == "/confirm":
            scanner.type(answer)

    def send_file(self, sender, receiver):
        content = os.urandom(300_001)
        path = os.path.join(self.directory, "odd name, \t tab")
        with open(path, "wb") as file:
            file.write(content)
        sender.type("/sendfile " + path)
        done = receiver.wait("the file", "transfer_done")
        self.assertEqual(done[2], "in")
        self.assertEqual(os.path.basename(done[4]), "received-odd name, _ tab")
        with open(os.path.join(self.directory, receiver.name, done[4]), "rb") as file:
            self.assertEqual(file.read(), content)
        sender.wait("the receipt", "transfer_done")

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
