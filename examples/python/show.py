"""What lists and messages look like: a part of chat.py."""

from people import label, tame, tame_name
from said import MARKS, Said, cut
from status1to1 import Error

HISTORY_SHOWN = 10
MOST_SHOWN = 200  # messages of a history: one page
STATE_SHOWN = 40  # characters of a message whose state has changed
RESULTS = {"passed": "ok", "warning": "hmm", "failed": "BAD"}


class Show:
    """Shows things. say prints a line: fields for programs, or a text for people."""

    def __init__(self, client, screen, people, plain):
        self.client, self.screen, self.people, self.plain = client, screen, people, plain
        self.said = Said(client, people)
        self.seen = set()  # ids of the messages that a history has shown

    def say(self, plain, pretty):
        """Prints a line: tab-separated fields for programs, or a text for people."""
        text = "\t".join(plain) if self.plain else pretty
        if text is not None:
            self.screen.put(text)

    def complain(self, code, message, field=""):
        """Says what is wrong with what was typed."""
        self.say(["error", code, field, message], f"! {message}")

    def error(self, error):
        """Says what a call failed with."""
        where = f"{error.field}: " if error.field else ""
        self.say(["error", error.code, error.field, error.message], f"! {where}{error.message} ({error.code})")

    # ---- messages ----

    def message(self, kind, message, whose=""):
        """Prints a message: kind is why, for programs, and whose stands before it for people."""
        if self.plain:
            self.say([kind] + self.said.fields(message), None)
            return
        lines = self.said.lines(message)
        self.screen.put(whose + "\n".join(lines))

    def state(self, message, why=""):
        """How far a message of ours has come."""
        number = self.said.number(message["message_id"])
        self.screen.put(f"    #{number} {MARKS[message['state']]} {self.said.brief(message, STATE_SHOWN)}{why}")

    def history(self, key, count):
        """The last messages with somebody, oldest first."""
        items = self.client.call("messages.list", key=key, limit=min(count, MOST_SHOWN))["items"] if count else []
        for message in reversed(items):
            self.message("history", message)
        self.seen = {message["message_id"] for message in items}
        self.say(["history_end"], None)

    def chats(self, only=MOST_SHOWN, archived=False):
        """The conversations, the newest first, or those of the archive; the chats shown."""
        shown = self.client.call("chats.list", limit=only, archived=archived)["items"]
        for chat in shown:
            name = self.people.who(chat["chat_id"])
            last = self.said.brief(chat["last_message"], STATE_SHOWN) if "last_message" in chat else ""
            self.say(["chat", chat["chat_id"], chat["chat_key"], name, str(chat["unread"]), str(chat["messages"]),
                      str(chat["mentions"])] + self.standing(chat), f"  {name}{self.news(chat)}  {last}")
        self.say(["chat_end"], None if shown else "(nothing is archived)" if archived
                 else "(no conversation yet: /to WHO begins one)")
        return shown

    @staticmethod
    def standing(chat):
        """How the user has set a chat aside."""
        return [word for word, flag in (("marked", "marked_unread"), ("muted", "muted"), ("archived", "archived")) if chat[flag]]

    def news(self, chat):
        """What is to be known of a chat before its last message."""
        unread = f"  {chat['unread']} unread" if chat["unread"] else "  unread" if chat["marked_unread"] else ""
        named = f", {chat['mentions']} name{'s' if chat['mentions'] == 1 else ''} you" if chat["mentions"] else ""
        aside = [word for word in self.standing(chat) if word != "marked"]
        return unread + named + (f"  ({', '.join(aside)})" if aside else "")

    # ---- people ----

    def contacts(self):
        for contact in self.people.every("contacts.list"):
            name, trust = self.people.of(contact), contact["trust"]
            self.say(["contact", contact["chat_key"], name, trust], f"  {contact['chat_key']}  {name} ({trust})")

    def request(self, contact):
        name = self.people.of(contact)
        self.say(["request", contact["public_key"], contact["chat_key"], name],
                 f"({name} asks to be your contact: /accept {name} or /decline {name})")

    def requests(self):
        """Who asks to be a contact, and the strangers whose messages wait."""
        asking = [c for c in self.people.every("contacts.list") if c["request"] == "received"]
        for contact in asking:
            self.request(contact)
        asked = {contact["public_key"] for contact in asking}
        waiting = [chat for chat in self.strangers() if chat["chat_id"] not in asked]
        for chat in waiting:
            name, count = label(chat["name"], chat["chat_key"]), chat["messages"]
            self.say(["stranger", chat["chat_id"], chat["chat_key"], name, str(count)],
                     f"  {name}, a stranger, has written {count}: /add {chat['chat_key']} shows it")
        self.say(["request_end"], None if asking or waiting else "(nobody asks)")

    def strangers(self):
        try:
            return list(self.people.every("chats.list", requests=True))
        except Error as error:
            if error.code != "unknown_field":  # a library that keeps no such chats
                raise
            return []

    def safety_number(self, key, code):
        """What to compare with somebody; code makes lines of a text."""
        number = self.client.call("contacts.safety_number", key=key)["safety_number"]
        self.say(["safety_number", number],
                 f"Compare with what {self.people.who(key)} sees:\n  {number}\n{code(number)}\n"
                 "If it is the same, /verify and the number they read out, or a photo of their code.")

    # ---- ourselves ----

    def me(self):
        link = self.client.call("profile.get")["link"]
        self.say(["link", link], f"You are {self.client.call('identity.get')['chat_key']}\nLink to you: {link}")

    def name(self):
        name = tame_name(self.client.call("identity.get")["display_name"])
        self.say(["name", name], f"You call yourself {name}" if name else "You have no name: /name NAME")

    def devices(self):
        for number, device in enumerate(self.client.call("devices.list")["devices"], 1):
            enabled = "enabled" if device["enabled"] else "disabled"
            whose = "this" if device["this_device"] else "other"
            name = tame_name(device["name"])
            self.say(["device", device["installation_id"], enabled, whose, name],
                     f"  {number}  {device['installation_id']}  {enabled}"
                     + (", this device" if device["this_device"] else "") + (f"  {name}" if name else ""))
        self.say(["device_end"], None)

    def sessions(self):
        for session in self.client.call("sessions.list")["sessions"]:
            key, name, state, kind = session["public_key"], session["session_id"], session["state"], session["key_exchange"]
            self.say(["session", key, name, state, kind], f"  with {self.people.who(key)}: {name} ({state}, {kind})")
        self.say(["session_end"], None)

    def doctor(self):
        """What is wrong when messages do not travel. It may take some seconds."""
        if not self.plain:
            self.screen.put("(looking; that takes up to 20 seconds)")
        health = self.client.call("network.doctor")
        for check in health["checks"]:
            name, result, cause, remedy = check["name"], check["result"], tame(check["cause"]), tame(check.get("remedy", ""))
            advice = f"\n      -> {remedy}" if remedy and result != "skipped" else ""
            self.say(["check", name, result, cause, remedy], f"  {RESULTS.get(result, '-'):4}{name}: {cause}{advice}")
        word = "healthy" if health["healthy"] else "unhealthy"
        but = ", but" if health["healthy"] and any(c["result"] == "warning" for c in health["checks"]) else ":"
        self.say(["doctor", word, tame(health["summary"])], f"{word}{but} {tame(health['summary'])}")

    def network(self, peers):
        """Own addresses, and peers if asked to."""
        status = self.client.call("network.status")
        if peers:
            mode = " (light mode)" if status.get("mode") == "light" else ""
            self.say(["network", status["state"]], f"The network is {status['state']}{mode}")
        for address in status["listen_addresses"]:
            self.say(["address", address], f"Others reach you at {address}")
        if not status["listen_addresses"]:
            hint = "in light mode" if status.get("mode") == "light" else "give --listen"
            self.say(["no_address"], f"Nobody can connect to you ({hint}), but you connect to others.")
        for peer in status["peers"] if peers else []:
            state = "connected" if peer["connected"] else "not connected"
            self.say(["peer", peer["peer_id"], state], f"  peer {peer['peer_id']} {state}")
