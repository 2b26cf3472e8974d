// Writes patterns.tsv: how each language of CLDR joins two dates or two times, and how it writes a
// time of 12 hours. ICU4X has this data too, but only behind its feature `unstable`.
//
//   npm install --no-save cldr-core@48.2.0 cldr-dates-full@48.2.0
//   node cut.mjs
//
// A row says only what differs from its parent by CLDR's inheritance; an empty cell is inherited.
// README.md describes the columns, and where this departs from CLDR.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(process.cwd(), "node_modules");
const json = (path) => JSON.parse(readFileSync(join(packages, path), "utf8"));

const parents = json("cldr-core/supplemental/parentLocales.json").supplemental.parentLocales.parentLocale;
const clocks = json("cldr-core/supplemental/timeData.json").supplemental.timeData;
const dayPeriods = json("cldr-core/supplemental/dayPeriods.json").supplemental.dayPeriodRuleSet;

const COLUMNS = [
  "days", "months", "date.d", "date.M", "date.y", "years", "to",
  "time", "time.same", "time.other", "hours", "period",
];

// Where CLDR is followed in another way, and why.
const OVERRIDES = {
  // CLDR's range is 18時30分～22時00分, although its single time is 18:30, which posters have too.
  ja: { hours: "H:mm～H:mm", "time.same": "ah:mm～h:mm", "time.other": "ah:mm～ah:mm" },
};

/** A pattern as fields and literals: `d 'de' MMMM` is d, ` 'de' `, MMMM. */
function tokens(pattern) {
  return pattern.match(/([A-Za-z])\1*|(?:'[^']*'|[^A-Za-z'])+/g) ?? [];
}

const isField = (token) => /^[A-Za-z]/.test(token);
const sameAs = (letter) => ({ L: "M", K: "h", c: "E" })[letter] ?? letter;
const fields = (pattern) => tokens(pattern).filter(isField).map((token) => sameAs(token[0])).join("");

/** What stands between the two halves of a range. */
function between(range) {
  const parts = tokens(range);
  const seen = new Set();
  for (const [index, part] of parts.entries()) {
    if (!isField(part)) continue;
    if (seen.has(part[0])) return parts[index - 1];
    seen.add(part[0]);
  }
  return undefined;
}

/** Long names of months, and days without a leading zero, as single dates of posters have them. */
function long(pattern) {
  return tokens(pattern)
    .map((token) => (/^(MMM|LLL)/.test(token) ? token[0].repeat(4) : token[0] === "d" ? "d" : token))
    .join("");
}

const isNumeric = (pattern) => tokens(pattern).some((token) => /^(M|MM|MMMMM|L|LL)$/.test(token));

/** CLDR's range if it has the fields of the language's own date, else a dash: the canvas makes one. */
function checked(range, date, differs) {
  const order = fields(date);
  const expected = { d: order.replace("d", "dd"), M: order.replace(/dM|Md/, "$&$&"), y: order + order }[differs];
  // `MMM.` has the full stop of an abbreviation, which the long name does not have.
  const isAbbreviated = /MMM\./.test(range ?? "") && !/MMMM\./.test(date);
  const agrees = range !== undefined && fields(range) === expected && isNumeric(range) === isNumeric(date);
  return agrees && !isAbbreviated ? long(range) : "-";
}

const isLatin = (text) => /\p{Script=Latin}/u.test(text);

/** The parts of the day as `4=सुबह|12=दोपहर|16=शाम|20=रात`: from which hour on each is said. */
function partsOfDay(locale, names) {
  const { language } = new Intl.Locale(locale);
  const rules = Object.entries(dayPeriods[language] ?? {}).filter(([, rule]) => rule._from !== undefined);
  const named = rules.map(([name, rule]) => [Number.parseInt(rule._from, 10), names[name]]);
  if (named.length === 0 || named.some(([, name]) => name === undefined)) return undefined;
  return named.sort(([one], [other]) => one - other).map((entry) => entry.join("=")).join("|");
}

/** The half of the day as a field, `a` or `aaaa`, or the names of its parts. */
function periodOf(locale, calendar) {
  const names = calendar.dayPeriods.format;
  const { language, script } = new Intl.Locale(locale).maximize();
  const parts = partsOfDay(locale, names.abbreviated);
  // India's languages say the part of the day: timeData's first choice is hB.
  if (parts && /^hB/.test(clocks[`${language}-IN`]?._allowed ?? "")) return parts;
  if (script === "Latn" || !isLatin(names.abbreviated.pm)) return "a";
  if (!isLatin(names.wide.pm)) return "aaaa";
  return parts && !isLatin(parts) ? parts : "a";
}

/** The ranges of a clock of 12 hours: within one half or part of the day, and over two. */
function twelveHours(single, ranges) {
  const [same, other] = [ranges.h, ranges.B ?? ranges.a];
  const isFirst = (pattern) => /^[aB]/.test(pattern);
  if (isFirst(single) === isFirst(same)) return { time: single, same, other };
  // Where CLDR does not agree with itself, the part of the day comes first, as people say it.
  const first = [single, same, other].find(isFirst);
  const clock = single.replace(/[aB]/, "").trim();
  const space = /^[aB]\s/.test(first) ? " " : "";
  return {
    time: `B${space}${clock}`,
    same: `B${space}${clock}${between(same) ?? "–"}${clock}`,
    other: `B${space}${clock} – B${space}${clock}`,
  };
}

function row(locale) {
  const calendar = json(`cldr-dates-full/main/${locale}/ca-gregorian.json`).main[locale].dates.calendars.gregorian;
  const { intervalFormats: ranges, availableFormats: singles } = calendar.dateTimeFormats;
  const days = long(ranges.d.d);
  const date = long(singles.yMMMMd ?? calendar.dateFormats.long);
  const day = long(singles.MMMMd ?? singles.MMMd);
  const months = (ranges.MMMMd ?? ranges.MMMd).M;
  // Without the ending of a day. Not always intervalFormatFallback, which is a hyphen or a word in
  // languages whose ranges have a dash.
  const to = between(months)?.match(/(?:\s*[\p{Pd}~～]\s*|\s+\S+\s+|至)$/u)?.[0] ?? " – ";
  const whole = [ranges.yMMMMd, ranges.yMMMd].find((one) => one && isNumeric(one.M) === isNumeric(date)) ?? {};
  const range = (differs) => checked(whole[differs], date, differs);
  const period = periodOf(locale, calendar);
  const hasParts = period.includes("=");
  const [twelve, single] = hasParts ? [ranges.Bhm, singles.Bhm] : [{ a: ranges.hm.a, h: ranges.hm.h }, singles.hm];
  const halves = twelveHours(single, twelve);
  const field = hasParts ? "B" : period;
  const clock = (pattern) => pattern.replace(/hh/g, "h").replace(/K/g, "h").replace(/[aB]+/g, field);
  // `y至y` lacks the 年 of one year.
  const counted = singles.y !== "y" && !ranges.y.y.includes(singles.y.replace(/^y/, ""));
  const cells = {
    // In large numerals a dash has no space beside it.
    days: days.replace(/\s*–\s*/, "–"),
    months: checked(months, day, "M"),
    "date.d": range("d"),
    "date.M": range("M"),
    "date.y": range("y"),
    years: counted ? `${singles.y}${to}${singles.y}` : ranges.y.y,
    to,
    time: clock(halves.time),
    "time.same": clock(halves.same),
    "time.other": clock(halves.other),
    hours: ranges.Hm.H,
    period,
    ...OVERRIDES[locale],
  };
  return COLUMNS.map((column) =>
    cells[column]
      // The canvas makes wide forms plain, and a plain ~ is no wave dash.
      .replace(/～/g, "〜")
      .replace(/[\u2009\u202f]/g, " ")
      .replace(/,(?=[A-Za-z])/g, ", "),
  );
}

function parentOf(locale) {
  if (locale === "und") return undefined;
  const named = parents[locale];
  if (named !== undefined) return named === "root" ? "und" : named;
  const { language, script, region } = new Intl.Locale(locale);
  if (region !== undefined) return script === undefined ? language : `${language}-${script}`;
  return script === undefined ? "und" : language;
}

const locales = readdirSync(join(packages, "cldr-dates-full/main")).filter((name) => /^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|\d{3}))?$/.test(name));
const rows = new Map(locales.map((locale) => [locale, row(locale)]));

/** The locale as ICU4X looks for it: without a script that its region implies. */
function keyOf(locale) {
  const { language, script, region } = new Intl.Locale(locale);
  if (script === undefined || region === undefined) return locale;
  const short = `${language}-${region}`;
  return new Intl.Locale(short).maximize().script === script ? short : locale;
}

const lines = [];
for (const locale of [...rows.keys()].sort()) {
  let parent = parentOf(locale);
  while (parent !== undefined && !rows.has(parent)) parent = parentOf(parent);
  const inherited = rows.get(parent) ?? [];
  const cells = rows.get(locale).map((cell, index) => (cell === inherited[index] ? "" : cell));
  // A language has a row even if it differs in nothing: the row says that CLDR knows it.
  if (cells.some((cell) => cell !== "") || !locale.includes("-")) lines.push([keyOf(locale), ...cells].join("\t"));
}
writeFileSync(join(here, "patterns.tsv"), `${["locale", ...COLUMNS].join("\t")}\n${lines.join("\n")}\n`);
