// Describes an event in one line.

import { duration, h, words } from "./dom.js";
import { isConsumed, live } from "./live.js";

/** A topic's name without the parts that all topics share. */
export function short(topic) {
  return topic.replace(/^eventzr\.(studio\.)?/, "").replace(/\.v1$/, "");
}

/** The CSS class of a topic. */
export function tone(topic) {
  if (isConsumed(topic)) return "in";
  const name = short(topic);
  if (name === "render-job.completed" || name === "voice-model.ready") return "good";
  if (name === "render-job.failed") return "bad";
  if (name === "render-job.created") return "open";
  return "kept";
}

/** The title of a consumed event's subject. */
export function title(record) {
  const { data } = record;
  const text = [data.title, data.headline, data.name].find((name) => typeof name === "string");
  return text ?? null;
}

/** The asset that a job makes, with its language and size. */
export function makes(job) {
  if (!job?.asset) return "An asset";
  const size = job.width && job.height ? ` ${job.width}×${job.height}` : "";
  return `${words(job.asset)}${job.locale ? `, ${job.locale}` : ""}${size}`;
}

/** Describes a record: a text, and a few muted words. */
export function sentence(record) {
  const { data, event } = record;
  const quiet = (text) => h("span", { class: "muted" }, " ", text);
  if (record.text === null) return ["A tombstone", quiet("a record without a value")];
  if (!event) return [record.cut ? "Too large to be read here" : "Not a JSON object", quiet(record.text.slice(0, 120))];
  if (isConsumed(record.topic)) {
    const of = data.eventId ?? data.contentId ?? data.campaignId;
    return [title(record) ?? "Without a title", of ? quiet(String(of)) : null];
  }
  const made = makes(live.jobs.get(data.jobId));
  switch (short(record.topic)) {
    case "render-job.created":
      return [makes(data), quiet(`${data.resubmitOf ? "again, " : ""}by ${data.provider}`)];
    case "render-job.completed":
      return [made, quiet(`made in ${duration(Number(data.durationMs))} by ${data.provider}`)];
    case "render-job.failed":
      return [`${words(data.asset ?? "an asset")} failed`, quiet(String(data.reason))];
    case "template.created":
      return [`${words(data.kind)} template`, quiet(`of “${data.configuration?.title ?? "?"}”, revision ${data.revision}`)];
    case "template.updated":
      return [`${words(data.kind)} template`, quiet(`${data.asset ? "has its asset" : "changed"}, revision ${data.revision}`)];
    case "voice-model.created":
      return [`Voice “${data.name}”`, quiet(`given to ${data.provider}, ${data.method}`)];
    case "voice-model.ready":
      return [`Voice “${data.name}” is ready`, quiet(`after ${duration(Number(data.durationMs))}`)];
    default:
      return [short(record.topic)];
  }
}
