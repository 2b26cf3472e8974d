"""Writes what this version stores and sends, for later versions to read: `make release-fixtures`.

    tests/released/record.py VERSION

Starts a stack with vendors, publishes the example of each consumed topic, and waits until every job
has ended. Then tests/released/VERSION has

- `items.json`: every item of the table, as DynamoDB's API has it in JSON;
- `executions.json`: every step that an execution asked of `completion`;
- `messages.json`: bodies of messages of the queue, as this version writes them.
"""

import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCAL = ROOT / "target/debug/studio-local"
ENVIRONMENT = ROOT / "target/released.env"
TOPICS = (
    "eventzr.event.created.v1",
    "eventzr.event.published.v1",
    "eventzr.cms.published.v1",
    "eventzr.campaign.launched.v1",
)
WITHIN_SECONDS = 180


def main() -> None:
    if len(sys.argv) != 2 or not re.fullmatch(r"\d+\.\d+\.\d+", sys.argv[1]):
        sys.exit("usage: tests/released/record.py VERSION, such as 0.1.0")
    folder = ROOT / "tests/released" / sys.argv[1]
    if folder.exists():
        sys.exit(f"{folder.relative_to(ROOT)} is there: what a release wrote never changes")
    messages = written_messages()
    items, steps = stored()
    folder.mkdir()
    for name, content in (("items", items), ("executions", steps), ("messages", messages)):
        text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{folder.relative_to(ROOT)}/{name}.json: {len(content)}")


def written_messages() -> list[str]:
    command = ("cargo", "run", "--quiet", "--locked", "--package", "queue", "--example", "released")
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def stored() -> tuple[list[dict], list[dict]]:
    """The items and the steps of a stack in which every job has ended."""
    ENVIRONMENT.unlink(missing_ok=True)
    stack = subprocess.Popen([LOCAL, "up", "--vendors", "--env", ENVIRONMENT], cwd=ROOT)
    try:
        until(ENVIRONMENT.exists, "the stack is up", stack)
        variables = dict(
            re.findall(r"^export (\w+)='(.*)'$", ENVIRONMENT.read_text(), re.MULTILINE)
        )
        os.environ.update({k: v for k, v in variables.items() if k.startswith("AWS_")})
        for topic in TOPICS:
            publish = (LOCAL, "publish", "--topic", topic, "--env", ENVIRONMENT)
            subprocess.run(publish, cwd=ROOT, check=True)
        session = boto3.Session(region_name=variables["AWS_REGION"])
        items = Items(session, variables["TABLE_NAME"])
        until(items.have_ended, "every job has ended", stack)
        machines = [
            variables[name] for name in ("RENDER_STATE_MACHINE_ARN", "VOICE_STATE_MACHINE_ARN")
        ]
        return items.all(), steps(session, machines)
    finally:
        stack.send_signal(signal.SIGINT)
        stack.wait(timeout=60)


def until(holds, what: str, stack: subprocess.Popen) -> None:
    end = time.monotonic() + WITHIN_SECONDS
    while not holds():
        if stack.poll() is not None:
            sys.exit(f"the stack ended before {what}")
        if time.monotonic() > end:
            sys.exit(f"not after {WITHIN_SECONDS} s: {what}")
        time.sleep(1)


class Items:
    def __init__(self, session: boto3.Session, table: str):
        self.dynamodb = session.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
        self.table = table

    def all(self) -> list[dict]:
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table, ConsistentRead=True
        )
        found = [item for page in pages for item in page["Items"]]
        found.sort(key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
        return [{name: in_json(value) for name, value in item.items()} for item in found]

    def have_ended(self) -> bool:
        """Each topic's decision is there, and each of its jobs has an end."""
        items = [(item["pk"]["S"], item["sk"]["S"]) for item in self.all()]
        decided = [pk for pk, sk in items if sk == "outbox"]
        jobs = {pk for pk, sk in items if pk.startswith("job#") and sk == "state"}
        ended = {pk for pk, sk in items if pk.startswith("job#") and sk == "end"}
        return len(decided) >= len(TOPICS) and bool(jobs) and jobs == ended


def in_json(value: dict) -> dict:
    """An attribute; boto3 has decoded its bytes."""
    kind, content = next(iter(value.items()))
    if kind == "B":
        content = base64.b64encode(content).decode()
    elif kind == "L":
        content = [in_json(one) for one in content]
    elif kind == "M":
        content = {name: in_json(one) for name, one in content.items()}
    return {kind: content}


def steps(session: boto3.Session, machines: list[str]) -> list[dict]:
    """What the executions gave to the function, each step once for each execution."""
    states = session.client("stepfunctions", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    found = {}
    for machine in machines:
        for execution in states.list_executions(stateMachineArn=machine)["executions"]:
            history = states.get_execution_history(executionArn=execution["executionArn"])
            for event in history["events"]:
                details = event.get("taskScheduledEventDetails")
                if details:
                    payload = json.loads(details["parameters"]).get("Payload")
                    if isinstance(payload, dict) and "step" in payload:
                        found[json.dumps(payload, sort_keys=True)] = payload
    if not found:
        sys.exit("no execution asked for a step: is the stack without vendors?")
    return list(found.values())


if __name__ == "__main__":
    main()
