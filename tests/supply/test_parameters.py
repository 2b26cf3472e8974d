"""Which parameters infra/deploy hands to `sam`, and which it refuses: infra/parameters.py."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))

import parameters  # noqa: E402
from refusals import MOST_OF_LARGE, refusals  # noqa: E402

ACCOUNT = "111122223333"
CLUSTER = f"arn:aws:kafka:us-east-1:{ACCOUNT}:cluster/eventzr/0aa0-1"
BROKERS = ",".join(
    f"b-{number}.eventzr.x1.c2.kafka.us-east-1.amazonaws.com:9098" for number in (1, 2)
)
NETWORK = {
    "SUBNET_IDS": "subnet-1, subnet-2",
    "SECURITY_GROUP_IDS": "sg-1",
    "KAFKA_CLUSTER_ARN": CLUSTER,
}
TEMPLATE = parameters.load(ROOT / "infra/template.yaml")
KNOWN = parameters.parameters_of(TEMPLATE)
# A certificate of a root that belongs to no one: EC P-256, valid to 2126.
PEM = """-----BEGIN CERTIFICATE-----
MIIBeDCCAR+gAwIBAgIUDm8CJvhFdmPVXWu0/UPs7V0PNJkwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGbm8tb25lMCAXDTI2MTEzMDE1MDY1NloYDzIxMjYxMTA2MTUw
NjU2WjARMQ8wDQYDVQQDDAZuby1vbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AARkfON49lf8M15LF4L4gVOuRghoIm4SKAiBBsXNmHK+UscgZaubj+Nd/DqpGUJ5
4haPwl6DU2y2rhYHnKgrqxtyo1MwUTAdBgNVHQ4EFgQUrppnxZKtYSFYZYJVdLRa
grFw9B8wHwYDVR0jBBgwFoAUrppnxZKtYSFYZYJVdLRagrFw9B8wDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA6mipf6fj7HjKX2wPdOqa+4alptgzJ
BEmHYg5aV0TwTQIgLEB7EPedXuTuCapvDWpPlUPCmjthWP5RSxU7JnwcREo=
-----END CERTIFICATE-----
"""


def resolved(*lines: str, **environment: str) -> dict[str, str]:
    """The values of the stage `staging` with these lines in infra/samconfig.toml."""
    written, _ = parameters.settings(["Stage=staging", *lines])
    return parameters.together(KNOWN, written, NETWORK | environment, BROKERS)


def refused(
    *lines: str,
    known=KNOWN,
    region="us-east-1",
    account=ACCOUNT,
    brokers=BROKERS,
    before=None,
    **environment,
):
    """What is said of such values."""
    found = refusals(
        known,
        resolved(*lines, **environment),
        stage="staging",
        region=region,
        account=account,
        brokers=brokers,
        before=before,
    )
    return [str(each) for each in found]


class Values(unittest.TestCase):
    def test_a_value_keeps_its_equal_signs_quotes_spaces_and_lines(self):
        settings = '{"openai": {"model": "a=b", "price": 2}}'
        values = resolved(
            f"ProviderSettings={settings}",
            "ImageProviders=openai, studio-canvas",
            f"KafkaRootsPem={PEM}",
        )
        self.assertEqual(values["ProviderSettings"], settings)
        self.assertEqual(values["ImageProviders"], "openai, studio-canvas")
        self.assertEqual(values["KafkaRootsPem"], PEM)

    def test_lists_of_the_network_lose_their_spaces(self):
        self.assertEqual(resolved()["SubnetIds"], "subnet-1,subnet-2")

    def test_each_parameter_of_the_template_has_a_value(self):
        # `sam` would leave a parameter that it is not given as it was deployed last.
        self.assertEqual(set(resolved()), set(KNOWN))
        self.assertEqual(resolved()["KafkaRootsPem"], "")

    def test_only_what_names_a_thing_of_an_account_comes_from_the_environment(self):
        values = resolved(
            ALARM_TOPIC_ARN="arn:x", STAGE="production", LOG_LEVEL="TRACE", ASSET_BASE_URL=""
        )
        self.assertEqual(values["AlarmTopicArn"], "arn:x")
        self.assertEqual((values["Stage"], values["LogLevel"]), ("staging", "INFO"))
        self.assertEqual(values["AssetBaseUrl"], "")

    def test_the_brokers_are_those_that_aws_names_if_none_are_written(self):
        self.assertEqual(resolved()["KafkaBootstrapServers"], BROKERS)
        self.assertEqual(
            resolved("KafkaBootstrapServers=a:9098")["KafkaBootstrapServers"], "a:9098"
        )

    def test_the_reserved_concurrency_is_that_of_the_templates_functions(self):
        values = resolved("RenderReserved=40", "CompletionConcurrency=7")
        self.assertEqual(parameters.reserved(TEMPLATE, values), 47)


class Refusals(unittest.TestCase):
    def test_right_values_are_not_refused(self):
        brokers = ",".join(reversed(BROKERS.split(",")))
        self.assertEqual(refused(), [])
        self.assertEqual(
            refused(f"KafkaBootstrapServers={brokers}", f"KafkaRootsPem={PEM}{PEM}"), []
        )
        self.assertEqual(refused("KafkaClusterName=eventzr", account=None), [])

    def test_each_wrong_value_is_refused_with_its_name_and_a_cure(self):
        for wanted, lines in (
            (
                "Nosuch: 1 is for no parameter of infra/template.yaml: see its Parameters",
                ["Nosuch=1"],
            ),
            (
                "LogLevel: LOUD is not allowed: choose one of TRACE, DEBUG, INFO, WARN, ERROR",
                ["LogLevel=LOUD"],
            ),
            (
                "OtlpEndpoint: localhost has another form: the template wants ^(http://.+)?$",
                ["OtlpEndpoint=localhost"],
            ),
            (
                "TopicPartitions: many is not a whole number: write it in digits",
                ["TopicPartitions=many"],
            ),
            (
                "LagAlarmRecords: 28.5 is not a whole number: write it in digits",
                ["LagAlarmRecords=28.5"],
            ),
            ("TopicPartitions: 0 is too low: at least 1", ["TopicPartitions=0"]),
            ("TopicPartitions: 101 is too high: at most 100", ["TopicPartitions=101"]),
            (
                "Stage: production is written for the stage staging: write Stage=staging",
                ["Stage=production"],
            ),
            (
                f"KafkaClusterName: other is not the cluster of {CLUSTER}: name that one, or none",
                ["KafkaClusterName=other"],
            ),
            (
                "RenderReserved: 28 is less than RenderConcurrency, 27, and two for the "
                "dead-letter queue: write RenderReserved=29",
                ["RenderConcurrency=27"],
            ),
            (
                "KafkaBootstrapServers: b-9.x:9098 are not the cluster's brokers: AWS names "
                f"{BROKERS}; leave the parameter out, and it is looked up",
                ["KafkaBootstrapServers=b-9.x:9098"],
            ),
            (
                "KafkaBootstrapServers: b-9.x has another form: write host:port, separated by "
                "commas, or leave it out",
                ["KafkaBootstrapServers=b-9.x"],
            ),
        ):
            with self.subTest(wanted=wanted):
                self.assertEqual(refused(*lines), [wanted])

    def test_a_value_that_is_too_long_is_refused(self):
        long = "a" * 190 + "/{tenantId}/"
        [found] = refused(f"TenantPrefix={long}")
        self.assertTrue(found.endswith("… has 202 characters: it may have at most 200"), found)

    def test_what_is_missing_is_refused_with_where_to_write_it(self):
        found = refused(KAFKA_CLUSTER_ARN="", SUBNET_IDS="", SECURITY_GROUP_IDS="")
        self.assertEqual(
            found,
            [
                "KafkaClusterArn: is missing: set KAFKA_CLUSTER_ARN",
                "SubnetIds: is empty: set SUBNET_IDS, separated by commas",
                "SecurityGroupIds: is empty: set SECURITY_GROUP_IDS, separated by commas",
            ],
        )

    def test_brokers_may_be_missing_only_until_aws_was_asked(self):
        def of(brokers):
            written, _ = parameters.settings(["Stage=staging"])
            values = parameters.together(KNOWN, written, NETWORK, brokers)
            return refusals(KNOWN, values, stage="staging", region="us-east-1", brokers=brokers)

        self.assertEqual(of(None), [])
        [found] = of("")
        cure = 'write "KafkaBootstrapServers=…" in infra/samconfig.toml'
        wanted = f"KafkaBootstrapServers: is missing: {cure}"
        self.assertEqual(str(found), wanted)

    def test_an_arn_of_another_region_is_refused(self):
        topic = f"arn:aws:sns:eu-west-1:{ACCOUNT}:alarms"
        [found] = refused(ALARM_TOPIC_ARN=topic)
        self.assertEqual(
            found, f"AlarmTopicArn: {topic} is in eu-west-1: the stage is in us-east-1"
        )
        [found] = refused(region="ap-south-1")
        self.assertIn("is in us-east-1: the stage is in ap-south-1", found)

    def test_a_cluster_of_another_account_is_refused_and_a_topic_of_alarms_is_not(self):
        [found] = refused(account="444455556666")
        wanted = f"{CLUSTER} is of the account {ACCOUNT}: you are signed in to 444455556666"
        self.assertEqual(found, f"KafkaClusterArn: {wanted}")
        self.assertEqual(refused(ALARM_TOPIC_ARN="arn:aws:sns:us-east-1:444455556666:alarms"), [])

    def test_what_a_functions_environment_does_not_hold_names_all_that_share_it(self):
        rest = MOST_OF_LARGE - len(BROKERS) - 2 * len(PEM)
        self.assertGreater(rest, 0)
        settings = "ProviderSettings=" + "{}".ljust(rest)
        roots = f"KafkaRootsPem={PEM}{PEM}"
        self.assertEqual(refused(roots, settings), [])
        [found] = refused(roots, settings + " ")
        self.assertEqual(
            found,
            "KafkaRootsPem, ProviderSettings and KafkaBootstrapServers: have "
            f"{2 * len(PEM)} + {rest + 1} + {len(BROKERS)} bytes, and a function's environment of "
            f"4 KB holds {MOST_OF_LARGE}: keep the roots to which the brokers' certificates chain, "
            "and few settings",
        )

    def test_roots_that_are_cut_or_garbled_are_refused(self):
        garbled = PEM.replace("MII", "MXX", 1)
        for why, pem in (
            ("has no whole certificate", "-----BEGIN"),
            ("is cut", PEM + PEM[:100]),
            ("has a certificate that cannot be read, number 2", PEM + garbled),
        ):
            with self.subTest(why=why):
                [found] = refused(f"KafkaRootsPem={pem}")
                self.assertIn(why, found)

    def test_a_line_without_an_equal_sign_and_a_second_value_are_refused(self):
        _, found = parameters.settings(["LogLevel", "Topics=made", "Topics=given"])
        self.assertEqual(
            list(map(str, found)),
            [
                "LogLevel: has no equal sign: write Key=Value",
                "Topics: given is its second value: keep one of the two lines",
            ],
        )

    def test_a_beginning_without_a_time_and_a_given_bucket_without_a_name_are_refused(self):
        of_text = {"Type": "String", "Default": ""}
        names = ("Assets", "AssetsBucketName", "StartingPosition", "StartingPositionTimestamp")
        known = KNOWN | parameters.parameters_of({"Parameters": dict.fromkeys(names, of_text)})
        lines = (
            "Assets=given",
            "AssetsBucketName=",
            "StartingPosition=AT_TIMESTAMP",
            "StartingPositionTimestamp=0",
        )
        found = refused(*lines, known=known)
        self.assertEqual(
            found,
            [
                "StartingPosition: AT_TIMESTAMP has no time: write StartingPositionTimestamp in "
                "seconds since 1970",
                "Assets: given has no bucket: write AssetsBucketName",
            ],
        )

    def test_a_change_that_would_lose_something_is_refused(self):
        described = {"Type": "String", "Default": "stage", "AllowedValues": ["stage", "shared"]}
        start = {"Type": "String", "Default": "TRIM_HORIZON"}
        known = KNOWN | parameters.parameters_of(
            {"Parameters": {"ConsumerGroups": described, "StartingPosition": start}}
        )
        same = {"ConsumerGroups=shared", "StartingPosition=TRIM_HORIZON"}
        # The version before had neither parameter.
        before = resolved()
        before = {
            key: before[key] for key in before if key not in ("ConsumerGroups", "StartingPosition")
        }
        self.assertEqual(refused(*same, known=known, before=before), [])
        found = refused(
            "ConsumerGroups=stage", "StartingPosition=LATEST", known=known, before=before
        )
        self.assertEqual(
            found,
            [
                "ConsumerGroups: stage is another value than is deployed, and the consumers would "
                "lose their places in the topics: write ConsumerGroups=shared, or delete the stack "
                "and deploy it anew",
                "StartingPosition: LATEST is another value than is deployed, and AWS would replace "
                "the mappings: write StartingPosition=TRIM_HORIZON, or delete the stack and deploy "
                "it anew",
            ],
        )
        self.assertEqual(
            refused("ConsumerGroups=stage", "StartingPosition=LATEST", known=known), []
        )


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "infra").mkdir()
        for name in ("parameters.py", "refusals.py", "template.yaml", "samconfig.toml"):
            shutil.copy(ROOT / "infra" / name, self.folder / "infra")

    def run_program(self, *arguments, **environment) -> subprocess.CompletedProcess:
        program = self.folder / "infra/parameters.py"
        environment = {"PATH": os.environ["PATH"], **environment}
        run = [sys.executable, "-B", program, *arguments]
        return subprocess.run(run, env=environment, text=True, capture_output=True)

    def test_it_writes_a_file_that_only_its_owner_reads(self):
        file = self.folder / "parameters.yaml"
        file.touch(0o644)
        ran = self.run_program("staging", file, **NETWORK)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertEqual(json.loads(file.read_text())["KafkaClusterArn"], CLUSTER)
        self.assertEqual(self.run_program("--value", file, "LogLevel").stdout, "DEBUG\n")
        told = self.run_program("--values", file).stdout.split("\0")
        written = json.loads(file.read_text())
        self.assertEqual(dict(zip(told[::2], told[1::2])), written)

    def test_it_refuses_with_exit_code_2_and_writes_nothing(self):
        file = self.folder / "parameters.yaml"
        ran = self.run_program("staging", file, **NETWORK | {"SUBNET_IDS": "mine"})
        self.assertEqual(ran.returncode, 2)
        wanted = "SubnetIds: mine has another form: write subnet-…, separated by commas"
        self.assertEqual(ran.stderr, f"infra/parameters.py: {wanted}\n")
        self.assertFalse(file.exists())

    def test_it_refuses_a_stage_that_is_not_there(self):
        ran = self.run_program("--setting", "qa", "region")
        self.assertEqual(ran.returncode, 2)
        wanted = "there is no stage `qa`: infra/samconfig.toml has staging, production"
        self.assertEqual(ran.stderr, f"infra/parameters.py: {wanted}\n")

    def test_it_refuses_a_file_of_stages_that_cannot_be_read_or_lacks_something(self):
        for written, wanted in (
            ("[staging", "infra/samconfig.toml is no TOML: "),
            (
                "[staging]",
                "infra/samconfig.toml: staging.global.parameters.stack_name is not there",
            ),
            (
                '[staging.global.parameters]\nstack_name = "a"\nregion = "b"\n'
                '[staging.deploy.parameters]\nparameter_overrides = "Stage=staging"',
                "infra/samconfig.toml: staging.deploy.parameters.parameter_overrides is not there, "
                "or not a list of texts\n",
            ),
        ):
            with self.subTest(written=written):
                (self.folder / "infra/samconfig.toml").write_text(written)
                ran = self.run_program("--setting", "staging", "region")
                self.assertEqual((ran.returncode, ran.stdout), (2, ""))
                self.assertTrue(ran.stderr.startswith(f"infra/parameters.py: {wanted}"), ran.stderr)

    def test_what_is_deployed_is_read_back_as_it_was_written(self):
        stack = {
            "Parameters": [
                {"ParameterKey": "KafkaRootsPem", "ParameterValue": PEM},
                {"ParameterKey": "A", "ParameterValue": ""},
            ],
            "Tags": [{"Key": "cost-centre", "Value": "a b"}, {"Key": "aws:x", "Value": "y"}],
        }
        described, file = self.folder / "stack.json", self.folder / "before.yaml"
        described.write_text(json.dumps({"Stacks": [stack]}))
        self.assertEqual(self.run_program("--of-stack", described, file).returncode, 0)
        self.assertEqual(json.loads(file.read_text()), {"KafkaRootsPem": PEM, "A": ""})
        self.assertEqual(self.run_program("--tags-of", described).stdout, '"cost-centre"="a b"\n')


class Stages(unittest.TestCase):
    def test_what_is_written_for_each_stage_is_right(self):
        config = tomllib.loads((ROOT / "infra/samconfig.toml").read_text())
        for stage in set(config) - {"version"}:
            region = config[stage]["global"]["parameters"]["region"]
            written, unread = parameters.settings(
                config[stage]["deploy"]["parameters"]["parameter_overrides"]
            )
            name = written.get("KafkaClusterName", "any")
            cluster = {
                "KAFKA_CLUSTER_ARN": f"arn:aws:kafka:{region}:{ACCOUNT}:cluster/{name}/0aa0-1"
            }
            values = parameters.together(KNOWN, written, NETWORK | cluster)
            with self.subTest(stage=stage):
                self.assertEqual(unread + refusals(KNOWN, values, stage=stage, region=region), [])


if __name__ == "__main__":
    unittest.main()
