"""Puts libstatus1to1 into a wheel. wheel.py says which one, and for which platform; without it the
wheel has Python only, and finds the library where the system has it."""

import os
import pathlib

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Library(BuildHookInterface):
    def initialize(self, version, build_data):
        library, tag = os.environ.get("STATUS1TO1_WHEEL_LIBRARY"), os.environ.get("STATUS1TO1_WHEEL_TAG")
        if not library:
            return
        name = "libstatus1to1.dylib" if tag.startswith("macosx") else "libstatus1to1.so"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"  # any Python 3: the library is loaded by ctypes
        build_data["force_include"][str(pathlib.Path(library).resolve())] = f"status1to1/{name}"
