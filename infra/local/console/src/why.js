// The view that explains something of a tenant's: what happened, how it stands, and what comes next.

import { ask } from "./ask.js";
import { executed, makes, timeline, verdictOf } from "./jobs.js";
import { address, ago, empty, facts, field, h, pill, said, trouble } from "./dom.js";
import { listen, tenants } from "./live.js";

export function show(place, _, { tenant = "", about = "", source = "" }) {
  const go = (event) => {
    event.preventDefault();
    location.hash = address(["why"], said(event.currentTarget));
  };
  const known = h("datalist", { id: "tenants" });
  const suggest = () => known.replaceChildren(...tenants().map((name) => h("option", { value: name })));
  suggest();
  const form = h(
    "form",
    { class: "filters", onsubmit: go },
    field("Tenant", { name: "tenant", value: tenant, list: "tenants", placeholder: "whose is it?" }),
    field("What", { name: "about", value: about, placeholder: "an id, an asset's address, event/<id>" }),
    field("Source of the event", { name: "source", value: source, placeholder: "those that are known" }),
    h("button", { type: "submit" }, "Explain"),
    known,
  );
  const body = h("div", { class: "body" });
  place.append(
    h(
      "div",
      { class: "head" },
      h("h1", {}, "Why"),
      h("p", { class: "lead" }, "What happened to something of a tenant's, how it stands, and what comes next."),
    ),
    h("div", { class: "bar" }, form),
    body,
  );
  if (!tenant) {
    body.replaceChildren(
      empty(
        "Say whose it is, and what",
        h("p", {}, "An id of an event, a job, a voice, a dead letter or an entity; the address of an asset; or a record as <topic>/<partition>/<offset>. With a tenant alone, its newest jobs are explained."),
      ),
    );
    return listen(suggest);
  }
  async function load() {
    try {
      const explained = await ask("why", { tenant, about: about || undefined, source: source || undefined });
      body.replaceChildren(...explained.found.map((one) => explanation(tenant, one)), notFound(explained));
    } catch (error) {
      body.replaceChildren(trouble(error, load));
    }
  }
  body.replaceChildren(h("p", { class: "busy" }, "Looking for it…"));
  load();
  return listen(suggest);
}

/** Where it was looked for in vain, if nothing was found. */
function notFound({ found, notFound: sentences }) {
  const isNothing = found.every((one) => one.is === "event" && one.outcome.is === "not-found");
  if (!isNothing) return h("div", {});
  return h("section", {}, h("h2", {}, "Nothing has this name"), h("ul", {}, sentences.map((sentence) => h("li", {}, `There is ${sentence}.`))));
}

const EXPLANATIONS = { tenant: ofTenant, event: ofEvent, entity: ofEntity, job: ofJob, voice: ofVoice, "dead-letter": ofDeadLetter };

function explanation(tenant, one) {
  return h("section", { class: "why" }, EXPLANATIONS[one.is](tenant, one));
}

function ofJob(tenant, shown) {
  const { job } = shown;
  return [
    h("h2", {}, h("a", { href: address(["jobs", tenant, job.id]) }, makes(job)), " ", pill(job.state)),
    verdictOf(shown.verdict),
    timeline(shown.history),
    facts([
      ["of", `${job.entity.kind} ${job.entity.id}`],
      ["title", shown.input?.title],
      ["starts", shown.input?.startsAt],
      ["execution", executed(shown.execution)],
      ["object", shown.object ? h("code", {}, shown.object) : null],
    ]),
  ];
}

function ofEvent(tenant, event) {
  return [
    h("h2", {}, "Event ", h("code", {}, event.id)),
    verdictOf(event),
    facts([
      ["source", event.source],
      ["decided", event.decidedAt ? ago(Date.parse(event.decidedAt)) : null],
      ...(event.published ?? []).map((one) => ["publishes", h("span", {}, `${one.topic} `, h("code", {}, one.id))]),
    ]),
    lines(tenant, event.jobs ?? []),
    letters(event.deadLetters ?? []),
  ];
}

function ofEntity(tenant, entity) {
  const name = ({ source, id, time, version }) => `${id} of ${source}, time ${time}${version === undefined ? "" : `, version ${version}`}`;
  return [
    h("h2", {}, `${entity.entity.kind} `, h("code", {}, entity.entity.id)),
    facts([
      ["title", entity.title],
      ["starts", entity.startsAt],
      ["erased", entity.erasedAt ? ago(Date.parse(entity.erasedAt)) : null],
      ...entity.newest.flatMap((one) => [
        [`newest ${one.topic}`, name(one)],
        ["older, changed no fact", one.lastOlder ? name(one.lastOlder) : null],
      ]),
    ]),
    lines(tenant, entity.templates.map(({ latest }) => latest).filter(Boolean)),
  ];
}

function ofTenant(tenant, { jobs, hasMoreJobs, deadLetters, hasMoreDeadLetters }) {
  return [
    h("h2", {}, "The newest jobs"),
    jobs.length > 0 ? lines(tenant, jobs) : h("p", { class: "muted" }, "It has none. A tenant's name is written as its events have it."),
    hasMoreJobs ? h("p", {}, h("a", { href: address(["jobs"], { tenant }) }, "All its jobs")) : null,
    h("h2", {}, "Dead letters that wait"),
    deadLetters.length > 0 ? letters(deadLetters) : h("p", { class: "muted" }, "None."),
    hasMoreDeadLetters ? h("p", {}, h("a", { href: address(["dead-letters"], { tenant }) }, "All its dead letters")) : null,
  ];
}

function ofVoice(_, { voice, execution, failure }) {
  return [
    h("h2", {}, `Voice ${voice.name ?? ""} `, pill(voice.state)),
    facts([
      ["provider", voice.provider],
      ["registered", ago(Date.parse(voice.createdAt))],
      ["execution", h("code", {}, execution)],
      ["failure", failure],
    ]),
  ];
}

function ofDeadLetter(_, letter) {
  return [h("h2", {}, "Dead letter"), letters([letter])];
}

/** Jobs with how each stands. */
function lines(tenant, jobs) {
  const item = ({ job, verdict }) =>
    h(
      "li",
      {},
      h("p", {}, h("a", { href: address(["jobs", tenant, job.id]) }, makes(job)), " ", pill(job.state), h("span", { class: "muted" }, ` of ${job.entity.kind} ${job.entity.id}`)),
      verdictOf(verdict),
    );
  return jobs.length > 0 ? h("ol", { class: "stands" }, jobs.map(item)) : null;
}

function letters(all) {
  const item = (letter) =>
    h(
      "li",
      {},
      h("p", {}, h("a", { href: address(["dead-letters", letter.id]) }, `${letter.topic}/${letter.partition}/${letter.offset}`), letter.resolved ? h("span", { class: "muted" }, ` ${letter.resolved.how}`) : null),
      h("p", { class: "muted" }, letter.cause),
    );
  return all.length > 0 ? h("ol", { class: "stands" }, all.map(item)) : null;
}
