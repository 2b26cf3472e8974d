"""infra/bootstraps puts what is deployed into target/lambda, for the right processor, and refuses
any other. Cargo and the compiler are played here; `make arm64` builds and starts what is real."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# e_machine of an ELF header: https://www.sco.com/developers/gabi/latest/ch4.eheader.html
MACHINES = {"arm64": 0xB7, "x86_64": 0x3E}
# Writes a bootstrap for the processor that the flag says, where it is told to; or fails.
CARGO = """#!/bin/sh
[ -z "$BROKEN" ] || exit 101
while [ $# -gt 0 ]; do
  case $1 in
    --arm64) machine='\\267' ;;
    --x86-64) machine='\\076' ;;
    --package) name=$2 ;;
    --lambda-dir) folder=$2 ;;
  esac
  shift
done
folder=${folder:-${CARGO_TARGET_DIR:-target}/lambda}
mkdir -p "$folder/$name"
printf "\\177ELF456789abcdefgh${machine}" >"$folder/$name/bootstrap"
chmod +x "$folder/$name/bootstrap"
"""
RUSTC = "#!/bin/sh\ncd \"$(dirname \"$0\")\" && pwd\n"


class Bootstraps(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = pathlib.Path(temporary.name)
        (self.root / "infra").mkdir()
        shutil.copy(ROOT / "infra/bootstraps", self.root / "infra")
        for function in ("erase", "render"):
            (self.root / "functions" / function).mkdir(parents=True)
        (self.root / "functions/render/package").mkdir()
        (self.root / "functions/render/package/font.ttf").write_text("a font")
        for name, script in {"cargo": CARGO, "cargo-lambda": CARGO, "rustc": RUSTC}.items():
            file = self.root / "bin" / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(script)
            file.chmod(0o755)
        for triple in ("aarch64-unknown-linux-gnu", "x86_64-unknown-linux-gnu"):
            (self.root / "bin/lib/rustlib" / triple).mkdir(parents=True)
        self.lambda_folder = self.root / "target/arm64/lambda"

    def run_script(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        return subprocess.run(
            [self.root / "infra/bootstraps", *arguments],
            env={"PATH": path, "PROFILE": "dev"} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def machine(self, folder: str, function: str) -> int:
        return (self.root / folder / function / "bootstrap").read_bytes()[18]

    def test_each_function_is_built_for_the_architecture_with_what_lies_in_its_package(self):
        for architecture, machine in MACHINES.items():
            with self.subTest(architecture):
                run = self.run_script(ARCHITECTURE=architecture)
                self.assertEqual(run.returncode, 0, run.stdout)
                folder = f"target/{architecture}/lambda"
                self.assertEqual(self.machine(folder, "erase"), machine)
                self.assertTrue((self.root / folder / "render/font.ttf").is_file())

    def test_a_cargo_target_dir_moves_nothing_that_is_deployed(self):
        elsewhere = self.root / "elsewhere"
        run = self.run_script(CARGO_TARGET_DIR=str(elsewhere))
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertTrue((self.lambda_folder / "erase/bootstrap").is_file())
        self.assertFalse(elsewhere.exists())

    def test_a_build_that_fails_leaves_no_older_bootstrap_to_deploy(self):
        self.assertEqual(self.run_script("erase").returncode, 0)
        self.assertNotEqual(self.run_script("erase", BROKEN="1").returncode, 0)
        self.assertFalse((self.lambda_folder / "erase").exists())

    def test_a_check_refuses_what_is_missing_or_for_another_processor(self):
        self.assertEqual(self.run_script().returncode, 0)
        self.assertEqual(self.run_script("check").returncode, 0)
        bootstrap = self.lambda_folder / "render/bootstrap"
        bootstrap.write_bytes(b"#!/bin/sh\nexec a-script")
        self.assertEqual(self.run_script("check").returncode, 0)
        bootstrap.write_bytes(b"\x7fELF456789abcdefgh\x3e")
        other = self.run_script("check")
        self.assertEqual(other.returncode, 1)
        self.assertIn("render/bootstrap is not for arm64", other.stdout)
        self.assertIn("make bootstraps ARCHITECTURE=arm64", other.stdout)
        bootstrap.unlink()
        missing = self.run_script("check")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("render/bootstrap is not there", missing.stdout)

    def test_a_check_refuses_the_zip_that_cargo_lambda_deploy_leaves(self):
        self.assertEqual(self.run_script().returncode, 0)
        (self.lambda_folder / "erase/bootstrap.zip").write_text("a zip")
        left = self.run_script("check")
        self.assertEqual(left.returncode, 1)
        self.assertIn("erase/bootstrap.zip", left.stdout)

    def test_an_unknown_architecture_or_function_is_refused(self):
        for arguments, variables in [((), {"ARCHITECTURE": "arm"}), (("paint",), {})]:
            run = self.run_script(*arguments, **variables)
            self.assertEqual(run.returncode, 2, run.stdout)

    def test_without_a_library_for_arm64_a_line_says_what_to_install(self):
        shutil.rmtree(self.root / "bin/lib/rustlib/aarch64-unknown-linux-gnu")
        run = self.run_script()
        self.assertEqual(run.returncode, 1)
        self.assertIn("rustup target add aarch64-unknown-linux-gnu", run.stdout)

    def test_debians_compiler_takes_the_place_of_a_library_that_rustup_lacks(self):
        shutil.rmtree(self.root / "bin/lib/rustlib/aarch64-unknown-linux-gnu")
        compiler = self.root / "target/arm64/rustc"
        compiler.parent.mkdir(parents=True)
        shutil.copy(self.root / "bin/rustc", compiler)
        seen = self.root / "seen"
        cargo = self.root / "bin/cargo"
        cargo.write_text(CARGO.replace("#!/bin/sh\n", f"#!/bin/sh\nenv >'{seen}'\n"))
        run = self.run_script("erase", RUSTC_WORKSPACE_WRAPPER="clippy-driver")
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn(f"RUSTC={compiler}\n", seen.read_text())
        # Else cargo-lambda fetches a library for another compiler.
        self.assertIn("RUSTUP=true\n", seen.read_text())
        self.assertIn(f"CARGO_TARGET_DIR={self.root}/target/arm64/build\n", seen.read_text())
        self.assertNotIn("clippy-driver", seen.read_text())


if __name__ == "__main__":
    unittest.main()
