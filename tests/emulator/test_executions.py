"""What infra/local/stack/emulator makes of ministack's Step Functions: `make emulated`."""

import json
import unittest
from unittest import mock

import launcher  # noqa: F401
from patches import task_parameters, throttled_tasks


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

    def test_a_task_whose_function_has_no_concurrency_says_so(self):
        from ministack.services import lambda_svc, stepfunctions

        turned_away = lambda_svc._throttle_response("ReservedFunctionConcurrency", "Rate Exceeded.")
        crashed = {"error": True, "body": {"errorMessage": "it ended"}}
        for result, error in (
            (turned_away, "Lambda.TooManyRequestsException"),
            (crashed, "Lambda.Unknown"),
            ({"error": True, "body": "it ended"}, "Lambda.Unknown"),
        ):
            with (
                mock.patch.object(stepfunctions, "_call_lambda", stepfunctions._call_lambda),
                mock.patch.multiple(
                    lambda_svc,
                    _get_func_record_for_ref=lambda _reference: ({"any": 1}, {"any": 1}, "any"),
                    _execution_record_for_config=lambda _function, _config: {},
                    _execute_function_with_config_scope=lambda _record, _event: result,
                ),
            ):
                throttled_tasks.apply()
                with self.assertRaises(stepfunctions._ExecutionError) as raised:
                    stepfunctions._call_lambda("any", {})
            self.assertEqual(raised.exception.error, error)


if __name__ == "__main__":
    unittest.main()
