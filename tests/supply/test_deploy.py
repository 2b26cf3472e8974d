"""infra/deploy where AWS is slow, an operator errs, or two deploy at once. AWS, `sam` and `studio`
are played here, each by a script; tests/it/deploy has the real ones."""

import datetime
import json
import os
import pathlib
import re
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
    fi ;;
  'lambda list-event-source-mappings') cat play/mappings ;;
  'lambda get-account-settings') echo 1000 ;;
  'kafka get-bootstrap-brokers') echo '%s' ;;
  'kafka describe-cluster-v2') printf 'SERVERLESS\tNone\tNone\t0\n' ;;
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


class Deploy(unittest.TestCase):
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

    def test_a_deployment_that_is_played_succeeds(self):
        self.is_deployed()
        said = self.ended(0, f"{STACK} is deployed, and an event came through it")
        self.assertEqual(len(self.calls("sam deploy")), 1)
        self.assertIn("./studio --stage staging jobs show --tenant studio-smoke j-1", said)

    def test_a_command_line_with_more_or_less_than_a_stage_calls_nothing(self):
        for arguments in [("staging", "pause"), ("pause", "staging", "now"), ("--help",), ("",)]:
            with self.subTest(arguments):
                self.ended(2, "usage: infra/deploy [pause|resume|destroy] STAGE", *arguments)
        self.assertEqual(self.calls(""), [])

    def test_bootstraps_of_another_processor_are_refused_whatever_the_profile(self):
        elf = b"\x7fELF456789abcdefgh\x3e"
        (self.root / "target/lambda/render/bootstrap").write_bytes(elf)
        said = self.ended(2, "what lies in target/lambda cannot be deployed", PROFILE="dev")
        self.assertIn("target/lambda/render/bootstrap is not for arm64", said)
        self.assertEqual(self.calls("sam"), [])

    def test_a_first_change_set_that_cannot_be_made_leaves_no_empty_stack(self):
        self.play("after.json", described("REVIEW_IN_PROGRESS", "later"))
        self.play("sam", "cp play/after.json play/stack.json; exit 1")
        self.ended(1, "nothing is deployed")
        self.assertEqual(len(self.calls("aws cloudformation delete-stack")), 1)

    def test_a_change_set_at_anothers_prompt_stays(self):
        for opened in ("before ours", "while ours waits"):
            with self.subTest(opened):
                self.play("calls", "")
                self.play("stack.json", described("REVIEW_IN_PROGRESS", "before"))
                self.play("open", "arn:of-another\n" if opened == "before ours" else "")
                opens = "grep -q another play/open || echo arn:of-another >>play/open"
                self.play("sam", f"made; asked; {opens}")
                self.ended(3, "nothing is deployed")
                [deleted] = self.calls("aws cloudformation delete-")
                self.assertIn("delete-change-set --change-set-name arn:of-this", deleted)

    def test_a_change_set_that_another_opens_after_ours_was_carried_out_is_no_refusal(self):
        self.is_deployed()
        self.play("sam", f"{DEPLOYS}; echo arn:of-another >>play/open")
        self.ended(0, f"{STACK} is deployed, and an event came through it")
        self.assertEqual(self.calls("aws cloudformation delete-"), [])

    def test_what_another_deployed_during_the_build_is_not_deployed_over(self):
        self.play("after.json", described("UPDATE_COMPLETE", "meanwhile"))
        for before in (True, False):
            with self.subTest(before=before):
                (self.root / "play/stack.json").unlink(missing_ok=True)
                if before:
                    self.is_deployed()
                self.play("meanwhile", "cp play/after.json play/stack.json")
                self.ended(1, f"nothing is deployed: {STACK} was changed while this was built")
        self.assertEqual(self.calls("sam"), [])

    def test_a_no_beside_or_after_anothers_deployment_proves_nothing(self):
        for status in ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"):
            with self.subTest(status):
                self.is_deployed()
                self.play("after.json", described(status, "later"))
                # AWS deletes ours when another's is carried out.
                self.play("sam", "made; asked; : >play/open; cp play/after.json play/stack.json")
                said = self.ended(3, "nothing is deployed")
                self.assertNotIn("ChangeSetNotFound", said)
        self.assertEqual(self.calls("studio"), [])

    def test_a_yes_after_anothers_deployment_deploys_nothing(self):
        self.is_deployed()
        self.play("after.json", described("UPDATE_COMPLETE", "later"))
        self.play("sam", "made; asked; : >play/open; cp play/after.json play/stack.json; exit 1")
        self.ended(1, "nothing is deployed")
        self.assertEqual(self.calls("studio"), [])

    def test_a_deployment_that_would_change_nothing_is_proven_and_never_rolled_back(self):
        self.is_deployed()
        self.play("sam", f"echo 'No changes to deploy. Stack {STACK} is up to date'")
        self.ended(0, f"{STACK} is deployed, and an event came through it")
        self.play("smoked", "7")
        self.ended(5, "this deployment changed nothing")
        self.assertEqual(len(self.calls("sam deploy")), 2)

    def test_a_session_that_ends_during_a_deployment_does_not_say_that_nothing_changed(self):
        for denied, code, words in (
            ("all", 1, "whether this is deployed is not known"),
            ("cloudformation list-stack-resources", 5, f"{STACK} is deployed, and not proven"),
            ("lambda list-event-source-mappings", 5, f"{STACK} is deployed, and not proven"),
        ):
            with self.subTest(denied):
                self.is_deployed()
                (self.root / "play/denied").unlink(missing_ok=True)
                self.play("sam", f"{DEPLOYS}; echo '{denied}' >play/denied")
                self.ended(code, words)

    def test_a_mapping_that_only_the_new_version_has_does_not_stop_a_rollback(self):
        self.is_deployed()
        self.play("old", mapping(1))
        self.play("mappings", mapping(1) + mapping(2))
        self.play("smoked", "7")
        self.rolls_back("cp play/old play/mappings; echo 0 >play/smoked")
        self.ended(4, f"{STACK} is as it was before, and an event came through it")
        self.assertEqual(len(self.calls("sam deploy")), 2)

    def test_a_rollback_whose_event_was_not_asked_for_says_so(self):
        self.is_deployed()
        self.play("smoked", "7")
        self.rolls_back("echo 3 >play/smoked")
        self.ended(4, "is as it was before, and not proven: the operator was not asked")

    def test_the_words_about_the_operator_tell_its_own_faults_from_others(self):
        # As infra/cli writes them: infra/cli/tests/command_line.rs.
        operator = "studio: studio-operator-staging"
        for smoked, said, code, words in (
            (1, f"{operator} crashed: Runtime exited", 4, "the operator crashes"),
            (3, f"{operator} failed: a defect", 4, "the operator has a defect"),
            (1, f"{operator} failed: no broker", 5, "the last answer was: studio: studio-op"),
            (3, "studio: you are not signed in", 5, "the operator was not asked: studio: you"),
        ):
            with self.subTest(said):
                self.is_deployed()
                self.play("calls", "")
                self.play("smoked", str(smoked))
                self.play("said", f"{said}\n")
                ran = self.run_script()
                self.assertEqual(ran.returncode, code, ran.stdout)
                self.assertIn(words, ran.stdout)
                rolled_back = 2 if code == 4 else 1
                self.assertEqual(len(self.calls("sam deploy")), rolled_back)

    def test_only_code_that_fails_most_of_its_invocations_is_rolled_back(self):
        self.play("smoked", "5")
        for errors, code, words in (
            (1, 5, "no consumer is behind; studio-event-created-staging had 1 errors in 100"),
            (50, 4, "its event did not come through either"),
        ):
            with self.subTest(errors=errors):
                self.is_deployed()
                self.play("Errors", f"{errors}.0\n")
                self.play("Invocations", "60.0\n40.0\n")
                self.ended(code, words)

    def test_errors_of_the_minute_of_the_deployment_do_not_count(self):
        self.is_deployed()
        self.play("smoked", "5")
        self.play("sam", f"{DEPLOYS}; date -u +%FT%TZ >play/deployed")
        self.ended(5, "is deployed, and not proven")
        at = datetime.datetime.fromisoformat
        deployed = at((self.root / "play/deployed").read_text().strip())
        calls = self.calls("aws cloudwatch get-metric-statistics")
        self.assertTrue(calls)
        for call in calls:
            times = (re.search(rf"--{name}-time (\S+)", call)[1] for name in ("start", "end"))
            begin, end = map(at, times)
            self.assertEqual(begin.second, 0)
            self.assertGreater(begin, deployed)
            self.assertGreater(end, begin)


    def test_a_cost_centre_keeps_its_equal_signs_and_spaces(self):
        self.is_deployed()
        self.ended(0, "an event came through it")
        for centre in ("media=events", "media events", "==", "a=b c"):
            with self.subTest(centre):
                self.write_setting("CostCentre", centre)
                if centre == "a=b c":
                    self.ended(2, f"infra/parameters.py: CostCentre: {centre} has a space and")
                    continue
                self.ended(0, "an event came through it")
                self.assertEqual(self.tags()["cost-centre"], centre)

    def write_setting(self, key: str, value: str):
        """Has infra/samconfig.toml give the stage another value of a parameter."""
        text = (ROOT / "infra/samconfig.toml").read_text()
        line = '  "Stage=staging",\n'
        self.assertIn(line, text)
        text = text.replace(line, f"{line}  {json.dumps(f'{key}={value}')},\n")
        (self.root / "infra/samconfig.toml").write_text(text)

    def tags(self) -> dict[str, str]:
        """The tags of the last deployment, as sam itself reads them."""
        from samcli.cli.types import CfnTags

        arguments = json.loads((self.root / "play/arguments").read_text())
        tags = arguments[arguments.index("--tags") + 1 :]
        ends = (at for at, each in enumerate(tags) if each.startswith("--"))
        return CfnTags().convert(tuple(tags[: next(ends, len(tags))]), None, None)

    def test_another_cluster_is_deployed_only_with_a_warning_and_after_a_yes(self):
        cluster = "arn:aws:kafka:us-east-1:111122223333:cluster/before/0aa0-1"
        stack = json.loads(described("UPDATE_COMPLETE", "before"))
        deployed = {"ParameterKey": "KafkaClusterArn", "ParameterValue": cluster}
        stack["Stacks"][0]["Parameters"].append(deployed)
        self.play("stack.json", json.dumps(stack, indent=4))
        warned = f"KafkaClusterArn is another cluster than is deployed, {cluster}"
        self.assertIn(warned, self.ended(3, "nothing is deployed", YES=""))
        self.assertEqual(self.calls("sam"), [])
        self.assertIn(warned, self.ended(0, "an event came through it"))
        self.play("stack.json", json.dumps(stack, indent=4))
        said = self.ended(0, "an event came through it", KAFKA_CLUSTER_ARN=cluster)
        self.assertNotIn(warned, said)

    def test_log_groups_that_late_lines_make_again_are_deleted_with_the_stack(self):
        group = "/aws/lambda/studio-render-staging"
        for late in ("first", "second"):
            with self.subTest(late):
                self.play("calls", "")
                self.is_deployed()
                others = "/aws/lambda/studio-render-production"
                self.play("groups", f"{group}\n" if late == "first" else f"{others}\n{group}\n")
                self.ended(0, f"{STACK} is gone", "destroy", "staging")
                deleted = self.calls("aws logs delete-log-group")
                self.assertEqual(deleted, [f"aws logs delete-log-group --log-group-name {group}"])
        self.is_deployed()
        self.play("denied", "logs describe-log-groups\n")
        said = self.ended(0, f"{STACK} is gone", "destroy", "staging")
        self.assertIn(f"log groups of {STACK} may be there again", said)

    def test_what_a_destroyed_stage_kept_is_named_before_anything_is_built(self):
        for service, what in (
            ("dynamodb", "the table studio-staging"),
            ("secretsmanager", "the secret studio/staging/asset-paths"),
            ("s3api", "the bucket eventzr-studio-assets-staging"),
        ):
            with self.subTest(service):
                lines = (line for line in FREE.splitlines(True) if not line.startswith(service))
                self.play("names", "".join(lines))
                self.ended(1, f"{what} is there already")
        self.play("names", FREE)
        self.play("groups", "/aws/lambda/studio-render-staging\n")
        self.ended(1, "the log group /aws/lambda/studio-render-staging is there already")
        self.assertEqual(self.calls("sam"), [])

    def test_a_bucket_that_may_be_anothers_only_warns(self):
        self.play("names", FREE.replace("NoSuchBucket", "AccessDenied"))
        said = self.ended(0, "an event came through it")
        self.assertIn("another account may have the bucket eventzr-studio-assets-staging", said)

if __name__ == "__main__":
    unittest.main()
