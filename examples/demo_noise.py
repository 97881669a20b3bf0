#!/usr/bin/env python3
"""The demonstration of device pairing: two devices, each a process of its own.

The phone is the C program (examples/c/chat), the laptop the Python program
(examples/python/chat.py), each with an encrypted store and a Waku relay node on
127.0.0.1. The laptop shows an invitation, the phone scans it, both show an authcode. This
script is the user: it compares the two and confirms on both devices. Then a file of 1 MB
goes from the phone to the laptop; in the middle of a larger one, back, the phone is
killed and started again. It ends with an error if anything is missing.

    demo_noise.py CHAT_PROGRAM
"""

import hashlib
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from demo import Failure, Person, free_port  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
MEGABYTE = 1_000_000
BAR = 30  # characters


def say(text):
    print(text, flush=True)


def start(name, command, directory, port, peers=()):
    """Starts a device; its data directory is below directory."""
    data = directory / name
    data.mkdir(mode=0o700, exist_ok=True)
    options = ["--plain", "--data", ".", "--name", name, "--listen", f"/ip4/127.0.0.1/tcp/{port}"]
    for peer in peers:
        options += ["--peer", peer]
    device = Person(name, command + options, data, dict(os.environ, STATUS1TO1_PASSPHRASE="the demo's passphrase"))
    try:
        device.until_ready()
    except BaseException:
        device.kill()
        raise
    return device


def make_file(path, size, seed):
    """Writes a file of random bytes and gives its SHA-256."""
    content = random.Random(seed).randbytes(size)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def pair(phone, laptop):
    """Shows an invitation on the laptop, scans it on the phone, compares and confirms."""
    laptop.type("/pair")
    invitation = laptop.wait("its invitation", "invitation")[2]
    say(f"The laptop shows an invitation, here as text instead of a QR code:\n  {invitation}")
    phone.type("/scan " + invitation)
    codes = [device.wait("the authcode", "authcode")[2] for device in (phone, laptop)]
    for device, code in zip((phone, laptop), codes):
        say(f"  {device.name:>6}  authcode  {code[:4]} {code[4:]}")
    if codes[0] != codes[1] or len(codes[0]) != 8 or not codes[0].isdigit():
        raise Failure("the devices show different authcodes")
    for device in (phone, laptop):
        device.type("/confirm")
    for device, other in ((phone, laptop), (laptop, phone)):
        if device.wait("being paired", "paired")[2] != other.key:
            raise Failure(f"{device.name} is paired with somebody else")
    say("They are the same: confirmed on both, and the two are paired.\n")


def progress(name, fields):
    """One line of progress; 0 for nothing moved yet."""
    moved, size = int(fields[3]), int(fields[4])
    bar = "#" * (moved * BAR // size)
    say(f"  {name:>6}  [{bar:.<{BAR}}] {moved * 100 // size:3}%  {moved / 1e6:.2f} of {size / 1e6:.2f} MB")
    return moved


def arrived(receiver, sender, digest, directory, size):
    """Prints the progress of the receiver until the file is there, and checks it."""
    begun, moved, last = time.monotonic(), 0, None
    while True:
        fields = receiver.wait("the file")
        if fields[0] == "progress" and fields[2] == "in":
            moved, before = progress(receiver.name, fields), moved
            if moved < before:
                raise Failure("the transfer went back")
        elif fields[0] == "transfer_done" and fields[2] == "in":
            last = fields
            break
        elif fields[0] == "transfer_failed":
            raise Failure(f"the transfer failed: {fields[3]}")
    if moved != size:
        raise Failure("no progress was shown up to the end")
    if sender.wait("the receipt", "transfer_done")[2] != "out":
        raise Failure(f"{sender.name} got something instead of the receipt")
    content = (directory / receiver.name / last[4]).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if len(content) != size or found != digest or last[3] != "0x" + digest:
        raise Failure(f"what arrived is not what was sent: {found}")
    say(f"  {receiver.name} has all {len(content):,} bytes; SHA-256 {found}: right ({time.monotonic() - begun:.1f} s)")


def run(program, directory):
    ports = {"phone": free_port(), "laptop": free_port()}
    commands = {"phone": [program], "laptop": [sys.executable, "-B", str(HERE / "python" / "chat.py")]}
    devices = {}
    try:
        say("Starting a phone (C) and a laptop (Python), each with an identity, a store and a Waku node.")
        devices["phone"] = phone = start("phone", commands["phone"], directory, ports["phone"])
        devices["laptop"] = laptop = start("laptop", commands["laptop"], directory, ports["laptop"], [phone.address])
        pair(phone, laptop)

        digest = make_file(directory / "picture.jpg", MEGABYTE, 1)
        say(f"The phone sends {MEGABYTE:,} bytes. SHA-256 {digest}")
        phone.type(f"/sendfile {directory / 'picture.jpg'}")
        arrived(laptop, phone, digest, directory, MEGABYTE)

        size = 16 * MEGABYTE
        digest = make_file(directory / "backup.bin", size, 2)
        say(f"\nThe laptop sends {size:,} bytes, and the phone is killed in the middle.")
        laptop.type(f"/sendfile {directory / 'backup.bin'}")
        progress("phone", phone.wait("the file", "progress"))
        phone.kill()
        say("   phone  is killed, and started again from its store")
        devices["phone"] = phone = start("phone", commands["phone"], directory, ports["phone"])
        arrived(phone, laptop, digest, directory, size)

        laptop.type("/unpair")
        phone.wait("being told that they are not paired any more", "pairing_ended")
        say("\nThe laptop has ended the pairing, and the phone was told.")
        for device in devices.values():
            device.stop()
    finally:
        for device in devices.values():
            device.kill()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.stdout.reconfigure(errors="replace")
    directory = pathlib.Path(tempfile.mkdtemp(prefix="status1to1-noise-"))
    begun = time.monotonic()
    try:
        run(str(pathlib.Path(sys.argv[1]).resolve()), directory)
    except Failure as failure:
        sys.exit(f"\nThe demo failed: {failure}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"All is well. ({time.monotonic() - begun:.0f} s)")


if __name__ == "__main__":
    main()
