"""The kit finds faults: every mutant of tests/mutants.py fails the transcripts named here, and they
pass without it. CONFORMANCE_DRIVER is the command of a driver that has all capabilities,
CONFORMANCE_LEAKING_DRIVER that of one that frees no string."""

import concurrent.futures
import os
import pathlib
import shlex
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import mutants  # noqa: E402

DRIVER = os.environ.get("CONFORMANCE_DRIVER", "")
LEAKING_DRIVER = os.environ.get("CONFORMANCE_LEAKING_DRIVER", "")

#: How long an answer is waited for where a mutant hangs or loses something, in seconds, and where
#: nothing is wrong.
SHORT, PATIENCE = "1.5", "30"

#: How many mutants run at once: they mostly start and wait.
AT_ONCE = 4

#: Mutation -> a transcript that has to fail.
FOUND_BY = {
    "request texts end at NUL": "strings",
    "request texts are UCS-2": "strings",
    "request texts are normalised": "strings",
    "request texts lose white space": "strings",
    "requests lose client_ref": "client_ref",
    "requests lose unknown fields": "requests",
    "requests have texts for numbers": "numbers",
    "requests have doubles": "numbers",
    "requests round large numbers": "numbers",
    "answers end at NUL": "strings",
    "answers are Latin-1": "strings",
    "answers lose null": "null",
    "answers lose empty lists": "null",
    "answers have null for nothing": "null",
    "answers are in camelCase": "chat",
    "answers have doubles": "numbers",
    "answers round large numbers": "numbers",
    "answers have 1 for true": "null",
    "errors lose their field": "requests",
    "errors lose their details": "categories",
    "errors have one code": "categories",
    "answers say nothing of ok": "identity",
    "base64 is that of URLs": "pictures",
    "waits for ever are none": "threads",
    "waits of 0 are for ever": "timeouts",
    "one thread at a time": "threads",
    "callbacks stay": "callback",
    "a second close fails": "close",
    "an event comes twice": "chat",
    "events lose seq": "chat",
    "stored events get lost": "chat",
    "two events change places": "redelivery",
    "the closed event comes twice": "close",
    "two answers are swapped": "threads",
    "an answer comes twice": "identity",
    "waits are none": "timeouts",
    "the closed event is kept back": "close",
    "exits with an error": "redelivery",
}


def replay(driver, *transcripts, patience=SHORT):
    command = [sys.executable, "-B", str(HERE.parent / "run.py"), "--patience", patience, "--driver", driver, *transcripts]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", timeout=120)


@unittest.skipUnless(DRIVER, "CONFORMANCE_DRIVER names no driver")
class Mutants(unittest.TestCase):
    def test_passes_without(self):
        """Through a mutant without a fault, so that what fails below fails by its fault."""
        command = shlex.join([sys.executable, "-B", str(HERE / "mutants.py"), "none", *shlex.split(DRIVER)])
        ended = replay(command, *sorted(set(FOUND_BY.values())), patience=PATIENCE)
        self.assertEqual(ended.returncode, 0, ended.stdout)

    @staticmethod
    def run_mutant(mutation, transcript):
        return replay(shlex.join([sys.executable, "-B", str(HERE / "mutants.py"), mutation, *shlex.split(DRIVER)]), transcript)

    def test_fails_with(self):
        self.assertLessEqual(set(mutants.PARAMS) | set(mutants.ANSWERS), set(FOUND_BY))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {mutation: pool.submit(self.run_mutant, mutation, transcript) for mutation, transcript in FOUND_BY.items()}
        for mutation, transcript in FOUND_BY.items():
            with self.subTest(mutation=mutation):
                ended = runs[mutation].result()
                self.assertEqual(ended.returncode, 1, f"{mutation} was not found by {transcript}:\n{ended.stdout}")
                self.assertIn(f"FAILED    {transcript}", ended.stdout)
                if os.environ.get("CONFORMANCE_SHOW"):
                    print(f"{mutation}:\n{ended.stdout}")

    @unittest.skipUnless(LEAKING_DRIVER, "CONFORMANCE_LEAKING_DRIVER names no driver")
    def test_strings_never_freed(self):
        ended = replay(LEAKING_DRIVER, "identity")
        self.assertEqual(ended.returncode, 1, ended.stdout)
        self.assertIn("strings of the library have not been freed", ended.stdout)


class Protocol(unittest.TestCase):
    """Drivers that do not keep to the protocol are told so, in a sentence."""

    def fails(self, script, said):
        ended = replay(shlex.join([sys.executable, "-c", script]), "handles")
        self.assertEqual(ended.returncode, 2, ended.stdout)
        self.assertIn(said, ended.stdout)

    def test_ends(self):
        self.fails("pass", "it ended")

    def test_silent(self):
        self.fails("import time; time.sleep(60)", "has not answered command 1 within 11.5 s")

    def test_no_json(self):
        self.fails("print('Welcome!', flush=True); input()", "it printed b'Welcome!")

    def test_other_protocol(self):
        self.fails("print('{\"id\":1,\"answer\":{\"protocol\":2}}', flush=True); input()", "the protocol is 1")

    def test_not_there(self):
        ended = replay("./there-is-no-such-driver")
        self.assertEqual(ended.returncode, 2)
        self.assertIn("cannot be started", ended.stdout)


if __name__ == "__main__":
    unittest.main()
