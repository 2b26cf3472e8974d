//! The bill of a month in which no event comes: what the template has, times list prices. No
//! measurement is in it.

use contract::Topic;

use crate::prices;
use crate::report::{Row, Unit};

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
const SAMCONFIG: &str = include_str!("../../../infra/samconfig.toml");

/// The hours of an average month.
const HOURS: f64 = 730.0;

/// The pollers of one Event Poller Unit, unless they need more than its 20 MB a second (Lambda
/// Developer Guide, kafka-scaling-modes).
const POLLERS_OF_A_UNIT: usize = 10;

/// The interface endpoints that the functions need: SQS, Step Functions, Lambda and Secrets Manager
/// (docs/deploying.md, "The network"). They are the VPC's, and not in the template.
const ENDPOINTS: usize = 4;

/// The requests with which a mapping polls an empty queue, at once and in an hour each: it begins
/// with five (Lambda Developer Guide, services-sqs-scaling), each of which waits for 20 s. The 20 s
/// are a guess.
const POLLS: f64 = 5.0 * 3600.0 / 20.0;

/// What a schedule's invocation is assumed to take, in seconds, and to log, in bytes. Both are
/// guesses; the line is a thousandth of the bill.
const SCHEDULED_SECONDS: f64 = 0.1;
const SCHEDULED_BYTES: f64 = 2_000.0;

/// The queries of a sweep and a gathering: one for each shard of the index of what is open. The
/// sweep has two sets of sixteen, and the gathering one. An empty one is half a read unit.
const SHARDS: f64 = 48.0;

/// The memory of the functions with a schedule, in MB: completion sweeps, and operator gathers.
const SCHEDULED_MEMORY: [f64; 2] = [1769.0, 512.0];

/// What a run of `watch` is assumed to take, in seconds, and to log, in bytes: 18 lines of metrics.
const WATCH_SECONDS: f64 = 0.5;
const WATCH_BYTES: f64 = 6_000.0;

/// The memory of `watch`, in MB.
const WATCH_MEMORY: f64 = 256.0;

/// The read units of a run: the 48 shards of what is open once for the oldest and once for the late,
/// and 16 of the dead letters twice, each half a unit while it is empty; and three items.
const WATCH_UNITS: f64 = (48.0 + 48.0 + 32.0) * 0.5 + 3.0;

/// The metrics that `watch` emits each minute, with each value of their dimensions.
const WATCH_METRICS: f64 = 18.0;

/// A stage, as far as its idle bill depends on it.
#[derive(Debug, Clone, Copy)]
struct Stage {
    name: &'static str,
    /// Whether it has alarms and a dashboard: the parameter `Monitoring`.
    is_monitored: bool,
    /// Whether it has the alarm on the brokers' connections: the parameter `KafkaClusterName`.
    watches_cluster: bool,
    /// In how many availability zones the VPC has the interface endpoints.
    zones: usize,
    /// Its region.
    region: &'static str,
}

/// Production has its endpoints in the zones of the three brokers, staging in one zone.
fn stages() -> [Stage; 2] {
    [("production", 3), ("staging", 1)].map(|(name, zones)| Stage::of_samconfig(name, zones))
}

impl Stage {
    /// The stage as `infra/samconfig.toml` sets its parameters.
    fn of_samconfig(name: &'static str, zones: usize) -> Self {
        let settings = section(&format!("[{name}.deploy.parameters]\n"));
        let place = section(&format!("[{name}.global.parameters]\n"));
        let region = place
            .lines()
            .find_map(|line| line.strip_prefix("region = "))
            .unwrap_or_default();
        Self {
            name,
            is_monitored: !settings.contains("\"Monitoring=none\""),
            watches_cluster: settings.contains("\"KafkaClusterName="),
            zones,
            region: region.trim_matches('"'),
        }
    }

    /// An hour of an interface endpoint in one zone of its region.
    fn endpoint_hour(self) -> f64 {
        match self.region {
            "us-east-1" => prices::ENDPOINT_HOUR_OF_VIRGINIA,
            _ => prices::ENDPOINT_HOUR,
        }
    }

    /// The lines of its bill, in dollars a month.
    fn bill(self) -> [(&'static str, f64); 8] {
        let monitored = if self.is_monitored { 1.0 } else { 0.0 };
        let metrics = alarm_metrics(self.watches_cluster) as f64;
        let units = poller_units() as f64;
        let endpoints = (ENDPOINTS * self.zones) as f64;
        [
            ("Event Poller Unit", units * HOURS * prices::POLLER_HOUR),
            (
                "interface endpoints",
                endpoints * HOURS * self.endpoint_hour(),
            ),
            (
                "alarms",
                monitored
                    * (metrics * prices::ALARM_METRIC
                        + composite_alarms() * prices::COMPOSITE_ALARM),
            ),
            ("dashboard", monitored * prices::DASHBOARD),
            (
                "secret",
                times("Type: AWS::SecretsManager::Secret\n") as f64 * prices::SECRET,
            ),
            (
                "polling the queues",
                queues() * POLLS * HOURS * prices::SQS_REQUEST,
            ),
            (
                "metrics",
                (monitored * WATCH_METRICS).max(1.0) * prices::CUSTOM_METRIC,
            ),
            ("schedules", schedules() + monitored * watch()),
        ]
    }
}

/// The section of `infra/samconfig.toml` that begins with the line `begin`.
fn section(begin: &str) -> &'static str {
    let (_, rest) = SAMCONFIG.split_once(begin).unwrap_or_default();
    rest.split("\n[").next().unwrap_or_default()
}

/// How often the template has `text`.
fn times(text: &str) -> usize {
    TEMPLATE.matches(text).count()
}

/// The metrics of all alarms, each of which CloudWatch bills; with or without those of the
/// cluster's brokers. A stage of these has no notices, each of whose alarms has one metric.
fn alarm_metrics(of_cluster: bool) -> usize {
    let of_expressions = times("MetricStat: {");
    let alone = times("\n      MetricName: ");
    let of_brokers = times("Namespace: AWS/Kafka,");
    let of_notices = times("\n    Condition: NoticesMonitored\n");
    of_expressions + alone - of_notices - if of_cluster { 0 } else { of_brokers }
}

/// The alarms that are made of others.
fn composite_alarms() -> f64 {
    times("Type: AWS::CloudWatch::CompositeAlarm\n") as f64
}

/// The queues that a mapping polls. A stage of these has no queue of notices.
fn queues() -> f64 {
    let of_notices = times("\n            Queue: !GetAtt NoticesQueue.Arn\n");
    (times("          Type: SQS\n") - of_notices) as f64
}

/// The units that the pollers of all mappings need.
fn poller_units() -> usize {
    let (_, parameter) = TEMPLATE.split_once("\n  Pollers:\n").unwrap_or_default();
    let default = parameter
        .lines()
        .find_map(|line| line.strip_prefix("    Default: "));
    let pollers: usize = default.and_then(|number| number.parse().ok()).unwrap_or(0);
    (pollers * Topic::consumed().count()).div_ceil(POLLERS_OF_A_UNIT)
}

/// The sweep and the gathering, every five minutes: compute, reads, the depth of the queue, a
/// listing of the bucket, logs.
fn schedules() -> f64 {
    let runs = HOURS * 12.0;
    let gibibytes = SCHEDULED_MEMORY.iter().sum::<f64>() / 1024.0;
    let both = SCHEDULED_MEMORY.len() as f64;
    let compute = gibibytes * SCHEDULED_SECONDS * prices::LAMBDA_GIBIBYTE_SECOND;
    let each = prices::LAMBDA_REQUEST + SCHEDULED_BYTES / 1e9 * prices::LOGGED_GIGABYTE;
    let reads = SHARDS * 0.5 * prices::READ_UNIT;
    runs * (compute + both * each + reads + prices::SQS_REQUEST + prices::S3_LIST)
}

/// `watch`, every minute: compute, reads, a note of the run, the depth of the queue, logs. Lambda's
/// own calls cost nothing, and the brokers are the cluster's.
fn watch() -> f64 {
    let compute = WATCH_MEMORY / 1024.0 * WATCH_SECONDS * prices::LAMBDA_GIBIBYTE_SECOND;
    let logs = WATCH_BYTES / 1e9 * prices::LOGGED_GIGABYTE;
    let table = WATCH_UNITS * prices::READ_UNIT + prices::WRITE_UNIT;
    HOURS * 60.0 * (compute + prices::LAMBDA_REQUEST + logs + table + prices::SQS_REQUEST)
}

/// The idle bill of each stage.
pub fn rows() -> Vec<Row> {
    let of_stage = |stage: Stage| {
        let bill = stage.bill();
        let all = bill.iter().map(|(_, dollars)| dollars).sum();
        let lines = bill.into_iter().chain([("all of it", all)]);
        Row::new(
            format!("A month of {} without an event", stage.name),
            "list prices of its region; without cluster, storage and vendors' secrets",
            Unit::Dollars,
            lines
                .map(|(name, dollars)| (name.to_owned(), dollars))
                .collect(),
        )
    };
    stages().map(of_stage).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERFORMANCE: &str = include_str!("../../../docs/performance.md");
    const README: &str = include_str!("../../../README.md");

    #[test]
    fn a_month_of_staging_without_an_event_costs_at_most_190_dollars() {
        let [_, staging]: [Row; 2] = rows().try_into().unwrap();
        let all = staging.of("all of it").unwrap();
        assert!((100.0..=190.0).contains(&all), "{all}");
    }

    #[test]
    fn each_stage_pays_the_endpoints_of_its_own_region() {
        let found = stages().map(|stage| (stage.region, stage.endpoint_hour()));
        assert_eq!(found, [("ap-south-1", 0.013), ("us-east-1", 0.01)]);
    }

    #[test]
    fn the_pollers_of_all_mappings_fit_into_one_unit() {
        assert_eq!(poller_units(), 1);
    }

    #[test]
    fn the_template_has_what_the_idle_bill_counts() {
        assert!(alarm_metrics(true) > alarm_metrics(false) && alarm_metrics(false) > 50);
        assert_eq!(times("Type: AWS::CloudWatch::Dashboard\n"), 1);
        assert_eq!(times("Schedule: rate(5 minutes)\n"), SCHEDULED_MEMORY.len());
        assert_eq!(times("Schedule: rate(1 minute)\n"), 1);
        // notify has the same, and these stages do not have notify.
        assert_eq!(times(&format!("MemorySize: {WATCH_MEMORY}\n")), 2);
        // Nothing polls the dead letters of the schedules, and neither stage has notices and theirs.
        let of_notices = times("Type: AWS::SQS::Queue\n    Condition: WithNotices\n");
        assert_eq!(of_notices, 2);
        let others = times("Type: AWS::SQS::Queue\n") - of_notices;
        assert_eq!(queues() as usize + 1, others);
        for stage in ["production", "staging"] {
            let settings = section(&format!("[{stage}.deploy.parameters]\n"));
            assert!(!settings.contains("\"Webhooks=") && !settings.contains("\"NoticesEventBus="));
        }
    }

    /// A resource of a new type may cost something when nothing happens: look its price up, and add
    /// it to the bill or to the page's list of what costs nothing.
    #[test]
    fn every_type_of_resource_was_looked_up() {
        let mut types: Vec<&str> = TEMPLATE
            .lines()
            .filter_map(|line| line.strip_prefix("    Type: "))
            .filter(|kind| kind.contains("::"))
            .collect();
        types.sort_unstable();
        types.dedup();
        let looked_up = [
            "AWS::CloudWatch::Alarm",
            "AWS::CloudWatch::CompositeAlarm",
            "AWS::CloudWatch::Dashboard",
            "AWS::DynamoDB::Table",
            "AWS::IAM::ManagedPolicy",
            "AWS::Logs::LogGroup",
            "AWS::S3::Bucket",
            "AWS::S3::BucketPolicy",
            "AWS::SQS::Queue",
            "AWS::SQS::QueuePolicy",
            "AWS::SecretsManager::Secret",
            "AWS::Serverless::Function",
            "AWS::Serverless::StateMachine",
            "Custom::KafkaTopics",
        ];
        assert_eq!(types, looked_up);
    }

    #[test]
    fn the_pages_have_the_idle_bill() {
        let [production, staging]: [Row; 2] = rows().try_into().unwrap();
        for ((name, of_production), (_, of_staging)) in
            production.figures.iter().zip(&staging.figures)
        {
            let figures = format!(" | ${of_production:.2} | ${of_staging:.2} |");
            assert!(
                PERFORMANCE.contains(&figures),
                "docs/performance.md lacks {name}: {figures}"
            );
        }
        let counted = format!("{} metrics", alarm_metrics(true));
        assert!(PERFORMANCE.contains(&counted), "{counted}");
        let all = [&production, &staging].map(|row| row.of("all of it").unwrap());
        let sums = format!(" | ${:.0} | ${:.0} |", all[0], all[1]);
        assert!(README.contains(&sums), "README.md lacks {sums}");
    }
}
