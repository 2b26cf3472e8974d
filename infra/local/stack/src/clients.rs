//! Clients of the emulator, with the credentials of its root. They use nothing from the environment
//! of the user who runs the local stack.

use std::net::SocketAddr;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{
    Credentials, RequestChecksumCalculation, SharedCredentialsProvider,
    StalledStreamProtectionConfig,
};

use crate::aws::Aws;
use crate::emulator::REGION;

/// One client for each service.
#[derive(Debug, Clone)]
pub struct Clients {
    /// CloudFormation, IAM and CloudWatch Logs.
    pub aws: Aws,
    /// The table.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Lambda, without retries: the caller decides what a failure means, and a slow function is no
    /// reason for a retry.
    pub lambda: aws_sdk_lambda::Client,
    /// The buckets.
    pub s3: aws_sdk_s3::Client,
    /// The vendors' keys.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// The executions.
    pub sfn: aws_sdk_sfn::Client,
    /// The queues.
    pub sqs: aws_sdk_sqs::Client,
}

impl Clients {
    /// Clients of AWS at an address: one of the proxy's two, of which one records and disturbs
    /// their calls.
    #[must_use]
    pub fn of(address: SocketAddr, root: &Credentials) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .endpoint_url(format!("http://{address}"))
            .credentials_provider(SharedCredentialsProvider::new(root.clone()))
            .build();
        let lambda = aws_sdk_lambda::config::Builder::from(&config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(Duration::from_secs(900))
                    .build(),
            )
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        let s3 = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(true)
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .build();
        Self {
            aws: Aws::at(address, root.clone()),
            dynamodb: aws_sdk_dynamodb::Client::new(&config),
            lambda: aws_sdk_lambda::Client::from_conf(lambda),
            s3: aws_sdk_s3::Client::from_conf(s3),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sfn: aws_sdk_sfn::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
        }
    }
}
