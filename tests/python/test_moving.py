"""Backups and syncs in both programs: what one device knows, another one takes in."""

import os
import unittest

from helpers import EACH, SOMEBODY
from test_examples import OTHER, Programs

SECRET = "the backup's passphrase"


class Moving(Programs):
    def setUp(self):
        super().setUp()
        os.environ["STATUS1TO1_BACKUP_PASSPHRASE"] = SECRET
        self.addCleanup(os.environ.pop, "STATUS1TO1_BACKUP_PASSPHRASE", None)

    def lines(self, program, typed, *options):
        return [line.split("\t") for line in self.run_with(program, typed, "--plain", *options).splitlines()]

    def rename(self, program, name):
        """Makes room for another start of a program with nothing."""
        os.rename(os.path.join(self.directory, program + " alone"), os.path.join(self.directory, name))

    def test_backup(self):
        """Either program writes one, the other begins with it and has the people."""
        for one, other in (("C", "Python"), ("Python", "C")):
            with self.subTest(writes=one):
                path = os.path.join(self.directory, f"backup of {one}")
                written = self.lines(one, f"/add {SOMEBODY} Some Body\n/add {OTHER} An Other\n/export {path}\n/export {path}\n/me\n")
                key = [line[1] for line in written if line[0] == "me"][0]
                self.assertEqual([line[1:3] for line in written if line[0] == "exported"], [[path, "2"]])
                self.assertEqual([line[1] for line in written if line[0] == "error"], ["file_io"])
                read = self.lines(other, f"/contacts\n/import {path}\n/export {path} 2\n", "--import", path)
                self.assertEqual([line[1] for line in read if line[0] == "me"], [key])
                self.assertEqual({line[2] for line in read if line[0] == "contact"}, {"Some Body", "An Other"})
                self.assertEqual([line[2] for line in read if line[0] == "imported"], ["2", "0"])
                again = self.lines(other, "/contacts\n", "--import", path)
                self.assertEqual([line[1] for line in again if line[0] == "error"], ["identity_exists"])
                os.environ["STATUS1TO1_BACKUP_PASSPHRASE"] = "wrong"
                self.assertEqual([line[1] for line in self.lines(other, f"/import {path}\n") if line[0] == "error"],
                                 ["wrong_passphrase"])
                os.environ["STATUS1TO1_BACKUP_PASSPHRASE"] = SECRET
                with open(path, "r+b") as file:
                    file.truncate(os.path.getsize(path) - 100)
                self.assertEqual([line[1] for line in self.lines(other, f"/import {path}\n") if line[0] == "error"],
                                 ["bad_archive"])
                for program in (one, other):
                    self.rename(program, f"{program} when {one} writes")

    def test_no_passphrase(self):
        del os.environ["STATUS1TO1_BACKUP_PASSPHRASE"]
        for program in EACH:
            with self.subTest(program=program):
                errors = [line[1] for line in self.lines(program, "/export x\n/import x\n") if line[0] == "error"]
                self.assertEqual(errors, ["terminal", "terminal"])

    def test_sync(self):
        """A device without an identity gets that of the other program, and all it knows."""
        for old, new in (("C", "Python"), ("Python", "C")):
            with self.subTest(old=old):
                giver = self.start(old)
                taker = self.start(new, "--new-device", "--peer", giver.address)
                self.assertEqual(taker.key, "")
                giver.type(f"/add {SOMEBODY} Some Body")
                giver.wait("the friend being added", "added")
                taker.type("/pair")
                giver.type("/scan " + taker.wait("the invitation", "invitation")[2])
                codes = {p.wait("the authcode", "authcode")[2] for p in (giver, taker)}
                self.assertEqual(len(codes), 1)
                for person in (giver, taker):
                    person.type("/confirm")
                for person in (giver, taker):
                    person.wait("being paired", "paired")
                giver.type("/sync")
                taker.wait("the offer", "sync_offered")
                taker.type("/sync accept")
                self.assertEqual(taker.wait("the identity", "me")[1], giver.key)
                for person, way in ((taker, "in"), (giver, "out")):
                    while True:
                        _, _, direction, moved, total = person.wait("all being moved", "sync_progress")
                        self.assertEqual(direction, way)
                        if moved == total:
                            break
                taker.type("/contacts")
                self.assertEqual(taker.wait("the friend", "contact")[2], "Some Body")
                # It stays open for what arrives meanwhile: here it is ended.
                taker.type("/sync pause")
                while taker.wait("the pause", "sync")[2:] != ["in", "running paused"]:
                    pass
                taker.type("/sync cancel")
                for person, by in ((taker, "local"), (giver, "remote")):
                    self.assertEqual(person.wait("the end", "sync_failed")[3], by)
                self.assertEqual([s[2] for s in giver.list("/syncs", "sync")], ["failed"])
                taker.type("/sync pause")
                with self.assertRaisesRegex(Exception, "sync_state"):
                    taker.wait("nothing", "sync_end")
                for person in (giver, taker):
                    person.stop()
                for program in (old, new):
                    os.rename(os.path.join(self.directory, program), os.path.join(self.directory, f"{program} from {old}"))


if __name__ == "__main__":
    unittest.main()
