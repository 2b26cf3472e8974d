"""Expands infra/template.yaml as CloudFormation's SAM transform does, with SAM's own translator, so
that linters, tests and the CDK construct see the resources that SAM makes.

    infra/expand.py REGION FILE

In the place of a function's code, the expanded template has the name of its folder in target/lambda
as the key in S3, and in the place of a state machine's definition its path from the template.
"""

import json
import os
import pathlib
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = pathlib.Path(__file__).resolve().with_name("template.yaml")


class NoManagedPolicies:
    """IAM need not be asked: the template names no managed policy by its short name."""

    def load(self) -> dict[str, str]:
        return {}


def with_places(template: dict) -> dict:
    """The template with a place in S3 for each local path, because SAM expands nothing else."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                folder = pathlib.PurePosixPath(properties["CodeUri"]).name
                properties["CodeUri"] = {"Bucket": "function", "Key": folder}
            case "AWS::Serverless::StateMachine":
                definition = properties["DefinitionUri"]
                properties["DefinitionUri"] = {"Bucket": "statemachine", "Key": definition}
            case kind if kind.startswith("AWS::Serverless::"):
                sys.exit(f"infra/expand.py: {name} is a {kind}, which is not known here")
    return template


def expanded(region: str) -> dict:
    """The template as CloudFormation has it after the transform."""
    os.environ["AWS_DEFAULT_REGION"] = region  # which SAM asks for the partition
    template = with_places(yaml_parse(TEMPLATE.read_text()))
    # Without values, so that each reference to a parameter stays one. Plain dictionaries.
    return json.loads(json.dumps(transform(template, {}, NoManagedPolicies())))


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: infra/expand.py REGION FILE")
    region, written = sys.argv[1:]
    pathlib.Path(written).write_text(json.dumps(expanded(region), indent=1) + "\n")


if __name__ == "__main__":
    main()
