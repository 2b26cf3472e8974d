// An asset's file: where it is served, and the element that shows or plays it.

import { h } from "./dom.js";
import { live } from "./live.js";

/** Where an object of the assets' bucket is served. */
export function served(object) {
  const bucket = `s3://${live.about.assetsBucket}/`;
  return object?.startsWith(bucket) ? `${live.about.assets}/${object.slice(bucket.length)}` : null;
}

/** A picture, a video or a sound, by how its address ends. */
export function media(url, alt) {
  if (url.endsWith(".mp4")) return h("video", { src: url, controls: true, preload: "metadata", playsinline: true, "aria-label": alt });
  if (url.endsWith(".mp3")) return h("audio", { src: url, controls: true, preload: "metadata", "aria-label": alt });
  const gone = () => image.replaceWith(h("p", { class: "muted" }, "The file is not there any more: it was erased, or its time is over."));
  const image = h("img", { src: url, alt, loading: "lazy", onerror: gone });
  return image;
}
