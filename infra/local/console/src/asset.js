// An asset's file: its URL, and the element that shows or plays it.

import { h } from "./dom.js";
import { live } from "./live.js";

/** The URL of an object in the assets bucket. */
export function served(object) {
  const bucket = `s3://${live.about.assetsBucket}/`;
  return object?.startsWith(bucket) ? `${live.about.assets}/${object.slice(bucket.length)}` : null;
}

/** A picture, video or audio element, by the ending of the URL. */
export function media(url, alt) {
  const gone = () => element.replaceWith(h("p", { class: "muted" }, "The file is not there any more, or cannot be shown: was it erased?"));
  const plays = { src: url, controls: true, preload: "metadata", playsinline: true, "aria-label": alt, onerror: gone };
  const image = { src: url, alt, loading: "lazy", onerror: gone };
  const element = url.endsWith(".mp4") ? h("video", plays) : url.endsWith(".mp3") ? h("audio", plays) : h("img", image);
  return element;
}
