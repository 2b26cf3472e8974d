"""The consumer of eventzr.event.created.v1 as Powertools' guide for Python shows it: a loop over
the records, each with all its effects, and a flush of the producer at the end. It does the same
work with the same effects as ours."""

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
MACHINE = os.environ.get("RENDER_STATE_MACHINE_ARN")
REGION = os.environ.get("AWS_REGION")
NAMESPACE = uuid.UUID("a1f0c5ee-8f0c-5d3b-9f0e-6c1f5a0b7c11")
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
    return boto3.client("dynamodb", region_name=REGION), boto3.client("stepfunctions", region_name=REGION), producer


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
    starts = [{"name": f"{job['jobId']}-1", "input": json.dumps({"jobId": job["jobId"], "tenantId": data["tenantId"]})} for job in jobs]
    pk, text = f"CAUSE#{cause}", json.dumps(data)
    items = [
        {"pk": pk, "sk": "-", "content": content, "events": json.dumps(events), "starts": json.dumps(starts), "expires_at": 1900000000},
        {"pk": f"ENTITY#{data['tenantId']}#{data['eventId']}", "sk": "-", "version": 1, "state": text},
        *({"pk": f"JOB#{job['jobId']}", "sk": "-", "version": 1, "state": "created", **job, "configuration": text} for job in jobs),
    ]
    return items, events, starts


@kafka_consumer(schema_config=SchemaConfig(value_schema_type="JSON"))
def handler(event, context):
    failures = []
    for record in event.records:
        try:
            items, events, starts = plan(record.value)
            puts = [{"Put": {"TableName": TABLE, "Item": item(one), "ConditionExpression": "attribute_not_exists(pk)"}} for one in items]
            dynamodb.transact_write_items(TransactItems=puts)
            for topic, key, value in events:
                producer.produce(topic, key=key, value=value)
            producer.poll(0)
            for start in starts:
                sfn.start_execution(stateMachineArn=MACHINE, **start)
        except Exception as error:  # noqa: BLE001: as in the guide, any error retries the record
            print(repr(error), file=sys.stderr)
            failures.append({"itemIdentifier": {"partition": f"{record.topic}-{record.partition}", "offset": record.offset}})
    if producer.flush(15):
        raise RuntimeError("Kafka did not take all events")
    return {"batchItemFailures": failures}


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
    dynamodb, sfn, producer = connect()
    serve()
