// A dialog for confirmation: it first shows what the function would do, and afterwards what it did.

import { h, trouble } from "./dom.js";

const dialog = document.getElementById("confirm");

/**
 * Opens the dialog. `ask(execute)` calls the function and returns lines `{ text, tone, would }`,
 * where `would` says whether the function would do something. `done` is called after it was done.
 */
export function confirm({ title, explain, verb, danger, ask, done }) {
  const body = h("div", { class: "outcome", "aria-live": "polite" });
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Cancel");
  const go = h("button", { type: "button", class: danger ? "danger" : "primary", hidden: true }, verb);
  dialog.replaceChildren(
    h("h2", { id: "confirm-title" }, title),
    h("p", { class: "muted" }, explain),
    body,
    h("div", { class: "buttons" }, close, go),
  );
  const show = (lines) => {
    const item = ({ text, detail, tone }) =>
      h("li", { class: tone }, h("strong", {}, text), detail ? h("span", { class: "muted" }, detail) : null);
    body.replaceChildren(h("ul", {}, lines.map(item)));
  };
  const busy = (text) => body.replaceChildren(h("p", { class: "busy" }, text));

  async function dryRun() {
    busy("Dry run…");
    try {
      const lines = await ask(false);
      show(lines);
      const would = lines.filter((line) => line.would).length;
      go.hidden = would === 0;
      close.textContent = would === 0 ? "Close" : "Cancel";
      if (would > 0) go.focus();
    } catch (error) {
      body.replaceChildren(trouble(error, dryRun));
    }
  }
  async function execute() {
    go.hidden = true;
    close.disabled = true;
    busy("Applying…");
    try {
      show(await ask(true));
      done();
    } catch (error) {
      body.replaceChildren(trouble(error, execute));
    }
    close.disabled = false;
    close.textContent = "Close";
    close.focus();
  }
  go.addEventListener("click", execute);
  dialog.showModal();
  dryRun();
}
