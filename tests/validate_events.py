"""Checks each line of events.jsonl with the CloudEvents SDK for Python, another implementation."""

import json
import re
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat

count = 0
for number, line in enumerate(sys.stdin, 1):
    record = json.loads(line)
    headers = {name: value.encode() for name, value in record["headers"] if value is not None}
    value = json.dumps(record["event"]).encode()
    # The SDK refuses an event whose attributes violate the specification.
    event = from_structured_event(KafkaMessage(headers=headers, key=record["key"], value=value), JSONFormat())
    if event.get_specversion() != "1.0":
        sys.exit(f"line {number}: specversion is {event.get_specversion()}")
    if event.get_type() != record["topic"]:
        sys.exit(f"line {number}: the type {event.get_type()} is not the topic {record['topic']}")
    if event.get_subject() != record["key"]:
        sys.exit(f"line {number}: the subject is not the record's key")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["event"]["time"]):
        sys.exit(f"line {number}: time is {record['event']['time']}, not UTC with milliseconds")
    count += 1
print(f"{count} events are CloudEvents 1.0")
