// Modelina: prints the names of the models that it makes of an AsyncAPI document.
//
//   node models.mjs <asyncapi.yaml>

import { TypeScriptGenerator } from "@asyncapi/modelina";
import { Parser, fromFile } from "@asyncapi/parser";

const { document } = await fromFile(new Parser(), process.argv[2]).parse();
const models = await new TypeScriptGenerator().generate(document);
console.log(JSON.stringify(models.map(({ modelName }) => modelName)));
