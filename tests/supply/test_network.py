"""docs/deploying.md names all that a function calls, because its network must let it through."""

import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))

import parameters  # noqa: E402

TEMPLATE = parameters.load(ROOT / "infra/template.yaml")
# A service by the beginning of its actions, and by its name in the document.
NAMES = {
    "kafka-cluster": "the brokers",
    "dynamodb": "DynamoDB",
    "s3": "S3",
    "sqs": "SQS",
    "states": "Step Functions",
    "secretsmanager": "Secrets Manager",
    "polly": "Polly",
    "lambda": "Lambda",
    "cloudfront": "CloudFront",
    "events": "EventBridge",
}
# What the services above call in a function's name.
NOT_CALLED = {"kms"}
GATEWAYS = {"dynamodb", "s3"}
ON_THE_INTERNET = {"cloudfront"}


def actions(value) -> set[str]:
    """All actions that a part of the template grants."""
    if isinstance(value, list):
        return set().union(*map(actions, value))
    if not isinstance(value, dict):
        return set()
    own = value.get("Action", [])
    own = {own} if isinstance(own, str) else set(own)
    return own.union(*map(actions, value.values()))


def called() -> dict[str, set[str]]:
    """The services that each function may call, by its folder."""
    found = {}
    for resource in TEMPLATE["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        its = resource["Properties"]
        granted = actions(its.get("Policies", []))
        if {"Ref": "ConsumerPolicy"} in its.get("Policies", []):
            granted |= actions(TEMPLATE["Resources"]["ConsumerPolicy"])
            # SAM adds the right to write to a mapping's destination.
            granted |= {"s3:PutObject"}
        services = {action.partition(":")[0] for action in granted} - NOT_CALLED
        found[pathlib.PurePath(its["CodeUri"]).name] = services
    # It answers CloudFormation by an address that is signed for it.
    found["kafka-topics"].add("s3")
    return found


class Network(unittest.TestCase):
    def setUp(self):
        text = (ROOT / "docs/deploying.md").read_text()
        self.section = text.partition("\n## The network\n")[2].partition("\n## ")[0]

    def documented(self) -> dict[str, set[str]]:
        found = {}
        for row in re.findall(r"^\| (`.*) \| (.*) \|$", self.section, re.MULTILINE):
            names = {key for key, name in NAMES.items() if re.search(rf"\b{name}\b", row[1])}
            found |= dict.fromkeys(re.findall(r"`([a-z-]+)`", row[0]), names)
        return found

    def test_each_function_is_documented_with_each_service_that_it_calls(self):
        self.assertEqual(self.documented(), called())

    def test_each_service_has_the_kind_of_endpoint_that_it_needs(self):
        services = set().union(*called().values()) - {"kafka-cluster"}
        paragraph = self.section[self.section.index("DynamoDB and S3 have gateway endpoints") :]
        interfaces = set(re.findall(r"\(`([a-z]+)`\)", paragraph.partition("\n\n")[0]))
        self.assertEqual(interfaces, services - GATEWAYS - ON_THE_INTERNET)


if __name__ == "__main__":
    unittest.main()
