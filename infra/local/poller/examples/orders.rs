//! Polls the topic `orders` of a broker on this machine, and gives its records to the function
//! `take-orders` of an emulator.

use std::error::Error;

use aws_sdk_lambda::config::{Credentials, Region};
use kafka_client::Cluster;
use poller::{Connections, Mapping, Poller, What};
use serde_json::json;
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let resource = json!({
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": "take-orders",
            "EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/local/1",
            "Topics": ["orders"],
            "StartingPosition": "TRIM_HORIZON",
            "BatchSize": 10,
            "ProvisionedPollerConfig": { "MinimumPollers": 1 },
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
    });
    let mapping = Mapping::of_resource("orders", &resource)?;

    let (emulator, region) = ("http://127.0.0.1:4566", Region::from_static("us-east-1"));
    let credentials = Credentials::new("test", "test", None, None, "example");
    let lambda = aws_sdk_lambda::Config::builder()
        .behavior_version_latest()
        .endpoint_url(emulator)
        .region(region.clone())
        .credentials_provider(credentials.clone());
    let s3 = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .endpoint_url(emulator)
        .force_path_style(true)
        .region(region)
        .credentials_provider(credentials);
    let connections = Connections {
        cluster: Cluster::new("127.0.0.1:9092")?,
        bootstrap: "127.0.0.1:9092".to_owned(),
        lambda: aws_sdk_lambda::Client::from_conf(lambda.build()),
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
    };

    let (sender, mut reports) = mpsc::unbounded_channel();
    let poller = Poller::start(mapping, connections, sender)?;
    while let Some(report) = reports.recv().await {
        if let What::Committed { partition, offset } = report.what {
            println!("partition {partition} is done up to offset {offset}");
            break;
        }
    }
    poller.stop().await; // finishes the work in flight, and leaves the group
    Ok(())
}
