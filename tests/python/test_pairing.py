"""Pairing of devices and transfers, over the built library."""

import base64
import hashlib
import os
import random
import unittest

from helpers import PATIENCE, TestCase, free_port, identity

NOBODY = "0x" + 32 * "0"


def content(size, seed=1):
    return random.Random(seed).randbytes(size)


class Pairing(TestCase):
    def meet(self, shower, scanner, asks):
        """One shows, the other scans; gives the pairing ids once both show the authcode."""
        shown = shower.call("pairing.start", asks=asks)
        self.assertEqual(self.wait(shower, "pairing_invitation")["invitation"], shown["invitation"])
        scanned = scanner.call("pairing.scan", invitation=shown["invitation"])
        codes = {self.wait(c, "pairing_authcode")["authcode"] for c in (shower, scanner)}
        self.assertEqual(len(codes), 1)
        self.assertRegex(codes.pop(), "^[0-9]{8}$")
        return shown["pairing_id"], scanned["pairing_id"]

    def pair(self, shower, scanner, asks=True):
        ids = self.meet(shower, scanner, asks)
        for client, pairing in zip((shower, scanner), ids):
            client.call("pairing.confirm", pairing_id=pairing, same=True)
        paired = [self.wait(c, "pairing_paired")["pairing"] for c in (shower, scanner)]
        self.assertEqual(paired[0]["session"]["id"], paired[1]["session"]["id"])
        self.assertEqual([p["asks"] for p in paired], [asks, not asks])
        return ids

    def read(self, client, transfer):
        data, at = b"", 0
        while at < transfer["size"]:
            part = client.call("transfers.read", transfer_id=transfer["transfer_id"], offset=at)
            data += base64.b64decode(part["data"])
            at = part["next"]
        return data

    def send(self, client, pairing, name, data):
        return client.call("pairing.send", pairing_id=pairing, name=name, data=base64.b64encode(data).decode())

    def arrived(self, client, name, data):
        done = self.wait(client, "transfer_done", lambda d: d["transfer"]["name"] == name)["transfer"]
        self.assertEqual(done["sha256"], "0x" + hashlib.sha256(data).hexdigest())
        self.assertEqual(self.read(client, done), data)
        return done

    def two(self):
        clients = self.memory(), self.memory()
        for client in clients:
            identity(client)
        return clients

    def test_both_roles(self):
        for asks in (True, False):
            with self.subTest(asks=asks):
                phone, laptop = self.two()
                p, q = self.pair(laptop, phone, asks)
                data = content(1_000_000)
                self.send(laptop, p, "picture.jpg", data)
                done = self.arrived(phone, "picture.jpg", data)
                self.wait(laptop, "transfer_done")
                self.assertEqual(laptop.call("transfers.list", pairing_id=p)["transfers"][0]["state"], "done")
                phone.call("transfers.discard", transfer_id=done["transfer_id"])
                self.assertEqual(phone.call("transfers.list", pairing_id=q)["transfers"], [])
                phone.call("pairing.discard", pairing_id=q)
                self.assertEqual(self.wait(laptop, "pairing_ended")["by"], "remote")
                for client in (phone, laptop):
                    self.assertEqual(client.call("store.check")["problems"], [])
                    client.close()

    def test_rejected_and_cancelled(self):
        one, other = self.two()
        p, q = self.meet(one, other, True)
        one.call("pairing.confirm", pairing_id=p, same=False)
        for client, by in ((one, "local"), (other, "remote")):
            failed = self.wait(client, "pairing_failed")
            self.assertEqual((failed["cause"], failed["by"]), ("pairing_rejected", by))
        self.assertEqual(other.call("pairing.get", pairing_id=q)["cause"], "pairing_rejected")
        error = self.fails("pairing_state", "pairing_id", one.call, "pairing.confirm", pairing_id=p, same=True)
        self.assertEqual(error.details["state"], "failed")
        p, q = self.meet(other, one, False)
        one.call("pairing.cancel", pairing_id=q)
        self.assertEqual(self.wait(other, "pairing_failed")["cause"], "pairing_cancelled")

    def test_scanned_twice(self):
        one, other = self.two()
        third = self.memory()
        identity(third)
        self.meet(one, other, True)
        invitation = one.call("pairing.list")["pairings"][0]
        self.assertNotIn("invitation", invitation)  # it is not shown any more
        p = one.call("pairing.start", asks=True)
        other.call("pairing.scan", invitation=p["invitation"])
        self.wait(one, "pairing_authcode", lambda d: d["pairing_id"] == p["pairing_id"])
        third.call("pairing.scan", invitation=p["invitation"])
        failed = self.wait(third, "pairing_failed")
        self.assertEqual((failed["cause"], failed["by"]), ("pairing_used", "remote"))
        self.assertEqual(self.wait(one, "pairing_scanner_refused")["cause"], "pairing_scanned_twice")

    def test_mistakes(self):
        one, other = self.two()
        self.fails("bad_invitation", "invitation", one.call, "pairing.scan", invitation="https://example.org")
        self.fails("bad_params", "pairing_id", one.call, "pairing.get", pairing_id="0x12")
        self.fails("not_found", "pairing_id", one.call, "pairing.get", pairing_id=NOBODY)
        self.fails("not_found", "transfer_id", one.call, "transfers.read", transfer_id="0x" + 50 * "0")
        p, _ = self.pair(one, other)
        for bad in ("x", "AAA", "AAAA\n", "____"):
            self.fails("bad_params", "data", one.call, "pairing.send", pairing_id=p, name="x", data=bad)
        self.fails("transfer_too_large", "data", self.send, one, p, "x", bytes((16 << 20) + 1))
        self.fails("transfer_too_large", "data", self.send, one, p, "x", bytes(17 << 20))
        self.fails("too_long", "name", self.send, one, p, 256 * "x", b"")
        largest = content(16 << 20)
        self.send(one, p, "largest", largest)
        self.arrived(other, "largest", largest)

    def test_over_nodes_with_restarts(self):
        """Real nodes and store files; either side stops in the middle of a transfer."""
        ports = {"phone": free_port(), "laptop": free_port()}
        phone = self.waku("phone.db", ports["phone"])
        address = phone.call("network.status")["listen_addresses"][0]
        laptop = self.waku("laptop.db", ports["laptop"], [address])
        for client in (phone, laptop):
            identity(client)
            client.call("network.wait", peers=1, deadline_ms=PATIENCE * 1000)
        p, q = self.pair(laptop, phone)
        data = content(12_000_000)
        self.send(phone, q, "backup.bin", data)
        self.wait(laptop, "transfer_progress")
        laptop.close()
        laptop = self.waku("laptop.db", ports["laptop"], [address])
        self.assertEqual(laptop.call("pairing.get", pairing_id=p)["state"], "paired")
        self.wait(laptop, "transfer_progress", lambda d: d["moved"] > 3_000_000)
        phone.close()
        phone = self.waku("phone.db", ports["phone"])
        self.arrived(laptop, "backup.bin", data)
        self.wait(phone, "transfer_done")
        self.assertEqual([c.call("store.check")["problems"] for c in (phone, laptop)], [[], []])
        for name in ("phone.db", "laptop.db"):
            with open(os.path.join(self.directory, name), "rb") as file:
                self.assertNotIn(data[5000:5032], file.read())


if __name__ == "__main__":
    unittest.main()
