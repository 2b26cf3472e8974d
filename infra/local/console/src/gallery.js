// The view of rendered assets, the newest first.

import { gallery } from "./ask.js";
import { media } from "./asset.js";
import { address, ago, choice, command, duration, empty, field, h, said, trouble, words } from "./dom.js";
import { listen, live, tenants } from "./live.js";

export function show(place, _, { tenant = "", type = "" }) {
  const go = (event) => {
    event.preventDefault();
    location.hash = address(["gallery"], said(event.currentTarget));
  };
  const known = h("datalist", { id: "tenants" }, tenants().map((name) => h("option", { value: name })));
  const form = h(
    "form",
    { class: "filters", onchange: go, onsubmit: go },
    field("Tenant", { name: "tenant", value: tenant, list: "tenants", placeholder: "all" }),
    choice("Media", "type", "all", [["image", "pictures"], ["video", "videos"], ["audio", "audio"]], type),
    known,
  );
  const body = h("div", { class: "body" });
  const cards = h("ul", { class: "cards" });
  place.append(
    h("div", { class: "head" }, h("h1", {}, "Gallery"), h("p", { class: "lead" }, "What was rendered since the stack started.")),
    h("div", { class: "bar" }, form),
    body,
  );
  const drawn = new Map();
  async function load() {
    try {
      const assets = (await gallery()).filter((asset) => (!tenant || asset.tenant === tenant) && (!type || asset.type === type));
      // An unchanged card keeps its element, so that a playing video or audio goes on.
      for (const asset of [...assets].reverse()) {
        const before = drawn.get(asset.job);
        const text = JSON.stringify(asset);
        if (before?.text === text) continue;
        const element = card(asset);
        if (before) before.element.replaceWith(element);
        else cards.prepend(element);
        drawn.set(asset.job, { text, element });
      }
      body.replaceChildren(assets.length > 0 ? cards : nothing(tenant || type));
    } catch (error) {
      body.replaceChildren(trouble(error, load));
    }
  }
  load();
  let timer = null;
  const end = listen((entries) => {
    if (!entries.some(({ record }) => record?.topic.includes(".render-job.") || record?.topic.includes(".template."))) return;
    timer ??= setTimeout(() => {
      timer = null;
      load();
    }, 400);
  });
  return () => {
    end();
    clearTimeout(timer);
  };
}

function nothing(isFiltered) {
  if (isFiltered) return empty("Nothing like that was rendered yet", h("p", {}, h("a", { href: "#/gallery" }, "Show all of it"), "."));
  return empty(
    "Nothing is rendered yet",
    h("p", {}, "Publish an event from another terminal; its pictures appear here a few seconds later:"),
    command("make publish"),
    h("p", {}, "Videos and spoken spots are made by vendors, as a sandbox plays them: start the stack with"),
    command("make up VENDORS=1"),
  );
}

function card(asset) {
  const name = asset.asset ? words(asset.asset) : "Asset";
  const alt = asset.title ? `${name}: ${asset.title}` : name;
  // Only URLs of the assets server are fetched, whatever an event says.
  const isOurs = typeof asset.url === "string" && asset.url.startsWith(`${live.about.assets}/`);
  const picture = isOurs ? media(asset.url, alt) : h("p", { class: "muted" }, "Its address is not that of an asset.");
  const job = address(["jobs", String(asset.tenant), asset.job]);
  const details = [
    asset.width && asset.height ? `${asset.width}×${asset.height}` : null,
    asset.lengthMs ? `${duration(asset.lengthMs)} long` : null,
    asset.locale,
    asset.provider,
    `in ${duration(Number(asset.durationMs))}`,
  ];
  return h(
    "li",
    { class: `card ${asset.type}`, "data-job": asset.job },
    // A video or audio plays in place; a picture links to its job.
    h("div", { class: "mat" }, asset.type === "image" ? h("a", { href: job, "aria-label": `${alt}: its job` }, picture) : picture),
    h(
      "div",
      { class: "label" },
      h("a", { class: "name", href: job }, name),
      asset.title ? h("p", { class: "title" }, asset.title) : null,
      h("p", { class: "muted" }, details.filter(Boolean).join(" · ")),
      h("p", { class: "muted" }, String(asset.tenant), " · ", ago(asset.at)),
    ),
  );
}
