"""Expands infra/template.yaml as CloudFormation's SAM transform does, so that a linter sees the
resources that SAM makes: usage: expand.py <region> <file to write>"""

import json
import os
import pathlib
import sys

import cfnlint.decode
from samtranslator.translator.transform import transform

TEMPLATE = pathlib.Path(__file__).resolve().parents[1] / "template.yaml"
# `sam package` puts them into S3, and SAM accepts no others.
PLACES = {"CodeUri": "s3://packaged/code", "DefinitionUri": "s3://packaged/definition"}


class NoManagedPolicies:
    """IAM need not be asked: the template names no managed policy by its short name."""

    def load(self) -> dict[str, str]:
        return {}


def expanded(region: str) -> dict:
    os.environ["AWS_DEFAULT_REGION"] = region  # which SAM asks for the partition
    template, faults = cfnlint.decode.decode(str(TEMPLATE))
    if faults:
        sys.exit(f"expand.py: {faults[0]}")
    # Plain dictionaries, without cfn-lint's line numbers.
    template = json.loads(json.dumps(template))
    for resource in template["Resources"].values():
        for place in PLACES.keys() & resource.get("Properties", {}).keys():
            resource["Properties"][place] = PLACES[place]
    # Without values, so that each reference to a parameter stays one.
    return transform(template, {}, NoManagedPolicies())


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    region, written = sys.argv[1:]
    pathlib.Path(written).write_text(json.dumps(expanded(region), indent=1) + "\n")


if __name__ == "__main__":
    main()
