"""infra/deploy in a tree in which AWS, `sam` and `studio` are played, each by a script with the words
and exit codes of the real one. tests/it/deploy has the real ones."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STACK = "studio-staging"
BROKERS = next(
    line.partition("=")[2]
    for line in tomllib.loads((ROOT / "infra/samconfig.toml").read_text())["staging"]["deploy"][
        "parameters"
    ]["parameter_overrides"]
    if line.startswith("KafkaBootstrapServers=")
)
# Each script writes down how it is called, and has its answers in files of the folder `play`.
AWS = r"""#!/bin/bash
echo "aws $*" >>play/calls
if [ -e "play/denied" ] && grep -qxF -e "$1 $2" -e all play/denied; then
  echo 'An error occurred (ExpiredToken): The security token is expired' >&2
  exit 254
fi
if [ -e play/forbidden ] && grep -qxF "$1 $2" play/forbidden; then
  echo "An error occurred (AccessDenied): you may not call $2" >&2
  exit 254
fi
case "$1 $2" in
  'sts get-caller-identity') echo 111122223333 ;;
  'cloudformation describe-stacks')
    if ! [ -e play/stack.json ]; then echo "Stack $4 does not exist" >&2; exit 254; fi
    cat play/stack.json ;;
  'cloudformation get-template') cat infra/template.yaml ;;
  'cloudformation list-change-sets') cat play/open ;;
  'cloudformation delete-change-set')
    if ! grep -qxF -- "$4" play/open; then
      echo 'An error occurred (ChangeSetNotFound): ChangeSet does not exist' >&2; exit 254
    fi
    grep -vxF -- "$4" play/open >play/left; mv play/left play/open ;;
  'cloudformation delete-stack') rm play/stack.json ;;
  'cloudformation list-stack-resources')
    if [[ $* == *LogGroup* ]]; then echo /aws/lambda/studio-render-staging; else cut -f 1 play/mappings; fi ;;
  'logs describe-log-groups') head -n 1 play/groups; sed -i 1d play/groups ;;
  'dynamodb describe-table'|'secretsmanager describe-secret'|'s3api get-bucket-versioning')
    error=$(sed -n "s|^$1 ||p" play/names)
    if [ -n "$error" ]; then
      echo "An error occurred ($error) when calling the operation: as it is played" >&2; exit 254
    fi
    [ "$1" != s3api ] || cat play/versioning ;;
  'lambda list-event-source-mappings') cat play/mappings ;;
  'lambda get-account-settings') cat play/free ;;
  'kafka get-bootstrap-brokers') echo '%s' ;;
  'kafka describe-cluster-v2') cat play/cluster ;;
  'ec2 describe-subnets') echo vpc-1 ;;
  'ec2 describe-vpc-endpoints') cat play/endpoints ;;
  'ec2 describe-security-groups') cat play/admitted ;;
  'cloudwatch get-metric-statistics') cat "play/$6" ;;
esac
"""
SAM = """#!/bin/bash
echo "sam $*" >>play/calls
target/tools/bin/python -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@" >play/arguments
made() {
  echo arn:of-this >>play/open
  printf '\\nChangeset created successfully. arn:of-this\\n\\n'
}
carried_out() { # AWS deletes the stack's other change sets
  : >play/open
  printf '\\n2026-11-30 18:12:11 - Waiting for stack create/update to complete\\n'
  cp play/after.json play/stack.json
}
asked() { printf 'Deploy this changeset? [y/N]: '; }
. play/sam
"""
# What a cluster and an account are that lack nothing.
CLUSTERS = {
    "serverless": "SERVERLESS\tNone\tNone\t0\tsubnet-1\tsg-1\n",
    "provisioned": "PROVISIONED\tPER_BROKER\t3\t3\tsubnet-1,subnet-2\tsg-1\n",
}
WHOLE = {"endpoints": "1\n", "admitted": "known\tsg-1\n", "free": "1000\n", "versioning": "Enabled\n"}
# What sam says and does when a deployment succeeds.
DEPLOYS = "made; carried_out"
# The names that a first deployment takes, none of which is there.
FREE = """dynamodb ResourceNotFoundException
secretsmanager ResourceNotFoundException
s3api NoSuchBucket
"""
STUDIO = """#!/bin/bash
if [ "$1" = settings ]; then exec cat >/dev/null; fi
echo "studio $*" >>play/calls
cat play/said >&2
echo '{"job":"j-1","outcome":"as it is played"}'
exit "$(cat play/smoked)"
"""
# While `make` builds, others may do something.
MAKEFILE = "template:\n\t@bash play/meanwhile\n"


def described(status: str, updated: str) -> str:
    """The answer to `describe-stacks`, as the AWS CLI writes it."""
    stack = {
        "StackId": f"arn:aws:cloudformation:us-east-1:111122223333:stack/{STACK}/1",
        "Parameters": [{"ParameterKey": "ConsumerGroups", "ParameterValue": "stage"}],
        "LastUpdatedTime": updated,
        "StackStatus": status,
        "EnableTerminationProtection": False,
        "Tags": [],
    }
    return json.dumps({"Stacks": [stack]}, indent=4)


def mapping(number: int) -> str:
    function = "arn:aws:lambda:us-east-1:111122223333:function:studio-event-created-staging"
    return f"uuid-{number}\tEnabled\t{function}\n"


class Played(unittest.TestCase):
    """A tree of its own for each test, with a deployment that succeeds unless the test plays another."""

    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.root / "infra").mkdir()
        for name in ("deploy", "bootstraps", "parameters.py", "refusals.py", "template.yaml"):
            shutil.copy(ROOT / "infra" / name, self.root / "infra")
        shutil.copy(ROOT / "infra/samconfig.toml", self.root / "infra")
        shutil.copytree(ROOT / "infra/deploy.d", self.root / "infra/deploy.d")
        (self.root / "functions/render").mkdir(parents=True)
        python = f'#!/bin/sh\nexec "{sys.executable}" -B "$@"\n'
        tools = "target/tools/bin"
        for path, script in {
            f"{tools}/python": python,
            f"{tools}/aws": AWS % BROKERS,
            f"{tools}/sam": SAM,
            "studio": STUDIO,
            "target/lambda/render/bootstrap": "#!/bin/sh\n",
        }.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(script)
            file.chmod(0o755)
        (self.root / "Makefile").write_text(MAKEFILE)
        (self.root / "play").mkdir()
        for name in ("open", "Errors", "Invocations", "OffsetLag", "meanwhile", "calls", "groups"):
            self.play(name, "")
        self.play("names", FREE)
        self.play("cluster", CLUSTERS["serverless"])
        for name, text in WHOLE.items():
            self.play(name, text)
        self.play("mappings", mapping(1))
        self.play("smoked", "0")
        self.play("said", "studio: as it is played\n")
        # A deployment that succeeds.
        self.play("after.json", described("UPDATE_COMPLETE", "later"))
        self.play("sam", DEPLOYS)

    def play(self, name: str, text: str):
        (self.root / "play" / name).write_text(text)

    def is_deployed(self):
        self.play("stack.json", described("UPDATE_COMPLETE", "before"))

    def rolls_back(self, command: str):
        """Has `sam` run a command when it deploys what was deployed before."""
        again = f"if [[ $* = *before.yaml* ]]; then {command}; fi"
        self.play("sam", f"{DEPLOYS}; {again}")

    def run_script(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "KAFKA_CLUSTER_ARN": "arn:aws:kafka:us-east-1:111122223333:cluster/eventzr/0aa0-1",
            "SUBNET_IDS": "subnet-1",
            "SECURITY_GROUP_IDS": "sg-1",
            "YES": "1",
            "BUILT": "1",
            "STUDIO": "./studio",
            "SMOKE_SECONDS": "0",
            "DEPLOY_PATIENCE": "0",
            "LATE_LOGS": "0",
        }
        # A script that waits for what never comes is a failure, and no hour.
        return subprocess.run(
            [self.root / "infra/deploy", *(arguments or ("staging",))],
            cwd=self.root,
            env=environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )

    def ended(self, code: int, words: str, *arguments: str, **variables: str) -> str:
        ran = self.run_script(*arguments, **variables)
        self.assertEqual(ran.returncode, code, ran.stdout)
        self.assertIn(words, ran.stdout.splitlines()[-1])
        return ran.stdout

    def calls(self, words: str) -> list[str]:
        calls = (self.root / "play/calls").read_text().splitlines()
        return [call for call in calls if call.startswith(words)]

    def write_settings(self, **settings: str):
        """Has infra/samconfig.toml give the stage other values of parameters, and no more."""
        text = (ROOT / "infra/samconfig.toml").read_text()
        line = '  "Stage=staging",\n'
        self.assertIn(line, text)
        written = [f"  {json.dumps(f'{key}={value}')},\n" for key, value in settings.items()]
        (self.root / "infra/samconfig.toml").write_text(text.replace(line, line + "".join(written)))

    def tags(self) -> dict[str, str]:
        """The tags of the last deployment, as sam itself reads them."""
        from samcli.cli.types import CfnTags

        arguments = json.loads((self.root / "play/arguments").read_text())
        tags = arguments[arguments.index("--tags") + 1 :]
        ends = (at for at, each in enumerate(tags) if each.startswith("--"))
        return CfnTags().convert(tuple(tags[: next(ends, len(tags))]), None, None)

    def looked_at(self, **settings: str) -> subprocess.CompletedProcess:
        """A run that ends once all is looked at: its command line is not there."""
        self.write_settings(**settings)
        return self.run_script(STUDIO="./none")
