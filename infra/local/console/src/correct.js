// A dead letter's event, to be edited and sent again under a new id.

import { ask } from "./ask.js";
import { confirm } from "./confirm.js";
import { field, h, readable, said } from "./dom.js";

/** The form for a dead letter. `done` is called after its consumer took the edited event. */
export function correction({ id }, { key, value }, done) {
  const lines = readable(value.text);
  const text = h("textarea", { name: "value", rows: String(Math.min(lines.split("\n").length + 1, 30)), spellcheck: "false", autocomplete: "off" });
  text.value = lines;
  const form = h(
    "form",
    { class: "correction", onsubmit: send },
    h("label", {}, h("span", {}, "Event"), text),
    h("div", { class: "buttons" }, field("Key", { name: "key", type: "text", value: key?.text ?? "", placeholder: "the tenant" }), h("button", { type: "submit" }, "Send again…")),
  );
  function send(event) {
    event.preventDefault();
    let fate;
    const edited = { id, value: text.value, key: said(form).key || undefined };
    confirm({
      title: "Send the edited event again?",
      explain: "Its consumer gets it under a new id. Nothing is published to the topic, so tell the event's producer.",
      verb: "Send it",
      ask: async (execute) => {
        ({ fate } = await ask("correct", { ...edited, execute }));
        return [lineOf(fate)];
      },
      // The page is drawn anew only if the record no longer waits: otherwise the edit stays in the form.
      done: () => (fate.is === "sent" || fate.is === "was-resolved") && done(),
    });
  }
  return h("details", {}, h("summary", {}, "Edit and send again"), form);
}

function lineOf(fate) {
  const waits = (text, detail) => ({ text, detail, tone: "left" });
  switch (fate.is) {
    case "would-be-sent":
      return { text: `would be sent as ${fate.event}`, detail: `to ${fate.to}`, tone: "would", would: true };
    case "sent":
      return { text: `sent as ${fate.event}`, detail: `${fate.to} took it; the dead letter is resolved`, tone: "good" };
    case "refused":
      return waits("refused, the record waits as before", fate.cause);
    case "not-yet":
      return waits("not yet", fate.why);
    case "stays":
      return waits("stays", fate.why);
    default:
      return { text: "was resolved before", tone: "over" };
  }
}
