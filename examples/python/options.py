"""The command line of chat.py, and the passphrase: a part of chat.py."""

import argparse
import os
import sys

import status1to1

# Exit codes.
DONE, FAILED, WRONG, WAITS, UNDELIVERED, INTERRUPTED = 0, 1, 2, 3, 4, 130

WAIT = 60  # seconds --wait waits if not told
LONGEST_WAIT = 86400  # a day
SHORTEST = 8  # characters of a new passphrase that is typed
TRIES = 3  # to type a new passphrase twice alike

USAGE = """\
usage: %(prog)s --data DIR [OPTION]...
  --data DIR              where the encrypted store is; made when missing
  --to WHO                whom to write to: a name, a chat key or a Status link
  --listen MULTIADDRESS   where others can connect to you: /ip4/0.0.0.0/tcp/60000.
                          Without it nobody can, and you connect to --peer
  --peer MULTIADDRESS     a peer to keep connected, with /p2p/...; may be repeated
  --light                 save traffic: let --peer relay for you, as a phone does
  --name NAME             your display name, at the first start
  --restore               at the first start, bring an identity back from its seed
                          phrase: it is asked for, or the first line of stdin
  --import FILE           at the first start, bring an identity back from a backup;
                          STATUS1TO1_BACKUP_PASSPHRASE opens it, or is asked for
  --new-device            at the first start, have no identity: /pair this device
                          with one of yours, which gives it all it knows by /sync
  --passphrase-file FILE  the first line of FILE opens the store
  --passphrase-fd N       the first line of file descriptor N does
  --passphrase TEXT       for tests only: everybody on this machine sees it in ps
  --send TEXT             send TEXT to --to, and end once it is sent
  --wait [SECONDS]        with --send: end once it is delivered; 60 if not told
  --editor NAME           auto: GNU readline edits the line you type, or none
  --plain                 one line an event, tab-separated, for programs
  --version
  --help
Without a --passphrase option it is STATUS1TO1_PASSPHRASE, or asked for.
Exit codes: 0 done; 1 an error; 2 the command line or --to is wrong; 3 messages
still wait to be sent or acknowledged (they are stored; the next start goes on);
4 a message failed; 130 interrupted before the start.
"""


class Parser(argparse.ArgumentParser):
    """An argument parser with our own text."""

    def format_help(self):
        return USAGE % {"prog": self.prog}

    def format_usage(self):
        return self.format_help()


def seconds(text):
    """A number of seconds, in reason."""
    number = int(text)
    if not 1 <= number <= LONGEST_WAIT:
        raise ValueError
    return number


def version():
    return f"%(prog)s of libstatus1to1 {status1to1.info().version}"


def read(arguments=None):
    """The options. A wrong command line ends the program."""
    parser = Parser(allow_abbrev=False)
    for name in ("--to", "--listen", "--passphrase-file", "--passphrase", "--send"):
        parser.add_argument(name)
    parser.add_argument("--data", default="")
    parser.add_argument("--name", default="")
    parser.add_argument("--peer", action="append", default=[])
    parser.add_argument("--passphrase-fd", type=int)
    parser.add_argument("--wait", nargs="?", type=seconds, const=WAIT)
    parser.add_argument("--editor", choices=("auto", "none"), default="auto")
    parser.add_argument("--import", dest="backup")
    parser.add_argument("--new-device", action="store_true")
    parser.add_argument("--restore", action="store_true")
    parser.add_argument("--light", action="store_true")
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--version", action="store_true")
    options = parser.parse_args(arguments)
    if options.version:
        print(version() % {"prog": parser.prog})
        sys.exit(DONE)
    if not options.data:
        parser.error("--data is missing")
    if options.send is not None and not options.to:
        parser.error("--send needs --to")
    if options.wait is not None and options.send is None:
        parser.error("--wait needs --send")
    return options


def fail(message, code=FAILED):
    """Ends the program before it has begun."""
    print(f"chat.py: {message}", file=sys.stderr)
    sys.exit(code)


def first_line(file, name):
    """The first line of a file that holds a passphrase."""
    try:
        with open(file, "rb") as opened:
            return opened.readline().rstrip(b"\r\n").decode("utf-8")
    except OSError as error:
        return fail(f"the passphrase cannot be read from {name}: {error.strerror}")
    except UnicodeDecodeError:
        return fail(f"the passphrase in {name} is not UTF-8")


def new_passphrase(screen, what):
    """A new passphrase, typed twice alike; None if there is none."""
    for _ in range(TRIES):
        typed = screen.ask(f"{what}, at least {SHORTEST} characters: ", hidden=True)
        if typed is None:
            return None
        if len(typed) < SHORTEST:
            screen.tell("That is too short.")
            continue
        again = screen.ask("Once more: ", hidden=True)
        if again is None or again == typed:
            return again
        screen.tell("They are not the same.")
    return None


def passphrase(options, screen, path):
    """What opens the store at path."""
    if options.passphrase_fd is not None:
        return first_line(options.passphrase_fd, f"descriptor {options.passphrase_fd}")
    if options.passphrase_file is not None:
        return first_line(options.passphrase_file, options.passphrase_file)
    if options.passphrase is not None:
        return options.passphrase
    given = os.environ.get("STATUS1TO1_PASSPHRASE")
    if given:
        return given
    if not screen.can_ask():
        fail("no passphrase: give --passphrase-file, --passphrase-fd or STATUS1TO1_PASSPHRASE")
    if os.path.exists(path):
        typed = screen.ask("Passphrase: ", hidden=True)
    else:
        typed = new_passphrase(screen, "A passphrase for the new store")
    if screen.signals.ended:
        sys.exit(INTERRUPTED)
    return typed or fail("no passphrase was typed")


def configuration(options, screen):
    """What Client takes; it makes the data directory."""
    try:
        os.makedirs(options.data, mode=0o700, exist_ok=True)
    except OSError as error:
        fail(f"the directory {options.data} cannot be made: {error.strerror}")
    path = os.path.join(options.data, "chat.db")
    network = {"peers": options.peer}
    if options.light:
        network["mode"] = "light"
    if options.listen is not None:
        network["listen"] = [options.listen]
    return {"store": {"path": path, "passphrase": passphrase(options, screen, path)}, "network": network}
