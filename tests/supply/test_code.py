"""The commands of docs/deploying.md that deploy the code of one function, tried without AWS."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The header of an ELF file for arm64, by which cargo-lambda knows what it packs: 64 bits, the
# lowest byte first, and no section. https://www.sco.com/developers/gabi/latest/ch4.eheader.html
ELF = (
    bytes.fromhex("7f454c46 020101 000000000000000000 0300 b700 01000000")
    + bytes(28)
    + bytes.fromhex("4000 3800 0000 4000 0000 0000")
)


def documented() -> list[str]:
    text = (ROOT / "docs/deploying.md").read_text().replace("\\\n", " ")
    return re.findall(r"^\$ (.*cargo lambda deploy .*)$", text, re.MULTILINE)


@unittest.skipUnless(shutil.which("cargo"), "cargo reads the manifests")
class Code(unittest.TestCase):
    def packed(self, command: str, folder: pathlib.Path, function: str) -> list[str]:
        """The names in the zip that a documented command would upload."""
        (folder / function).mkdir()
        bootstrap = folder / function / "bootstrap"
        bootstrap.write_bytes(ELF)
        bootstrap.chmod(0o755)
        tried = re.sub(r"\S*target/lambda", str(folder), command)
        tried = tried.replace("cargo lambda deploy ", "cargo lambda deploy --dry ")
        self.assertIn(str(folder), tried)
        tools = pathlib.Path(sys.executable).parent
        run = subprocess.run(
            ["bash", "-c", tried],
            cwd=ROOT,
            env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn("architecture arm64", run.stdout)
        with zipfile.ZipFile(folder / function / "bootstrap.zip") as archive:
            return archive.namelist()

    def test_one_functions_code_is_deployed_to_the_stacks_own_function(self):
        for function in ("event-created", "completion"):
            [command] = (one for one in documented() if f"--binary-name {function} " in one)
            # Without the stack's name of it, cargo-lambda makes a new function.
            self.assertRegex(command, rf" studio-{function}-staging\)?$")
            with self.subTest(function), tempfile.TemporaryDirectory() as folder:
                names = self.packed(command, pathlib.Path(folder), function)
                self.assertIn("bootstrap", names)
                fonts = {f"fonts/{file.name}" for file in self.fonts(function)}
                self.assertLessEqual(fonts, set(names))

    def fonts(self, function: str) -> list[pathlib.Path]:
        files = (ROOT / "functions" / function / "package/fonts").glob("*")
        found = [file for file in files if file.suffix in {".ttf", ".pack"}]
        self.assertEqual(bool(found), function == "completion")
        return found


if __name__ == "__main__":
    unittest.main()
