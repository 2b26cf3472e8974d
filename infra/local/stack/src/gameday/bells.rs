//! The alarms of a running stack, by their entries in docs/runbook.md.

use std::collections::BTreeSet;

use super::place::Place;
use crate::alarms::{Alarm, State, alarms};
use crate::aws;

/// The alarms that ring.
///
/// # Errors
/// CloudWatch cannot be asked.
pub(super) async fn ringing(place: &Place) -> Result<BTreeSet<String>, aws::Error> {
    let all = alarms(&place.clients.aws).await?;
    Ok(entries(all.iter().filter(|alarm| {
        alarm.state == State::Alarm && !alarm.is_part
    })))
}

/// All alarms, in every state.
///
/// # Errors
/// CloudWatch cannot be asked.
pub(super) async fn all(place: &Place) -> Result<BTreeSet<String>, aws::Error> {
    Ok(entries(alarms(&place.clients.aws).await?.iter()))
}

/// `studio-<entry>-local`, without what is around the entry.
fn entries<'a>(alarms: impl Iterator<Item = &'a Alarm>) -> BTreeSet<String> {
    let entry = |alarm: &Alarm| {
        let entry = alarm.name.strip_prefix("studio-")?.strip_suffix("-local")?;
        Some(entry.to_owned())
    };
    alarms.filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_goes_by_its_entry_in_the_runbook() {
        let alarms = ["studio-put-off-local", "another-teams"].map(|name| Alarm {
            name: name.to_owned(),
            state: State::Alarm,
            reason: String::new(),
            is_part: false,
        });
        assert_eq!(
            entries(alarms.iter()),
            BTreeSet::from(["put-off".to_owned()])
        );
    }
}
