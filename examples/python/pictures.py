"""QR codes: shown in the terminal, put into files, read from pictures. A part of chat.py."""

import base64
import os

#: How the names of pictures end that the library reads.
ENDINGS = (".png", ".jpg", ".jpeg")
MOST = 16 << 20  # bytes of a picture

#: White on black whatever the colours of the terminal are.
WHITE_ON_BLACK, USUAL = "\x1b[40;97m", "\x1b[0m"


def is_picture(argument):
    """Whether something typed is the name of a picture, and not a text: it ends like one, or
    there is such a file."""
    return argument.lower().endswith(ENDINGS) or os.path.exists(argument)


def takes_qr(path):
    """Whether Pictures.save can write to a path."""
    return path.lower().endswith((".png", ".svg"))


class Pictures:
    """Makes QR codes of texts, and texts of QR codes."""

    def __init__(self, client, show):
        self.client, self.show = client, show

    def lines(self, text):
        """A QR code in block characters, for people; "" if the text is too long for one."""
        if self.show.plain:
            return ""
        drawn = self.client.call("pictures.qr", text=text, format="terminal")["text"].splitlines()
        if not self.show.screen.terminal:
            return "\n".join(drawn)
        return "\n".join(WHITE_ON_BLACK + line + USUAL for line in drawn)

    def save(self, text, path):
        """Puts a QR code into a new file: SVG if its name says so, else PNG. Only its owner can
        read it: a contact card has a secret in it. False after a complaint."""
        svg = path.lower().endswith(".svg")
        drawn = self.client.call("pictures.qr", text=text, format="svg" if svg else "png")
        try:
            with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(drawn["text"].encode() if svg else base64.b64decode(drawn["data"]))
        except OSError as error:
            self.show.complain("file", f"{path} cannot be written: {error.strerror}")
            return False
        return True

    def bytes(self, path):
        """A picture in base64, or None after a complaint."""
        try:
            with open(path, "rb") as file:
                content = file.read(MOST + 1)
        except OSError as error:
            self.show.complain("file", f"{path} cannot be read: {error.strerror}")
            return None
        if len(content) > MOST:
            self.show.complain("file", f"{path} has more than 16 MiB")
            return None
        return base64.b64encode(content).decode()

    def text(self, argument):
        """What was typed, or what the QR code in the picture says that was named; None after
        a complaint."""
        if not is_picture(argument):
            return argument
        image = self.bytes(argument)
        return image and self.client.call("pictures.read_qr", image=image)["text"]
