// The view of one event's walk: from the record in Kafka to its assets, with the duration of each
// stage.

import { ask } from "./ask.js";
import { media, served } from "./asset.js";
import { makes, sentence, short, title } from "./describe.js";
import { address, ago, command, duration, empty, exact, h, pill, redraw, trouble } from "./dom.js";
import { isConsumed, listen, recordAt, records, reports } from "./live.js";
import { listenToWaiting, waitsAt } from "./waiting.js";

export function show(place, [topic, partition, offset]) {
  return offset === undefined ? choose(place) : one(place, topic, Number(partition), Number(offset));
}

function choose(place) {
  const body = h("div", { class: "body" });
  place.append(
    h("div", { class: "head" }, h("h1", {}, "Walk"), h("p", { class: "lead" }, "One event's way, from its record to its assets. Choose one.")),
    body,
  );
  function draw() {
    const consumed = records().filter((record) => isConsumed(record.topic)).reverse();
    redraw(body, [consumed.length > 0 ? h("ol", { class: "records" }, consumed.map(item)) : nothing()]);
  }
  draw();
  const ends = [listen((entries) => entries.some(({ record }) => record && isConsumed(record.topic)) && draw()), listenToWaiting(draw)];
  return () => ends.forEach((end) => end());
}

function item(record) {
  return h(
    "li",
    {},
    h(
      "a",
      { href: address(["walk", record.topic, record.partition, record.offset]) },
      h("strong", {}, sentence(record), waitsAt(record) ? [" ", pill("dead-lettered")] : null),
      h("span", { class: "muted" }, `${short(record.topic)} ${record.partition}/${record.offset} · ${record.tenant ?? "no tenant"} · `, ago(record.at)),
    ),
  );
}

function nothing() {
  return empty("No event has come yet", h("p", {}, "Publish one from another terminal, and watch where it goes:"), command("make publish"));
}

function one(place, topic, partition, offset) {
  const record = recordAt(topic, partition, offset);
  place.append(h("p", { class: "back" }, h("a", { href: "#/walk" }, "Another event")));
  if (!record) {
    place.append(
      h("div", { class: "head" }, h("h1", {}, "Walk")),
      empty(
        "This record is not among the last thousand",
        h("p", {}, `The page keeps no more than those, and ${topic} ${partition}/${offset} is not one of them. Its jobs are still listed under `, h("a", { href: "#/jobs" }, "Jobs"), "."),
      ),
    );
    // The record may arrive soon, because a page that has just opened receives the past entries
    // first.
    let end = listen(() => {
      if (!recordAt(topic, partition, offset)) return;
      end();
      place.replaceChildren();
      end = one(place, topic, partition, offset);
    });
    return () => end();
  }
  const body = h("div", { class: "body" }, h("p", { class: "busy" }, "Following it…"));
  place.append(
    h(
      "div",
      { class: "head" },
      h("h1", {}, title(record) ?? sentence(record)[0]),
      h("p", { class: "lead" }, `${record.topic}, partition ${partition}, offset ${offset} · ${record.tenant ?? "no tenant"}`),
    ),
    body,
  );
  const histories = new Map();
  let timer = null;
  let following = false;
  async function follow() {
    timer = null;
    // Only one round at a time, because each round requests every open job.
    if (following) return soon();
    following = true;
    try {
      const jobs = jobsOf(record);
      // The history of an ended job is complete, so it is requested only once.
      const wanted = jobs.filter(({ id }) => !(histories.get(id)?.isOver ?? false));
      await Promise.all(
        wanted.map(async ({ id, tenant }) => {
          const isOver = endOf(id) !== undefined;
          histories.set(id, { ...(await ask("show-job", { tenant, job: id })), isOver });
        }),
      );
      redraw(body, draw(record, jobs, histories));
    } catch (error) {
      body.replaceChildren(trouble(error, follow));
    }
    following = false;
  }
  function soon() {
    if (!left) timer ??= setTimeout(follow, 400);
  }
  let left = false;
  follow();
  const isOfIt = (entry) => (entry.record ? entry.record.tenant === record.tenant : entry.report.topic === record.topic);
  const ends = [listen((entries) => entries.some(isOfIt) && soon()), listenToWaiting(soon)];
  return () => {
    left = true;
    clearTimeout(timer);
    ends.forEach((end) => end());
  };
}

/** The jobs that the event opened, in the order in which they were published. */
function jobsOf(record) {
  const id = record.event?.id;
  const opened = records().filter(
    ({ topic, data }) => short(topic) === "render-job.created" && data.trigger?.id === id && data.trigger?.type === record.topic && !data.resubmitOf,
  );
  const jobs = new Map(opened.map((told) => [told.data.jobId, { id: told.data.jobId, tenant: told.data.tenantId, told }]));
  return id === undefined ? [] : [...jobs.values()];
}

/** The record that reports a job's end. */
function endOf(job) {
  return records().find(({ topic, data }) => data.jobId === job && ["render-job.completed", "render-job.failed"].includes(short(topic)));
}

/**
 * The delivery of the record to its consumer: the invocations that included its partition, and the
 * commit beyond its offset.
 */
function delivery(record) {
  const own = reports().filter((report) => report.topic === record.topic && report.at >= record.at);
  const commit = own.find((report) => report.what === "committed" && report.partition === record.partition && report.offset > record.offset);
  const until = commit?.at ?? Infinity;
  const invocations = own.filter((report) => report.what === "invoked" && report.partitions.includes(record.partition) && report.at <= until);
  return { commit, invocations };
}

/** The stages of a record, in order: `{ label, from, to, tone }`. */
function stagesOf(record, { commit, invocations }) {
  const stages = [];
  let since = record.at;
  for (const report of invocations) {
    const began = Math.max(report.at - report.took, since);
    stages.push({ label: since === record.at ? "waits for its consumer" : "waits to be sent again", from: since, to: began, tone: "wait" });
    const label = report.ended === "answered" ? "is decided, committed and published" : `its consumer ${report.ended.replace("-", " ")}`;
    stages.push({ label, from: began, to: report.at, tone: report.ended === "answered" ? "work" : "bad" });
    since = report.at;
  }
  if (commit && commit.at > since) stages.push({ label: "is acknowledged", from: since, to: commit.at, tone: "wait" });
  return stages;
}

/** A job's stages, from its history. Each lasts until the next entry. */
function stagesOfJob(history, end) {
  const times = history.map(({ at }) => Date.parse(at));
  const stages = [];
  history.forEach(({ what }, index) => {
    const to = times[index + 1] ?? end?.at;
    if (to === undefined || to === null) return;
    stages.push({ ...stageAfter(what), from: times[index], to: Math.max(to, times[index]) });
  });
  return stages;
}

function stageAfter(what) {
  const asked = /^asked ([^\s,;]+)/.exec(what);
  if (asked) return { label: `${asked[1]} makes it`, tone: "work" };
  if (what.startsWith("created")) return { label: "waits for its turn", tone: "wait" };
  if (what.startsWith("stored")) return { label: "its end is committed and published", tone: "wait" };
  if (what.startsWith("failed") || what.startsWith("cancelled")) return { label: "its end is committed and published", tone: "bad" };
  return { label: "waits to ask again", tone: "wait" };
}

function draw(record, jobs, histories) {
  const entry = waitsAt(record);
  const way = delivery(record);
  const first = stagesOf(record, way);
  const lanes = jobs.map((job) => {
    const shown = histories.get(job.id);
    const end = endOf(job.id);
    return { ...job, shown, end, stages: stagesOfJob(shown.history, end) };
  });
  const all = [...first, ...lanes.flatMap((lane) => lane.stages)];
  const last = Math.max(record.at, ...all.map((stage) => stage.to));
  const scale = { from: record.at, span: Math.max(last - record.at, 1) };
  return [
    verdict(record, entry, way, lanes, last),
    h("section", { class: "lane" }, h("h2", {}, "The record"), bars(first, scale)),
    ...lanes.map((lane) => drawLane(record, lane, scale)),
    h("section", {}, h("h2", {}, "Moment by moment"), moments(record, way, lanes, entry)),
  ].filter(Boolean);
}

function verdict(record, entry, { commit }, lanes, last) {
  if (entry) {
    return h(
      "div",
      { class: "verdict bad" },
      h("p", {}, h("strong", {}, "Dead letter")),
      h("p", {}, entry.cause),
      h("p", {}, h("a", { href: address(["dead-letters", entry.id]) }, "Look at it, redrive it or discard it")),
    );
  }
  const jobs = (count) => `${count} ${count === 1 ? "job" : "jobs"}`;
  const open = lanes.filter((lane) => !lane.end).length;
  const failed = lanes.filter((lane) => lane.end && short(lane.end.topic) === "render-job.failed").length;
  if (open > 0) return h("p", { class: "verdict" }, h("strong", {}, `${jobs(lanes.length)}, ${open} still open`), " after ", duration(last - record.at));
  if (lanes.length > 0) {
    const how = failed > 0 ? `${failed} of ${jobs(lanes.length)} failed` : `${jobs(lanes.length)} completed`;
    return h("p", { class: `verdict ${failed > 0 ? "bad" : "good"}` }, h("strong", {}, how), ` ${duration(last - record.at)} after its record came`);
  }
  if (commit) return h("p", { class: "verdict" }, h("strong", {}, "Done, and no job was opened"), ": it changed nothing that is to be seen, or was decided before");
  return h("p", { class: "verdict" }, h("strong", {}, "On its way"), " to its consumer");
}

function drawLane(record, { id, tenant, told, shown, end, stages }, scale) {
  const url = served(shown.object);
  const name = makes(told.data);
  const state = shown.job.state;
  return h(
    "section",
    { class: "lane", "data-job": id },
    h("h2", {}, h("a", { href: address(["jobs", tenant, id]) }, name), " ", pill(state)),
    bars(stages, scale),
    url && state === "completed" ? h("figure", {}, media(url, `${name}: ${title(record) ?? ""}`)) : null,
    end && short(end.topic) === "render-job.failed" ? h("p", { class: "muted" }, String(end.data.reason)) : null,
  );
}

/** A bar for each stage, all on the same scale. */
function bars(stages, { from, span }) {
  if (stages.length === 0) return h("p", { class: "muted" }, "No event about it has arrived yet.");
  const bar = ({ label, from: begin, to, tone }) => {
    const fill = h("span", { class: `fill ${tone}` });
    fill.style.marginLeft = `${((begin - from) / span) * 100}%`;
    fill.style.width = `${((to - begin) / span) * 100}%`;
    return h("li", {}, h("span", { class: "stage-name" }, label), h("span", { class: "track", "aria-hidden": "true" }, fill), h("span", { class: "took" }, duration(to - begin)));
  };
  return h("ol", { class: "bars" }, stages.map(bar));
}

/** Everything that happened, in order, with the time since the record arrived. */
function moments(record, { commit, invocations }, lanes, entry) {
  const happened = [{ at: record.at, what: `Kafka has it: partition ${record.partition}, offset ${record.offset}` }];
  for (const report of invocations) {
    const records = report.records === 1 ? "it alone" : `${report.records} records`;
    happened.push({ at: report.at - report.took, what: `its consumer is invoked with ${records}` });
    happened.push({ at: report.at, what: report.ended === "answered" ? "its consumer has answered" : `its consumer: ${report.ended}` });
  }
  if (commit) happened.push({ at: commit.at, what: "acknowledged: its partition goes on behind it" });
  if (entry) happened.push({ at: Date.parse(entry.lastSeen), what: `dead-lettered: ${entry.cause}` });
  for (const { told, shown, end } of lanes) {
    const name = makes(told.data);
    happened.push(...shown.history.map(({ at, what }) => ({ at: Date.parse(at), what: `${name}: ${what}` })));
    happened.push({ at: told.at, what: `${name}: its creation is published, ${told.topic} ${told.partition}/${told.offset}` });
    if (end) happened.push({ at: end.at, what: `${name}: its end is published, ${end.topic} ${end.partition}/${end.offset}` });
  }
  happened.sort((one, other) => one.at - other.at);
  const row = ({ at, what }) => h("li", {}, exact(at), h("span", { class: "since" }, `+${duration(Math.max(at - record.at, 0))}`), h("span", {}, what));
  return h("ol", { class: "history" }, happened.map(row));
}
