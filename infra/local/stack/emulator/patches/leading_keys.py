"""The condition key `dynamodb:LeadingKeys`: the partition keys of the items that a request names.

ministack knows no such key, so a policy with it would allow nothing. Each item of a transaction is
authorised alone. A query of an index has no leading keys here; a policy of ours names indexes only
without conditions.

Leaves when ministack tells policies `dynamodb:LeadingKeys`, also for each item of a transaction.
"""

import json
import re

LEADING_KEYS = "dynamodb:LeadingKeys"


def apply():
    from ministack.core import iam_actions, iam_evaluator

    of_request = iam_actions.dynamodb_service_context
    of_transaction = iam_actions.dynamodb_transaction_checks
    enforce = iam_evaluator.enforce

    def with_leading_keys(body):
        keys = leading_keys(read(body))
        return {**of_request(body), **({LEADING_KEYS: keys} if keys else {})}

    def of_each_item(action, body, region, account):
        checks = of_transaction(action, body, region, account)
        kinds = iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS
        items = [item.get(kind) for item in read(body).get("TransactItems", []) for kind in kinds]
        items = [item for item in items if item]
        return [
            (action, OfItem(arn, leading_keys(item)))
            for (action, arn), item in zip(checks, items, strict=True)
        ]

    def enforce_on_item(*arguments, resource_arn="*", service_context=None, **others):
        if isinstance(resource_arn, OfItem):
            service_context = {**service_context, LEADING_KEYS: resource_arn.keys}
        return enforce(
            *arguments, resource_arn=resource_arn, service_context=service_context, **others
        )

    iam_actions.dynamodb_service_context = with_leading_keys
    iam_actions.dynamodb_transaction_checks = of_each_item
    iam_evaluator.enforce = enforce_on_item


class OfItem(str):
    """The ARN of a table, with the partition keys of one item of a transaction."""

    def __new__(cls, arn, keys):
        made = super().__new__(cls, arn)
        made.keys = keys
        return made


def read(body):
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return {}
    return request if isinstance(request, dict) else {}


def leading_keys(request):
    """The partition keys, each once, that a request or one item of a transaction names."""
    named = [request.get("Key"), request.get("Item")]
    for wanted in request.get("RequestItems", {}).values():
        if isinstance(wanted, dict):
            named += wanted.get("Keys", [])
            continue
        for write in wanted:
            named += [write.get("PutRequest", {}).get("Item")]
            named += [write.get("DeleteRequest", {}).get("Key")]
    keys = {item["pk"]["S"] for item in named if item and "pk" in item}
    return sorted(keys | queried(request))


def queried(request):
    """The partition key that a query of the table itself names."""
    if "IndexName" in request:
        return set()
    condition = re.match(r"pk = (:\w+)", request.get("KeyConditionExpression", ""))
    return {request["ExpressionAttributeValues"][condition[1]]["S"]} if condition else set()
