"""Gives the consumed examples and the batches in lambda/ the time of now: an event older than 97 days is set aside as too old."""

import base64
import json
import pathlib
from datetime import datetime, timezone

HERE = pathlib.Path(__file__).parent
NOW = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def write(path, content):
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def renewed(value):
    """A record's value with another time, if it is an event with a time."""
    try:
        event = json.loads(base64.b64decode(value, validate=True))
        if not isinstance(event, dict) or "time" not in event:
            return value
    except ValueError:
        return value
    event["time"] = NOW
    return base64.b64encode(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()).decode()


for path in HERE.glob("eventzr.[!s]*/example.json"):
    event = json.loads(path.read_text(encoding="utf-8"))
    event["time"] = NOW
    write(path, event)

for path in HERE.glob("lambda/*.json"):
    batch = json.loads(path.read_text(encoding="utf-8"))
    for record in (record for records in batch["records"].values() for record in records):
        if "value" in record:
            record["value"] = renewed(record["value"])
        for header in record["headers"] if isinstance(record.get("headers"), list) else []:
            if "ce_time" in header:
                header["ce_time"] = list(NOW.encode())
    write(path, batch)
