"""The consumer of eventzr.event.created.v1 with Powertools for Python, as its guide shows it, and with
our architecture: it reads the batch's entities, commits the items of many records in a transaction,
publishes, and after a flush of the producer sends a message for each record, ten in a call. One call
after the other, because boto3 is synchronous. It does the same work with the same effects as ours."""

import hashlib
import json
import os
import sys
import time
import urllib.request
import uuid
from datetime import datetime, timezone

import boto3
from aws_lambda_powertools.utilities.kafka import SchemaConfig, kafka_consumer
from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from boto3.dynamodb.types import TypeSerializer
from cloudevents.core.v1.event import CloudEvent
from confluent_kafka import Producer

TABLE = os.environ.get("TABLE_NAME")
QUEUE = os.environ.get("RENDER_QUEUE_URL")
REGION = os.environ.get("AWS_REGION")
NAMESPACE = uuid.UUID("a1f0c5ee-8f0c-5d3b-9f0e-6c1f5a0b7c11")
KEYS_OF_A_CALL, RECORDS_OF_A_TRANSACTION, MESSAGES_OF_A_CALL = 100, 25, 10
item = lambda values: {name: TypeSerializer().serialize(value) for name, value in values.items()}


def token(_):
    value, expires = MSKAuthTokenProvider.generate_auth_token(REGION)
    return value, expires / 1000


def connect():
    settings = {"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"], "acks": "all"}
    if os.environ.get("KAFKA_AUTHENTICATION") == "iam":
        settings |= {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER", "oauth_cb": token}
        if roots := os.environ.get("KAFKA_ROOTS_PEM"):
            settings["ssl.ca.pem"] = roots
    producer = Producer(settings)
    producer.poll(0)
    producer.list_topics(timeout=10)
    return boto3.client("dynamodb", region_name=REGION), boto3.client("sqs", region_name=REGION), producer


def plan(value):
    attributes = {name: field for name, field in value.items() if name != "data"}
    attributes["time"] = datetime.fromisoformat(attributes["time"])
    event = CloudEvent(attributes, value["data"])
    data = event.get_data()
    content = hashlib.sha256(json.dumps(data).encode()).hexdigest()
    v5 = lambda *parts: str(uuid.uuid5(NAMESPACE, "\0".join(parts)))
    cause = v5(data["tenantId"], event.get_source(), event.get_id())
    now = datetime.now(timezone.utc).isoformat()

    def tell(kind, key, body):
        return kind, data["tenantId"], json.dumps(
            {"specversion": "1.0", "id": v5(cause, kind, key), "source": "studio-svc", "type": kind, "time": now,
             "datacontenttype": "application/json", "subject": data["tenantId"], "data": {"tenantId": data["tenantId"], **body}})

    jobs, events = [], []
    for kind in ("poster", "invitation"):
        template = v5(data["tenantId"], data["eventId"], kind)
        job = v5(template, cause)
        jobs.append({"kind": kind, "templateId": template, "jobId": job})
        events.append(tell("eventzr.studio.template.created.v1", template, {"templateId": template, "revision": 1, "kind": kind, "configuration": data}))
        events.append(tell("eventzr.studio.render-job.created.v1", job, {"jobId": job, "templateId": template, "kind": kind}))
    entity = f"ENTITY#{data['tenantId']}#{data['eventId']}"
    message = {"v": 1, "entity": v5(entity), "jobs": [job["jobId"] for job in jobs], "tries": 0}
    message = {"MessageBody": json.dumps(message), "MessageGroupId": v5(data["tenantId"])}
    pk, text = f"CAUSE#{cause}", json.dumps(data)
    items = [
        {"pk": pk, "sk": "-", "content": content, "events": json.dumps(events), "message": json.dumps(message), "expires_at": 1900000000},
        {"pk": entity, "sk": "-", "version": 1, "state": text},
        *({"pk": f"JOB#{job['jobId']}", "sk": "-", "version": 1, "state": "created", **job, "configuration": text} for job in jobs),
    ]
    return items, events, message


def groups(things, most):
    return [things[first:first + most] for first in range(0, len(things), most)]


def look(plans):
    """Reads the entities of all plans; a plan of a known one would start from it."""
    keys = list(dict.fromkeys(items[1]["pk"] for items, _, _ in plans))
    for group in groups(keys, KEYS_OF_A_CALL):
        keys_of_call = [item({"pk": pk, "sk": "-"}) for pk in group]
        dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys_of_call, "ConsistentRead": True}})


def commit(group):
    put = lambda one: {"Put": {"TableName": TABLE, "Item": item(one), "ConditionExpression": "attribute_not_exists(pk)"}}
    dynamodb.transact_write_items(TransactItems=[put(one) for items, _, _ in group for one in items])


def send(group):
    entries = [{"Id": str(index), **message} for index, (_, _, message) in enumerate(group)]
    if failed := sqs.send_message_batch(QueueUrl=QUEUE, Entries=entries).get("Failed"):
        raise RuntimeError(f"SQS refused {failed}")


def done(plans, most, effect):
    """Has the effect for groups of plans; says of each plan whether it succeeded."""
    succeeded = []
    for group in groups(plans, most):
        try:
            effect(group)
            succeeded += [True] * len(group)
        except Exception as error:  # noqa: BLE001: as in the guide, any error retries the records
            print(repr(error), file=sys.stderr)
            succeeded += [False] * len(group)
    return succeeded


@kafka_consumer(schema_config=SchemaConfig(value_schema_type="JSON"))
def handler(event, context):
    records = list(event.records)
    plans = [plan(record.value) for record in records]
    look(plans)
    kept = done(plans, RECORDS_OF_A_TRANSACTION, commit)
    for _, events, _ in plans:
        for topic, key, value in events:
            producer.produce(topic, key=key, value=value)
        producer.poll(0)
    if producer.flush(15):
        raise RuntimeError("Kafka did not take all events")
    sent = done(plans, MESSAGES_OF_A_CALL, send)
    failed = [record for record, *both in zip(records, kept, sent) if not all(both)]
    identifier = lambda record: {"partition": f"{record.topic}-{record.partition}", "offset": record.offset}
    return {"batchItemFailures": [{"itemIdentifier": identifier(record)} for record in failed]}


@kafka_consumer(schema_config=SchemaConfig(value_schema_type="JSON"))
def decode(event, context):
    return [plan(record.value) for record in event.records]


def serve():
    """Lambda's runtime loop, without the rest of Lambda's runtime."""
    api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
    post = lambda path, body: urllib.request.urlopen(urllib.request.Request(f"{api}/{path}", json.dumps(body).encode(), method="POST")).read()
    while True:
        with urllib.request.urlopen(f"{api}/next") as response:
            request, event = response.headers["Lambda-Runtime-Aws-Request-Id"], json.load(response)
        try:
            post(f"{request}/response", handler(event, None))
        except Exception as error:  # noqa: BLE001: reports a failed invocation and goes on
            post(f"{request}/error", {"errorType": type(error).__name__, "errorMessage": str(error)})


if sys.argv[1:2] == ["decode"]:
    text, rounds = open(sys.argv[2]).read(), []
    for _ in range(int(sys.argv[3])):
        begin = time.perf_counter_ns()
        plans = decode(json.loads(text), None)
        rounds.append((time.perf_counter_ns() - begin) / len(plans))
    print(round(sorted(rounds)[len(rounds) // 2]))
else:
    dynamodb, sqs, producer = connect()
    serve()
