"""Reads each text into its generated pydantic model, writes it, and fails if something was lost.

    python roundtrip.py <trips.json> <folder of the models>
"""

import importlib
import json
import sys
from datetime import datetime

trips, folder = sys.argv[1:]
sys.path.insert(0, folder)


def same(read, written) -> bool:
    """Whether two values are the same; of times, whether they are the same in another spelling."""
    if isinstance(read, dict) and isinstance(written, dict):
        return read.keys() == written.keys() and all(same(read[k], written[k]) for k in read)
    if isinstance(read, list) and isinstance(written, list):
        return len(read) == len(written) and all(map(same, read, written))
    if read != written and isinstance(read, str) and isinstance(written, str):
        return datetime.fromisoformat(read) == datetime.fromisoformat(written)
    return read == written and type(read) is type(written)


failed = False
with open(trips, encoding="utf-8") as file:
    for trip in json.load(file):
        model = getattr(importlib.import_module(trip["package"]), trip["type"])
        for text in trip["texts"]:
            written = model.model_validate_json(text).model_dump(mode="json", exclude_unset=True)
            if not same(json.loads(text), written):
                print(f"{trip['type']} made of {text}\n  {written}", file=sys.stderr)
                failed = True
sys.exit(failed)
