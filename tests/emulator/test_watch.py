"""What infra/local/stack/emulator adds for the function `watch` and its alarms: `make emulated`."""

import unittest

import launcher  # noqa: F401
from patches import composite_alarms, mapping_rights


class CompositeAlarms(unittest.TestCase):
    def setUp(self):
        from ministack.services import cloudwatch
        from ministack.services.cloudformation import provisioners

        composite_alarms.apply()
        self.cloudwatch = cloudwatch
        self.handlers = provisioners._RESOURCE_HANDLERS[composite_alarms.TYPE]
        self.parts = [self.part(name) for name in ("lately", "for-a-while")]
        self.addCleanup(cloudwatch._composite_alarms.pop, "fast", None)

    def part(self, name):
        """An alarm that a composite one may name."""
        from ministack.services.cloudformation import provisioners

        provisioners._cw_metric_alarm_create(
            name,
            {
                "AlarmName": name,
                "Namespace": "any",
                "MetricName": "any",
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": "1",
            },
            "stack",
        )
        self.addCleanup(self.cloudwatch._alarms.pop, name, None)
        return self.cloudwatch._alarms[name]

    def made(self, rule='ALARM("lately") AND ALARM("for-a-while")'):
        return self.handlers["create"]("Fast", {"AlarmName": "fast", "AlarmRule": rule}, "stack")

    def test_it_is_raised_when_all_of_its_parts_are(self):
        name, _ = self.made()
        self.assertEqual(name, "fast")
        for raised, state in ((self.parts[:1], "OK"), (self.parts, "ALARM")):
            for part in raised:
                part["StateValue"] = "ALARM"
            self.handlers["update"](name, {}, self.cloudwatch._composite_alarms[name], "stack")
            self.assertEqual(self.cloudwatch._composite_alarms[name]["StateValue"], state)

    def test_it_is_refused_if_it_names_an_alarm_that_does_not_exist(self):
        with self.assertRaisesRegex(ValueError, "do not exist"):
            self.made('ALARM("none")')

    def test_it_goes_with_its_stack(self):
        name, attributes = self.made()
        self.handlers["delete"](name, attributes)
        self.assertNotIn(name, self.cloudwatch._composite_alarms)


class MappingRights(unittest.TestCase):
    def test_to_look_at_one_mapping_is_another_right_than_to_list_them(self):
        from ministack.core import iam_actions

        mapping_rights.apply()
        path = "/2015-03-31/event-source-mappings/"
        for method, of, action in (
            ("GET", path + "0f-00/", "GetEventSourceMapping"),
            ("GET", path, "ListEventSourceMappings"),
            ("POST", path, "CreateEventSourceMapping"),
            ("GET", "/2015-03-31/functions/event-source-mappings", "GetFunction"),
        ):
            self.assertEqual(iam_actions._lambda_action(method, of), action, of)


if __name__ == "__main__":
    unittest.main()
