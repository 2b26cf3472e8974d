"""Each function as it is deployed, for arm64, starts and takes one batch or step: `make arm64`.

AWS refuses every call and no broker is there. What a function does with AWS and Kafka, the
end-to-end tests show with the same code for the machine's own processor; here it starts, reads its
event, signs its calls, and answers as it should to their refusal.

    BOOTSTRAPS   the folder with <function>/bootstrap; target/arm64/lambda without it
    FUNCTIONS    the functions to start, separated by spaces; all without it
"""

import json
import os
import pathlib
import re
import sys
import unittest

import runtime_api

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))
from expand import expanded  # noqa: E402

BOOTSTRAPS = ROOT / os.environ.get("BOOTSTRAPS", "target/arm64/lambda")
ALL = sorted(folder.name for folder in (ROOT / "functions").iterdir() if folder.is_dir())
CHOSEN = os.environ.get("FUNCTIONS", "").split() or ALL

# What each function is given. A name ends in .json: a file of events/lambda.
EVENTS = {
    "event-created": "event-created.json",
    "event-published": "event-published.json",
    "cms-published": "cms-published.json",
    "campaign-launched": "campaign-launched.json",
    "render": "render-queue.json",
    "completion": "completion-sweep.json",
    "erase": {
        "step": "erase-voice",
        "voiceModelId": "aec4c8e1-cbe3-5d61-8d23-fabd1e6117d0",
        "tenantId": "any",
    },
    "operator": {"step": "gather"},
    "kafka-topics": {},
    "notify": "notices.json",
    "watch": {},
}
# What the parameters and resources of the template become here. 9 is the discard port (RFC 863): no
# broker listens there.
VALUES = {
    "Stage": "local",
    "KafkaBootstrapServers": "127.0.0.1:9",
    "KafkaAuthentication": "none",
    "Table": "studio-local",
    "RenderQueue": "https://sqs.us-east-1.amazonaws.com/000000000000/studio-render-local",
    "RenderDeadLetterQueue": "https://sqs.us-east-1.amazonaws.com/000000000000/studio-dead-local",
    "AWS::AccountId": "000000000000",
}


def event_of(function: str) -> bytes:
    event = EVENTS[function]
    if isinstance(event, str):
        return (ROOT / "events/lambda" / event).read_bytes()
    return json.dumps(event).encode()


def value(written: object, parameters: dict) -> str:
    """What a variable of the template becomes: its own text, a parameter's default, or any name."""
    match written:
        case str():
            return written
        case {"Ref": name}:
            default = parameters.get(name, {}).get("Default")
            return VALUES.get(name, f"any-{name}" if default is None else str(default)).strip()
        case {"Fn::Sub": str(text)}:
            return value({"Fn::Sub": [text, {}]}, parameters)
        case {"Fn::Sub": [text, named]}:
            for name in re.findall(r"[$]{([^}]+)}", text):
                of = value(named.get(name, {"Ref": name}), parameters)
                text = text.replace(f"${{{name}}}", of)
            return text
        case {"Fn::Join": [by, parts]}:
            return by.join(value(part, parameters) for part in parts)
        case {"Fn::If": ["OnAws", _, otherwise]}:
            return value(otherwise, parameters)
        case {"Fn::If": [_, then, _]}:
            return value(then, parameters)
        case {"Fn::GetAtt": [name, *_]}:
            return f"arn:aws:any:us-east-1:000000000000:{name}"
    raise NotImplementedError(f"the template has a variable of a new kind: {written}")


def variables(template: dict, function: str) -> dict[str, str]:
    """The environment that Lambda would start the function in."""
    [found] = (
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
        and resource["Properties"]["FunctionName"] == {"Fn::Sub": f"studio-{function}-${{Stage}}"}
    )
    own = found["Environment"]["Variables"]
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_LAMBDA_FUNCTION_NAME": f"studio-{function}-local",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(found["MemorySize"]),
        "AWS_LAMBDA_LOG_GROUP_NAME": "any",
        "AWS_LAMBDA_LOG_STREAM_NAME": "any",
        "LAMBDA_TASK_ROOT": str(BOOTSTRAPS / function),
        "PATH": os.environ["PATH"],
        **{name: value(written, template["Parameters"]) for name, written in own.items()},
    }


def first_records(batch: bytes) -> set[tuple[str, int]]:
    """The first record of each partition of a Kafka batch, as an answer names it."""
    partitions = json.loads(batch)["records"].values()
    return {(f"{one[0]['topic']}-{one[0]['partition']}", one[0]["offset"]) for one in partitions}


class Started(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.template = expanded("us-east-1")

    def take(self, function: str) -> runtime_api.Answer:
        bootstrap = BOOTSTRAPS / function / "bootstrap"
        given = variables(self.template, function)
        return runtime_api.invoke(ROOT / "infra/arm64/run", bootstrap, event_of(function), given)

    def test_each_function_has_an_event_here(self):
        self.assertEqual(sorted(EVENTS), ALL)

    def test_a_consumer_asks_for_the_records_again_that_it_could_not_commit(self):
        for function in CHOSEN:
            if b'"aws:kafka"' in event_of(function):
                with self.subTest(function):
                    answer = self.take(function)
                    self.assertEqual(answer.kind, "response", answer)
                    failures = (one["itemIdentifier"] for one in answer.body["batchItemFailures"])
                    named = {(one["partition"], one["offset"]) for one in failures}
                    self.assertEqual(named, first_records(event_of(function)))
                    self.assertGreater(answer.signed, 0)

    def test_what_reads_a_queue_asks_for_the_messages_again_that_aws_refused(self):
        for function in {"render", "notify"}.intersection(CHOSEN):
            with self.subTest(function):
                answer = self.take(function)
                self.assertEqual(answer.kind, "response", answer)
                failures = {one["itemIdentifier"] for one in answer.body["batchItemFailures"]}
                sent = json.loads(event_of(function))["Records"]
                self.assertEqual(failures, {record["messageId"] for record in sent})
                self.assertGreater(answer.signed, 0)

    def test_a_step_that_aws_refuses_ends_in_an_error_of_ours(self):
        for function in {"completion", "erase", "operator"}.intersection(CHOSEN):
            with self.subTest(function):
                answer = self.take(function)
                self.assertEqual(answer.kind, "error", answer)
                self.assertRegex(answer.body["errorType"], r"^Studio\.(Transient|Internal)$")
                self.assertGreater(answer.signed, 0)

    def test_watch_says_which_readings_failed(self):
        if "watch" in CHOSEN:
            answer = self.take("watch")
            self.assertEqual(answer.kind, "response", answer)
            readings = ["open work", "dead letters", "late assets"]
            readings += ["mappings", "records", "heartbeats"]
            self.assertEqual(answer.body["failed"], readings)
            self.assertGreater(answer.signed, 0)

    def test_a_request_that_is_none_of_cloudformations_is_refused(self):
        if "kafka-topics" in CHOSEN:
            answer = self.take("kafka-topics")
            self.assertEqual(answer.kind, "error", answer)
            self.assertEqual(answer.body["errorType"], "Studio.InvalidInput")


if __name__ == "__main__":
    unittest.main()
