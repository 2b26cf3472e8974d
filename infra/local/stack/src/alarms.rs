//! The states of the stack's alarms. The emulator evaluates them (its patch `alarms`); this reads
//! them, and tells what changes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::aws::{Aws, Error, JsonService, members};

/// How often the states are read.
const READ_EVERY: Duration = Duration::from_secs(2);

/// The state of an alarm, as CloudWatch names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// `OK`.
    Ok,
    /// `ALARM`: it rings.
    Alarm,
    /// `INSUFFICIENT_DATA`: it was not evaluated yet, or has nothing to be evaluated by.
    InsufficientData,
}

/// An alarm of the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Its name, such as `studio-dead-letters-local`.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Why it has this state, on one line.
    pub reason: String,
    /// Whether it is only a part of others, and tells no person.
    pub is_part: bool,
}

/// All alarms, also those that are made of others, in order of name.
///
/// # Errors
/// An [`Error`] if the emulator does not answer.
pub async fn alarms(aws: &Aws) -> Result<Vec<Alarm>, Error> {
    let kinds = ["MetricAlarm", "CompositeAlarm"];
    let mut input = json!({ "AlarmTypes": kinds, "MaxRecords": 100 });
    let (mut all, mut rules) = (Vec::new(), String::new());
    loop {
        let mut page = aws
            .json(JsonService::CloudWatch, "DescribeAlarms", &input)
            .await?;
        for kind in ["MetricAlarms", "CompositeAlarms"] {
            all.extend(members(&page[kind]).iter().map(read));
        }
        for composite in members(&page["CompositeAlarms"]) {
            rules.push_str(composite["AlarmRule"].as_str().unwrap_or_default());
        }
        match page["NextToken"].take() {
            Value::Null => break,
            next => input["NextToken"] = next,
        }
    }
    for alarm in &mut all {
        alarm.is_part = is_part_of(&rules, &alarm.name);
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}

/// Whether the rules of composite alarms name the alarm, by its name or its ARN.
fn is_part_of(rules: &str, name: &str) -> bool {
    [format!("\"{name}\""), format!(":alarm:{name}\"")]
        .iter()
        .any(|named| rules.contains(named))
}

fn read(alarm: &Value) -> Alarm {
    let text = |name: &str| alarm[name].as_str().unwrap_or_default().to_owned();
    Alarm {
        name: text("AlarmName"),
        state: match alarm["StateValue"].as_str() {
            Some("OK") => State::Ok,
            Some("ALARM") => State::Alarm,
            _ => State::InsufficientData,
        },
        reason: text("StateReason"),
        is_part: false,
    }
}

/// Tells which alarms begin to ring, and which stop, without those that are only parts of others.
/// Dropping it ends that.
#[derive(Debug)]
pub struct Bells {
    changes: UnboundedReceiver<Alarm>,
    _task: JoinSet<()>,
}

impl Bells {
    /// Listens from now on. An alarm that rings already is told.
    #[must_use]
    pub fn listen(aws: Aws) -> Self {
        let (sender, changes) = unbounded_channel();
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut heard = Heard::default();
            loop {
                // While the emulator does not answer, nothing is known to have changed.
                let alarms = alarms(&aws).await.unwrap_or_default();
                for change in heard.changes(alarms) {
                    if sender.send(change).is_err() {
                        return;
                    }
                }
                sleep(READ_EVERY).await;
            }
        });
        Self {
            changes,
            _task: task,
        }
    }

    /// The next alarm that rings, or that rings no more. The future may be dropped at any time
    /// without losing one.
    pub async fn next(&mut self) -> Alarm {
        match self.changes.recv().await {
            Some(change) => change,
            None => std::future::pending().await,
        }
    }
}

/// The names of the alarms, and whether each rang when it was last heard.
#[derive(Debug, Default)]
struct Heard(BTreeMap<String, bool>);

impl Heard {
    /// The alarms that ring and did not, or did and do not.
    fn changes(&mut self, alarms: Vec<Alarm>) -> Vec<Alarm> {
        let has_changed = |alarm: &Alarm| {
            let rings = alarm.state == State::Alarm;
            let rang = self.0.insert(alarm.name.clone(), rings);
            rings != rang.unwrap_or(false)
        };
        let told = alarms.into_iter().filter(|alarm| !alarm.is_part);
        told.filter(has_changed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(name: &str, state: State) -> Alarm {
        Alarm {
            name: name.to_owned(),
            state,
            reason: "why".to_owned(),
            is_part: false,
        }
    }

    #[test]
    fn an_alarm_is_told_when_it_begins_to_ring_and_when_it_stops() {
        let mut heard = Heard::default();
        let mut told = |state| heard.changes(vec![alarm("a", state), alarm("b", State::Ok)]);
        assert_eq!(told(State::InsufficientData), []);
        assert_eq!(told(State::Ok), []);
        assert_eq!(told(State::Alarm), [alarm("a", State::Alarm)]);
        assert_eq!(told(State::Alarm), []);
        assert_eq!(
            told(State::InsufficientData),
            [alarm("a", State::InsufficientData)]
        );
        assert_eq!(told(State::Ok), []);
    }

    #[test]
    fn one_that_rings_from_the_beginning_is_told() {
        let told = Heard::default().changes(vec![alarm("a", State::Alarm)]);
        assert_eq!(told, [alarm("a", State::Alarm)]);
    }

    #[test]
    fn a_part_of_a_composite_alarm_is_not_told() {
        let rules = r#"ALARM("arn:aws:cloudwatch:r:0:alarm:late-1h") AND ALARM("late-5m")"#;
        assert!(is_part_of(rules, "late-1h") && is_part_of(rules, "late-5m"));
        assert!(!is_part_of(rules, "late") && !is_part_of(rules, "1h"));
        let part = Alarm {
            is_part: true,
            ..alarm("late-1h", State::Alarm)
        };
        assert_eq!(Heard::default().changes(vec![part]), []);
    }

    #[test]
    fn an_alarm_is_read_from_cloudwatchs_answer() {
        let read = read(&json!({
            "AlarmName": "a", "StateValue": "ALARM", "StateReason": "why", "Threshold": 0,
        }));
        assert_eq!(read, alarm("a", State::Alarm));
    }
}
