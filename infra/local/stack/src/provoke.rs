//! Provokes an alarm on one of our own metrics: creates its condition on a separate stack, and
//! waits until the metric passes the alarm's threshold. Only the functions write the metric.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::time::{Duration, Instant};

use contract::{Time, Topic};
use fault_proxy::{Action, Fault, Matches, Occurrence};
use serde_json::{Value, json};
use vendor_sandbox::{Behaviour, Refusal, Script, Vendor, refusal};

use crate::aws;
use crate::input::{STRUCTURED, example_of_now};
use crate::metrics::emitted;
use crate::stack::{self, Options, Stack};
use crate::timeline::{Mark, Timeline};

/// How long the metric may take to pass the threshold.
const WITHIN: Duration = Duration::from_secs(120);

/// How many events have a picture that is put off. Each is put off five times within half a minute:
/// the local stack waits one second before the second try, and twice as long before each further one.
const PUT_OFF: u32 = 30;

/// A text in cuneiform, for which the studio has no font.
const UNDRAWN: &str = "\u{12031}\u{12079}\u{1202d}";

/// An alarm on one of our own metrics, by its entry in docs/runbook.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// Dead letters wait for an operator.
    DeadLetters,
    /// Pictures are put off.
    PutOff,
    /// A provider refused the studio.
    Breaker,
    /// A job fails.
    JobsFail,
    /// Assets come too late.
    EventToAsset,
    /// Too much is spent.
    Spend,
    /// A text has no font.
    Undrawn,
    /// A producer's clock is ahead.
    ClockAhead,
}

impl Alarm {
    /// All alarms on our own metrics.
    pub const ALL: [Self; 8] = [
        Self::DeadLetters,
        Self::PutOff,
        Self::Breaker,
        Self::JobsFail,
        Self::EventToAsset,
        Self::Spend,
        Self::Undrawn,
        Self::ClockAhead,
    ];

    /// The alarm's entry in the runbook, which is also the middle of its name.
    #[must_use]
    pub fn entry(self) -> &'static str {
        match self {
            Self::DeadLetters => "dead-letters",
            Self::PutOff => "put-off",
            Self::Breaker => "breaker",
            Self::JobsFail => "jobs-fail",
            Self::EventToAsset => "event-to-asset",
            Self::Spend => "spend",
            Self::Undrawn => "undrawn",
            Self::ClockAhead => "clock-ahead",
        }
    }

    /// The metrics that the alarm evaluates.
    #[must_use]
    pub fn metrics(self) -> &'static [&'static str] {
        match self {
            Self::DeadLetters => &["DeadLetterDepth"],
            Self::PutOff => &["MessagesPutOff"],
            Self::Breaker => &["BreakerOpened"],
            Self::JobsFail => &["JobsFailed"],
            Self::EventToAsset => &["EventToAsset"],
            Self::Spend => &["ProviderCredits"],
            Self::Undrawn => &["CharactersUndrawn"],
            Self::ClockAhead => &["EventTimeAhead"],
        }
    }

    /// The alarm's threshold in the template. If it is a parameter there, its default.
    #[must_use]
    pub fn threshold(self) -> f64 {
        match self {
            Self::DeadLetters | Self::Breaker | Self::JobsFail | Self::Undrawn => 0.0,
            Self::PutOff => 100.0,
            Self::EventToAsset => 300.0,
            Self::Spend => 10_000.0,
            Self::ClockAhead => 30_000.0,
        }
    }

    /// The value that the alarm compares with its threshold, from all values of its metrics so far,
    /// in order.
    fn value(self, values: impl Fn(&str) -> Vec<f64>) -> f64 {
        let sum = |name: &str| values(name).iter().sum::<f64>();
        let highest = |name: &str| values(name).into_iter().fold(0.0, f64::max);
        match self {
            Self::DeadLetters => values("DeadLetterDepth")
                .last()
                .copied()
                .unwrap_or_default(),
            Self::PutOff => sum("MessagesPutOff"),
            Self::Breaker => sum("BreakerOpened"),
            Self::JobsFail => sum("JobsFailed"),
            Self::EventToAsset => highest("EventToAsset"),
            Self::Spend => sum("ProviderCredits"),
            Self::Undrawn => sum("CharactersUndrawn"),
            Self::ClockAhead => highest("EventTimeAhead"),
        }
    }
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry())
    }
}

/// The text names no [`Alarm`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the alarms on the studio's own metrics are {}", Alarm::ALL.map(Alarm::entry).join(", "))]
pub struct UnknownAlarm;

impl FromStr for Alarm {
    type Err = UnknownAlarm;

    fn from_str(text: &str) -> Result<Self, UnknownAlarm> {
        Self::ALL
            .into_iter()
            .find(|alarm| alarm.entry() == text)
            .ok_or(UnknownAlarm)
    }
}

/// Why the alarm was not provoked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stack failed.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The metrics cannot be read.
    #[error(transparent)]
    Metrics(#[from] aws::Error),
    /// The example event cannot be read.
    #[error("cannot read the example of {0}")]
    Example(Topic, #[source] io::Error),
    /// The metric did not pass the threshold.
    #[error("studio-{alarm}-<stage> would not be in ALARM: after {} s its value is {value}, not above {}", WITHIN.as_secs(), .alarm.threshold())]
    Quiet {
        /// The alarm.
        alarm: Alarm,
        /// The metric's last value.
        value: f64,
    },
}

/// Creates the condition of `alarm` on a separate stack, and waits until its metric passes the
/// threshold. Prints both, and returns the metric's value.
///
/// # Errors
/// An [`Error`]; [`Error::Quiet`] if the metric does not pass the threshold.
pub async fn provoke(
    alarm: Alarm,
    mut options: Options,
    timeline: &Timeline,
) -> Result<f64, Error> {
    options.wait_scale = 0.1;
    match alarm {
        Alarm::DeadLetters
        | Alarm::PutOff
        | Alarm::EventToAsset
        | Alarm::Undrawn
        | Alarm::ClockAhead => {}
        Alarm::Breaker | Alarm::JobsFail => options.providers.video = "runway".to_owned(),
        Alarm::Spend => {
            options.providers.video = "runway".to_owned();
            options.provider_settings = json!({ "runway": { "creditsPerCredit": 5000 } });
        }
    }
    timeline.wait_for("starting the local stack");
    let stack = Stack::start(&options).await?;
    timeline.rest();
    let value = watch(alarm, &stack, &options, timeline).await;
    stack.stop().await;
    value
}

async fn watch(
    alarm: Alarm,
    stack: &Stack,
    options: &Options,
    timeline: &Timeline,
) -> Result<f64, Error> {
    timeline.say(Mark::Stack, cause(alarm, stack, options).await?);
    timeline.wait_for("watching the metric");
    let until = Instant::now() + WITHIN;
    loop {
        if alarm == Alarm::DeadLetters {
            // On AWS the schedule does this every five minutes.
            stack.gather().await?;
        }
        let emitted = emitted(&stack.clients).await?;
        let values = |name: &str| {
            let of_it = emitted.iter().filter(|(metric, _)| metric.name == name);
            of_it
                .flat_map(|(_, values)| values.clone())
                .collect::<Vec<f64>>()
        };
        let value = alarm.value(values);
        if value > alarm.threshold() {
            timeline.rest();
            let metrics = alarm.metrics().join(" and ");
            let text = format!(
                "{metrics}: {value}, above {}; studio-{alarm}-<stage> would be in ALARM",
                alarm.threshold()
            );
            timeline.say(Mark::Stack, &text);
            return Ok(value);
        }
        if Instant::now() > until {
            return Err(Error::Quiet { alarm, value });
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Creates the alarm's condition, and returns a description for a person.
async fn cause(alarm: Alarm, stack: &Stack, options: &Options) -> Result<&'static str, Error> {
    Ok(match alarm {
        Alarm::DeadLetters => {
            stack
                .publish(
                    Topic::EventCreated.as_str(),
                    Some(b"tenant-provoking"),
                    None,
                    &[],
                )
                .await?;
            "a record without a value is published"
        }
        Alarm::PutOff => {
            let matches = Matches {
                service: Some("s3".to_owned()),
                operation: Some("PutObject".to_owned()),
                occurrence: Occurrence::Every,
                ..Matches::default()
            };
            let action = Action::Fail {
                status: 503,
                error: "SlowDown".to_owned(),
            };
            stack.proxy.inject(Fault { matches, action });
            for number in 0..PUT_OFF {
                let mut event = example(options, Topic::EventCreated)?;
                event["id"] = json!(format!("evt-provoking-{number}"));
                event["data"]["eventId"] = json!(format!("provoking-{number}"));
                publish(stack, &event).await?;
            }
            "S3 takes no file, and thirty events ask for pictures"
        }
        Alarm::Breaker => {
            stack.sandbox.script(Script::posts(
                Vendor::Runway,
                Occurrence::Every,
                by_runway(Refusal::Billing),
            ));
            publish(stack, &video(options, 0)?).await?;
            "Runway's account is empty, and a campaign asks for a video"
        }
        Alarm::JobsFail => {
            stack.sandbox.script(Script::posts(
                Vendor::Runway,
                Occurrence::Every,
                by_runway(Refusal::Moderation),
            ));
            publish(stack, &video(options, 0)?).await?;
            "a campaign asks for a video that Runway's rules forbid"
        }
        Alarm::EventToAsset => {
            let mut event = example(options, Topic::EventCreated)?;
            let ten_minutes_ago = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(10);
            event["time"] = json!(Time::new(ten_minutes_ago).to_string());
            publish(stack, &event).await?;
            "an event is published ten minutes after it happened"
        }
        Alarm::Spend => {
            publish(stack, &video(options, 0)?).await?;
            "a campaign asks for a video, and Runway's prices are set a thousand times higher"
        }
        Alarm::Undrawn => {
            let mut event = example(options, Topic::EventCreated)?;
            event["data"]["organizer"] = json!(UNDRAWN);
            publish(stack, &event).await?;
            "an event is published whose organizer is written in cuneiform"
        }
        Alarm::ClockAhead => {
            let mut event = example(options, Topic::EventCreated)?;
            let in_two_minutes = jiff::Timestamp::now() + jiff::SignedDuration::from_mins(2);
            event["time"] = json!(Time::new(in_two_minutes).to_string());
            publish(stack, &event).await?;
            "an event is published whose producer's clock is two minutes ahead"
        }
    })
}

fn by_runway(why: Refusal) -> Behaviour {
    refusal(Vendor::Runway, why).expect("Runway has an answer for every refusal")
}

fn example(options: &Options, topic: Topic) -> Result<Value, Error> {
    example_of_now(topic, &options.checkout).map_err(|source| Error::Example(topic, source))
}

fn video(options: &Options, number: u32) -> Result<Value, Error> {
    let mut event = example(options, Topic::CampaignLaunched)?;
    event["id"] = json!(format!("evt-provoking-{number}"));
    event["data"]["campaignId"] = json!(format!("provoking-{number}"));
    event["data"]["assets"] = json!(["video"]);
    Ok(event)
}

async fn publish(stack: &Stack, event: &Value) -> Result<(), Error> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (topic, tenant) = (text(&event["type"]), text(&event["data"]["tenantId"]));
    stack
        .publish(
            &topic,
            Some(tenant.as_bytes()),
            Some(event.to_string().as_bytes()),
            &[STRUCTURED],
        )
        .await?;
    Ok(())
}
