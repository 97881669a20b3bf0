"""As much of JSON Schema as the library's schema and that of transcripts use, and strictly: an
object has the fields that are named, unless additionalProperties allows others."""

import re

from .match import KINDS, Mismatch, show

_TYPES = {"null", "boolean", "integer", "number", "string", "array", "object"}


class Document:
    """A JSON document with schemas in it, which refer to each other."""

    def __init__(self, root):
        self._root = root

    def check(self, schema, value, path):
        """Raises Mismatch unless value is as the schema says."""
        if "$ref" in schema:
            self.check(self._at(schema["$ref"]), value, path)
        if "anyOf" in schema:
            self._any_of(schema["anyOf"], value, path)
        types = schema.get("type", [])
        types = types if isinstance(types, list) else [types]
        if types and not any(KINDS[name](value) for name in types if name in _TYPES):
            raise Mismatch(path, f"by the schema it is of type {' or '.join(types)}, got {show(value)}")
        if "enum" in schema and value not in schema["enum"]:
            raise Mismatch(path, f"by the schema it is one of {show(schema['enum'])}, got {show(value)}")
        if isinstance(value, dict):
            self._object(schema, value, path)
        elif isinstance(value, list) and "items" in schema:
            for n, item in enumerate(value):
                self.check(schema["items"], item, f"{path}[{n}]")
        elif isinstance(value, str):
            self._text(schema, value, path)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                raise Mismatch(path, f"by the schema {value} is out of its range")

    def _at(self, reference):
        found = self._root
        for name in reference.lstrip("#/").split("/"):
            found = found[name]
        return found

    def _any_of(self, choices, value, path):
        faults = []
        for choice in choices:
            try:
                return self.check(choice, value, path)
            except Mismatch as fault:
                faults.append(fault)
        raise max(faults, key=lambda fault: fault.depth)  # of the choice that was meant, most likely

    def _object(self, schema, value, path):
        for name in schema.get("required", ()):
            if name not in value:
                raise Mismatch(path, f"the schema requires the field {name}, and it is missing")
        if "properties" not in schema:
            return
        for name, item in value.items():
            if name in schema["properties"]:
                self.check(schema["properties"][name], item, f"{path}.{name}")
            elif not schema.get("additionalProperties"):
                raise Mismatch(f"{path}.{name}", "the schema has no such field")

    @staticmethod
    def _text(schema, value, path):
        if schema.get("contentEncoding") == "base64" and not KINDS["base64"](value):
            raise Mismatch(path, f"by the schema it is base64, got {show(value)}")
        if "pattern" in schema and re.search(schema["pattern"], value) is None:
            raise Mismatch(path, f"by the schema it matches {schema['pattern']}, got {show(value)}")


class Library:
    """The OpenRPC document that status1to1_schema() gives. Answers and events are checked against
    it: a binding that loses, renames or retypes a field is found wherever it does so, not only
    where a transcript looks."""

    def __init__(self, document):
        self._document = Document(document)
        self._results = {method["name"]: method["result"]["schema"] for method in document["methods"]}
        self._events = {event["name"]: event["schema"] for event in document["x-events"]}

    def result(self, method, value):
        """Raises Mismatch unless value is a result of the method."""
        if method in self._results:
            self._document.check(self._results[method], value, "result")

    def event(self, kind, data):
        """Raises Mismatch unless data is that of an event of this type."""
        if kind not in self._events:
            raise Mismatch("type", f"the schema has no event {show(kind)}")
        self._document.check(self._events[kind], data, "data")
