"""Checks a bill of materials, that it is CycloneDX and complete: check_sbom.py SBOM BINARY."""

import json
import os
import pathlib
import subprocess
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

GO = os.environ.get("GO", "go")


def linked(binary):
    """The modules in a binary; of one that is replaced, what replaces it."""
    lines = subprocess.run([GO, "version", "-m", binary], check=True, capture_output=True, text=True).stdout.splitlines()
    modules = []
    for line in lines:
        kind, path = (line.split("\t") + ["", "", ""])[1:3]
        if kind == "dep":
            modules.append(path)
        elif kind == "=>":
            modules[-1] = path
    return set(modules)


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"sbom: {sys.argv[1]}: {error}")
    listed = {component["name"] for component in json.loads(text)["components"]}
    if missing := linked(sys.argv[2]) - listed:
        sys.exit(f"sbom: {sys.argv[1]} does not list {', '.join(sorted(missing))}")


if __name__ == "__main__":
    main()
