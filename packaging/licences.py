"""Copies the licence texts of the Go modules that a binary holds: licences.py BINARY FOLDER."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

GO = os.environ.get("GO", "go")
TEXT = re.compile(r"(licen[cs]e|copying|notice|patents|unlicense)", re.IGNORECASE)


def linked(binary):
    """The paths of the modules in a binary, as its build information has them."""
    lines = subprocess.run([GO, "version", "-m", binary], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split("\t")[2] for line in lines if line.startswith("\tdep\t")]


def folders(paths):
    """Where the sources of each module lie."""
    answer = subprocess.run([GO, "list", "-m", "-json=Path,Dir", *paths], check=True, capture_output=True, text=True).stdout
    decoder, at = json.JSONDecoder(), 0
    while at < len(answer):
        module, at = decoder.raw_decode(answer, at)
        yield module["Path"], pathlib.Path(module["Dir"])
        at += len(answer[at:]) - len(answer[at:].lstrip())


def main():
    binary, target = sys.argv[1], pathlib.Path(sys.argv[2])
    without = []
    for path, folder in folders(linked(binary)):
        texts = [file for file in sorted(folder.iterdir()) if file.is_file() and TEXT.match(file.name)]
        if not texts:
            without.append(path)
        for file in texts:
            copy = target / path / file.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
            copy.chmod(0o644)
    goroot = subprocess.run([GO, "env", "GOROOT"], check=True, capture_output=True, text=True).stdout.strip()
    (target / "go").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(os.path.join(goroot, "LICENSE"), target / "go" / "LICENSE")
    if without:
        sys.exit(f"licences: no text in the sources of {', '.join(without)}")


if __name__ == "__main__":
    main()
