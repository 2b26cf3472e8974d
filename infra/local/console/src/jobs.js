// The views of jobs: a tenant's list, and a single job with its history.

import { ask } from "./ask.js";
import { media, served } from "./asset.js";
import { confirm } from "./confirm.js";
import { address, ago, choice, command, duration, empty, exact, facts, field, h, pill, said, trouble, words } from "./dom.js";
import { listen, records, tenants } from "./live.js";

const STATES = ["created", "submitted", "completed", "failed", "cancelled", "erased"];
const PAGE = 50;

export function show(place, [tenant, job], parameters) {
  return job ? one(place, tenant, job) : list(place, parameters);
}

/** The asset that a job makes, for a list. */
export function makes(job) {
  return `${words(job.asset)}${job.locale ? `, ${job.locale}` : ""}`;
}

function list(place, { tenant = "", state = "" }) {
  const known = h("datalist", { id: "tenants" });
  const go = (event) => {
    event.preventDefault();
    location.hash = address(["jobs"], said(event.currentTarget));
  };
  const form = h(
    "form",
    { class: "filters", onchange: go, onsubmit: go },
    field("Tenant", { name: "tenant", value: tenant, list: "tenants", placeholder: "a tenant's name" }),
    choice("State", "state", "any", STATES.map((one) => [one, one]), state),
    known,
  );
  const body = h("div", { class: "body" });
  place.append(
    h("div", { class: "head" }, h("h1", {}, "Jobs"), h("p", { class: "lead" }, "What each tenant had made, the newest first.")),
    h("div", { class: "bar" }, form),
    body,
  );
  const suggest = () => known.replaceChildren(...tenants().map((name) => h("option", { value: name })));
  suggest();

  if (!tenant) {
    const choose = () => {
      suggest();
      body.replaceChildren(whose());
    };
    choose();
    return listen(choose);
  }

  let timer = null;
  let round = 0;
  const rows = h("tbody", {});
  const more = h("button", { type: "button", hidden: true }, "Show more");
  async function load(after) {
    const own = ++round;
    try {
      const listed = await ask("list-jobs", { tenant, filter: state ? { state } : {}, after, most: PAGE });
      // A newer request has been sent meanwhile.
      if (own !== round) return;
      if (!after) rows.replaceChildren();
      rows.append(...listed.jobs.map((job) => row(tenant, job)));
      more.hidden = !listed.next;
      more.onclick = () => load(listed.next);
      if (rows.children.length > 0) body.replaceChildren(table(rows), more);
      else if (listed.next) body.replaceChildren(h("p", { class: "muted" }, "None so far among those that were looked at."), more);
      else body.replaceChildren(none(tenant, state));
    } catch (error) {
      if (own === round) body.replaceChildren(trouble(error, () => load(after)));
    }
  }
  body.replaceChildren(h("p", { class: "busy" }, "Asking for the jobs…"));
  load();
  // An operator who has loaded more pages is not sent back to the first one.
  const end = listen((entries) => {
    suggest();
    const isOurs = ({ record }) => record?.tenant === tenant && record.topic.includes(".render-job.");
    if (!entries.some(isOurs) || rows.children.length > PAGE) return;
    timer ??= setTimeout(() => {
      timer = null;
      load();
    }, 800);
  });
  return () => {
    end();
    clearTimeout(timer);
  };
}

function whose() {
  const names = tenants();
  if (names.length === 0) {
    return empty(
      "No tenant has published an event yet",
      h("p", {}, "Enter a tenant's name above as its events spell it, or publish an event from another terminal:"),
      command("make publish"),
    );
  }
  const item = (name) => {
    const own = records().filter((record) => record.tenant === name && record.topic.includes(".render-job."));
    const count = (kind) => new Set(own.filter(({ topic }) => topic.endsWith(`.${kind}.v1`)).map(({ data }) => data.jobId)).size;
    const parts = ["created", "completed", "failed"].map((kind) => [kind, count(kind)]).filter(([, number]) => number > 0);
    const text = parts.map(([kind, number]) => `${number} ${kind}`).join(", ");
    return h("li", {}, h("a", { href: address(["jobs"], { tenant: name }) }, h("strong", {}, name), h("span", { class: "muted" }, text || "no jobs")));
  };
  return h("section", { class: "tenants" }, h("h2", {}, "Tenants in the last events"), h("ul", {}, names.map(item)));
}

function none(tenant, state) {
  return empty(
    state ? `${tenant} has no job that is ${state}` : `${tenant} has no jobs`,
    state
      ? h("p", {}, h("a", { href: address(["jobs"], { tenant }) }, "Show those in any state"), ".")
      : h("p", {}, "A tenant's name is written as its events have it. ", h("a", { href: "#/jobs" }, "See the tenants of the last events"), "."),
  );
}

function table(rows) {
  const names = ["Makes", "State", "Of", "Provider", "Created"];
  return h("table", {}, h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))), rows);
}

function row(tenant, job) {
  return h(
    "tr",
    { "data-job": job.id },
    h("td", { class: "main" }, h("a", { href: address(["jobs", tenant, job.id]) }, makes(job)), job.resubmitOf ? h("span", { class: "muted" }, " again") : null),
    h("td", { class: "state" }, pill(job.state)),
    h("td", { class: "of" }, `${job.entity.kind} `, h("code", {}, job.entity.id)),
    h("td", { class: "by" }, job.provider),
    h("td", { class: "when" }, ago(Date.parse(job.createdAt))),
  );
}

function one(place, tenant, id) {
  const heading = h("h1", {}, "Job");
  const lead = h("p", { class: "lead" }, h("code", {}, id));
  const body = h("div", { class: "body" }, h("p", { class: "busy" }, "Asking for the job…"));
  place.append(
    h("p", { class: "back" }, h("a", { href: address(["jobs"], { tenant }) }, `All jobs of ${tenant}`)),
    h("div", { class: "head" }, heading, lead),
    body,
  );
  async function load() {
    try {
      const shown = await ask("show-job", { tenant, job: id });
      heading.replaceChildren(makes(shown.job), " ", pill(shown.job.state));
      lead.replaceChildren(`of ${shown.job.entity.kind} `, h("code", {}, shown.job.entity.id), `, by ${shown.job.provider}`);
      body.replaceChildren(whole(tenant, shown, load));
      document.title = `${makes(shown.job)}, ${shown.job.state} · Studio`;
    } catch (error) {
      body.replaceChildren(trouble(error, load));
    }
  }
  load();
  let timer = null;
  const end = listen((entries) => {
    if (!entries.some(({ record }) => record?.data.jobId === id || record?.data.resubmitOf === id)) return;
    timer ??= setTimeout(() => {
      timer = null;
      load();
    }, 500);
  });
  return () => {
    end();
    clearTimeout(timer);
  };
}

function whole(tenant, shown, load) {
  const { job, trigger, history, execution } = shown;
  const url = served(shown.object);
  const isOpen = job.state === "created" || job.state === "submitted";
  const other = (other) => h("a", { href: address(["jobs", tenant, other]) }, h("code", {}, other));
  const record = records().find(({ event, topic }) => topic === trigger.type && event?.id === trigger.id);
  const action = isOpen ? cancelling(tenant, job, load) : resubmitting(tenant, job, load);
  const buttons = h(
    "div",
    { class: "buttons" },
    h("button", { type: "button", onclick: action.open }, action.text),
    record ? h("a", { class: "button", href: address(["walk", record.topic, record.partition, record.offset]) }, "The walk of its event") : null,
  );
  const known = facts([
    ["job", h("code", {}, job.id)],
    ["tenant", tenant],
    ["title", shown.input?.title],
    ["starts", shown.input?.startsAt],
    ["ends", shown.input?.endsAt],
    ["venue", shown.input?.venue?.name],
    ["asked for by", h("span", {}, `${trigger.type} `, h("code", {}, trigger.id), ` of ${trigger.source}`)],
    ["template", h("code", {}, shown.template)],
    ["execution", executed(execution)],
    ["object", shown.object ? h("code", {}, shown.object) : null],
    ["makes again", job.resubmitOf ? other(job.resubmitOf) : null],
    ["made again by", shown.resubmittedAs ? other(shown.resubmittedAs) : null],
  ]);
  const open = () => h("figcaption", {}, h("a", { href: url, target: "_blank", rel: "noopener" }, "Open the file"));
  return h(
    "div",
    { class: "job" },
    url ? h("figure", { class: "asset" }, media(url, `${makes(job)} of ${job.entity.id}`), open()) : null,
    h(
      "div",
      {},
      shown.verdict ? h("section", {}, h("h2", {}, "How it stands"), verdictOf(shown.verdict)) : null,
      h("section", {}, h("h2", {}, "What happened"), timeline(history)),
      buttons,
      h("section", {}, h("h2", {}, "What is known"), known),
    ),
  );
}

export function executed({ name, is, waitsFor }) {
  if (waitsFor) return `none, it waits for its turn at ${waitsFor}`;
  if (is === "none") return "none, it is drawn from the queue";
  return h("span", {}, h("code", {}, name), `, ${is}`);
}

/** How something stands, and what comes next. An operator function from before says neither. */
export function verdictOf(verdict) {
  if (!verdict) return null;
  return h("div", { class: "stand" }, h("p", {}, verdict.now), verdict.next ? h("p", { class: "muted" }, verdict.next) : null);
}

export function timeline(history) {
  const times = history.map(({ at }) => Date.parse(at));
  const item = ({ what }, index) => {
    const since = index === 0 ? "" : `+${duration(times[index] - times[index - 1])}`;
    return h("li", {}, exact(times[index]), h("span", { class: "since" }, since), h("span", {}, what));
  };
  return h("ol", { class: "history" }, history.map(item));
}

const FATES = {
  "would-be-resubmitted": (fate) => ({ text: "It would be made again", detail: `by a new job, ${fate.by}; it may cost what this one did`, tone: "would", would: true }),
  resubmitted: (fate) => ({ text: "It is made again", detail: `by ${fate.by}${fate.before ? ", as was decided before" : ""}`, tone: "good" }),
  "would-be-cancelled": () => ({ text: "It would be cancelled", detail: "here and at its provider", tone: "would", would: true }),
  cancelled: () => ({ text: "It is cancelled", tone: "good" }),
  stays: (fate) => ({ text: "It stays as it is", detail: fate.why, tone: "left" }),
};

const line = ({ fate }) => FATES[fate.is](fate);

function resubmitting(tenant, job, done) {
  const open = () =>
    confirm({
      title: `Make this ${words(job.asset).toLowerCase()} again?`,
      explain: "A new job makes what its template shows now. This one stays as it is.",
      verb: "Make it again",
      ask: async (execute) => [line(await ask("resubmit-job", { tenant, job: job.id, execute }))],
      done,
    });
  return { text: "Make it again…", open };
}

function cancelling(tenant, job, done) {
  const open = () =>
    confirm({
      title: `Cancel this ${words(job.asset).toLowerCase()}?`,
      explain: "The job ends as cancelled, and the teams that consume its topics read that it failed.",
      verb: "Cancel the job",
      danger: true,
      ask: async (execute) => [line(await ask("cancel-job", { tenant, job: job.id, execute }))],
      done,
    });
  return { text: "Cancel it…", open };
}
