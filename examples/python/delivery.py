"""What becomes of messages sent in this run: a part of chat.py."""

from options import DONE, UNDELIVERED, WAITS

#: Why nothing has become of a message that was just typed.
OFFLINE = "  (waits until somebody can be reached)"


class Delivery:
    """The messages that are under way."""

    def __init__(self, client, show):
        self.client, self.show = client, show
        self.waiting = set()  # ids of those that are not delivered
        self.unsent = set()  # of those that not even the network has
        self.failed = set()

    def begin(self, message):
        """Notes a message that was queued, and says so if it will stay queued."""
        self.waiting.add(message["message_id"])
        self.unsent.add(message["message_id"])
        if self.show.plain:
            self.show.message("message", message)
        elif self.client.call("network.status")["state"] != "online":
            self.show.state(message, OFFLINE)

    def on_state(self, data):
        """Follows a state of a message."""
        message, state = data["message_id"], data["state"]
        if state != "queued":
            self.unsent.discard(message)
        elif message in self.failed:  # it is tried again
            self.failed.discard(message)
            self.waiting.add(message)
            self.unsent.add(message)
        if state == "failed" and message in self.waiting:
            self.failed.add(message)
        elif state == "delivered":
            self.failed.discard(message)
        if state in ("delivered", "failed"):
            self.waiting.discard(message)

    def conclude(self, done):
        """Says what still waits, and gives the exit code; done if it need not be more
        than sent."""
        if self.waiting and not done:
            one = len(self.waiting) == 1
            what = "message waits" if one else "messages wait"
            self.show.say(["waiting", str(len(self.waiting))],
                          f"! {len(self.waiting)} {what} to be delivered: the next start goes on with {'it' if one else 'them'}")
        if self.failed:
            return UNDELIVERED
        return WAITS if self.waiting and not done else DONE
