#!/usr/bin/env python3
"""Packs the npm packages, the same bytes from the same files, without npm:

    pack.py --out DIRECTORY                                       status1to1 itself
    pack.py --binary FILE --os linux --cpu x64 --out DIRECTORY    @status1to1/rpc-linux-x64

os and cpu are npm's names: linux, darwin; x64, arm64. Prints the path of the package.
"""

import argparse
import gzip
import io
import json
import os
import pathlib
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
LICENSES = ["LICENSE-MIT", "LICENSE-APACHEv2"]
PROGRAM = "status1to1-rpc"


def main_package():
    """The manifest and the files of status1to1."""
    manifest = json.loads((HERE / "package.json").read_text())
    files = {"README.md": HERE / "README.md"}
    for name in manifest["files"]:
        path = HERE / name
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            files[str(file.relative_to(HERE))] = file
    return manifest, files


def platform_package(binary, system, cpu):
    """The manifest and the files of the package with the server for one platform."""
    version = json.loads((HERE / "package.json").read_text())["version"]
    manifest = {
        "name": f"@status1to1/rpc-{system}-{cpu}", "version": version, "os": [system], "cpu": [cpu],
        "description": f"{PROGRAM} for {system} {cpu}; see the package status1to1",
        "license": "(MIT OR Apache-2.0)", "bin": {PROGRAM: PROGRAM}, "preferUnplugged": True,
    }
    files = {name: HERE / name for name in LICENSES}
    files["THIRD-PARTY.md"] = HERE.parent.parent / "THIRD-PARTY.md"
    files[PROGRAM] = pathlib.Path(binary)
    return manifest, files


def pack(manifest, files, out):
    """Writes the package: names in order, one time, no owner."""
    when = int(os.environ.get("SOURCE_DATE_EPOCH", "499162500"))  # npm's own time: October 1985
    contents = {name: path.read_bytes() for name, path in files.items()}
    contents["package.json"] = (json.dumps(manifest, indent=2) + "\n").encode()
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(contents):
            entry = tarfile.TarInfo("package/" + name)
            entry.size, entry.mtime = len(contents[name]), when
            entry.mode = 0o755 if name == PROGRAM else 0o644
            tar.addfile(entry, io.BytesIO(contents[name]))
    name = manifest["name"].replace("@", "").replace("/", "-")
    path = pathlib.Path(out) / f"{name}-{manifest['version']}.tgz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary")
    parser.add_argument("--os", choices=["linux", "darwin"])
    parser.add_argument("--cpu", choices=["x64", "arm64"])
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    if options.binary:
        if not (options.os and options.cpu):
            parser.error("--binary needs --os and --cpu")
        package = platform_package(options.binary, options.os, options.cpu)
    else:
        package = main_package()
    print(pack(*package, options.out))


if __name__ == "__main__":
    main()
