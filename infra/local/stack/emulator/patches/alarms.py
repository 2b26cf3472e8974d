"""The states of alarms, evaluated as CloudWatch documents it:
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html

ministack evaluates an alarm only when a metric is put, takes all of its periods for one, leaves out
its dimensions, the number of its data points and how it treats missing data, and knows no metric
math. Here a clock evaluates every alarm: every minute, as CloudWatch does, or more often
where a test cannot wait.

- The last period ends now, so a period of five minutes is looked at every minute.
- More periods than the alarm asks for are looked at, and data from further back is taken before
  what is missing is filled in. AWS does not say how many more; its examples have two.

It differs from CloudWatch in one thing: nothing is missing from before the alarm was made. There an
alarm that takes missing data for breaching rings as soon as it is made.

Leaves when ministack evaluates alarms like this.
"""

import operator
import threading
import time

from patches import metric_math

# How many periods are looked at beyond those that the alarm asks for.
FURTHER = 2
# How late a value may come into the list of its metric, in seconds. The list is read from its end.
LATE = 600

BREACHES = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def apply(every, sample):
    """Evaluates the alarms every so many seconds, after calling `sample`."""
    from ministack.services import cloudwatch

    # At their own times they are not evaluated, as on AWS.
    cloudwatch._evaluate_alarm = lambda _alarm: None
    threading.Thread(target=run, args=(every, sample), daemon=True, name="alarms").start()


def run(every, sample):
    from ministack.services import cloudwatch

    made = {}
    while True:
        time.sleep(every)
        try:
            sample()
        except Exception:
            cloudwatch.logger.exception("the queues' metrics could not be sampled")
        for alarm in list(cloudwatch._alarms.values()):
            try:
                name, now = alarm["AlarmName"], time.time()
                evaluate(alarm, now, since=made.setdefault(name, now - every))
            except Exception:
                cloudwatch.logger.exception("the alarm %s could not be evaluated", name)


def evaluate(alarm, now, since):
    """Sets the alarm's state. It was made at `since`."""
    from ministack.services import cloudwatch

    if alarm["ComparisonOperator"] not in BREACHES:
        return
    wanted, needed = alarm["EvaluationPeriods"], alarm.get("DatapointsToAlarm")
    values, period = values_of(alarm, now)
    breaches = BREACHES[alarm["ComparisonOperator"]]
    points = [None if v is None else breaches(v, alarm["Threshold"]) for v in values]
    missing = alarm["TreatMissingData"]
    if missing == "breaching" and now - period * wanted < since:
        missing = "notBreaching"
    state = state_of(points, wanted, needed or wanted, missing, alarm["StateValue"])
    if state != alarm["StateValue"]:
        change(cloudwatch, alarm, state, reason(alarm, values, points))


def values_of(alarm, now):
    """The alarm's value in each of its periods, the newest first, or None where it has no data; and
    the length of a period."""
    if alarm.get("Metrics"):
        math = metric_math.Alarm(alarm["Metrics"])

        def value(end):
            return math.value(lambda stat: statistic(stat, end))

        period = math.period
    else:
        names = ("Namespace", "MetricName", "Dimensions")
        stat = {
            "Metric": {name: alarm[name] for name in names},
            "Period": alarm["Period"],
            "Stat": alarm.get("ExtendedStatistic") or alarm["Statistic"],
        }

        def value(end):
            return statistic(stat, end)

        period = alarm["Period"]
    count = alarm["EvaluationPeriods"] + FURTHER
    return [value(now - period * index) for index in range(count)], period


def statistic(stat, end):
    """A statistic of the period that ends at `end`, or None if nothing was measured in it."""
    from ministack.services import cloudwatch

    metric = stat["Metric"]
    dimensions = {one["Name"]: str(one["Value"]) for one in metric.get("Dimensions") or []}
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    begin, points = end - stat["Period"], []
    for point in reversed(cloudwatch._metrics.get(key) or []):
        at = point["Timestamp"]
        if at < begin - LATE:
            break
        if begin < at <= end:
            points.append(point)
    stats = cloudwatch._calc_stats(points)
    return cloudwatch._stat_value(stats, stat["Stat"], points) if stats else None


def state_of(points, wanted, needed, missing, state):
    """The next state of an alarm that needs `needed` breaching data points of `wanted`.

    `points` says of each period, the newest first, whether it breaches, or None if it has no data.
    `missing` is how the alarm treats missing data, and `state` is its state until now.
    """
    there = [point for point in points if point is not None]
    if len(there) >= wanted:
        return "ALARM" if sum(there[:wanted]) >= needed else "OK"
    bad, filled = sum(there), wanted - len(there)
    if bad >= needed:
        return "ALARM"
    match missing:
        case "breaching":
            return "ALARM" if bad + filled >= needed else "OK"
        case "notBreaching":
            return "OK"
        case "ignore":
            return state if all(there) else "OK"
        case _:
            if not there:
                return "INSUFFICIENT_DATA"
            return "ALARM" if all(there) else "OK"


def change(cloudwatch, alarm, state, why):
    before = alarm["StateValue"]
    alarm["StateValue"], alarm["StateReason"] = state, why
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], before, state, why)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, why)
    cloudwatch._evaluate_parent_alarms(alarm)


def reason(alarm, values, points):
    """Why the alarm has its state, on one line."""
    there = [f"{value:g}" for value in values if value is not None]
    wanted, name = alarm["EvaluationPeriods"], alarm["ComparisonOperator"]
    bad = sum(point is True for point in points[:wanted])
    said = f"[{', '.join(there)}] (newest first)" if there else "no data"
    threshold = f"{name} {alarm['Threshold']:g}"
    return f"{bad} of the last {wanted} data points breach {threshold}: {said}"
