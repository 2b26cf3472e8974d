"""Which metrics and logs infra/local/stack/emulator makes: `make emulated`."""

import json
import unittest
from unittest import mock

import launcher  # noqa: F401
from patches import embedded_metrics, function_logs, service_metrics


class Logs(unittest.TestCase):
    def test_a_function_is_told_the_format_of_its_log(self):
        json_of = {"LogFormat": "JSON", "ApplicationLogLevel": "TRACE", "LogGroup": "/g"}
        expected = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "TRACE"}
        self.assertEqual(function_logs.variables(json_of), expected)
        expected["AWS_LAMBDA_LOG_LEVEL"] = "INFO"
        self.assertEqual(function_logs.variables({"LogFormat": "JSON"}), expected)
        self.assertEqual(function_logs.variables({"LogFormat": "Text"}), {})
        self.assertEqual(function_logs.variables({}), {})

    def test_every_start_of_a_function_has_the_variables(self):
        from ministack.services import lambda_svc

        with mock.patch.object(lambda_svc, "_provided_worker_env", lambda *_: {"A": "1"}):
            function_logs.apply()
            made = lambda_svc._provided_worker_env({"LoggingConfig": {"LogFormat": "JSON"}}, "/", 1)
        self.assertEqual((made["A"], made["AWS_LAMBDA_LOG_FORMAT"]), ("1", "JSON"))


class Embedded(unittest.TestCase):
    def line(self, **more):
        directive = {
            "Namespace": "Eventzr/Studio",
            "Dimensions": [["Stage", "Topic"], ["Stage"]],
            "Metrics": [{"Name": "RecordsDone", "Unit": "Count"}, {"Name": "Waits"}],
        }
        aws = {"Timestamp": 5000, "CloudWatchMetrics": [directive]}
        return json.dumps({"_aws": aws, "Stage": "local", "Topic": "t", "RecordsDone": 7, **more})

    def test_a_line_has_each_metric_once_for_each_set_of_dimensions(self):
        found = list(embedded_metrics.metrics_of(self.line(Waits=[1, 2]), 9000))
        both, stage = {"Stage": "local", "Topic": "t"}, {"Stage": "local"}
        self.assertEqual(found, [
            ("Eventzr/Studio", "RecordsDone", both, 5.0, "Count", 7, None),
            ("Eventzr/Studio", "Waits", both, 5.0, "None", None, [1, 2]),
            ("Eventzr/Studio", "RecordsDone", stage, 5.0, "Count", 7, None),
            ("Eventzr/Studio", "Waits", stage, 5.0, "None", None, [1, 2]),
        ])

    def test_every_other_line_has_none(self):
        for line in ['{"level":"INFO"}', 'said "_aws"', '{"_aws":1}', '["_aws"]', self.line()[:-1]]:
            self.assertEqual(list(embedded_metrics.metrics_of(line, 1)), [], line)

    def test_a_logged_line_is_a_metric_of_cloudwatch(self):
        from ministack.services import cloudwatch, cloudwatch_logs

        self.addCleanup(cloudwatch.reset)
        with (
            mock.patch.object(cloudwatch_logs, "_append_log_events", lambda *_: None),
            mock.patch.object(cloudwatch, "_evict_old_metrics", lambda: None),
        ):
            embedded_metrics.apply()
            event = {"timestamp": 1, "message": self.line(), "ingestionTime": 1}
            cloudwatch_logs._append_log_events({}, [event, {**event, "message": "text"}])
        key = ("Eventzr/Studio", "RecordsDone", "Stage=local|Topic=t")
        values = [(p["Value"], p["Timestamp"]) for p in cloudwatch._metrics[key]]
        self.assertEqual(values, [(7.0, 5.0)])


class OfServices(unittest.TestCase):
    def test_a_queues_metrics_say_what_waits_what_is_received_and_what_is_delayed(self):
        def message(sent, visible, received):
            return {"sent_at": sent, "visible_at": visible, "receive_count": received}

        messages = [
            message(10, 200, 3),  # received three times: no more in the age
            message(40, 99, 1),
            message(60, 60, 0),
            message(70, 200, 1),
            message(90, 110, 0),
        ]
        self.assertEqual(service_metrics.of_queue(messages, 100), {
            "ApproximateNumberOfMessagesVisible": 2,
            "ApproximateNumberOfMessagesNotVisible": 2,
            "ApproximateNumberOfMessagesDelayed": 1,
            "ApproximateAgeOfOldestMessage": 60,
        })
        self.assertEqual(service_metrics.of_queue([], 100)["ApproximateAgeOfOldestMessage"], 0)

    def test_a_message_counts_as_sent_once_wherever_it_came_from(self):
        from ministack.services import cloudwatch

        self.addCleanup(cloudwatch.reset)
        with mock.patch.object(service_metrics, "COUNTED", set()):
            service_metrics.count_sent("one", ["a"])
            service_metrics.count_sent("one", ["a", "b"])
            service_metrics.count_sent("one", ["a", "b"])
            # SQS itself moved it.
            service_metrics.count_sent("dead", ["a"])
        key = ("AWS/SQS", "NumberOfMessagesSent", "QueueName=one")
        self.assertEqual([point["Value"] for point in cloudwatch._metrics[key]], [1, 1])
        self.assertNotIn(("AWS/SQS", key[1], "QueueName=dead"), cloudwatch._metrics)

    def test_each_change_of_an_executions_status_is_a_metric(self):
        from ministack.services import cloudwatch, sqs, stepfunctions

        self.addCleanup(cloudwatch.reset)
        execution = {"stateMachineArn": "arn:m", "status": "RUNNING"}
        with (
            mock.patch.object(stepfunctions, "_emit_execution_status_event", lambda _: None),
            mock.patch.object(sqs, "_act_send_message", sqs._act_send_message),
            mock.patch.dict(sqs._HANDLERS),
        ):
            service_metrics.apply()
            changes = [{}, {"status": "FAILED"}, {"status": "FAILED", "error": "States.Timeout"}]
            for change in [*changes, {"status": "ABORTED"}, {"status": "SUCCEEDED"}]:
                stepfunctions._emit_execution_status_event({**execution, **change})
        counted = {name for _, name, _ in cloudwatch._metrics}
        self.assertEqual(counted, set(service_metrics.EXECUTIONS.values()))


if __name__ == "__main__":
    unittest.main()
