//! What a game day publishes around a fault, and how much of it came out.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use contract::Topic;
use kafka_client::{Cluster, From};
use serde_json::{Value, json};

use super::cause::TOLD;
use super::fault::{Load, Second};
use crate::checkout::Checkout;
use crate::input::{STRUCTURED, example_of_now};
use crate::records::Reader;
use crate::stack::message;

/// How long the topic must be quiet before what it holds counts as read.
const QUIET: Duration = Duration::from_secs(2);

/// An event of a producer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sent {
    /// The event; its `time` is set when it is published.
    event: Value,
    /// How many seconds the producer's clock is ahead.
    ahead: i64,
}

/// The events around one fault.
#[derive(Debug, PartialEq)]
pub(super) struct Plan {
    /// Before the fault.
    pub before: Vec<Sent>,
    /// While it is in.
    pub during: Vec<Sent>,
    /// What the producer sends once it knows of the fault.
    pub again: Vec<Sent>,
    /// The tenants of all of them.
    pub tenants: BTreeSet<String>,
    /// How many assets are to come of all of them.
    pub assets: usize,
}

impl Plan {
    /// The events of a load. `name` begins the names of its tenants, and is used for no other.
    ///
    /// # Errors
    /// The contract's example cannot be read.
    pub(super) fn of(load: Load, name: &str, checkout: &Checkout) -> io::Result<Self> {
        let created = example_of_now(Topic::EventCreated, checkout)?;
        let launched = example_of_now(Topic::CampaignLaunched, checkout)?;
        let poster = |number: u32, tenant: &str| about(&created, number, tenant, "poster");
        let each = |number: u32| format!("{name}-{number}");
        let plan = match load {
            Load::Posters(count) => Self::during((0..count).map(|n| poster(n, &each(n)))),
            Load::AtOnce(count) => Self::during((0..count).map(|n| poster(n, name))),
            Load::Videos(count) => {
                Self::during((0..count).map(|n| about(&launched, n, &each(n), "video")))
            }
            Load::Renamed(count) => {
                let renamed = |number| {
                    let mut event = poster(number, &each(number));
                    let title = event["data"]["title"].take();
                    event["data"]["name"] = title;
                    event["id"] = json!(format!("evt-{name}-{number}-renamed"));
                    if let Some(data) = event["data"].as_object_mut() {
                        data.remove("title");
                    }
                    event
                };
                Self {
                    again: (0..count).map(|n| now(poster(n, &each(n)))).collect(),
                    ..Self::during((0..count).map(renamed))
                }
            }
            Load::Twice(second) => Self::twice(second, poster(0, name), name),
        };
        Ok(plan.named())
    }

    /// Events that come while the fault is in: each is to have its asset.
    fn during(events: impl Iterator<Item = Value>) -> Self {
        let during: Vec<Sent> = events.map(now).collect();
        Self {
            before: Vec::new(),
            assets: during.len(),
            during,
            again: Vec::new(),
            tenants: BTreeSet::new(),
        }
    }

    /// Two events about one entity, and a third that holds over both.
    fn twice(second: Second, first: Value, name: &str) -> Self {
        let corrected = |number: u32, version: Option<u32>| {
            let mut event = first.clone();
            event["id"] = json!(format!("evt-{name}-{number}-corrected"));
            event["data"]["title"] = json!(format!("Lanterns, corrected for the {number}. time"));
            if let Some(version) = version {
                event["data"]["version"] = json!(version);
            }
            event
        };
        // Of an event that was sent too early and its correction, one is taken and one is not.
        let plan = Self {
            assets: 2,
            ..Self::during(std::iter::empty())
        };
        match second {
            Second::Later => Self {
                during: vec![now(corrected(1, None))],
                before: vec![now(first)],
                ..plan
            },
            Second::First(ahead) => Self {
                again: vec![now(corrected(2, Some(2)))],
                during: vec![
                    Sent {
                        event: first.clone(),
                        ahead,
                    },
                    now(corrected(1, None)),
                ],
                ..plan
            },
        }
    }

    /// The same, with the names of the tenants.
    fn named(mut self) -> Self {
        let all = || self.before.iter().chain(&self.during).chain(&self.again);
        self.tenants = all().map(Sent::tenant).collect();
        self
    }
}

impl Sent {
    fn tenant(&self) -> String {
        self.event["data"]["tenantId"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The event as it is published at `at`.
    fn at(&self, at: jiff::Timestamp) -> Value {
        let mut event = self.event.clone();
        let time = at + jiff::SignedDuration::from_secs(self.ahead);
        event["time"] = json!(format!("{time:.3}"));
        event
    }

    /// Publishes the event.
    pub(super) async fn publish(&self, cluster: &Cluster) -> Result<(), kafka_client::Error> {
        let event = self.at(jiff::Timestamp::now());
        let tenant = self.tenant();
        let topic = event["type"].as_str().unwrap_or_default();
        let value = event.to_string();
        let record = message(
            topic,
            Some(tenant.as_bytes()),
            Some(value.as_bytes()),
            &[STRUCTURED],
        );
        cluster.publish(record).await.map(drop)
    }
}

/// An event of a producer whose clock is right.
fn now(event: Value) -> Sent {
    Sent { event, ahead: 0 }
}

/// An event of `tenant` like the example, about an entity of its own, that asks for one asset.
fn about(example: &Value, number: u32, tenant: &str, asset: &str) -> Value {
    let mut event = example.clone();
    event["id"] = json!(format!("evt-{tenant}-{number}"));
    event["subject"] = json!(tenant);
    event["data"]["tenantId"] = json!(tenant);
    event["data"]["assets"] = json!([asset]);
    for id in ["eventId", "campaignId"] {
        if !event["data"][id].is_null() {
            event["data"][id] = json!(format!("{tenant}-{number}"));
        }
    }
    if let Some(data) = event["data"].as_object_mut() {
        data.retain(|name, value| name != "version" && !value.is_null());
    }
    event
}

/// How many jobs of these tenants a consumer of the studio has been told that they are completed.
///
/// # Errors
/// The topic cannot be read.
pub(super) async fn completed(
    cluster: &Cluster,
    tenants: &BTreeSet<String>,
) -> Result<usize, kafka_client::Error> {
    let mut reader = Reader::start(cluster, &[TOLD.as_str()], From::Beginning).await?;
    let mut jobs = BTreeSet::new();
    while let Ok(record) = tokio::time::timeout(QUIET, reader.next()).await {
        let event = record?.event();
        let text = |name: &str| event["data"][name].as_str().unwrap_or_default().to_owned();
        if tenants.contains(&text("tenantId")) {
            jobs.insert(text("jobId"));
        }
    }
    Ok(jobs.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(load: Load) -> Plan {
        let checkout = Checkout::find().expect("in a checkout");
        Plan::of(load, "tenant-gameday-x", &checkout).expect("the examples are there")
    }

    fn ids(plan: &Plan) -> BTreeSet<String> {
        let all = plan.before.iter().chain(&plan.during).chain(&plan.again);
        all.map(|sent| sent.event["id"].to_string()).collect()
    }

    #[test]
    fn each_event_has_an_id_of_its_own_and_asks_for_one_asset() {
        let loads = [
            (Load::Posters(3), 3, 3, 3),
            (Load::AtOnce(3), 3, 1, 3),
            (Load::Videos(2), 2, 2, 2),
            (Load::Renamed(2), 4, 2, 2),
            (Load::Twice(Second::Later), 2, 1, 2),
            (Load::Twice(Second::First(240)), 3, 1, 2),
        ];
        for (load, events, tenants, assets) in loads {
            let plan = plan(load);
            assert_eq!(ids(&plan).len(), events, "{load:?}");
            assert_eq!(plan.tenants.len(), tenants, "{load:?}");
            assert_eq!(plan.assets, assets, "{load:?}");
        }
    }

    #[test]
    fn a_renamed_field_is_missing_and_the_second_try_has_it() {
        let plan = plan(Load::Renamed(1));
        assert!(plan.during[0].event["data"].get("title").is_none());
        assert!(plan.during[0].event["data"]["name"].is_string());
        assert!(plan.again[0].event["data"]["title"].is_string());
    }

    #[test]
    fn a_producers_clock_that_is_ahead_is_ahead_in_the_time_alone() {
        let plan = plan(Load::Twice(Second::First(240)));
        let at: jiff::Timestamp = "2026-12-01T10:00:00Z".parse().expect("a time");
        assert_eq!(plan.during[0].at(at)["time"], "2026-12-01T10:04:00.000Z");
        assert_eq!(plan.during[1].at(at)["time"], "2026-12-01T10:00:00.000Z");
        let id = |sent: &Sent| sent.event["data"]["eventId"].clone();
        assert_eq!(id(&plan.during[0]), id(&plan.during[1]));
        assert_eq!(plan.again[0].event["data"]["version"], 2);
    }
}
