"""Mappings of queues that ministack keeps and does not poll.

The crate `queue-poller` invokes the functions, as AWS documents it: ministack's own poller neither
scales, nor stops for a test, nor reports what it did. ministack also tells a maximum concurrency as
text if it comes from a parameter of the template, where AWS's API has a number.

Leaves, as for the number, when ministack tells one; the rest stays as long as `queue-poller` does.
"""


def apply():
    from ministack.services import lambda_svc

    lambda_svc._poll_sqs = lambda: False
    told = lambda_svc._esm_response

    def with_numbers(mapping):
        answer = told(mapping)
        scaling = answer.get("ScalingConfig")
        if scaling:
            answer["ScalingConfig"] = {name: int(value) for name, value in scaling.items()}
        return answer

    lambda_svc._esm_response = with_numbers
