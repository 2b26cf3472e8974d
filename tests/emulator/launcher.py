"""Finds the patches of infra/local/stack/emulator, and starts nothing."""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra/local/stack/emulator"))
