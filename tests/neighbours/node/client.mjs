// KafkaJS as a producer and as a consumer, with its own defaults.
//
//   node client.mjs produce <host:port>                       records from standard input
//   node client.mjs consume <host:port> <count> <topic> …     prints that many records

import { createInterface } from "node:readline";
import { Kafka, logLevel } from "kafkajs";

const [what, broker, count, ...topics] = process.argv.slice(2);
const kafka = new Kafka({ brokers: [broker], clientId: "kafkajs", logLevel: logLevel.ERROR });

if (what === "produce") {
  // KafkaJS 2's partitioner is Java's; `Partitioners.LegacyPartitioner` is not.
  const producer = kafka.producer();
  await producer.connect();
  for await (const line of createInterface({ input: process.stdin })) {
    const { topic, key, value, headers } = JSON.parse(line);
    const [{ partition }] = await producer.send({ topic, messages: [{ key, value, headers }] });
    console.log(JSON.stringify({ partition }));
  }
  await producer.disconnect();
} else {
  const consumer = kafka.consumer({ groupId: `kafkajs-${process.pid}` });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  let left = Number(count);
  const all = new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      eachMessage: async ({ topic, partition, message: { key, value, headers } }) => {
        const texts = Object.entries(headers).map(([name, of]) => [name, String(of)]);
        const read = { topic, partition, key: String(key), value: String(value) };
        console.log(JSON.stringify({ ...read, headers: Object.fromEntries(texts) }));
        left -= 1;
        if (left === 0) resolve();
      },
    });
  });
  await all;
  await consumer.disconnect();
}
