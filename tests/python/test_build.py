"""What the built library is: size, symbols, name, the C program's manners."""

import os
import pathlib
import re
import signal
import subprocess
import sys
import unicodedata
import unittest

from helpers import BINDING, ROOT, TestCase

LIBRARY = pathlib.Path(os.environ.get("STATUS1TO1_LIB", ROOT / "build" / "libstatus1to1.so"))
CHAT = ROOT / "build" / "chat"
LINUX = sys.platform.startswith("linux")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


@unittest.skipUnless(LINUX, "reads ELF")
class Library(unittest.TestCase):
    def test_size(self):
        self.assertLess(LIBRARY.stat().st_size, 40_000_000)

    def test_exported_symbols(self):
        found = [line.split()[-1].split("@")[0] for line in output("nm", "-D", "--defined-only", LIBRARY).splitlines()]
        wanted = (ROOT / "library" / "exports.txt").read_text().split()
        self.assertEqual(sorted(found), sorted(wanted))

    def test_export_lists_agree_with_the_header(self):
        header = (ROOT / "include" / "status1to1.h").read_text()
        declared = re.findall(r"^STATUS1TO1_API .*?(status1to1_\w+)\(", header, re.MULTILINE)
        self.assertEqual(sorted(declared), (ROOT / "library" / "exports.txt").read_text().split())
        macos = (ROOT / "library" / "exports_macos.txt").read_text().split()
        self.assertEqual(sorted(macos), sorted("_" + name for name in declared))

    def test_name_and_flags(self):
        dynamic = output("readelf", "-d", LIBRARY)
        header = (ROOT / "include" / "status1to1.h").read_text()
        abi = re.search(r"^#define STATUS1TO1_ABI_VERSION (\d+)u$", header, re.MULTILINE).group(1)
        self.assertIn(f"[libstatus1to1.so.{abi}]", dynamic)
        self.assertIn("NODELETE", dynamic)

    def test_hardening(self):
        """The table of addresses is read-only once loaded, no code is written to, no data run."""
        dynamic = output("readelf", "-dW", LIBRARY)
        self.assertRegex(dynamic, r"\(FLAGS\).*BIND_NOW")
        self.assertRegex(dynamic, r"\(FLAGS_1\).*NOW")
        self.assertNotIn("TEXTREL", dynamic)
        segments = output("readelf", "-lW", LIBRARY)
        self.assertIn("GNU_RELRO", segments)
        self.assertRegex(segments, r"GNU_STACK .* RW ")
        self.assertNotIn("RWE", segments)

    def test_no_paths_of_the_builder(self):
        self.assertNotIn(str(ROOT).encode() + b"/chat/", LIBRARY.read_bytes())


class Vulnerabilities(TestCase):
    """What `make lint` makes of govulncheck's answers; a script stands in for go."""

    def check(self, status, says):
        go = os.path.join(self.directory, "go")
        pathlib.Path(go).write_text(f"#!/bin/sh\necho '{says}'\nexit {status}\n")
        os.chmod(go, 0o700)
        return subprocess.run(["sh", str(ROOT / "tests" / "vulnerabilities.sh"), "tag"], env=dict(os.environ, GO=go),
                              stdout=subprocess.PIPE, encoding="utf-8")

    def test_nothing_found(self):
        done = self.check(0, "No vulnerabilities found.")
        self.assertEqual((done.returncode, done.stdout), (0, "govulncheck: no known vulnerability is reached\n"))

    def test_no_database(self):
        done = self.check(1, "govulncheck: fetching vulnerabilities: no such host")
        self.assertEqual(done.returncode, 0)
        self.assertIn("skipped: the vulnerability database cannot be had here", done.stdout)

    def test_vulnerability_and_failure(self):
        for status, says in ((3, "Vulnerability #1: GO-2026-0001"), (1, "govulncheck: loading packages: no")):
            done = self.check(status, says)
            self.assertEqual((done.returncode, done.stdout), (1, says + "\n"))


class Manners(TestCase):
    """The example programs at the end of input, at Ctrl-C and with bad options."""

    PROGRAMS = {"C": [str(CHAT)], "Python": [sys.executable, "-B", str(ROOT / "examples" / "python" / "chat.py")]}

    def start(self, program, *options, passphrase="p"):
        environment = dict(os.environ, STATUS1TO1_PASSPHRASE=passphrase)
        data = os.path.join(self.directory, "data")
        process = subprocess.Popen(
            self.PROGRAMS[program] + ["--data", data, "--listen", "/ip4/127.0.0.1/tcp/0", *options],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def until_ready(self, process):
        for line in process.stdout:
            if line.startswith(("ready", "Type a message")):
                return
        self.fail("the program did not get ready: " + process.stderr.read())

    def test_end_of_input(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                process = self.start(program)
                out, err = process.communicate("/net\n/contacts\n/nonsense\nnobody is chosen", timeout=60)
                self.assertEqual((process.returncode, err), (0, ""))
                self.assertIn("Bye.", out)
                self.assertIn("choose whom to write to first", out)  # the last line lacks its newline
                data = os.stat(os.path.join(self.directory, "data"))
                self.assertEqual(data.st_mode & 0o777, 0o700)

    def test_interrupt(self):
        for program in self.PROGRAMS:
            for number in (signal.SIGINT, signal.SIGTERM):
                with self.subTest(program, signal=number):
                    process = self.start(program)
                    self.until_ready(process)
                    process.send_signal(number)
                    out, err = process.communicate(timeout=60)
                    self.assertEqual((process.returncode, err), (0, ""))
                    self.assertIn("Bye.", out)

    def test_wrong_passphrase(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                self.start(program).communicate("/quit\n", timeout=60)
                process = self.start(program, passphrase="another")
                out, err = process.communicate("", timeout=60)
                self.assertEqual(process.returncode, 1)
                self.assertIn("wrong_passphrase", out + err)

    def test_bad_options(self):
        for program in self.PROGRAMS:
            with self.subTest(program):
                process = self.start(program, "--nonsense")
                _, err = process.communicate("", timeout=60)
                self.assertEqual(process.returncode, 2)
                self.assertIn("usage", err)

    def test_people_can_read_it(self):
        """Two programs, as people see them: text, ticks and the seed phrase once."""
        alice = self.start("C", "--name", "Alice")
        lines = [alice.stdout.readline() for _ in range(6)]
        self.assertIn("seed phrase", lines[0])
        key, address = lines[4].split()[-1], lines[5].split()[-1]
        self.assertTrue(key.startswith("zQ3sh"), lines)
        bob = subprocess.Popen(
            self.PROGRAMS["Python"] + ["--data", os.path.join(self.directory, "bob"), "--name", "Bob", "--peer", address,
                                       "--listen", "/ip4/127.0.0.1/tcp/0", "--to", key],
            env=dict(os.environ, STATUS1TO1_PASSPHRASE="p"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8")
        self.addCleanup(bob.communicate)
        self.addCleanup(bob.kill)
        # Bob's input ends at once: he stays until his message is delivered.
        out, err = bob.communicate("Hello from Bob ☺\n", timeout=60)
        self.assertEqual((bob.returncode, err), (0, ""))
        self.assertIn("✓✓ Hello from Bob ☺", out)
        out, err = alice.communicate("/history\n/contacts\n/sessions\n/quit\n", timeout=60)
        self.assertEqual((alice.returncode, err), (0, ""))
        self.assertRegex(out, r"\[\d\d:\d\d:\d\d #1\] Bob: Hello from Bob ☺")
        self.assertIn("(you now write to Bob)", out)

    def test_others_do_not_steer_the_terminal(self):
        """Control characters of a message or a name do not reach the terminal."""
        evil = "red\x1b[31m bell\x07 csi\x9b31m line\n[00:00:00] you: fake \x7f"
        for program in self.PROGRAMS:
            with self.subTest(program):
                chat = self.start(program)
                for line in chat.stdout:
                    if line.startswith("You are "):
                        key = line.split()[-1]
                    if line.startswith("Others reach you at "):
                        address = line.split()[-1]
                    if line.startswith("Type a message"):
                        break
                peer = self.open({"store": {"kind": "memory"},
                                  "network": {"listen": ["/ip4/127.0.0.1/tcp/0"], "peers": [address]}})
                peer.call("identity.create", display_name="Eve\x1b[2J")
                self.until_delivered(peer, peer.call("messages.send", to=key, text=evil))
                out, _ = chat.communicate("/history\n/contacts\n/quit\n", timeout=60)
                self.assertIn("red [31m bell", out)
                self.assertFalse([c for c in out if unicodedata.category(c) == "Cc" and c != "\n"], out)
                self.assertNotIn("\n[00:00:00] you: fake", out)


class Interrupts(unittest.TestCase):
    def test_ctrl_c_in_python(self):
        """Python's own Ctrl-C works with the library loaded and a client open."""
        script = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from status1to1 import Client\n"
            "client = Client({'store': {'kind': 'memory'}, 'network': {'kind': 'memory'}})\n"
            "try:\n"
            "    print('ready', flush=True)\n"
            "    for event in client.events(): pass\n"
            "except KeyboardInterrupt:\n"
            "    client.close(); print('interrupted')\n"
        )
        process = subprocess.Popen(
            [sys.executable, "-B", "-c", script, BINDING],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
        try:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            self.assertEqual((out, err, process.returncode), ("interrupted\n", "", 0))
        finally:
            process.kill()
            process.communicate()


if __name__ == "__main__":
    unittest.main()
