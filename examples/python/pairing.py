"""Pairing with another device, and files to and from it: a part of chat.py."""

import base64
import json
import os

from people import tame_name

#: The commands of pairings, as commands.COMMANDS has them.
COMMANDS = (
    ("pair", "", "show an invitation to another device"),
    ("scan", "INVITATION|PICTURE", "answer the invitation that another device shows"),
    ("confirm", "", "both devices show the same authcode"),
    ("reject", "", "they do not"),
    ("sendfile", "PATH", "send a file to the paired device, up to 16 MiB"),
    ("paired", "", "the pairings"),
    ("unpair", "", "take an invitation back, or end the newest pairing"),
)
BAR = 30  # characters
UNDER_WAY = ("shown", "scanned", "compare")  # states of a pairing that pairing.cancel takes
MOST = 16 << 20  # bytes one transfer may have


class Pairing:
    """The commands and events of pairings."""

    def __init__(self, client, given, show, pictures):
        self.client, self.show, self.say, self.pictures = client, show, show.say, pictures
        self.data, self.new_device = given.data, given.new_device
        self.under_way = 0  # files sent that the other device does not have yet

    # ---- commands ----

    def newest(self, state):
        """The id of the newest pairing in a state, or None after a complaint."""
        ids = [p["pairing_id"] for p in self.client.call("pairing.list")["pairings"] if p["state"] == state]
        if not ids:
            self.show.complain("pairing_state", "no device is paired: begin with /pair or /scan" if state == "paired"
                               else "no pairing waits for its authcode to be compared")
        return ids[-1] if ids else None

    def run(self, command, argument):
        """Runs a command of COMMANDS."""
        if command == "pair":
            self.client.call("pairing.start", asks=True)
        elif command == "scan":
            invitation = self.pictures.text(argument)
            if invitation is not None:
                self.client.call("pairing.scan", invitation=invitation)
        elif command in ("confirm", "reject"):
            pairing = self.newest("compare")
            if pairing:
                self.client.call("pairing.confirm", pairing_id=pairing, same=command == "confirm")
        elif command == "paired":
            self.list()
        elif command == "unpair":
            self.end()
        else:
            self.send(argument)

    def end(self):
        """Takes back what is under way, or else ends the newest pairing there is."""
        pairings = self.client.call("pairing.list")["pairings"]
        for pairing in [p["pairing_id"] for p in pairings if p["state"] in UNDER_WAY]:
            self.client.call("pairing.cancel", pairing_id=pairing)
        if not any(p["state"] in UNDER_WAY for p in pairings):
            pairing = self.newest("paired")
            if pairing:
                self.client.call("pairing.discard", pairing_id=pairing)

    def list(self):
        for p in self.client.call("pairing.list")["pairings"]:
            device = p.get("peer", {}).get("installation_id", "")
            self.say(["pairing", p["pairing_id"], p["state"], device], f"  {p['pairing_id']}  {p['state']}  {device}")
        self.say(["pairing_end"], None)

    def send(self, path):
        pairing = self.newest("paired")
        if not pairing:
            return
        try:
            with open(path, "rb") as file:
                content = file.read(MOST + 1)
        except OSError as error:
            self.show.complain("file", f"the file cannot be read: {error.strerror}", "path")
            return
        if len(content) > MOST:
            self.show.complain("transfer_too_large", "the file has more than 16 MiB", "path")
            return
        sent = self.client.call("pairing.send", pairing_id=pairing, name=os.path.basename(path),
                                data=base64.b64encode(content).decode())
        self.under_way += 1
        self.say(["sending", sent["transfer_id"], json.dumps(sent["name"])], None)

    # ---- events ----

    def on_event(self, kind, data):
        """Handles an event of pairings and transfers; others it passes over."""
        handler = getattr(self, "on_" + kind, None)
        if handler:
            handler(data)

    def on_pairing_invitation(self, data):
        why = ("(that has expired; now it is)" if data["renewed"]
               else "Scan this with the other device, or type there, within half a minute:")
        self.say(["invitation", data["pairing_id"], data["invitation"]],
                 f"{why}\n{self.pictures.lines(data['invitation'])}\n\n  /scan {data['invitation']}\n")

    def on_pairing_authcode(self, data):
        code = data["authcode"]
        self.say(["authcode", data["pairing_id"], code],
                 f"Both devices must show\n\n      {code[:4]} {code[4:]}\n\nIf so, /confirm on both; otherwise /reject.")

    def on_pairing_paired(self, data):
        pairing = data["pairing"]
        own, key = pairing["peer"]["own"], pairing["peer"]["chat_key"]
        if own:
            text = "the devices are paired; /sendfile PATH sends a file, /sync all that is here"
        elif pairing["peer"]["provisional"]:
            text = "paired with a device that has no identity yet; /sync gives it yours, and all that is here"
        elif self.new_device:
            text = f"paired with a device of {key}; /sync there gives this one the identity, and all that is there"
        else:
            text = f"paired with a device of somebody else: {key}"
        self.say(["paired", pairing["pairing_id"], key, "own" if own else "other"], f"({text})")

    def on_pairing_failed(self, data):
        self.say(["pairing_failed", data["pairing_id"], data["cause"], data["by"]],
                 f"! the pairing failed: {data['cause']} ({data['by']})")

    def on_pairing_scanner_refused(self, data):
        self.say(["scanner_refused", data["pairing_id"], data["cause"]],
                 f"! somebody scanned the invitation in vain: {data['cause']}")

    def on_pairing_ended(self, data):
        self.say(["pairing_ended", data["pairing_id"], data["by"]], f"(the devices are no longer paired: {data['by']})")

    def on_transfer_offered(self, data):
        t = data["transfer"]
        self.say(["transfer_offered", t["transfer_id"], json.dumps(t["name"]), str(t["size"])],
                 f"({tame_name(t['name'])} comes, {t['size']} bytes)")

    def on_transfer_progress(self, data):
        outgoing, moved, size = data["outgoing"], data["moved"], data["size"]
        if self.show.plain:
            self.say(["progress", data["transfer_id"], "out" if outgoing else "in", str(moved), str(size)], None)
            return
        bar = "#" * (moved * BAR // size)
        line = (f"  {'sending  ' if outgoing else 'receiving'} [{bar:.<{BAR}}] {moved * 100 // size:3}%"
                f"  {moved / 1e6:.2f} of {size / 1e6:.2f} MB")
        self.show.screen.put_over(line)

    def on_transfer_done(self, data):
        t = data["transfer"]
        if t["outgoing"]:
            self.under_way -= 1
            self.say(["transfer_done", t["transfer_id"], "out", t["sha256"]], f"(the other device has {tame_name(t['name'])})")
            return
        path = self.save(t)
        self.say(["transfer_done", t["transfer_id"], "in", t["sha256"], path], f"(saved as {path})")

    def on_transfer_failed(self, data):
        t = data["transfer"]
        self.under_way -= t["outgoing"]
        self.say(["transfer_failed", t["transfer_id"], json.dumps(t["name"]), t["cause"]],
                 f"! {tame_name(t['name'])} did not get across ({t['cause']})")

    def save(self, transfer):
        """Puts a received transfer into a new file, and lets go of it. The name is the
        other device's choice: no part of it may lead elsewhere."""
        name = "".join("_" if c in "/\\" or c < " " else c for c in transfer["name"])[:60]
        number = 0
        while True:
            prefix = f"received-{number}-" if number else "received-"
            path = os.path.join(self.data, prefix + name)
            try:
                file = open(path, "xb")
                break
            except FileExistsError:
                number += 1
        at = 0
        with file:
            while at < transfer["size"]:
                part = self.client.call("transfers.read", transfer_id=transfer["transfer_id"], offset=at)
                file.write(base64.b64decode(part["data"]))
                at = part["next"]
        self.client.call("transfers.discard", transfer_id=transfer["transfer_id"])
        return path
