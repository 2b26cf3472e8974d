use std::cell::RefCell;

use contract::{Identifier, Time};
use domain::derive;
use store::StoreError;

use super::*;
use crate::{bus::BusError, effects::Trouble, failed_job::FailedJob};

/// What a script answers, by the name of a job: `read a`, `post a`, `put a`.
#[derive(Default)]
struct Script {
    /// The calls that fail.
    failing: Vec<&'static str>,
    /// The jobs of which nothing is left.
    gone: Vec<&'static str>,
    /// The jobs whose tenants have no webhook.
    without_webhook: Vec<&'static str>,
    /// What was told, in order.
    told: RefCell<Vec<String>>,
    measured: RefCell<Vec<usize>>,
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn job(name: &str) -> JobId {
    JobId(derive(&[name.as_bytes()]))
}

fn name(wanted: JobId) -> &'static str {
    NAMES.into_iter().find(|name| job(name) == wanted).unwrap()
}

impl Script {
    fn tells(&self, call: &str, failed: &FailedJob) -> Result<(), Trouble> {
        let call = format!("{call} {}", failed.event);
        if self.failing.contains(&call.as_str()) {
            let (bus, code) = ("any".to_owned(), "ThrottlingException".to_owned());
            return Err(Trouble::Bus(BusError::Refused { bus, code }));
        }
        self.told.borrow_mut().push(call);
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        let mut told = self.told.borrow().clone();
        told.sort();
        told
    }
}

impl Effects for Script {
    async fn failed(&self, job: JobId) -> Result<Option<FailedJob>, Trouble> {
        let name = name(job);
        if self.failing.contains(&format!("read {name}").as_str()) {
            return Err(Trouble::Read(StoreError::Contended));
        }
        let failed = FailedJob {
            event: name.to_owned(),
            tenant: Identifier::parse("tenant-1").unwrap(),
            at: Time::new("2026-11-20T10:00:00Z".parse().unwrap()),
            body: "{}".to_owned(),
        };
        Ok((!self.gone.contains(&name)).then_some(failed))
    }

    async fn post(&self, failed: &FailedJob) -> Result<bool, Trouble> {
        if self.without_webhook.contains(&failed.event.as_str()) {
            return Ok(false);
        }
        self.tells("post", failed)?;
        Ok(true)
    }

    async fn put(&self, failed: &FailedJob) -> Result<bool, Trouble> {
        self.tells("put", failed)?;
        Ok(true)
    }

    fn emit(&self, measured: Measured<'_>) {
        let Measured::NoticesFailed { notices } = measured else {
            panic!("{measured:?}")
        };
        self.measured.borrow_mut().push(notices);
    }
}

/// A batch of messages about jobs, each with the job's name as its id.
fn batch(names: &[&str]) -> Event {
    let record = |name: &&str| Record {
        message_id: (*name).to_owned(),
        body: Notice { job: job(name) }.to_json(),
    };
    Event {
        records: names.iter().map(record).collect(),
    }
}

/// The messages of a batch that come again.
async fn kept(script: &Script, event: &Event) -> Vec<String> {
    let failures = handle(script, event).await.batch_item_failures;
    failures
        .into_iter()
        .map(|failure| failure.item_identifier)
        .collect()
}

#[tokio::test]
async fn each_job_is_told_by_webhook_and_on_the_bus() {
    let script = Script::default();
    assert!(kept(&script, &batch(&["a", "b"])).await.is_empty());
    assert_eq!(script.told(), ["post a", "post b", "put a", "put b"]);
    assert!(script.measured.borrow().is_empty());
}

/// The webhook of one tenant is away; neither the bus nor another tenant's webhook waits for it.
#[tokio::test]
async fn what_one_team_does_not_take_is_told_to_the_others_and_comes_again() {
    let mut script = Script {
        failing: vec!["post a"],
        ..Script::default()
    };
    assert_eq!(kept(&script, &batch(&["a", "b"])).await, ["a"]);
    assert_eq!(script.told(), ["post b", "put a", "put b"]);
    assert_eq!(*script.measured.borrow(), [1]);
    script.failing.clear();
    assert!(kept(&script, &batch(&["a"])).await.is_empty());
    // The bus is told again, under the same id.
    let told = ["post a", "post b", "put a", "put a", "put b"];
    assert_eq!(script.told(), told);
}

#[tokio::test]
async fn a_job_that_cannot_be_read_and_a_bus_that_refuses_come_again() {
    let script = Script {
        failing: vec!["read a", "put b"],
        ..Script::default()
    };
    assert_eq!(kept(&script, &batch(&["a", "b", "c"])).await, ["a", "b"]);
    assert_eq!(script.told(), ["post b", "post c", "put c"]);
    assert_eq!(*script.measured.borrow(), [2]);
}

#[tokio::test]
async fn of_an_erased_tenant_nothing_is_told_and_without_a_webhook_the_bus_is() {
    let script = Script {
        gone: vec!["a"],
        without_webhook: vec!["b"],
        ..Script::default()
    };
    assert!(kept(&script, &batch(&["a", "b"])).await.is_empty());
    assert_eq!(script.told(), ["put b"]);
}

#[tokio::test]
async fn a_message_of_another_version_comes_again() {
    let script = Script::default();
    let mut event = batch(&["a", "b"]);
    event.records[0].body = event.records[0].body.replace(r#""v":1"#, r#""v":2"#);
    assert_eq!(kept(&script, &event).await, ["a"]);
    assert_eq!(script.told(), ["post b", "put b"]);
    assert_eq!(*script.measured.borrow(), [1]);
}
