"""Two people chat on the memory network, with the package and the library of a wheel: what
tests/wheel.sh runs where there is no repository."""

import asyncio
import importlib.metadata
import pathlib
import sys

import status1to1
from status1to1.events import MessageReceived

CONFIG = {"store": {"kind": "memory"}, "network": {"kind": "memory"}}
PATIENCE = 30  # seconds


def chat():
    with status1to1.Client(CONFIG) as alice, status1to1.Client(CONFIG) as bob:
        alice.identity.create()
        alice.messages.send(bob.identity.create().identity.chat_key, text="Hello")
        return next(event.message.text for event in bob.events(timeout=PATIENCE) if isinstance(event, MessageReceived))


async def chat_in_a_loop():
    async with status1to1.AsyncClient(CONFIG) as alice, status1to1.AsyncClient(CONFIG) as bob:
        await alice.identity.create()
        await alice.messages.send((await bob.identity.create()).identity.chat_key, text="Hello")
        async for event in bob.events(timeout=PATIENCE):
            if isinstance(event, MessageReceived):
                return event.message.text


def main():
    home = pathlib.Path(status1to1.__file__).parent
    library = next(path for path in home.iterdir() if path.name.startswith("libstatus1to1."))
    assert chat() == asyncio.run(chat_in_a_loop()) == "Hello"
    maps = pathlib.Path("/proc/self/maps")
    assert not maps.exists() or str(library) in maps.read_text(), "another library was loaded"
    if sys.argv[1:] != ["unpacked"]:
        version = pathlib.Path("VERSION").read_text().strip()
        assert importlib.metadata.version("status1to1") == status1to1.__version__ == status1to1.info().version == version
        found = {str(file) for file in importlib.metadata.files("status1to1")}
        for name in ("status1to1/py.typed", "licenses/LICENSE-MIT", "licenses/THIRD-PARTY.md"):
            assert any(file.endswith(name) for file in found), name
    print(f"wheel: two people chat with Python {sys.version.split()[0]} from {home.parent}")


if __name__ == "__main__":
    main()
