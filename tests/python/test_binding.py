"""The Python binding as Python programs expect it."""

import copy
import dataclasses
import gc
import json
import multiprocessing
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref

from helpers import BINDING, PATIENCE, SOMEBODY, TestCase, identity, status1to1
from status1to1 import Client, Error, InternalError, NetworkError, RequestError, StoreError, errors, events, types

#: How long Ctrl-C may take, in seconds. Waits react within a tenth, or, where that fails, after a
#: minute at the earliest; the rest is for a busy machine.
PROMPT = 20

#: How long `import status1to1` may take, in seconds.
IMPORT = 0.15


def fail_in_child(config):
    """What a process of multiprocessing runs: its error travels back."""
    with Client(config) as client:
        client.call("identity.get")


class Errors(TestCase):
    def test_categories(self):
        """Every category of the library has a class, and every code is of one of them."""
        client = self.memory()
        for raised, function, named in (
            (errors.IdentityError, client.identity.get, {}),
            (RequestError, client.call, {"method": "no.such"}),
            (NetworkError, client.network.wait, {"deadline_ms": 0, "peers": 900}),
            (StoreError, Client, {"config": {"store": {"path": "/no/such/directory/x", "passphrase": "x"}}}),
        ):
            self.assertRaises(raised, function, **named)
        body = {"message": "", "retryable": False, "field": "", "details": {}}
        for entry in status1to1.schema()["x-error-codes"]:
            error = errors.error_of(dict(body, code=entry["code"], category=entry["category"]))
            self.assertEqual(type(error).__name__.lower(), entry["category"] + "error")
        later = errors.error_of(dict(body, code="x", category="of a later version"))
        self.assertEqual((type(later), later.code), (Error, "x"))
        self.assertTrue(issubclass(InternalError, Error))

    def test_errors_are_pickled(self):
        error = self.fails("no_identity", "", self.memory().call, "identity.get")
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            self.assertIs(type(again), errors.IdentityError)
            self.assertEqual(str(again), str(error))
            for name in ("code", "category", "message", "retryable", "field", "details"):
                self.assertEqual(getattr(again, name), getattr(error, name))

    def test_multiprocessing(self):
        config = {"store": {"kind": "memory"}, "network": {"kind": "memory"}}
        with multiprocessing.get_context("spawn").Pool(1) as pool, self.assertRaises(errors.IdentityError) as caught:
            pool.apply_async(fail_in_child, (config,)).get(PATIENCE)
        self.assertEqual(caught.exception.code, "no_identity")
        self.assertRaisesRegex(TypeError, "cannot be pickled", pickle.dumps, self.memory())


class Clients(TestCase):
    def test_dropped_client(self):
        config = {"store": {"kind": "memory"}, "network": {"kind": "memory", "memory": {"name": self.id()}}}
        client = Client(config)
        handle = client.handle
        with self.assertWarnsRegex(ResourceWarning, f"client {handle} was dropped"):
            del client  # no cycle holds it: it goes at once
        library = status1to1._library
        library.result(library.take(library.lib.close(handle)))
        with warnings.catch_warnings():
            warnings.simplefilter("error", ResourceWarning)
            with Client(config):
                pass
            self.assertRaises(Error, Client, {"store": {"kind": "nonsense"}})
            gc.collect()

    def test_path_like_and_bytes(self):
        path = pathlib.Path(self.directory) / "path-like.db"
        client = self.open({"store": {"path": path, "key": bytes(range(32))}, "network": {"kind": "memory"}})
        phrase = identity(client) and client.identity.phrase(key=bytes(range(32))).phrase
        self.assertTrue(path.exists())
        self.assertEqual(len(phrase.split()), 12)
        with self.assertRaisesRegex(TypeError, "a object has no form in JSON"):
            Client({"store": {"path": object()}})

    def test_use_after_close(self):
        client = self.memory()
        client.close()
        client.close()
        self.assertEqual(client.event_fd(), -1)
        self.assertEqual([event.type for event in client.events()][-1:], ["closed"])
        self.fails("bad_client", "client", client.next_event)
        self.assertEqual(list(client.events()), [])
        self.fails("bad_client", "client", client.identity.get)

    def test_deleted_identity_ends_the_events(self):
        client = self.memory()
        identity(client)
        ended = []
        thread = threading.Thread(target=lambda: ended.extend(client.events()))
        thread.start()
        client.identity.delete()
        thread.join(PATIENCE)
        self.assertEqual(ended[-1].type, "closed")


    def test_nul_in_a_method(self):
        client = self.memory()
        identity(client)
        for name in ("identity.get\0", "identity.get\0identity", "identity.get\ud800"):
            with self.assertRaises(RequestError) as caught:
                client.call(name)
            self.assertEqual(caught.exception.code, "unknown_method")


class Interrupted(TestCase):
    """Ctrl-C ends every wait of the main thread."""

    def interrupt(self, function, *arguments, **named):
        def ring():
            time.sleep(0.3)
            signal.raise_signal(signal.SIGINT) if sys.platform == "win32" else signal.pthread_kill(main, signal.SIGINT)

        main, begun = threading.main_thread().ident, time.monotonic()
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        thread = threading.Thread(target=ring)
        thread.start()
        self.assertRaises(KeyboardInterrupt, function, *arguments, **named)
        self.assertLess(time.monotonic() - begun, 0.3 + PROMPT)
        thread.join()

    def quiet(self):
        """A client whose events are read."""
        client = self.memory()
        identity(client)
        while client.next_event(0.2):
            pass
        return client

    def test_events(self):
        client = self.quiet()
        self.interrupt(client.next_event)
        self.interrupt(client.next_event, 60)
        self.interrupt(list, client.events())
        self.assertTrue(client.identity.get().chat_key)

    def test_methods_that_wait(self):
        client = self.quiet()
        self.interrupt(client.network.wait, peers=900, deadline_ms=60000)
        self.interrupt(client.call, "network.wait", peers=900, deadline_ms=60000)
        begun = time.monotonic()
        client.close()  # ends what has been left running
        self.assertLess(time.monotonic() - begun, PROMPT)

    def test_close_while_a_callback_hangs(self):
        client, over, came = self.memory(self.id()), threading.Event(), threading.Event()
        self.addCleanup(over.set)
        client.set_event_callback(lambda event: came.set() or over.wait(PATIENCE))
        self.memory(self.id())
        self.assertTrue(came.wait(PATIENCE))
        self.interrupt(client.set_event_callback, None)
        self.interrupt(client.close)

    def test_a_callback_set_in_spite_of_it_is_kept(self):
        """The library calls it from then on: a callback that was freed would end the process."""
        client, over, came, heard = self.memory(self.id()), threading.Event(), threading.Event(), threading.Event()
        self.addCleanup(over.set)
        client.set_event_callback(lambda event: came.set() or over.wait(PATIENCE))
        self.memory(self.id())
        self.assertTrue(came.wait(PATIENCE))

        def hear(event):
            heard.set()

        kept = weakref.ref(hear)
        self.interrupt(client.set_event_callback, hear)
        del hear
        over.set()
        for thread in threading.enumerate():
            if thread.name == "status1to1-call":
                thread.join(PATIENCE)
        time.sleep(0.2)  # until the events that waited were passed on
        gc.collect()
        self.assertIsNotNone(kept())
        heard.clear()
        identity(client)
        identity(self.memory(self.id()))
        self.assertTrue(heard.wait(PATIENCE))


class Records(TestCase):
    def test_typed_calls(self):
        alice, bob = self.memory(), self.memory()
        created = alice.identity.create(display_name="Alice")
        to = bob.identity.create().identity.chat_key
        self.assertIsInstance(created, types.CreateIdentityResult)
        sent = alice.messages.send(to, text="Hello", client_ref="1")
        self.assertEqual(sent, alice.messages.get(sent.message_id))
        self.assertEqual(sent.text, "Hello")
        with self.assertRaises(dataclasses.FrozenInstanceError):
            sent.text = "other"
        again = dataclasses.replace(sent, text="other")
        self.assertNotEqual(again, sent)
        self.assertEqual(dataclasses.asdict(again)["text"], "other")
        self.assertEqual(pickle.loads(pickle.dumps(sent)), sent)
        self.assertEqual(hash(copy.copy(sent)), hash(sent))
        for event in bob.events(timeout=PATIENCE):
            if isinstance(event, events.MessageReceived):
                break
        self.assertEqual((event.type, event.message.text, event.data["message"]["text"]), ("message_received", "Hello", "Hello"))
        self.assertIsNone(bob.events.ack(event.seq))
        drawn = alice.pictures.qr(text=to, format="png")
        self.assertEqual(drawn.data[:4], b"\x89PNG")
        self.assertEqual(alice.pictures.read_qr(drawn.data).text, to)
        self.assertEqual(alice.messages.search("Hello", from_=created.identity.chat_key).items[0].text, "Hello")

    def test_every_answer_is_read(self):
        """What the library answers has the fields the classes declare, of the types they declare."""
        client = self.memory()
        identity(client)
        client.contacts.add(SOMEBODY, name="Gen")
        client.messages.send(SOMEBODY, text="x", mentions=[{"from": 0, "length": 1, "key": SOMEBODY}])
        for record in (
            client.identity.get(), client.profile.get(), client.presence.get(), client.contacts.list(), client.chats.list(),
            client.chats.get(SOMEBODY), client.messages.list(SOMEBODY), client.sessions.list(), client.devices.list(),
            client.network.status(), client.network.doctor(deadline_ms=2000), client.store.info(), client.store.check(),
            client.diagnostics.get(), client.contacts.safety_number(SOMEBODY), client.identity.card(), status1to1.info(),
        ):
            self.whole(record)

    def whole(self, record):
        """Every field has a value, down to the last object."""
        for field in dataclasses.fields(record):
            value = getattr(record, field.name)
            for part in value if isinstance(value, tuple) else (value,):
                self.assertNotIsInstance(part, list, (record, field.name))
                if dataclasses.is_dataclass(part):
                    self.whole(part)

    def test_unknown_fields_and_events(self):
        event = events.read_event({"seq": 7, "type": "of_a_later_version", "at": 1, "data": {"x": 1, "type": "y"}})
        self.assertEqual((type(event), event.seq, event.type, event.data["x"]), (events.Event, 7, "of_a_later_version", 1))
        event = events.read_event({"seq": 0, "type": "closed", "at": 1, "data": {"later": [1]}})
        self.assertIs(type(event), events.Closed)
        self.assertEqual(set(vars(event)), {"seq", "type", "at", "data"})
        sticker = types.Sticker._read({"hash": "x", "later": 1})
        self.assertEqual(vars(sticker), {"hash": "x"})
        self.assertEqual(sticker, types.Sticker._read({"hash": "x"}))
        self.assertRaises(AttributeError, lambda: sticker.pack)  # an older library would not tell it
        self.assertRaises(TypeError, types.Sticker, hash="x")
        self.assertRaises(TypeError, types.Sticker, hash="x", pack=1, no=2)
        self.assertEqual(repr(types.Sticker(hash="x", pack=1)), "Sticker(hash='x', pack=1)")

    def test_secrets_are_not_printed(self):
        created = self.memory().identity.create()
        self.assertEqual(len(created.phrase.split()), 12)
        self.assertNotIn(created.phrase.split()[3], repr(created))

    def test_every_event_has_a_class(self):
        listed = {event["name"] for event in status1to1.schema()["x-events"]}
        self.assertEqual(set(events._CLASSES), listed)

    def test_every_method_is_there(self):
        client = self.memory()
        for method in status1to1.schema()["methods"]:
            group, _, name = method["name"].partition(".")
            name = {"import": "import_"}.get(name, name)
            self.assertTrue(getattr(getattr(client, group), name).__doc__, method["name"])
        methods = {method["name"] for method in status1to1.schema()["methods"]}
        self.assertLessEqual(status1to1._methods.WAITING, methods)
        waiting = {method["name"] for method in status1to1.schema()["methods"] if "deadline_ms" in json.dumps(method["params"])}
        self.assertLessEqual(waiting, status1to1._methods.WAITING)


class Start(TestCase):
    def test_import_is_quick(self):
        """Without a cache of bytecode, processor time, the best of five: the machine may be busy."""
        script = ("import time; t = time.process_time(); import status1to1; t = time.process_time() - t\n"
                  "import sys; assert 'asyncio' not in sys.modules; print(t)")
        command = [sys.executable, "-B", "-c", script]
        times = [float(subprocess.run(command, env=dict(os.environ, PYTHONPATH=BINDING), check=True, text=True,
                                      stdout=subprocess.PIPE).stdout) for _ in range(5)]
        self.assertLess(min(times), IMPORT, times)

    def test_library_is_not_found(self):
        for given in ({"STATUS1TO1_LIB": "/no/such/library.so"}, {"STATUS1TO1_LIB": os.devnull}):
            command = [sys.executable, "-B", "-c", "import status1to1; status1to1.info()"]
            ended = subprocess.run(command, env=dict(os.environ, PYTHONPATH=BINDING, **given), text=True, stderr=subprocess.PIPE)
            self.assertIn("ImportError: libstatus1to1 cannot be loaded", ended.stderr)
