// The live stream: the last thousand records and reports, for all views.

const KEPT = 1000;

/** The current state. */
export const live = {
  /** The addresses of the stack's parts. Null before the greeting. */
  about: null,
  /** Records and reports, the oldest first. */
  entries: [],
  /** The data of `render-job.created`, by job id. */
  jobs: new Map(),
  state: "connecting",
};

const listeners = new Set();
let news = [];
let run = null;

/**
 * Calls `listener` with new entries, and whenever the connection changes. Returns a function that
 * ends this.
 */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The record at a position, if it is still kept. */
export function recordAt(topic, partition, offset) {
  return records().find((record) => record.topic === topic && record.partition === partition && record.offset === offset);
}

/** All records, the oldest first. */
export function records() {
  return live.entries.filter((entry) => entry.record).map((entry) => entry.record);
}

/** All reports of the mappings, the oldest first. */
export function reports() {
  return live.entries.filter((entry) => entry.report).map((entry) => entry.report);
}

/** The tenants of the records, the most recent first. */
export function tenants() {
  return [...new Set(records().reverse().map((record) => record.tenant).filter(Boolean))];
}

/** Whether the studio consumes this topic. If not, it produces it. */
export function isConsumed(topic) {
  return live.about?.consumed.includes(topic) ?? false;
}

/**
 * The CloudEvent of a record: in structured mode its value; in binary mode its headers `ce_…` are the
 * attributes, and its value is the data. Null if there is none that can be read.
 */
export function eventOf({ text, cut, headers }) {
  if (cut || text === null) return null;
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const attributes = headers.filter(([name]) => name.startsWith("ce_")).map(([name, text]) => [name.slice(3), text]);
  const isStructured = headers.some(([name, text]) => name === "content-type" && text?.startsWith("application/cloudevents"));
  return isStructured || attributes.length === 0 ? value : { ...Object.fromEntries(attributes), data: value };
}

function read(entry) {
  const { record } = entry;
  if (!record) return entry;
  record.place = `${record.topic}/${record.partition}/${record.offset}`;
  record.event = eventOf(record);
  record.data = typeof record.event?.data === "object" && record.event.data !== null ? record.event.data : {};
  record.tenant = record.key ?? (typeof record.data.tenantId === "string" ? record.data.tenantId : null);
  if (record.topic.endsWith(".render-job.created.v1")) live.jobs.set(record.data.jobId, record.data);
  return entry;
}

function tell() {
  const entries = news;
  news = [];
  for (const listener of [...listeners]) listener(entries);
}

function changed(state) {
  live.state = state;
  tell();
}

/** Connects to the stream, for as long as the page is open. */
export function connect() {
  const source = new EventSource("/live");
  let waiting = null;
  source.addEventListener("hello", (message) => {
    const hello = JSON.parse(message.data);
    // The stack is another one: its assets are at another address, which this page's policy does
    // not allow.
    if (run !== null && run !== hello.run) return location.reload();
    run = hello.run;
    live.about = hello.about;
    changed("live");
  });
  source.addEventListener("message", (message) => {
    const entry = read(JSON.parse(message.data));
    live.entries.push(entry);
    if (live.entries.length > KEPT) live.entries.splice(0, live.entries.length - KEPT);
    news.push(entry);
    // A burst of entries is one notification.
    waiting ??= setTimeout(() => {
      waiting = null;
      tell();
    }, 60);
  });
  source.addEventListener("error", () => {
    changed("lost");
    // The browser gives up if it gets an unexpected answer, and this state shows it.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}
