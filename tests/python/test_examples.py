"""The example programs: add by link, see and accept requests, block, verify."""

import os
import subprocess
import sys

from helpers import EACH, PATIENCE, PROGRAMS, ROOT, SOMEBODY, TestCase, free_port, identity

sys.path.insert(0, str(ROOT / "examples"))
from demo import Person  # noqa: E402

#: Twice the base point of secp256k1: another key of nobody here.
OTHER = "0x02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
SOMEBODY_ENDS = "jF9Ef9"  # the end of SOMEBODY's chat key


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
        self.assertEqual(os.path.basename(done[4]), "received-odd name, tab")
        with open(os.path.join(self.directory, receiver.name, done[4]), "rb") as file:
            self.assertEqual(file.read(), content)
        sender.wait("the receipt", "transfer_done")

class Input(Programs):
    """What people type and programs pipe in, well or badly."""

    def test_lines(self):
        long = "a" * 66000  # above the C program's buffer: its end is no message of its own
        bad = ("/history \u00b2", "/history " + "9" * 5000, "/history -1", "/foo", "/add", "/to", "/")
        for program in EACH:
            with self.subTest(program=program):
                typed = "\n".join((long, *bad, "/me")) + "\n"
                lines = [line.split("\t") for line in self.run_with(program, typed, "--plain", "--to", SOMEBODY).splitlines()]
                self.assertEqual([line[1] for line in lines if line[0] == "error"][0], "too_long")
                self.assertFalse([line for line in lines if line[0] == "message"])
                self.assertEqual(lines[-1][0], "link")

    def test_for_people(self):
        """What people are shown is text, also where it is cut."""
        reader = self.start("Python")
        for program in EACH:
            with self.subTest(program=program):
                typed = "/me\nxy" + "\u20ac" * 60 + "\n"
                shown = self.run_with(program, typed, "--peer", reader.address, "--to", reader.key)
                self.assertIn(" xy" + "\u20ac" * 38 + "...\n", shown)
                self.assertEqual(shown.count("You are zQ3sh"), 2)  # at the start and for /me
        reader.stop()

    def fields(self, program, typed, *options):
        return [line.split("\t") for line in self.run_with(program, typed, "--plain", *options).splitlines()]

    def test_typos(self):
        """A line says what is wrong, and which command may be meant."""
        typed = {
            "/hepl": "unknown command /hepl; did you mean /help?", "/quitt": "unknown command /quitt; did you mean /quit?",
            "/reqests": "unknown command /reqests; did you mean /requests?", "/x": "unknown command /x; /help lists all",
            "/": "unknown command /; /help lists all", "/wholly-unknown": "unknown command /wholly-unknown; /help lists all",
            "/add": "usage: /add KEY [NAME]", "/connect": "usage: /connect ADDRESS", "/history abc": "usage: /history [N]",
            "/me too": "usage: /me", "/devices enable": "usage: /devices [enable|disable DEVICE]", "  /to": "usage: /to WHO",
            "/to nobody": "no contact is called nobody; give a name of /contacts, a key or a link",
            "/block J. Smith": "no contact is called J. Smith; give a name of /contacts, a key or a link",
            "/phrase": "that needs a terminal", "/passphrase ": "that needs a terminal",
        }
        for program in EACH:
            with self.subTest(program=program):
                errors = [line[3] for line in self.fields(program, "\n".join(typed) + "\n") if line[0] == "error"]
                self.assertEqual(errors, list(typed.values()))

    def test_blanks(self):
        """Blanks around a command do no harm, and are not sent to anybody."""
        for program in EACH:
            with self.subTest(program=program):
                lines = self.fields(program, " /me \n\t/name\n   \n", "--to", SOMEBODY)
                self.assertEqual([line[0] for line in lines[-2:]], ["link", "name"])

    def test_names(self):
        """A name is found without regard to case; two with one name are told apart."""
        for program in EACH:
            with self.subTest(program=program):
                typed = f"/add {SOMEBODY} My Friend\n/to my friend\n/name Me Myself\n/chats\n/requests\n/devices\n"
                lines = self.fields(program, typed)
                found = {line[0]: line[1:] for line in lines}
                self.assertEqual(found["to"], [SOMEBODY])
                self.assertEqual(found["name"], ["Me Myself"])
                self.assertEqual(found["device"][1:], ["enabled", "this", ""])
                self.assertEqual([end for end in ("chat_end", "request_end", "device_end") if end not in found], [])
                typed = f"/add {OTHER} My Friend\n/to my friend\n/to my friend (zQ3sh..{SOMEBODY_ENDS})\n"
                lines = self.fields(program, typed)
                self.assertIn("several are called my friend: My Friend zQ3sh", [line[3] for line in lines if line[0] == "error"][0])
                self.assertEqual([line[1] for line in lines if line[0] == "to"], [SOMEBODY])

    def test_doctor(self):
        """Both programs say what is wrong, and what to do."""
        for program in EACH:
            with self.subTest(program=program):
                lines = self.fields(program, "/doctor\n", "--listen", "/ip4/127.0.0.1/tcp/0")
                checks = {line[1]: line[2:] for line in lines if line[0] == "check"}
                self.assertEqual(checks["identity"][0], "passed")
                self.assertEqual(checks["relay_peers"][0], "failed")
                self.assertIn("network.preset", checks["relay_peers"][2])
                self.assertEqual([line[1] for line in lines if line[0] == "doctor"], ["unhealthy"])
                shown = self.run_with(program, "/doctor\n", "--listen", "/ip4/127.0.0.1/tcp/0")
                self.assertIn("BAD relay_peers: there are no peers", shown)

    def test_help(self):
        """Both programs say the same."""
        shown = {program: self.run_with(program, "/help\n").split("Type a message, or /help.\n")[1] for program in PROGRAMS}
        self.assertEqual(shown["C"], shown["Python"])
        usage = {}
        for program, command in PROGRAMS.items():
            usage[program] = subprocess.run(command + ["--help"], check=True, stdout=subprocess.PIPE).stdout.decode()
            version = subprocess.run(command + ["--version"], check=True, stdout=subprocess.PIPE).stdout.decode()
            self.assertRegex(version, r"^chat(.py)? of libstatus1to1 [0-9]")
        self.assertEqual(usage["C"], usage["Python"].replace("chat.py", "chat"))


class Once(Programs):
    """What a script runs, and its exit code."""

    def run_code(self, program, *options, typed="", **more):
        data = os.path.join(self.directory, program + " once")
        done = subprocess.run(PROGRAMS[program] + ["--data", data, *options], input=typed.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=PATIENCE, **dict(
                                  {"env": dict(os.environ, STATUS1TO1_PASSPHRASE="p")}, **more))
        out = done.stdout.decode()
        self.assertNotIn("Traceback", out)
        return done.returncode, out

    def test_send(self):
        bob = self.waku("bob.db")
        key = identity(bob, "Bob")["chat_key"]
        peer = ["--peer", bob.call("network.status")["listen_addresses"][0]]
        for program in EACH:
            with self.subTest(program=program):
                code, out = self.run_code(program, *peer, "--to", key, "--send", "delivered " + program, "--wait")
                self.assertEqual(code, 0, out)
                self.assertIn("✓✓ delivered " + program, out)
                self.received(bob, "delivered " + program)
                # It ends once its node has the message; if that had no time to pass it on, the
                # next start goes on with it.
                code, out = self.run_code(program, *peer, "--to", key, "--send", "sent " + program)
                self.assertEqual(code, 0, out)
                code, out = self.run_code(program, *peer, "--to", key, "--send", "after " + program, "--wait")
                self.assertEqual(code, 0, out)
                came = set()
                while len(came) < 2:
                    came.add(self.wait(bob, "message_received")["message"]["text"])
                self.assertEqual(came, {"sent " + program, "after " + program})
                code, out = self.run_code(program, "--to", key, "--send", "in vain", "--wait", "1")
                self.assertEqual(code, 3, out)
                self.assertIn("… in vain  (waits until somebody can be reached)", out)
                self.assertIn("1 message waits to be delivered: the next start goes on with it", out)
                code, out = self.run_code(program, "--to", key, "--send", "x" * 5000)
                self.assertEqual(code, 1, out)
                self.assertIn("too_long", out)

    def test_mistakes(self):
        for program in EACH:
            with self.subTest(program=program):
                for options in (["--to", "nobody"], ["--to", "zQ3shx"], ["--send", "x"], ["--wait", "5"], ["--nonsense"],
                                ["--to", SOMEBODY, "--send", "x", "--wait", "0"], ["--passphrase-fd", "x"], ["--to"],
                                ["--editor", "vi"]):
                    code, out = self.run_code(program, *options)
                    self.assertEqual(code, 2, (options, out))

    def test_piped(self):
        """What still waits is said, and is not success."""
        for program in EACH:
            with self.subTest(program=program):
                code, out = self.run_code(program, "--to", SOMEBODY, typed="one\ntwo\n")
                self.assertEqual(code, 3, out)
                self.assertIn("… one  (waits until somebody can be reached)", out)
                self.assertIn("2 messages wait to be delivered: the next start goes on with them", out)

    def test_nobody_asks(self):
        for program in EACH:
            with self.subTest(program=program):
                code, out = self.run_code(program, typed="/requests\n")
                self.assertEqual(code, 0, out)
                self.assertIn("(nobody asks)", out)

    def test_invitation_taken_back(self):
        for program in EACH:
            with self.subTest(program=program):
                _, out = self.run_code(program, typed="/pair\n/unpair\n/paired\n")
                self.assertIn("/scan", out)
                self.assertNotIn("no device is paired", out)
                self.assertRegex(out, "[0-9a-f]{32}  failed")

    def test_cancel_and_retry(self):
        """What is given up has failed; what is tried again after that waits."""
        for program in EACH:
            with self.subTest(program=program):
                code, out = self.run_code(program, "--to", SOMEBODY, typed="one\n/cancel\n")
                self.assertEqual(code, 4, out)
                self.assertIn("✗ one (cancelled", out)
                code, out = self.run_code(program, "--to", SOMEBODY, typed="two\n/cancel\n/retry\n")
                self.assertEqual(code, 3, out)
                self.assertIn("tried again", out)

    def test_restore(self):
        """The phrase may be piped in."""
        for program in EACH:
            with self.subTest(program=program):
                phrase = "abandon " * 11 + "about\n"
                code, out = self.run_code(program, "--restore", typed=phrase + "/me\n")
                self.assertEqual(code, 0, out)
                other = self.memory()
                self.assertIn(other.call("identity.restore", phrase=phrase)["chat_key"], out)
                other.close()
                self.assertEqual(self.run_code(program, "--restore", typed="\n")[0], 0)  # an identity is there

    def test_directory(self):
        """Missing folders are made for the user alone; what cannot be made is said in a line."""
        with open(os.path.join(self.directory, "file"), "w"):
            pass
        for program in EACH:
            with self.subTest(program=program):
                deep = os.path.join(self.directory, program + " a", "b", "c")
                self.assertEqual(self.run_code(program, "--data", deep)[0], 0)
                self.assertEqual(os.stat(deep).st_mode & 0o777, 0o700)
                code, out = self.run_code(program, "--data", os.path.join(self.directory, "file", "x"))
                self.assertEqual(code, 1)
                self.assertRegex(out, "^chat(.py)?: the directory .* cannot be made: Not a directory\n$")

    def test_passphrase(self):
        """From a file, from a descriptor, or not at all; never a traceback."""
        path = os.path.join(self.directory, "passphrase")
        with open(path, "w") as file:
            file.write("p\nnot this\n")
        none = {name: value for name, value in os.environ.items() if name != "STATUS1TO1_PASSPHRASE"}
        for program in EACH:
            with self.subTest(program=program):
                self.assertEqual(self.run_code(program)[0], 0)  # "p"
                self.assertEqual(self.run_code(program, "--passphrase-file", path, env=none)[0], 0)
                with open(path) as file:
                    code, out = self.run_code(program, "--passphrase-fd", str(file.fileno()), env=none, pass_fds=[file.fileno()])
                self.assertEqual(code, 0, out)
                code, out = self.run_code(program, "--passphrase-file", path + "x", env=none)
                self.assertEqual((code, "No such file" in out), (1, True), out)
                code, out = self.run_code(program, env=none, start_new_session=True)
                self.assertEqual((code, "no passphrase: give --passphrase-file" in out), (1, True), out)
