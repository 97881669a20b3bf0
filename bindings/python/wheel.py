#!/usr/bin/env python3
"""Builds a wheel that carries libstatus1to1.

    wheel.py                                              build/libstatus1to1.so, for this machine
    wheel.py --library F --tag macosx_12_0_arm64 --out D  any other

It prints the path of the wheel. Two wheels of the same files are equal byte for byte. hatchling
comes from PyPI, as pinned in tests/tools/wheel.txt; exit code 2: PyPI cannot be reached.
"""

import argparse
import os
import pathlib
import platform
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def glibc_of(library):
    """The newest version of glibc whose symbols a library names. Its strings end with a zero
    byte; a string elsewhere in the file could only ask for more than is needed."""
    found = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?=[.\0])", library.read_bytes())
    return max((int(major), int(minor)) for major, minor in found)


def tag_of(library):
    """The tag of a library that was built on this machine."""
    machine = platform.machine()
    if sys.platform == "darwin":
        return f"macosx_12_0_{machine}"  # the oldest that the Go runtime works on
    major, minor = glibc_of(library)
    return f"manylinux_{major}_{minor}_{machine}"


def build(library, tag, out):
    """Has hatchling build the wheel, and gives its path."""
    from hatchling.build import build_wheel

    os.environ.update(STATUS1TO1_WHEEL_LIBRARY=str(library), STATUS1TO1_WHEEL_TAG=tag)
    out.mkdir(parents=True, exist_ok=True)
    os.chdir(HERE)
    return out / build_wheel(str(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--library", type=pathlib.Path, help="the library (default: that of `make build`)")
    parser.add_argument("--tag", help="the platform, as in manylinux2014_x86_64 (default: this one)")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build" / "dist", help="where to (%(default)s)")
    given = parser.parse_args()
    try:
        import hatchling  # noqa: F401
    except ImportError:
        tools = subprocess.run(["sh", str(ROOT / "tests" / "tools.sh"), "wheel"], stdout=subprocess.PIPE, text=True)
        if tools.returncode != 0:
            sys.exit(tools.returncode)
        python = os.path.join(tools.stdout.strip(), "bin", "python")
        os.execv(python, [python, "-B", *sys.argv])
    name = "libstatus1to1.dylib" if sys.platform == "darwin" else "libstatus1to1.so"
    library = (given.library or ROOT / "build" / name).resolve()
    print(build(library, given.tag or tag_of(library), given.out.resolve()))


if __name__ == "__main__":
    main()
