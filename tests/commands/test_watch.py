"""`make watch` serves a function, and starts it again when its code changes.

The function is a script in the place of the one that cargo would build: what is tried is
cargo-lambda, with the options that the Makefile gives it.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PATIENCE = 60

# What the recipe and cargo-lambda call. Only `cargo run` is played.
CARGO = """#!/bin/bash
case $1 in
  lambda) unset CARGO; exec cargo-lambda "$@" ;;
  run) exec python3 -B "{function}" ;;
  *) exec "{cargo}" "$@" ;;
esac
"""

# A function that answers with the code that it was started with.
FUNCTION = """
import json, os, pathlib, urllib.request
code = pathlib.Path(os.environ["CODE"]).read_text()
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"].removeprefix("http://")
while True:
    with urllib.request.urlopen(api + "/2018-06-01/runtime/invocation/next") as asked:
        request = asked.headers["Lambda-Runtime-Aws-Request-Id"]
    url = f"{api}/2018-06-01/runtime/invocation/{request}/response"
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(code).encode())).close()
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Watch(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name) / "checkout"
        bin = pathlib.Path(folder.name) / "bin"
        self.code = self.root / "hello/src/main.rs"
        for path, text in {
            bin / "cargo": CARGO.format(function=bin / "function.py", cargo=shutil.which("cargo")),
            bin / "function.py": FUNCTION,
            self.root / "Cargo.toml": '[workspace]\nmembers = ["hello"]\nresolver = "3"\n',
            self.root / "hello/Cargo.toml": '[package]\nname = "hello"\nedition = "2024"\n',
            self.root / ".gitignore": (ROOT / ".gitignore").read_text(),
            self.root / "infra/requirements.txt": "",
            self.root / "target/up.env": f"export CODE='{self.code}'\n",
            self.code: "fn main() {} // first",
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (bin / "cargo").chmod(0o755)
        # The tools are installed, and stay so.
        os.utime(self.root / "infra/requirements.txt", (0, 0))
        (self.root / "target/tools").symlink_to(ROOT / "target/tools")
        self.port = free_port()
        self.log = open(pathlib.Path(folder.name) / "log", "w+")
        self.addCleanup(self.log.close)
        self.watch = subprocess.Popen(
            ["make", "--file", ROOT / "Makefile", "watch", f"PORT={self.port}"],
            cwd=self.root,
            env={**os.environ, "PATH": f"{bin}:{os.environ['PATH']}", "MAKEFLAGS": ""},
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.addCleanup(self.stop)

    def stop(self):
        os.killpg(self.watch.pid, 9)
        self.watch.wait()

    def answer(self):
        url = f"http://127.0.0.1:{self.port}/2015-03-31/functions/hello/invocations"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=10) as answer:
                return json.load(answer)
        except OSError as error:
            return str(error)

    def until_it_answers(self, expected):
        deadline = time.monotonic() + PATIENCE
        while (said := self.answer()) != expected:
            if time.monotonic() > deadline or self.watch.poll() is not None:
                self.log.seek(0)
                self.fail(f"it answers {said!r}, not {expected!r}; the log:\n{self.log.read()}")
            time.sleep(0.3)

    def test_a_function_is_started_again_when_its_code_changes(self):
        self.until_it_answers("fn main() {} // first")
        self.code.write_text("fn main() {} // second")
        self.until_it_answers("fn main() {} // second")


if __name__ == "__main__":
    unittest.main()
