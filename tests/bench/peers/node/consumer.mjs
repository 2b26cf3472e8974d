// The consumer of eventzr.event.created.v1 as a team on Node would write it after reading the
// guides and tuning: Powertools reads the batch, the calls of all records are grouped and run
// concurrently, one producer sends all events together, and clients are made and connected before
// the first invocation.
//
// It has our architecture: it reads the batch's entities, commits the items of many records in a
// transaction, publishes, and after the brokers' acknowledgement sends a message for each record, ten
// in a call. For a new event it does the same work with the same effects as ours: four items, four
// events and a message. It does less otherwise: it checks only the fields that it uses, and handles
// no redelivery, dead letter or trace.
//
// `node consumer.mjs` publishes with KafkaJS, `node consumer.mjs current` with a client that is still
// developed.
import { createHash } from 'node:crypto';
import { SchemaType, kafkaConsumer } from '@aws-lambda-powertools/kafka';
import { BatchGetItemCommand, DynamoDBClient, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { SQSClient, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { CloudEvent } from 'cloudevents';
import { v5 } from 'uuid';
import { serve } from './runtime.mjs';

const { TABLE_NAME: table, RENDER_QUEUE_URL: queue, AWS_REGION: region } = process.env;
const NAMESPACE = 'a1f0c5ee-8f0c-5d3b-9f0e-6c1f5a0b7c11';
const AT_ONCE = 32;
const KEYS_OF_A_CALL = 100;
const ITEMS_OF_A_TRANSACTION = 100;
const MESSAGES_OF_A_CALL = 10;

const dynamodb = new DynamoDBClient({ region });
// The queue's URL names a host; the bench's emulator has another.
const sqs = new SQSClient({ region, useQueueUrlAsEndpoint: false });
let publish;

/** Plans the items, events and message of a created event. */
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
  const entity = `ENTITY#${data.tenantId}#${data.eventId}`;
  const message = {
    MessageBody: JSON.stringify({ v: 1, entity: v5(entity, NAMESPACE), jobs: jobs.map(({ jobId }) => jobId), tries: 0 }),
    MessageGroupId: v5(data.tenantId, NAMESPACE),
  };
  const pk = `CAUSE#${cause}`;
  const items = [
    { pk, sk: '-', content, events: JSON.stringify(events), message: JSON.stringify(message), expires_at: 1900000000 },
    { pk: entity, sk: '-', version: 1, state: JSON.stringify(data) },
    ...jobs.map((job) => ({ pk: `JOB#${job.jobId}`, sk: '-', version: 1, state: 'created', ...job, configuration: JSON.stringify(data) })),
  ];
  return { entity, items, events, message };
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

/** Splits a list into groups of `most`. */
function groups(list, most) {
  return Array.from({ length: Math.ceil(list.length / most) }, (_, index) => list.slice(index * most, (index + 1) * most));
}

/** Reads the entities of all plans; a plan of a known one would start from it. */
async function look(plans) {
  const keys = [...new Set(plans.map(({ entity }) => entity))].map((pk) => marshall({ pk, sk: '-' }));
  const read = (Keys) => dynamodb.send(new BatchGetItemCommand({ RequestItems: { [table]: { Keys, ConsistentRead: true } } }));
  const answers = await Promise.all(groups(keys, KEYS_OF_A_CALL).map(read));
  return answers.flatMap(({ Responses }) => Responses?.[table] ?? []);
}

/** Commits the items of many plans in each transaction; says of each plan whether it is committed. */
async function commit(plans) {
  const put = (Item) => ({ Put: { TableName: table, Item: marshall(Item), ConditionExpression: 'attribute_not_exists(pk)' } });
  const together = groups(plans, Math.floor(ITEMS_OF_A_TRANSACTION / 4));
  const done = await all(together, (group) => dynamodb.send(new TransactWriteItemsCommand({ TransactItems: group.flatMap(({ items }) => items.map(put)) })));
  return together.flatMap((group, index) => group.map(() => done[index]));
}

/** Sends the messages of all plans; says of each plan whether the queue has its message. */
async function send(plans) {
  const together = groups(plans, MESSAGES_OF_A_CALL);
  const refused = new Set();
  const done = await all(together, async (group) => {
    const Entries = group.map(({ message }, index) => ({ Id: `${index}`, ...message }));
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue, Entries }));
    Failed.forEach(({ Id }) => refused.add(group[Number(Id)]));
  });
  return together.flatMap((group, index) => group.map((plan) => done[index] && !refused.has(plan)));
}

const handler = kafkaConsumer(
  async (event) => {
    const plans = event.records.map((record) => plan(record.value));
    await look(plans);
    const kept = await commit(plans);
    await publish(plans.flatMap(({ events }) => events));
    const done = await send(plans);
    const failed = event.records.filter((_, index) => !kept[index] || !done[index]);
    return { batchItemFailures: failed.map((record) => ({ itemIdentifier: { partition: `${record.topic}-${record.partition}`, offset: record.offset } })) };
  },
  { value: { type: SchemaType.JSON } },
);

const decodes = process.argv.indexOf('decode');
if (decodes > 0) {
  // From a batch to planned commands, without effects: nanoseconds per record, the median of the
  // rounds.
  const { readFileSync } = await import('node:fs');
  const [batch, count] = process.argv.slice(decodes + 1);
  const text = readFileSync(batch, 'utf8');
  const decode = kafkaConsumer(async (event) => event.records.map((record) => plan(record.value)), { value: { type: SchemaType.JSON } });
  const rounds = [];
  for (let round = 0; round < Number(count); round++) {
    const begin = process.hrtime.bigint();
    const plans = await decode(JSON.parse(text), {});
    rounds.push(Number(process.hrtime.bigint() - begin) / plans.length);
  }
  console.log(Math.round(rounds.sort((a, b) => a - b)[Math.floor(rounds.length / 2)]));
} else {
  const { connect } = await import(process.argv[2] === 'current' ? './current.mjs' : './kafkajs.mjs');
  publish = await connect();
  await serve(handler);
}
