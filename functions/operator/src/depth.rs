//! Depth: how many messages wait in the queue of what is to be rendered, and for how long.

use contract::Time;
use operations::Queued;
use queue::Depth;

use crate::{Operator, step::StepError};

/// Shows how full the queue is. SQS does not tell the age of its oldest message to a function, and a
/// message that is put off is a new one; so the job tells that waits for longest.
pub(crate) async fn show(operator: &Operator, now: Time) -> Result<Queued, StepError> {
    let Depth {
        waiting,
        in_flight,
        delayed,
    } = operator.outbox.queue().depth().await?;
    let dead = operator.dead_letter_queue.depth().await?;
    let longest = operator.store.longest_queued().await?;
    Ok(Queued {
        waiting,
        in_flight,
        delayed,
        oldest_seconds: longest.map(|job| now.milliseconds_since(job.created_at) / 1000),
        dead: dead.waiting + dead.in_flight + dead.delayed,
    })
}
