"""What each task is given, in the history of an execution:
docs.aws.amazon.com/step-functions/latest/apireference/API_TaskScheduledEventDetails.html

ministack leaves the parameters out, and an audit of what Step Functions keeps would miss them.

Leaves when ministack's `TaskScheduled` events have `parameters`.
"""

import json
import threading


def apply():
    from ministack.services import stepfunctions

    evaluate, add = stepfunctions._apply_jsonata_arguments, stepfunctions._add_event
    # A task is scheduled by the thread that has evaluated what it is given.
    of_thread = threading.local()

    def evaluate_and_keep(*arguments):
        of_thread.given = evaluate(*arguments)
        return of_thread.given

    def add_with_parameters(execution, kind, details=None):
        if kind == "TaskScheduled":
            details["taskScheduledEventDetails"]["parameters"] = json.dumps(of_thread.given)
        return add(execution, kind, details)

    stepfunctions._apply_jsonata_arguments = evaluate_and_keep
    stepfunctions._add_event = add_with_parameters
