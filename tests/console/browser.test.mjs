// Tests the console of `studio-local up` in headless Chromium, on a wide screen and on a telephone.
// It uses the console as a person would.
//
//   STUDIO_LOCAL=<binary> CHROMIUM=<browser> PICTURES=<folder> node --test browser.test.mjs

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { STUDIO_LOCAL, CHROMIUM, PICTURES } = process.env;
/** Longer than any step takes on two busy cores. */
const PATIENCE = 120_000;
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

const now = () => new Date().toISOString();
const example = (topic) => JSON.parse(readFileSync(new URL(`../../events/${topic}/example.json`, import.meta.url), "utf8"));

function publish(event) {
  const file = join(folder, "event.json");
  writeFileSync(file, typeof event === "string" ? event : JSON.stringify(event));
  execFileSync(STUDIO_LOCAL, ["publish", "--event", file, "--env", env]);
}

/** A new event of the type created, with its own ids, changed by `change`. */
function created(id, change = () => {}) {
  const event = { ...example(CREATED), id: `evt-${id}`, time: now() };
  event.data.eventId = `event-${id}`;
  change(event);
  return event;
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
  const variable = (name) => new RegExp(`^export ${name}='(.*)'$`, "m").exec(readFileSync(env, "utf8"))[1];
  const authorization = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
  const put = await fetch(`${variable("AWS_ENDPOINT_URL")}/${variable("DEAD_LETTERS_BUCKET")}/aws/lambda/one`, { method: "PUT", headers: { authorization }, body: JSON.stringify(envelope) });
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
    viewport: WIDE,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  page = browser.pages()[0];
  page.setDefaultTimeout(PATIENCE);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  mkdirSync(PICTURES, { recursive: true });
});

after(async () => {
  await browser?.close();
  up?.kill("SIGINT");
  await ended;
  rmSync(folder, { recursive: true, force: true });
});

async function open(hash) {
  await page.goto(`${console_}/${hash}`);
  await page.locator("main h1").waitFor();
}

/** Waits until a picture has loaded, and fails if it cannot be decoded. */
async function seen(image) {
  await image.scrollIntoViewIfNeeded();
  await assert.doesNotReject(image.evaluate((element) => element.decode()));
  assert.ok((await image.evaluate((element) => element.naturalWidth)) > 0);
}

test("an empty page says what to do next", async () => {
  for (const [hash, title] of [["#/events", "No event yet"], ["#/jobs", "No tenant has been heard of yet"], ["#/gallery", "Nothing is rendered yet"], ["#/dead-letters", "No record waits"], ["#/walk", "No event has come yet"]]) {
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
  await page.getByText("None of the last events is one of these").waitFor();
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
  await seen(page.locator(".asset img"));

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
  for (const image of await page.locator(".card.image img").all()) await seen(image);
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

test("a walk goes from the record to its assets, with the duration of each stage", async () => {
  await open("#/walk");
  await page.locator(".records a", { hasText: "event-good" }).last().click();
  await page.locator(".verdict.good", { hasText: "2 jobs completed" }).waitFor();
  assert.equal(await page.locator(".lane[data-job]").count(), 2);
  for (const stage of ["waits for its consumer", "is decided, committed and published", "studio-canvas makes it", "its end is committed and published"]) {
    await page.locator(".bars li", { hasText: stage }).first().waitFor();
  }
  for (const image of await page.locator(".lane img").all()) await seen(image);
  const times = await page.locator(".history time").evaluateAll((all) => all.map((time) => Date.parse(time.dateTime)));
  assert.ok(times.length > 8 && times.every((time, index) => index === 0 || time >= times[index - 1]), String(times));
  const moments = await page.locator(".history li").allTextContents();
  assert.match(moments[0], /Kafka has it: partition \d, offset \d/);
  assert.match(moments.at(-1), /its end is published, eventzr\.studio\.render-job\.completed\.v1/);
  // The walk of a dead letter says that it was dead-lettered.
  await open("#/walk");
  await page.locator(".records a", { hasText: "Not a JSON object" }).click();
  await page.locator(".verdict.bad", { hasText: "the value is not JSON" }).waitFor();
});

test("a missing job is named, with a hint", async () => {
  const unknown = "00000000-0000-0000-0000-000000000000";
  await open(`#/jobs/${TENANT}/${unknown}`);
  const trouble = page.getByRole("alert");
  await trouble.getByText(unknown).waitFor();
  await trouble.getByText("Look at the id, and at the tenant").waitFor();
  // The browser itself logs each 404 answer as an error.
  assert.equal(complaints.splice(0).filter((text) => !text.includes("404")).length, 0);
});

test("every view fits a telephone and a wide screen, in light and in dark", async () => {
  const views = { events: "#/events", tenants: "#/jobs", jobs: `#/jobs?tenant=${TENANT}`, gallery: "#/gallery", "dead-letters": "#/dead-letters", walks: "#/walk" };
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
