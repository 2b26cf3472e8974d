"""What comes from outside is named by its hash, wherever it is installed: `make supply`."""

import functools
import json
import os
import pathlib
import re
import subprocess
import unittest
from fnmatch import fnmatchcase

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The only jobs that may do more than read, with what they need it for.
WRITES = {
    ("release.yml", "attested"): {"id-token": "write", "attestations": "write"},
    ("release.yml", "published"): {"contents": "write"},
    ("release.yml", "staging"): {"id-token": "write"},
}


def files(*patterns: str) -> list[pathlib.Path]:
    """The files of the checkout that match, without what is built; `*` matches a slash, too."""
    found = (name for name in names() if any(fnmatchcase(name, pattern) for pattern in patterns))
    return [ROOT / name for name in found]


@functools.cache
def names() -> list[str]:
    """The names of all files of the checkout, in order."""
    listed = names_by_git().split("\0")
    found = [name for name in set(listed) if (ROOT / name).is_file()]
    # An archive of the sources has no history, and needs no git.
    return sorted(found or names_by_walking())


def names_by_git() -> str:
    """What git tracks or would track, each ended by a zero byte. Empty without git or a history."""
    # The checkout may belong to another user than the one who tests it.
    git = ("git", "-c", f"safe.directory={ROOT}")
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    try:
        return subprocess.run((*git, *listed), cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    except OSError:
        return ""


def names_by_walking() -> list[str]:
    found = []
    for folder, below, inside in os.walk(ROOT):
        below[:] = [name for name in below if name not in {".git", "__pycache__", "target"}]
        found += [(pathlib.Path(folder) / name).relative_to(ROOT).as_posix() for name in inside]
    return found


def pinned(requirements: pathlib.Path) -> dict[str, list[str]]:
    """The hashes of each `name==version` of a requirements.txt."""
    lines = requirements.read_text().replace("\\\n", " ").splitlines()
    found = {}
    for line in lines:
        if line.strip() and not line.startswith("#"):
            found[line.split()[0]] = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", line)
    return found


def commands(text: str) -> list[str]:
    """The lines of a Makefile or a script, with continued lines as one."""
    return [line for line in text.replace("\\\n", " ").splitlines() if not line.startswith("#")]


def workflows() -> list[pathlib.Path]:
    return files(".github/workflows/*.yml")


class Files(unittest.TestCase):
    def test_a_walk_without_git_finds_all_that_git_lists(self):
        listed = {name for name in names_by_git().split("\0") if (ROOT / name).is_file()}
        self.assertLessEqual(listed, set(names_by_walking()))
        self.assertIn("Makefile", names())


class Python(unittest.TestCase):
    def test_each_requirement_has_an_exact_version_and_hashes(self):
        for file in files("*requirements.txt"):
            for requirement, hashes in pinned(file).items():
                with self.subTest(file=file, requirement=requirement):
                    self.assertRegex(requirement, r"^[a-z0-9.-]+==[^*]+$")
                    self.assertTrue(hashes)

    def test_each_requirements_in_is_resolved_beside_it(self):
        for file in files("*requirements.in"):
            resolved = pinned(file.with_suffix(".txt"))
            for line in file.read_text().splitlines():
                if line and not line.startswith("#"):
                    with self.subTest(file=file, requirement=line):
                        self.assertIn(line, resolved)

    def test_pip_installs_nothing_without_a_hash(self):
        places = files("Makefile", ".ci/*", ".github/*", "infra/*")
        scripts = [file for file in places if file.suffix in {"", ".yml", ".py"}]
        for file in scripts:
            for line in commands(file.read_text()):
                if re.search(r"\bpip3? install\b", line):
                    with self.subTest(file=file, line=line):
                        self.assertIn("--require-hashes", line)
                        self.assertIn("--only-binary :all:", line)


class Debian(unittest.TestCase):
    def test_apt_takes_no_package_without_a_signed_hash(self):
        found = 0
        for file in files("Makefile", ".ci/*", ".github/*", "infra/*"):
            if file.suffix in {"", ".yml"}:
                text = file.read_text()
                found += "apt-get" in text
                refused = r"(?i)(allow.?(unauthent|insecure|weak)|trusted=yes)"
                self.assertNotRegex(text, refused, file)
        self.assertGreater(found, 0)


class Npm(unittest.TestCase):
    def test_each_locked_package_has_its_integrity(self):
        for file in files("*package-lock.json"):
            for name, package in json.loads(file.read_text())["packages"].items():
                # What is bundled is in the file of the package that bundles it.
                if name and not package.get("inBundle"):
                    with self.subTest(file=file, package=name):
                        self.assertRegex(package.get("integrity", ""), r"^sha512-")

    def test_npm_installs_only_what_is_locked_and_runs_no_scripts(self):
        found = 0
        for file in files("Makefile", ".ci/*", ".github/*", "infra/bootstraps", "infra/deploy*"):
            for line in commands(file.read_text()):
                self.assertNotRegex(line, r"\bnpm (install|i|exec)\b|\bnpx\b", file)
                if re.search(r"\bnpm ci\b", line):
                    found += 1
                    self.assertIn("--ignore-scripts", line, file)
        self.assertGreater(found, 0)


class Cargo(unittest.TestCase):
    def test_cargo_never_changes_the_lock_file(self):
        builds = r"\bcargo (build|run|test|fetch|lambda build)\b"
        for file in files("Makefile", "infra/bootstraps", "infra/deploy*"):
            for line in commands(file.read_text()):
                # What `make` prints or explains runs nothing.
                if re.search(builds, line) and "echo" not in line and "## " not in line:
                    self.assertIn("--locked", line, file)


class Java(unittest.TestCase):
    def test_the_jars_that_a_pom_names_have_a_hash(self):
        poms = files("*pom.xml")
        self.assertTrue(poms)
        for pom in poms:
            listed = (pom.parent / "jars.sha256").read_text()
            for line in listed.splitlines():
                self.assertRegex(line, r"^[0-9a-f]{64}  \S+\.jar$")
            named = re.findall(
                r"<artifactId>(\S+)</artifactId>\s*<version>(\S+)</version>\s*</dependency>",
                pom.read_text(),
            )
            self.assertTrue(named)
            for name, version in named:
                self.assertIn(f"  {name}-{version}.jar\n", listed)


class Go(unittest.TestCase):
    def test_each_module_has_its_hash(self):
        for file in files("*go.mod"):
            hashes = file.with_name("go.sum").read_text()
            required = re.findall(r"^(?:require )?\s*(\S+\.\S+/?\S*) (v\S+)", file.read_text(), re.M)
            self.assertTrue(required)
            for module, version in required:
                with self.subTest(file=file, module=module):
                    self.assertRegex(hashes, rf"(?m)^{re.escape(f'{module} {version}')} h1:")

    def test_go_builds_only_what_is_locked(self):
        for line in commands((ROOT / "Makefile").read_text()):
            if re.search(r"\bgo (build|run|install|get)\b", line):
                self.assertIn("-mod=readonly", line)


class Workflows(unittest.TestCase):
    """What zizmor does not ask for; `make supply` runs it too."""

    def test_each_action_is_a_commit_with_its_version_beside_it(self):
        for file in files(".github/workflows/*.yml", ".github/actions/*/action.yml"):
            for action in re.findall(r"\buses: (.*)", file.read_text()):
                if not action.startswith("./"):
                    with self.subTest(file=file, action=action):
                        self.assertRegex(action, r"^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")

    def test_a_job_may_write_only_what_is_listed_here(self):
        seen = {}
        for file in workflows():
            workflow = yaml.safe_load(file.read_text())
            self.assertEqual(workflow["permissions"], {}, file)
            for name, job in workflow["jobs"].items():
                granted = job["permissions"].items()
                writes = {scope: access for scope, access in granted if access != "read"}
                if writes:
                    seen[(file.name, name)] = writes
        self.assertEqual(seen, WRITES)

    def test_no_workflow_needs_a_stored_key(self):
        for file in workflows():
            self.assertNotRegex(file.read_text(), r"\bsecrets\.|secrets: inherit", file)

    def test_advisories_are_checked_daily_and_when_a_lock_file_changes(self):
        workflow = yaml.safe_load((ROOT / ".github/workflows/advisories.yml").read_text())
        triggers = workflow[True]  # YAML reads `on` as a boolean
        self.assertTrue(triggers["schedule"])
        locks = {file.relative_to(ROOT).as_posix() for file in files("*Cargo.lock")}
        for event in ("push", "pull_request"):
            self.assertLessEqual(locks, set(triggers[event]["paths"]))


class Updates(unittest.TestCase):
    def test_dependabot_watches_each_folder_that_pins_something(self):
        updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
        watched = {
            (update["package-ecosystem"], folder)
            for update in updates
            for folder in update.get("directories", [update.get("directory")])
        }
        pins = {
            "cargo": "*Cargo.lock",
            "uv": "*requirements.in",
            "npm": "*package-lock.json",
            "maven": "*pom.xml",
            "gomod": "*go.mod",
            "github-actions": "*action.yml",
        }
        for ecosystem, pattern in pins.items():
            for file in files(pattern):
                folder = file.parent.relative_to(ROOT)
                # Dependabot looks for requirements one folder deeper, too.
                near = [folder, folder.parent] if ecosystem == "uv" else [folder]
                with self.subTest(ecosystem=ecosystem, folder=folder):
                    named = {f"/{place}" if place.name else "/" for place in near}
                    self.assertTrue({(ecosystem, name) for name in named} & watched)
        self.assertIn(("github-actions", "/"), watched)
        self.assertTrue(all(update["cooldown"]["default-days"] >= 7 for update in updates))


class Template(unittest.TestCase):
    def test_each_function_can_be_held_to_signed_code(self):
        template = (ROOT / "infra/template.yaml").read_text()
        functions = template.count("    Type: AWS::Serverless::Function\n")
        signed = "      CodeSigningConfigArn: !If [WithCodeSigning, !Ref CodeSigningConfigArn,"
        self.assertGreater(functions, 0)
        self.assertEqual(template.count(signed), functions)


if __name__ == "__main__":
    unittest.main()
