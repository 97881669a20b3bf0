"""Writes the object types of an OpenRPC document as one JSON Schema: definitions.py OPENRPC SCHEMA."""

import json
import sys


def main(source, target):
    with open(source, encoding="utf-8") as file:
        schemas = json.dumps(json.load(file)["components"]["schemas"])
    definitions = json.loads(schemas.replace("#/components/schemas/", "#/definitions/"))
    with open(target, "w", encoding="utf-8") as file:
        json.dump({"$schema": "http://json-schema.org/draft-07/schema#", "definitions": definitions}, file)


main(*sys.argv[1:])
