// Publishes with KafkaJS, which most teams on Node use. Its last release is of 2023.
import { generateAuthToken } from 'aws-msk-iam-sasl-signer-js';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';

const { KAFKA_AUTHENTICATION, KAFKA_BOOTSTRAP_SERVERS, KAFKA_ROOTS_PEM, AWS_REGION: region } = process.env;
const MOST_SENT = 400;

/** Connects, and returns what publishes events and awaits every acknowledgement. */
export async function connect() {
  const iam = KAFKA_AUTHENTICATION === 'iam' && {
    ssl: KAFKA_ROOTS_PEM ? { ca: [KAFKA_ROOTS_PEM] } : true,
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: (await generateAuthToken({ region })).token }) },
  };
  const kafka = new Kafka({ clientId: 'peer', brokers: KAFKA_BOOTSTRAP_SERVERS.split(','), logLevel: logLevel.ERROR, ...iam });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return async (events) => {
    // It makes one batch per partition and call, and a broker accepts one mebibyte.
    for (let first = 0; first < events.length; first += MOST_SENT) {
      const byTopic = new Map();
      for (const { topic, ...message } of events.slice(first, first + MOST_SENT)) {
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), message]);
      }
      const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }));
      await producer.sendBatch({ acks: -1, compression: CompressionTypes.None, topicMessages });
    }
  };
}
