"""What each compression of produced events costs: processor time and bytes on the wire.

    target/neighbours/python/bin/python tests/neighbours/compression.py target/demo/events.jsonl

The events are those of a `make demo`. Each round publishes what one event, or a hundred, makes a
consumer publish, with the settings of shared/kafka/src/producer.rs, by librdkafka as
confluent-kafka links it, to librdkafka's mock broker in the same process. That broker neither
compresses nor decompresses, so the differences are the compression's. Ids are new in each event,
as they are in truth.
"""

import json
import re
import resource
import sys
import uuid

from confluent_kafka import Producer

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def published(lines: list[dict], events: int) -> list[tuple[str, str, str]]:
    """What `events` inbound events have published: topic, key, value. A tenant for every ten."""
    found = []
    for number in range(events):
        new: dict[str, str] = {}
        for line in lines:
            text = json.dumps(line["event"], ensure_ascii=False, separators=(",", ":"))
            text = UUID.sub(lambda old: new.setdefault(old[0], str(uuid.uuid4())), text)
            text = text.replace("monsoon-arts", f"monsoon-arts-{number // 10}")
            found.append((line["topic"], f"tenant-monsoon-arts-{number // 10}", text))
    return found


def measured(codec: str, level: int | None, batches: list) -> tuple[float, float]:
    """Milliseconds of processor time, and bytes sent, of one batch."""
    sent = 0

    def statistics(text: str):
        nonlocal sent
        brokers = json.loads(text)["brokers"].values()
        sent = sum(broker["txbytes"] for broker in brokers)

    producer = Producer(
        {
            "test.mock.num.brokers": 1,
            "log_level": 4,
            "acks": "all",
            "max.in.flight.requests.per.connection": 1,
            "partitioner": "murmur2_random",
            "linger.ms": 0,
            "compression.codec": codec,
            "statistics.interval.ms": 100,
            "stats_cb": statistics,
        }
        | ({} if level is None else {"compression.level": level})
    )
    # The connections, and the code's first steps.
    publish(producer, batches[0])
    producer.poll(0.3)
    before, begun = sent, spent()
    for batch in batches[1:]:
        publish(producer, batch)
    used = spent() - begun
    producer.poll(0.3)
    count = len(batches) - 1
    return used * 1000 / count, (sent - before) / count


def publish(producer: Producer, batch: list):
    for topic, key, value in batch:
        headers = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
        producer.produce(topic, key=key, value=value, headers=headers)
    if left := producer.flush(15):
        sys.exit(f"{left} events were not acknowledged")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    # What a consumer publishes, and not what follows when the pictures are drawn.
    lines = [line for line in lines if line["topic"].endswith("created.v1")]
    print(f"{'':<12}{'one event':>24}{'a hundred events':>28}")
    print(f"{'codec':<12}{'ms':>12}{'bytes':>12}{'ms':>16}{'bytes':>12}")
    defaults = [(codec, None) for codec in ("none", "lz4", "snappy", "gzip", "zstd")]
    for codec, level in (*defaults, ("gzip", 1)):
        small = [published(lines, 1) for _ in range(401)]
        large = [published(lines, 100) for _ in range(41)]
        # The least of three, because other programs run on this machine.
        of_small = min(measured(codec, level, small) for _ in range(3))
        of_large = min(measured(codec, level, large) for _ in range(3))
        name = codec if level is None else f"{codec}, {level}"
        small, large = of_small, of_large
        print(f"{name:<12}{small[0]:>12.2f}{small[1]:>12.0f}{large[0]:>16.2f}{large[1]:>12.0f}")


main()
