"""What a host process may do to the library: fork, and end while threads
wait or callbacks run. And that calls leave nothing behind."""

import os
import signal
import subprocess
import sys
import unittest

from helpers import BINDING, CHEAP, PATIENCE, Error, TestCase, identity, status1to1

LINUX = sys.platform.startswith("linux")


def run(script, *arguments):
    """Runs a Python program that has `Client` and `config`; it must end by itself."""
    start = (
        "import os, sys, threading, time; sys.path.insert(0, sys.argv[1])\n"
        "from status1to1 import Client, Error\n"
        "config = {'store': {'kind': 'memory'}, 'network': {'kind': 'memory'}}\n"
    )
    return subprocess.run([sys.executable, "-B", "-c", start + script, BINDING, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8", timeout=4 * PATIENCE)


class Signals(TestCase):
    def test_handlers(self):
        """As the header says: SIGURG of before is taken, everything else stays with the host."""
        ended = run(
            "import signal\n"
            "def got(number, frame): print(signal.Signals(number).name, flush=True)\n"
            "for number in signal.SIGURG, signal.SIGUSR1, signal.SIGCHLD, signal.SIGPROF: signal.signal(number, got)\n"
            "client = Client(config)\n"
            "client.call('identity.create')\n"
            "for number in signal.SIGURG, signal.SIGUSR1, signal.SIGCHLD, signal.SIGPROF: os.kill(os.getpid(), number)\n"
            "time.sleep(0.1)\n"
            "print('later')\n"
            "signal.signal(signal.SIGURG, got)\n"
            "os.kill(os.getpid(), signal.SIGURG)\n"
            "time.sleep(0.1)\n"
            "client.close()\n")
        before, _, after = ended.stdout.partition("later\n")
        self.assertEqual((sorted(before.split()), ended.stderr, ended.returncode), (["SIGCHLD", "SIGPROF", "SIGUSR1"], "", 0))
        self.assertEqual(set(after.split()), {"SIGURG"})


class Fork(TestCase):
    @unittest.skipUnless(hasattr(os, "fork"), "forks")
    def test_child_is_refused(self):
        client = self.memory()
        identity(client)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:  # never returns to the test runner
            signal.alarm(PATIENCE)  # a hang must not look like a success
            codes = []
            for function in (status1to1.info, status1to1.schema, lambda: client.call("identity.get"),
                             lambda: client.next_event(), client.close, lambda: client.set_event_callback(print),
                             lambda: status1to1.Client({"store": {"kind": "memory"}, "network": {"kind": "memory"}})):
                try:
                    function()
                    codes.append("none")
                except Error as error:
                    codes.append(error.code)
                except BaseException as error:  # noqa: B902 - whatever it is, the parent must hear of it
                    codes.append(repr(error))
            os.write(write, " ".join(codes + [str(client.event_fd())]).encode())
            os._exit(0)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as pipe:
            said = pipe.read()
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertEqual(said.split(), ["forked"] * 7 + ["-1"])
        self.assertTrue(client.call("identity.get")["chat_key"])  # the parent goes on

    @unittest.skipUnless(hasattr(os, "fork"), "forks")
    def test_fork_before_loading(self):
        """A child may load the library for itself."""
        ended = run(
            "import status1to1\n"
            "child = os.fork()\n"
            "client = Client(config)\n"
            "client.call('identity.create')\n"
            "client.close()\n"
            "if child == 0: os._exit(0)\n"
            "print(os.waitpid(child, 0)[1])\n")
        self.assertEqual((ended.stdout, ended.stderr, ended.returncode), ("0\n", "", 0))

    def test_spawn(self):
        """multiprocessing's spawn, and subprocess, work with the library loaded."""
        client = self.memory()
        self.assertEqual(run("client = Client(config); client.close(); print('fine')").stdout, "fine\n")
        client.next_event(0)


class Exit(TestCase):
    """A program that just ends, without closing anything."""

    def ends(self, script):
        ended = run(script)
        self.assertEqual((ended.stdout, ended.stderr, ended.returncode), ("end\n", "", 0))

    def test_while_a_thread_waits(self):
        self.ends(
            "client = Client(config)\n"
            "waits = threading.Event()\n"
            "def wait():\n"
            "    while client.next_event(0) is not None: pass\n"
            "    waits.set()\n"
            "    client.next_event()\n"
            "threading.Thread(target=wait, daemon=True).start()\n"
            "waits.wait()\n"
            "print('end', flush=True)\n")

    def test_while_a_callback_is_set(self):
        self.ends(
            "client, came = Client(config), threading.Event()\n"
            "client.set_event_callback(lambda event: came.set())\n"
            "other = Client(config)\n"  # an event: a peer
            "assert came.wait(90)\n"
            "print('end', flush=True)\n")

    def test_while_the_callback_runs(self):
        self.ends(
            "client, came = Client(config), threading.Event()\n"
            "def slow(event):\n"
            "    came.set(); time.sleep(600)\n"
            "client.set_event_callback(slow)\n"
            "other = Client(config)\n"
            "assert came.wait(90)\n"
            "print('end', flush=True)\n")

    def test_while_a_call_runs(self):
        self.ends(
            "client, runs = Client(config), threading.Event()\n"
            "client.call('identity.create')\n"
            "def call():\n"
            "    runs.set(); client.call('network.wait', peers=900, deadline_ms=600000)\n"
            "threading.Thread(target=call, daemon=True).start()\n"
            "runs.wait()\n"
            "print('end', flush=True)\n")

    def test_with_a_node_and_a_file(self):
        path = os.path.join(self.directory, "a.db")
        script = (
            "import json\n"
            "config = {'store': json.loads(sys.argv[2]), 'network': {'listen': ['/ip4/127.0.0.1/tcp/0']}}\n"
            "client = Client(config)\n"
            "print((client.stored_identity or client.identity.create().identity).public_key)\n")
        store = '{"path": "%s", "passphrase": "p", "kdf": {"memory_kib": %d, "iterations": 1, "parallelism": 1}}' % (
            path, CHEAP["memory_kib"])
        ends = [run(script, store) for _ in range(2)]
        self.assertEqual([(e.stderr, e.returncode) for e in ends], [("", 0)] * 2)
        self.assertEqual(ends[0].stdout, ends[1].stdout)  # nothing was lost


class Diagnostics(TestCase):
    def test_counts(self):
        watcher = self.memory()
        before = watcher.call("diagnostics.get")
        self.assertEqual(before["strings_held"], 0)
        clients = [self.memory() for _ in range(5)]
        self.assertEqual(watcher.call("diagnostics.get")["clients_open"], before["clients_open"] + 5)
        for client in clients:
            client.close()
        after = watcher.call("diagnostics.get")
        self.assertEqual(after["clients_open"], before["clients_open"])
        self.assertGreaterEqual(after["clients_unread"], 5)
        for client in clients:  # what they left unread can be read, up to the end
            events = []
            with self.assertRaises(Error) as end:
                while True:
                    events.append(client.next_event(0).type)
            self.assertEqual((events[-1], end.exception.code), ("closed", "bad_client"))
        self.assertEqual(watcher.call("diagnostics.get")["clients_unread"], after["clients_unread"] - 5)

    @unittest.skipUnless(LINUX, "reads /proc")
    def test_no_leak(self):
        """Many calls, with and without errors: strings, clients and descriptors stay."""
        client = self.memory()
        identity(client)
        held = lambda: (client.call("diagnostics.get")["strings_held"], len(os.listdir("/proc/self/fd")))  # noqa: E731
        before = held()
        for n in range(3000):
            client.call("chats.list")
            with self.assertRaises(Error):
                client.call("identity.get", no_such_field=n)
        for now, then in zip(held(), before):
            self.assertLessEqual(now, then)  # nodes of earlier tests may still be closing descriptors


if __name__ == "__main__":
    unittest.main()
