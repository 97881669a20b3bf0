"""What is done to messages and chats: a part of chat.py."""

import os
import re
import shutil
import subprocess
import sys
import time

from people import tame_name
from said import duration
from status1to1 import Error

#: The commands of messages, as commands.COMMANDS has them.
COMMANDS = (
    ("reply", "N TEXT", "answer message N: the number after its #"),
    ("edit", "N TEXT", "replace the text of message N, one of yours"),
    ("delete", "N [everyone]", "delete message N for you, or one of yours for both"),
    ("react", "N EMOJI", "put an emoji under message N, or take it back"),
    ("pin", "N", "pin message N for both, or unpin it"),
    ("attach", "FILE [TEXT]", "send a picture or a recording"),
    ("open", "N", "show the picture or the recording of message N"),
    ("save", "N FILE", "put the picture or the recording into a new file"),
    ("search", "WORDS", "look for messages, the newest first"),
    ("unread", "", "mark the chosen chat as unread"),
    ("mute", "[MINUTES|off]", "be quiet about the chosen chat, for ever or for a while"),
    ("archive", "[off]", "put the chosen chat into the archive, or back"),
    ("clear", "", "erase the messages of the chosen chat on your devices"),
    ("timer", "[SECONDS|off]", "erase new messages of the chosen chat after a time"),
)
TAKES = {name for name, _, _ in COMMANDS}
FILES = {"attach", "save"}  # those that take the name of a file
FOUND, PAGES = 20, 10  # messages that a search shows, and pages that it looks at for them
EMOJI = "❤ 👍 👎 😂 😢 😠".split()  # the reactions of the Status app
OPENED = "opened"  # the folder in --data with what was opened


def plain_emoji(emoji):
    """An emoji without the sign that only asks for colours."""
    return emoji.replace("\ufe0f", "")


class Messages:
    """The commands of messages, and their events."""

    def __init__(self, chat):
        self.chat, self.client, self.show, self.said = chat, chat.client, chat.show, chat.show.said
        self.say, self.complain = chat.show.say, chat.show.complain

    def run(self, command, argument):
        """Runs a command of COMMANDS."""
        if command == "search":
            self.search(argument)
        elif command in ("unread", "mute", "archive", "clear", "timer", "attach"):
            if self.chat.commands.somebody():
                getattr(self, command)(*([argument] if command not in ("unread", "clear") else []))
        else:
            word, _, rest = argument.partition(" ")
            message_id, rest = self.said.id(word), rest.strip()
            if rest not in ("", "everyone") if command == "delete" else bool(rest) == (command in ("pin", "open")):
                self.chat.commands.wrong(command)
            elif message_id is None:
                self.complain("not_found", f"there is no message {tame_name(word)}: the number of a message is after its #")
            else:
                getattr(self, command)(message_id, rest)

    # ---- one message ----

    def begin(self, message):
        """Follows a message that was sent; people see what a typed line does not show."""
        self.chat.delivery.begin(message)
        if not self.show.plain:
            self.show.message("message", message)

    def reply(self, message_id, text):
        message = self.said.find(message_id)
        if message is None:
            self.complain("not_found", "this message is not here any more")
            return
        self.begin(self.client.call("messages.send", to=message["chat_id"], text=text, reply_to=message_id))

    def edit(self, message_id, text):
        self.client.call("messages.edit", message_id=message_id, text=text)

    def delete(self, message_id, whom):
        self.client.call("messages.delete", message_id=message_id, for_everyone=whom == "everyone")

    def react(self, message_id, emoji):
        message = self.client.call("messages.get", message_id=message_id)
        me = self.client.call("identity.get")["public_key"]
        retract = any(plain_emoji(r["emoji"]) == plain_emoji(emoji) and r["from"] == me for r in message.get("reactions", []))
        self.client.call("messages.react", message_id=message_id, emoji=emoji, retract=retract)

    def pin(self, message_id, _):
        message = self.client.call("messages.get", message_id=message_id)
        self.client.call("messages.pin", message_id=message_id, pinned=not message["pinned"])

    # ---- attachments ----

    def attach(self, argument):
        """Sends the file that is named at the beginning, and the text after it. Names have
        blanks in them."""
        words = argument.split(" ")
        for count in range(len(words), 0, -1):
            path = " ".join(words[:count])
            if os.path.isfile(path):
                text = " ".join(words[count:]).strip()
                self.begin(self.client.call(
                    "messages.send", to=self.chat.to, text=text,
                    attachments=[{"path": os.path.abspath(path), "name": os.path.basename(path)}]))
                return
        self.complain("file", f"there is no file {tame_name(argument)}")

    def attachments(self, message_id):
        """What is attached to a message; complains if that is nothing."""
        attachments = self.client.call("messages.get", message_id=message_id).get("attachments", [])
        if not attachments:
            self.complain("nothing", "nothing is attached to this message")
        return attachments

    def save(self, message_id, path):
        """Puts what is attached into new files: the first one has this name."""
        for number, attachment in enumerate(self.attachments(message_id)):
            root, end = os.path.splitext(path)
            self.write(attachment, path if number == 0 else f"{root}-{number + 1}{end}")

    def write(self, attachment, path):
        self.client.call("attachments.save", attachment_id=attachment["attachment_id"], path=os.path.abspath(path))
        self.say(["saved", attachment["attachment_id"], path], f"({self.said.attachment(attachment)}, saved as {path})")

    def open(self, message_id, _):
        """Shows what is attached, in the program that shows such files here."""
        folder = os.path.join(self.chat.given.data, OPENED)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        for attachment in self.attachments(message_id):
            name = os.path.basename(tame_name(attachment["name"])).lstrip(".") or "file"
            path = os.path.join(folder, attachment["attachment_id"][2:10] + "-" + name)
            if not os.path.exists(path):
                self.write(attachment, path)
            self.present(path)

    def present(self, path):
        """Opens a file, if there is a screen to show it on."""
        program = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
        screen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        if self.show.plain or not self.show.screen.terminal or not program or not screen:
            self.say(["opened", path], f"(it is in {path})")
            return
        subprocess.Popen([program, os.path.abspath(path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
        self.say(["opened", path], f"(opened {path})")

    # ---- search ----

    def search(self, words):
        found, page = [], {"next": ""}
        for _ in range(PAGES):  # one may have few messages, though there are more
            page = self.client.call("messages.search", query=words, limit=FOUND - len(found), cursor=page["next"])
            for person in page["people"]:
                name = self.chat.people.of(person)
                self.say(["found_person", person["public_key"], person["chat_key"], name], f"  {person['chat_key']}  {name}")
            found += page["items"]
            if not page["next"] or len(found) == FOUND:
                break
        for message in reversed(found):
            whose = "" if message["chat_id"] == self.chat.to else f"with {self.chat.people.who(message['chat_id'])}: "
            self.show.message("found", message, whose)
        more = "; there are more" if page["next"] else "" if page["complete"] else "; older messages are not in the index yet"
        self.say(["found_end", str(len(found))], f"({len(found)} found{more})" if found or more else "(nothing found)")

    # ---- the chosen chat ----

    def unread(self):
        self.client.call("chats.mark_unread", key=self.chat.to)

    def mute(self, argument):
        if argument and argument != "off" and not re.fullmatch("[0-9]{1,7}", argument):
            self.chat.commands.wrong("mute")
        elif argument in ("", "off"):
            self.client.call("chats.mute", key=self.chat.to, muted=argument != "off")
        else:
            until = int((time.time() + 60 * int(argument)) * 1000)
            self.client.call("chats.mute", key=self.chat.to, muted=True, until=until)

    def archive(self, argument):
        if argument not in ("", "off"):
            self.chat.commands.wrong("archive")
            return
        self.client.call("chats.archive", key=self.chat.to, archived=argument != "off")

    def clear(self):
        self.client.call("chats.clear", key=self.chat.to)

    def timer(self, argument):
        if argument and argument != "off" and not re.fullmatch("[0-9]{1,9}", argument):
            self.chat.commands.wrong("timer")
        elif argument:
            self.client.call("chats.timer", key=self.chat.to, seconds=0 if argument == "off" else int(argument))
        else:
            self.tell_timer(self.client.call("chats.get", key=self.chat.to))

    # ---- events ----

    def changed(self, message, cause):
        """A message that was shown, or could have been, is another one now."""
        if self.show.plain:
            self.say(["changed", cause] + self.said.fields(message), None)
            return
        number = self.said.number(message["message_id"])
        if cause == "reaction":
            self.say([], f"    #{number} {self.said.reactions(message) or '(no reaction)'}")
        elif cause == "expired":
            self.say([], f"(#{number} has disappeared)")
        elif cause == "pinned":
            self.say([], f"(#{number} is {'pinned' if message['pinned'] else 'no longer pinned'})")
        elif cause == "deleted":
            everyone = message["deleted"]["for_everyone"]
            self.say([], f"(#{number} was deleted{' for both' if everyone else ' for you'})")
        else:
            self.show.message("message", message)

    def chat_changed(self, chat, cause):
        name = self.chat.people.who(chat["chat_id"])
        if cause == "timer" and not self.show.plain:
            self.tell_timer(chat)
            return
        news = {
            "unread": "is marked as unread", "cleared": "is cleared", "deleted": "is deleted",
            "expired": "has lost messages whose time was over",
            "muted": "is muted" if chat["muted"] else "is no longer muted",
            "archived": "is archived" if chat["archived"] else "is no longer archived",
        }.get(cause)
        self.say(["chat_changed", chat["chat_id"], cause, str(chat["unread"]), str(chat.get("expires_in", 0))],
                 f"(the chat with {name} {news})" if news else None)

    def tell_timer(self, chat):
        name, seconds = self.chat.people.who(chat["chat_id"]), chat.get("expires_in", 0)
        self.say(["timer", chat["chat_id"], str(seconds)],
                 f"(new messages with {name} disappear {duration(seconds)} after they were written)" if seconds
                 else f"(messages with {name} stay)")

    # ---- completion ----

    def complete(self, command, before, word):
        """What a word may become after a command and what stands before it; None for the name
        of a file."""
        given = before.split()
        if command == "react" and len(given) == 1:
            return [emoji for emoji in EMOJI if emoji.startswith(word)]
        if command == "edit" and len(given) == 1 and not word:  # the text to change
            message_id = self.said.id(given[0])
            message = message_id and self.said.find(message_id)
            return [self.said.text(message)] if message else []
        if command in FILES and len(given) >= (1 if command == "save" else 0):
            return None
        return []
