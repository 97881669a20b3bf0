"""Real Waku nodes on loopback and real store files."""

import os
import subprocess
import sys
import unittest

from helpers import BINDING, PATIENCE, SOMEBODY, Client, Error, TestCase, free_port, identity


class Nodes(TestCase):
    def pair(self):
        alice = self.waku("alice.db")
        address = alice.call("network.status")["listen_addresses"][0]
        bob = self.waku("bob.db", peers=[address])
        return alice, bob, identity(alice, "Alice"), identity(bob, "Bob")

    def online(self, *clients):
        for client in clients:
            status = client.call("network.wait", peers=1, deadline_ms=PATIENCE * 1000)
            self.assertEqual(status["state"], "online")

    def test_both_ways(self):
        alice, bob, a, b = self.pair()
        self.online(alice, bob)
        for text in ("hello", "😀 שלום", "x" * 4000):
            message = alice.call("messages.send", to=b["chat_key"], text=text)
            self.assertEqual(self.received(bob, text)["message_id"], message["message_id"])
            self.until_delivered(alice, message)
            message = bob.call("messages.send", to=a["chat_key"], text=text + "!")
            self.received(alice, text + "!")
            self.until_delivered(bob, message)

    def test_restart(self):
        """Both stop and start again: same identity, history and session."""
        ports = {"alice": free_port(), "bob": free_port()}
        alice = self.waku("alice.db", ports["alice"])
        address = alice.call("network.status")["listen_addresses"][0]
        bob = self.waku("bob.db", ports["bob"], [address])
        a, b = identity(alice), identity(bob)
        self.until_delivered(alice, alice.call("messages.send", to=b["chat_key"], text="one"))
        self.until_delivered(bob, bob.call("messages.send", to=a["chat_key"], text="two"))
        session = [s["session_id"] for s in alice.call("sessions.list")["sessions"]]
        alice.close()
        bob.close()

        alice = self.waku("alice.db", ports["alice"])
        self.assertEqual(alice.stored_identity.chat_key, a["chat_key"])
        # The node keeps its key, so others reach it at the same address.
        self.assertEqual(alice.call("network.status")["listen_addresses"][0], address)
        waiting = alice.call("messages.send", to=b["chat_key"], text="three")  # nobody is there yet
        bob = self.waku("bob.db", ports["bob"], [address])
        self.received(bob, "three")
        self.until_delivered(alice, waiting)
        self.until_delivered(bob, bob.call("messages.send", to=a["chat_key"], text="four"))
        history = bob.call("messages.list", key=a["chat_key"])["items"]
        self.assertEqual([m["text"] for m in history], ["four", "three", "two", "one"])
        self.assertEqual([s["session_id"] for s in alice.call("sessions.list")["sessions"]], session)
        self.assertEqual(alice.call("store.check")["problems"], [])

    def test_connect_and_disconnect(self):
        alice, bob = self.waku("alice.db"), self.waku("bob.db")
        a, b = identity(alice), identity(bob)
        message = alice.call("messages.send", to=b["chat_key"], text="later")
        self.assertEqual(bob.call("network.status")["peers"], [])
        address = alice.call("network.status")["listen_addresses"][0]
        bob.call("network.connect", address=address)
        self.received(bob, "later")
        self.until_delivered(alice, message)
        peer = alice.call("network.status")["peer_id"]
        self.assertIn(peer, [p["peer_id"] for p in bob.call("network.status")["peers"]])
        bob.call("network.disconnect", peer_id=peer)
        self.wait(bob, "network_changed", lambda d: d["state"] == "offline")
        for bad in ("", "localhost", "/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1/p2p/" + peer, "x" * 10000):
            self.fails("bad_address", "address", bob.call, "network.connect", address=bad)
        self.assertTrue(a)

    def test_port_in_use(self):
        port = free_port()
        self.waku("alice.db", port)
        config = {"store": self.store("bob.db"), "network": {"listen": [f"/ip4/127.0.0.1/tcp/{port}"]}}
        self.fails("port_in_use", "network.listen", Client, config)
        # Nothing was harmed: the store opens with another port.
        self.waku("bob.db")

    def test_unreachable_peer(self):
        alice = self.waku("alice.db")
        peer = alice.call("network.status")["listen_addresses"][0]
        alice.close()
        bob = self.waku("bob.db", peers=[peer])
        identity(bob)
        bob.call("messages.send", to=SOMEBODY, text="is anybody there?")
        changed = self.wait(bob, "peer_changed", lambda d: d.get("error"))
        self.assertEqual((changed["peer_id"], changed["connected"]), (peer.split("/")[-1], False))
        error = self.fails("timeout", "deadline_ms", bob.call, "network.wait", deadline_ms=50)
        self.assertTrue(error.retryable)
        self.assertEqual(bob.call("network.status")["state"], "offline")
        self.assertEqual(bob.call("store.check")["problems"], [])


class Stores(TestCase):
    def open_store(self, store):
        return self.open({"store": store, "network": {"kind": "memory", "memory": {"name": self.id()}}})

    def config(self, store):
        return {"store": store, "network": {"kind": "memory", "memory": {"name": self.id()}}}

    def test_wrong_passphrase_and_change(self):
        client = self.open_store(self.store("a.db"))
        identity(client)
        self.fails("wrong_passphrase", "passphrase", client.call, "store.change_passphrase", passphrase="nonsense", new_passphrase="better")
        client.call("store.change_passphrase", passphrase="correct horse", new_passphrase="better")
        client.close()
        error = self.fails("wrong_passphrase", "store.passphrase", Client, self.config(self.store("a.db")))
        self.assertNotIn("horse", str(error))
        client = self.open_store(self.store("a.db", "better"))
        self.assertIsNotNone(client.stored_identity)
        self.assertEqual(client.call("store.check")["problems"], [])

    def test_key_instead_of_passphrase(self):
        store = {"path": os.path.join(self.directory, "k.db"), "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
        client = self.open_store(store)
        identity(client)
        client.close()
        with self.assertRaises(Error) as caught:
            Client(self.config(dict(store, key="A" * 43 + "=")))
        self.assertEqual(caught.exception.code, "wrong_passphrase")
        self.assertIsNotNone(self.open_store(store).stored_identity)

    def test_opened_twice(self):
        self.open_store(self.store("a.db"))
        self.fails("store_locked", "store.path", Client, self.config(self.store("a.db")))
        script = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from status1to1 import Client, Error\n"
            "try:\n"
            "    Client({'store': {'path': sys.argv[2], 'passphrase': 'correct horse'}, 'network': {'kind': 'memory'}})\n"
            "except Error as error:\n"
            "    print(error.code, error.field)\n"
        )
        out = subprocess.run([sys.executable, "-B", "-c", script, BINDING, self.store("a.db")["path"]],
                             stdout=subprocess.PIPE, encoding="utf-8", timeout=PATIENCE, check=True).stdout
        self.assertEqual(out.strip(), "store_locked store.path")

    def test_damaged_file(self):
        path = self.store("a.db")["path"]
        with open(path, "wb") as file:
            file.write(b"this is no store" * 5000)
        with self.assertRaises(Error) as caught:
            Client(self.config(self.store("a.db")))
        self.assertEqual(caught.exception.code, "store_corrupt")

    def test_missing_directory(self):
        store = dict(self.store("a.db"), path=os.path.join(self.directory, "no", "a.db"))
        self.fails("store_io", "store.path", Client, self.config(store))

    def test_suspend_and_resume(self):
        client = self.open_store(self.store("a.db"))
        me = identity(client)
        client.call("store.suspend")
        self.fails("store_suspended", "", client.call, "chats.list")
        # The file is free meanwhile: somebody may copy it, or open it.
        with open(self.store("a.db")["path"], "rb") as file:
            self.assertTrue(file.read(16))
        client.call("store.resume")
        self.assertEqual(client.call("identity.get"), me)
        self.assertEqual(client.call("chats.list")["items"], [])

    def test_nothing_readable_in_the_file(self):
        client = self.open_store(self.store("a.db"))
        created = client.call("identity.create", display_name="Wilhelmina")
        client.call("contacts.add", key=SOMEBODY, name="Bartholomew")
        client.call("messages.send", to=SOMEBODY, text="a conspicuous sentence")
        client.close()
        with open(self.store("a.db")["path"], "rb") as file:
            raw = file.read()
        for secret in ("Wilhelmina", "Bartholomew", "conspicuous", "correct horse", SOMEBODY[2:], created["phrase"],
                       created["identity"]["public_key"][2:], created["identity"]["chat_key"]):
            self.assertNotIn(secret.encode(), raw, secret)
        self.assertNotIn(bytes.fromhex(SOMEBODY[4:68]), raw)


class Silence(TestCase):
    def test_nothing_on_stdout_and_stderr(self):
        """A program that opens, chats and closes real nodes prints nothing."""
        script = (
            "import sys; sys.path.insert(0, sys.argv[1])\n"
            "from status1to1 import Client\n"
            "listen = {'listen': ['/ip4/127.0.0.1/tcp/0']}\n"
            "a = Client({'store': {'kind': 'memory'}, 'network': listen})\n"
            "peer = a.call('network.status')['listen_addresses'][0]\n"
            "b = Client({'store': {'kind': 'memory'}, 'network': dict(listen, peers=[peer])})\n"
            "a.call('identity.create'); key = b.call('identity.create')['identity']['chat_key']\n"
            "a.call('messages.send', to=key, text='psst')\n"
            "while b.next_event(60).type != 'message_received': pass\n"
            "a.close(); b.close()\n"
        )
        run = subprocess.run([sys.executable, "-B", "-c", script, BINDING],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", timeout=4 * PATIENCE)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, "", ""))

    def test_logs_go_to_the_file(self):
        path = os.path.join(self.directory, "x.log")
        client = self.open({"store": {"kind": "memory"}, "network": {"listen": ["/ip4/127.0.0.1/tcp/0"]},
                            "log": {"level": "debug", "file": path, "events": True}})
        created = client.call("identity.create")
        client.close()
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        for secret in created["phrase"].split():
            self.assertNotIn(f" {secret} ", text)


if __name__ == "__main__":
    unittest.main()
