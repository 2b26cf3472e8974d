"""infra/local/emulator.py as a module, which starts nothing."""

import importlib.util
import os
import pathlib
from unittest import mock

FILE = pathlib.Path(__file__).resolve().parents[2] / "infra/local/emulator.py"
ROOT = {"AWS_ACCESS_KEY_ID": "AKIA" + "0" * 32, "AWS_SECRET_ACCESS_KEY": "secret"}


def module():
    spec = importlib.util.spec_from_file_location("emulator", FILE)
    loaded = importlib.util.module_from_spec(spec)
    with mock.patch.dict(os.environ, ROOT):
        spec.loader.exec_module(loaded)
    return loaded


EMULATOR = module()
