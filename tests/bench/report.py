"""Runs the benchmarks of calls, writes their figures to a file and prints them: for `make
bench-calls`. report.py OUT NAME=COMMAND..., C being the first."""

import json
import platform
import shlex
import subprocess
import sys


#: Each program runs so often, and the fastest run of a call counts: others met what else runs here.
RUNS = 3


def run(command):
    runs = [json.loads(subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True).stdout) for _ in range(RUNS)]
    return {call: min((found[call] for found in runs), key=lambda took: took["median_ns"]) for call in runs[0]}


def main():
    out, programs = sys.argv[1], dict(program.split("=", 1) for program in sys.argv[2:])
    figures = {name: run(command) for name, command in programs.items()}
    empty = figures["C"]["empty"]["median_ns"]
    for calls in figures.values():
        for call in calls.values():
            call["ratio"] = round(call["median_ns"] / empty, 1)
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"machine": platform.machine(), "system": platform.platform(), "empty": "event_fd of no client, from C",
                   "bindings": figures}, file, indent=1)
    print("| | call | median | 90 % | 99 % | of an empty call |")
    print("|---|---|---|---|---|---|")
    for name, calls in figures.items():
        for call, took in calls.items():
            times = " | ".join(f"{took[key] / 1000:.2f} µs" for key in ("median_ns", "p90_ns", "p99_ns"))
            print(f"| {name} | {call} | {times} | {took['ratio']:g} |")


main()
