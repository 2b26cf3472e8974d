"""Checks expanded templates with checkov's rules about security: usage: check.py <template>…

checkov.yaml beside this file has the findings that stay, each with its reason. A finding that is
not there fails, and so does an exception that no finding needs any more. checkov's own list of
checks to skip knows no resources: it would leave a check out for the next resource, too.
"""

import pathlib
import sys

import yaml
from checkov.cloudformation.runner import Runner
from checkov.runner_filter import RunnerFilter

EXCEPTIONS = pathlib.Path(__file__).with_name("checkov.yaml")


def findings(*templates: str) -> dict[tuple[str, str], str]:
    """What checkov finds: the check's id and the resource's name, with what the check asks."""
    only = RunnerFilter(framework=["cloudformation"])
    report = Runner().run(root_folder=None, files=list(templates), runner_filter=only)
    if report.parsing_errors or not report.passed_checks:
        sys.exit(f"check.py: checkov could not read {report.parsing_errors or templates}")
    return {
        (found.check_id, found.resource.partition(".")[2]): found.check_name
        for found in report.failed_checks
    }


def exceptions(listed: list[dict]) -> set[tuple[str, str]]:
    """The findings that stay, as `findings` names them."""
    for exception in listed:
        if not exception["reason"].strip():
            sys.exit(f"check.py: {exception['check']} in {EXCEPTIONS.name} has no reason")
    return {(one["check"], resource) for one in listed for resource in one["resources"]}


def faults(found: dict[tuple[str, str], str], excepted: set[tuple[str, str]]) -> list[str]:
    """What is wrong, one line each: new findings, and exceptions without a finding."""
    new = [
        f"{resource}: {check}: {found[check, resource]}: mend it in infra/template.yaml, or say in"
        f" infra/lint/checkov.yaml why it stays"
        for check, resource in sorted(found.keys() - excepted)
    ]
    gone = [
        f"{resource}: {check} is no longer found: take it out of infra/lint/checkov.yaml"
        for check, resource in sorted(excepted - found.keys())
    ]
    return new + gone


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    found = findings(*sys.argv[1:])
    wrong = faults(found, exceptions(yaml.safe_load(EXCEPTIONS.read_text())))
    print(*wrong, sep="\n", end="\n" if wrong else "")
    if wrong:
        sys.exit(1)
    print(f"checkov: {len(found)} findings stay, each for the reason in infra/lint/checkov.yaml")


if __name__ == "__main__":
    main()
