"""The metrics in the lines of a log, in the Embedded Metric Format:
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html

CloudWatch extracts them from every log group. ministack keeps the lines and extracts nothing.

Leaves when ministack extracts them.
"""

import json


def apply():
    from ministack.services import cloudwatch, cloudwatch_logs

    append = cloudwatch_logs._append_log_events

    def append_and_extract(stream, events):
        append(stream, events)
        for event in events:
            for metric in metrics_of(event["message"], event["timestamp"]):
                cloudwatch._store_datum(*metric, None, None)

    cloudwatch_logs._append_log_events = append_and_extract
    # It goes through every value at every request, for those of two weeks ago. No stack lives as
    # long as that.
    cloudwatch._evict_old_metrics = lambda: None


def metrics_of(message, received):
    """The metrics of a line: for each its namespace, name, dimensions, time in seconds, unit, one
    value, and a list of values instead. `received` is the line's own time in milliseconds."""
    if '"_aws"' not in message:
        return
    try:
        line = json.loads(message)
        metadata = line["_aws"]
        directives = metadata["CloudWatchMetrics"]
        at = metadata.get("Timestamp", received) / 1000
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for directive in directives:
        for names in directive["Dimensions"] or [[]]:
            dimensions = {name: str(line[name]) for name in names if name in line}
            for metric in directive["Metrics"]:
                value = line.get(metric["Name"])
                if value is None:
                    continue
                one, several = (None, value) if isinstance(value, list) else (value, None)
                unit = metric.get("Unit", "None")
                yield directive["Namespace"], metric["Name"], dimensions, at, unit, one, several
