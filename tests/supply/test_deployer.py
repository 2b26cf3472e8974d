"""infra/deployer-policy.json lets a deployment make all that the template has: `make supply`.

CloudFormation calls AWS with the rights of the principal that deploys. What it calls for a kind of
resource stands in that kind's schema, which cfn-lint brings along.
"""

import json
import pathlib
import re
import unittest
from fnmatch import fnmatchcase

import cfnlint
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = pathlib.Path(cfnlint.__file__).parent / "data/schemas/resources"
POLICY = ROOT / "infra/deployer-policy.json"
# What SAM makes of its own kinds of resources.
EXPANDED = {
    "AWS::Serverless::Function": {
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::EventSourceMapping",
        "AWS::IAM::Role",
        "AWS::Events::Rule",
    },
    "AWS::Serverless::StateMachine": {"AWS::StepFunctions::StateMachine", "AWS::IAM::Role"},
}
# `sam` stores code, and has the version of an object signed; CloudFormation reads code.
OBJECTS_OF_CODE = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:PutObject")
# What the schemas name and no resource of the template uses. The rights to a key of one's own come
# from the key's policy.
UNUSED = {
    "kms:*": "keys of one's own",
    "kinesis:*": "streams of a table",
    "firehose:*": "delivery of logs",
    "elasticfilesystem:*": "file systems of functions",
    "s3files:*": "file systems of functions",
    "s3tables:*": "tables of metadata",
    "s3:REST.PUT.OBJECT": "delivery of logs",
    "s3:DeleteObject": "objects",
    "s3:*Object?*": "metadata, locks and lists of access of objects",
    "s3:*BucketMetadata*": "tables of metadata",
    "s3:PutA*Configuration": "acceleration and analytics",
    "s3:PutI*Configuration": "tiering and inventories",
    "s3:PutMetricsConfiguration": "metrics of requests",
    "s3:PutReplicationConfiguration": "copies",
    "s3:*BucketAbac": "access by tags",
    "s3:*BucketAcl": "lists of access",
    "s3:*BucketC[oO][rR][sS]": "other origins",
    "s3:*Bucket*Ownership*": "lists of access",
    "s3:PutBucketLogging": "logs of access",
    "s3:PutBucketNotification": "notifications",
    "s3:*BucketReplication": "copies",
    "s3:*BucketWebsite": "web sites",
    "s3:DeleteBucket?*Configuration": "analytics and metrics",
    "s3:DeleteBucketEncryption": "a bucket is always encrypted",
    "s3:DeleteBucketLifecycle": "a bucket always has rules",
    "dynamodb:*Item": "copies of a table in other regions, and imports",
    "dynamodb:Query": "the same",
    "dynamodb:Scan": "the same",
    "dynamodb:*Replica": "the same",
    "dynamodb:*Import*": "the same",
    "dynamodb:*ableKinesisStreamingDestination": "streams of a table",
    "dynamodb:UpdateKinesisStreamingDestination": "streams of a table",
    "dynamodb:UpdateContributorInsights": "insights",
    "dynamodb:PutResourcePolicy": "a policy of the table's own",
    "dynamodb:DeleteResourcePolicy": "a policy of the table's own",
    "iam:CreateServiceLinkedRole": "copies of a table in other regions",
    "iam:*GroupPolicy": "groups",
    "iam:*UserPolicy": "users",
    "lambda:PutFunctionScalingConfig": "capacity providers",
    "lambda:PassCapacityProvider": "capacity providers",
    "lambda:*RuntimeAlias": "pinned runtimes",
    "lambda:PutRuntimeManagementConfig": "pinned runtimes",
    "logs:PutIndexPolicy": "indexes of fields",
    "logs:DeleteIndexPolicy": "indexes of fields",
    "logs:PutDataProtectionPolicy": "masked logs",
    "logs:DeleteDataProtectionPolicy": "masked logs",
    "logs:*BearerTokenAuthentication": "logs by tokens",
    "logs:*LogStream*": "imports of a table",
    "logs:PutLogEvents": "imports of a table",
    "logs:DeleteResourcePolicy": "log groups of others",
    "logs:PutLogGroupDeletionProtection": "protected log groups",
    "secretsmanager:GetSecretValue": "the deployer reads no secret",
    "secretsmanager:*Region*": "secrets in other regions",
}


class Template(yaml.CSafeLoader):
    """Reads a template; what its functions give does not matter here."""


Template.add_multi_constructor("!", lambda loader, tag, node: None)


def kinds() -> set[str]:
    template = yaml.load((ROOT / "infra/template.yaml").read_text(), Template)
    written = {resource["Type"] for resource in template["Resources"].values()}
    return set().union(*(EXPANDED.get(kind, {kind}) for kind in written))


def schemas() -> dict[str, dict]:
    found = {}
    for file in SCHEMAS.glob("*.json"):
        schema = json.loads(file.read_text())
        found[schema["typeName"]] = schema
    return found


def statements() -> list[dict]:
    return json.loads(POLICY.read_text())["Statement"]


def granted() -> list[str]:
    return [action for statement in statements() for action in statement["Action"]]


class Deployer(unittest.TestCase):
    def test_it_may_do_what_cloudformation_does_for_each_kind_of_resource(self):
        known, allowed = schemas(), granted()
        for kind in kinds():
            if kind.startswith("Custom::"):
                continue
            for name, handler in known[kind]["handlers"].items():
                # What lists all resources of an account is for its own console.
                for action in handler.get("permissions", []) if name != "list" else []:
                    with self.subTest(kind=kind, handler=name, action=action):
                        matching = [*allowed, *UNUSED]
                        self.assertTrue(any(fnmatchcase(action, one) for one in matching))

    def test_nothing_that_is_granted_counts_as_unused(self):
        for action in granted():
            for unused in UNUSED:
                if action not in OBJECTS_OF_CODE:
                    with self.subTest(action=action, unused=unused):
                        self.assertFalse(fnmatchcase(action, unused))

    def test_it_changes_only_what_is_named_studio(self):
        reads = re.compile(r":(Get|List|Describe|Validate)")
        beyond = {"DeliverLogsOfStateMachines", "SignCode"}
        ours = {"ArnLike": {"lambda:FunctionArn": "arn:aws:lambda:*:ACCOUNT:function:studio-*"}}
        for statement in statements():
            if statement["Sid"] == "MakeMappings":
                # A mapping's own name is random, so its function's counts.
                self.assertEqual(statement["Condition"], ours)
            elif statement["Resource"] == "*" and statement["Sid"] not in beyond:
                with self.subTest(statement=statement["Sid"]):
                    self.assertEqual([one for one in statement["Action"] if not reads.search(one)], [])

    def test_it_tags_mappings_as_well_as_functions(self):
        for action in ("lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"):
            granting = (one for one in statements() if action in one["Action"])
            places = " ".join(str(one["Resource"]) for one in granting)
            with self.subTest(action=action):
                self.assertIn(":function:studio-*", places)
                self.assertIn(":event-source-mapping:*", places)

    def test_it_hands_roles_to_named_services_and_has_no_action_of_all(self):
        passes = [one for one in statements() if "iam:PassRole" in one["Action"]]
        self.assertTrue(passes)
        for statement in passes:
            self.assertIn("iam:PassedToService", statement["Condition"]["StringEquals"])
        self.assertEqual([action for action in granted() if re.fullmatch(r"\*|\w+:\*", action)], [])

    def test_it_is_small_enough_for_a_role(self):
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
        self.assertLessEqual(len(re.sub(r"\s", "", POLICY.read_text())), 10240)


if __name__ == "__main__":
    unittest.main()
