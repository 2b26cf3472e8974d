// Ajv in its strictest mode: says of each case whether the schema takes it.
//
//   node validate.mjs <cases.json>

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const verdicts = JSON.parse(readFileSync(process.argv[2], "utf8")).map(({ schema, cases }) => {
  const ajv = new Ajv2020({ strict: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  return cases.map(({ json }) => validate(JSON.parse(json)));
});
console.log(JSON.stringify(verdicts));
