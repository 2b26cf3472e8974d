//! The messages of a queue, and their deliveries to the function under a [`Script`].

use std::time::{Duration, SystemTime};

use domain::{EntityKey, JobId, ProviderId, TenantKey, derive};
use queue::Message;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::script::{Answer, Script, State};
use crate::{
    batch::handle,
    config::Config,
    effects::Effects as _,
    event::Event,
    example::{at, decided},
};

/// The ARN of the queue of messages that were received too often.
pub(super) const DEAD: &str = "arn:aws:sqs:us-east-1:1:studio-render-dead";

/// No message comes again.
pub(super) const NONE: [&str; 0] = [];

/// Campaigns that were decided on, and a queue with messages about their jobs. A campaign is named
/// as [`decided`] says; its jobs are called `e square` and `e portrait`, `v video`, `n spot`.
pub(super) struct World {
    pub(super) script: Script,
    config: Config,
    /// The length of an invocation.
    pub(super) lasts: Duration,
}

/// A message that is delivered.
#[derive(Clone)]
pub(super) struct Delivery {
    id: String,
    body: String,
    receives: u32,
    queue: &'static str,
}

impl World {
    /// These campaigns, ten seconds after they were decided on.
    pub(super) fn of(campaigns: &[&str]) -> Self {
        let now = SystemTime::try_from(at(10).timestamp()).unwrap();
        let world = Self {
            script: Script::new(now),
            config: Config {
                dead_letter_queue: DEAD.to_owned(),
                patience_seconds: 14_400,
                put_off_seconds: 4,
                most_open_jobs: 1000,
            },
            lasts: Duration::from_secs(60),
        };
        for campaign in campaigns {
            let decision = decided(campaign);
            let mut state = world.script.state();
            let mut entity = decision.entity.unwrap();
            entity.version = 1;
            state.entities.insert(entity.key(), entity);
            for mut job in decision.jobs {
                job.version = 1;
                state.jobs.insert(job.id, job);
            }
        }
        world
    }

    /// This world, in which `answer` comes of `call`.
    pub(super) fn where_call(self, call: &str, answer: Answer) -> Self {
        self.script.answers(call, answer);
        self
    }

    /// This world, in which the function died of `job` alone when it received the message `id` so
    /// often.
    pub(super) fn where_it_died_of(self, job: &str, id: &str, receives: u32) -> Self {
        {
            let mut state = self.script.state();
            let job = state.job(job).id;
            state.lone_tries.insert(job, (id.to_owned(), receives));
        }
        self
    }

    /// This world, in which an invocation lasts so long.
    pub(super) fn where_it_lasts(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// The message about all jobs of `campaign`, with its name as its id, received for the first
    /// time.
    pub(super) fn message(&self, campaign: &str) -> Delivery {
        let decision = decided(campaign);
        let message = Message {
            entity: decision.entity.unwrap().key(),
            jobs: decision.starts,
            tries: 0,
        };
        Delivery::of(campaign, message.to_json())
    }

    /// Delivers messages in one batch; the ids of those that come again.
    pub(super) fn deliver(&self, messages: &[Delivery]) -> Vec<String> {
        self.script.state().calls.clear();
        let records: Vec<Value> = messages.iter().map(Delivery::record).collect();
        let event: Event = serde_json::from_value(json!({ "Records": records })).unwrap();
        let deadline = self.script.now() + self.lasts;
        let handled = handle(&self.config, &self.script, &event, deadline);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let ends = async { timeout(Duration::from_secs(10), handled).await };
        let answer = runtime.unwrap().block_on(ends).expect("it ends");
        let failures = answer.batch_item_failures.into_iter();
        failures.map(|failure| failure.item_identifier).collect()
    }

    /// Delivers the messages about these campaigns, each for the first time.
    pub(super) fn deliver_all(&self, campaigns: &[&str]) -> Vec<String> {
        let messages = campaigns.iter().map(|campaign| self.message(campaign));
        self.deliver(&messages.collect::<Vec<_>>())
    }

    /// Delivers what was put off, and nothing else; the ids of what comes again.
    pub(super) fn deliver_what_was_put_off(&self) -> Vec<String> {
        let sent = std::mem::take(&mut self.script.state().sent);
        let messages = sent.into_iter().enumerate().map(|(place, outgoing)| {
            let body = outgoing.message.to_json();
            Delivery::of(&format!("again-{place}"), body)
        });
        self.deliver(&messages.collect::<Vec<_>>())
    }

    /// The calls of the last invocation that begin like this, as they began.
    pub(super) fn calls(&self, begin: &str) -> Vec<String> {
        let state = self.script.state();
        let calls = state.calls.iter().filter(|call| call.starts_with(begin));
        calls.cloned().collect()
    }

    /// The jobs whose ends Kafka has, in order.
    pub(super) fn published(&self) -> Vec<String> {
        let state = self.script.state();
        state.kafka.iter().map(|(job, _)| job.clone()).collect()
    }

    /// What was put off: the jobs of each message, its tries and its delay in seconds.
    pub(super) fn put_off(&self) -> Vec<(String, u32, u64)> {
        let state = self.script.state();
        let message = |outgoing: &queue::Outgoing| {
            let names = |jobs: &[JobId]| {
                let names: Vec<String> = jobs.iter().map(|job| state.name(*job)).collect();
                names.join("+")
            };
            let Message { jobs, tries, .. } = &outgoing.message;
            (names(jobs), *tries, outgoing.delay.as_secs())
        };
        state.sent.iter().map(message).collect()
    }

    /// How a job ended, in a word of its events: `completed`, `invalid-input`.
    pub(super) fn end_of(&self, job: &str) -> String {
        let state = self.script.state();
        let events = &state.ends[&state.job(job).id].events;
        let event: Value = serde_json::from_str(&events[0].value).unwrap();
        let failure = event["data"]["failure"].as_str();
        failure.unwrap_or("completed").to_owned()
    }

    /// The data of the events of a job's end, in order.
    pub(super) fn data_of(&self, job: &str) -> Vec<Value> {
        let state = self.script.state();
        let events = state.ends[&state.job(job).id].events.iter();
        let data = events.map(|event| {
            let mut event: Value = serde_json::from_str(&event.value).unwrap();
            event["data"].take()
        });
        data.collect()
    }

    /// Asserts that what is left is done once calls succeed again, that nothing is left to put off
    /// then, and that each of `jobs` has its end in Kafka.
    pub(super) fn settles(&self, jobs: &[&str]) {
        self.script.heals();
        assert_eq!(self.deliver_what_was_put_off(), NONE);
        assert_eq!(self.put_off(), []);
        let published = self.published();
        for job in jobs {
            assert!(published.iter().any(|one| one == job), "{job}");
        }
    }
}

impl Delivery {
    pub(super) fn of(id: &str, body: String) -> Self {
        Self {
            id: id.to_owned(),
            body,
            receives: 1,
            queue: "arn:aws:sqs:us-east-1:1:studio-render",
        }
    }

    /// The message, received so often.
    pub(super) fn received(self, receives: u32) -> Self {
        Self { receives, ..self }
    }

    /// The message under another id.
    pub(super) fn called(self, id: &str) -> Self {
        let id = id.to_owned();
        Self { id, ..self }
    }

    /// The message after it was put off so often.
    pub(super) fn tried(self, tries: u32) -> Self {
        self.with(|message| message.tries = tries)
    }

    /// The message about one of its jobs alone, by its place.
    pub(super) fn only(self, place: usize) -> Self {
        self.with(|message| message.jobs = vec![message.jobs[place]])
    }

    /// The message about an entity that its jobs are not of.
    pub(super) fn about(self, entity: EntityKey) -> Self {
        self.with(|message| message.entity = entity)
    }

    fn with(self, change: impl Fn(&mut Message)) -> Self {
        let mut message = Message::read(&self.body).unwrap();
        change(&mut message);
        Self {
            body: message.to_json(),
            ..self
        }
    }

    /// The message, from the queue of those that were received too often.
    pub(super) fn dead(self) -> Self {
        Self {
            queue: DEAD,
            ..self
        }
    }

    /// The message as the mapping sends it.
    fn record(&self) -> Value {
        json!({
            "messageId": self.id,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.receives.to_string(),
                "SentTimestamp": "1795166400000",
                "MessageGroupId": group().to_string(),
            },
            "eventSourceARN": self.queue,
        })
    }
}

/// The group of the tenant of all.
pub(super) fn group() -> TenantKey {
    TenantKey::new(&decided("e").jobs[0].tenant)
}

/// Has an operator cancel the job `e portrait`.
pub(super) fn cancel_portrait(state: &mut State) {
    let portrait = state.job("e portrait");
    state.closes(domain::cancel(portrait, at(5)).unwrap());
}

/// Has an execution of the job `e portrait` ask a vendor.
pub(super) fn begin_portrait(state: &mut State) {
    let portrait = state.job("e portrait");
    let token = derive(&[b"token"]);
    state.stores(portrait.asking(ProviderId::OpenAi, token, at(5)));
}

/// Has another writer change the campaign `e`.
pub(super) fn change_entity(state: &mut State) {
    let key = decided("e").entity.unwrap().key();
    state.entities.get_mut(&key).unwrap().version += 1;
}
