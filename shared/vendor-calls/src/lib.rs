//! The call to a vendor that several functions make, measured: a look asks the provider that works on
//! a job for its progress. The request costs nothing and may be repeated.

use domain::{Job, ProviderId};
use providers::{Order, Progress, Refused, Vendors};
use telemetry::Telemetry;
use work::{Request, called};

/// Asks the provider for the progress of `ticket`, which it gave for `order`.
///
/// # Errors
/// [`Refused`]: there was no answer, and the ticket is still valid.
pub async fn look(
    telemetry: &Telemetry,
    vendors: &Vendors,
    provider: ProviderId,
    order: Order<'_>,
    ticket: &str,
) -> Result<Progress, Refused> {
    let ask = async |job: Job| {
        vendors
            .poll(provider, Order { job: &job, ..order }, ticket)
            .await
    };
    let refusal = |progress: &Result<Progress, Refused>| match progress {
        Ok(Progress::Failed(refused)) | Err(refused) => Some(refused.refusal),
        Ok(Progress::Pending { .. } | Progress::Done(_)) => None,
    };
    let request = Request {
        provider,
        action: "poll",
    };
    called(telemetry, request, order.job, ask, refusal).await
}
