"""The matchers and variables of transcripts: what they take and what they refuse."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from kit.match import Malformed, Mismatch, fill, match  # noqa: E402
from kit.schema import Document  # noqa: E402

KEY = "0x04" + "ab" * 64

TAKEN = [
    ({}, {"more": 1}),
    ({"a": 1}, {"a": 1, "b": 2}),
    ({"a": None}, {"a": None}),
    ({"a": {"$absent": True}}, {"b": 1}),
    ({"a": {"$none": True}}, {"b": 1}),
    ({"a": {"$none": True}}, {"a": []}),
    ([1, {"a": 2}], [1, {"a": 2, "b": 3}]),
    ({"$exactly": {"a": {"$is": "integer"}}}, {"a": 1}),
    ({"$is": ["null", "object"]}, None),
    ({"$is": "public_key"}, KEY),
    ({"$is": "base64"}, "AA=="),
    ({"$is": "time"}, 1700000000000),
    ({"$matches": "b+"}, "abbc"),
    ({"$not": "a"}, "b"),
    ({"$one_of": ["a", {"$is": "null"}]}, None),
    ({"$contains": [{"a": 1}]}, [{"a": 2}, {"a": 1, "b": 2}]),
    ({"$length": 2}, [1, 2]),
    ({"$greater": 1}, 2),
    ({"$repeat": ["ab", 2]}, "abab"),
    ({"$equals": {"a": 1}}, {"a": 1}),
    ("${x} and ${x}", "1 and 1"),
    ("${x}", 1),
]

REFUSED = [
    ({"a": 1}, {"a": 1.0}),
    ({"a": 1}, {"a": True}),
    ({"a": True}, {"a": 1}),
    ({"a": 0}, {"a": False}),
    ({"a": None}, {}),
    ({"a": {"$absent": True}}, {"a": None}),
    ({"a": ""}, {"a": None}),
    ({"a": {"$none": True}}, {"a": [1]}),
    ({"a": {"$none": True}}, {"a": None}),
    ({}, []),
    ({}, None),
    ([], [1]),
    ([1, 2], [2, 1]),
    ("a", "a\0b"),
    ("\u00e9", "e\u0301"),
    ({"$exactly": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$is": "integer"}, 1.0),
    ({"$is": "integer"}, True),
    ({"$is": "text"}, ""),
    ({"$is": "public_key"}, KEY.upper()),
    ({"$is": "base64"}, "AA"),
    ({"$is": "base64"}, "_-=="),
    ({"$is": "time"}, 1700000000),
    ({"$is": "time"}, 1700000000000.0),
    ({"$matches": "b+"}, 1),
    ({"$not": "a"}, "a"),
    ({"$one_of": ["a", "b"]}, "c"),
    ({"$contains": [1, 3]}, [1, 2]),
    ({"$length": 2}, [1]),
    ({"$greater": 1}, 1),
    ({"$greater": 1}, 2.0),
    ({"$equals": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$equals": [1]}, [1.0]),
    ("${x}", "1"),
]


class Match(unittest.TestCase):
    def test_taken(self):
        for expected, actual in TAKEN:
            match(expected, actual, {"x": 1})

    def test_refused(self):
        for expected, actual in REFUSED:
            with self.subTest(expected=expected, actual=actual), self.assertRaises(Mismatch):
                match(expected, actual, {"x": 1})

    def test_path(self):
        with self.assertRaises(Mismatch) as caught:
            match({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, {})
        self.assertEqual(str(caught.exception), "a[1].b: expected 2, got 3")

    def test_captures(self):
        variables = {}
        match({"a": {"$is": "integer", "$save": "n"}, "b": "${n}"}, {"a": 5, "b": 5}, variables)
        self.assertEqual(variables, {"n": 5})
        with self.assertRaises(Mismatch):
            match({"b": "${n}"}, {"b": 6}, variables)

    def test_malformed(self):
        for expected in ({"$si": "integer"}, {"$is": "int"}, "${nobody}"):
            with self.subTest(expected=expected), self.assertRaises(Malformed):
                match(expected, 1, {})

    def test_fill(self):
        variables = {"n": 5, "o": {"a": 1, "b": 2}}
        sent = {"n": "${n}", "t": "n is ${n}", "r": {"$repeat": ["x", 3]}, "s": {"$add": ["${n}", -1]},
                "m": {"$merge": ["${o}", {"b": 3}]}, "l": ["${n}", None, True]}
        self.assertEqual(fill(sent, variables), {"n": 5, "t": "n is 5", "r": "xxx", "s": 4, "m": {"a": 1, "b": 3}, "l": [5, None, True]})


class Schema(unittest.TestCase):
    ROOT = {"$defs": {"Thing": {
        "type": "object", "required": ["id"],
        "properties": {"id": {"type": "string", "pattern": "^0x"}, "n": {"type": "integer", "minimum": 0, "maximum": 9},
                       "data": {"type": "string", "contentEncoding": "base64"}, "kind": {"type": "string", "enum": ["a", "b"]},
                       "more": {"anyOf": [{"$ref": "#/$defs/Thing"}, {"type": "null"}]}, "many": {"type": "array", "items": {"$ref": "#/$defs/Thing"}}}}}}

    def check(self, value):
        Document(self.ROOT).check({"$ref": "#/$defs/Thing"}, value, "")

    def test_taken(self):
        self.check({"id": "0x1", "n": 9, "data": "AA==", "kind": "b", "more": {"id": "0x2", "more": None}, "many": [{"id": "0x3"}]})

    def test_refused(self):
        for fault in ({"n": 10}, {"n": 1.0}, {"n": "1"}, {"data": "AA"}, {"kind": "c"}, {"more": {}}, {"many": [{"id": "1"}]},
                      {"other": 1}, {"id": None}, {"id": "1"}):
            with self.subTest(fault=fault), self.assertRaises(Mismatch):
                self.check(dict({"id": "0x1"}, **fault))
        with self.assertRaises(Mismatch):
            self.check({})


if __name__ == "__main__":
    unittest.main()
