"""How programs use the types. mypy checks it and nobody runs it: each mistake is marked with the
error it must be, and mypy tells of marks without one."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from status1to1 import AsyncClient, Client, Error, Event, StoreError, info, schema, types
from status1to1.events import MessageReceived, MessageState

config: types.Config = {
    "store": {"path": Path("alice.db"), "key": bytes(32), "kdf": {"memory_kib": 64, "iterations": 1, "parallelism": 1}},
    "network": {"kind": "memory", "memory": {"name": "x", "loss": 0.1}},
}


def right(client: Client) -> str:
    identity: Optional[types.IdentityInfo] = client.stored_identity
    if identity is None:
        identity = client.identity.create(words=12).identity
    message = client.messages.send(
        identity.chat_key, text="x", mentions=[{"from": 0, "length": 1, "key": "0x"}],
        attachments=[{"data": b"..."}],
    )
    for event in client.events(timeout=1.5):
        if isinstance(event, MessageReceived):
            print(event.message.text.upper(), event.message.from_, event.message.attachments[0].size + 1)
        elif isinstance(event, MessageState):
            print(event.state, event.message_id)
    client.events.ack(7)
    client.set_event_callback(lambda event: print(event.seq))
    waiting: Optional[Event] = client.next_event(0)
    try:
        client.call("messages.send", to="x", anything=1)["message_id"]
    except StoreError as error:
        print(error.code, error.retryable, waiting, schema()["methods"])
    return message.message_id + info().version


async def right_async(client: AsyncClient) -> bytes:
    async with client:
        async for event in client.events():
            if isinstance(event, MessageReceived):
                await client.messages.send(event.message.chat_id, text="x")
        return (await client.pictures.qr("x")).data or b""


def wrong(client: Client) -> None:
    client.messages.send(text="nobody")  # type: ignore[call-arg]
    client.messages.send("x", txt="y")  # type: ignore[call-arg]
    client.messages.send("x", text=b"y")  # type: ignore[arg-type]
    client.messages.send("x", "y")  # type: ignore[misc]
    client.messages.send("x", mentions=[{"from": 0}])  # type: ignore[typeddict-item]
    client.messages.sent("x")  # type: ignore[attr-defined]
    client.messages.get("x").text = "y"  # type: ignore[misc]
    client.identity.create(words="12")  # type: ignore[arg-type]
    client.identity.get().phrase  # type: ignore[attr-defined]
    len(client.messages.get("x").reply_to)  # type: ignore[arg-type]
    Client({"store": {"file": "x"}})  # type: ignore[typeddict-unknown-key]
    Client({"network": {}})  # type: ignore[typeddict-item]
    client.messages.send("x", kind="no_such")  # type: ignore[arg-type]
    client.pictures.qr("x", format="gif")  # type: ignore[arg-type]
    print(client.messages.get("x").state == "deliverd")  # type: ignore[comparison-overlap]
    try:
        client.store.check()
    except Error as error:
        print(error.code == "store_lockd")  # type: ignore[comparison-overlap]
    raise Error("x")  # type: ignore[arg-type]


async def wrong_async(client: AsyncClient) -> None:
    client.messages.get("x").text  # type: ignore[attr-defined]
    for event in client.events():  # type: ignore[attr-defined]
        print(event)
