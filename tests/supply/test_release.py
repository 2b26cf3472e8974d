"""What a release consists of: the document of what a bootstrap is made of, and its package."""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
import zipfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIPLE = "aarch64-unknown-linux-gnu"


def built(folder: pathlib.Path, function: str) -> pathlib.Path:
    """A folder as `make bootstraps` leaves it, with any bytes for a bootstrap."""
    package = folder / function
    (package / "fonts").mkdir(parents=True)
    (package / "bootstrap").write_bytes(b"any bytes")
    (package / "fonts/a.ttf").write_bytes(b"a font")
    return package


def described(folder: pathlib.Path, function: str) -> str:
    written = folder / f"{function}.cdx.json"
    subprocess.run(
        [sys.executable, ROOT / "infra/sbom.py", function, TRIPLE, folder / function, written],
        check=True,
    )
    return written.read_text()


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            built(pathlib.Path(folder), "completion")
            cls.text = described(pathlib.Path(folder), "completion")
            cls.again = described(pathlib.Path(folder), "completion")
        cls.document = json.loads(cls.text)
        cls.components = {part["bom-ref"]: part for part in cls.document["components"]}
        cls.names = {part["name"] for part in cls.document["components"]}

    def test_it_names_the_binary_by_its_hash(self):
        [found] = self.document["metadata"]["component"]["hashes"]
        self.assertEqual(found["content"], hashlib.sha256(b"any bytes").hexdigest())

    def test_it_lists_what_is_linked_and_nothing_of_builds_or_tests(self):
        self.assertLessEqual({"rdkafka", "canvas", "aws-sdk-s3", "parley_engine"}, self.names)
        self.assertFalse({"serde_derive", "cc", "openssl-src", "insta", "proptest"} & self.names)

    def test_it_lists_the_c_libraries_inside_the_crates(self):
        found = {name for name in self.components if name.startswith("library:")}
        self.assertEqual(
            {name.removeprefix("library:").partition("@")[0] for name in found},
            {"aws-lc", "librdkafka", "mimalloc", "openssl", "rust-std", "zlib"},
        )
        for name in found:
            self.assertRegex(name, r"@\d+(\.\d+)+$")

    def test_it_gives_each_crate_the_hash_of_the_lock_file(self):
        lock = tomllib.loads((ROOT / "Cargo.lock").read_text())["package"]
        locked = {f"{part['name']}@{part['version']}": part.get("checksum") for part in lock}
        for reference, part in self.components.items():
            if part.get("purl", "").startswith("pkg:cargo/"):
                self.assertEqual(part["hashes"][0]["content"], locked[reference])

    def test_it_lists_the_files_beside_the_bootstrap(self):
        font = self.components["file:fonts/a.ttf"]["hashes"][0]["content"]
        self.assertEqual(font, hashlib.sha256(b"a font").hexdigest())
        self.assertNotIn("file:bootstrap", self.components)

    def test_its_dependencies_are_all_listed(self):
        known = set(self.components) | {self.document["metadata"]["component"]["bom-ref"]}
        for dependency in self.document["dependencies"]:
            self.assertLessEqual({dependency["ref"], *dependency["dependsOn"]}, known)

    def test_the_same_binary_gives_the_same_document(self):
        self.assertEqual(self.text, self.again)


class Packages(unittest.TestCase):
    def test_the_same_files_give_the_same_zip_with_an_executable_bootstrap(self):
        packages = []
        for made in (0, time.time()):
            with tempfile.TemporaryDirectory() as folder:
                package = built(pathlib.Path(folder) / "lambda", "completion")
                (package.parent / "completion.cdx.json").write_text("{}")
                os.utime(package / "bootstrap", (made, made))
                packages.append(self.packed(package.parent, pathlib.Path(folder) / "packages"))
        self.assertEqual(*packages)

    def packed(self, built: pathlib.Path, packages: pathlib.Path) -> bytes:
        subprocess.run([sys.executable, ROOT / "infra/packages.py", built, packages], check=True)
        sums = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=packages)
        self.assertEqual(sums.returncode, 0)
        self.assertIn("  completion.cdx.json\n", (packages / "SHA256SUMS").read_text())
        with zipfile.ZipFile(packages / "completion.zip") as archive:
            self.assertEqual(archive.getinfo("bootstrap").external_attr >> 16 & 0o777, 0o755)
            self.assertEqual(archive.namelist(), ["bootstrap", "fonts/a.ttf"])
        return (packages / "completion.zip").read_bytes()


class Workflows(unittest.TestCase):
    """Which jobs of ci.yml run. A workflow that another calls has the caller's event."""

    EVENTS = {
        "a change": {"event_name": "pull_request", "ref_type": "branch"},
        "main": {"event_name": "push", "ref_type": "branch"},
        "the night": {"event_name": "schedule", "ref_type": "branch"},
        "a release": {"event_name": "push", "ref_type": "tag"},
    }
    LONG = {"nightly", "upgrade", "gameday"}

    def setUp(self):
        self.jobs = self.read("ci.yml")["jobs"]

    def read(self, name: str) -> dict:
        return yaml.safe_load((ROOT / ".github/workflows" / name).read_text())

    def runs(self, github: dict[str, str]) -> set[str]:
        """The jobs whose condition holds."""
        return {name for name, job in self.jobs.items() if self.holds(job.get("if", "true"), github)}

    def holds(self, condition: str, github: dict[str, str]) -> bool:
        words = condition.replace("&&", "and").replace("||", "or").replace("true", "True")
        for name, value in github.items():
            words = words.replace(f"github.{name}", repr(value))
        return eval(words, {"__builtins__": {}})  # of our own file, and it names nothing else

    def test_a_release_passes_every_job_also_those_of_the_night(self):
        self.assertEqual(self.runs(self.EVENTS["a release"]), set(self.jobs))
        release = self.read("release.yml")["jobs"]
        self.assertEqual(release["tested"]["uses"], "./.github/workflows/ci.yml")
        self.assertEqual(release["built"]["needs"], "tested")

    def test_a_change_leaves_out_only_what_is_long_and_the_night_does_only_that(self):
        for event in ("a change", "main"):
            self.assertEqual(self.runs(self.EVENTS[event]), set(self.jobs) - self.LONG, event)
        self.assertEqual(self.runs(self.EVENTS["the night"]), self.LONG)

    def test_a_release_is_compared_with_the_one_before_it_and_not_with_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("Makefile", "Cargo.toml"):
                shutil.copy(ROOT / name, folder)
            git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com")
            subprocess.run([*git, "init", "--quiet"], cwd=folder, check=True)
            for tag in ("v0.1.0", "v0.2.0"):
                commit = (*git, "commit", "--quiet", "--allow-empty", "--message", tag)
                subprocess.run(commit, cwd=folder, check=True)
                subprocess.run([*git, "tag", tag], cwd=folder, check=True)
                with self.subTest(tag):
                    last = {"v0.1.0": "", "v0.2.0": "v0.1.0"}[tag]
                    self.assertEqual(self.made(folder, "RELEASE"), last)

    def made(self, folder: str, variable: str) -> str:
        """The value of a variable of the Makefile."""
        line = f"told: ; @echo '$({variable})'"
        told = ("make", "--silent", "--eval", line, "told")
        ran = subprocess.run(told, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        return ran.stdout.strip()


if __name__ == "__main__":
    unittest.main()
