// Publishes with @platformatic/kafka, a client that is developed now, in JavaScript alone.
import { Producer, stringSerializers } from '@platformatic/kafka';
import { generateAuthToken } from 'aws-msk-iam-sasl-signer-js';

const { KAFKA_AUTHENTICATION, KAFKA_BOOTSTRAP_SERVERS, KAFKA_ROOTS_PEM, AWS_REGION: region } = process.env;
const MOST_SENT = 400;

/** Connects, and returns what publishes events and awaits every acknowledgement. */
export async function connect() {
  const iam = KAFKA_AUTHENTICATION === 'iam' && {
    tls: KAFKA_ROOTS_PEM ? { ca: [KAFKA_ROOTS_PEM] } : {},
    sasl: { mechanism: 'OAUTHBEARER', token: async () => (await generateAuthToken({ region })).token },
  };
  const producer = new Producer({
    clientId: 'peer',
    bootstrapBrokers: KAFKA_BOOTSTRAP_SERVERS.split(','),
    serializers: stringSerializers,
    acks: -1,
    metadataMaxAge: 300_000,
    ...iam,
  });
  await producer.connectToBrokers();
  return async (events) => {
    // It makes one batch per partition and call, and a broker accepts one mebibyte.
    for (let first = 0; first < events.length; first += MOST_SENT) {
      await producer.send({ messages: events.slice(first, first + MOST_SENT) });
    }
  };
}
