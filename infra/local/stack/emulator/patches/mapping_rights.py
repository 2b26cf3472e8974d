"""The right to look at one event source mapping, which is `lambda:GetEventSourceMapping` on AWS:
docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html

ministack asks for the right to list all of them, which no policy can give for one.

Leaves when ministack authorizes such a request by `lambda:GetEventSourceMapping`.
"""


def apply():
    from ministack.core import iam_actions

    of_request = iam_actions._lambda_action

    def of_one_or_all(method, path):
        kind = path.rstrip("/").split("/")[-2:-1]
        if method == "GET" and kind == ["event-source-mappings"]:
            return "GetEventSourceMapping"
        return of_request(method, path)

    iam_actions._lambda_action = of_one_or_all
