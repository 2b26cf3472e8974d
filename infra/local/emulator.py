"""Starts ministack for one local stack: on a Unix socket, with credentials of this stack alone.

By itself ministack listens on TCP. It takes a request with no signature, or with a key that
everybody knows, for one of the account's root, and it derives the credentials of a role from the
ARN of its function. So every user of the machine, and every page that is open in a browser on it,
could act as the developer. The stack's emulator.rs runs this file; the fault proxy is the only way
to the socket.

It also makes the emulator's queues those of AWS: fair, authorized by AWS's actions, and polled by
the stack. Its CloudFormation takes the stages that are deployed to AWS: it keeps alarms on metric
math, updates no stack whose creation was rolled back, and tells that a mapping starts or stops.

    AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… python -P emulator.py SOCKET

The two variables are the root's credentials. Every access key that the emulator makes ends as the
root's does, because the proxy forwards nothing else.
"""

import asyncio
import collections
import hashlib
import hmac
import http.server
import json
import os
import re
import resource
import secrets
import socket
import socketserver
import sys
import threading
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
    authorize_batches()
    leave_queues_to_their_poller()
    deliver_fairly()
    keep_metric_math()
    refuse_what_rolled_back()
    tell_phases_of_mappings()
    tell_what_tasks_are_given()
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
    keys = {item["pk"]["S"] for item in named if item and "pk" in item}
    return sorted(keys | queried(request))


def queried(request):
    """The partition key that a query of the table itself names."""
    if "IndexName" in request:
        return set()
    condition = re.match(r"pk = (:\w+)", request.get("KeyConditionExpression", ""))
    return {request["ExpressionAttributeValues"][condition[1]]["S"]} if condition else set()


def authorize_batches():
    """Authorizes the batch operations of SQS as AWS does: by the action of the single operation.
    ministack asks for actions that AWS does not have, such as `sqs:SendMessageBatch`.
    (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html)
    """
    from ministack.core import iam_actions

    of_request = iam_actions.extract_iam_action

    def of_single(*arguments):
        action = of_request(*arguments)
        return action.removesuffix("Batch") if action in BATCHES else action

    iam_actions.extract_iam_action = of_single


BATCHES = (
    "sqs:SendMessageBatch",
    "sqs:DeleteMessageBatch",
    "sqs:ChangeMessageVisibilityBatch",
)


def leave_queues_to_their_poller():
    """Lets ministack invoke no function with messages: the crate `queue-poller` does, as AWS
    documents it. A test can stop that one, and it sends reports.

    The mappings of queues are only told. Their maximum concurrency is a number even if it comes from
    a parameter of the template, whose values are text.
    """
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


def deliver_fairly():
    """Delivers the messages of a standard queue in the order of SQS's fair queues."""
    from ministack.services import sqs

    in_order = sqs._collect_msgs
    queues = collections.defaultdict(FairQueue)

    def fairly(queue, most, visibility):
        if queue["is_fifo"]:
            return in_order(queue, most, visibility)
        for message in queue["messages"]:
            sqs._ensure_msg_fields(message)
        fair, now = queues[queue["url"]], time.time()
        chosen = fair.choose(queue["messages"], most, now)
        given = in_order({**queue, "messages": chosen}, most, visibility)
        fair.gave(given, now)
        return given

    sqs._collect_msgs = fairly


class FairQueue:
    """Chooses the next messages of a queue as SQS's fair queues do. A tenant is a message group; a
    message without one is a tenant of its own.

    This is our reading of
    docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html:

    - A tenant is noisy if "the tenant accounts for more than 10% of in-flight messages in the queue
      and has at least 30 of its own messages in flight", or if "the tenant's recent share of total
      consumer processing time exceeds 10%". Recent is not explained; here it is five minutes.
    - Quiet tenants' messages are delivered first. Of several noisy tenants, the one with the fewest
      messages in flight comes first.
    - A tenant is quiet again if its backlog is consumed, or if it sent nothing for five minutes.

    AWS calls these thresholds approximate. Here they are exact, but for the end of a message's
    processing, which is noticed at the next receive.
    """

    SHARE = 0.1
    IN_FLIGHT = 30
    RECENT = 300

    def __init__(self):
        # The tenant and the time of each message that was given, by receipt handle.
        self.given = {}
        # Seconds of processing that have ended, by the second of their end and by tenant. The tenant
        # is None if it was quiet since.
        self.spent = collections.Counter()

    def choose(self, messages, most, now):
        """The messages to give next, at most `most`. `messages` has all of the queue's, oldest
        first."""
        visible = [message for message in messages if message["visible_at"] <= now]
        hidden = [m for m in messages if m["visible_at"] > now and m["receive_count"] > 0]
        self.settle({message["receipt_handle"] for message in hidden}, visible, now)
        in_flight = collections.Counter(map(tenant_of, hidden))
        noisy = self.noisy(in_flight, visible, now)
        chosen, backlogs = [], {}
        for message in visible:
            if tenant_of(message) in noisy:
                backlogs.setdefault(tenant_of(message), collections.deque()).append(message)
            elif len(chosen) < most:
                chosen.append(message)
        while backlogs and len(chosen) < most:
            tenant = min(backlogs, key=lambda tenant: in_flight[tenant])
            chosen.append(backlogs[tenant].popleft())
            in_flight[tenant] += 1
            if not backlogs[tenant]:
                del backlogs[tenant]
        return chosen

    def gave(self, messages, now):
        """Notes that messages were given."""
        for message in messages:
            self.given[message["receipt_handle"]] = (tenant_of(message), now)

    def settle(self, hidden, visible, now):
        """Notes which messages are processed no more, and forgets what is not recent."""
        for handle in self.given.keys() - hidden:
            tenant, since = self.given.pop(handle)
            self.spent[int(now), tenant] += now - since
        backlog = {tenant_of(message) for message in visible}
        spent = collections.Counter()
        for (at, tenant), seconds in self.spent.items():
            if at > now - self.RECENT:
                spent[at, tenant if tenant in backlog else None] += seconds
        self.spent = spent

    def noisy(self, in_flight, visible, now):
        """The noisy tenants among those with visible messages."""
        time_of = collections.Counter()
        for (_, tenant), seconds in self.spent.items():
            time_of[tenant] += seconds
        for tenant, since in self.given.values():
            time_of[tenant] += now - since
        most_in_flight = self.SHARE * in_flight.total()
        most_time = self.SHARE * time_of.total()
        sent = {tenant_of(message): message["sent_at"] for message in visible}
        return {
            tenant
            for tenant, at in sent.items()
            if at > now - self.RECENT
            and (
                (in_flight[tenant] > most_in_flight and in_flight[tenant] >= self.IN_FLIGHT)
                or time_of[tenant] > most_time
            )
        }


def tenant_of(message):
    return message["group_id"] or message["id"]


def keep_metric_math():
    """Keeps an alarm on metric math instead of failing its stack. Such an alarm is only told: it has
    no namespace and no metric, so ministack never evaluates it, and its state does not change.
    """
    from ministack.services.cloudformation import provisioners

    of_metric = provisioners._cw_metric_alarm_record

    def of_either(name, properties):
        expressions = properties.get("Metrics")
        if not expressions:
            return of_metric(name, properties)
        properties = {**properties, "Metrics": None, "MetricName": "none", "Namespace": "none"}
        record = of_metric(name, properties)
        return {**record, "MetricName": "", "Namespace": "", "Metrics": expressions}

    provisioners._cw_metric_alarm_record = of_either


def refuse_what_rolled_back():
    """Refuses every change set of a stack whose creation was rolled back. On AWS "the only operation
    to perform is to delete it"; ministack creates or updates such a stack.
    (docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html)
    """
    from ministack.services.cloudformation import handlers

    create = handlers._ACTION_HANDLERS["CreateChangeSet"]

    def create_unless_rolled_back(parameters):
        stack = handlers._resolve_stack(handlers._p(parameters, "StackName")) or {}
        if stack.get("StackStatus") != "ROLLBACK_COMPLETE":
            return create(parameters)
        state = "is in ROLLBACK_COMPLETE state and can not be updated."
        return handlers._error("ValidationError", f"Stack:{stack['StackId']} {state}")

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_unless_rolled_back


def tell_phases_of_mappings():
    """Tells that a mapping is being created, enabled or disabled before it tells that it is. With
    ministack it is at once. On AWS this takes minutes; here it takes as many reads of the mapping
    as the file `mapping-reads` beside the socket says, and one without that file.
    """
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    of_stack = provisioners._RESOURCE_HANDLERS["AWS::Lambda::EventSourceMapping"]
    create, update, told = of_stack["create"], lambda_svc._update_esm, lambda_svc._esm_response
    phases = {}

    def create_in_phases(*arguments):
        created = create(*arguments)
        phases[created[0]] = ("Creating", reads_of_a_phase())
        return created

    def update_in_phases(uuid, data):
        mapping = lambda_svc._esms.get(uuid, {})
        before = mapping.get("State")
        updated = update(uuid, data)
        if mapping.get("State") == before:
            return updated
        phase = "Enabling" if data["Enabled"] else "Disabling"
        phases[uuid] = (phase, reads_of_a_phase())
        return lambda_svc.json_response({**told(mapping), "State": phase})

    def told_in_phases(mapping):
        phase, reads = phases.pop(mapping["UUID"], (None, 0))
        if not reads:
            return told(mapping)
        phases[mapping["UUID"]] = (phase, reads - 1)
        return {**told(mapping), "State": phase}

    of_stack["create"] = create_in_phases
    lambda_svc._update_esm = update_in_phases
    lambda_svc._esm_response = told_in_phases


def reads_of_a_phase():
    try:
        with open("mapping-reads") as file:
            return int(file.read())
    except FileNotFoundError:
        return 1


def tell_what_tasks_are_given():
    """Has an execution's history tell what each task is given, as on AWS; ministack leaves it out.
    (docs.aws.amazon.com/step-functions/latest/apireference/API_TaskScheduledEventDetails.html)
    """
    from ministack.services import stepfunctions

    evaluate, add = stepfunctions._apply_jsonata_arguments, stepfunctions._add_event
    # A task is scheduled by the thread that has evaluated what it is given.
    of_thread = threading.local()

    def evaluate_and_keep(*arguments):
        of_thread.given = evaluate(*arguments)
        return of_thread.given

    def add_with_parameters(execution, kind, details=None):
        if kind == "TaskScheduled":
            details["taskScheduledEventDetails"]["parameters"] = json.dumps(of_thread.given)
        return add(execution, kind, details)

    stepfunctions._apply_jsonata_arguments = evaluate_and_keep
    stepfunctions._add_event = add_with_parameters


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
