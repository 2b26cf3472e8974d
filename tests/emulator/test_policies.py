"""What infra/local/stack/emulator makes of ministack's policies: `make emulated`. It needs no
network.
"""

import unittest

import launcher  # noqa: F401
from ministack.core import iam_evaluator
from patches import secure_transport

TLS_ONLY = {
    "Version": "2012-10-17",
    "Statement": [{
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }],
}


def decision():
    context = iam_evaluator.EvalContext(
        principal_arn="arn:aws:iam::000000000000:role/poller",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action="sqs:ReceiveMessage",
        resource_arn="arn:aws:sqs:us-east-1:000000000000:studio-render",
        region="us-east-1",
    )
    return iam_evaluator.evaluate_resource_policy(TLS_ONLY, context).decision


class SecureTransport(unittest.TestCase):
    def test_a_policy_that_demands_tls_denies_none_of_the_stacks_requests(self):
        resolve = iam_evaluator._resolve_condition_key
        self.addCleanup(setattr, iam_evaluator, "_resolve_condition_key", resolve)
        self.assertEqual(decision(), "Deny")
        secure_transport.apply()
        self.assertNotEqual(decision(), "Deny")


if __name__ == "__main__":
    unittest.main()
