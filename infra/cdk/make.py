"""Makes what the construct has of infra/template.yaml, so that nothing of it is written twice.

    infra/cdk/make.py FOLDER

FOLDER gets `expanded.json`, which is the template as infra/expand.py expands it; `props.ts`, with a
typed property for each parameter; and the definitions of the state machines. In the places of code
and definitions, lib/studio.ts puts assets.
"""

import json
import pathlib
import shutil
import sys

INFRA = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(INFRA))
from expand import expanded  # noqa: E402

# By it the translator chooses the partition of the ARNs of AWS's own policies. All regions but
# those of China and of governments have the same one.
REGION = "us-east-1"


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
        "// Written by infra/cdk/make.py from the parameters of infra/template.yaml.\n\n"
        "/** The parameters of the studio. */\n"
        f"export interface StudioParameters {{\n{described}}}\n\n"
        "/** What the template calls each of them. */\n"
        "export const PARAMETERS: { readonly [Name in keyof Required<StudioParameters>]: string } ="
        f" {{\n{names}}};\n"
    )


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: infra/cdk/make.py FOLDER")
    folder = pathlib.Path(sys.argv[1])
    found = expanded(REGION)
    # It says only what cfn-lint is to ignore.
    found.pop("Metadata", None)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "expanded.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "props.ts").write_text(props(found["Parameters"]))
    for resource in found["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            path = resource["Properties"]["DefinitionS3Location"]["Key"]
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(INFRA / path, folder / path)


if __name__ == "__main__":
    main()
