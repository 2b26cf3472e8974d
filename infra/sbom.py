#!/usr/bin/env python3
"""Writes what a bootstrap is made of, as a CycloneDX document.

usage: sbom.py <function> <target triple> <its package folder> <document to write>

The document lists the crates that the binary links, which is less than Cargo.lock has: nothing of
the tests, no build scripts, no procedural macros. It also lists the C libraries inside those
crates, which a tool that reads Cargo.lock does not see, and the files beside the bootstrap. It
names the binary by its hash. The same sources and the same binary give the same document.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A crate that compiles C builds it with one of these.
C_BUILDERS = {"cc", "cmake", "openssl-src"}


def output(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def sha256(file: pathlib.Path) -> list[dict]:
    content = hashlib.sha256(file.read_bytes()).hexdigest()
    return [{"alg": "SHA-256", "content": content}]


def defined(crate: pathlib.Path, header: str, name: str) -> str:
    """The value of a constant in a C header of a crate."""
    text = (crate / header).read_text()
    found = re.search(rf'#define {name}\s+"?([0-9.]+)', text)
    if not found:
        sys.exit(f"sbom.py: {crate / header} defines no {name}")
    return found[1]


def mimalloc(package: dict, features: list[str]) -> str:
    major = "v2" if "v2" in features else "v3"
    header = f"c_src/mimalloc/{major}/include/mimalloc.h"
    number = int(defined(package["folder"], header, "MI_MALLOC_VERSION"))
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def c_library(package: dict, features: list[str], openssl: str) -> dict | None:
    """The C library that a crate compiles and links, if it does."""
    suffix = package["version"].partition("+")[2]
    match package["name"]:
        # Hands aws-lc-sys' library on.
        case "aws-lc-rs":
            return None
        case "aws-lc-sys":
            header = "aws-lc/include/openssl/base.h"
            version = defined(package["folder"], header, "AWSLC_VERSION_NUMBER_STRING")
            return library("aws-lc", version, f"github/aws/aws-lc@v{version}")
        case "libmimalloc-sys":
            version = mimalloc(package, features)
            return library("mimalloc", version, f"github/microsoft/mimalloc@v{version}")
        case "libz-sys":
            version = defined(package["folder"], "src/zlib/zlib.h", "ZLIB_VERSION")
            found = library("zlib", version, f"github/madler/zlib@v{version}")
            return found | {"cpe": f"cpe:2.3:a:zlib:zlib:{version}:*:*:*:*:*:*:*"}
        case "openssl-sys":
            found = library("openssl", openssl, f"github/openssl/openssl@openssl-{openssl}")
            return found | {"cpe": f"cpe:2.3:a:openssl:openssl:{openssl}:*:*:*:*:*:*:*"}
        case "rdkafka-sys":
            return library("librdkafka", suffix, f"github/confluentinc/librdkafka@v{suffix}")
    builds = {d["name"] for d in package["dependencies"] if d["kind"] == "build"}
    if package["links"] or builds & C_BUILDERS:
        name = package["name"]
        sys.exit(f"sbom.py: {name} links C code: say here which library, and in which version")
    return None


def library(name: str, version: str, purl: str) -> dict:
    return {
        "type": "library",
        "bom-ref": f"library:{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:{purl}",
    }


def tree(function: str, triple: str, edges: str) -> list[tuple[int, str]]:
    """Cargo's tree of what a function links, as depths and names with versions."""
    lines = output(
        *("cargo", "tree", "--locked", "--package", function, "--target", triple),
        *("--edges", edges, "--prefix", "depth", "--format", "|{p}"),
    ).splitlines()
    found = (re.match(r"(\d+)\|(\S+) v(\S+)", line) for line in lines)
    return [(int(line[1]), f"{line[2]}@{line[3]}") for line in found if line]


def dependencies(linked: list[tuple[int, str]]) -> dict[str, set[str]]:
    """What each crate depends on. The tree repeats a crate without what is below it."""
    found: dict[str, set[str]] = {}
    above: list[str] = []
    for depth, crate in linked:
        del above[depth:]
        found.setdefault(crate, set())
        if above:
            found[above[-1]].add(crate)
        above.append(crate)
    return found


def crate(package: dict, checksums: dict[str, str | None]) -> dict:
    name, version = package["name"], package["version"]
    component = {
        "type": "library",
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
    }
    if package["license"]:
        # Before SPDX, a slash meant "or".
        component["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    # Our own crates come from no registry.
    if package["source"]:
        component["hashes"] = [{"alg": "SHA-256", "content": checksums[f"{name}@{version}"]}]
        component["purl"] = f"pkg:cargo/{name}@{version.replace('+', '%2B')}"
    return component


def packages(triple: str) -> tuple[dict[str, dict], dict[str, list[str]]]:
    """Every package of the workspace's graph, and its features."""
    metadata = json.loads(
        output(
            *("cargo", "metadata", "--locked", "--format-version", "1"),
            *("--filter-platform", triple),
        )
    )
    found, by_id = {}, {}
    for package in metadata["packages"]:
        key = f"{package['name']}@{package['version']}"
        package["folder"] = pathlib.Path(package["manifest_path"]).parent
        found[key] = package
        by_id[package["id"]] = key
    features = {by_id[node["id"]]: node["features"] for node in metadata["resolve"]["nodes"]}
    return found, features


def origin() -> dict:
    """Where the sources come from, if this is a checkout."""
    try:
        time = output("git", "log", "-1", "--format=%cI")
        commit = output("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"timestamp": time, "properties": [{"name": "eventzr:commit", "value": commit}]}


def standard_library() -> dict:
    compiler = os.environ.get("RUSTC", "rustc")  # as Cargo chooses it
    version = re.match(r"rustc (\S+)", output(compiler, "--version"))[1]
    return library("rust-std", version, f"generic/rust-std@{version}")


def files(folder: pathlib.Path) -> list[dict]:
    """What lies beside the bootstrap and is deployed with it."""
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    names = [file.relative_to(folder).as_posix() for file in found]
    return [
        {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": sha256(folder / name)}
        for name in names
        if name != "bootstrap"
    ]


def document(function: str, triple: str, folder: pathlib.Path) -> dict:
    known, features = packages(triple)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {
        f"{package['name']}@{package['version']}": package.get("checksum")
        for package in lock["package"]
    }
    linked = dependencies(tree(function, triple, "normal,no-proc-macro"))
    built = dict(name.split("@") for _, name in tree(function, triple, "normal,build"))
    openssl = built["openssl-src"].partition("+")[2]

    root, *crates = linked
    components = [crate(known[name], checksums) for name in crates]
    others = [(name, c_library(known[name], features[name], openssl)) for name in crates]
    for name, found in [*others, (root, standard_library())]:
        if found:
            components.append(found)
            linked[name].add(found["bom-ref"])
            linked[found["bom-ref"]] = set()
    components += files(folder)

    content = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            **origin(),
            "component": crate(known[root], checksums) | {
                "type": "application",
                "description": f"The bootstrap of {function} for {triple}",
                "hashes": sha256(folder / "bootstrap"),
            },
        },
        "components": sorted(components, key=lambda component: component["bom-ref"]),
        "dependencies": [
            {"ref": name, "dependsOn": sorted(below)} for name, below in sorted(linked.items())
        ],
    }
    identity = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(content, sort_keys=True))
    return {**content, "serialNumber": f"urn:uuid:{identity}"}


def main() -> None:
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    function, triple, folder, written = sys.argv[1:]
    text = json.dumps(document(function, triple, pathlib.Path(folder)), indent=1) + "\n"
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault:
        sys.exit(f"sbom.py: what it made for {function} is no CycloneDX document: {fault}")
    pathlib.Path(written).write_text(text)


if __name__ == "__main__":
    main()
