#!/usr/bin/env python3
"""The bootstrap of every function in the tests of infra/deploy: it takes invocations as a real one
does, and does nothing. As the operator, it answers a smoke check as the file `outcome` beside it
says: through, not-taken, open, failed, or crash. As kafka-topics, it tells CloudFormation that there
are topics, unless the outcome is no-topics. So another outcome is another version of the code.
"""

import json
import os
import pathlib
import sys
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime"
OUTCOME = (pathlib.Path(__file__).resolve().parent / "outcome").read_text().strip()
EVENT = "0199a7b0-1f4e-7c30-8f5b-3d9a5f0e6c11"
JOB = "5f0e3c51-6f0b-5b0e-9c37-0a4f1d9e7b42"
SMOKED = {
    "through": {"job": JOB, "milliseconds": 1234},
    "not-taken": {"event": EVENT, "seconds": 1},
    "open": {"event": EVENT, "job": JOB, "state": "submitted", "seconds": 1},
    "failed": {"event": EVENT, "job": JOB, "detail": "the stub was told to fail"},
}


# A proxy of the environment is not for this machine's own servers.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answer(event):
    if "ResponseURL" in event:
        tell_cloudformation(event)
    if event.get("step") != "smoke":
        return {}
    if event.get("event", EVENT) != EVENT:
        raise SystemExit(f"the stub published no event {event['event']}")
    return {"outcome": OUTCOME, **SMOKED[OUTCOME]}


def tell_cloudformation(request):
    fails = OUTCOME == "no-topics" and request["RequestType"] == "Create"
    told = {name: request[name] for name in ["StackId", "RequestId", "LogicalResourceId"]}
    told |= {"Status": "FAILED" if fails else "SUCCESS", "PhysicalResourceId": "topics"}
    told |= {"Reason": "the stub was told to make no topics"}
    body = json.dumps(told).encode()
    OPENER.open(urllib.request.Request(request["ResponseURL"], body, method="PUT")).close()


def main():
    if OUTCOME == "crash":
        sys.exit("the stub was told to crash")
    while True:
        with OPENER.open(f"{API}/invocation/next") as invocation:
            request = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
            event = json.load(invocation)
        # As compact as the operator's.
        body = json.dumps(answer(event), separators=(",", ":")).encode()
        OPENER.open(f"{API}/invocation/{request}/response", body).close()


main()
