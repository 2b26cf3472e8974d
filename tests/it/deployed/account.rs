//! What an account asks of every stack in it: tags, a permissions boundary, protection from
//! deletion, and a layer for its collector.

use serde_json::json;

use super::{if_there, of_type, processed};
use crate::harness::Studio;

/// The types of resources that AWS bills and that have tags of their own. The stack's tags reach the
/// others.
const TAGGED: [&str; 8] = [
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
    "AWS::StepFunctions::StateMachine",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_resource_is_tagged_and_every_role_is_bounded() {
    let studio = Studio::start_with(|options| options.poll = false).await;
    let template = processed(&studio).await;
    let tags = [
        json!({ "Key": "service", "Value": "studio" }),
        json!({ "Key": "stage", "Value": { "Ref": "Stage" } }),
        json!({ "Key": "cost-centre", "Value": { "Ref": "CostCentre" } }),
    ];
    for kind in TAGGED {
        for (id, properties) in of_type(&template, kind) {
            let its = properties["Tags"].as_array();
            let its = its.unwrap_or_else(|| panic!("{id} has no tags"));
            assert!(tags.iter().all(|tag| its.contains(tag)), "{id}: {its:?}");
        }
    }
    let boundary = if_there("WithBoundary", "PermissionsBoundaryArn");
    for (id, role) in of_type(&template, "AWS::IAM::Role") {
        assert_eq!(role["PermissionsBoundary"], boundary, "{id}");
    }
    let layer = json!([if_there("WithCollector", "CollectorLayerArn")]);
    for (id, function) in of_type(&template, "AWS::Lambda::Function") {
        assert_eq!(function["Layers"], layer, "{id}");
    }
    let protected = json!({ "Fn::If": ["Protected", true, false] });
    for (id, table) in of_type(&template, "AWS::DynamoDB::Table") {
        assert_eq!(table["DeletionProtectionEnabled"], protected, "{id}");
    }
    let is_on = json!({ "Fn::Equals": [{ "Ref": "DeletionProtection" }, "on"] });
    assert_eq!(template["Conditions"]["Protected"], is_on);
    studio.stop().await;
}
