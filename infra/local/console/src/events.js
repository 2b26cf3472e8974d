// The view of events: the records that the studio reads and writes, the newest first.

import { address, ago, command, duration, empty, facts, field, h, pill, readable, said } from "./dom.js";
import { sentence, short, tone } from "./describe.js";
import { isConsumed, listen, live, tenants } from "./live.js";
import { listenToWaiting, waitsAt } from "./waiting.js";

/** How many lines are shown. */
const MOST = 400;

export function show(place, _, { tenant = "", topic = "" }) {
  const list = h("ol", { class: "stream", "aria-label": "Events, the newest first" });
  const nothing = h("div", {});
  const known = h("datalist", { id: "tenants" });
  const held = h("button", { type: "button", class: "held", hidden: true, onclick: pause });
  const stop = h("button", { type: "button", onclick: pause }, "Pause");
  let paused = null;

  const go = (event) => {
    event.preventDefault();
    location.hash = address(["events"], said(event.currentTarget));
  };
  const topics = (name, all) => h("optgroup", { label: name }, all.map((one) => h("option", { value: one, selected: one === topic }, short(one))));
  const form = h(
    "form",
    { class: "filters", onchange: go, onsubmit: go },
    field("Tenant", { name: "tenant", value: tenant, list: "tenants", placeholder: "all" }),
    h(
      "label",
      {},
      h("span", {}, "Topic"),
      h("select", { name: "topic" }, h("option", { value: "" }, "all"), topics("consumed", live.about.consumed), topics("produced", live.about.produced)),
    ),
    known,
  );
  place.append(
    h("div", { class: "head" }, h("h1", {}, "Events"), h("p", { class: "lead" }, "What the studio reads, does and publishes, as it happens.")),
    h("div", { class: "bar" }, form, stop),
    held,
    list,
    nothing,
  );

  const matches = ({ record, report }) =>
    record
      ? (!tenant || record.tenant === tenant) && (!topic || record.topic === topic)
      : !tenant && (!topic || report.topic === topic) && report.what !== "committed";

  function add(entries) {
    const lines = entries.filter(matches).slice(-MOST).reverse();
    list.prepend(...lines.map(({ record, report }) => (record ? recordLine(record) : reportLine(report))));
    while (list.children.length > MOST) list.lastElementChild.remove();
    known.replaceChildren(...tenants().map((name) => h("option", { value: name })));
    const isFiltered = tenant || topic;
    nothing.replaceChildren(...(list.children.length > 0 ? [] : [isFiltered ? unmatched() : first()]));
  }

  function pause() {
    if (paused === null) {
      paused = [];
    } else {
      add(paused);
      paused = null;
    }
    stop.textContent = paused === null ? "Pause" : "Resume";
    stop.setAttribute("aria-pressed", String(paused !== null));
    held.hidden = true;
  }

  add(live.entries);
  const ends = [
    listen((entries) => {
      if (paused === null) return add(entries);
      paused.push(...entries);
      const count = paused.filter(matches).length;
      held.hidden = count === 0;
      held.textContent = `${count} more since you paused: show them`;
    }),
    listenToWaiting(() => {
      for (const line of list.children) line.mark?.();
    }),
  ];
  return () => ends.forEach((end) => end());
}

function first() {
  return empty(
    "No event yet",
    h("p", {}, "Publish one from another terminal. The contract's example becomes a poster and an invitation:"),
    command("make publish"),
    h("p", {}, "A campaign becomes banners and posts:"),
    command("make publish TOPIC=campaign.launched"),
  );
}

function unmatched() {
  return empty(
    "No match among the last events",
    h("p", {}, "The page keeps the last thousand. ", h("a", { href: "#/events" }, "Show all of them"), "."),
  );
}

function recordLine(record) {
  const marks = h("span", { class: "marks" });
  const details = h(
    "details",
    {},
    h(
      "summary",
      {},
      h("span", { class: "topic" }, short(record.topic)),
      h("span", { class: "what" }, sentence(record), marks),
      h("span", { class: "tenant" }, record.tenant ?? "no tenant"),
      h("span", { class: "when" }, ago(record.at)),
    ),
  );
  // The details are built only when they are opened.
  details.addEventListener("toggle", () => details.children.length > 1 || details.append(whole(record)), { once: true });
  const line = h("li", { class: `event ${tone(record.topic)}`, "data-place": record.place }, details);
  line.mark = () => {
    const entry = isConsumed(record.topic) ? waitsAt(record) : null;
    marks.replaceChildren(...(entry ? [pill("dead-lettered"), h("span", { class: "cause" }, entry.cause)] : []));
  };
  line.mark();
  return line;
}

/** A whole record, with links to related views. */
function whole(record) {
  const entry = isConsumed(record.topic) ? waitsAt(record) : null;
  const ways = [
    isConsumed(record.topic) ? [address(["walk", record.topic, record.partition, record.offset]), "Its walk"] : null,
    entry ? [address(["dead-letters", entry.id]), "Why it is a dead letter"] : null,
    record.tenant && typeof record.data.jobId === "string" ? [address(["jobs", record.tenant, record.data.jobId]), "The job"] : null,
    record.tenant ? [address(["jobs"], { tenant: record.tenant }), "The tenant's jobs"] : null,
  ].filter(Boolean);
  return h(
    "div",
    { class: "whole" },
    h("p", { class: "ways" }, ways.map(([href, text]) => h("a", { href }, text))),
    facts([
      ["topic", record.topic],
      ["at", `partition ${record.partition}, offset ${record.offset}`],
      ["key", record.key === null ? h("span", { class: "muted" }, "none") : h("code", {}, record.key)],
      ["size", `${record.bytes.toLocaleString("en")} bytes`],
      ...record.headers.map(([name, value]) => [`header ${name}`, value === null ? h("span", { class: "muted" }, "no value") : value]),
    ]),
    record.text === null ? null : h("pre", { tabindex: "0" }, readable(record.text)),
    record.cut ? h("p", { class: "muted" }, "It goes on; this is its beginning. A consumer of Kafka's shows all of it.") : null,
  );
}

const ENDINGS = { failed: "failed", throttled: "throttled", "not-reached": "not reached" };

function reportLine(report) {
  const records = report.records === 1 ? "1 record" : `${report.records} records`;
  const consumer = `the consumer of ${short(report.topic)}`;
  const attempt = report.attempt > 1 ? `, attempt ${report.attempt}` : "";
  const texts = {
    invoked: () => `${consumer} took ${records}${attempt}: ${ENDINGS[report.ended] ?? "done"} in ${duration(report.took)}`,
    retrying: () => `${records} of ${short(report.topic)} come again in ${duration(report.pause)}: ${report.why}`,
    discarded: () => `${records} of ${short(report.topic)} given up (${report.why}), kept at ${report.to ?? "no place"}`,
    trouble: () => `the mapping of ${short(report.topic)}: ${report.why}`,
  };
  const isBad = report.what !== "invoked" || report.ended !== "answered";
  const why = report.what === "invoked" && report.why ? ` (${report.why})` : "";
  return h("li", { class: `report${isBad ? " bad" : ""}` }, h("span", {}, texts[report.what](), why), h("span", { class: "when" }, ago(report.at)));
}
