// The construct makes what SAM deploys: `make cdk-test`.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { App, CfnResource, DefaultStackSynthesizer, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Studio, StudioProps } from "../lib/studio";
import { PARAMETERS } from "../lib/props";
import expanded = require("../lib/expanded.json");
import { evaluated } from "./evaluated";

let code: string;
let out: string;
const root = join(__dirname, "..");
const functions = Object.values<any>(expanded.Resources)
  .filter(({ Type }) => Type === "AWS::Lambda::Function")
  .map(({ Properties }) => Properties.Code.S3Key as string);

before(() => {
  out = mkdtempSync(join(tmpdir(), "studio-cdk-out-"));
  code = mkdtempSync(join(tmpdir(), "studio-cdk-"));
  for (const name of functions) {
    mkdirSync(join(code, name));
    writeFileSync(join(code, name, "bootstrap"), `the code of ${name}`);
  }
});
after(() => [code, out].forEach((folder) => rmSync(folder, { recursive: true })));
const outdir = () => mkdtempSync(join(out, "app-"));

const required = (): StudioProps => ({
  code,
  stage: "staging",
  kafkaClusterArn: "arn:aws:kafka:us-east-1:111122223333:cluster/eventzr/0123abcd-1",
  kafkaBootstrapServers: "boot-abc.c2.kafka-serverless.us-east-1.amazonaws.com:9098",
});

function stack(props: StudioProps): Stack {
  const context = { "aws:cdk:disable-path-metadata": true };
  const app = new App({ outdir: outdir(), analyticsReporting: false, context });
  const made = new Stack(app, "studio-staging", {
    synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
  });
  new Studio(made, "Studio", props);
  return made;
}
const synthesised = (props: StudioProps): any => Template.fromStack(stack(props)).toJSON();

/** The values by the template's own names, as `sam deploy` is given them. */
function overrides(props: StudioProps): Record<string, string | number> {
  const given = Object.entries(PARAMETERS).map(([prop, name]) => [name, (props as any)[prop]]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** The resources without the places of code and definitions, which alone differ. */
function comparable({ Resources, Outputs }: any): any {
  const text = JSON.stringify({ Resources, Outputs }).replace(/(Version)[0-9a-f]{10}\b/g, "$1");
  const found = JSON.parse(text);
  for (const { Type, Properties } of Object.values<any>(found.Resources)) {
    // The order of tags has no meaning.
    Properties?.Tags?.sort?.((one: any, other: any) => (one.Key < other.Key ? -1 : 1));
    if (Type === "AWS::Lambda::Function") delete Properties.Code;
    if (Type === "AWS::StepFunctions::StateMachine") delete Properties.DefinitionS3Location;
  }
  return found;
}

const cases: Record<string, Partial<StudioProps>> = {
  "with what is required": {},
  "with all that conditions ask for": {
    subnetIds: "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    securityGroupIds: "sg-0123456789abcdef0",
    topics: "given",
    kafkaClusterName: "eventzr",
    assetBaseUrl: "https://assets.example",
    assetDistributionArn: "arn:aws:cloudfront::111122223333:distribution/E1",
    logoBuckets: "one,two",
    voiceBuckets: "three",
    tenantBucketsOwner: "444455556666",
    alarmTopicArn: "arn:aws:sns:us-east-1:111122223333:alarms",
    kafkaRootsPem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    providerSettings: '{"openai":{"model":"gpt-image-1"}}',
    consumerGroups: "shared",
    startingPosition: "AT_TIMESTAMP",
    startingPositionTimestamp: 1_790_000_000,
    assets: "given",
    assetsBucketName: "eventzr-studio-assets-dev",
    deadLettersBucketName: "eventzr-dead-letters",
    deletionProtection: "on",
    permissionsBoundaryArn: "arn:aws:iam::111122223333:policy/bound",
    collectorLayerArn: "arn:aws:lambda:us-east-1:111122223333:layer:otel:1",
  },
  "with other numbers and no alarms": { pollers: 4, logRetentionDays: 90, monitoring: "none" },
};
for (const [name, given] of Object.entries(cases)) {
  test(`the resources are those of sam deploy ${name}`, () => {
    const props = { ...required(), ...given };
    const made = comparable(evaluated(synthesised(props)));
    const wanted = comparable(evaluated(expanded, overrides(props)));
    assert.ok(Object.keys(wanted.Resources).length > 50);
    for (const section of ["Resources", "Outputs"]) {
      assert.deepEqual(Object.keys(made[section]).sort(), Object.keys(wanted[section]).sort());
      for (const name in wanted[section]) {
        assert.deepEqual(made[section][name], wanted[section][name], name);
      }
    }
  });
}

test("each function has its own code, and each state machine its own definition", () => {
  const assembly = (stack(required()).node.root as App).synth();
  const read = (...path: string[]) => readFileSync(join(...path), "utf8");
  const { Resources } = JSON.parse(read(assembly.directory, "studio-staging.template.json"));
  const { files } = JSON.parse(read(assembly.directory, "studio-staging.assets.json"));
  const source = (key: string) =>
    join(assembly.directory, files[key.split(".")[0] as string].source.path);
  for (const [name, { Type, Properties, Condition }] of Object.entries<any>(expanded.Resources)) {
    if (!(name in Resources)) {
      assert.ok(Condition, `${name} is missing, and has no condition`);
      continue;
    }
    if (Type === "AWS::Lambda::Function") {
      const deployed = read(source(Resources[name].Properties.Code.S3Key), "bootstrap");
      assert.equal(deployed, `the code of ${Properties.Code.S3Key}`, name);
    }
    if (Type === "AWS::StepFunctions::StateMachine") {
      const deployed = read(source(Resources[name].Properties.DefinitionS3Location.Key));
      assert.equal(deployed, read(root, "lib", Properties.DefinitionS3Location.Key), name);
    }
  }
});

test("a value that the template refuses is refused, by name", () => {
  const refused = (given: object, words: RegExp) =>
    assert.throws(() => synthesised({ ...required(), ...given }), words);
  refused({ stage: "Staging" }, /Stage: "Staging" is not of the form/);
  refused({ architecture: "mips" }, /Architecture: "mips" is none of "arm64", "x86_64"/);
  refused({ pollers: 0 }, /Pollers: 0 is less than 1/);
  refused({ pollers: 201 }, /Pollers: 201 is more than 200/);
  refused({ pollers: NaN }, /Pollers: null is not a number/);
  refused({ subnetIds: "subnet-0123456789abcdef0" }, /With SubnetIds, SecurityGroupIds names/);
  refused({ securityGroupIds: "sg-0123456789abcdef0" }, /With SecurityGroupIds, SubnetIds names/);
  refused({ kafkaClusterArn: undefined }, /KafkaClusterArn is missing/);
  refused({ assets: "given" }, /With Assets=given, AssetsBucketName names the bucket/);
  refused({ code: join(code, "elsewhere") }, /bootstrap is not there: run `make bootstraps`/);
});

test("a resource of the app may give a value, except where a condition compares it", () => {
  const app = new App({ outdir: outdir() });
  const made = new Stack(app, "studio-staging");
  const cluster = new CfnResource(made, "Cluster", { type: "Custom::Cluster" });
  const kafkaClusterArn = cluster.getAtt("Arn").toString();
  const group = new CfnResource(made, "Group", { type: "Custom::Group" });
  // A rule compares it, and no condition does.
  const network = { subnetIds: "subnet-0123456789abcdef0", securityGroupIds: group.ref };
  new Studio(made, "Studio", { ...required(), kafkaClusterArn, ...network });
  const text = JSON.stringify(Template.fromStack(made).toJSON());
  assert.match(text, /"EventSourceArn":\{"Fn::GetAtt":\["Cluster","Arn"\]\}/);
  assert.match(text, /"SecurityGroupIds":\{"Fn::Split":\[",",\{"Ref":"Group"\}\]\}/);
  const other = new Stack(app, "other");
  const subnet = new CfnResource(other, "Subnet", { type: "Custom::Subnet" });
  const subnetIds = subnet.ref;
  assert.throws(
    () => new Studio(other, "Studio", { ...required(), subnetIds }),
    /SubnetIds is an attribute of another resource/,
  );
});

test("the package has the version of the crates", () => {
  const version = (file: string, form: RegExp) =>
    form.exec(readFileSync(join(root, file), "utf8"))?.[1];
  const cargo = version("../../Cargo.toml", /^version = "(.*)"$/m);
  assert.equal(version("package.json", /^  "version": "(.*)",$/m), cargo);
});

test("the example of the page is an app that synthesises", () => {
  const CDK_OUTDIR = outdir();
  const env = { ...process.env, CDK_OUTDIR, STUDIO_CODE: code };
  execFileSync(process.execPath, [join(root, "bin/example.js")], { env, timeout: 60_000 });
  const { Resources } = JSON.parse(readFileSync(join(CDK_OUTDIR, "studio-staging.template.json"), "utf8"));
  assert.ok("EventCreatedFunctionEventCreated" in Resources);
});
