#!/usr/bin/env python3
"""Tests a binding of libstatus1to1: replays the transcripts through its driver.

    conformance/run.py --driver './my-binding-driver'
    conformance/run.py --driver 'python3 conformance/drivers/python_driver.py' chat errors

conformance/README.md says how to write a driver. Exit code 0: all that ran passed; 1: some failed;
2: there was nothing that could run.
"""

import argparse
import pathlib
import shlex
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from kit.driver import Broken, Driver  # noqa: E402
from kit.match import Malformed  # noqa: E402
from kit.replay import Failed, Replay, load, needs  # noqa: E402
from kit.schema import Library  # noqa: E402

TRANSCRIPTS = pathlib.Path(__file__).resolve().parent / "transcripts"

#: How long an answer or an event may take, in seconds. Nothing is measured by it.
PATIENCE = 120


def main():
    options = _options()
    try:
        driver = Driver(shlex.split(options.driver), options.patience)
        schema = Library(driver.ask("schema")["result"])
    except Broken as fault:
        print(f"{options.driver}: {fault}")
        return 2
    try:
        result = _run(options, driver, schema)
        if result == 0:
            driver.end()
        else:
            driver.kill()
    except Malformed as fault:
        print(fault)
        return 2
    except Broken as fault:
        print(f"{options.driver}: {fault}")
        return 1
    return result


def _options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--driver", required=True, metavar="COMMAND", help="the program that drives the binding, with its arguments")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="SECONDS", help="how long an answer may take (%(default)s)")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME", help="leave this transcript out, by name")
    parser.add_argument("--leaves-out", metavar="NAMES", help="fail unless exactly these transcripts are left out")
    parser.add_argument("--times", action="store_true", help="say how long each transcript took")
    parser.add_argument("--quiet", action="store_true", help="name only what failed or was left out")
    parser.add_argument("transcripts", nargs="*", metavar="NAME", help="the transcripts to replay; all if none is named")
    return parser.parse_args()


def _run(options, driver, schema):
    paths = sorted(path for path in TRANSCRIPTS.glob("*.json") if not options.transcripts or path.stem in options.transcripts)
    missing = set(options.transcripts) - {path.stem for path in paths}
    if missing:
        print(f"there is no transcript {', '.join(sorted(missing))}")
        return 2
    passed, failed, left, spoilt = 0, 0, [], False
    for path in paths:
        begin, transcript = time.monotonic(), load(path)
        why = _why_not(path.stem, transcript, options, driver)
        if why:
            left.append(path.stem)
            print(f"left out  {path.stem}: {why}")
            continue
        if spoilt:
            driver.renew()
        fault = _replay(transcript, driver, schema)
        spoilt = fault is not None  # in whatever state the driver is then
        took = f" ({time.monotonic() - begin:.2f} s)" if options.times else ""
        if fault is None:
            passed += 1
            if not options.quiet:
                print(f"ok        {path.stem}{took}")
        else:
            failed += 1
            print(f"FAILED    {path.stem}{took}\n  {fault}")
    print(f"{driver.binding}: {passed} passed, {failed} failed, {len(left)} left out")
    if options.leaves_out is not None and left != sorted(options.leaves_out.split()):
        print(f"{driver.binding}: left out should be: {options.leaves_out or 'none'}")
        return 1
    return 1 if failed or not passed else 0


def _why_not(name, transcript, options, driver):
    if name in options.skip:
        return "as asked"
    missing = needs(transcript) - driver.capabilities
    return f"the driver cannot do {', '.join(sorted(missing))}" if missing else ""


def _replay(transcript, driver, schema):
    """None, or what is wrong."""
    try:
        Replay(transcript, driver, schema).run()
    except (Failed, Broken) as fault:
        return fault
    return None


if __name__ == "__main__":
    sys.exit(main())
