// The studio as a construct: infra/template.yaml, as SAM's own translator expands it, with assets
// in the place of the code and the definitions. Nothing of the template is written here again.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { CfnFunction } from "aws-cdk-lib/aws-lambda";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { CfnStateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import { compared, decided, Values } from "./conditions";
import { valueOf } from "./parameters";
import { PARAMETERS, StudioParameters } from "./props";
import template = require("./expanded.json");

export { StudioParameters } from "./props";

export interface StudioProps extends StudioParameters {
  /**
   * The folder with a folder for each function, in which its bootstrap lies: `target/lambda` after
   * `make bootstraps`, or the unpacked packages of a release.
   */
  readonly code: string;
}

/** One studio. A stack has one at most, because its resources have the template's ids. */
export class Studio extends Construct {
  /** All resources and outputs, by the names that they have in infra/template.yaml. */
  readonly template: CfnInclude;

  constructor(scope: Construct, id: string, props: StudioProps) {
    super(scope, id);
    const named = Object.entries(PARAMETERS).map(([prop, name]) => {
      const given = props[prop as keyof StudioParameters];
      return [name, valueOf(name, given, compared(template).has(name))];
    });
    this.template = this.include(Object.fromEntries(named));
    for (const name of this.namesOf("AWS::Lambda::Function")) this.putCode(name, props.code);
    for (const name of this.namesOf("AWS::StepFunctions::StateMachine")) this.putDefinition(name);
  }

  /** The names of the resources of a type, without those whose condition does not hold. */
  private namesOf(type: string): string[] {
    const included = this.template.node.children.map(({ node }) => node.id);
    return included.filter((name) => resources[name]?.Type === type);
  }

  private include(parameters: Values): CfnInclude {
    const folder = mkdtempSync(join(tmpdir(), "studio-"));
    try {
      const templateFile = join(folder, "decided.json");
      writeFileSync(templateFile, JSON.stringify(decided(template, parameters)));
      return new CfnInclude(this, "Template", { templateFile, parameters });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  private putCode(name: string, code: string): void {
    const made = this.template.getResource(name) as CfnFunction;
    const folder = join(code, placeOf(name, "Code", "S3Key"));
    if (!existsSync(join(folder, "bootstrap"))) {
      const cure = "run `make bootstraps`, or unpack a release";
      throw new Error(`${folder}/bootstrap is not there: ${cure}`);
    }
    const asset = new Asset(this, `${name}Code`, { path: folder });
    made.code = { s3Bucket: asset.s3BucketName, s3Key: asset.s3ObjectKey };
  }

  private putDefinition(name: string): void {
    const made = this.template.getResource(name) as CfnStateMachine;
    const path = join(__dirname, placeOf(name, "DefinitionS3Location", "Key"));
    const asset = new Asset(this, `${name}Definition`, { path });
    made.definitionS3Location = { bucket: asset.s3BucketName, key: asset.s3ObjectKey };
  }
}

interface Expanded {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, any>>;
}
const resources = template.Resources as unknown as Readonly<Record<string, Expanded>>;

/** What infra/expand.py wrote in the place of a place in S3. */
const placeOf = (name: string, property: string, key: string): string =>
  resources[name]?.Properties[property][key];
