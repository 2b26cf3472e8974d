//! List prices of ap-south-1 (Mumbai), in US dollars, without a free tier, as of November 2026.
//!
//! Of these only Step Functions' was read on AWS's page for Mumbai. Lambda's and S3's are taken to
//! be the same in both regions, and the others are us-east-1's times [`MUMBAI`], the factor by
//! which Step Functions is dearer there: an error of some per cent, in lines of a bill whose
//! largest was read. Whoever knows better changes them here.

/// Step Functions costs $0.0285 in Mumbai where it costs $0.025 in Virginia (AWS Step Functions
/// pricing).
const MUMBAI: f64 = 0.0285 / 0.025;

/// A second of Lambda with a gibibyte, on arm64, first tier (us-east-1's; taken to be Mumbai's).
pub const LAMBDA_GIBIBYTE_SECOND: f64 = 0.000_013_333_4;

/// A Lambda request (us-east-1's; taken to be Mumbai's).
pub const LAMBDA_REQUEST: f64 = 0.20 / 1e6;

/// An hour of an event poller unit (Lambda Developer Guide, Kafka scaling modes: $0.185 in
/// us-east-1).
pub const POLLER_HOUR: f64 = 0.185 * MUMBAI;

/// A transition of a standard state machine (AWS Step Functions pricing, Mumbai).
pub const TRANSITION: f64 = 0.0285 / 1000.0;

/// A write request unit of DynamoDB on demand ($0.625 a million in us-east-1 since November 2024).
pub const WRITE_UNIT: f64 = 0.625 / 1e6 * MUMBAI;

/// A read request unit ($0.125 a million in us-east-1 since November 2024).
pub const READ_UNIT: f64 = 0.125 / 1e6 * MUMBAI;

/// A PUT to S3 (us-east-1's; taken to be Mumbai's).
pub const S3_PUT: f64 = 0.005 / 1000.0;

/// A gigabyte that CloudWatch Logs takes in ($0.50 in us-east-1).
pub const LOGGED_GIGABYTE: f64 = 0.50 * MUMBAI;
