// What happens, as it happens: the last thousand records and reports, for every view to look at.

const KEPT = 1000;

/** What is known so far. */
export const live = {
  /** Where the stack's parts are; null before the first word. */
  about: null,
  /** Records and reports, the oldest first. */
  entries: [],
  /** What jobs were opened for: the data of their `created`, by their id. */
  jobs: new Map(),
  state: "connecting",
};

const listeners = new Set();
let news = [];
let run = null;

/** Calls `listener` with what is new, and whenever the connection changes. Returns how to end that. */
export function listen(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The record at a place, if it is still known. */
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

/** The tenants that records speak of, those that were heard of last first. */
export function tenants() {
  return [...new Set(records().reverse().map((record) => record.tenant).filter(Boolean))];
}

/** Whether the studio reads this topic, or writes it. */
export function isConsumed(topic) {
  return live.about?.consumed.includes(topic) ?? false;
}

function read(entry) {
  const { record } = entry;
  if (!record) return entry;
  record.place = `${record.topic}/${record.partition}/${record.offset}`;
  try {
    record.event = record.cut || record.text === null ? null : JSON.parse(record.text);
  } catch {
    record.event = null;
  }
  if (typeof record.event !== "object" || Array.isArray(record.event)) record.event = null;
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

/** Begins to listen, for as long as the page is open. */
export function connect() {
  const source = new EventSource("/live");
  let waiting = null;
  source.addEventListener("hello", (message) => {
    const hello = JSON.parse(message.data);
    // Another stack than before: its assets are elsewhere, and this page may not look there.
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
    // A burst is one piece of news.
    waiting ??= setTimeout(() => {
      waiting = null;
      tell();
    }, 60);
  });
  source.addEventListener("error", () => {
    changed("lost");
    // The browser gives up where nobody answers as expected, and says so by this.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}
