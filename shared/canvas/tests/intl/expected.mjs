// Writes expected.tsv: what ICU (in node) makes of the same days and hours as the canvas, in each
// language. `src/dates/tests/intl.rs` compares the two.
//
//   node expected.mjs    (ICU 78, CLDR 48: node 20.20 or later)

import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const LOCALES = `
  en-US en-GB en-IN en-AU en-ZA hi-IN bn-IN bn-BD mr-IN te-IN ta-IN gu-IN ur-PK ur-IN kn-IN or-IN ml-IN pa-IN pa-PK
  as-IN ne-NP si-LK sa-IN sd-PK ks-IN mai-IN kok-IN doi-IN brx-IN sat-IN mni-IN ar-SA ar-AE ar-EG ar-MA ar-LB fa-IR
  ckb-IQ ps-AF ug-CN he-IL tr-TR az-AZ uz-UZ kk-KZ ru-RU uk-UA be-BY bg-BG sr-RS sr-Latn-RS mk-MK el-GR de-DE de-AT
  fr-FR fr-CA es-ES es-MX es-AR ca-ES gl-ES pt-BR pt-PT it-IT ro-RO nl-NL af-ZA sv-SE da-DK nb-NO fi-FI et-EE lv-LV
  lt-LT pl-PL cs-CZ sk-SK sl-SI hr-HR bs-BA hu-HU vi-VN id-ID ms-MY fil-PH th-TH lo-LA km-KH my-MM am-ET ka-GE hy-AM
  mn-MN sw-KE ha-NG yo-NG ig-NG zu-ZA ja-JP zh-CN zh-TW zh-HK ko-KR
  hi-IN-u-nu-deva ar-EG-u-nu-latn de-DE-u-hc-h12 en-US-u-hc-h23 th-TH-u-ca-gregory fa-IR-u-ca-gregory
  en-US-u-ca-buddhist ja-JP-u-ca-japanese`.trim().split(/\s+/);

/** `text` with plain spaces and without direction marks. */
const simple = (text) => text.replace(/[\u200e\u200f\u061c]/g, "").replace(/\s/gu, " ");

const at = (text) => new Date(`${text}Z`);
const day = { year: "numeric", month: "long", day: "numeric" };
const time = { hour: "numeric", minute: "numeric" };

// The cases of intl.rs, by name: the options, the first moment and the last.
const CASES = {
  "one day": [day, "2026-02-14T12:00"],
  "days of a month": [day, "2026-02-14T12:00", "2026-02-16T12:00"],
  "days of two months": [day, "2026-02-28T12:00", "2026-03-02T12:00"],
  "days of two years": [day, "2026-12-30T12:00", "2027-01-02T12:00"],
  "month and year": [{ year: "numeric", month: "long" }, "2026-02-14T12:00"],
  "weekday": [{ weekday: "long" }, "2026-02-14T12:00"],
  "morning": [time, "2026-02-14T09:05"],
  "evening": [time, "2026-02-14T18:30"],
  "two hours": [time, "2026-02-14T18:30", "2026-02-14T19:45"],
  "from morning to night": [time, "2026-02-14T09:05", "2026-02-14T22:00"],
};

const lines = LOCALES.flatMap((locale) =>
  Object.entries(CASES).map(([name, [options, first, last]]) => {
    const format = new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
    const text = last === undefined ? format.format(at(first)) : format.formatRange(at(first), at(last));
    return [locale, name, simple(text)].join("\t");
  }),
);
const here = dirname(fileURLToPath(import.meta.url));
writeFileSync(join(here, "expected.tsv"), `locale\tcase\ttext\n${lines.join("\n")}\n`);
