//! The alarms: each one has its entry in the runbook and uses existing metrics, and the tests
//! provoke those on our own metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use contract::Topic;
use local::{
    checkout::Checkout,
    provoke::{Alarm, provoke},
    stack::Options,
    timeline::Timeline,
};
use serde_json::{Value, json};

/// The AWS metrics that an alarm may use, with their dimensions, from the services' own pages of
/// metrics: Lambda and its mappings (OffsetLag, and no IteratorAge), Step Functions, DynamoDB, SQS
/// and MSK.
const OF_AWS: &[(&str, &[&str], &[&str])] = &[
    (
        "AWS/Lambda",
        &["FunctionName"],
        &[
            "Errors",
            "Throttles",
            "Invocations",
            "Duration",
            "OffsetLag",
        ],
    ),
    (
        "AWS/Lambda",
        &["EventSourceMappingUUID"],
        &[
            "FailedInvokeEventCount",
            "DroppedEventCount",
            "OnFailureDestinationDeliveredEventCount",
            "OnFailureDestinationDeliveryErrorCount",
            "PollingErrorCount",
        ],
    ),
    (
        "AWS/States",
        &["StateMachineArn"],
        &[
            "ExecutionsFailed",
            "ExecutionsTimedOut",
            "ExecutionsAborted",
            "ExecutionThrottled",
        ],
    ),
    (
        "AWS/DynamoDB",
        &["TableName"],
        &["ReadThrottleEvents", "WriteThrottleEvents"],
    ),
    (
        "AWS/SQS",
        &["QueueName"],
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "NumberOfMessagesSent",
        ],
    ),
    (
        "AWS/Kafka",
        &["Cluster Name", "Broker ID"],
        &["IAMTooManyConnections"],
    ),
];

/// The metrics that `watch` emits in each run, whether or not anything happens.
const OF_WATCH: [&str; 11] = [
    "AssetsLate",
    "DeadLetterDepth",
    "HeartbeatAge",
    "MappingsNotEnabled",
    "OldestDeadLetterAge",
    "OldestJobAge",
    "OldestMessageAge",
    "OldestRecordAge",
    "OldestUnpublishedAge",
    "OldestVoiceAge",
    "ReadingsFailed",
];

/// An alarm of the template on metrics.
struct InTemplate {
    entry: String,
    description: String,
    threshold: String,
    missing: String,
    rings: bool,
    metrics: Vec<Metric>,
}

/// A metric of an alarm, with the resources and texts that its dimensions refer to.
struct Metric {
    namespace: String,
    name: String,
    dimensions: BTreeMap<String, String>,
}

/// The template, read as YAML without its tags: `!Ref Table` is `"Table"`.
pub fn written() -> Value {
    let root = Checkout::find().unwrap().root;
    let python = root.join("target/venv/bin/python");
    let read = "import sys, json, yaml\n\
        yaml.SafeLoader.add_multi_constructor('!', lambda loader, tag, node: \
        loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else \
        loader.construct_sequence(node, True) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node, True))\n\
        print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let ran = std::process::Command::new(python)
        .args(["-c", read])
        .arg(root.join("infra/template.yaml"))
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    serde_json::from_slice(&ran.stdout).unwrap()
}

/// The resources of the template, by id.
fn resources() -> BTreeMap<String, Value> {
    serde_json::from_value(written()["Resources"].take()).unwrap()
}

/// The alarms of the template.
fn alarms() -> Vec<InTemplate> {
    let alarms = resources()
        .into_values()
        .filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm");
    alarms
        .map(|alarm| of_template(&alarm["Properties"]))
        .collect()
}

fn of_template(properties: &Value) -> InTemplate {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let metric = |stat: &Value| Metric {
        namespace: text(&stat["Namespace"]),
        name: text(&stat["MetricName"]),
        dimensions: stat["Dimensions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| (text(&d["Name"]), text(&d["Value"])))
            .collect(),
    };
    let metrics = match properties["Metrics"].as_array() {
        None => vec![metric(properties)],
        Some(all) => all
            .iter()
            .filter_map(|one| one.get("MetricStat"))
            .map(|stat| metric(&stat["Metric"]))
            .collect(),
    };
    let name = text(&properties["AlarmName"]);
    InTemplate {
        entry: name
            .strip_prefix("studio-")
            .unwrap()
            .strip_suffix("-${Stage}")
            .unwrap()
            .to_owned(),
        description: text(&properties["AlarmDescription"]),
        threshold: text(&properties["Threshold"]),
        missing: text(&properties["TreatMissingData"]),
        rings: properties.get("AlarmActions").is_some(),
        metrics,
    }
}

/// The composite alarms: each one's entry, and the resources of the alarms that it is made of.
fn composites() -> BTreeMap<String, Vec<String>> {
    let composites = resources()
        .into_values()
        .filter(|resource| resource["Type"] == "AWS::CloudWatch::CompositeAlarm");
    let of = |alarm: Value| {
        let properties = &alarm["Properties"];
        assert!(properties.get("AlarmActions").is_some(), "{properties}");
        let name = properties["AlarmName"].as_str().unwrap();
        let entry = name.strip_prefix("studio-").unwrap();
        let entry = entry.strip_suffix("-${Stage}").unwrap().to_owned();
        let rule = properties["AlarmRule"].as_str().unwrap();
        let parts = rule.split(" AND ").map(|part| {
            let part = part.strip_prefix("ALARM(\"${").unwrap();
            part.strip_suffix("}\")").unwrap().to_owned()
        });
        (entry, parts.collect())
    };
    composites.map(of).collect()
}

#[test]
fn alarms_and_runbook_entries_match() {
    let runbook =
        fs::read_to_string(Checkout::find().unwrap().root.join("docs/runbook.md")).unwrap();
    let mut entries: Vec<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    entries.sort_unstable();
    let (alarms, composites) = (alarms(), composites());
    let ringing = alarms.iter().filter(|alarm| alarm.rings);
    let mut of_alarms: Vec<&str> = ringing
        .map(|alarm| alarm.entry.as_str())
        .chain(composites.keys().map(String::as_str))
        .collect();
    of_alarms.sort_unstable();
    assert_eq!(entries, of_alarms);
    for alarm in &alarms {
        let (_, named) = alarm.description.rsplit_once("docs/runbook.md#").unwrap();
        let named = named.trim_end().strip_suffix('.').unwrap();
        if !alarm.rings {
            assert!(
                composites.contains_key(named),
                "{}: it is part of none that rings",
                alarm.entry
            );
            continue;
        }
        assert_eq!(named, alarm.entry);
        // The table at the top of the runbook says whether the metrics are AWS's or ours.
        let row = if alarm.metrics[0].namespace == "Eventzr/Studio" {
            "| ours;"
        } else {
            "| AWS's metrics;"
        };
        let line = runbook.lines().find(|line| line.contains(row)).unwrap();
        assert!(
            line.split(" | ")
                .next()
                .unwrap()
                .split([' ', ',', '|'])
                .any(|word| word == alarm.entry),
            "{}",
            alarm.entry
        );
    }
}

/// CloudWatch bills both by the month, also where nothing happens.
#[test]
fn a_stage_without_monitoring_has_no_alarm_and_no_dashboard() {
    let template =
        fs::read_to_string(Checkout::find().unwrap().root.join("infra/template.yaml")).unwrap();
    for condition in [
        "  Monitored: !Equals [!Ref Monitoring, full]\n",
        "  ClusterMonitored: !And\n    - !Condition Monitored\n",
        "  NoticesMonitored: !And [!Condition Monitored, !Condition WithNotices]\n",
    ] {
        assert!(template.contains(condition), "{condition}");
    }
    let of_monitoring = [
        json!("Monitored"),
        json!("ClusterMonitored"),
        json!("NoticesMonitored"),
    ];
    let mut found = 0;
    for (id, resource) in resources() {
        let kind = resource["Type"].as_str().unwrap();
        if kind.starts_with("AWS::CloudWatch::") {
            let condition = &resource["Condition"];
            assert!(of_monitoring.contains(condition), "{id}: {condition}");
            found += 1;
        }
    }
    let all = alarms().len() + composites().len() + 1;
    assert_eq!(found, all, "the alarms and the dashboard");
}

/// What does not happen emits nothing. So an alarm about it is raised by a metric that comes each
/// minute, from a function that does none of the work, and it takes a minute without one for the worst.
#[test]
fn a_watcher_that_stands_still_silences_no_alarm() {
    let mut read = BTreeSet::new();
    for alarm in alarms() {
        let names: BTreeSet<&str> = alarm.metrics.iter().map(|one| one.name.as_str()).collect();
        let is_watched = names.iter().any(|name| OF_WATCH.contains(name));
        let expected = if is_watched {
            "breaching"
        } else {
            "notBreaching"
        };
        assert_eq!(alarm.missing, expected, "{}", alarm.entry);
        read.extend(names.into_iter().map(str::to_owned));
    }
    for metric in [
        "AssetsLate",
        "DeadLetterDepth",
        "HeartbeatAge",
        "MappingsNotEnabled",
        "OldestJobAge",
        "OldestRecordAge",
        "OldestUnpublishedAge",
        "ReadingsFailed",
    ] {
        assert!(read.contains(metric), "no alarm is on {metric}");
    }
    let watch = &resources()["WatchFunction"]["Properties"]["Events"]["EachMinute"];
    assert_eq!(watch["Properties"]["Schedule"], "rate(1 minute)");
}

/// Where one of several topics, mappings or schedules cannot be read, the maximum of the others says
/// nothing of it. The alarm on failed readings does.
#[test]
fn a_reading_that_fails_rings_by_itself() {
    let resources = resources();
    let alarm = &resources["WatchStoppedAlarm"]["Properties"];
    assert_eq!(
        (
            &alarm["MetricName"],
            &alarm["Statistic"],
            &alarm["Threshold"],
            &alarm["TreatMissingData"],
        ),
        (
            &json!("ReadingsFailed"),
            &json!("Maximum"),
            &json!(0),
            &json!("breaching"),
        )
    );
}

/// A burn-rate alarm has two windows: the long one says that it matters, the short one that it goes
/// on. Both compare with the same multiple of what the objective allows.
#[test]
fn each_burn_rate_alarm_has_a_long_window_and_a_short_one() {
    let resources = resources();
    let window = |part: &String| {
        let properties = &resources[part]["Properties"];
        let periods: BTreeSet<u64> = properties["Metrics"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["MetricStat"]["Period"].as_u64())
            .collect();
        assert_eq!(properties["EvaluationPeriods"], 1, "{part}");
        assert!(properties.get("AlarmActions").is_none(), "{part}");
        assert_eq!(periods.len(), 1, "{part}");
        (
            *periods.first().unwrap(),
            properties["Threshold"].as_f64().unwrap(),
        )
    };
    // 95 of 100 are to come in time.
    let budget = 5.0;
    for (entry, seconds, rate) in [
        ("assets-late-fast", [3600, 300], 14.4),
        ("assets-late-slow", [21_600, 1800], 6.0),
    ] {
        let windows: Vec<_> = composites()[entry].iter().map(window).collect();
        let expected = seconds.map(|seconds| (seconds, budget * rate));
        assert_eq!(windows, expected, "{entry}");
    }
    assert_eq!(composites().len(), 2);
}

#[test]
fn each_aws_metric_of_an_alarm_exists_with_its_dimensions() {
    let mut used = BTreeSet::new();
    for alarm in alarms() {
        for metric in alarm
            .metrics
            .iter()
            .filter(|metric| metric.namespace != "Eventzr/Studio")
        {
            let mut dimensions: Vec<&str> = metric.dimensions.keys().map(String::as_str).collect();
            let known = OF_AWS.iter().any(|(namespace, names, metrics)| {
                let mut names = names.to_vec();
                names.sort_unstable();
                dimensions.sort_unstable();
                *namespace == metric.namespace
                    && names == dimensions
                    && metrics.contains(&metric.name.as_str())
            });
            assert!(
                known,
                "{}: {} {} {dimensions:?}",
                alarm.entry, metric.namespace, metric.name
            );
            used.insert(metric.namespace.clone());
        }
    }
    let of_aws = OF_AWS.iter().map(|(namespace, ..)| (*namespace).to_owned());
    assert_eq!(used, of_aws.collect(), "each service is watched");
}

#[test]
fn every_function_mapping_queue_and_state_machine_has_alarms() {
    let alarms = alarms();
    let watched = |metric: &str, dimension: &str| -> Vec<String> {
        let metrics = alarms
            .iter()
            .flat_map(|alarm| &alarm.metrics)
            .filter(|one| one.name == metric);
        let mut found: Vec<String> = metrics
            .filter_map(|one| one.dimensions.get(dimension).cloned())
            .collect();
        found.sort();
        found
    };
    // The template names a function and its mapping after the variant.
    let mut consumers: Vec<String> = Topic::consumed()
        .map(|topic| format!("{topic:?}"))
        .collect();
    consumers.sort();
    let of_consumers: Vec<String> = consumers
        .iter()
        .map(|name| format!("{name}Function"))
        .collect();
    let mut all = [
        of_consumers.clone(),
        vec![
            "CompletionFunction".to_owned(),
            "EraseFunction".to_owned(),
            "KafkaTopicsFunction".to_owned(),
            "OperatorFunction".to_owned(),
            "RenderFunction".to_owned(),
            "WatchFunction".to_owned(),
        ],
    ]
    .concat();
    all.sort();
    assert_eq!(watched("Errors", "FunctionName"), all);
    assert_eq!(watched("Duration", "FunctionName"), all);
    assert_eq!(watched("Throttles", "FunctionName"), all);
    // completion waits for its turn in Step Functions, so some of its throttles are intended.
    assert_eq!(
        watched("Invocations", "FunctionName"),
        ["CompletionFunction"]
    );
    assert_eq!(watched("OffsetLag", "FunctionName"), of_consumers);
    let mappings: Vec<String> = consumers
        .iter()
        .map(|name| format!("{name}Function{name}"))
        .collect();
    for metric in [
        "FailedInvokeEventCount",
        "DroppedEventCount",
        "OnFailureDestinationDeliveredEventCount",
        "OnFailureDestinationDeliveryErrorCount",
        "PollingErrorCount",
    ] {
        assert_eq!(
            watched(metric, "EventSourceMappingUUID"),
            mappings,
            "{metric}"
        );
    }
    // A message that cannot be closed is in flight almost always, so one number is not enough. A
    // notice that cannot be delivered is, too.
    for (metric, queues) in [
        (
            "ApproximateAgeOfOldestMessage",
            &["RenderQueue.QueueName"][..],
        ),
        (
            "ApproximateNumberOfMessagesVisible",
            &[
                "NoticesDeadLetterQueue.QueueName",
                "RenderDeadLetterQueue.QueueName",
            ],
        ),
        (
            "ApproximateNumberOfMessagesNotVisible",
            &["NoticesQueue.QueueName", "RenderDeadLetterQueue.QueueName"],
        ),
        (
            "NumberOfMessagesSent",
            &["SchedulesDeadLetterQueue.QueueName"],
        ),
    ] {
        assert_eq!(watched(metric, "QueueName"), queues, "{metric}");
    }
    let machines = ["RenderStateMachine", "VoiceTrainingStateMachine"];
    for metric in [
        "ExecutionsFailed",
        "ExecutionsTimedOut",
        "ExecutionThrottled",
    ] {
        assert_eq!(watched(metric, "StateMachineArn"), machines, "{metric}");
    }
}

/// The alarm divides each function's duration by its own timeout.
#[test]
fn the_alarm_on_durations_knows_each_functions_timeout() {
    let resources = resources();
    let metrics = resources["FunctionDurationAlarm"]["Properties"]["Metrics"]
        .as_array()
        .unwrap();
    let expression = metrics[0]["Expression"].as_str().unwrap();
    let mut shares: Vec<&str> = expression
        .split(['[', ']', ',', ' '])
        .filter(|part| part.contains('/'))
        .collect();
    let mut expected: Vec<String> = metrics[1..]
        .iter()
        .map(|metric| {
            let dimensions = &metric["MetricStat"]["Metric"]["Dimensions"];
            let function = dimensions[0]["Value"].as_str().unwrap();
            let timeout = &resources[function]["Properties"]["Timeout"];
            let id = metric["Id"].as_str().unwrap();
            format!("{id}/{}", timeout.as_u64().unwrap() * 1000)
        })
        .collect();
    shares.sort_unstable();
    expected.sort_unstable();
    assert_eq!(shares, expected);
}

#[test]
fn provoked_alarms_have_the_templates_metrics_and_thresholds() {
    let ours: Vec<InTemplate> = alarms()
        .into_iter()
        .filter(|alarm| alarm.metrics[0].namespace == "Eventzr/Studio")
        // What `watch` emits is not in the log of what does the work, and the game day provokes it.
        .filter(|alarm| alarm.entry == "dead-letters" || alarm.missing != "breaching")
        .filter(|alarm| alarm.entry != "older-events")
        .collect();
    assert_eq!(ours.len(), Alarm::ALL.len());
    let template =
        fs::read_to_string(Checkout::find().unwrap().root.join("infra/template.yaml")).unwrap();
    for alarm in ours {
        let provoked: Alarm = alarm.entry.parse().unwrap();
        let mut metrics: Vec<&str> = alarm
            .metrics
            .iter()
            .map(|metric| metric.name.as_str())
            .collect();
        metrics.dedup();
        assert_eq!(metrics, provoked.metrics());
        // A number, or a parameter whose default is the number.
        let threshold = alarm.threshold.parse::<f64>().unwrap_or_else(|_| {
            let parameter = template
                .split(&format!("\n  {}:\n", alarm.threshold))
                .nth(1)
                .unwrap();
            let default = parameter
                .lines()
                .find_map(|line| line.trim().strip_prefix("Default: "))
                .unwrap();
            default.parse().unwrap()
        });
        assert_eq!(threshold, provoked.threshold(), "{}", alarm.entry);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provoked_fault_passes_its_alarms_threshold() {
    let timeline = Timeline::start(true);
    for alarm in Alarm::ALL {
        let value = provoke(alarm, Options::new(Checkout::find().unwrap()), &timeline)
            .await
            .unwrap();
        assert!(value > alarm.threshold(), "{alarm}: {value}");
    }
}
