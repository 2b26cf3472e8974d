//! Set aside: marks a record that stops its partition, so that its consumer makes a dead letter of
//! it. Nothing is lost: the dead letter has the record whole, and can be redriven.

use contract::Time;
use operations::{RecordSetAside, SetAside, SetAsideFate};

use crate::{Operator, step::StepError};

/// Marks a record, or without `execute` reports what would happen. A record that its consumer can
/// handle is handled nevertheless, so that a wrong offset does no harm.
pub(crate) async fn set_aside(
    operator: &Operator,
    step: &SetAside,
    now: Time,
) -> Result<RecordSetAside, StepError> {
    let SetAside {
        topic,
        partition,
        offset,
        ref reason,
        execute,
    } = *step;
    if !topic.is_consumed() {
        return Err(StepError::NotConsumed(topic));
    }
    let fate = match execute {
        false => SetAsideFate::WouldBeSetAside,
        true => {
            let record = (topic, partition, offset);
            let marked = operator.store.set_aside(record, reason.as_str(), now);
            marked.await?;
            SetAsideFate::SetAside
        }
    };
    Ok(RecordSetAside {
        topic,
        partition,
        offset,
        fate,
    })
}
