// Builds the page's elements. Data from events is inserted only as text.

/**
 * An element. Attributes that are null or false are left out, and those that begin with `on` become
 * event listeners.
 */
export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/**
 * Shows `nodes` as all that is in `place`. An element that is as it was stays in the page: a new one
 * would stop a video that plays, and lose what a person has selected.
 */
export function redraw(place, nodes) {
  const shown = [...place.childNodes];
  nodes.forEach((node, index) => {
    const was = shown[index];
    if (!was) place.append(node);
    else if (was.isEqualNode(node)) return;
    else if (was.cloneNode(false).isEqualNode(node.cloneNode(false))) redraw(was, [...node.childNodes]);
    else was.replaceWith(node);
  });
  shown.slice(nodes.length).forEach((extra) => extra.remove());
}

/** A duration in milliseconds, for people. */
export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function relative(at) {
  const seconds = (Date.now() - at) / 1000;
  if (seconds < 2) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** A time: how long ago, with the exact time as a tooltip. */
export function ago(at) {
  if (at === null || at === undefined) return h("span", { class: "muted" }, "no time");
  const exact = new Date(at).toISOString();
  return h("time", { datetime: exact, title: exact, "data-at": at }, relative(at));
}

/** A time to the millisecond, in this machine's time zone. */
export function exact(at) {
  const date = new Date(at);
  const two = (number) => String(number).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
  return h("time", { datetime: date.toISOString(), title: date.toISOString(), class: "exact" }, text);
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-at]")) {
    const text = relative(Number(time.dataset.at));
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

/** A command to type, with a button that copies it. */
export function command(text) {
  const button = h("button", { type: "button", class: "quiet", onclick: copy }, "Copy");
  async function copy() {
    await navigator.clipboard.writeText(text).then(
      () => (button.textContent = "Copied"),
      () => (button.textContent = "Not allowed"),
    );
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
  return h("div", { class: "command" }, h("code", {}, text), button);
}

/** An empty list: why it is empty, and what to do next. */
export function empty(title, ...next) {
  return h("div", { class: "empty" }, h("h2", {}, title), next);
}

/** An error, and what to do about it. */
export function trouble(error, again) {
  return h(
    "div",
    { class: "trouble", role: "alert" },
    h("p", {}, h("strong", {}, upper(error.message)), "."),
    error.cure ? h("p", {}, error.cure) : null,
    again ? h("button", { type: "button", onclick: again }, "Try again") : null,
  );
}

/** A state, in its colour. */
export function pill(state) {
  return h("span", { class: `pill ${tone(state)}` }, state);
}

function tone(state) {
  if (state === "completed" || state === "redriven") return "good";
  if (state === "failed" || state === "dead-lettered") return "bad";
  if (state === "created" || state === "submitted") return "open";
  return "over";
}

/** A list of names and values. */
export function facts(rows) {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined);
  return h("dl", { class: "facts" }, shown.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** Part of a sentence with an upper-case first letter, for the beginning of a sentence. */
export function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A kind such as `social-square`, for people. */
export function words(kind) {
  return upper(String(kind).replaceAll("-", " "));
}

/**
 * JSON with line breaks and indentation, if that changes nothing but the space between its tokens.
 * Otherwise the text as it is.
 */
export function readable(text) {
  try {
    const value = JSON.parse(text);
    const tight = text.replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
    if (JSON.stringify(value) === tight) return JSON.stringify(value, null, 2);
  } catch {
    // The text is not JSON. It is shown unchanged, because that is what an operator wants to see.
  }
  return text;
}

/** An address within the page. Its parts may be any text. */
export function address(parts, parameters = {}) {
  const chosen = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(chosen).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

/** A text field inside its label. */
export function field(label, attributes) {
  return h("label", {}, h("span", {}, label), h("input", { type: "search", autocomplete: "off", spellcheck: "false", ...attributes }));
}

/** A selection box inside its label. The first option means any. */
export function choice(label, name, any, options, chosen) {
  const all = options.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("label", {}, h("span", {}, label), h("select", { name }, h("option", { value: "" }, any), all));
}

/** A form's values, by field name. */
export function said(form) {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
}
