use super::*;
use serde_json::json;

/// Reads one mapping of a stack. `changes` apply to a mapping with every setting; null removes a
/// setting.
fn read(changes: Value) -> Result<Mapping, Error> {
    let mut properties = json!({
        "FunctionName": {"Ref": "EventCreated"},
        "EventSourceArn": {"Fn::GetAtt": ["Cluster", "Arn"]},
        "Topics": ["eventzr.event.created.v1"],
        "StartingPosition": "TRIM_HORIZON",
        "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": {"Fn::Sub": "${Stage}-event-created"}},
        "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 1},
        "BatchSize": 50,
        "MaximumBatchingWindowInSeconds": 1,
        "MaximumRetryAttempts": {"Ref": "Retries"},
        "MaximumRecordAgeInSeconds": 86400,
        "BisectBatchOnFunctionError": true,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Failed", "Arn"]}}},
    });
    let map = properties.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => map.remove(name),
            value => map.insert(name.clone(), value.clone()),
        };
    }
    let template = json!({
        "Conditions": {"IsProduction": {"Fn::Equals": [{"Ref": "Stage"}, "production"]}},
        "Resources": {
            "EventCreatedRecords": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties},
            "Queue": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": "arn:aws:sqs:::q"}},
        },
    });
    let references = [
        ("Stage", "staging"),
        ("Retries", "10000"),
        ("Window", "7"),
        ("EventCreatedRecords", "0e1f"),
    ];
    let on_failure = aws_sdk_lambda::types::OnFailure::builder()
        .destination("arn:aws:s3:::failed-batches")
        .build();
    let record = EventSourceMappingConfiguration::builder()
        .uuid("0e1f")
        .function_arn("arn:aws:lambda:us-east-1:000000000000:function:event-created")
        .event_source_arn("arn:aws:kafka:us-east-1:000000000000:cluster/studio/1-2")
        .batch_size(10)
        .maximum_batching_window_in_seconds(0)
        .state("Enabled")
        .destination_config(
            aws_sdk_lambda::types::DestinationConfig::builder()
                .on_failure(on_failure)
                .build(),
        )
        .build();
    let references = references
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let template = Template::parse(&template.to_string(), references).unwrap();
    Mapping::of_deployed(&template, &[record]).map(|mut mappings| mappings.remove(0))
}

fn complaint(changes: Value) -> String {
    read(changes).unwrap_err().to_string()
}

#[test]
fn the_template_and_the_record_together_make_a_mapping() {
    let expected = Mapping {
        uuid: "0e1f".to_owned(),
        function: "arn:aws:lambda:us-east-1:000000000000:function:event-created".to_owned(),
        event_source_arn: "arn:aws:kafka:us-east-1:000000000000:cluster/studio/1-2".to_owned(),
        topic: "eventzr.event.created.v1".to_owned(),
        consumer_group: "staging-event-created".to_owned(),
        batch_size: 50,
        window: Duration::from_secs(1),
        start: StartingPosition::TrimHorizon,
        provisioned: true,
        maximum_retries: Some(10_000),
        maximum_age: Some(Duration::from_secs(86_400)),
        bisect: true,
        report_batch_item_failures: true,
        destination: Some(Destination::S3 {
            bucket: "failed-batches".to_owned(),
        }),
        enabled: true,
    };
    assert_eq!(read(json!({})).unwrap(), expected);
}

/// API CreateEventSourceMapping: BatchSize 100 and 500 ms for Amazon MSK; infinite retries and age.
/// The group's name is the mapping's id (kafka-consumer-group-id.html). An emulator's own defaults
/// in the record are ignored.
#[test]
fn absent_settings_have_the_defaults_of_a_kafka_mapping() {
    let mapping = read(json!({
        "BatchSize": null, "MaximumBatchingWindowInSeconds": null, "MaximumRetryAttempts": null,
        "MaximumRecordAgeInSeconds": null, "BisectBatchOnFunctionError": null, "FunctionResponseTypes": null,
        "DestinationConfig": null, "AmazonManagedKafkaEventSourceConfig": null,
    }))
    .unwrap();
    assert_eq!(
        (mapping.batch_size, mapping.window),
        (100, Duration::from_millis(500))
    );
    assert_eq!((mapping.maximum_retries, mapping.maximum_age), (None, None));
    assert!(!mapping.bisect && !mapping.report_batch_item_failures && mapping.enabled);
    assert_eq!(
        (mapping.destination, mapping.consumer_group.as_str()),
        (None, "0e1f")
    );
}

/// The record of an emulator may say otherwise: a window is what the template states.
#[test]
fn the_window_is_the_one_that_the_template_states() {
    for seconds in [0, 1, 300] {
        let mapping = read(json!({"MaximumBatchingWindowInSeconds": seconds})).unwrap();
        assert_eq!(mapping.window, Duration::from_secs(seconds));
    }
    let of_a_parameter = read(json!({"MaximumBatchingWindowInSeconds": {"Ref": "Window"}}));
    assert_eq!(of_a_parameter.unwrap().window, Duration::from_secs(7));
}

/// kafka-retry-configurations.html: "automatically applies a maximum of 10 retry attempts".
#[test]
fn infinite_retries_with_a_destination_are_ten() {
    assert_eq!(
        read(json!({"MaximumRetryAttempts": -1}))
            .unwrap()
            .maximum_retries,
        Some(10)
    );
    assert_eq!(
        read(json!({"MaximumRetryAttempts": -1, "DestinationConfig": null}))
            .unwrap()
            .maximum_retries,
        None
    );
    assert_eq!(
        read(json!({"MaximumRetryAttempts": 0}))
            .unwrap()
            .maximum_retries,
        Some(0)
    );
}

/// kafka-scaling-modes.html: error controls exist only in provisioned mode. CloudFormation accepts
/// them in on-demand mode, too.
#[test]
fn without_provisioned_pollers_the_error_controls_are_not_in_force() {
    let pollers =
        json!({"Fn::If": ["IsProduction", {"MinimumPollers": 1}, {"Ref": "AWS::NoValue"}]});
    let mapping = read(json!({"ProvisionedPollerConfig": pollers})).unwrap();
    assert!(!mapping.provisioned && !mapping.bisect && !mapping.report_batch_item_failures);
    assert_eq!((mapping.maximum_retries, mapping.maximum_age), (None, None));
}

#[test]
fn a_destination_is_a_bucket_or_another_topic() {
    let to = |destination: &str| json!({"DestinationConfig": {"OnFailure": {"Destination": destination}}});
    assert_eq!(
        read(to("kafka://failed")).unwrap().destination,
        Some(Destination::Kafka {
            topic: "failed".to_owned()
        })
    );
    assert_eq!(read(to("")).unwrap().destination, None);
    assert!(complaint(to("kafka://eventzr.event.created.v1")).contains("another topic"));
    let queue = complaint(to("arn:aws:sqs:us-east-1:000000000000:failed"));
    assert!(
        queue.contains("arn:aws:sqs:us-east-1:000000000000:failed")
            && queue.contains("not supported"),
        "{queue}"
    );
    let mut on_demand = to("kafka://failed");
    on_demand["ProvisionedPollerConfig"] = json!({"Ref": "AWS::NoValue"});
    assert!(complaint(on_demand).contains("provisioned"));
}

#[test]
fn unsupported_settings_are_refused_by_name() {
    assert_eq!(
        complaint(json!({"BatchSize": 10_001})),
        "EventCreatedRecords: BatchSize must be a whole number from 1 to 10000"
    );
    assert!(
        complaint(json!({"MaximumRecordAgeInSeconds": 30})).contains("MaximumRecordAgeInSeconds")
    );
    assert!(
        complaint(json!({"Topics": ["a", "b"]})).contains("Topics must be a list of one topic")
    );
    assert!(
        complaint(json!({"Topics": [{"Fn::GetAtt": ["a", "b"]}]}))
            .contains("Topics: Fn::GetAtt cannot be resolved without a deployment")
    );
    assert!(
        complaint(json!({"FilterCriteria": {"Filters": []}}))
            .contains("FilterCriteria is not supported")
    );
    assert!(
        complaint(json!({"StartingPosition": "AT_TIMESTAMP"}))
            .contains("StartingPositionTimestamp")
    );
    assert_eq!(
        read(json!({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1.5}))
            .unwrap()
            .start,
        StartingPosition::AtTimestamp(1500)
    );
}

#[test]
fn a_resource_alone_makes_a_mapping() {
    let mut resource = json!({
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": "orders",
            "EventSourceArn": "cluster-arn",
            "Topics": ["orders"],
            "StartingPosition": "LATEST",
        },
    });
    let mapping = Mapping::of_resource("orders-mapping", &resource).unwrap();
    assert_eq!(
        (mapping.function.as_str(), mapping.consumer_group.as_str()),
        ("orders", "orders-mapping")
    );
    assert!(mapping.enabled && !mapping.provisioned);
    resource["Properties"]["FunctionName"] = json!({"Ref": "Orders"});
    let error = Mapping::of_resource("orders-mapping", &resource).unwrap_err();
    assert_eq!(
        error.to_string(),
        "orders-mapping: FunctionName: the template has no value for Orders"
    );
    resource["Type"] = json!("AWS::Lambda::Function");
    let error = Mapping::of_resource("orders-mapping", &resource).unwrap_err();
    assert!(matches!(error, Error::NotKafka { .. }), "{error}");
}
