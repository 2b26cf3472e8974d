"""What infra/deploy looks at before it builds anything, and what it says of it."""

import json
import unittest

from played import CLUSTERS, FREE, WHOLE, Played, described


class LookedAt(Played):
    def test_bootstraps_of_another_processor_are_refused_whatever_the_profile(self):
        elf = b"\x7fELF456789abcdefgh\x3e"
        (self.root / "target/lambda/render/bootstrap").write_bytes(elf)
        said = self.ended(2, "what lies in target/lambda cannot be deployed", PROFILE="dev")
        self.assertIn("target/lambda/render/bootstrap is not for arm64", said)
        self.assertEqual(self.calls("sam"), [])

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

    def test_what_a_cluster_lacks_for_alarms_and_topics_is_warned_of(self):
        serverless, provisioned = CLUSTERS["serverless"], CLUSTERS["provisioned"]
        named, replicated = {"KafkaClusterName": "eventzr"}, {"TopicMinInSyncReplicas": "2"}
        for cluster, settings, warned in (
            (provisioned, named | replicated, None),
            (provisioned.replace("PER_BROKER", "DEFAULT"), named, "level is DEFAULT: the alarm on"),
            (provisioned.replace("\t3\t", "\t6\t", 1), named, "the cluster has 6 brokers: the alarm"),
            (provisioned.replace("\t3\tsub", "\t2\tsub"), replicated, "the cluster is in 2 zones"),
            (serverless, named, "MSK Serverless has no metric of connections"),
            (serverless, replicated, "MSK Serverless refuses any value of it"),
        ):
            with self.subTest(warned):
                self.play("cluster", cluster)
                said = self.looked_at(**settings).stdout
                self.assertIn(warned or "none is not there", said)
                # Two lines are of every such run.
                self.assertEqual(said.count("infra/deploy: "), 3 if warned else 2, said)

    def test_what_a_clusters_network_lacks_for_the_pollers_is_warned_of(self):
        group = "security group sg-1 does not let itself in on port 9098"
        for name, text, warned in (
            ("endpoints", "0\n", "the VPC of the cluster, vpc-1, has no endpoint of S3"),
            ("admitted", "known\n", group),
            ("admitted", "known\tsg-9\n", group),
            ("admitted", "known\t10.0.0.0/8\n", None),
            ("forbidden", "ec2 describe-security-groups\n", "lets itself in is not checked"),
        ):
            with self.subTest(name=name, text=text):
                for whole in WHOLE.items():
                    self.play(*whole)
                self.play(name, text)
                said = self.looked_at().stdout
                self.assertIn(warned or "none is not there", said)
                self.assertEqual("let itself in" in said, warned == group, said)

    def test_an_account_without_the_concurrency_is_refused(self):
        self.play("free", "147\n")
        ran = self.looked_at()
        self.assertEqual(ran.returncode, 2, ran.stdout)
        self.assertIn("reserves a concurrency of 48, and Lambda leaves 100 of 147", ran.stdout)
        self.play("free", "148\n")
        self.assertIn("none is not there", self.looked_at().stdout)

    def test_a_given_bucket_that_keeps_no_versions_is_refused(self):
        self.is_deployed()
        self.play("names", "")
        given = {"Assets": "given", "AssetsBucketName": "ours"}
        stack = json.loads((self.root / "play/stack.json").read_text())
        for key, value in given.items():
            deployed = {"ParameterKey": key, "ParameterValue": value}
            stack["Stacks"][0]["Parameters"].append(deployed)
        self.play("stack.json", json.dumps(stack, indent=4))
        self.play("versioning", "Suspended\n")
        ran = self.looked_at(**given)
        self.assertEqual(ran.returncode, 2, ran.stdout)
        self.assertIn("AssetsBucketName: ours keeps no versions", ran.stdout)
        self.play("versioning", "Enabled\n")
        self.assertIn("none is not there", self.looked_at(**given).stdout)

    def test_a_bucket_that_may_be_anothers_only_warns(self):
        self.play("names", FREE.replace("NoSuchBucket", "AccessDenied"))
        said = self.ended(0, "an event came through it")
        self.assertIn("another account may have the bucket eventzr-studio-assets-staging", said)


if __name__ == "__main__":
    unittest.main()
