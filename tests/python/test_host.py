"""What hosts do with a process that has the library: multiprocessing, programs started from it, exit
codes, sub-interpreters."""

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import unittest

from helpers import BINDING, PATIENCE, Error, TestCase
from status1to1 import Client

MEMORY = {"store": {"kind": "memory"}, "network": {"kind": "memory", "memory": {"name": "host"}}}

START = (
    "import os, signal, sys, threading, time; sys.path.insert(0, sys.argv[1])\n"
    "from status1to1 import Client, Error\n"
    f"config = {MEMORY!r}\n"
)

#: A thread that waits for ever, and is known to have begun.
WAITING = (
    "client = Client(config)\n"
    "begun = threading.Event()\n"
    "def wait():\n"
    "    begun.set()\n"
    "    try:\n"
    "        while True: client.next_event()\n"
    "    except Error: pass\n"  # it was closed
    "threading.Thread(target=wait, daemon=True).start()\n"
    "begun.wait()\n"
)


def start(script, python=sys.executable):
    """Starts a Python program. Newer versions warn of every fork in a program with threads."""
    return subprocess.Popen([python, "-B", "-W", "ignore:This process:DeprecationWarning", "-c", START + script, BINDING], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            encoding="utf-8")


def run(script, python=sys.executable):
    """Runs a Python program, which must end by itself: (its output, its errors, its exit code)."""
    process = start(script, python)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return out, err, process.returncode


def create(_):
    """Runs in another process."""
    with Client(MEMORY) as client:
        return client.identity.create().identity.chat_key


class Multiprocessing(TestCase):
    def test_spawn(self):
        client = self.open(MEMORY)
        client.identity.create()
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            keys = pool.map_async(create, range(2)).get(PATIENCE)
        self.assertEqual(len(set(keys)), 2)
        self.assertTrue(all(key.startswith("zQ3sh") for key in keys))
        client.identity.get()

    @unittest.skipUnless("fork" in multiprocessing.get_all_start_methods(), "there is no fork")
    def test_fork(self):
        """An error that says so, and no hang: neither in the child nor in the parent."""
        client = self.open(MEMORY)
        with multiprocessing.get_context("fork").Pool(1) as pool, self.assertRaises(Error) as caught:
            pool.map_async(create, [0]).get(PATIENCE)
        self.assertEqual((caught.exception.code, caught.exception.category), ("forked", "request"))
        client.identity.create()


@unittest.skipUnless(hasattr(os, "fork"), "there is no fork")
class Programs(TestCase):
    def test_fork_and_exec(self):
        """By hand, as servers do it, while a thread waits."""
        self.assertEqual(run(
            WAITING +
            "child = os.fork()\n"
            "if child == 0:\n"
            "    script = 'import sys; sys.path.insert(0, sys.argv[1]); from status1to1 import Client\\n'\n"
            "    script += f'client = Client({config!r}); client.identity.create(); client.close(); sys.exit(5)'\n"
            "    os.execv(sys.executable, [sys.executable, '-B', '-c', script, sys.argv[1]])\n"
            "print(os.waitpid(child, 0)[1] >> 8)\n"
            "print(bool(client.identity.create()))\n"), ("5\nTrue\n", "", 0))

    def test_forked_child_just_ends(self):
        """By sys.exit, with everything that Python does then."""
        self.assertEqual(run(
            WAITING +
            "child = os.fork()\n"
            "if child == 0: sys.exit(6)\n"
            "print(os.waitpid(child, 0)[1] >> 8)\n"
            "client.close()\n"), ("6\n", "", 0))

    def test_preexec_fn(self):
        """subprocess forks by itself when it has to run Python in between."""
        self.assertEqual(run(
            WAITING +
            "import subprocess\n"
            "print(subprocess.run(['true'], preexec_fn=os.setsid).returncode)\n"), ("0\n", "", 0))


class ExitCodes(TestCase):
    """Of programs that end with a client open and a thread that waits."""

    def test_exit(self):
        self.assertEqual(run(WAITING + "sys.exit(3)"), ("", "", 3))

    def test_exception(self):
        out, err, code = run(WAITING + "raise SystemError('on purpose')")
        self.assertEqual((out, err.splitlines()[-1], code), ("", "SystemError: on purpose", 1))

    def test_exit_in_atexit(self):
        """Calls of functions that run when the interpreter ends."""
        self.assertEqual(run(WAITING + "import atexit\natexit.register(lambda: print(bool(client.identity.create()), flush=True))\n"),
                         ("True\n", "", 0))

    @unittest.skipIf(sys.platform == "win32", "signals of POSIX")
    def test_signals(self):
        for number, code in ((signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, -signal.SIGINT)):
            process = start(WAITING + "print('ready', flush=True)\nwhile True: time.sleep(0.1)\n")
            process.stdout.readline()
            process.send_signal(number)
            process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, code, number)


#: Runs in an interpreter of each kind, twice: says what came of it.
SUB = (
    "try: import _interpreters as interpreters\n"
    "except ImportError: import _xxsubinterpreters as interpreters\n"
    "run = getattr(interpreters, 'exec', None) or interpreters.run_string\n"
    "def create(own):\n"
    "    if interpreters.__name__ == '_interpreters': return interpreters.create('isolated' if own else 'legacy')\n"
    "    return interpreters.create(isolated=own)\n"
    "script = '''import sys; sys.path.insert(0, %r)\n"
    "try:\n"
    "    from status1to1 import Client\n"
    "    with Client(%r) as a, Client(%r) as b:\n"
    "        a.identity.create()\n"
    "        a.messages.send(to=b.identity.create().identity.public_key, text='inside')\n"
    "        print(next(e for e in b.events() if e.type == 'message_received').message.text, flush=True)\n"
    "except ImportError: print('no ctypes', flush=True)\n"
    "''' % (sys.argv[1], config, config)\n"
    "outside = Client(config)\n"
    "for own in (False, False, True, True):\n"
    "    interpreter = create(own)\n"
    "    failed = run(interpreter, script)\n"
    "    interpreters.destroy(interpreter)\n"
    "    if failed: print(failed)\n"
    "print(bool(outside.identity.create()))\n"
)


class SubInterpreters(TestCase):
    """Versions of Python that are not there are left out."""

    def python(self, version):
        python = sys.executable if sys.version_info[:2] == version else shutil.which("python%d.%d" % version)
        if python is None or subprocess.run([python, "-c", ""], stderr=subprocess.DEVNULL).returncode != 0:
            self.skipTest("there is no Python %d.%d" % version)
        return python

    def test_3_11(self):
        self.assertEqual(run(SUB, self.python((3, 11))), (4 * "inside\n" + "True\n", "", 0))

    def test_3_12(self):
        """Its ctypes cannot be imported by an interpreter with a GIL of its own."""
        self.assertEqual(run(SUB, self.python((3, 12))), (2 * "inside\n" + 2 * "no ctypes\n" + "True\n", "", 0))

    def test_3_13(self):
        self.assertEqual(run(SUB, self.python((3, 13))), (4 * "inside\n" + "True\n", "", 0))


if __name__ == "__main__":
    unittest.main()
