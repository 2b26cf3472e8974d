"""What `make` passes on to the local stack: only the options that its user asked for."""

import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

EMBEDDED = "--broker embedded"


def passed_on(*words):
    """The arguments of `studio-local`, which is not started."""
    # A variable of `make` may also come from the environment.
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    said = subprocess.run(
        ["make", "--dry-run", *words], cwd=ROOT, env=environment, check=True, capture_output=True,
        text=True,
    ).stdout.replace("\\\n", " ")
    lines = [line for line in said.splitlines() if line.startswith("target/debug/studio-local ")]
    return re.sub(" +", " ", lines[-1].removeprefix("target/debug/studio-local ")).strip()


class Options(unittest.TestCase):
    def test_only_what_was_asked_for_is_passed_on(self):
        for words, expected in {
            ("demo",): f"demo {EMBEDDED}",
            ("demo", "VENDORS=1"): f"demo {EMBEDDED} --vendors",
            ("demo", "VOICE=1", "BROKER=apache"): "voice --broker apache",
            ("demo", "EVENT=my.json"): f"demo {EMBEDDED} --event 'my.json'",
            ("demo", "TOPIC=cms.published"): f"demo {EMBEDDED} --topic 'cms.published'",
            ("up",): f"up {EMBEDDED}",
            ("up", "KEEP=1"): f"up {EMBEDDED} --keep",
            ("up", "VENDORS=1"): f"up {EMBEDDED} --vendors",
            ("publish",): "publish",
            ("publish", "NO_WAIT=1", "EVENT=-"): "publish --event '-' --no-wait",
            ("logs", "FUNCTION=render", "PRETTY=1"): "logs render --pretty",
        }.items():
            with self.subTest(words):
                self.assertEqual(passed_on(*words), expected)


if __name__ == "__main__":
    unittest.main()
