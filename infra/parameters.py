#!/usr/bin/env python3
"""The parameters of a stage's template, from infra/samconfig.toml, the environment and AWS.

    parameters.py STAGE FILE [--account ID] [--brokers LIST] [--before FILE]
        writes all parameters of the stage to FILE, from which `sam` reads them whole. Refuses what
        cannot be right, with a line for each on standard error, and exit code 2. The account is the
        one that deploys; the brokers are those that AWS names, empty if it may not be asked; the
        file has the parameters that are deployed.
    parameters.py --setting STAGE NAME     a stage's `region` or `stack_name`
    parameters.py --of-stack JSON FILE     the same file, of the answer to `describe-stacks`
    parameters.py --tags-of JSON           that stack's tags, one a line, as `sam` takes them
    parameters.py --value FILE KEY         one value of such a file
    parameters.py --values FILE            all keys and values, each ended by a zero byte
    parameters.py --reserved TEMPLATE FILE the concurrency that the template reserves with a file

The files are JSON, which is YAML, too: `sam` takes no name that ends in .json. A parameter that
names a thing of one account may be in the environment, as KAFKA_CLUSTER_ARN for KafkaClusterArn.
"""

import argparse
import json
import os
import pathlib
import re
import sys
import tomllib
import typing

import yaml

from refusals import Parameter, Refusal, refusals

INFRA = pathlib.Path(__file__).resolve().parent
# How the name of a parameter ends whose value is a thing of one account.
OF_AN_ACCOUNT = ("Arn", "Arns", "Ids", "BaseUrl", "BucketName")
# Lists of which no element has a space.
WITHOUT_SPACES = ("SubnetIds", "SecurityGroupIds", "KafkaBootstrapServers")
BROKERS = "KafkaBootstrapServers"
# What a stage of infra/samconfig.toml must have.
WRITTEN = {
    "global.parameters.stack_name": "a text",
    "global.parameters.region": "a text",
    "deploy.parameters.parameter_overrides": "a list of texts",
}


class Template(yaml.CSafeLoader):
    """Reads a template, in which `!Ref X` is `{"Ref": X}`."""


def tagged(loader: Template, tag: str, node: yaml.Node) -> dict:
    read = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: lambda node: loader.construct_sequence(node, deep=True),
        yaml.MappingNode: lambda node: loader.construct_mapping(node, deep=True),
    }
    return {tag: read[type(node)](node)}


Template.add_multi_constructor("!", tagged)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--setting", nargs=2)
    parser.add_argument("--of-stack", nargs=2, type=pathlib.Path)
    parser.add_argument("--tags-of", type=pathlib.Path)
    parser.add_argument("--value", nargs=2)
    parser.add_argument("--values", type=pathlib.Path)
    parser.add_argument("--reserved", nargs=2, type=pathlib.Path)
    parser.add_argument("stage", nargs="?")
    parser.add_argument("file", nargs="?", type=pathlib.Path)
    parser.add_argument("--account")
    parser.add_argument("--brokers")
    parser.add_argument("--before", type=pathlib.Path)
    asked = parser.parse_args()
    match asked:
        case argparse.Namespace(setting=[stage, name]):
            print(section(stage)["global"]["parameters"][name])
        case argparse.Namespace(of_stack=[described, file]):
            parameters = stack(described).get("Parameters", [])
            write(file, {each["ParameterKey"]: each["ParameterValue"] for each in parameters})
        case argparse.Namespace(tags_of=pathlib.Path() as described):
            for tag in stack(described).get("Tags", []):
                # AWS's own tags are not for us to set.
                if not tag["Key"].startswith("aws:"):
                    print('"{Key}"="{Value}"'.format(**tag))
        case argparse.Namespace(value=[file, key]):
            print(json.loads(pathlib.Path(file).read_text()).get(key, ""))
        case argparse.Namespace(values=pathlib.Path() as file):
            for pair in json.loads(file.read_text()).items():
                print(*pair, sep="\0", end="\0")
        case argparse.Namespace(reserved=[template, file]):
            print(reserved(load(template), json.loads(file.read_text())))
        case argparse.Namespace(stage=str(), file=pathlib.Path()):
            of_stage(asked)
        case _:
            parser.error("name a stage and a file")


def of_stage(asked: argparse.Namespace) -> None:
    """Writes the parameters of a stage, or refuses them."""
    there = asked.before and asked.before.exists()
    before = json.loads(asked.before.read_text()) if there else None
    config = section(asked.stage)
    known = parameters_of(load(INFRA / "template.yaml"))
    written, unread = settings(config["deploy"]["parameters"]["parameter_overrides"])
    values = together(known, written, os.environ, asked.brokers)
    refused = unread + refusals(
        known,
        values,
        stage=asked.stage,
        region=config["global"]["parameters"]["region"],
        account=asked.account,
        brokers=asked.brokers,
        before=before,
    )
    for each in refused:
        print(f"infra/parameters.py: {each}", file=sys.stderr)
    if refused:
        sys.exit(2)
    write(asked.file, values)


def section(stage: str) -> dict:
    """What infra/samconfig.toml has for a stage."""
    try:
        config = tomllib.loads((INFRA / "samconfig.toml").read_text())
    except tomllib.TOMLDecodeError as error:
        refuse(f"infra/samconfig.toml is no TOML: {error}")
    if not isinstance(config.get(stage), dict):
        stages = ", ".join(name for name in config if name != "version")
        refuse(f"there is no stage `{stage}`: infra/samconfig.toml has {stages}")
    for path, kind in WRITTEN.items():
        found = config[stage]
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        is_text = isinstance(found, str)
        if not (is_text if kind == "a text" else is_list_of_texts(found)):
            refuse(f"infra/samconfig.toml: {stage}.{path} is not there, or not {kind}")
    return config[stage]


def is_list_of_texts(found) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def refuse(why: str) -> typing.NoReturn:
    print(f"infra/parameters.py: {why}", file=sys.stderr)
    sys.exit(2)


def load(file: pathlib.Path) -> dict:
    return yaml.load(file.read_text(), Template)


def parameters_of(template: dict) -> dict[str, Parameter]:
    """The template's parameters, by name."""
    return {key: Parameter.of(described) for key, described in template["Parameters"].items()}


def settings(lines: list[str]) -> tuple[dict[str, str], list[Refusal]]:
    """The entries `Key=Value` of a stage. A value may have equal signs, spaces and lines."""
    values, refused = {}, []
    for line in lines:
        key, sign, value = line.partition("=")
        if not sign:
            refused.append(Refusal(key, "", "has no equal sign", "write Key=Value"))
        elif key in values:
            refused.append(Refusal(key, value, "is its second value", "keep one of the two lines"))
        values[key] = value
    return values, refused


def variable(key: str) -> str | None:
    """The variable of the environment for a parameter; None if it has none."""
    if key.endswith(OF_AN_ACCOUNT):
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).upper()
    return None


def together(
    known: dict[str, Parameter],
    written: dict[str, str],
    environment: dict[str, str],
    brokers: str | None = None,
) -> dict[str, str]:
    """All values: what is written for the stage, over the template's defaults; the environment over
    both; and the brokers that AWS names if none are written. Defaults are values, too: `sam` would
    leave a parameter that it is not given as it was deployed last."""
    values = {key: known[key].default for key in known if known[key].default is not None}
    values |= written
    for key in known:
        given = environment.get(variable(key) or "", "")
        if given:
            values[key] = given
    if brokers and not values.get(BROKERS):
        values[BROKERS] = brokers
    without = {key: re.sub(r"\s", "", values[key]) for key in WITHOUT_SPACES if key in values}
    return values | without


def reserved(template: dict, values: dict[str, str]) -> int:
    """The concurrency that the template's functions reserve."""
    found = 0
    for resource in template["Resources"].values():
        wanted = resource.get("Properties", {}).get("ReservedConcurrentExecutions", 0)
        key = wanted.get("Ref") if isinstance(wanted, dict) else None
        default = template["Parameters"][key].get("Default", 0) if key else wanted
        found += int(values.get(key, default))
    return found


def stack(described: pathlib.Path) -> dict:
    return json.loads(described.read_text())["Stacks"][0]


def write(file: pathlib.Path, values: dict[str, str]) -> None:
    """Writes values for their owner alone, in the place of an earlier file."""
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        json.dump(values, opened, indent=1, ensure_ascii=False)
        opened.write("\n")


if __name__ == "__main__":
    main()
