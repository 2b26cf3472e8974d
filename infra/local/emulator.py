"""Starts ministack for one local stack: on a Unix socket, with credentials of this stack alone.

By itself ministack listens on TCP. It takes a request with no signature, or with a key that
everybody knows, for one of the account's root, and it derives the credentials of a role from the
ARN of its function. So every user of the machine, and every page that is open in a browser on it,
could act as the developer. The stack's emulator.rs runs this file; the fault proxy is the only way
to the socket.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… python -P emulator.py SOCKET

The two variables are the root's credentials. Every access key that the emulator makes ends as the
root's does, because the proxy forwards nothing else.
"""

import asyncio
import hashlib
import hmac
import http.server
import json
import os
import resource
import secrets
import socket
import socketserver
import sys
import time

# Taken out of the environment, which the functions inherit. ministack also does not check the
# signatures of a key that it finds there.
ROOT = os.environ.pop("AWS_ACCESS_KEY_ID")
ROOT_SECRET = os.environ.pop("AWS_SECRET_ACCESS_KEY")
ENDING = ROOT[-32:]
SEED = secrets.token_bytes(32)


def main(path):
    keep_credentials_apart()
    tell_leading_keys()
    guard_runtime_apis()
    # A burst of connections needs more than the usual 1,024 files.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack import app

    config = Config()
    config.bind = [f"unix:{path}"]
    config.keep_alive_timeout = 75
    config.backlog = 4096
    config.loglevel = app.LOG_LEVEL
    asyncio.run(serve(app.app, config))


def keep_credentials_apart():
    """Makes credentials that cannot be computed, and has the root's signatures checked as any."""
    from ministack.core import lambda_runtime
    from ministack.services import iam

    made, made_for_session = iam._gen_access_key_id, iam._gen_session_access_key
    iam._gen_access_key_id = lambda: made() + ENDING
    iam._gen_session_access_key = lambda: made_for_session() + ENDING
    # Before any other module takes the names above and this one over.
    lambda_runtime.execution_credentials = execution_credentials

    from ministack.services import sts

    account = "000000000000"
    root = {"Arn": f"arn:aws:iam::{account}:root", "UserId": account, "PrincipalType": "Root"}
    sts.register_session(ROOT, {**root, "SecretAccessKey": ROOT_SECRET})


def execution_credentials(config):
    """The credentials of a function's role: those that ministack makes, but of a secret seed."""
    from ministack.core.lambda_runtime import _account_region_from_function_config
    from ministack.services import sts

    account, _ = _account_region_from_function_config(config)
    role = config.get("Role", "")
    name, role_name = config.get("FunctionName", "function")[:64], role.rsplit("/", 1)[-1]

    def derived(what):
        of = f"{what}:{config.get('FunctionArn', '')}:{role}"
        return hmac.new(SEED, of.encode(), hashlib.sha256).hexdigest()

    key = "ASIA" + derived("key")[:16].upper() + ENDING
    secret, token = derived("secret"), derived("token")
    sts.register_session(key, {
        "Arn": f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
        "UserId": f"{role_name}:{name}",
        "SecretAccessKey": secret,
        "SessionToken": token,
    })
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}


def tell_leading_keys():
    """Gives policies the condition key `dynamodb:LeadingKeys`, which ministack leaves out: the
    partition keys of the items that a request names. Each item of a transaction is authorised alone.
    A query of an index has none here; a policy of ours names indexes only without conditions.
    """
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


LEADING_KEYS = "dynamodb:LeadingKeys"


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
    return sorted({item["pk"]["S"] for item in named if item and "pk" in item})


def guard_runtime_apis():
    """Admits only the function itself to the server from which it takes its invocations.

    Each execution environment has one, on a port of loopback, without any credentials: a
    program that asked it first got the next event, and could answer it. The rules are those of the crate
    `local-gate`.
    """
    socketserver.BaseServer.verify_request = is_of_this_user
    parse = http.server.BaseHTTPRequestHandler.parse_request

    def parse_request(handler):
        if not parse(handler):
            return False
        host = handler.headers.get("Host", "").rsplit(":", 1)[0]
        site = handler.headers.get("Sec-Fetch-Site", "none")
        is_here = host in ("127.0.0.1", "localhost")
        if is_here and "Origin" not in handler.headers and site == "none":
            return True
        handler.send_error(403, "This server is for a function alone")
        return False

    http.server.BaseHTTPRequestHandler.parse_request = parse_request


def is_of_this_user(_server, connection, peer):
    """Whether the other end of a TCP connection is a socket of a process of this user."""

    def written(address):
        host, port = address
        return f"{socket.inet_aton(host)[::-1].hex().upper()}:{port:04X}"

    ends = [written(peer), written(connection.getsockname())]
    # A table that changes while it is read can lack a row.
    for _ in range(5):
        with open("/proc/net/tcp") as table:
            for row in table:
                columns = row.split()
                if columns[1:3] == ends:
                    # The user, and the inode that a socket without a process does not have.
                    return columns[7] == str(os.geteuid()) and columns[9] != "0"
        time.sleep(0.01)
    return False


if __name__ == "__main__":
    main(sys.argv[1])
