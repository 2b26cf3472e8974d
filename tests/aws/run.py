#!/usr/bin/env python3
"""Tries a stage on a real AWS account: `make test-aws STAGE=trial`.

Deploys the stage with infra/deploy, sends events through each function, takes functions and mappings
away for a while, asks what only AWS can answer, and destroys the stage with its data. It refuses a
stage that exists, so it deletes nothing but what it made. Without an AWS session it says so in a
line that begins with `!!`, and succeeds. docs/deploying.md has what it costs.

The smoke check's events come through Kafka and the mappings. The brokers cannot be reached from
outside the VPC, so the examples of the four topics are given to the functions as the mappings would.
"""

import base64
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone

ROOT = pathlib.Path(__file__).resolve().parents[2]
AWS = ROOT / "target/tools/bin/aws"
STUDIO = ROOT / "target/debug/studio"
CONSUMERS = ("event-created", "event-published", "cms-published", "campaign-launched")
TENANT = "tenant-monsoon-arts"


class Failed(Exception):
    """A check that did not hold. Its text says which."""


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: tests/aws/run.py STAGE", file=sys.stderr)
        return 2
    stage = sys.argv[1]
    if stage in ("production", "local"):
        print(f"tests/aws/run.py: {stage} is no stage to try things on", file=sys.stderr)
        return 2
    session = run(AWS, "sts", "get-caller-identity", "--output", "text")
    if session.returncode:
        why = session.stderr.strip().splitlines()[-1:] or ["the AWS CLI said nothing"]
        print(f"!! there is no AWS session, AWS NOT tried: {why[0]}")
        return 0
    trial = Trial(stage)
    if trial.exists():
        print(f"tests/aws/run.py: {trial.stack} exists, and is not touched", file=sys.stderr)
        return 2
    began, failed = time.monotonic(), []
    # What is deployed is destroyed, also after Ctrl-C and after a defect of this file: it costs.
    try:
        tried(trial, failed)
    finally:
        try:
            trial.destroy()
        except Failed as fault:
            failed.append(f"{trial.stack} or something of it is still there, and costs: {fault}")
            print(f"FAILED: {failed[-1]}", flush=True)
    minutes = (time.monotonic() - began) / 60
    print(f"{minutes:.0f} minutes; {len(failed)} checks failed")
    for fault in failed:
        print(f"  {fault}")
    return 1 if failed else 0


def tried(trial: "Trial", failed: list[str]) -> None:
    """Deploys the stage, makes all checks, and adds to `failed` what did not hold."""
    try:
        trial.deployed()
    except Failed as fault:
        failed.append(str(fault))
        return
    for check in (
        trial.events_come_through,
        trial.nothing_is_lost_without_functions,
        trial.nothing_is_lost_while_paused,
        trial.a_voice_is_trained,
        trial.no_dead_letter_is_left,
        trial.answers,
    ):
        print(f"== {check.__name__.replace('_', ' ')}", flush=True)
        try:
            check()
        except Failed as fault:
            failed.append(str(fault))
            print(f"FAILED: {fault}", flush=True)


def run(*command, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


class Trial:
    def __init__(self, stage: str):
        self.stage = stage
        parameters = ROOT / "infra/parameters.py"
        python = ROOT / "target/tools/bin/python"
        known = [
            run(python, parameters, "--setting", stage, name) for name in ("stack_name", "region")
        ]
        for answer in known:
            if answer.returncode:
                sys.exit(answer.stderr.strip())
        self.stack, self.region = (answer.stdout.strip() for answer in known)
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = self.region
        self.round = 0

    def aws(self, *command) -> dict:
        answer = run(AWS, *command, "--output", "json")
        if answer.returncode:
            raise Failed(f"aws {' '.join(command[:2])}: {answer.stderr.strip()}")
        return json.loads(answer.stdout or "{}")

    def studio(self, *command, expected: int = 0) -> dict:
        answer = run(STUDIO, "--stage", self.stage, "--json", *command)
        if answer.returncode != expected:
            said = answer.stderr.strip() or answer.stdout.strip()
            raise Failed(f"studio {' '.join(command[:2])} ended with {answer.returncode}: {said}")
        return json.loads(answer.stdout or "{}")

    def deploy(self, *arguments) -> None:
        environment = os.environ | {"YES": "1", "STUDIO": str(STUDIO)}
        ended = subprocess.run([ROOT / "infra/deploy", *arguments], env=environment).returncode
        if ended:
            raise Failed(f"infra/deploy {' '.join(arguments)} ended with {ended}")

    def exists(self) -> bool:
        answer = run(AWS, "cloudformation", "describe-stacks", "--stack-name", self.stack)
        if answer.returncode and "does not exist" not in answer.stderr:
            sys.exit(f"tests/aws/run.py: {answer.stderr.strip()}")
        return answer.returncode == 0

    def deployed(self) -> None:
        self.deploy(self.stage)

    # ---- The checks ----

    def events_come_through(self) -> None:
        self.ends(self.send())

    def nothing_is_lost_without_functions(self) -> None:
        """Lambda turns every batch and step away for a minute."""
        names = [f"studio-{one}-{self.stage}" for one in ("render", "completion")]
        kept = {name: self.reserved(name) for name in names}
        try:
            for name in names:
                self.reserve(name, 0)
            tenant = self.send()
            time.sleep(60)
        finally:
            for name, count in kept.items():
                self.reserve(name, count)
        self.ends(tenant)

    def nothing_is_lost_while_paused(self) -> None:
        self.deploy("pause", self.stage)
        try:
            waiting = self.studio("smoke", "--within", "20", expected=5)
        finally:
            self.deploy("resume", self.stage)
        self.studio("smoke", "--event", waiting["event"], "--within", "900")

    def a_voice_is_trained(self) -> None:
        """`VOICE_TRAINING` is <tenant>/<id>, of a training that lies in one of VoiceBuckets."""
        training = os.environ.get("VOICE_TRAINING")
        if not training:
            print("!! VOICE_TRAINING is not set, no voice is tried")
            return
        tenant, voice = training.split("/")
        account = self.aws("sts", "get-caller-identity")["Account"]
        machines = f"arn:aws:states:{self.region}:{account}:stateMachine"
        machine = f"{machines}:studio-voice-training-{self.stage}"
        execution = self.aws(
            *("stepfunctions", "start-execution", "--state-machine-arn", machine),
            *("--name", voice, "--input", json.dumps({"tenantId": tenant})),
        )["executionArn"]
        ended = self.until(
            lambda: self.aws("stepfunctions", "describe-execution", "--execution-arn", execution),
            lambda answer: answer["status"] != "RUNNING",
            seconds=3600,
            what=f"the voice {voice}",
        )
        if ended["status"] != "SUCCEEDED":
            raise Failed(f"the training of the voice {voice} is {ended['status']}")

    def no_dead_letter_is_left(self) -> None:
        entries = self.studio("dead-letters", "list")["entries"]
        if entries:
            raise Failed(f"{len(entries)} dead letters are left, the first: {entries[0]}")

    def answers(self) -> None:
        """What documentation alone does not say. Nothing here fails: it is written down."""
        resources = self.aws("cloudformation", "list-stack-resources", "--stack-name", self.stack)
        of_kind = {}
        for resource in resources["StackResourceSummaries"]:
            of_kind.setdefault(resource["ResourceType"], []).append(resource)
        made = bool(of_kind.get("Custom::KafkaTopics"))
        print(f"topics made with the brokers' default of replicas: {made}")
        shows = ("ProvisionedPollerConfig", "MaximumRetryAttempts", "StartingPosition")
        for mapping in of_kind.get("AWS::Lambda::EventSourceMapping", []):
            uuid = mapping["PhysicalResourceId"]
            is_so = self.aws("lambda", "get-event-source-mapping", "--uuid", uuid)
            shown = {key: is_so.get(key) for key in shows}
            print(f"{mapping['LogicalResourceId']}: {shown}")
        for consumer in CONSUMERS:
            print(f"OffsetLag of {consumer}: {self.lag(consumer)} values in the last hour")
        alarms = self.aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", "studio-")
        for alarm in alarms["MetricAlarms"]:
            if alarm["AlarmName"].endswith(f"-{self.stage}"):
                print(f"{alarm['AlarmName']}: {alarm['StateValue']}")

    # ---- Their parts ----

    def send(self) -> str:
        """Gives the example of each topic to its function, as a tenant of its own. Returns the
        tenant."""
        self.round += 1
        tenant = f"tenant-trial-{self.round}"
        for consumer in CONSUMERS:
            batch = json.loads((ROOT / f"events/lambda/{consumer}.json").read_text())
            answer = self.invoke(f"studio-{consumer}-{self.stage}", renewed(batch, tenant))
            if answer != {"batchItemFailures": []}:
                raise Failed(f"{consumer} answers {answer}")
        return tenant

    def invoke(self, function: str, payload: dict) -> dict:
        with tempfile.TemporaryDirectory() as folder:
            sent, received = pathlib.Path(folder, "sent"), pathlib.Path(folder, "received")
            sent.write_text(json.dumps(payload))
            said = self.aws(
                *("lambda", "invoke", "--function-name", function),
                *("--payload", f"fileb://{sent}", received),
            )
            answer = json.loads(received.read_text())
        if said.get("FunctionError"):
            raise Failed(f"{function} fails: {answer}")
        return answer

    def ends(self, tenant: str) -> None:
        """Waits until every job of the tenant is completed."""
        jobs = self.until(
            lambda: self.studio("jobs", "list", "--tenant", tenant, "--most", "200")["jobs"],
            lambda jobs: jobs and all(job["state"] not in ("created", "submitted") for job in jobs),
            seconds=1200,
            what=f"the jobs of {tenant}",
        )
        states = [job["state"] for job in jobs]
        print(f"{tenant}: {len(jobs)} jobs")
        if set(states) != {"completed"}:
            raise Failed(f"the jobs of {tenant} are {states}")

    def until(self, ask, done, seconds: int, what: str):
        end = time.monotonic() + seconds
        while True:
            answer = ask()
            if done(answer):
                return answer
            if time.monotonic() > end:
                raise Failed(f"{what}: not done after {seconds} s: {answer}")
            time.sleep(5)

    def reserved(self, function: str) -> int:
        return self.aws("lambda", "get-function-concurrency", "--function-name", function)[
            "ReservedConcurrentExecutions"
        ]

    def reserve(self, function: str, count: int) -> None:
        self.aws(
            *("lambda", "put-function-concurrency", "--function-name", function),
            *("--reserved-concurrent-executions", str(count)),
        )

    def lag(self, consumer: str) -> int:
        now = datetime.now(timezone.utc)
        found = self.aws(
            *("cloudwatch", "get-metric-statistics", "--namespace", "AWS/Lambda"),
            *("--metric-name", "OffsetLag", "--statistics", "Maximum", "--period", "60"),
            *("--dimensions", f"Name=FunctionName,Value=studio-{consumer}-{self.stage}"),
            *("--start-time", (now - timedelta(hours=1)).isoformat(), "--end-time", now.isoformat()),
        )
        return len(found["Datapoints"])

    # ---- The end ----

    def destroy(self) -> None:
        """Deletes the stack, and what it keeps: the table, the secret and the two buckets. A stack
        that was never there has left nothing."""
        if not self.exists():
            return
        resources = self.aws("cloudformation", "list-stack-resources", "--stack-name", self.stack)
        made = {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources["StackResourceSummaries"]
            if "PhysicalResourceId" in resource
        }
        self.deploy("destroy", self.stage)
        if "Table" in made:
            self.aws("dynamodb", "delete-table", "--table-name", made["Table"])
        if "AssetPathsSecret" in made:
            self.aws(
                *("secretsmanager", "delete-secret", "--force-delete-without-recovery"),
                *("--secret-id", made["AssetPathsSecret"]),
            )
        # A bucket that was given is not among the resources, and stays.
        for bucket in [made[name] for name in ("AssetsBucket", "DeadLettersBucket") if name in made]:
            self.empty(bucket)
            self.aws("s3api", "delete-bucket", "--bucket", bucket)
        print(f"{self.stack} is gone, with its table and its buckets")

    def empty(self, bucket: str) -> None:
        while True:
            listed = self.aws(
                *("s3api", "list-object-versions", "--bucket", bucket, "--max-items", "500")
            )
            found = [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]
            if not found:
                return
            named = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            deleted = json.dumps({"Objects": named, "Quiet": True})
            self.aws("s3api", "delete-objects", "--bucket", bucket, "--delete", deleted)


def renewed(batch: dict, tenant: str) -> dict:
    """The batch with the current time, and with another tenant in the place of the example's."""
    batch = copy.deepcopy(batch)
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    for records in batch["records"].values():
        for record in records:
            for part in ("key", "value"):
                text = base64.b64decode(record[part]).decode().replace(TENANT, tenant)
                if part == "value":
                    text = json.dumps(json.loads(text) | {"time": now}, ensure_ascii=False)
                record[part] = base64.b64encode(text.encode()).decode()
    return batch


if __name__ == "__main__":
    sys.exit(main())
