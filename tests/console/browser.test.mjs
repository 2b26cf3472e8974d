// Tests the console of `studio-local up` in headless Chromium, on a wide screen and on a telephone.
// It uses the console as a person would.
//
//   STUDIO_LOCAL=<binary> CHROMIUM=<browser> PICTURES=<folder> node --test browser.test.mjs

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test as testOf } from "node:test";
import { chromium } from "playwright-core";

const { STUDIO_LOCAL, CHROMIUM, PICTURES } = process.env;
/** Longer than any step takes on two busy cores. */
const PATIENCE = 120_000;
/** Longer than any test takes. A call to the browser that never returns ends its test, not the whole run's time. */
const LIMIT = { timeout: 2 * PATIENCE };
const WIDE = { width: 1280, height: 900 };
const TELEPHONE = { width: 390, height: 844 };
const CREATED = "eventzr.event.created.v1";
const TENANT = "tenant-monsoon-arts";

const folder = mkdtempSync(join(tmpdir(), "console-test-"));
const env = join(folder, "up.env");
/** The page's errors, its warnings, and the violations of its content security policy. */
const complaints = [];
let up;
let ended;
let console_;
let browser;
let page;

const test = (name, body) => testOf(name, LIMIT, body);
const now = () => new Date().toISOString();
const example = (topic) => JSON.parse(readFileSync(new URL(`../../events/${topic}/example.json`, import.meta.url), "utf8"));

function publish(event) {
  const file = join(folder, "event.json");
  writeFileSync(file, typeof event === "string" ? event : JSON.stringify(event));
  execFileSync(STUDIO_LOCAL, ["publish", "--no-wait", "--event", file, "--env", env]);
}

/** A new event of the type created, with its own ids, changed by `change`. */
function created(id, change = () => {}) {
  const event = { ...example(CREATED), id: `evt-${id}`, time: now() };
  event.data.eventId = `event-${id}`;
  change(event);
  return event;
}

/** A variable in the file that `make up` writes for a shell. */
const variable = (name) => new RegExp(`^export ${name}='(.*)'$`, "m").exec(readFileSync(env, "utf8"))[1];

/** The URL of a request to AWS, signed with the stack's own credentials (Signature Version 4). */
function presigned(method, address, service) {
  const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const url = new URL(address);
  const time = now().replace(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/us-east-1/${service}/aws4_request`;
  const query = { ...Object.fromEntries(url.searchParams), "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": `${variable("AWS_ACCESS_KEY_ID")}/${scope}`, "X-Amz-Date": time, "X-Amz-Expires": "300", "X-Amz-SignedHeaders": "host" };
  const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join("=")).sort().join("&");
  const payload = service === "s3" ? "UNSIGNED-PAYLOAD" : sha256("");
  const canonical = [method, url.pathname, pairs, `host:${url.host}\n`, "host", payload].join("\n");
  const key = scope.split("/").reduce((key, part) => hmac(key, part), `AWS4${variable("AWS_SECRET_ACCESS_KEY")}`);
  const signature = hmac(key, ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n")).toString("hex");
  return `${url.origin}${url.pathname}?${pairs}&X-Amz-Signature=${signature}`;
}

/** Puts an on-failure envelope into the bucket, as AWS does when a mapping gives up a batch. */
async function giveUp(event) {
  const base64 = (text) => Buffer.from(text).toString("base64");
  const headers = [{ "content-type": [...Buffer.from("application/cloudevents+json")] }];
  const key = base64(event.data.tenantId);
  const record = { topic: CREATED, partition: 0, offset: 1000, timestamp: Date.now(), timestampType: "CREATE_TIME", headers, key, value: base64(JSON.stringify(event)) };
  const batch = { eventSource: "aws:kafka", bootstrapServers: "b-1:9098", records: { [`${CREATED}-0`]: [record] } };
  const envelope = {
    requestContext: { requestId: "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81", condition: "RetryAttemptsExhausted", functionArn: "arn:aws:lambda:us-east-1:123456789012:function:studio-event-created-local", approximateInvokeCount: 12 },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: now(),
    KafkaBatchInfo: { batchSize: 1, bootstrapServers: "b-1:9098", payloadSize: 1000 },
    payload: JSON.stringify(batch),
  };
  const object = `${variable("AWS_ENDPOINT_URL")}/${variable("DEAD_LETTERS_BUCKET")}/aws/lambda/one`;
  const put = await fetch(presigned("PUT", object, "s3"), { method: "PUT", body: JSON.stringify(envelope) });
  assert.equal(put.status, 200);
}

before(async () => {
  up = spawn(STUDIO_LOCAL, ["up", "--vendors", "--env", env], { stdio: ["ignore", "pipe", "inherit"] });
  ended = new Promise((resolve) => up.once("exit", resolve));
  const lines = createInterface({ input: up.stdout });
  console_ = await new Promise((resolve, reject) => {
    lines.on("line", (line) => /^ {2}console (http:\S+)$/.test(line) && resolve(line.trim().split(" ").pop()));
    ended.then((code) => reject(new Error(`the stack ended with ${code} before it said where its console is`)));
  });
  browser = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: CHROMIUM,
    headless: true,
    timeout: PATIENCE,
    viewport: WIDE,
    // Names that another site has pointed at this machine.
    args: ["--host-resolver-rules=MAP *.example 127.0.0.1", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  browser.setDefaultTimeout(PATIENCE);
  page = browser.pages()[0];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  mkdirSync(PICTURES, { recursive: true });
}, LIMIT);

after(async () => {
  up?.kill("SIGINT");
  await ended;
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
}, LIMIT);

async function open(hash) {
  await page.goto(`${console_}/${hash}`);
  await page.locator("main h1").waitFor();
}

/**
 * Waits until pictures have loaded, and fails if one cannot be decoded. The page looks for them each
 * time, because it may draw them anew while it still receives events.
 */
async function seen(pictures) {
  await page.waitForFunction(async (selector) => {
    const all = [...document.querySelectorAll(selector)];
    for (const image of all) image.scrollIntoView();
    if (all.length === 0 || !all.every((image) => image.complete && image.naturalWidth > 0)) return false;
    await Promise.all(all.map((image) => image.decode()));
    return true;
  }, pictures);
}

test("an empty page says what to do next", async () => {
  for (const [hash, title] of [["#/events", "No event yet"], ["#/jobs", "No tenant has published an event yet"], ["#/gallery", "Nothing is rendered yet"], ["#/dead-letters", "No record waits"], ["#/walk", "No event has come yet"]]) {
    await open(hash);
    await page.getByRole("heading", { name: title }).waitFor();
  }
  await open("#/events");
  await page.getByText("make publish", { exact: true }).waitFor();
});

test("events appear live, and hostile content is shown as text", async () => {
  publish(created("good", ({ data }) => (data.title = "Lanterns on the Lake")));
  publish(created("hostile", ({ data }) => {
    data.title = "<b>Bold</b><img src=x><script>document.title='taken'</script>";
    data.startsAt = "<i>tomorrow</i>";
  }));
  publish("not JSON");
  const media = { ...example("eventzr.campaign.launched.v1"), id: "evt-media", time: now() };
  Object.assign(media.data, { assets: ["video", "audio-spot"], headline: "Radio by the River" });
  publish(media);

  await page.locator(".event", { hasText: "render-job.completed" }).nth(3).waitFor();
  const hostile = page.locator(".event", { hasText: "<b>Bold</b><img src=x>" });
  await hostile.getByText("dead-lettered", { exact: true }).waitFor();
  await hostile.locator("summary").click();
  await hostile.locator("pre", { hasText: "<i>tomorrow</i>" }).waitFor();
  assert.equal(await page.locator("main b, main i, main img, main script").count(), 0);
  assert.match(await page.title(), /Events/);
  await page.getByText("Not a JSON object").waitFor();
  await page.locator(".report", { hasText: "the consumer of event.created took" }).first().waitFor();

  await page.getByLabel("Topic").focus();
  await page.getByLabel("Topic").selectOption(CREATED);
  // The selection box keeps the focus after a choice.
  await page.waitForFunction(() => location.hash.includes("topic=") && document.activeElement.name === "topic");
  assert.deepEqual([...new Set(await page.locator(".event .topic").allTextContents())], ["event.created"]);
  await page.getByLabel("Tenant").fill("tenant-nobody");
  await page.getByLabel("Tenant").press("Enter");
  await page.getByText("No match among the last events").waitFor();
});

test("a paused page holds back new events", async () => {
  await open("#/events");
  await page.getByRole("button", { name: "Pause" }).click();
  const before = await page.locator(".stream > li").count();
  publish(created("good-again", ({ data }) => (data.startsAt = "later")));
  await page.getByText(/\d+ more since you paused/).waitFor();
  assert.equal(await page.locator(".stream > li").count(), before);
  await page.getByText(/\d+ more since you paused/).click();
  await page.locator(".stream > li").nth(before).waitFor();
});

test("a tenant's jobs are listed, and one shows its asset and its history", async () => {
  await open("#/jobs");
  await page.locator(".tenants a", { hasText: TENANT }).click();
  await page.locator("tr[data-job]", { hasText: "completed" }).nth(3).waitFor();
  await page.locator("tr[data-job]", { hasText: "Poster" }).getByRole("link").click();
  const history = page.locator(".history li");
  await history.filter({ hasText: "stored, completed" }).waitFor();
  const happened = await history.allTextContents();
  assert.match(happened[0], /created for eventzr\.event\.created\.v1 evt-good of/);
  assert.match(happened[1], /\+[\d.]+ (ms|s)asked /);
  await seen(".asset img");

  // Opening the dialog changes nothing: only its button does.
  await page.getByRole("button", { name: "Make it again…" }).click();
  await page.locator("dialog .would", { hasText: "It would be made again" }).waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByText("made again by").count(), 0);
  await page.getByRole("button", { name: "Make it again…" }).click();
  await page.getByRole("button", { name: "Make it again", exact: true }).click();
  await page.locator("dialog .good", { hasText: "It is made again" }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("dt", { hasText: "made again by" }).waitFor();
});

test("an event is explained by its id: what was decided, and how its jobs stand", async () => {
  await open("#/why");
  await page.getByLabel("Tenant").fill(TENANT);
  await page.getByLabel("What").fill("evt-good");
  await page.getByRole("button", { name: "Explain" }).click();
  await page.locator(".why h2", { hasText: "evt-good" }).waitFor();
  await page.locator(".why .stand", { hasText: "It was taken" }).waitFor();
  await page.locator(".stands .stand", { hasText: "made it" }).first().waitFor();
  await page.locator(".stands a", { hasText: "Poster" }).first().click();
  await page.locator(".job h2", { hasText: "How it stands" }).waitFor();
  await page.locator(".facts dt", { hasText: "title" }).waitFor();
  await open("#/why?tenant=tenant-that-is-not-there&about=evt-good");
  await page.locator("h2", { hasText: "Nothing has this name" }).waitFor();
});

test("an open job is cancelled after a confirmation", async () => {
  const media = { ...example("eventzr.campaign.launched.v1"), id: "evt-cancelled", time: now(), subject: "tenant-cancels" };
  Object.assign(media.data, { assets: ["video"], tenantId: "tenant-cancels" });
  publish(media);
  await open("#/jobs?tenant=tenant-cancels");
  await page.locator("tr[data-job]", { hasText: "Video" }).getByRole("link").click();
  await page.getByRole("button", { name: "Cancel it…" }).click();
  await page.locator("dialog .would", { hasText: "It would be cancelled" }).waitFor();
  await page.getByRole("button", { name: "Cancel the job" }).click();
  await page.locator("dialog .good", { hasText: "It is cancelled" }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("h1 .pill", { hasText: "cancelled" }).waitFor();
  assert.match(await page.locator(".history li").last().textContent(), /cancelled$/);
});

test("the gallery shows pictures and plays videos and audio", async () => {
  await open("#/gallery");
  await page.locator(".card.video video").waitFor();
  await page.locator(".card.audio audio").waitFor();
  await seen(".card.image img");
  const plays = (element) => element.play().then(() => element.duration);
  assert.ok((await page.locator(".card.video video").evaluate(plays)) > 0);
  assert.ok((await page.locator(".card.audio audio").evaluate(plays)) > 0);
  await page.getByLabel("Media").selectOption("audio");
  await page.waitForURL(/type=audio/);
  await page.locator(".card.audio").waitFor();
  assert.equal(await page.locator(".card:not(.audio)").count(), 0);
});

test("a dead letter is shown, and redriven after a dry run", async () => {
  await giveUp(created("given-up", ({ data }) => (data.title = "Given up")));
  await open("#/dead-letters?cause=gave");
  await page.locator(".records a").click();
  await page.locator("pre", { hasText: "Given up" }).waitFor();
  await page.getByRole("button", { name: "Redrive…" }).click();
  await page.locator("dialog .would", { hasText: "would be redriven" }).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Redrive…" }).click();
  await page.getByRole("button", { name: "Redrive it" }).click();
  await page.locator("dialog .good", { hasText: "redriven" }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("main .pill", { hasText: "redriven" }).waitFor();
  // Records that can never succeed come back, and the page says so.
  await open("#/dead-letters?cause=startsAt");
  await page.locator(".records li").nth(1).waitFor();
  await page.getByRole("button", { name: "Redrive all 2…" }).click();
  await page.getByRole("button", { name: "Redrive them" }).click();
  await page.locator("dialog .left", { hasText: "came back, 2 times now" }).nth(1).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator(".records li", { hasText: "2 times" }).nth(1).waitFor();
  // The operator can discard one of them.
  await page.locator(".records a", { hasText: "<i>tomorrow</i>" }).click();
  await page.getByRole("button", { name: "Discard…" }).click();
  await page.getByRole("button", { name: "Discard it" }).click();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("main .pill", { hasText: "discarded" }).waitFor();
});

test("a dead letter's event is edited and sent again", async () => {
  await open("#/dead-letters?cause=startsAt");
  await page.locator(".records a", { hasText: "later" }).click();
  await page.getByText("Edit and send again").click();
  const text = page.locator(".correction textarea");
  await text.fill((await text.inputValue()).replace('"later"', '"tomorrow"'));
  await page.locator(".correction button").click();
  await page.locator("dialog .would", { hasText: "evt-good-again-corrected-" }).waitFor();
  await page.getByRole("button", { name: "Send it" }).click();
  // The consumer refuses this edit, too, and the record waits as before.
  await page.locator("dialog", { hasText: "`tomorrow` is not an RFC 3339 time" }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await text.fill((await text.inputValue()).replace('"tomorrow"', '"2026-12-19T18:30:00+05:30"'));
  await page.locator(".correction button").click();
  await page.getByRole("button", { name: "Send it" }).click();
  await page.locator("dialog .good", { hasText: "sent" }).waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("main .pill", { hasText: "redriven" }).waitFor();
});

test("a walk goes from the record to its assets, with the duration of each stage", async () => {
  await open("#/walk");
  await page.locator(".records a", { hasText: "event-good" }).last().click();
  await page.locator(".verdict.good", { hasText: "2 jobs completed" }).waitFor();
  assert.equal(await page.locator(".lane[data-job]").count(), 2);
  for (const stage of ["waits for its consumer", "is decided, committed and published", "studio-canvas makes it", "its end is committed and published"]) {
    await page.locator(".bars li", { hasText: stage }).first().waitFor();
  }
  await seen(".lane img");
  const times = await page.locator(".history time").evaluateAll((all) => all.map((time) => Date.parse(time.dateTime)));
  assert.ok(times.length > 8 && times.every((time, index) => index === 0 || time >= times[index - 1]), String(times));
  const moments = await page.locator(".history li").allTextContents();
  assert.match(moments[0], /Kafka has it: partition \d, offset \d/);
  assert.match(moments.at(-1), /its end is published, eventzr\.studio\.render-job\.completed\.v1/);
  // The walk of a dead letter says that it was dead-lettered, and so does the list.
  await open("#/walk");
  await page.locator(".records li", { hasText: "Not a JSON object" }).locator(".pill", { hasText: "dead-lettered" }).waitFor();
  await page.locator(".records a", { hasText: "Not a JSON object" }).click();
  await page.locator(".verdict.bad", { hasText: "the value is not JSON" }).waitFor();
});

test("what is drawn anew keeps the elements that are as they were", async () => {
  await open("#/walk");
  const kept = await page.evaluate(async () => {
    const { h, redraw } = await import("/dom.js");
    const place = h("div", {});
    const lane = (state) => [h("p", { class: state }, state), h("section", {}, h("h2", {}, state), h("figure", {}, h("img", { alt: "It" })))];
    redraw(place, lane("open"));
    const image = place.querySelector("img");
    redraw(place, [...lane("completed"), h("footer", {}, "End")]);
    const more = [place.querySelector("img") === image, place.textContent];
    redraw(place, lane("completed").slice(0, 1));
    return [...more, place.textContent];
  });
  assert.deepEqual(kept, [true, "completedcompletedEnd", "completed"]);
});

test("an event in binary mode has its id and its data", async () => {
  const read = await page.evaluate(async () => {
    const { eventOf } = await import("/live.js");
    const text = JSON.stringify({ tenantId: "t", title: "Lanterns" });
    const binary = [["ce_specversion", "1.0"], ["ce_id", "evt-1"], ["content-type", "application/json"]];
    const structured = [["content-type", "application/cloudevents+json"]];
    const whole = JSON.stringify({ id: "evt-2", data: { title: "Lanterns" } });
    return [eventOf({ text, headers: binary }), eventOf({ text: whole, headers: structured }), eventOf({ text: "[]", headers: [] })];
  });
  assert.deepEqual(read, [
    { specversion: "1.0", id: "evt-1", data: { tenantId: "t", title: "Lanterns" } },
    { id: "evt-2", data: { title: "Lanterns" } },
    null,
  ]);
});

test("an address that names no page says so", async () => {
  await open("#/nothing/of/this");
  await page.getByRole("heading", { name: "This address names no page" }).waitFor();
  await page.getByText("#/nothing/of/this", { exact: true }).waitFor();
});

test("a missing job is named, with a hint", async () => {
  const unknown = "00000000-0000-0000-0000-000000000000";
  await open(`#/jobs/${TENANT}/${unknown}`);
  const trouble = page.getByRole("alert");
  await trouble.getByText(unknown).waitFor();
  await trouble.getByText("Check the id and the tenant").waitFor();
  // The browser itself logs each 404 answer as an error.
  assert.equal(complaints.splice(0).filter((text) => !text.includes("404")).length, 0);
});

/** A request to IAM that makes a role, by GET and with its credentials in the query: a browser asks no server before it sends one. */
function making(role) {
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }] });
  const query = new URLSearchParams({ Action: "CreateRole", Version: "2010-05-08", RoleName: role, AssumeRolePolicyDocument: policy });
  return `${variable("AWS_ENDPOINT_URL")}/?${query}`;
}

/** Whether a role is there. */
async function isMade(role) {
  const query = new URLSearchParams({ Action: "GetRole", Version: "2010-05-08", RoleName: role });
  const answer = await fetch(presigned("GET", `${variable("AWS_ENDPOINT_URL")}/?${query}`, "iam"));
  return answer.status === 200;
}

test("a page of another site can neither read nor trigger anything", async () => {
  const polly = `${JSON.parse(variable("PROVIDER_SETTINGS")).polly.endpoint}/v1/synthesisTasks`;
  const speech = JSON.stringify({ Text: "Hello", VoiceId: "Kajal", OutputS3BucketName: variable("DEAD_LETTERS_BUCKET") });
  /** Starts a task as a function does. Ids count up. */
  const nextTask = async () => (await (await fetch(polly, { method: "POST", body: speech })).json()).SynthesisTask.TaskId;
  const first = await nextTask();

  const site = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>Evil</title>"));
  await new Promise((resolve) => site.listen(0, "127.0.0.1", resolve));
  const evil = await browser.newPage();
  try {
    await evil.goto(`http://evil.example:${site.address().port}/`);
    const scope = encodeURIComponent("test/20260101/us-east-1/iam/aws4_request");
    const wellKnown = `${making("by-a-page")}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${scope}`;
    const stolen = presigned("GET", making("by-a-page-with-a-signature"), "iam");
    const targets = [wellKnown, stolen, `${variable("AWS_ENDPOINT_URL")}/_ministack/health`, polly, `${console_}/live`, `${console_}/gallery`, `${console_}/ask/list-jobs`];
    const read = await evil.evaluate(async ({ targets, speech }) => {
      const read = [];
      for (const target of targets) {
        for (const options of [{}, { method: "POST", body: speech }, { method: "PUT", headers: { "content-type": "application/json" }, body: "{}" }]) {
          await fetch(target, options).then(async (answer) => read.push([target, answer.status]), () => {});
          if (options.method !== "PUT") await fetch(target, { ...options, mode: "no-cors" }).catch(() => {});
        }
        await new Promise((resolve) => Object.assign(new Image(), { onload: resolve, onerror: resolve, src: target }));
        const form = Object.assign(document.createElement("form"), { action: target, method: "post", target: "frame" });
        const frame = Object.assign(document.createElement("iframe"), { name: "frame" });
        document.body.append(frame, form);
        await new Promise((resolve) => { frame.onload = resolve; form.submit(); });
        form.remove();
        frame.remove();
      }
      return read;
    }, { targets, speech });
    assert.deepEqual(read, [], "a page could read an answer");
    assert.equal(await isMade("by-a-page"), false);
    assert.equal(await isMade("by-a-page-with-a-signature"), false);
    const counted = Number.parseInt(await nextTask().then((id) => id.slice(-12)), 16);
    assert.equal(counted, Number.parseInt(first.slice(-12), 16) + 1, "a page had the sandbox start tasks");

    // A name of its own that the site has pointed at this machine.
    for (const address of [variable("AWS_ENDPOINT_URL"), polly, `${console_}/`, `${console_}/gallery`]) {
      const rebound = address.replace("127.0.0.1", "rebound.example");
      // A page for each: Chromium does not close one that has changed its site this often.
      const other = await browser.newPage();
      // What is no page is a download to the browser, and its navigation fails.
      const isIt = (response) => response.url().startsWith(rebound);
      const [response] = await Promise.all([other.waitForResponse(isIt), other.goto(rebound).catch(() => {})]);
      assert.equal(response.status(), 403, rebound);
      await other.close();
    }
  } finally {
    await evil.close();
    site.close();
  }
  // The same request is carried out for a program of the developer's own.
  assert.equal((await fetch(presigned("GET", making("by-a-program"), "iam"))).status, 200);
  assert.equal(await isMade("by-a-program"), true);
});

test("every view fits a telephone and a wide screen, in light and in dark", async () => {
  const views = { events: "#/events", tenants: "#/jobs", jobs: `#/jobs?tenant=${TENANT}`, gallery: "#/gallery", "dead-letters": "#/dead-letters", walks: "#/walk", why: `#/why?tenant=${TENANT}` };
  const within = [["job", `#/jobs?tenant=${TENANT}`, "td.main a", ".history"], ["record", "#/dead-letters", ".records a", "pre"], ["walk", "#/walk", ".records li:last-child a", ".verdict"]];
  for (const size of [WIDE, TELEPHONE]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme });
      const look = async (name) => {
        await page.waitForFunction(() => {
          const isSeen = (image) => image.getBoundingClientRect().top < innerHeight;
          const pictures = [...document.querySelectorAll("main img")].filter(isSeen);
          return !document.querySelector("main .busy") && pictures.every((image) => image.complete && image.naturalWidth > 0);
        });
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        await page.screenshot({ path: join(PICTURES, `${name}-${size.width}-${colorScheme}.png`) });
        assert.equal(beyond, 0, `${name} is ${beyond} pixels wider than ${size.width}`);
      };
      for (const [name, hash] of Object.entries(views)) {
        await open(hash);
        await look(name);
      }
      for (const [name, hash, link, inside] of within) {
        await open(hash);
        await page.locator(link).first().click();
        await page.locator(inside).first().waitFor();
        await look(name);
      }
    }
  }
});

test("the keyboard focus is visible", async () => {
  await open("#/events");
  await page.keyboard.press("Tab");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none");
});

test("Ctrl-C ends the stack, and the page says what to do", async () => {
  assert.deepEqual(complaints, [], "the page complained");
  up.kill("SIGINT");
  assert.equal(await ended, 0);
  await page.locator("#line", { hasText: "not connected" }).waitFor();
  assert.match(await page.locator("#line").getAttribute("title"), /make up/);
});
