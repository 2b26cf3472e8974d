// The consumer of eventzr.event.created.v1 as a team on Node would write it after reading the
// guides and tuning: Powertools reads the batch, the effects of all records run concurrently, one
// producer sends all events together, and clients are made and connected before the first
// invocation.
//
// For a new event it does the same work with the same effects as ours: four items in a transaction
// (of its own; ours has the items of many records), four events and two executions. It does less
// otherwise: it checks only the fields that it uses, and handles no redelivery, dead letter or
// trace.
import { createHash } from 'node:crypto';
import { SchemaType, kafkaConsumer } from '@aws-lambda-powertools/kafka';
import { DynamoDBClient, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { marshall } from '@aws-sdk/util-dynamodb';
import { generateAuthToken } from 'aws-msk-iam-sasl-signer-js';
import { CloudEvent } from 'cloudevents';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { v5 } from 'uuid';
import { serve } from './runtime.mjs';

const { TABLE_NAME: table, RENDER_STATE_MACHINE_ARN: stateMachineArn, KAFKA_AUTHENTICATION, KAFKA_ROOTS_PEM, AWS_REGION: region } = process.env;
const NAMESPACE = 'a1f0c5ee-8f0c-5d3b-9f0e-6c1f5a0b7c11';
const AT_ONCE = 32;
const MOST_SENT = 100;

const dynamodb = new DynamoDBClient({ region });
const sfn = new SFNClient({ region });
const iam = KAFKA_AUTHENTICATION === 'iam' && {
  ssl: KAFKA_ROOTS_PEM ? { ca: [KAFKA_ROOTS_PEM] } : true,
  sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: (await generateAuthToken({ region })).token }) },
};
const kafka = new Kafka({ clientId: 'peer', brokers: process.env.KAFKA_BOOTSTRAP_SERVERS.split(','), logLevel: logLevel.ERROR, ...iam });
const producer = kafka.producer({ allowAutoTopicCreation: false });

/** Plans the items, events and executions of a created event. */
function plan(value) {
  const event = new CloudEvent(value);
  const { data } = event;
  const content = createHash('sha256').update(JSON.stringify(data)).digest('hex');
  const cause = v5(`${data.tenantId}\0${event.source}\0${event.id}`, NAMESPACE);
  const now = new Date().toISOString();
  const tell = (type, key, body) => ({
    topic: type,
    key: data.tenantId,
    value: JSON.stringify({
      specversion: '1.0', id: v5(`${cause}\0${type}\0${key}`, NAMESPACE), source: 'studio-svc', type, time: now,
      datacontenttype: 'application/json', subject: data.tenantId, data: { tenantId: data.tenantId, ...body },
    }),
  });
  const jobs = ['poster', 'invitation'].map((kind) => {
    const templateId = v5(`${data.tenantId}\0${data.eventId}\0${kind}`, NAMESPACE);
    return { kind, templateId, jobId: v5(`${templateId}\0${cause}`, NAMESPACE) };
  });
  const events = jobs.flatMap(({ kind, templateId, jobId }) => [
    tell('eventzr.studio.template.created.v1', templateId, { templateId, revision: 1, kind, configuration: data }),
    tell('eventzr.studio.render-job.created.v1', jobId, { jobId, templateId, kind }),
  ]);
  const starts = jobs.map(({ jobId }) => ({ name: `${jobId}-1`, input: JSON.stringify({ jobId, tenantId: data.tenantId }) }));
  const pk = `CAUSE#${cause}`;
  const items = [
    { pk, sk: '-', content, events: JSON.stringify(events), starts: JSON.stringify(starts), expires_at: 1900000000 },
    { pk: `ENTITY#${data.tenantId}#${data.eventId}`, sk: '-', version: 1, state: JSON.stringify(data) },
    ...jobs.map((job) => ({ pk: `JOB#${job.jobId}`, sk: '-', version: 1, state: 'created', ...job, configuration: JSON.stringify(data) })),
  ];
  return { items, events, starts };
}

/** Runs `what` for each entry, `AT_ONCE` at a time; returns for each whether it succeeded. */
async function all(list, what) {
  const done = new Array(list.length).fill(true);
  let next = 0;
  const worker = async () => {
    while (next < list.length) {
      const mine = next++;
      try {
        await what(list[mine]);
      } catch (error) {
        console.error(error);
        done[mine] = false;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, worker));
  return done;
}

const handler = kafkaConsumer(
  async (event) => {
    const plans = event.records.map((record) => plan(record.value));
    const puts = (items) => items.map((Item) => ({
      Put: { TableName: table, Item: marshall(Item), ConditionExpression: 'attribute_not_exists(pk)' },
    }));
    const kept = await all(plans, ({ items }) => dynamodb.send(new TransactWriteItemsCommand({ TransactItems: puts(items) })));
    // KafkaJS makes one batch per partition and call, and a broker accepts one mebibyte.
    for (let first = 0; first < plans.length; first += MOST_SENT) {
      const byTopic = new Map();
      for (const { topic, ...message } of plans.slice(first, first + MOST_SENT).flatMap(({ events }) => events)) {
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), message]);
      }
      const topicMessages = [...byTopic].map(([topic, messages]) => ({ topic, messages }));
      await producer.sendBatch({ acks: -1, compression: CompressionTypes.None, topicMessages });
    }
    const done = await all(plans, async ({ starts }) => {
      await Promise.all(starts.map((start) => sfn.send(new StartExecutionCommand({ stateMachineArn, ...start }))));
    });
    const failed = event.records.filter((_, index) => !kept[index] || !done[index]);
    return { batchItemFailures: failed.map((record) => ({ itemIdentifier: { partition: `${record.topic}-${record.partition}`, offset: record.offset } })) };
  },
  { value: { type: SchemaType.JSON } },
);

if (process.argv[2] === 'decode') {
  // From a batch to planned commands, without effects: nanoseconds per record, the median of the
  // rounds.
  const { readFileSync } = await import('node:fs');
  const text = readFileSync(process.argv[3], 'utf8');
  const decode = kafkaConsumer(async (event) => event.records.map((record) => plan(record.value)), { value: { type: SchemaType.JSON } });
  const rounds = [];
  for (let round = 0; round < Number(process.argv[4]); round++) {
    const begin = process.hrtime.bigint();
    const plans = await decode(JSON.parse(text), {});
    rounds.push(Number(process.hrtime.bigint() - begin) / plans.length);
  }
  console.log(Math.round(rounds.sort((a, b) => a - b)[Math.floor(rounds.length / 2)]));
} else {
  await producer.connect();
  await serve(handler);
}
