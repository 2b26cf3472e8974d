"""The metrics that AWS's own services emit and that our alarms use: of queues, and of executions.
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html

ministack emits those of functions alone. Those of mappings come from the pollers, which are ours
(the crate's `mapping_metrics.rs`). Three services emit nothing here, because nothing here can
cause it: DynamoDB throttles no request, Step Functions no execution, and there is no MSK.

Leaves when ministack emits them.
"""

import time

EXECUTIONS = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


# The ids of the messages whose sending is counted.
COUNTED = set()


def apply():
    from ministack.services import cloudwatch, sqs, stepfunctions

    send, tell = sqs._act_send_message, stepfunctions._emit_execution_status_event

    def send_and_count(data, url):
        sent = send(data, url)
        queue = data.get("QueueUrl", url).rsplit("/", 1)[-1]
        count_sent(queue, [sent["MessageId"]])
        return sent

    def tell_and_count(execution):
        # ministack ends no execution as timed out: it fails, with this error.
        status = "TIMED_OUT" if execution.get("error") == "States.Timeout" else execution["status"]
        machine = {"StateMachineArn": execution["stateMachineArn"]}
        cloudwatch.record_metric("AWS/States", EXECUTIONS[status], 1, "Count", machine)
        return tell(execution)

    sqs._act_send_message = send_and_count
    sqs._HANDLERS["SendMessage"] = send_and_count
    stepfunctions._emit_execution_status_event = tell_and_count


def count_sent(queue, ids):
    """Counts the messages that are not counted yet. A message that SQS itself moves to a
    dead-letter queue keeps its id, and counts no second time, as on AWS."""
    from ministack.services import cloudwatch

    new = [id for id in ids if id not in COUNTED]
    COUNTED.update(new)
    if new:
        dimensions = {"QueueName": queue}
        cloudwatch.record_metric("AWS/SQS", "NumberOfMessagesSent", len(new), "Count", dimensions)


def sample():
    """Emits what a queue's metrics say of this moment. SQS does it every minute."""
    from ministack.services import cloudwatch, sqs

    for queue in list(sqs._queues.values()):
        messages, name = list(queue["messages"]), queue["name"]
        # Lambda and EventBridge put a message into a queue without SendMessage.
        count_sent(name, [message["id"] for message in messages])
        for metric, value in of_queue(messages, time.time()).items():
            unit = "Seconds" if metric.startswith("ApproximateAge") else "Count"
            cloudwatch.record_metric("AWS/SQS", metric, value, unit, {"QueueName": name})


def of_queue(messages, now):
    visible = [message for message in messages if message.get("visible_at", 0) <= now]
    hidden = [message for message in messages if message.get("visible_at", 0) > now]
    # "After a message is received three times (or more) and not processed, the message is moved to
    # the back of the queue", where this metric does not see it.
    fresh = [m.get("sent_at", now) for m in messages if m.get("receive_count", 0) < 3]
    return {
        "ApproximateNumberOfMessagesVisible": len(visible),
        "ApproximateNumberOfMessagesNotVisible": sum(m.get("receive_count", 0) > 0 for m in hidden),
        "ApproximateNumberOfMessagesDelayed": sum(m.get("receive_count", 0) == 0 for m in hidden),
        "ApproximateAgeOfOldestMessage": int(now - min(fresh, default=now)),
    }
