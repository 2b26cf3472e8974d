"""confluent-kafka as a producer and as a consumer; what it reads, CloudEvents' SDK reads too.

    python client.py produce <host:port>                      records from standard input
    python client.py consume <host:port> <count> <topic> …    prints that many records
"""

import json
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer, Producer

what, broker, *rest = sys.argv[1:]


def produce():
    # Its default partitioner is not Java's.
    producer = Producer({"bootstrap.servers": broker, "partitioner": "murmur2_random"})

    def delivered(error, record):
        if error:
            sys.exit(str(error))
        print(json.dumps({"partition": record.partition()}))

    for line in sys.stdin:
        record = json.loads(line)
        headers = {name: value.encode() for name, value in record["headers"].items()}
        producer.produce(
            record["topic"],
            key=record["key"],
            value=record["value"],
            headers=headers,
            on_delivery=delivered,
        )
        # One after another, so that the lines are in the records' order.
        producer.flush()


def consume():
    count, *topics = rest
    group = {"group.id": f"confluent-{broker}", "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": broker, "enable.auto.commit": False} | group)
    consumer.subscribe(topics)
    left = int(count)
    while left:
        record = consumer.poll(60)
        if record is None:
            sys.exit(f"{left} records are missing")
        if record.error():
            sys.exit(str(record.error()))
        headers = dict(record.headers())
        key, value = record.key().decode(), record.value()
        event = from_structured_event(KafkaMessage(headers=headers, key=key, value=value), JSONFormat())
        if event.get_id() != json.loads(value)["id"]:
            sys.exit(f"the SDK reads {event.get_id()} of {value}")
        print(
            json.dumps(
                {
                    "topic": record.topic(),
                    "partition": record.partition(),
                    "key": key,
                    "value": value.decode(),
                    "headers": {name: of.decode() for name, of in headers.items()},
                }
            )
        )
        left -= 1
    consumer.close()


produce() if what == "produce" else consume()
