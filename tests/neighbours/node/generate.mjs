// json-schema-to-typescript: a file for each schema of the cases, and one that uses them all, for
// tsc to compile.
//
//   node generate.mjs <trips.json> <folder>

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "json-schema-to-typescript";

const [trips, folder] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const uses = [];
for (const { package: file, type, schema, texts, without } of JSON.parse(readFileSync(trips, "utf8"))) {
  writeFileSync(join(folder, `${file}.ts`), await compile(schema, type, { format: false }));
  uses.push(`import type * as ${file} from "./${file}.js";`);
  for (const text of texts) uses.push(`({}) as object; (${text}) satisfies ${file}.${type};`);
  // Whether the compiler looks: without what it requires, an example is none.
  uses.push(`// @ts-expect-error`, `(${without}) satisfies ${file}.${type};`);
}
writeFileSync(join(folder, "uses.ts"), uses.join("\n"));
