"""Writes the batches in lambda/ that consist of examples, and gives the examples of all consumed
events the current time, because an event older than 97 days becomes a dead letter."""

import base64
import copy
import json
import pathlib
from datetime import datetime, timezone

HERE = pathlib.Path(__file__).parent
NOW = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
STRUCTURED = {"content-type": list(b"application/cloudevents+json; charset=UTF-8")}


def write(path, content):
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def encoded(event):
    return base64.b64encode(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()).decode()


def renewed(value):
    """A record's value with the current time, if it is an event with a time."""
    try:
        event = json.loads(base64.b64decode(value, validate=True))
        if not isinstance(event, dict) or "time" not in event:
            return value
    except ValueError:
        return value
    event["time"] = NOW
    return encoded(event)


def batch(topic, events, headers):
    """A batch of one partition with an event at each offset, as the mapping sends it."""
    records = [
        {
            "topic": topic,
            "partition": 0,
            "offset": offset,
            "timestamp": 1795166400000 + offset,
            "timestampType": "CREATE_TIME",
            "key": base64.b64encode(event["data"]["tenantId"].encode()).decode(),
            "value": encoded(event),
            "headers": headers,
        }
        for offset, event in enumerate(events)
    ]
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/studio-local/00000000-0000-0000-0000-000000000000-s1",
        "bootstrapServers": "b-1.example.kafka.us-east-1.amazonaws.com:9098",
        "records": {f"{topic}-0": records},
    }


def numbered(event, number):
    event = copy.deepcopy(event)
    event["id"] = f"evt-example-{number}"
    event["data"]["eventId"] = f"event-example-{number}"
    return event


examples = {}
# The examples of the studio's own events (eventzr.studio.*) keep their fixed times.
for path in sorted(p for p in HERE.glob("eventzr.*/example.json") if not p.parent.name.startswith("eventzr.studio.")):
    event = json.loads(path.read_text(encoding="utf-8"))
    event["time"] = NOW
    write(path, event)
    examples[event["type"]] = event

# A batch for each function, with the example of its topic.
for topic, event in examples.items():
    function = topic.removeprefix("eventzr.").removesuffix(".v1").replace(".", "-")
    write(HERE / f"lambda/{function}.json", batch(topic, [event], [STRUCTURED]))

created = examples["eventzr.event.created.v1"]
hundred = [numbered(created, number) for number in range(100)]
write(HERE / "lambda/event-created-hundred.json", batch(created["type"], hundred, []))
replayed = numbered(created, "replayed")
write(HERE / "lambda/event-created-replayed.json", batch(created["type"], [replayed, replayed], [STRUCTURED]))

for path in sorted(HERE.glob("lambda/*.json")):
    content = json.loads(path.read_text(encoding="utf-8"))
    for record in (record for records in content.get("records", {}).values() for record in records):
        if "value" in record:
            record["value"] = renewed(record["value"])
        for header in record["headers"] if isinstance(record.get("headers"), list) else []:
            if "ce_time" in header:
                header["ce_time"] = list(NOW.encode())
    write(path, content)
