"""What the library tells, as lines on the screen: a part of chat.py."""

from people import tame
from status1to1 import Error


class Events:
    """Handles events. What is printed of others is tamed by Show and by People."""

    def __init__(self, chat):
        self.chat, self.client, self.show, self.people = chat, chat.client, chat.show, chat.people
        self.say = chat.show.say
        self.befriended = None  # the contact that was told of last

    def take(self):
        """Handles what waits; False when the client has ended."""
        while True:
            event = self.client.next_event(0)
            if event is None:
                return True
            if event.type == "closed":
                return False
            self.on_event(event)

    def on_event(self, event):
        handler = getattr(self, "on_" + event.type, None)
        if handler is not None:
            handler(event.data)
        elif not self.chat.moving.on_event(event.type, event.data):
            self.chat.pairing.on_event(event.type, event.data)
        if event.seq:
            self.client.call("events.ack", up_to=event.seq)

    # ---- messages ----

    def on_message_received(self, data):
        """Shows a message. It is read if it is of the chosen chat; others wait as unread."""
        message = data["message"]
        if message["message_id"] in self.show.seen:
            return
        self.show.message("message", message)
        if self.chat.to is None:
            self.chat.begin_with(message["chat_id"])
            if not self.show.plain:
                self.say([], f"(you now write to {self.people.who(self.chat.to, message.get('sender_name', ''))})")
        if message["chat_id"] == self.chat.to:
            self.client.call("chats.mark_read", key=message["chat_id"], up_to=message["message_id"])

    def on_message_changed(self, data):
        self.chat.messages.changed(data["message"], data["cause"])

    def on_chat_changed(self, data):
        self.chat.messages.chat_changed(data["chat"], data["cause"])

    def on_message_state(self, data):
        self.chat.delivery.on_state(data)
        waiting = data.get("waiting", "")
        if self.show.plain:
            why = data.get("failure") or waiting
            self.say(["state", data["message_id"], data["state"]] + ([why] if why else []), None)
        elif data["state"] != "queued" or waiting:
            why = f" ({data.get('failure', '')}; /retry tries again)" if data["state"] == "failed" else ""
            why = " (waits for a device of theirs to answer)" if waiting else why
            try:
                message = self.client.call("messages.get", message_id=data["message_id"])
            except Error:
                return  # it was taken back or deleted
            self.show.state(dict(message, state=data["state"]), why)

    # ---- people and devices ----

    def on_contact_request_received(self, data):
        self.show.request(data["contact"])

    def on_contact_changed(self, data):
        contact = data["contact"]
        key, mutual = contact["public_key"], contact["request"] == "mutual"
        news = f"({self.people.of(contact)} and you are contacts)" if mutual and key != self.befriended else None
        self.say(["contact_changed", key, contact["request"], contact["trust"]], news)
        if mutual:
            self.befriended = key
        if key == self.chat.to:
            self.chat.begin_with(key)  # they may have another name now

    def on_key_exchange_changed(self, data):
        key, kind, cause = data["public_key"], data["key_exchange"], data["cause"]
        why = {"card": "their card asks for it", "handshake": "their device has begun to"}.get(cause)
        self.say(["key_exchange_changed", key, kind, cause],  # what was typed here has had its answer
                 f"(messages to {self.people.who(key)} go by {kind} now, because {why})" if why else None)

    def on_device_found(self, data):
        device = data["device"]["installation_id"]
        hint = "" if data["device"]["enabled"] else f"\n /devices enable {device} if you know it"
        self.say(["device_found", device], f"(another device of yours: {device}{hint})")

    def on_device_changed(self, data):
        device, enabled = data["device"]["installation_id"], data["device"]["enabled"]
        state = "enabled" if enabled else "disabled"
        which = "this device" if data["device"]["this_device"] else f"your device {device}"
        self.say(["device_changed", device, state], f"({which} is now {state})")

    # ---- the network ----

    def on_network_changed(self, data):
        self.say(["network", data["state"]], f"(the network is {data['state']})")

    def on_peer_changed(self, data):
        if data.get("error") and not self.show.plain:
            self.say([], f"(peer {data['peer_id']}: {tame(data['error'])})")
