"""Alarms on metric math, which are kept and never evaluated.

ministack refuses an alarm without a metric of its own, and the stack with it. Such an alarm has no
namespace and no metric here, so its state does not change.

Leaves when ministack's CloudFormation takes `Metrics` of an alarm.
"""


def apply():
    from ministack.services.cloudformation import provisioners

    of_metric = provisioners._cw_metric_alarm_record

    def of_either(name, properties):
        expressions = properties.get("Metrics")
        if not expressions:
            return of_metric(name, properties)
        properties = {**properties, "Metrics": None, "MetricName": "none", "Namespace": "none"}
        record = of_metric(name, properties)
        return {**record, "MetricName": "", "Namespace": "", "Metrics": expressions}

    provisioners._cw_metric_alarm_record = of_either
