"""The rights to SQS's batch operations, which are those to the single ones, as on AWS:
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html

ministack asks for actions that AWS does not have, such as `sqs:SendMessageBatch`.

Leaves when ministack authorizes a batch by `sqs:SendMessage` and its like.
"""

BATCHES = (
    "sqs:SendMessageBatch",
    "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibilityBatch",
)


def apply():
    from ministack.core import iam_actions

    of_request = iam_actions.extract_iam_action

    def of_single(*arguments):
        action = of_request(*arguments)
        return action.removesuffix("Batch") if action in BATCHES else action

    iam_actions.extract_iam_action = of_single
