// The views of dead letters: the waiting ones, and a single one with its content.

import { ask } from "./ask.js";
import { confirm } from "./confirm.js";
import { correction } from "./correct.js";
import { short } from "./describe.js";
import { address, ago, choice, empty, facts, field, h, pill, readable, said, trouble } from "./dom.js";
import { live, recordAt, tenants } from "./live.js";
import { listenToWaiting, refreshWaiting } from "./waiting.js";

const PAGE = 50;

export function show(place, [id], parameters) {
  return id ? one(place, id) : list(place, parameters);
}

function list(place, { topic = "", tenant = "", cause = "" }) {
  const go = (event) => {
    event.preventDefault();
    location.hash = address(["dead-letters"], said(event.currentTarget));
  };
  const form = h(
    "form",
    { class: "filters", onchange: go, onsubmit: go },
    field("Cause", { name: "cause", value: cause, placeholder: "any words of it" }),
    field("Tenant", { name: "tenant", value: tenant, list: "tenants", placeholder: "all" }),
    choice("Topic", "topic", "all", live.about.consumed.map((one) => [one, short(one)]), topic),
    h("datalist", { id: "tenants" }, tenants().map((name) => h("option", { value: name }))),
  );
  const body = h("div", { class: "body" }, h("p", { class: "busy" }, "Asking for the records…"));
  const all = h("button", { type: "button", hidden: true });
  place.append(
    h(
      "div",
      { class: "head" },
      h("h1", {}, "Dead letters"),
      h("p", { class: "lead" }, "Records that can never succeed as they are, and records that a mapping has discarded. They are kept byte for byte until an operator decides."),
    ),
    h("div", { class: "bar" }, form, all),
    body,
  );
  const filter = Object.fromEntries(Object.entries({ topic, tenant, cause }).filter(([, value]) => value));
  let shown = [];
  let round = 0;
  async function load(after) {
    const own = ++round;
    try {
      const listed = await ask("list-dead-letters", { filter, after, most: PAGE });
      // A newer request has been sent meanwhile.
      if (own !== round) return;
      shown = after ? [...shown, ...listed.entries] : listed.entries;
      all.hidden = shown.length === 0;
      all.textContent = shown.length === 1 ? "Redrive it…" : `Redrive all ${shown.length}…`;
      all.onclick = () => redrive(shown.map((entry) => entry.id), changed);
      const more = listed.next ? h("button", { type: "button", onclick: () => load(listed.next) }, "Show more") : null;
      const unread = listed.gathered?.unread ?? [];
      body.replaceChildren(
        ...[
          unread.length > 0 ? h("p", { class: "muted" }, `${unread.length} given up by a mapping cannot be read: ${unread[0].why}`) : null,
          shown.length > 0 ? h("ol", { class: "records" }, shown.map(item)) : none(Object.keys(filter).length > 0),
          more,
        ].filter(Boolean),
      );
    } catch (error) {
      if (own === round) body.replaceChildren(trouble(error, () => load(after)));
    }
  }
  function changed() {
    load();
    refreshWaiting();
  }
  load();
  // An operator who has loaded more pages is not sent back to the first one.
  return listenToWaiting(() => shown.length <= PAGE && load());
}

function none(isFiltered) {
  if (isFiltered) return empty("No match", h("p", {}, h("a", { href: "#/dead-letters" }, "Show all that wait"), "."));
  return empty("No record waits", h("p", {}, "Every event that came was decided. One that breaks the contract would be here, with the sentence that says where."));
}

function item(entry) {
  const times = entry.count === 1 ? "once" : `${entry.count} times`;
  return h(
    "li",
    { "data-record": entry.id },
    h(
      "a",
      { href: address(["dead-letters", entry.id]) },
      h("strong", {}, entry.cause),
      h("span", { class: "muted" }, `${short(entry.topic)} ${entry.partition}/${entry.offset} · ${entry.tenant ?? "no tenant"} · ${times} · `, ago(Date.parse(entry.lastSeen))),
    ),
  );
}

function one(place, id) {
  const heading = h("h1", { class: "sentence" }, "Record");
  const body = h("div", { class: "body" }, h("p", { class: "busy" }, "Asking for the record…"));
  place.append(h("p", { class: "back" }, h("a", { href: "#/dead-letters" }, "All that wait")), h("div", { class: "head" }, heading), body);
  async function load() {
    try {
      const shown = await ask("show-dead-letter", { id });
      heading.replaceChildren(shown.entry.cause);
      body.replaceChildren(...whole(shown, changed));
    } catch (error) {
      body.replaceChildren(trouble(error, load));
    }
  }
  function changed() {
    load();
    refreshWaiting();
  }
  load();
}

function whole({ entry, object, content }, changed) {
  const { resolved } = entry;
  const place = recordAt(entry.topic, entry.partition, entry.offset);
  return [
    resolved ? h("p", {}, pill(resolved.how), " ", ago(Date.parse(resolved.at))) : null,
    resolved
      ? null
      : h(
          "div",
          { class: "buttons" },
          h("button", { type: "button", class: "primary", onclick: () => redrive([entry.id], changed) }, "Redrive…"),
          h("button", { type: "button", onclick: () => discard([entry.id], changed) }, "Discard…"),
          place ? h("a", { class: "button", href: address(["walk", entry.topic, entry.partition, entry.offset]) }, "Its walk") : null,
        ),
    facts([
      ["topic", entry.topic],
      ["at", `partition ${entry.partition}, offset ${entry.offset}`],
      ["tenant", entry.tenant ?? h("span", { class: "muted" }, "no key")],
      ["dead-lettered", h("span", {}, entry.count === 1 ? "once, " : `${entry.count} times, last `, ago(Date.parse(entry.lastSeen)))],
      ["first seen", entry.count === 1 ? null : ago(Date.parse(entry.firstSeen))],
      ["id", h("code", {}, entry.id)],
      ["object", object ? h("code", {}, object) : null],
    ]),
    h("section", {}, h("h2", {}, "As it came"), content ? came(content) : gone(resolved, object)),
    entry.topic !== "render-queue" && !resolved && content?.value?.text !== undefined ? h("section", {}, correction(entry, content, changed)) : null,
  ].filter(Boolean);
}

function gone(resolved, object) {
  if (resolved) return h("p", { class: "muted" }, `Its content was deleted when it was ${resolved.how}.`);
  return h("p", { class: "muted" }, `It is too large to be shown here${object ? `; the object ${object} has it` : ""}.`);
}

function came(content) {
  const headers = content.headers.map(([name, value]) => [`header ${name}`, value === null ? h("span", { class: "muted" }, "no value") : bytes(value)]);
  return h(
    "div",
    {},
    facts([
      ["timestamp", content.timestamp === null ? null : ago(content.timestamp)],
      ["key", content.key === null ? h("span", { class: "muted" }, "none") : bytes(content.key)],
      ...headers,
    ]),
    content.unread !== undefined ? h("pre", { tabindex: "0" }, content.unread) : null,
    content.value === null ? h("p", { class: "muted" }, "It has no value: it is a tombstone.") : value(content.value),
  );
}

/** Text, or Base64 with a note if the bytes are not text. */
function bytes(bytes) {
  return bytes.text !== undefined ? h("code", {}, bytes.text) : h("span", {}, h("code", {}, bytes.base64), " (Base64)");
}

function value(bytes) {
  if (bytes.text !== undefined) return h("pre", { tabindex: "0" }, readable(bytes.text));
  return h("div", {}, h("p", { class: "muted" }, "It is not text; in Base64:"), h("pre", { tabindex: "0" }, bytes.base64));
}

const FATES = {
  "would-be-redriven": (fate) => ({ text: "would be redriven", detail: `given to ${fate.to} once more`, tone: "would", would: true }),
  "would-be-discarded": () => ({ text: "would be discarded", tone: "would", would: true }),
  redriven: (fate) => ({ text: "redriven", detail: `${fate.to} is done with it`, tone: "good" }),
  discarded: () => ({ text: "discarded", tone: "good" }),
  "came-back": (fate) => ({ text: fate.count === 1 ? "came back" : `came back, ${fate.count} times now`, detail: fate.cause, tone: "left" }),
  "not-yet": (fate) => ({ text: "not yet", detail: fate.why, tone: "left" }),
  stays: (fate) => ({ text: "stays", detail: fate.why, tone: "left" }),
  "was-resolved": () => ({ text: "was resolved before", tone: "over" }),
};

/**
 * Handles the records with these ids page by page, and returns a line about each. Without `execute`
 * it is a dry run.
 */
async function handle(step, ids, execute) {
  const lines = [];
  let after;
  do {
    const handled = await ask(step, { which: { ids }, after, execute });
    lines.push(...handled.records.map(([entry, fate]) => lineOf(entry, FATES[fate.is](fate))));
    lines.push(...(handled.unknown ?? []).map((id) => ({ text: "nothing has this id", detail: id, tone: "left" })));
    if (handled.stopped) {
      lines.push({ text: "It stopped early", detail: handled.stopped, tone: "left" });
      break;
    }
    after = handled.next;
  } while (after);
  return lines;
}

function lineOf(entry, fate) {
  const where = `${short(entry.topic)} ${entry.partition}/${entry.offset}`;
  return { ...fate, text: `${where} ${fate.text}`, detail: fate.detail };
}

function redrive(ids, done) {
  confirm({
    title: ids.length === 1 ? "Redrive this record?" : `Redrive ${ids.length} records?`,
    explain: "Each is given to its consumer, alone and under its own offset, as the mapping would. Nothing is published. It is safe to do twice.",
    verb: ids.length === 1 ? "Redrive it" : "Redrive them",
    ask: (execute) => handle("redrive", ids, execute),
    done,
  });
}

function discard(ids, done) {
  confirm({
    title: ids.length === 1 ? "Discard this record?" : `Discard ${ids.length} records?`,
    explain: "It is deleted for good, and is not processed. The bucket has the old version for a week.",
    verb: "Discard it",
    danger: true,
    ask: (execute) => handle("discard", ids, execute),
    done,
  });
}
