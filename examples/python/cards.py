"""Contact cards: what one device shows and another takes a picture of. A part of chat.py."""

import time

from pictures import is_picture, takes_qr

#: The commands of cards, as commands.COMMANDS has them.
COMMANDS = (
    ("card", "[noise] [NAME.png|NAME.svg]", "your contact card as a QR code, here or in a file"),
    ("add-card", "CARD|PICTURE", "add and verify whose card it is, and write to them"),
)


class Cards:
    """The commands of cards."""

    def __init__(self, chat):
        self.chat, self.client, self.show, self.say = chat, chat.client, chat.show, chat.show.say

    def run(self, command, argument):
        """Runs a command of COMMANDS."""
        if command == "card":
            word, _, rest = argument.partition(" ")
            noise = word == "noise"
            path = rest.strip() if noise else argument
            if path and not takes_qr(path):
                self.chat.commands.wrong("card")
            else:
                self.own("noise" if noise else "x3dh", path)
        else:
            self.add(argument)

    def own(self, key_exchange, path):
        card = self.client.call("identity.card", key_exchange=key_exchange)
        if path and not self.chat.pictures.save(card["card"], path):
            return
        until = time.strftime("%Y-%m-%d %H:%M", time.localtime(card["expires_at"] / 1000))
        text = f"(your card is in {path}" if path else f"{self.chat.pictures.lines(card['card'])}\nAs a link: {card['link']}\n("
        self.say(["card", card["card"], card["link"], path],
                 f"{text}{'; ' if path else ''}show it only to those it is for: whoever sees it can use it until {until})")

    def add(self, argument):
        if is_picture(argument):
            image = self.chat.pictures.bytes(argument)
            added = image and self.client.call("contacts.add_card", image=image)
        else:
            added = self.client.call("contacts.add_card", card=argument)
        if not added:
            return
        contact = added["contact"]
        self.chat.begin_with(contact["public_key"])
        name = self.chat.people.of(contact)
        self.say(["card_added", contact["public_key"], contact["chat_key"], contact["trust"], added["key_exchange"]],
                 f"({name} is in the address book and {contact['trust']}, and you now write to {name})")
