// An app with one studio: what docs/deploying.md shows.

import { App, Stack } from "aws-cdk-lib";
import { Studio } from "../lib/studio";

const stack = new Stack(new App(), "studio-staging", { terminationProtection: true });
new Studio(stack, "Studio", {
  code: process.env["STUDIO_CODE"] ?? "target/lambda",
  stage: "staging",
  kafkaClusterArn: "arn:aws:kafka:us-east-1:111122223333:cluster/eventzr/0123abcd-1",
  kafkaBootstrapServers: "boot-abc.c2.kafka-serverless.us-east-1.amazonaws.com:9098",
  subnetIds: "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
  securityGroupIds: "sg-0123456789abcdef0",
});
