//! The demo of a cloned voice: samples and consent go in, the owner reads a text aloud, and the
//! voice becomes ready.

use std::fs;
use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::error::DisplayErrorContext;
use contract::{Topic, VoiceTraining};
use domain::{VoiceModel, VoiceState};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::demo::{Error, Results};
use crate::deploy::VOICE_BUCKET;
use crate::input::{self, shown};
use crate::records::{From, Reader};
use crate::stack::{Options, Stack};
use crate::story::Story;
use crate::timeline::{Mark, Timeline};

/// How long no event may follow after the last expected one: a duplicate would arrive within this
/// time.
const QUIET: Duration = Duration::from_millis(1500);

/// How often the demo reads the voice model.
const LOOK: Duration = Duration::from_millis(200);

/// The file that replaces each of the owner's recordings.
static RECORDING: &[u8] = include_bytes!("../fixtures/two-seconds.mp3");

/// Starts a stack, trains the contract's example of a voice against the sandbox, and follows it to
/// its end.
pub async fn run(options: &Options, within: Duration, timeline: &Timeline) -> Result<(), Error> {
    let mut kept = Results::empty(options.checkout.demo())?;
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
    let result = follow(
        &stack,
        &options.checkout.voice_training(),
        within,
        &mut kept,
        timeline,
    )
    .await;
    timeline.rest();
    stack.stop().await;
    result
}

async fn follow(
    stack: &Stack,
    example: &std::path::Path,
    within: Duration,
    kept: &mut Results,
    timeline: &Timeline,
) -> Result<(), Error> {
    let topics = [
        Topic::VoiceModelCreated.as_str(),
        Topic::VoiceModelReady.as_str(),
    ];
    let from = if stack.broker.is_external() {
        From::Now
    } else {
        From::Beginning
    };
    let mut reader = Reader::start(stack.broker.cluster(), &topics, from)
        .await
        .map_err(Error::Read)?;

    let input = input(example)?;
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, input.to_string().as_bytes()).to_string();
    for sample in input["samples"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        upload(stack, sample).await?;
        timeline.say(Mark::Published, &format!("sample {sample}"));
    }
    let start = stack
        .clients
        .sfn
        .start_execution()
        .state_machine_arn(&stack.outputs.voice_state_machine_arn);
    let started = start.name(&id).input(input.to_string()).send().await;
    started.map_err(|error| refused("start the training", error))?;
    timeline.say(
        Mark::Published,
        &format!("execution of voice-training {id}"),
    );
    timeline.wait_for("cloning the voice");

    let mut story = Story::default();
    let (mut is_verified, mut is_ready) = (false, false);
    let deadline = Instant::now() + within;
    let mut last = Instant::now();
    while !is_ready || last.elapsed() < QUIET {
        if Instant::now() > deadline {
            let waiting = if is_verified {
                "the voice is not ready"
            } else {
                "its owner was not asked"
            };
            let log = kept.log(stack)?;
            return Err(Error::TimedOut {
                seconds: within.as_secs(),
                waiting: waiting.to_owned(),
                log,
            });
        }
        tokio::select! {
            record = reader.next() => {
                let record = record.map_err(Error::Read)?;
                kept.keep(&record)?;
                let chapter = story.take(&record);
                timeline.say(chapter.mark, &chapter.text);
                if chapter.again {
                    return Err(Error::twice(&record));
                }
                is_ready |= record.topic == Topic::VoiceModelReady.as_str();
                last = Instant::now();
            }
            () = tokio::time::sleep(LOOK) => match model(stack, &id).await?.map(|model| model.state) {
                Some(VoiceState::AwaitingOwner { captcha, .. }) if !is_verified => {
                    verify(stack, &id, &input, captcha, kept, timeline).await?;
                    is_verified = true;
                    timeline.wait_for("training the voice");
                }
                Some(VoiceState::Failed { reason, .. }) => return Err(Error::VoiceFailed(reason)),
                _ => {}
            }
        }
    }
    let requests = stack
        .sandbox
        .calls()
        .iter()
        .filter(|call| call.is_paid())
        .count();
    let model = model(stack, &id)
        .await?
        .map_or(0, |model| model.attempts.len());
    timeline.rest();
    let text = format!(
        "the voice is ready: {requests} requests to its vendor, {model} attempts written down before them"
    );
    timeline.say(Mark::Stack, &text);
    Ok(())
}

/// The contract's example, with samples in the local stack's bucket and consent as of now.
fn input(example: &std::path::Path) -> Result<Value, Error> {
    let failed = |source| {
        Error::Input(input::Error::Read {
            from: shown(example),
            source,
        })
    };
    let text = fs::read_to_string(example).map_err(failed)?;
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
    let recording = format!("s3://{VOICE_BUCKET}/asha/recording.mp3");
    upload(stack, &recording).await?;
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
            timeline.say(Mark::Voice, "its owner has read it: the voice is theirs");
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

async fn upload(stack: &Stack, address: &str) -> Result<(), Error> {
    let key = address
        .strip_prefix(&format!("s3://{VOICE_BUCKET}/"))
        .unwrap_or(address);
    let put = stack
        .clients
        .s3
        .put_object()
        .bucket(VOICE_BUCKET)
        .key(key)
        .content_type("audio/mpeg");
    let put = put.body(RECORDING.to_vec().into()).send().await;
    put.map_err(|error| refused("upload a recording", error))?;
    Ok(())
}

fn refused(what: &'static str, error: impl std::error::Error) -> Error {
    Error::Aws {
        what,
        reason: DisplayErrorContext(error).to_string(),
    }
}
