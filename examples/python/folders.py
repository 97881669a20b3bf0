#!/usr/bin/env python3
"""folders.py - a chat without a network of its own: envelopes travel as files.

    folders.py --data ./alice --out ./from-alice --in ./from-bob
    folders.py --data ./bob --out ./from-bob --in ./from-alice --to zQ3sh...

Whatever is in --out has to come into --in of the other side: both may be the same folder,
or be carried by rsync, a file-sharing service or a memory stick. Files may be lost, come
twice or in any order. What you type goes to the person of --to, or to who wrote last.
STATUS1TO1_PASSPHRASE opens the store; without it you are asked.

The library is told {"network": {"kind": "external"}}. What is to be published comes as an
envelope_outgoing event, and network.published says that it is out; what has arrived goes
to network.deliver, and may be deleted once that has returned.
"""

import argparse
import getpass
import json
import os
import pathlib
import select
import sys
import time

from status1to1 import Client, Error

RESEND = 27.0  # seconds, as the library does it
POLL = 0.2  # seconds between two looks into the folder
AT_ONCE = 64  # envelopes in one call of network.deliver
UNFINISHED = 60  # seconds a file may be unreadable, because somebody still writes it


class Folders:
    """Carries the envelopes of a client through two folders."""

    def __init__(self, client, outgoing, incoming):
        self.client, self.outgoing, self.incoming = client, pathlib.Path(outgoing), pathlib.Path(incoming)
        for folder in (self.outgoing, self.incoming):
            folder.mkdir(parents=True, exist_ok=True)

    def publish(self, envelope):
        """Writes an envelope into a file, which appears under its name when it is whole."""
        answer = {"envelope_id": envelope["envelope_id"]}
        name = f"{time.time_ns():020d}-{envelope['envelope_id'][2:18]}.json"
        unfinished = self.outgoing / f".{name}.part"
        try:
            with open(unfinished, "w", encoding="utf-8") as file:
                json.dump(envelope, file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(unfinished, self.outgoing / name)
        except OSError as error:
            print(f"! {unfinished}: {error.strerror}", file=sys.stderr)
            answer["failure"] = "unavailable"  # the library asks again after a while
        self.client.call("network.published", **answer)

    def collect(self):
        """Delivers what has arrived, and deletes it then."""
        arrived = []
        for path in sorted(self.incoming.glob("[!.]*.json"))[:AT_ONCE]:
            try:
                arrived.append((path, json.loads(path.read_text(encoding="utf-8"))))
            except (OSError, ValueError):
                self.unreadable(path)
        while arrived:
            try:
                self.client.call("network.deliver", envelopes=[envelope for _, envelope in arrived])
                break
            except Error as error:
                if error.category != "request":
                    return  # the store cannot be written now: the files stay for the next time
                index = error.field.partition("[")[2].partition("]")[0]  # envelopes[3].payload
                if index or len(arrived) == 1:
                    self.put_aside(arrived.pop(int(index or 0))[0])
                else:  # too much for one call, or JSON the library does not take: half of it, the rest next time
                    arrived = arrived[: len(arrived) // 2]
        for path, _ in arrived:
            path.unlink()

    def unreadable(self, path):
        """Leaves a file alone that somebody may still be writing."""
        try:
            if time.time() - path.stat().st_mtime > UNFINISHED:
                self.put_aside(path)
        except OSError:
            pass  # it is gone

    @staticmethod
    def put_aside(path):
        """Renames a file that is no envelope, so that it is not looked at again."""
        os.replace(path, path.with_suffix(".bad"))
        print(f"! {path} is no envelope", file=sys.stderr)


class Chat:
    """The program: types what comes, sends what is typed."""

    def __init__(self, client, folders, to):
        self.client, self.folders, self.to = client, folders, to

    def on_event(self, event):
        data = event.data
        if event.type == "envelope_outgoing":
            self.folders.publish(data)
        elif event.type == "message_received":
            message = data["message"]
            if not message["outgoing"]:
                self.to = self.to or message["from"]
            print(f"{'you' if message['outgoing'] else message['from'][-8:]}: {tame(message['text'])}", flush=True)
        elif event.type == "message_state" and data["state"] in ("delivered", "failed"):
            print(f"({data['state']}: {data['message_id'][:10]})", flush=True)
        if event.seq:
            self.client.call("events.ack", up_to=event.seq)

    def say(self, text):
        try:
            if not self.to:
                print("! nobody has written yet: start with --to", flush=True)
            elif text:
                self.client.call("messages.send", to=self.to, text=text)
        except Error as error:
            print(f"! {error}", flush=True)

    def loop(self):
        """Runs until the end of stdin. The descriptor says when events wait; the folder is
        looked into now and then, since nothing portable says when a file has come."""
        looked, events = 0, self.client.event_fd()
        while True:
            ready = select.select([sys.stdin, events], [], [], POLL)[0]
            while events in ready:
                event = self.client.next_event(0)
                if event is None:
                    break
                self.on_event(event)
            if sys.stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self.say(line.strip())
            if time.monotonic() - looked >= POLL:
                looked = time.monotonic()
                self.folders.collect()


def tame(text):
    """The text of somebody else without what would control the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="the directory of the encrypted store")
    parser.add_argument("--out", required=True, help="the folder that envelopes are written to")
    parser.add_argument("--in", required=True, dest="incoming", help="the folder that envelopes arrive in")
    parser.add_argument("--to", help="whom to write to: a chat key or a Status link")
    parser.add_argument("--resend", type=float, default=RESEND, metavar="SECONDS",
                        help="repeat what nobody has acknowledged after that time, and later after longer ones; "
                             "take hours if somebody carries the files (%(default)s)")
    given = parser.parse_args()
    passphrase = os.environ.get("STATUS1TO1_PASSPHRASE") or getpass.getpass("Passphrase: ")
    os.makedirs(given.data, mode=0o700, exist_ok=True)
    config = {
        "store": {"path": os.path.join(given.data, "chat.db"), "passphrase": passphrase},
        "network": {"kind": "external"},
        "engine": {"resend_base_ms": int(given.resend * 1000)},
    }
    try:
        client = Client(config)
    except Error as error:
        sys.exit(f"folders.py: {error}")
    with client:
        # An identity of a test program needs no phrase: see chat.py for how to show it.
        identity = client.stored_identity or client.identity.create().identity
        folders = Folders(client, given.out, given.incoming)  # first: who reads the next line may use them
        print(f"You are {identity.chat_key}", flush=True)
        try:
            Chat(client, folders, given.to).loop()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
