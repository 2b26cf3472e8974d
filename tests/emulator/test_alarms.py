"""How infra/local/stack/emulator evaluates alarms: `make emulated`."""

import unittest
from unittest import mock

import launcher  # noqa: F401
from patches import alarms, metric_math

MINUTE = 60


class States(unittest.TestCase):
    """The examples of
    docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: of each
    period, the oldest first, whether it breaches (X), does not (0), or has no data (-); and the
    state with each treatment of missing data. `same` is the state until then."""

    TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")

    def check(self, needed, examples):
        for periods, states in examples.items():
            marks = {"X": True, "0": False, "-": None}
            points = [marks[mark] for mark in reversed(periods.split())]
            for treatment, expected in zip(self.TREATMENTS, states.split(), strict=True):
                with self.subTest(periods, missing=treatment):
                    state = alarms.state_of(points, 3, needed, treatment, "same")
                    self.assertEqual(state, expected)

    def test_three_of_three_periods(self):
        self.check(3, {
            "0 - X - X": "OK OK OK OK",
            "- - - - 0": "OK OK OK OK",
            "- - - - -": "INSUFFICIENT_DATA same ALARM OK",
            "0 X X - X": "ALARM ALARM ALARM ALARM",
            "- - X - -": "ALARM same ALARM OK",
        })

    def test_two_of_three_periods(self):
        self.check(2, {
            "0 - X - X": "ALARM ALARM ALARM ALARM",
            "0 0 X 0 X": "ALARM ALARM ALARM ALARM",
            "0 - X - -": "OK OK ALARM OK",
            "- - - - 0": "OK OK ALARM OK",
            "- - - - X": "ALARM same ALARM OK",
        })


    def test_periods_from_further_back_count_only_for_what_is_missing(self):
        self.check(2, {
            "X X 0 0 0": "OK OK OK OK",
            "X X 0 0 -": "OK OK OK OK",
            "0 X X 0 -": "ALARM ALARM ALARM ALARM",
        })


class Expressions(unittest.TestCase):
    def value(self, expression, **values):
        queries = [{"Id": "all", "Expression": expression}]
        queries += [
            {"Id": id, "ReturnData": False, "MetricStat": {"Metric": id, "Period": MINUTE}}
            for id in values
        ]
        alarm = metric_math.Alarm(list(map(metric_math.plain, queries)))
        return alarm.value(lambda stat: values[stat["Metric"]])

    def test_operators_bind_as_in_arithmetic(self):
        for expression, expected in {
            "1 + a * 2 ^ 3": 25,
            "-a + 4": 1,
            "(1 + a) * 2 - 1": 7,
            "a / 2": 1.5,
            "a >= 3 AND a < 4 OR a == 9": 1,
            "a > 3 || a != 3 && 1": 0,
            "IF(a > 2, 7, 8)": 7,
            "100 * MAX([a/2, a, 1.5])": 300,
            "CEIL(a / 2) + FLOOR(a / 2) + ABS(-a)": 6,
        }.items():
            self.assertEqual(self.value(expression, a=3.0), expected, expression)

    def test_an_operator_on_no_data_has_none_and_a_function_of_an_array_leaves_it_out(self):
        for expression, expected in {
            "a + b": None,
            "SUM(METRICS())": 3,
            "AVG(METRICS())": 3,
            "SUM([b])": None,
            "a + FILL(b, 4)": 7,
            "SUM(FILL(METRICS(), 4))": 7,
            "IF(b > 1, 1, 0)": None,
            "IF(a > 9, 1)": None,
            "a / 0": None,
        }.items():
            self.assertEqual(self.value(expression, a=3.0, b=None), expected, expression)

    def test_expressions_use_each_other_in_any_order(self):
        queries = [
            {"Id": "both", "Expression": "short AND long"},
            {"Id": "short", "Expression": "a > 1", "ReturnData": "false"},
            {"Id": "long", "Expression": "a > 2", "ReturnData": False},
            {"Id": "a", "ReturnData": False, "MetricStat": {"Period": "300"}},
        ]
        alarm = metric_math.Alarm(list(map(metric_math.plain, queries)))
        self.assertEqual((alarm.period, alarm.value(lambda _: 3.0)), (300, 1))
        queries[0]["Period"] = "60"
        self.assertEqual(metric_math.Alarm(list(map(metric_math.plain, queries))).period, 60)

    def test_what_is_not_supported_is_refused_by_name(self):
        for expression, named in {
            "RATE(a)": "RATE",
            "MAX(a)": "over time",
            "FILL(a, REPEAT)": "REPEAT",
            "SEARCH('x')": "'",
            "a +": "the end",
            "a b": "b",
            "c > 1": "c",
            "METRICS()": "array",
        }.items():
            with self.assertRaisesRegex(ValueError, named, msg=expression):
                properties = {
                    "ComparisonOperator": "GreaterThanThreshold",
                    "Threshold": "1",
                    "Metrics": [
                        {"Id": "all", "Expression": expression},
                        {"Id": "a", "ReturnData": False, "MetricStat": {"Period": MINUTE}},
                    ],
                }
                Alarms.made(properties)


class Alarms(unittest.TestCase):
    """Alarms as a stack makes them, and the values of metrics."""

    NOW = 100_000.0

    @staticmethod
    def made(properties):
        from ministack.services.cloudformation import provisioners

        with mock.patch.object(
            provisioners, "_cw_metric_alarm_record", provisioners._cw_metric_alarm_record
        ):
            metric_math.apply()
            return provisioners._cw_metric_alarm_record("alarm", properties)

    def setUp(self):
        from ministack.services import cloudwatch

        self.cloudwatch = cloudwatch
        self.addCleanup(cloudwatch.reset)

    def put(self, value, ago, name="Errors", **dimensions):
        at = self.NOW - ago
        self.cloudwatch._store_datum("N", name, dimensions, at, "None", value, None, None, None)

    def evaluated(self, properties, since=0.0):
        alarm = self.made({
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": "1",
            "TreatMissingData": "notBreaching",
            **properties,
        })
        alarms.evaluate(alarm, self.NOW, since)
        return alarm

    OF_ONE = {
        "Namespace": "N",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "Stage", "Value": "local"}],
        "Statistic": "Sum",
        "Period": MINUTE,
        "EvaluationPeriods": 2,
    }

    def test_a_value_of_other_dimensions_or_of_a_period_that_is_over_does_not_count(self):
        self.put(9, 10, Stage="other")
        self.put(9, 10, Stage="local", Provider="openai")
        self.put(9, 3 * MINUTE + 1, Stage="local")
        alarm = self.evaluated({**self.OF_ONE, "EvaluationPeriods": 1})
        self.assertEqual(alarm["StateValue"], "OK")

    def test_each_period_counts_by_itself(self):
        self.put(1, 10, Stage="local")
        self.put(1, MINUTE + 10, Stage="local")
        self.assertEqual(self.evaluated(self.OF_ONE)["StateValue"], "OK", "1 and 1, not 2")
        self.put(1, 20, Stage="local")
        self.assertEqual(self.evaluated(self.OF_ONE)["StateValue"], "OK", "one of two")
        one_of_two = {**self.OF_ONE, "DatapointsToAlarm": 1}
        self.assertEqual(self.evaluated(one_of_two)["StateValue"], "ALARM")

    def test_a_change_of_state_is_in_the_history_with_its_reason(self):
        self.put(2.5, 10, Stage="local")
        alarm = self.evaluated({**self.OF_ONE, "EvaluationPeriods": 1})
        why = "1 of the last 1 data points breach GreaterThanThreshold 1: [2.5] (newest first)"
        self.assertEqual((alarm["StateValue"], alarm["StateReason"]), ("ALARM", why))
        (entry,) = self.cloudwatch._history_entries()
        self.assertIn("from INSUFFICIENT_DATA to ALARM", entry["HistorySummary"])

    def test_a_percentile_is_of_the_values_of_one_period(self):
        for value in range(1, 101):
            self.put(value, 10, Stage="local")
        of_p95 = {**self.OF_ONE, "Statistic": None, "ExtendedStatistic": "p95"}
        of_p95["EvaluationPeriods"] = 1
        self.assertEqual(self.evaluated({**of_p95, "Threshold": 95})["StateValue"], "ALARM")
        self.assertEqual(self.evaluated({**of_p95, "Threshold": 96})["StateValue"], "OK")

    def test_silence_rings_where_it_breaches_and_not_before_the_alarm_was_there(self):
        silent = {**self.OF_ONE, "TreatMissingData": "breaching"}
        alarm = self.evaluated(silent, since=self.NOW - 2 * MINUTE)
        self.assertEqual(alarm["StateValue"], "ALARM")
        alarm = self.evaluated(silent, since=self.NOW - 2 * MINUTE + 1)
        self.assertEqual(alarm["StateValue"], "OK")

    def test_an_alarm_on_several_metrics_is_evaluated(self):
        def metric(id):
            dimensions = [{"Name": "Stage", "Value": "local"}]
            named = {"Namespace": "N", "MetricName": id, "Dimensions": dimensions}
            stat = {"Stat": "Sum", "Period": "60", "Metric": named}
            return {"Id": id, "ReturnData": "false", "MetricStat": stat}

        properties = {
            "EvaluationPeriods": 1,
            "Threshold": "10",
            "Metrics": [
                {
                    "Id": "all",
                    "Expression": "IF(failed >= 1, 100 * failed / (failed + FILL(done, 0)))",
                },
                metric("failed"),
                metric("done"),
            ],
        }
        self.put(1, 10, name="failed", Stage="local")
        self.put(9, 10, name="done", Stage="local")
        self.assertEqual(self.evaluated(properties)["StateValue"], "OK", "10 is not above 10")
        self.put(1, 20, name="failed", Stage="local")
        alarm = self.evaluated(properties)
        self.assertEqual((alarm["StateValue"], alarm["MetricName"]), ("ALARM", ""))

    def test_an_alarm_on_nothing_is_still_refused(self):
        with self.assertRaisesRegex(ValueError, "MetricName and Namespace are required"):
            self.evaluated({})


if __name__ == "__main__":
    unittest.main()
