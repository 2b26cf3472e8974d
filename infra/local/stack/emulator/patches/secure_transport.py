"""The condition key `aws:SecureTransport` of a request over plain HTTP.

ministack answers `false`, which is true. A stage's buckets and queues deny what comes without TLS,
so each request to them would fail, though the same client uses TLS on AWS. Where a stage is
deployed as on AWS, each request counts as one over TLS.

Leaves when the local stack's clients speak TLS to the emulator.
"""

SECURE_TRANSPORT = "aws:securetransport"


def apply():
    from ministack.core import iam_evaluator

    resolve = iam_evaluator._resolve_condition_key

    def of_tls(key, context):
        return "true" if key.lower() == SECURE_TRANSPORT else resolve(key, context)

    iam_evaluator._resolve_condition_key = of_tls
