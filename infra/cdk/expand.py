"""Expands infra/template.yaml with SAM's own translator, and writes the props of its parameters.

    infra/cdk/expand.py infra/template.yaml FOLDER

FOLDER gets `expanded.json`, which is the template as CloudFormation has it after the transform;
`props.ts`, with a typed property for each parameter; and the definitions of the state machines. In
the place of a function's code, the expanded template has the name of its folder in target/lambda,
and in the place of a definition its path. lib/studio.ts puts assets there.
"""

import json
import os
import pathlib
import re
import shutil
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# By it the translator chooses the partition of the ARNs of AWS's own policies. All regions but
# those of China and of governments have the same one.
REGION = "us-east-1"


class NoManagedPolicies:
    """The template names no policy of AWS's, so none is looked up in the account."""

    @staticmethod
    def load() -> dict[str, str]:
        return {}


def with_placeholders(template: dict) -> dict:
    """The template with a place in S3 for each local path, because SAM expands nothing else."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Serverless::Function":
                folder = pathlib.PurePosixPath(properties["CodeUri"]).name
                properties["CodeUri"] = {"Bucket": "function", "Key": folder}
            case "AWS::Serverless::StateMachine":
                properties["DefinitionUri"] = {
                    "Bucket": "statemachine",
                    "Key": properties["DefinitionUri"],
                }
            case kind if kind.startswith("AWS::Serverless::"):
                sys.exit(f"infra/cdk/expand.py: {name} is a {kind}, which is not known here")
    return template


def expanded(text: str) -> dict:
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    found = transform(with_placeholders(yaml_parse(text)), {}, NoManagedPolicies())
    # It says only what cfn-lint is to ignore.
    found.pop("Metadata", None)
    return json.loads(json.dumps(found))


def prop(name: str, parameter: dict) -> str:
    """A parameter as a property in TypeScript: required where the template has no default."""
    kind = "number" if parameter["Type"] == "Number" else "string"
    if "AllowedValues" in parameter:
        kind = " | ".join(json.dumps(value) for value in parameter["AllowedValues"])
    lines = [parameter["Description"].strip()]
    if "Default" in parameter:
        lines += ["", f"@default {json.dumps(parameter['Default'])}"]
    comment = "\n".join(f"   * {line}".rstrip() for line in lines).replace("*/", "*\\/")
    optional = "?" if "Default" in parameter else ""
    return f"  /**\n{comment}\n   */\n  readonly {uncapitalised(name)}{optional}: {kind};\n"


def uncapitalised(name: str) -> str:
    return name[0].lower() + name[1:]


def props(parameters: dict) -> str:
    described = "\n".join(prop(name, parameter) for name, parameter in parameters.items())
    names = "".join(f"  {uncapitalised(name)}: {json.dumps(name)},\n" for name in parameters)
    return (
        "// Written by infra/cdk/expand.py from the parameters of infra/template.yaml.\n\n"
        "/** The parameters of the studio. */\n"
        f"export interface StudioParameters {{\n{described}}}\n\n"
        "/** What the template calls each of them. */\n"
        "export const PARAMETERS: { readonly [Name in keyof Required<StudioParameters>]: string } ="
        f" {{\n{names}}};\n"
    )


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(re.search(r"^    (infra/cdk/expand.py .*)$", __doc__, re.MULTILINE)[1])
    template, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    found = expanded(template.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expanded.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "props.ts").write_text(props(found["Parameters"]))
    for resource in found["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            path = resource["Properties"]["DefinitionS3Location"]["Key"]
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(template.parent / path, folder / path)


if __name__ == "__main__":
    main()
