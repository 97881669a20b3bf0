"""The binding over the memory network: calls, errors, events, callbacks."""

import gc
import json
import os
import resource
import select
import threading
import time
import unittest

from helpers import PATIENCE, SOMEBODY, Client, Error, TestCase, identity, status1to1

PHRASE = "abandon " * 11 + "about"


class Calls(TestCase):
    def test_info_and_schema(self):
        info, schema = status1to1.info(), status1to1.schema()
        self.assertEqual(info.abi_version, status1to1.ABI_VERSION)
        self.assertEqual(schema["info"]["version"], info.version)
        names = [method["name"] for method in schema["methods"]]
        self.assertIn("messages.send", names)
        self.assertEqual(len(names), len(set(names)))
        codes = {code["code"] for code in schema["x-error-codes"]}
        for method in schema["methods"]:
            self.assertLessEqual(set(method["x-errors"]), codes, method["name"])
        self.check_references(schema)

    def check_references(self, schema):
        defined = schema["components"]["schemas"]
        for part in json.dumps(schema).split('"$ref": "#/components/schemas/')[1:]:
            self.assertIn(part.split('"')[0], defined)

    def test_every_method_of_the_schema_exists(self):
        client = self.memory()
        for method in status1to1.schema()["methods"]:
            try:
                client.call(method["name"], no_such_field=1)
                self.fail(method["name"] + " took an unknown field")
            except Error as error:
                self.assertEqual((error.code, error.field), ("unknown_field", "no_such_field"), method["name"])

    def test_required_fields_are_those_of_the_schema(self):
        client = self.memory()
        for method in status1to1.schema()["methods"]:
            required = [p["name"] for p in method["params"] if p["required"]]
            if required:
                self.fails("bad_params", required[0], client.call, method["name"])

    def test_identity(self):
        client = self.memory()
        self.assertIsNone(client.stored_identity)
        self.fails("no_identity", "", client.call, "identity.get")
        created = client.call("identity.create", words=15, display_name="Ann")
        self.assertEqual(len(created["phrase"].split()), 15)
        self.assertTrue(created["identity"]["chat_key"].startswith("zQ3sh"))
        self.assertEqual(client.call("identity.get"), created["identity"])
        self.assertNotIn("phrase", client.call("identity.get"))
        self.assertEqual(client.call("identity.set_display_name", display_name="Änn")["display_name"], "Änn")
        restored = self.memory().call("identity.restore", phrase=created["phrase"])
        self.assertEqual(restored["public_key"], created["identity"]["public_key"])
        self.fails("identity_exists", "", client.call, "identity.create")

    def test_import(self):
        info = self.memory().call("identity.import", private_key="0x" + "00" * 31 + "01")
        self.assertEqual(info["public_key"], SOMEBODY)
        self.fails("bad_key", "private_key", self.memory().call, "identity.import", private_key="0x" + "00" * 32)

    def test_every_form_of_a_key(self):
        client = self.memory()
        identity(client)
        contact = client.call("contacts.add", key=SOMEBODY, name="Gen")
        compressed = "0x02" + SOMEBODY[4:68]
        for form in (SOMEBODY, compressed, contact["chat_key"], SOMEBODY[2:]):
            self.assertEqual(client.call("contacts.get", key=form)["name"], "Gen", form)
        self.assertEqual([c["public_key"] for c in client.call("contacts.list")["items"]], [SOMEBODY])
        client.call("contacts.remove", key=compressed)
        removed = client.call("contacts.get", key=SOMEBODY)
        self.assertEqual((removed["added"], removed["name"]), (False, ""))
        self.fails("not_found", "key", client.call, "contacts.remove", key=SOMEBODY)

    def test_closed_and_made_up_handles(self):
        client = self.memory()
        client.close()
        client.close()
        self.fails("bad_client", "client", client.call, "identity.get")
        self.assertEqual(client.event_fd(), -1)
        real = client.handle
        for made_up in (0, 1, 12345, real + 1000, 2**64 - 1):
            client._connection.handle = made_up
            self.fails("bad_client", "client", client.close)
        client._connection.handle = real

    def test_strings_are_freed(self):
        before = status1to1.info().strings_held
        client = self.memory()
        for _ in range(50):
            client.next_event(0)
            with self.assertRaises(Error):
                client.call("identity.get")
        self.assertEqual(status1to1.info().strings_held, before)


class BadInput(TestCase):
    """The list of issue 2; each is a typed error that names the field."""

    def test_phrases_and_keys(self):
        client = self.memory()
        for bad in ("", "abandon", "abandon " * 12, PHRASE.replace("about", "abouts"), "x" * 5000):
            error = self.fails("bad_phrase", "phrase", client.call, "identity.restore", phrase=bad)
            self.assertFalse(bad and bad.split()[-1] in error.message, error.message)
        identity(client)
        off_curve = SOMEBODY[:-1] + "9"
        for bad in ("", "0x", "zQ3sh", "zQ3shNOTBASE58_0OIl", off_curve, "0x05" + SOMEBODY[4:], SOMEBODY + "00", "x" * 100000):
            for method, field in (("contacts.add", "key"), ("messages.send", "to"), ("messages.list", "key"), ("sessions.list", "key")):
                params = {field: bad, "text": "x"} if field == "to" else {field: bad}
                self.fails("bad_key", field, client.call, method, **params)

    def test_messages(self):
        client = self.memory()
        me = identity(client)
        send = lambda **params: client.call("messages.send", **params)  # noqa: E731
        self.fails("self", "to", send, to=me["chat_key"], text="x")
        self.fails("empty", "text", send, to=SOMEBODY, text="")
        self.fails("empty", "text", send, to=SOMEBODY, text=" \t\n\u00a0\u3000")
        error = self.fails("too_long", "text", send, to=SOMEBODY, text="😀" * 4097)
        self.assertEqual(error.details.get("max"), 4096)
        self.assertEqual(send(to=SOMEBODY, text="😀" * 4096)["state"], "queued")
        first = send(to=SOMEBODY, text="x", client_ref="r")
        self.assertEqual(send(to=SOMEBODY, text="x", client_ref="r")["message_id"], first["message_id"])
        self.fails("client_ref_reused", "client_ref", send, to=SOMEBODY, text="y", client_ref="r")
        self.assertEqual(client.call("store.check")["problems"], [])

    def test_json(self):
        client = self.memory()
        lib = status1to1._library.lib
        for method, params, code, field in (
            ("identity.get", b"{", "bad_json", ""),
            ("identity.get", b"{}{}", "bad_json", ""),
            ("identity.get", b'{"a":"\xff"}', "bad_json", ""),
            ("identity.get", b'{"a":"\\udfff"}', "bad_json", ""),
            ("identity.get", b"[" * 100000, "bad_json", ""),
            ("identity.get", b'{"a":1}', "unknown_field", "a"),
            ("identity.create", b'{"words":12,"words":12}', "unknown_field", "words"),
            ("identity.create", b'{"WORDS":12}', "unknown_field", "WORDS"),
            ("identity.create", b'{"words":12.5}', "bad_params", "words"),
            ("identity.create", b'{"words":9007199254740993}', "bad_params", "words"),
            ("identity.crate", b"{}", "unknown_method", "method"),
        ):
            answer = json.loads(status1to1._library.take(lib.call(client.handle, method.encode(), params)))
            self.assertFalse(answer["ok"], params[:50])
            self.assertEqual((answer["error"]["code"], answer["error"]["field"]), (code, field), params[:50])

    def test_configurations(self):
        for config, code, field in (
            ({}, "bad_config", "store"),
            ({"store": {}}, "bad_config", "store.path"),
            ({"store": {"kind": "memory"}, "network": {"kind": "pigeon"}}, "bad_config", "network.kind"),
            ({"store": {"kind": "memory"}, "netwerk": {}}, "unknown_field", "netwerk"),
            ({"store": {"kind": "memory"}, "network": {"listen": ["localhost:1"]}}, "bad_address", "network.listen"),
            ({"store": {"kind": "memory"}, "network": {"peers": ["/ip4/127.0.0.1/tcp/1"]}}, "bad_address", "network.peers[0]"),
        ):
            error = self.fails(code, field, Client, config)
            self.assertTrue(error.message)


class Chatting(TestCase):
    def pair(self, **options):
        alice, bob = self.memory(**options), self.memory(**options)
        return alice, bob, identity(alice, "Alice"), identity(bob, "Bob")

    def test_both_ways(self):
        alice, bob, a, b = self.pair()
        texts = ["plain", "😀👩‍👩‍👧‍👦", "שלום עולם", "x" * 4000, "tab\tquote\"back\\slash\u0000nul\u2028"]
        for text in texts:
            message = alice.call("messages.send", to=b["chat_key"], text=text)
            self.assertEqual(message["state"], "queued")
            got = self.received(bob, text)
            self.assertEqual((got["message_id"], got["from"]), (message["message_id"], a["public_key"]))
            self.until_delivered(alice, message)
            back = bob.call("messages.send", to=a["public_key"], text=text[::-1])
            self.received(alice, text[::-1])
            self.until_delivered(bob, back)
        for client, other in ((alice, b), (bob, a)):
            page = client.call("messages.list", key=other["public_key"], limit=3)
            pages = [page]
            while page["next"]:
                page = client.call("messages.list", key=other["public_key"], limit=3, cursor=page["next"])
                pages.append(page)
            found = [m["text"] for p in pages for m in p["items"]][::-1]
            self.assertEqual(found, [t for text in texts for t in (text, text[::-1])])
            session, = client.call("sessions.list", key=other["public_key"])["sessions"]
            self.assertEqual(session["state"], "established")
        chat, = bob.call("chats.list")["items"]
        self.assertEqual((chat["messages"], chat["unread"], chat["chat_id"]), (10, 5, a["public_key"]))
        self.assertEqual(bob.call("chats.mark_read", key=a["chat_key"])["unread"], 0)

    def test_search(self):
        """Messages are found by their words, page by page, and people by their names."""
        alice, bob, a, b = self.pair()
        for i in range(5):
            alice.call("messages.send", to=b["chat_key"], text=f"Straße number{i} 北京大学")
            self.received(bob, f"Straße number{i} 北京大学")
        alice.call("contacts.add", key=b["public_key"], name="Straßenbauer")
        for client in (alice, bob):
            page = client.call("messages.search", query="STRASSE 京大", limit=2)
            self.assertEqual((page["complete"], page["since"]), (True, 0))
            found = page["items"]
            while page["next"]:
                page = client.call("messages.search", query="STRASSE 京大", limit=2, cursor=page["next"])
                found += page["items"]
            self.assertEqual([m["text"] for m in found], [f"Straße number{i} 北京大学" for i in range(5)][::-1])
        self.assertEqual([c["name"] for c in alice.call("messages.search", query="strass")["people"]], ["Straßenbauer"])
        self.assertEqual(alice.call("messages.search", query="strass", key=b["public_key"])["people"], [])
        self.assertEqual(alice.call("messages.search", query="strass", **{"from": b["public_key"]})["items"], [])
        clock = found[2]["clock"]
        page = bob.call("messages.search", query='"straße number*', after=clock, before=clock + 1)
        self.assertEqual(page["items"], [])  # in quotation marks there are only whole words
        self.assertEqual(len(bob.call("messages.search", query="number*", after=clock, before=clock + 1)["items"]), 1)
        for params, code, field in (({"query": " "}, "empty", "query"), ({"query": "x" * 1001}, "too_long", "query"),
                                    ({"query": "x", "cursor": "y"}, "bad_cursor", "cursor"), ({"query": "x", "after": 2, "before": 1}, "bad_params", "before")):
            self.fails(code, field, alice.call, "messages.search", **params)

    def test_chats(self):
        """What is done with a chat shows in its answer, its event, the lists and the counts."""
        alice, bob, a, b = self.pair()
        for i in range(3):
            bob.call("messages.send", to=a["chat_key"], text=f"m{i}")
            self.received(alice, f"m{i}")
        key = b["chat_key"]

        def chat():
            return alice.call("chats.get", key=key)

        self.assertEqual([chat()[name] for name in ("messages", "unread", "mentions")], [3, 3, 0])
        for method, params, cause, fields in (
            ("mark_read", {}, "read", {"unread": 0}),
            ("mark_unread", {}, "unread", {"marked_unread": True}),
            ("mark_read", {}, "unread", {"marked_unread": False}),
            ("mute", {"muted": True}, "muted", {"muted": True}),
            ("mute", {"muted": True, "until": 2**53 - 1}, "muted", {"muted": True, "muted_until": 2**53 - 1}),
            ("mute", {"muted": False}, "muted", {"muted": False}),
            ("draft", {"text": "dear bob"}, "draft", {"draft": "dear bob"}),
            ("archive", {"archived": True}, "archived", {"archived": True}),
            ("archive", {"archived": False}, "archived", {"archived": False}),
            ("clear", {}, "cleared", {"messages": 0, "unread": 0, "draft": "dear bob"}),
            ("delete", {}, "deleted", {"messages": 0}),
        ):
            answer = alice.call("chats." + method, key=key, **params)
            event = self.wait(alice, "chat_changed", lambda data: data["cause"] == cause)
            for got in (answer, event["chat"], chat()):
                self.assertEqual({name: got[name] for name in fields}, fields, (method, got))
            archived = [c["chat_id"] for c in alice.call("chats.list", archived=True)["items"]]
            listed = [c["chat_id"] for c in alice.call("chats.list")["items"]]
            self.assertEqual((archived, listed), {
                "archived": ([b["public_key"]], []) if fields.get("archived") else ([], [b["public_key"]]),
                "deleted": ([], []),
            }.get(cause, ([], [b["public_key"]])), method)
        self.assertNotIn("draft", chat())
        bob.call("messages.send", to=a["chat_key"], text="here again")
        self.received(alice, "here again")
        self.assertEqual([c["messages"] for c in alice.call("chats.list")["items"]], [1])
        self.assertEqual(alice.call("store.check")["problems"], [])

    def test_a_bad_network(self):
        """Loss, doubles and disorder: everything arrives once."""
        alice, bob, _, b = self.pair(seed=7, loss=0.3, duplicate=0.2, reorder=0.3)
        sent = [alice.call("messages.send", to=b["chat_key"], text=f"message {i}") for i in range(10)]
        got = []
        while len(got) < len(sent):
            got.append(self.wait(bob, "message_received")["message"]["message_id"])
        self.assertEqual(sorted(got), sorted(m["message_id"] for m in sent))
        listed = bob.call("messages.list", key=alice.call("identity.get")["public_key"])["items"]
        self.assertEqual([m["message_id"] for m in listed][::-1], [m["message_id"] for m in sent])

    def test_events_come_until_acknowledged(self):
        alice, bob, _, b = self.pair()
        alice.call("messages.send", to=b["chat_key"], text="one")
        for event in bob.events(timeout=PATIENCE, ack=False):
            if event.type == "message_received":
                break
        self.assertGreater(event.seq, 0)
        bob.call("events.ack", up_to=event.seq)
        self.assertTrue(all(e.seq > event.seq or e.seq == 0 for e in bob.events(timeout=0.2)))

    def test_callback(self):
        alice, bob, _, b = self.pair()
        came, threads = threading.Event(), set()

        def on_event(event):
            threads.add(threading.get_ident())
            if event.type == "message_received":
                came.set()

        bob.set_event_callback(on_event)
        alice.call("messages.send", to=b["chat_key"], text="one")
        self.assertTrue(came.wait(PATIENCE))
        bob.set_event_callback(None)
        self.assertNotIn(threading.get_ident(), threads)
        alice.call("messages.send", to=b["chat_key"], text="two")
        self.received(bob, "two")

    def test_callback_of_a_dropped_client(self):
        """A client nobody holds any more goes on to call back, and not into freed memory."""
        came, handles = threading.Event(), []

        def drop():
            network = {"kind": "memory", "memory": {"name": self.id()}}
            client = Client({"store": {"kind": "memory"}, "network": network})
            client.set_event_callback(lambda event: came.set())
            handles.append(client.handle)

        with self.assertWarns(ResourceWarning):
            drop()
            gc.collect()
        self.memory(self.id())  # its coming is an event
        self.assertTrue(came.wait(PATIENCE))
        status1to1._library.result(status1to1._library.take(status1to1._library.lib.close(handles[0])))

    def test_callback_replaces_itself(self):
        client, twice = self.memory(self.id()), threading.Event()

        def first(_event):
            client.set_event_callback(lambda event: twice.set())
            gc.collect()

        client.set_event_callback(first)
        self.memory(self.id())  # its coming is two events
        self.assertTrue(twice.wait(PATIENCE))

    def test_many_descriptors(self):
        """Events are waited for in a program with more files than select() takes."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < 4096:
            self.skipTest("this user may not open so many files")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(1100):
            self.addCleanup(os.close, os.open(os.devnull, os.O_RDONLY))
        client = self.memory(self.id())
        self.memory(self.id())
        self.assertEqual(next(client.events(timeout=PATIENCE)).type, "peer_changed")

    def drain(self, client, fd):
        """Reads until the descriptor says that nothing waits."""
        deadline = time.monotonic() + PATIENCE
        while select.select([fd], [], [], 0)[0]:
            self.assertLess(time.monotonic(), deadline)
            while client.next_event(0.1):
                pass

    def test_descriptor(self):
        alice, bob, _, b = self.pair()
        fd = bob.event_fd()
        self.drain(bob, fd)
        alice.call("messages.send", to=b["chat_key"], text="one")
        self.assertEqual(select.select([fd], [], [], PATIENCE)[0], [fd])
        self.received(bob, "one")

    def test_close_wakes_waiting_threads(self):
        client, ends = self.memory(), []

        def wait():
            try:
                while client.next_event().type != "closed":
                    pass
                ends.append("closed event")
            except Error as error:
                ends.append(error.code)

        threads = [threading.Thread(target=wait) for _ in range(2)]
        for thread in threads:
            thread.start()
        client.close()
        for thread in threads:
            thread.join(PATIENCE)
            self.assertFalse(thread.is_alive())
        self.assertEqual(ends.count("closed event"), 1)


if __name__ == "__main__":
    unittest.main()
