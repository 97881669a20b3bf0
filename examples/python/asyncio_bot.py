#!/usr/bin/env python3
"""asyncio_bot.py - reminds people: "5 the tea" is answered with "the tea" after 5 seconds.

    asyncio_bot.py STORE [PEER...]

The arguments are those of echo_bot.py. Every reminder is a task of its own; the event loop waits
for the clock and for the library at once.
"""

from __future__ import annotations

import asyncio
import os
import sys

from status1to1 import AsyncClient, Error
from status1to1.events import MessageReceived
from status1to1.types import Config, Message


async def remind(client: AsyncClient, message: Message) -> None:
    seconds, _, text = message.text.partition(" ")
    try:
        await client.messages.react(message.message_id, emoji="👍")
        await asyncio.sleep(float(seconds))
        await client.messages.send(message.chat_id, text=text, client_ref=message.message_id)
    except ValueError:
        await client.messages.send(message.chat_id, text="Say for example: 300 the tea")
    except Error as error:
        print(f"{message.message_id}: {error}", file=sys.stderr)


async def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    config: Config = {
        "store": {"path": sys.argv[1], "passphrase": os.environ["STATUS1TO1_PASSPHRASE"]},
        "network": {"preset": "local", "peers": sys.argv[2:]} if sys.argv[2:] else {"preset": "status.prod"},
    }
    reminders: set[asyncio.Task[None]] = set()
    async with AsyncClient(config) as client:
        if client.stored_identity is None:
            await client.identity.create(display_name="Reminders")
        print(f"I am {(await client.identity.get()).chat_key}", flush=True)
        async for event in client.events():
            if isinstance(event, MessageReceived) and not event.message.outgoing:
                task = asyncio.create_task(remind(client, event.message))
                reminders.add(task)  # a loop holds no tasks
                task.add_done_callback(reminders.discard)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
