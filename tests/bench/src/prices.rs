//! List prices of ap-south-1 (Mumbai), in US dollars, without a free tier, as of November 2026.
//!
//! The prices of interface endpoints, alarms and secrets are Mumbai's own. Those of Lambda, of S3 and
//! of CloudWatch's metrics and dashboards are assumed to be equal in both regions. The others, with
//! DynamoDB's, which are most of the bill of a million events, are us-east-1's times [`MUMBAI`], the
//! factor by which Step Functions is more expensive in Mumbai. docs/performance.md has the sources of
//! what an idle stage pays. Correct the prices here if you know better ones.

/// Step Functions costs $0.0285 in Mumbai and $0.025 in Virginia (AWS Step Functions pricing).
const MUMBAI: f64 = 0.0285 / 0.025;

/// A gibibyte-second of Lambda on arm64, first tier (us-east-1's price, assumed for Mumbai).
pub const LAMBDA_GIBIBYTE_SECOND: f64 = 0.000_013_333_4;

/// A Lambda request (us-east-1's price, assumed for Mumbai).
pub const LAMBDA_REQUEST: f64 = 0.20 / 1e6;

/// An hour of an event poller unit (Lambda Developer Guide, Kafka scaling modes: $0.185 in
/// us-east-1; assumed for Mumbai, as Lambda's other prices).
pub const POLLER_HOUR: f64 = 0.185;

/// An hour of an interface endpoint in one availability zone (AWS Price List, Mumbai:
/// `APS3-VpcEndpoint-Hours`).
pub const ENDPOINT_HOUR: f64 = 0.013;

/// The same in us-east-1 (AWS PrivateLink pricing).
pub const ENDPOINT_HOUR_OF_VIRGINIA: f64 = 0.01;

/// A request to a standard queue of SQS, such as an empty receive ($0.40 per million in us-east-1,
/// Amazon SQS pricing). A request that sends to a fair queue costs $0.10 per million more.
pub const SQS_REQUEST: f64 = 0.40 / 1e6 * MUMBAI;

/// A month of one metric of an alarm with a period of a minute or more (AWS Price List, Mumbai:
/// `APS3-CW:AlarmMonitorUsage`).
pub const ALARM_METRIC: f64 = 0.10;

/// A month of a composite alarm ($0.50 in us-east-1, Amazon CloudWatch pricing; assumed for Mumbai).
pub const COMPOSITE_ALARM: f64 = 0.50;

/// A month of a dashboard (Amazon CloudWatch pricing; assumed for Mumbai).
pub const DASHBOARD: f64 = 3.0;

/// A month of one of our own metrics, of the first 10,000 (Amazon CloudWatch pricing; assumed for
/// Mumbai).
pub const CUSTOM_METRIC: f64 = 0.30;

/// A month of a secret (a bill of Mumbai: `APS3-AWSSecretsManager-Secrets`).
pub const SECRET: f64 = 0.40;

/// A write request unit of DynamoDB on demand ($0.625 per million in us-east-1 since November
/// 2024).
pub const WRITE_UNIT: f64 = 0.625 / 1e6 * MUMBAI;

/// A read request unit ($0.125 per million in us-east-1 since November 2024).
pub const READ_UNIT: f64 = 0.125 / 1e6 * MUMBAI;

/// A PUT to S3 (us-east-1's price, assumed for Mumbai).
pub const S3_PUT: f64 = 0.005 / 1000.0;

/// A listing of a bucket, which costs what a PUT does.
pub const S3_LIST: f64 = S3_PUT;

/// What a request costs more if it is for messages with a group (fair queues; Amazon SQS pricing:
/// $0.10 per million in us-east-1).
pub const SQS_FAIR: f64 = 0.10 / 1e6 * MUMBAI;

/// A gigabyte of ingestion by CloudWatch Logs ($0.50 in us-east-1).
pub const LOGGED_GIGABYTE: f64 = 0.50 * MUMBAI;
