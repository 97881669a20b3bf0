"""Calls and clients leave no memory behind. STATUS1TO1_CALLS sets how many calls, of which a
thousandth is the number of clients."""

import gc
import os
import sys
import unittest

from helpers import Error, TestCase, identity, status1to1
from status1to1 import Client

CALLS = int(os.environ.get("STATUS1TO1_CALLS", "100000"))
CLIENTS = max(10, CALLS // 1000)

#: What may be added after the warm-up, in bytes: the heap of Go breathes, and its collector runs
#: when it has doubled. A leak of ten bytes a call is 10 MB in a million calls.
SLACK = 4_000_000


def resident():
    """Memory that this process occupies, in bytes."""
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@unittest.skipUnless(sys.platform.startswith("linux"), "reads /proc")
class Flat(TestCase):
    def flat(self, what, count, once):
        """Does something many times; after a fifth of them memory has reached its size. It may grow
        once: Go takes back what it had given to the system. What leaks grows each time."""
        for n in range(count // 5):
            once(n)
        grown = []
        while len(grown) < 3 and (not grown or grown[-1] >= SLACK):
            before = resident()
            for n in range(count - count // 5):
                once(n)
            after = resident()
            if "STATUS1TO1_CALLS" in os.environ:
                print(f"{count} {what}: {before / 1e6:.1f} MB after a fifth, {after / 1e6:.1f} MB at the end", file=sys.stderr)
            grown.append(after - before)
        self.assertLess(grown[-1], SLACK, grown)

    def test_calls(self):
        client = self.memory()
        identity(client)
        while client.next_event(0.1):
            pass

        def once(n):
            if n % 4 == 0:
                client.chats.list(limit=10)
            elif n % 4 == 1:
                client.next_event(0)
            elif n % 4 == 2:
                client.call("identity.get")
            else:
                try:
                    client.call("identity.get", no_such_field=n)
                except Error:
                    pass

        self.flat("calls", CALLS, once)
        self.assertEqual(client.diagnostics.get().strings_held, 0)

    def test_clients(self):
        config = {"store": {"kind": "memory"}, "network": {"kind": "memory", "memory": {"name": self.id()}}}
        callbacks = status1to1._connection._callbacks
        descriptors, called = len(os.listdir("/proc/self/fd")), len(callbacks)

        def once(n):
            with Client(config) as client:
                client.identity.create()
                client.next_event(0)
                if n % 3 == 0:
                    client.set_event_callback(lambda event: None)

        self.flat("clients", CLIENTS, once)
        self.assertLessEqual(len(os.listdir("/proc/self/fd")), descriptors)  # an earlier test's may close meanwhile
        self.assertEqual(len(callbacks), called)


if __name__ == "__main__":
    unittest.main()
