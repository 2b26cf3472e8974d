"""What infra/local/stack/emulator makes of ministack's CloudFormation and mappings:
`make emulated`.
"""

import json
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import launcher  # noqa: F401
from patches import mapping_phases, mapping_results, rolled_back_stacks


class RolledBack(unittest.TestCase):
    def change_set_of(self, status):
        """The answer to a change set of a stack with this status, or `passed on` if ministack's own
        code was asked."""
        from ministack.services.cloudformation import handlers

        stack = {"StackStatus": status, "StackId": "arn:aws:cloudformation:stack"}
        actions = {"CreateChangeSet": lambda _: (200, {}, b"passed on")}
        with (
            mock.patch.object(handlers, "_ACTION_HANDLERS", actions),
            mock.patch.object(handlers, "_resolve_stack", lambda _: stack if status else None),
        ):
            rolled_back_stacks.apply()
            status, _, body = actions["CreateChangeSet"]({"StackName": ["stack"]})
        return status, body.decode()

    def test_a_stack_whose_creation_was_rolled_back_takes_no_change_set(self):
        status, body = self.change_set_of("ROLLBACK_COMPLETE")
        self.assertEqual(status, 400)
        self.assertIn("<Code>ValidationError</Code>", body)
        self.assertIn("is in ROLLBACK_COMPLETE state and can not be updated.", body)

    def test_every_other_stack_takes_one(self):
        for status in [None, "REVIEW_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]:
            self.assertEqual(self.change_set_of(status), (200, "passed on"), status)


class Mappings(unittest.TestCase):
    """A mapping as a stack makes it. Each test has the changes, and takes them back."""

    def setUp(self):
        from ministack.services import lambda_svc
        from ministack.services.cloudformation import provisioners

        self.service = lambda_svc
        self.of_stack = dict(provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"])
        handlers = {"AWS::Lambda::EventSourceMapping": self.of_stack}
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(folder.name)
        for patched in [
            mock.patch.object(provisioners, "_RESOURCE_HANDLERS", handlers),
            mock.patch.object(lambda_svc, "_esm_response", lambda_svc._esm_response),
            mock.patch.object(lambda_svc, "_update_esm", lambda_svc._update_esm),
            mock.patch.object(lambda_svc, "_ensure_poller", lambda: None),
        ]:
            patched.start()
            self.addCleanup(patched.stop)
        mapping_phases.apply()
        mapping_results.apply()

    def create(self, **more):
        cluster = "arn:aws:kafka:us-east-1:000000000000:cluster/one/1"
        properties = {"FunctionName": "consumer", "EventSourceArn": cluster, **more}
        uuid, _ = self.of_stack["create"]("Mapping", properties, "stack")
        self.addCleanup(self.service._esms.pop, uuid, None)
        return uuid

    def states(self, uuid, reads):
        """The states that so many reads tell."""
        return [json.loads(self.service._get_esm(uuid)[2])["State"] for _ in range(reads)]

    def last_result(self, uuid):
        return json.loads(self.service._get_esm(uuid)[2])["LastProcessingResult"]

    def listed(self):
        listed = json.loads(self.service._list_esms({})[2])["EventSourceMappings"]
        return [mapping["State"] for mapping in listed]

    def update(self, uuid, **data):
        return json.loads(self.service._update_esm(uuid, data)[2])["State"]

    def test_a_mapping_is_creating_for_one_read_and_then_enabled(self):
        self.assertEqual(self.states(self.create(), 3), ["Creating", "Enabled", "Enabled"])

    def test_a_list_of_mappings_is_a_read_of_each(self):
        self.create()
        self.assertEqual([self.listed(), self.listed()], [["Creating"], ["Enabled"]])

    def test_a_mapping_that_stops_or_starts_tells_it_for_one_read(self):
        uuid = self.create()
        self.states(uuid, 2)
        self.assertEqual(self.update(uuid, Enabled=False), "Disabling")
        self.assertEqual(self.states(uuid, 2), ["Disabling", "Disabled"])
        self.assertEqual(self.update(uuid, Enabled=True), "Enabling")
        self.assertEqual(self.states(uuid, 2), ["Enabling", "Enabled"])

    def test_an_update_that_neither_starts_nor_stops_a_mapping_has_no_phase(self):
        uuid = self.create()
        self.states(uuid, 2)
        self.assertEqual(self.update(uuid, Enabled=True), "Enabled")
        self.assertEqual(self.update(uuid, BatchSize=7), "Enabled")
        self.assertEqual(self.states(uuid, 1), ["Enabled"])

    def test_a_phase_takes_as_many_reads_as_the_file_says(self):
        uuid = self.create()
        self.states(uuid, 2)
        pathlib.Path("mapping-reads").write_text("3")
        self.update(uuid, Enabled=False)
        self.assertEqual(self.states(uuid, 4), ["Disabling"] * 3 + ["Disabled"])

    def test_a_mapping_that_a_template_makes_disabled_is_disabled(self):
        # A parameter of a template is text.
        for disabled in (False, "false"):
            uuid = self.create(Enabled=disabled)
            self.assertEqual(self.states(uuid, 2), ["Creating", "Disabled"])

    def test_a_mapping_tells_what_its_poller_says_of_the_last_batch(self):
        uuid = self.create()
        self.assertEqual(self.last_result(uuid), "No records processed")
        pathlib.Path(f"mapping-result-{uuid}").write_text("PROBLEM: Function call failed")
        self.assertEqual(self.last_result(uuid), "PROBLEM: Function call failed")

    def test_a_mapping_that_is_not_there_is_not_found(self):
        self.assertEqual(self.service._get_esm("none")[0], 404)
        self.assertEqual(self.service._update_esm("none", {"Enabled": False})[0], 404)


if __name__ == "__main__":
    unittest.main()
