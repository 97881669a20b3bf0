#!/usr/bin/env python3
"""echo_bot.py - answers every message with its own text.

    echo_bot.py STORE [PEER...]

STORE is the file of its encrypted store, STATUS1TO1_PASSPHRASE opens it. Without a peer the bot
joins the network of the Status app; with peers, which are multiaddresses, it talks to those only.
"""

from __future__ import annotations

import os
import sys

from status1to1 import Client
from status1to1.events import ContactRequestReceived, Event, MessageReceived
from status1to1.types import Config


def answer(client: Client, event: Event) -> None:
    if isinstance(event, MessageReceived) and not event.message.outgoing and event.message.kind == "text":
        message = event.message
        # An event comes again if the bot ends before it is acknowledged. The client_ref is the same
        # then, so that nothing is echoed twice.
        client.messages.send(message.chat_id, text=message.text, reply_to=message.message_id, client_ref=message.message_id)
    elif isinstance(event, ContactRequestReceived):
        client.contacts.accept(event.contact.public_key)


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    config: Config = {
        "store": {"path": sys.argv[1], "passphrase": os.environ["STATUS1TO1_PASSPHRASE"]},
        "network": {"preset": "local", "peers": sys.argv[2:]} if sys.argv[2:] else {"preset": "status.prod"},
    }
    with Client(config) as client:
        if client.stored_identity is None:
            client.identity.create(display_name="Echo bot")
        print(f"I am {client.identity.get().chat_key}", flush=True)
        try:
            for event in client.events():
                answer(client, event)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
