#!/usr/bin/env python3
"""Zips what is deployed, for a release: usage: packages.py <built folder> <folder to write>

Writes a zip for each function, its document of what it is made of, and SHA256SUMS. The same files
give the same zip, whenever and wherever it is made.
"""

import hashlib
import pathlib
import shutil
import sys
import zipfile

# The first time that a zip can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


def zipped(folder: pathlib.Path, written: pathlib.Path) -> None:
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            name = file.relative_to(folder).as_posix()
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (0o100755 if name == "bootstrap" else 0o100644) << 16
            archive.writestr(entry, file.read_bytes())


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    built, packages = map(pathlib.Path, sys.argv[1:])
    bootstraps = sorted(built.glob("*/bootstrap"))
    if not bootstraps:
        sys.exit(f"packages.py: {built} has no bootstrap: make bootstraps")
    shutil.rmtree(packages, ignore_errors=True)
    packages.mkdir(parents=True)
    for bootstrap in bootstraps:
        function = bootstrap.parent.name
        zipped(bootstrap.parent, packages / f"{function}.zip")
        shutil.copyfile(built / f"{function}.cdx.json", packages / f"{function}.cdx.json")
    sums = [
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(packages.iterdir())
    ]
    (packages / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
