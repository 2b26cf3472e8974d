// The dead letters that wait for a decision. They are loaded when the page opens, and again after a
// mapping has made progress.

import { ask } from "./ask.js";
import { listen } from "./live.js";

const MOST = 200;
/**
 * The minimum pause between two requests in milliseconds, because each request is an invocation.
 */
const PAUSE = 2500;

/** The dead letters as of the last request. */
export const waiting = { entries: [], more: false, error: null };

const listeners = new Set();
let timer = null;
let asking = false;
let again = false;

/** Calls `listener` after each request. Returns a function that ends this. */
export function listenToWaiting(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The waiting dead letter of a record, if there is one. */
export function waitsAt(record) {
  return waiting.entries.find(
    ({ topic, partition, offset }) => topic === record.topic && partition === record.partition && offset === record.offset,
  );
}

/** Loads the dead letters now. */
export async function refreshWaiting() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  try {
    const { entries, next } = await ask("list-dead-letters", { most: MOST });
    Object.assign(waiting, { entries, more: Boolean(next), error: null });
  } catch (error) {
    waiting.error = error;
  }
  asking = false;
  for (const listener of [...listeners]) listener();
  if (again) {
    again = false;
    soon();
  }
}

function soon() {
  timer ??= setTimeout(() => {
    timer = null;
    refreshWaiting();
  }, PAUSE);
}

listen((entries) => {
  if (entries.some(({ report }) => report?.what === "committed" || report?.what === "discarded")) soon();
});
