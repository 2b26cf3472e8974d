"""The error of a task whose function has no concurrency left, as Lambda names it:
docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html

ministack calls it `Lambda.Unknown`, which a state machine that waits for concurrency does not wait
for.

Leaves when ministack's Step Functions name a throttled invocation.
"""

import json

THROTTLED = "TooManyRequestsException"


def apply():
    from ministack.services import stepfunctions

    call = stepfunctions._call_lambda

    def call_and_name(reference, event):
        try:
            return call(reference, event)
        except stepfunctions._ExecutionError as error:
            if not is_throttled(error):
                raise
            raise stepfunctions._ExecutionError(f"Lambda.{THROTTLED}", error.cause) from error

    stepfunctions._call_lambda = call_and_name


def is_throttled(error):
    """Whether the invocation was turned away, and not one that failed for an unknown reason."""
    if error.error != "Lambda.Unknown":
        return False
    try:
        said = json.loads(error.cause)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("__type") == THROTTLED
