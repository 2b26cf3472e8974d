"""Clients of four languages against a running studio: `make neighbours-live`.

KafkaJS, Kafka's own client for Java, confluent-kafka for Python and franz-go for Go each write each
consumed topic, in structured and in binary mode, and each read every record of every produced
topic. Starts a local stack on Apache Kafka of its own, and stops it.
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest
import uuid
from datetime import datetime, timezone

ROOT = pathlib.Path(__file__).resolve().parents[2]
EVENTS = ROOT / "events"
HERE = pathlib.Path(__file__).resolve().parent
INSTALLED = pathlib.Path(os.environ["NEIGHBOURS"]).resolve()
LOCAL = pathlib.Path(os.environ["STUDIO_LOCAL"]).resolve()
WORK = INSTALLED / "live"
PATIENCE = 240  # seconds

CLIENTS = {
    "KafkaJS": ["node", INSTALLED / "node/client.mjs"],
    "java": ["java", "-cp", f"{INSTALLED}/java/jars/*", HERE / "java/Client.java"],
    "confluent-kafka": [INSTALLED / "python/bin/python", HERE / "python/client.py"],
    "franz-go": [INSTALLED / "go/bin/client"],
}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=UTF-8"}
TENANT = "tenant-neighbours"
CREATED = "eventzr.studio.render-job.created.v1"
ENDS = ("eventzr.studio.render-job.completed.v1", "eventzr.studio.render-job.failed.v1")
PRODUCED = sorted(path.name for path in EVENTS.glob("eventzr.studio.*"))
CONSUMED = sorted({path.name for path in EVENTS.glob("eventzr.*")} - set(PRODUCED))


def client(name: str, *arguments, records: str = "") -> list[dict]:
    """What a client prints; the test fails with what it says, if it fails."""
    command = [str(part) for part in (*CLIENTS[name], *arguments)]
    done = subprocess.run(command, input=records, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise AssertionError(f"{name} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def assets(schema: dict) -> list[str]:
    return schema["properties"]["assets"]["items"]["enum"]


def record(topic: str, mode: str) -> tuple[str, str]:
    """A record of a topic, in a mode, and the id of its event."""
    event = json.loads((EVENTS / topic / "example.json").read_text(encoding="utf-8"))
    event["id"] = str(uuid.uuid4())
    event["time"] = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
    event["subject"] = TENANT
    schema = json.loads((EVENTS / topic / "schema.json").read_text(encoding="utf-8"))
    # The last two of the topic's list. A campaign's are a video and a spoken spot, which nothing
    # makes without vendors: a job that fails.
    data = event["data"] | {"tenantId": TENANT, "assets": assets(schema)[-2:]}
    data.pop("translations", None)
    ids = (name for name in schema["required"] if name.endswith("Id") and name != "tenantId")
    data[next(ids)] = str(uuid.uuid4())
    if "channels" in data:
        data["channels"] = ["video", "audio"]
    if mode == "structured":
        headers, value = STRUCTURED, event | {"data": data}
    else:
        left_out = ("data", "datacontenttype")
        headers = {f"ce_{name}": of for name, of in event.items() if name not in left_out}
        headers["content-type"], value = "application/json", data
    text = json.dumps(value, ensure_ascii=False)
    line = json.dumps({"topic": topic, "key": TENANT, "value": text, "headers": headers})
    return line, event["id"]


@contextlib.contextmanager
def stack():
    """The address of Apache Kafka in a stack that runs."""
    WORK.mkdir(parents=True, exist_ok=True)
    env, log = WORK / "up.env", WORK / "up.log"
    env.unlink(missing_ok=True)
    venv = os.environ.get("STUDIO_VENV", ROOT / "target/venv")
    arguments = ["up", "--broker", "apache", "--env", env, "--venv", venv]
    with log.open("w") as out:
        running = subprocess.Popen([LOCAL, *arguments], cwd=ROOT, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + PATIENCE
        while not env.exists():
            if running.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the stack did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        lines = env.read_text().splitlines()
        broker = next(line for line in lines if "KAFKA_BOOTSTRAP_SERVERS=" in line)
        broker = broker.split("=", 1)[1].strip("'\"")
        # Voices have a stack of their own, on the same Kafka: no event asks for one.
        voice = [LOCAL, "voice", "--broker", broker, "--venv", venv]
        done = subprocess.run(voice, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise AssertionError(f"no voice was trained:\n{done.stdout[-2000:]}{done.stderr}")
        yield broker
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(60)


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.broker = cls.enterClassContext(stack())
        cls.sent, cls.partitions = {}, {}
        for name in CLIENTS:
            modes = ("structured", "binary")
            records = [record(topic, mode) for topic in CONSUMED for mode in modes]
            lines = "".join(f"{line}\n" for line, _ in records)
            acknowledged = client(name, "produce", cls.broker, records=lines)
            cls.partitions[name] = [one["partition"] for one in acknowledged]
            cls.sent[name] = [id for _, id in records]
        cls.produced = cls.everything()

    @classmethod
    def everything(cls) -> list[dict]:
        """All records of the produced topics, once each job of each event has its end."""
        from confluent_kafka import Consumer

        group = {"group.id": "live", "auto.offset.reset": "earliest", "enable.auto.commit": False}
        consumer = Consumer({"bootstrap.servers": cls.broker} | group)
        consumer.subscribe(PRODUCED)
        events, found = {id for ids in cls.sent.values() for id in ids}, []
        opened, ended, triggers = set(), set(), set()
        quiet, deadline = 0, time.monotonic() + PATIENCE
        while quiet < 5:
            if time.monotonic() > deadline:
                missing = f"{len(events - triggers)} events, {len(opened - ended)} jobs"
                raise AssertionError(f"after {PATIENCE} s nothing came of {missing}")
            read = consumer.poll(1)
            if read is None:
                quiet += events <= triggers and opened <= ended
                continue
            quiet = 0
            event = json.loads(read.value())
            found.append({"topic": read.topic(), "id": event["id"]})
            if read.topic() == CREATED:
                opened.add(event["data"]["jobId"])
                triggers.add(event["data"]["trigger"]["id"])
            if read.topic() in ENDS:
                ended.add(event["data"]["jobId"])
        consumer.close()
        return found

    def test_each_event_of_each_client_has_its_pictures(self):
        self.assertEqual({one["topic"] for one in self.produced}, set(PRODUCED))

    def test_each_client_reads_every_record_of_every_produced_topic(self):
        expected = sorted((one["topic"], one["id"]) for one in self.produced)
        for name in CLIENTS:
            with self.subTest(name):
                read = client(name, "consume", self.broker, len(expected), *PRODUCED)
                ids = sorted((one["topic"], json.loads(one["value"])["id"]) for one in read)
                self.assertEqual(ids, expected)
                types = {one["headers"]["content-type"] for one in read}
                self.assertEqual(types, {STRUCTURED["content-type"]})

    def test_each_client_puts_a_key_where_javas_does(self):
        for name, partitions in self.partitions.items():
            self.assertEqual(partitions, self.partitions["java"], name)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v", *sys.argv[1:]])
