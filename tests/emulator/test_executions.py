"""What infra/local/stack/emulator makes of ministack's Step Functions: `make emulated`."""

import json
import unittest
from unittest import mock

import launcher  # noqa: F401
from patches import task_parameters


class Tasks(unittest.TestCase):
    def test_the_history_of_an_execution_tells_what_each_task_is_given(self):
        from ministack.services import stepfunctions

        names = ("_apply_jsonata_arguments", "_add_event", "_invoke_resource")
        originals = {name: getattr(stepfunctions, name) for name in names}
        with mock.patch.multiple(stepfunctions, **originals):
            task_parameters.apply()
            stepfunctions._invoke_resource = lambda _resource, given: {"Payload": given}
            given = {"FunctionName": "completion", "Payload": {"step": "submit"}}
            task = {
                "Type": "Task",
                "QueryLanguage": "JSONata",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Arguments": given,
                "End": True,
            }
            execution = {"events": []}
            context = {"State": {}, "Execution": {"Input": {}}}
            stepfunctions._execute_task(task, {}, execution, context)
        scheduled = [event for event in execution["events"] if event["type"] == "TaskScheduled"]
        self.assertEqual(
            [json.loads(event["taskScheduledEventDetails"]["parameters"]) for event in scheduled],
            [given],
        )


if __name__ == "__main__":
    unittest.main()
