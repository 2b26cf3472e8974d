"""Stacks whose creation was rolled back, which take no change set.

On AWS "the only operation to perform is to delete it"; ministack creates or updates such a stack.
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html

Leaves when ministack refuses a change set of a stack in ROLLBACK_COMPLETE.
"""


def apply():
    from ministack.services.cloudformation import handlers

    create = handlers._ACTION_HANDLERS["CreateChangeSet"]

    def create_unless_rolled_back(parameters):
        stack = handlers._resolve_stack(handlers._p(parameters, "StackName")) or {}
        if stack.get("StackStatus") != "ROLLBACK_COMPLETE":
            return create(parameters)
        state = "is in ROLLBACK_COMPLETE state and can not be updated."
        return handlers._error("ValidationError", f"Stack:{stack['StackId']} {state}")

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_unless_rolled_back
