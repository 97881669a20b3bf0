"""The binding in an asyncio event loop."""

import asyncio
import gc
import threading
import time
import unittest
import warnings

from helpers import ENGINE, PATIENCE, TestCase, status1to1
from status1to1 import AsyncClient, Error, NetworkError
from status1to1.events import Closed, MessageReceived


class Async(TestCase):
    def config(self, name="a"):
        memory = {"kind": "memory", "memory": {"name": self.id()}}
        return {"store": {"kind": "memory"}, "network": memory, "engine": ENGINE}

    def run_async(self, main):
        return asyncio.run(asyncio.wait_for(main, PATIENCE))

    def test_chat(self):
        async def first_text(client):
            async for event in client.events():
                if isinstance(event, MessageReceived):
                    return event.message.text

        async def main():
            async with AsyncClient(self.config()) as alice, AsyncClient(self.config()) as bob:
                self.assertIsNone(alice.stored_identity)
                await alice.identity.create()
                to = (await bob.identity.create()).identity.chat_key
                receiving = asyncio.ensure_future(first_text(bob))
                sent = await alice.messages.send(to, text="one")
                self.assertEqual((await alice.call("messages.get", message_id=sent.message_id))["text"], "one")
                return await receiving

        self.assertEqual(self.run_async(main()), "one")

    def test_events_are_cancelled_and_begun_again(self):
        async def main():
            async with AsyncClient(self.config()) as client:
                while await client.next_event(0.2):
                    pass
                before = threading.active_count()
                for _ in range(50):
                    waiting = [asyncio.ensure_future(client.next_event()) for _ in range(3)]
                    await asyncio.sleep(0)
                    for task in waiting:
                        task.cancel()
                    ended = await asyncio.gather(*waiting, return_exceptions=True)
                    self.assertTrue(all(isinstance(error, asyncio.CancelledError) for error in ended))
                self.assertEqual(threading.active_count(), before)
                begun = time.monotonic()
                self.assertIsNone(await client.next_event(0.1))
                self.assertGreater(time.monotonic() - begun, 0.09)
                waiting = asyncio.ensure_future(client.next_event())
                await asyncio.sleep(0.05)
                async with AsyncClient(self.config()):  # a peer comes, which is an event
                    self.assertEqual((await waiting).type, "peer_changed")

        self.run_async(main())

    def test_close_ends_every_iteration(self):
        async def read(client):
            return [event async for event in client.events()]

        async def main():
            client = AsyncClient(self.config())
            await client.open()
            reading = [asyncio.ensure_future(read(client)) for _ in range(3)]
            await asyncio.sleep(0.05)
            await client.close()
            await client.close()
            found = sum(await asyncio.gather(*reading), [])
            self.assertEqual([event for event in found if event.type == "closed"], [event for event in found if isinstance(event, Closed)])
            self.assertEqual(sum(event.type == "closed" for event in found), 1)
            with self.assertRaises(Error):
                await client.identity.get()

        self.run_async(main())

    def test_waiting_methods_are_cancelled(self):
        """The loop goes on meanwhile, and the end of the program waits for nothing."""
        async def main():
            async with AsyncClient(self.config()) as client:
                await client.identity.create()
                waiting = asyncio.ensure_future(client.network.wait(deadline_ms=600_000, peers=900))
                await asyncio.sleep(0.05)
                self.assertFalse(waiting.done())
                waiting.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await waiting
                with self.assertRaises(NetworkError) as caught:
                    await client.network.wait(deadline_ms=1, peers=900)
                self.assertEqual(caught.exception.code, "timeout")

        begun = time.monotonic()
        self.run_async(main())
        self.assertLess(time.monotonic() - begun, PATIENCE)

    def test_open_is_cancelled(self):
        """What nobody waits for any more does not stay open."""
        config = {"store": dict(self.store("slow.db"), kdf={"memory_kib": 65536, "iterations": 4, "parallelism": 1}),
                  "network": {"kind": "memory"}}

        async def main():
            opening = asyncio.ensure_future(AsyncClient(config).open())
            await asyncio.sleep(0.02)
            opening.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await opening

        watcher = self.memory()
        before = watcher.diagnostics.get().clients_open
        self.run_async(main())
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with status1to1.Client(config):
                    break
            except Error as error:
                self.assertEqual(error.code, "store_locked")
                time.sleep(0.05)
        else:
            self.fail("the store stays locked")
        self.assertEqual(watcher.diagnostics.get().clients_open, before)

    def test_open_twice_at_once(self):
        """One is refused: the other's client would stay open with nobody to close it."""
        async def main():
            client = AsyncClient(self.config())
            first, second = await asyncio.gather(client.open(), client.open(), return_exceptions=True)
            self.assertIsNone(first)
            self.assertIsInstance(second, RuntimeError)
            await client.close()

        watcher = self.memory()
        before = watcher.diagnostics.get().clients_open
        self.run_async(main())
        self.assertEqual(watcher.diagnostics.get().clients_open, before)

    def test_not_open(self):
        async def main():
            client = AsyncClient(self.config())
            with self.assertRaisesRegex(RuntimeError, "not open"):
                await client.identity.get()
            await client.close()

        self.run_async(main())

    def test_dropped_client(self):
        async def main():
            client = AsyncClient(self.config())
            await client.open()
            handle = client.handle
            with self.assertWarnsRegex(ResourceWarning, f"client {handle} was dropped"):
                del client
                gc.collect()
            library = status1to1._library
            library.result(library.take(library.lib.close(handle)))

        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            self.run_async(main())


if __name__ == "__main__":
    unittest.main()
