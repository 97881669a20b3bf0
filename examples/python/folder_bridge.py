#!/usr/bin/env python3
"""folder_bridge.py - a chat without a network: envelopes travel as files through two folders.

    folder_bridge.py alice.db from-alice from-bob
    folder_bridge.py bob.db from-bob from-alice zQ3sh...

The first folder is written to, the second read. What you type goes to who wrote last, or the person
named. STATUS1TO1_PASSPHRASE opens the store. folders.py takes more care, as of damaged files.
"""

import json
import os
import pathlib
import sys
import threading

from status1to1 import Client
from status1to1.events import EnvelopeOutgoing, MessageReceived
from status1to1.types import StoreConfig

LOOK = 0.2  # seconds between two looks into the folder


def publish(client: Client, event: EnvelopeOutgoing, folder: pathlib.Path) -> None:
    path = folder / f"{event.at}-{event.envelope_id[2:18]}"
    path.write_text(json.dumps(event.data))
    path.rename(path.with_suffix(".json"))  # the other side sees whole files only
    client.network.published(event.envelope_id)


def collect(client: Client, folder: pathlib.Path) -> None:
    for path in sorted(folder.glob("*.json")):
        client.call("network.deliver", envelopes=[json.loads(path.read_text())])
        path.unlink()  # what was to be kept of it is stored now


def send(client: Client, people: list[str]) -> None:
    for line in sys.stdin:
        client.messages.send(people[-1], text=line.rstrip("\n"))
    client.close()  # which ends the events


def main() -> None:
    outgoing, incoming, people = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4:]
    store: StoreConfig = {"path": sys.argv[1], "passphrase": os.environ["STATUS1TO1_PASSPHRASE"]}
    with Client({"store": store, "network": {"kind": "external"}}) as client:
        print(f"I am {(client.stored_identity or client.identity.create().identity).chat_key}", flush=True)
        threading.Thread(target=send, args=(client, people), daemon=True).start()
        while True:
            for event in client.events(timeout=LOOK):
                if isinstance(event, EnvelopeOutgoing):
                    publish(client, event, outgoing)
                elif isinstance(event, MessageReceived) and not event.message.outgoing:
                    people.append(event.message.chat_id)
                    print(event.message.text, flush=True)
                elif event.type == "closed":
                    return
            collect(client, incoming)

main()
