//! The demo of a cloned voice: samples and consent go in, the owner reads a text aloud, the voice
//! becomes ready, and it speaks the spot of a campaign.

use std::fs;
use std::path::Path;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::error::DisplayErrorContext;
use contract::{Topic, VoiceTraining};
use domain::{VoiceModel, VoiceState};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;
use vendor_sandbox::SPEECH;

use super::error::Error;
use super::results::Results;
use crate::checkout::Checkout;
use crate::deploy::VOICE_BUCKET;
use crate::input::{self, STRUCTURED, shown};
use crate::records::{Produced, Reader};
use crate::stack::{Options, Stack};
use crate::story::Story;
use crate::timeline::{Mark, Timeline};

/// How long no event may follow after the last expected one: a duplicate would arrive within this
/// time.
const QUIET: Duration = Duration::from_millis(1500);

/// How often the demo reads the voice model.
const LOOK: Duration = Duration::from_millis(200);

/// Starts a stack, trains the contract's example of a voice against the sandbox, has it speak the
/// contract's example of a spot, and follows both to their ends.
pub async fn run(options: &Options, within: Duration, timeline: &Timeline) -> Result<(), Error> {
    let kept = Results::empty(options.checkout.demo())?;
    timeline.wait_for("starting the local stack");
    let stack = Stack::start(options).await?;
    timeline.say(
        Mark::Stack,
        &format!(
            "infra/template.yaml is deployed; broker at {}",
            stack.broker.bootstrap()
        ),
    );
    let percent = options.wait_scale * 100.0;
    timeline.say(
        Mark::Stack,
        &format!("Step Functions' waits, minutes to hours, are cut to {percent} %"),
    );
    let result = follow(&stack, &options.checkout, within, kept, timeline).await;
    timeline.rest();
    stack.stop().await;
    result
}

/// Starts the training and follows it, until the voice has spoken or the time is up.
async fn follow(
    stack: &Stack,
    checkout: &Checkout,
    within: Duration,
    kept: Results,
    timeline: &Timeline,
) -> Result<(), Error> {
    let topics = [
        Topic::VoiceModelCreated.as_str(),
        Topic::VoiceModelReady.as_str(),
        Topic::RenderJobCreated.as_str(),
        Topic::RenderJobCompleted.as_str(),
        Topic::RenderJobFailed.as_str(),
    ];
    let mut reader = Reader::start(stack.broker.cluster(), &topics, stack.broker.begin())
        .await
        .map_err(Error::Read)?;

    let input = input(&checkout.voice_training())?;
    let id = start(stack, &input, timeline).await?;
    let mut course = Course {
        id,
        input,
        kept,
        story: Story::default(),
        is_verified: false,
        is_ready: false,
        is_asked: false,
        last: Instant::now(),
    };
    let deadline = Instant::now() + within;
    while course.story.completed() == 0 || course.last.elapsed() < QUIET {
        if Instant::now() > deadline {
            return Err(course.timed_out(within, stack)?);
        }
        tokio::select! {
            record = reader.next() => {
                course.read(&record.map_err(Error::Read)?, stack, timeline).await?;
            }
            () = tokio::time::sleep(LOOK) => course.look(stack, timeline).await?,
        }
        if course.is_ready && !course.is_asked {
            ask_for_spot(stack, &checkout.spoken_campaign(), &course.id, timeline).await?;
            course.is_asked = true;
        }
    }
    course.end(stack, timeline).await
}

/// Uploads the samples and the training, and starts it. Returns the voice's id.
async fn start(stack: &Stack, input: &Value, timeline: &Timeline) -> Result<String, Error> {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, input.to_string().as_bytes()).to_string();
    for sample in input["samples"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        upload(stack, sample, SPEECH.to_vec(), "audio/mpeg").await?;
        timeline.say(Mark::Published, &format!("sample {sample}"));
    }
    let tenant = input["tenantId"].as_str().unwrap_or_default();
    let training = format!("s3://{VOICE_BUCKET}/{tenant}/voice-trainings/{id}.json");
    let text = input.to_string();
    upload(stack, &training, text.into_bytes(), "application/json").await?;
    let start = stack
        .clients
        .sfn
        .start_execution()
        .state_machine_arn(&stack.outputs.voice_state_machine_arn);
    // Step Functions keeps the input for 90 days.
    let ids = json!({ "tenantId": tenant }).to_string();
    let started = start.name(&id).input(ids).send().await;
    started.map_err(|error| refused("start the training", error))?;
    timeline.say(
        Mark::Published,
        &format!("execution of voice-training {id}"),
    );
    timeline.wait_for("cloning the voice");
    Ok(id)
}

/// The course of the training so far.
struct Course {
    id: String,
    input: Value,
    kept: Results,
    story: Story,
    is_verified: bool,
    is_ready: bool,
    /// Whether the campaign is published whose spot it is to speak.
    is_asked: bool,
    /// When the last record was read.
    last: Instant,
}

impl Course {
    /// A record that the studio produced.
    async fn read(
        &mut self,
        record: &Produced,
        stack: &Stack,
        timeline: &Timeline,
    ) -> Result<(), Error> {
        self.kept.keep(record)?;
        let chapter = self.story.take(record);
        timeline.say(chapter.mark, &chapter.text);
        if chapter.again {
            return Err(Error::twice(record));
        }
        if let Some(reason) = self.story.failures().pop() {
            return Err(Error::Failed {
                failed: 1,
                opened: self.story.opened(),
                reason,
            });
        }
        if let Some(asset) = chapter.asset {
            let path = self.kept.fetch(stack, &asset).await?;
            let text = format!("{} is {}", asset.name, shown(&path));
            timeline.say(Mark::Completed, &text);
        }
        self.is_ready |= record.topic == Topic::VoiceModelReady.as_str();
        self.last = Instant::now();
        Ok(())
    }

    /// Looks at the voice model, and plays the owner once it waits for the owner.
    async fn look(&mut self, stack: &Stack, timeline: &Timeline) -> Result<(), Error> {
        match model(stack, &self.id).await?.map(|model| model.state) {
            Some(VoiceState::AwaitingOwner { captcha, .. }) if !self.is_verified => {
                verify(stack, &self.id, &self.input, captcha, &self.kept, timeline).await?;
                self.is_verified = true;
                timeline.wait_for("training the voice");
                Ok(())
            }
            Some(VoiceState::Failed { reason, .. }) => Err(Error::VoiceFailed(reason)),
            None
            | Some(
                VoiceState::Registered
                | VoiceState::AwaitingOwner { .. }
                | VoiceState::Training { .. }
                | VoiceState::Ready { .. }
                | VoiceState::Erasing { .. }
                | VoiceState::Erased { .. },
            ) => Ok(()),
        }
    }

    fn timed_out(&self, within: Duration, stack: &Stack) -> Result<Error, Error> {
        let waiting = if self.is_asked {
            "the voice has not spoken"
        } else if self.is_verified {
            "the voice is not ready"
        } else {
            "its owner was not asked"
        };
        Ok(Error::TimedOut {
            seconds: within.as_secs(),
            waiting: waiting.to_owned(),
            log: self.kept.log(stack)?,
        })
    }

    /// Says which voice spoke, and how often its vendor was asked to make it.
    async fn end(&self, stack: &Stack, timeline: &Timeline) -> Result<(), Error> {
        let Some(model) = model(stack, &self.id).await? else {
            return Err(Error::VoiceFailed("its item is gone".to_owned()));
        };
        let calls = stack.sandbox.calls();
        let paid = calls.iter().filter(|call| call.is_paid());
        let (spoken, made): (Vec<_>, Vec<_>) =
            paid.partition(|call| call.path.starts_with("/text-to-speech/"));
        timeline.rest();
        let (requests, attempts) = (made.len(), model.attempts.len());
        let text = format!(
            "the voice is ready: {requests} requests to its vendor, {attempts} attempts stored before them"
        );
        timeline.say(Mark::Stack, &text);
        let voice = model.voice.unwrap_or_default();
        let by_it = format!("/text-to-speech/{voice}?");
        if spoken.is_empty() || !spoken.iter().all(|call| call.path.starts_with(&by_it)) {
            return Err(Error::OtherVoice(voice));
        }
        let text = format!("the spot is spoken by it: the vendor was asked for {voice}");
        timeline.say(Mark::Stack, &text);
        Ok(())
    }
}

/// Publishes the contract's example of a campaign whose spot the voice `id` is to speak.
async fn ask_for_spot(
    stack: &Stack,
    example: &Path,
    id: &str,
    timeline: &Timeline,
) -> Result<(), Error> {
    let mut event: Value = serde_json::from_str(&text_of(example)?)
        .map_err(|error| unreadable(example, error.into()))?;
    event["time"] = json!(format!("{:.3}", jiff::Timestamp::now()));
    event["data"]["voiceModelId"] = json!(id);
    let topic = Topic::CampaignLaunched.as_str();
    let key = event["data"]["tenantId"].as_str().map(str::to_owned);
    let value = event.to_string();
    let published = stack
        .publish(
            topic,
            key.as_deref().map(str::as_bytes),
            Some(value.as_bytes()),
            &[STRUCTURED],
        )
        .await?;
    let (partition, offset) = (published.partition, published.offset);
    let text = format!("{topic} partition {partition} offset {offset}, voiceModelId {id}");
    timeline.say(Mark::Published, &text);
    timeline.wait_for("the voice speaks");
    Ok(())
}

fn text_of(example: &Path) -> Result<String, Error> {
    fs::read_to_string(example).map_err(|source| unreadable(example, source))
}

fn unreadable(example: &Path, source: std::io::Error) -> Error {
    Error::Input(input::Error::Read {
        from: shown(example),
        source,
    })
}

/// The contract's example, with samples in the local stack's bucket and consent as of now. Their
/// keys are the example's, under its tenant's prefix.
fn input(example: &Path) -> Result<Value, Error> {
    let failed = |source| unreadable(example, source);
    let text = text_of(example)?;
    let training =
        VoiceTraining::parse(&text).map_err(|error| failed(std::io::Error::other(error)))?;
    let mut input: Value = serde_json::from_str(&text).map_err(|error| failed(error.into()))?;
    let samples = training
        .samples
        .iter()
        .map(|sample| json!(format!("s3://{VOICE_BUCKET}/{}", sample.key())));
    input["samples"] = samples.collect();
    input["consent"]["givenAt"] = json!(format!("{:.3}", jiff::Timestamp::now()));
    Ok(input)
}

/// Uploads the owner's recording of the text that the vendor wants read aloud, and has the vendor
/// compare it.
async fn verify(
    stack: &Stack,
    id: &str,
    input: &Value,
    captcha: Option<String>,
    kept: &Results,
    timeline: &Timeline,
) -> Result<(), Error> {
    if let Some(key) = captcha {
        let path = kept.fetch_object(stack, "captcha", &key).await?;
        timeline.say(
            Mark::Voice,
            &format!("its owner is to read aloud {}", shown(&path)),
        );
    }
    let tenant = input["tenantId"].as_str().unwrap_or_default();
    let recording = format!("s3://{VOICE_BUCKET}/{tenant}/asha/recording.mp3");
    upload(stack, &recording, SPEECH.to_vec(), "audio/mpeg").await?;
    let step = json!({
        "step": "verify-voice", "voiceModelId": id, "tenantId": input["tenantId"], "recording": recording,
    });
    let invoke = stack
        .clients
        .lambda
        .invoke()
        .function_name(&stack.outputs.completion_function_name);
    let answer = invoke.payload(Blob::new(step.to_string())).send().await;
    let answer = answer.map_err(|error| refused("verify the voice", error))?;
    let text = answer
        .payload()
        .map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned())
        .unwrap_or_default();
    let said: Value = serde_json::from_str(&text).unwrap_or_default();
    match said["status"].as_str() {
        Some("verified") => {
            timeline.say(
                Mark::Voice,
                "its owner has read it aloud: the voice is verified",
            );
            Ok(())
        }
        _ => Err(Error::VoiceFailed(text)),
    }
}

async fn model(stack: &Stack, id: &str) -> Result<Option<VoiceModel>, Error> {
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    let get = stack
        .clients
        .dynamodb
        .get_item()
        .table_name(&stack.outputs.table_name)
        .consistent_read(true);
    let item = get
        .key("pk", text(&format!("voice#{id}")))
        .key("sk", text("state"))
        .send()
        .await;
    let item = item
        .map_err(|error| refused("read the voice model", error))?
        .item
        .unwrap_or_default();
    let state = item.get("state").and_then(|state| state.as_s().ok());
    state
        .map(|state| serde_json::from_str(state))
        .transpose()
        .map_err(|error| refused("read the voice model", error))
}

async fn upload(
    stack: &Stack,
    address: &str,
    bytes: Vec<u8>,
    content_type: &str,
) -> Result<(), Error> {
    let key = address
        .strip_prefix(&format!("s3://{VOICE_BUCKET}/"))
        .unwrap_or(address);
    let put = stack
        .clients
        .s3
        .put_object()
        .bucket(VOICE_BUCKET)
        .key(key)
        .content_type(content_type);
    let put = put.body(bytes.into()).send().await;
    put.map_err(|error| refused("upload a file", error))?;
    Ok(())
}

fn refused(what: &'static str, error: impl std::error::Error) -> Error {
    Error::Aws {
        what,
        reason: DisplayErrorContext(error).to_string(),
    }
}
