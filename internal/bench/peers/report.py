"""Runs the programs of the comparison in turn, writes their figures to a file and prints them: for
`make bench-peers`. report.py OUT RUNS COMMAND..., this library being the first."""

import json
import os
import platform
import shlex
import subprocess
import sys

#: Of these a figure of the same name and size is compared with the first that has it. The second is
#: the library as a program has it, which keeps its promises on disk.
OURS = ("ours: sessions", "ours: engine, disk, relay")


def run(commands, runs):
    """Of so many runs the fastest of each figure counts: others met what else runs here. The programs
    take turns, so that each meets the same."""
    best = {}
    for _ in range(runs):
        for command in commands:
            for figure in json.loads(subprocess.run(shlex.split(command), stdout=subprocess.PIPE, check=True).stdout):
                name = figure["subject"], figure["figure"], figure["size"]
                if name not in best or figure["median_ns"] < best[name]["median_ns"]:
                    best[name] = figure
    return best


def main():
    out, runs, commands = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    figures = run(commands, runs)
    for (_, name, size), figure in figures.items():
        ours = next((figures[subject, name, size] for subject in OURS if (subject, name, size) in figures), None)
        figure["ratio"] = round(figure["median_ns"] / ours["median_ns"], 3) if ours else None
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"machine": platform.machine(), "system": platform.platform(), "cores": os.cpu_count(), "runs": runs,
                   "ratio": "to the first of these that has the figure: " + "; ".join(OURS),
                   "figures": list(figures.values())}, file, indent=1)
    print("| | a message | bytes | median | 90 % | 99 % | of | times ours |")
    print("|---|---|---|---|---|---|---|---|")
    for figure in figures.values():
        times = " | ".join(f"{figure[key] / 1000:.1f} µs" for key in ("median_ns", "p90_ns", "p99_ns"))
        ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.3g}"
        print(f"| {figure['subject']} | {figure['figure']} | {figure['size']} | {times} | {figure['samples']} | {ratio} |")


main()
