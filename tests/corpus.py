#!/usr/bin/env python3
"""Keeps the committed fuzz corpora small: tests/corpus.py [package directory ...]

After `make fuzz` Go's cache holds what the fuzzer found interesting. For each target
this takes those inputs and the committed ones, runs each by itself with coverage
counted, and leaves in testdata/fuzz/<target> the smallest few that reach what the
target's own seeds do not. An input that fails stays, and is reported.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TAGS = os.environ.get("TAGS", "gowaku_no_rln")
MODULE = "libstatus1to1"
LEAST, MOST = 3, 20  # inputs a target
LARGEST = 8 * 1024  # bytes of a file: larger inputs are the seeds' task
SECONDS = 60  # for one input


def go(*arguments):
    return subprocess.run(["go", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def reached(program, directory, profile, name):
    """What running the subtest reaches: blocks with how often, in powers of two. None if it fails."""
    command = [program, "-test.run", name, f"-test.coverprofile={profile}"]
    if subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=SECONDS).returncode:
        return None
    found = set()
    for line in profile.read_text().splitlines()[1:]:
        block, _, count = line.rsplit(" ", 2)
        if count != "0":
            found.add((block, int(count).bit_length()))
    return found


def choose(candidates, covered):
    """The inputs that add most to what is covered, small ones first, until none does; a few in any case."""
    chosen = []
    while candidates and len(chosen) < MOST:
        best = max(candidates, key=lambda file: (len(candidates[file] - covered), -file.stat().st_size, file.name))
        if not candidates[best] - covered and len(chosen) >= LEAST:
            break
        covered |= candidates.pop(best)
        chosen.append(best)
    return chosen


def minimise(program, package, target, cache, work):
    corpus = ROOT / package / "testdata" / "fuzz" / target
    corpus.mkdir(parents=True, exist_ok=True)
    found = cache / package / target
    for file in sorted(found.iterdir()) if found.is_dir() else []:
        if file.stat().st_size <= LARGEST and not (corpus / file.name).exists():
            shutil.copy(file, corpus)
    profile = work / "profile"
    covered = reached(program, ROOT / package, profile, f"^{target}$/^seed#") or set()
    candidates, failing = {}, []
    for file in sorted(corpus.iterdir()):
        features = reached(program, ROOT / package, profile, f"^{target}$/^{re.escape(file.name)}$")
        if features is None:
            failing.append(file)
        else:
            candidates[file] = features
    kept = choose(candidates, covered) + failing
    for file in list(corpus.iterdir()):
        if file not in kept:
            file.unlink()
    print(f"{package} {target}: {len(kept)} inputs, {sum(file.stat().st_size for file in kept)} bytes", flush=True)
    for file in failing:
        print(f"  FAILS: {file}")
    return not failing


def main(packages):
    cache = pathlib.Path(go("env", "GOCACHE").strip()) / "fuzz" / MODULE
    if not packages:
        tests = (path for top in ("chat", "internal", "library", "store") for path in (ROOT / top).rglob("*_test.go"))
        packages = sorted({str(path.parent.relative_to(ROOT)) for path in tests if "\nfunc Fuzz" in path.read_text()})
    good = True
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        for package in packages:
            program = work / "test"
            go("test", "-c", "-tags", TAGS, "-covermode=count", f"-coverpkg={MODULE}/...", "-o", str(program), f"./{package}")
            listed = subprocess.run([program, "-test.list", "^Fuzz"], cwd=ROOT / package, check=True, stdout=subprocess.PIPE, encoding="utf-8")
            for target in re.findall(r"^Fuzz\w+$", listed.stdout, re.MULTILINE):
                good = minimise(program, package, target, cache, work) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
