"""Every method against the schema: what it takes, what it gives, how it fails."""

import ctypes
import json
import os
import re
import tempfile
import unittest

from helpers import PATIENCE, SOMEBODY, TestCase, identity, status1to1

#: A fitting value of each required parameter.
FITTING = {
    "key": SOMEBODY, "to": SOMEBODY, "text": "hi", "display_name": "d", "phrase": "abandon " * 11 + "about",
    "private_key": "0x" + "00" * 31 + "05", "message_id": "0x" + "ab" * 32, "up_to": 0, "question": "q", "answer": "a",
    "right": True, "safety_number": "1" * 60, "installation_id": "x", "name": "n", "address": "/memory/1",
    "peer_id": "node-1", "deadline_ms": 0, "new_passphrase": "b", "messages": [{"to": SOMEBODY, "text": "t"}],
    "envelopes": [{"content_topic": "/a/1/b/proto", "payload": "AAAA"}], "envelope_id": "0x" + "ab" * 32, "online": True,
    "key_exchange": "x3dh", "asks": True, "query": "hello", "image": "AAAA", "invitation": "x", "same": True, "path": "/nonexistent/backup", "passphrase": "p",
    "pairing_id": "0x" + "ab" * 16, "transfer_id": "0x" + "ab" * 25, "sync_id": "0x" + "ab" * 16 + "01" + "ab" * 8, "data": "AAAA",
    "status": "off", "attachment_id": "0x" + "ab" * 32, "muted": True, "archived": True, "seconds": 60, "emoji": "👍", "pinned": True,
}
#: Values of every kind of JSON, some of them absurd.
VALUES = [None, True, 0, -1, 1.5, 2**53, "", "x", "x" * 5000, "\x00", "😀" * 100, [], {}, [[]], [None], {"a": 1}, [{"to": 1}]]
KINDS = {
    "string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict, "null": type(None),
}
#: Methods after which the client is another one: tried last, or not at all.
MAKING = {"identity.create", "identity.restore", "identity.import"}
ENDING = {"identity.delete", "store.suspend", "store.resume"}


class Schema(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = status1to1.schema()
        cls.types = cls.schema["components"]["schemas"]
        cls.codes = {code["code"]: code for code in cls.schema["x-error-codes"]}

    def call(self, client, method, text):
        """The answer to params as they stand, checked against what the schema says."""
        raw = status1to1._library.lib.call(client.handle, method["name"].encode(), text.encode())
        answer = json.loads(status1to1._library.take(raw))
        where = f"{method['name']} {text[:80]}"
        if answer["ok"]:
            self.check(method["result"]["schema"], answer["result"], where)
            return None
        error = answer["error"]
        self.check({"$ref": "#/components/schemas/ErrorBody"}, error, where)
        self.assertIn(error["code"], method["x-errors"] + self.schema["x-common-errors"], where)
        self.assertNotEqual(error["code"], "internal", where)
        code = self.codes[error["code"]]
        self.assertEqual((error["category"], error["retryable"]), (code["category"], code["retryable"]), where)
        return error

    def check(self, schema, value, where):
        """A value fits its schema, and has no field that is not in it."""
        if "$ref" in schema:
            schema = self.types[schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            if value is not None:
                self.check(schema["anyOf"][0], value, where)
            return
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if "enum" in schema:
            self.assertIn(value, schema["enum"], where)
        fits = any(isinstance(value, KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in kinds)
        self.assertTrue(fits, f"{where}: {value!r} is not {kinds}")
        if isinstance(value, dict) and "properties" in schema:
            self.assertLessEqual(set(schema["required"]), set(value), where)
            for name, part in value.items():
                self.check(schema["properties"][name], part, f"{where}.{name}")
        elif isinstance(value, list):
            for part in value:
                self.check(schema["items"], part, where + "[]")

    def clients(self):
        yield self.memory("nobody")
        someone = self.memory("someone")
        identity(someone)
        yield someone
        asleep = self.open({"store": self.store("asleep"), "network": {"kind": "memory", "memory": {"name": "asleep"}}})
        identity(asleep)
        asleep.call("store.suspend")
        yield asleep

    def test_every_parameter(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(directory.name)  # store.export writes a file of any name
        for client in self.clients():
            methods = [method for method in self.schema["methods"] if method["name"] not in ENDING]
            for method in sorted(methods, key=lambda method: method["name"] in MAKING):
                self.try_parameters(client, method)

    def try_parameters(self, client, method):
        fitting = {p["name"]: FITTING[p["name"]] for p in method["params"] if p["required"]}
        for param in method["params"]:
            schema = param["schema"]
            if "$ref" in schema:
                schema = self.types[schema["$ref"].rpartition("/")[2]]
            name, kind = param["name"], KINDS[schema["type"]]
            for value in VALUES:
                error = self.call(client, method, json.dumps({**fitting, name: value}))
                fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
                if not fits and (value is not None or param["required"]):
                    self.assertTrue(error, f"{method['name']} took {name}={value!r}")
                    self.assertEqual((error["code"], re.split(r"[.\[]", error["field"])[0]), ("bad_params", name))
            if param["required"]:
                error = self.call(client, method, json.dumps({k: v for k, v in fitting.items() if k != name}))
                self.assertEqual((error["code"], error["field"]), ("bad_params", name))
        self.call(client, method, json.dumps(fitting))

    def test_bad_json(self):
        client = self.memory()
        texts = ["{", "{} x", '{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', "[" * 100000, '{"a":' * 17 + "1" + "}" * 17, "nan"]
        for method in self.schema["methods"]:
            for text in texts:
                self.assertEqual(self.call(client, method, text)["code"], "bad_json", text[:20])
            code = "transfer_too_large" if method["name"] == "pairing.send" else "bad_json"
            self.assertEqual(self.call(client, method, " " * method["x-max-params-bytes"] + "{}")["code"], code)
            for text in ("[]", "1", '"x"', "true"):
                self.assertEqual(self.call(client, method, text)["code"], "bad_params", text)
            self.assertEqual(self.call(client, method, '{"no":1,"no":1}')["code"], "unknown_field")

    def test_what_open_gives(self):
        opened = {"$ref": "#/components/schemas/OpenResult"}
        network = {"kind": "memory", "memory": {"name": self.id()}}
        config = json.dumps({"store": self.store("twice"), "network": network}).encode()
        for expected in (None, "0x04"):
            handle = ctypes.c_uint64()
            result = json.loads(status1to1._library.take(status1to1._library.lib.open(config, ctypes.byref(handle))))["result"]
            self.check(opened, result, "open")
            self.assertEqual(result["identity"] and result["identity"]["public_key"][:4], expected)
            self.assertEqual(result["client"], handle.value)
            status1to1._library.take(status1to1._library.lib.call(handle, b"identity.create", b"{}"))
            status1to1._library.take(status1to1._library.lib.close(handle))

    def test_events(self):
        """Events are of the types the schema lists."""
        listed = {event["name"]: event["schema"] for event in self.schema["x-events"]}
        ann, bob = self.memory(), self.memory()
        identity(ann, "Ann")
        ann.call("contacts.request", key=identity(bob)["chat_key"], text="hello")

        def take(client, last):
            for event in client.events(timeout=PATIENCE):
                self.check(listed[event.type], event.data, event.type)
                if event.type == last:
                    return
            self.fail(f"no {last} event came")

        take(bob, "contact_request_received")
        take(ann, "message_state")
        take(ann, "session_changed")
        ann.call("network.disconnect", peer_id=ann.call("network.status")["peers"][0]["peer_id"])
        take(ann, "network_changed")
        ann.close()
        take(ann, "closed")


if __name__ == "__main__":
    unittest.main()
