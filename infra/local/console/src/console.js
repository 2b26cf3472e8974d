// The page: shows the right view, and the state of the connection to the stack.

import * as events from "./events.js";
import * as gallery from "./gallery.js";
import * as jobs from "./jobs.js";
import * as deadLetters from "./dead-letters.js";
import * as walk from "./walk.js";
import * as why from "./why.js";
import { empty, h } from "./dom.js";
import { connect, listen, live } from "./live.js";
import { listenToWaiting, refreshWaiting, waiting } from "./waiting.js";

const VIEWS = { events, jobs, gallery, "dead-letters": deadLetters, walk, why };

const place = document.getElementById("view");
let leave = () => {};
let shown = null;

/** The parts of the address: a view, the parts after it, and parameters. */
function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  const name = parts.length === 0 ? "events" : Object.hasOwn(VIEWS, parts[0]) ? parts.shift() : null;
  return { name, parts, parameters: Object.fromEntries(new URLSearchParams(query)), path };
}

/** An address that cannot be decoded is used as it is. */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The view of an address that names no view. */
function unknown(place, parts) {
  place.append(
    h("div", { class: "head" }, h("h1", {}, "No such page")),
    empty("This address names no page", h("p", {}, "There is no ", h("code", {}, `#/${parts.join("/")}`), ". Go to the ", h("a", { href: "#/events" }, "events"), ", or choose a page above.")),
  );
}

function show() {
  leave();
  const { name, parts, parameters, path } = route();
  const isAnother = path !== shown;
  shown = path;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  place.replaceChildren();
  place.className = name ?? "unknown";
  // A view returns a function that ends it.
  leave = (name === null ? unknown : VIEWS[name].show)(place, parts, parameters) ?? (() => {});
  document.title = `${place.querySelector("h1")?.textContent ?? "Studio"} · Studio`;
  return isAnother;
}

window.addEventListener("hashchange", () => {
  const field = document.activeElement?.name;
  if (show()) {
    window.scrollTo(0, 0);
    place.focus({ preventScroll: true });
  } else if (field) {
    // The focused filter keeps the focus after the list changes.
    place.querySelector(`[name="${CSS.escape(field)}"]`)?.focus();
  }
});

const line = document.getElementById("line");
const STATES = {
  connecting: ["connecting", "The page waits for the stack's first answer."],
  live: ["live", "Connected: what happens is shown at once."],
  lost: ["not connected", "Start the stack again with `make up`; the page connects by itself."],
};
listen(() => {
  const [text, why] = STATES[live.state];
  if (line.dataset.state === live.state) return;
  line.dataset.state = live.state;
  line.title = why;
  line.replaceChildren(h("span", {}, text));
});

const count = document.getElementById("waiting");
listenToWaiting(() => {
  const number = waiting.entries.length;
  count.hidden = number === 0;
  count.textContent = waiting.more ? `${number}+` : String(number);
  count.title = number === 1 ? "one record waits" : `${count.textContent} records wait`;
});

// A view needs to know the stack, so the first one is drawn only after the greeting.
const end = listen(() => {
  if (!live.about) return;
  end();
  show();
});
connect();
refreshWaiting();
