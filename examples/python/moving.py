"""What one device knows, for another one: backups, and syncs with a paired device. A part
of chat.py."""

import os

from options import new_passphrase

#: The commands of backups and syncs, as commands.COMMANDS has them.
COMMANDS = (
    ("sync", "[accept|pause|resume|cancel]", "offer the paired device all that is here, or take what it offers"),
    ("syncs", "", "what /sync has given and taken"),
    ("export", "FILE", "write a backup of everything but the keys of this device"),
    ("import", "FILE", "add what is in a backup to what is here"),
)
BAR = 30  # characters
ENVIRONMENT = "STATUS1TO1_BACKUP_PASSPHRASE"


def count(people, messages):
    """Numbers of people and messages in words."""
    return f"{people} {'person' if people == 1 else 'people'} and {messages} {'message' if messages == 1 else 'messages'}"


class Moving:
    """The commands and events of backups and syncs."""

    def __init__(self, chat):
        self.chat, self.client, self.show, self.say = chat, chat.client, chat.show, chat.show.say

    def run(self, command, argument):
        """Runs a command of COMMANDS."""
        if command == "syncs":
            self.list()
        elif command == "export":
            self.export(argument)
        elif command == "import":
            self.take_in(argument)
        elif not argument:
            pairing = self.chat.pairing.newest("paired")
            if pairing:
                self.tell(self.client.call("devices.sync", pairing_id=pairing))
        elif argument in ("accept", "pause", "resume", "cancel"):
            sync = self.open(argument)
            if sync:
                self.tell(self.client.call("devices.sync_" + argument, sync_id=sync))
        else:
            self.chat.commands.wrong("sync")

    # ---- backups ----

    def passphrase(self, new):
        """That of a backup; None after a complaint."""
        given = os.environ.get(ENVIRONMENT)
        if given:
            return given
        if not self.chat.screen.can_ask():
            self.show.complain("terminal", f"that needs a terminal, or {ENVIRONMENT}")
            return None
        if new:
            return new_passphrase(self.chat.screen, "A passphrase for the backup")
        return self.chat.screen.ask("The passphrase of the backup: ", hidden=True) or None

    def opens(self):
        """The passphrase of the store, which a backup asks for: it shows the seed phrase. None
        after a complaint."""
        given = os.environ.get("STATUS1TO1_PASSPHRASE")
        if given:
            return given
        if not self.chat.screen.can_ask():
            self.show.complain("terminal", "that needs a terminal, or STATUS1TO1_PASSPHRASE")
            return None
        return self.chat.screen.ask("The passphrase of the store: ", hidden=True) or None

    def export(self, path):
        store = self.opens()
        passphrase = store and self.passphrase(True)
        if passphrase:
            result = self.client.call("store.export", path=path, passphrase=passphrase, store={"passphrase": store})
            contents = result["contents"]
            people, messages = contents["people"], contents["messages"]
            self.say(["exported", path, str(people), str(messages)],
                     f"({path} has {count(people, messages)}; keep its passphrase: without it nobody can read the backup)")

    def take_in(self, path):
        """Imports a backup; False after a complaint."""
        passphrase = self.passphrase(False)
        if not passphrase:
            return False
        added = self.client.call("store.import", path=path, passphrase=passphrase)["new"]
        people, messages = added["people"], added["messages"]
        self.say(["imported", path, str(people), str(messages)], f"(new: {count(people, messages)})")
        return True

    # ---- syncs ----

    def open(self, verb):
        """The id of the newest sync that may be accepted, or is not over; None after a
        complaint."""
        syncs = [s for s in self.client.call("devices.syncs")["syncs"] if s["state"] in ("offered", "running")]
        if verb == "accept":
            syncs = [s for s in syncs if s["state"] == "offered" and not s["offers"]]
        if not syncs:
            self.show.complain("sync_state", "nothing was offered" if verb == "accept" else "no sync is under way")
            return None
        return syncs[-1]["sync_id"]

    def tell(self, sync):
        paused = sync["paused_here"] or sync["paused_there"]
        pause = paused * (", paused here (/sync resume)" if sync["paused_here"] else ", paused there")
        way = "out" if sync["offers"] else "in"
        self.say(["sync", sync["sync_id"], way, sync["state"] + " paused" * paused],
                 f"  {sync['sync_id']}  {'given' if sync['offers'] else 'taken'}, {sync['state']}{pause}:"
                 f" {sync['moved']} of {sync['total']}")

    def list(self):
        for sync in self.client.call("devices.syncs")["syncs"]:
            self.tell(sync)
        self.say(["sync_end"], None)

    # ---- events ----

    def on_event(self, kind, data):
        """Handles an event of syncs and reports whether it is one."""
        handler = getattr(self, "on_" + kind, None)
        if handler:
            handler(data)
        return handler is not None

    def on_sync_offered(self, data):
        sync = data["sync"]
        self.say(["sync_offered", sync["sync_id"]], f"(the paired device offers all it knows, {sync['total']} things: /sync accept)")

    def on_sync_changed(self, data):
        if self.show.plain:
            self.tell(data["sync"])

    def on_sync_progress(self, data):
        moved, total, way = data["moved"], max(data["total"], data["moved"], 1), "out" if data["offers"] else "in"
        if self.show.plain:
            self.say(["sync_progress", data["sync_id"], way, str(moved), str(total)], None)
            return
        bar = "#" * (moved * BAR // total)
        self.show.screen.put_over(f"  {'giving' if data['offers'] else 'taking'} [{bar:.<{BAR}}] {moved} of {total}")

    def on_sync_done(self, data):
        sync = data["sync"]
        self.say(["sync_done", sync["sync_id"], str(sync["moved"])],
                 "(the other device knows all that is here)" if sync["offers"] else "(all that the other device knows is here)")

    def on_sync_failed(self, data):
        sync = data["sync"]
        self.say(["sync_failed", sync["sync_id"], sync.get("cause", ""), sync.get("by", "")],
                 f"! the sync has ended: {sync.get('cause', '')} ({sync.get('by', '')})")

    def on_identity_received(self, _):
        chat_key = self.client.call("identity.get")["chat_key"]
        self.say(["me", chat_key], f"You are {chat_key}, on this device, too")
