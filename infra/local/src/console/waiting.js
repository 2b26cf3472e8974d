// The records that wait for somebody: asked for when the page opens, and again when a mapping went on.

import { ask } from "./ask.js";
import { listen } from "./live.js";

const MOST = 200;
/** Each question is an invocation: no more than one in so many milliseconds. */
const PAUSE = 2500;

/** What is known of them. */
export const waiting = { entries: [], more: false, error: null };

const listeners = new Set();
let timer = null;
let asking = false;
let again = false;

/** Calls `listener` whenever it was asked. Returns how to end that. */
export function listenToWaiting(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The record that waits and stood at a place, if there is one. */
export function waitsAt(record) {
  return waiting.entries.find(
    ({ topic, partition, offset }) => topic === record.topic && partition === record.partition && offset === record.offset,
  );
}

/** Asks now. */
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
