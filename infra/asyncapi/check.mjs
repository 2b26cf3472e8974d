// Checks events/asyncapi.yaml with AsyncAPI's own parser; with a second argument, makes a page of it there.
//
//   node check.mjs <asyncapi.yaml> [<page.html>]

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Parser, fromFile, stringify } from "@asyncapi/parser";

const [source, page] = process.argv.slice(2);
if (!source) {
  console.error("usage: node check.mjs <asyncapi.yaml> [<page.html>]");
  process.exit(2);
}

const { document, diagnostics } = await fromFile(new Parser(), source).parse();
const levels = ["error", "warning", "information", "hint"];
for (const { severity, path, message, range } of diagnostics) {
  console.log(`${source}:${range.start.line + 1}: ${levels[severity]}: ${message} (${path.join(".")})`);
}
const errors = diagnostics.filter(({ severity }) => severity === 0).length;
if (errors > 0 || !document) {
  console.error(`${source} has ${errors} errors`);
  process.exit(1);
}
console.log(`${source} is AsyncAPI ${document.version()}: ${document.channels().length} channels, ${document.operations().length} operations`);

if (page) {
  // AsyncAPI's component, whole, in the page: it opens from a file, with no server and no network.
  const component = dirname(createRequire(import.meta.url).resolve("@asyncapi/react-component/package.json"));
  const script = readFileSync(join(component, "browser/standalone/without-parser.js"), "utf8");
  const style = readFileSync(join(component, "styles/default.min.css"), "utf8");
  const inScript = (text) => text.replaceAll("</script", "<\\/script");
  const schema = inScript(JSON.stringify(stringify(document)));
  mkdirSync(dirname(page), { recursive: true });
  writeFileSync(
    page,
    `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${document.info().title()}</title>
<style>${style}</style>
<div id="asyncapi"></div>
<script>${inScript(script)}</script>
<script>
  const config = { show: { sidebar: true, errors: true }, sidebar: { showOperations: "byDefault" } };
  AsyncApiStandalone.render({ schema: JSON.parse(${schema}), config }, document.getElementById("asyncapi"));
</script>
</html>
`,
  );
  console.log(`${page} is its page`);
}
