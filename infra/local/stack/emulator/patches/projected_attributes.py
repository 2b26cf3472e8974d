"""The condition keys `dynamodb:Attributes` and `dynamodb:Select` of a BatchGetItem.

ministack reads the attributes that a request names at its top level only. A BatchGetItem names them
for each table, so it would count as one that asks for all of them.

Leaves when ministack reads them there, too.
"""

import json


def apply():
    from ministack.core import iam_actions

    of_request = iam_actions.dynamodb_service_context

    def of_batches_too(body):
        try:
            tables = json.loads(body or b"{}")["RequestItems"].values()
        except (ValueError, KeyError, TypeError, AttributeError):
            return of_request(body)
        asked = [table for table in tables if isinstance(table, dict)]
        if len(asked) != 1:
            return of_request(body)
        return of_request(json.dumps(asked[0]).encode())

    iam_actions.dynamodb_service_context = of_batches_too
