//! Amazon Polly's speech synthesis tasks. Source: the API reference of StartSpeechSynthesisTask and
//! GetSpeechSynthesisTask, and the service's model in botocore 1.43.

use serde_json::{Value, json};

use super::SPEECH;
use super::exchange::{Asked, Reply};
use super::tasks::{Task, Tasks};

/// Answers a request to Polly, which has these tasks and writes its files with `s3`.
pub(super) async fn answer(
    tasks: &Tasks,
    s3: Option<&aws_sdk_s3::Client>,
    asked: &Asked<'_>,
) -> Reply {
    match (asked.method, asked.path.strip_prefix("/synthesisTasks")) {
        ("POST", Some("")) => start(tasks, asked),
        ("GET", Some(id)) => task(tasks, s3, id.trim_start_matches('/')).await,
        _ => error(404, "UnknownOperationException", "Unknown operation"),
    }
}

/// Some of the vendor's voices, each with the codes of the languages that it speaks, the usual one
/// first. Source: "Available voices" in Polly's developer guide.
const VOICES: [(&str, &[&str]); 5] = [
    ("Joanna", &["en-US"]),
    ("Kajal", &["en-IN", "hi-IN"]),
    ("Vicki", &["de-DE"]),
    ("Zeina", &["arb"]),
    ("Zhiyu", &["cmn-CN"]),
];

fn start(tasks: &Tasks, asked: &Asked<'_>) -> Reply {
    let request = asked.json();
    let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
    let characters = text("Text").chars().count() as u64;
    if characters == 0 || text("VoiceId").is_empty() || text("OutputS3BucketName").is_empty() {
        return error(
            400,
            "ValidationException",
            "A required parameter is missing",
        );
    }
    let engine = request["Engine"].as_str().unwrap_or("standard");
    if !["standard", "neural", "long-form", "generative"].contains(&engine) {
        return error(400, "ValidationException", "Invalid value for 'Engine'");
    }
    let Some((_, spoken)) = VOICES.iter().find(|(id, _)| *id == text("VoiceId")) else {
        return error(400, "ValidationException", "Invalid value for 'VoiceId'");
    };
    let language = request["LanguageCode"].as_str().unwrap_or(spoken[0]);
    if !spoken.contains(&language) {
        let message = "This voice does not support the selected language";
        return error(400, "LanguageNotSupportedException", message);
    }
    if characters > 100_000 {
        return error(400, "TextLengthExceededException", "The text is too long");
    }
    let mut task = Task::new(characters, asked.behaviour);
    task.place = Some((text("OutputS3BucketName"), text("OutputS3KeyPrefix")));
    task.repeated = json!({
        "VoiceId": text("VoiceId"), "Engine": engine, "LanguageCode": language,
    });
    let id = tasks.add(task);
    Reply::json(
        200,
        &json!({ "SynthesisTask": described(tasks, &id, "scheduled") }),
    )
}

async fn task(tasks: &Tasks, s3: Option<&aws_sdk_s3::Client>, id: &str) -> Reply {
    let status = {
        let mut all = tasks.all();
        let Some(task) = all.get_mut(id) else {
            return error(
                400,
                "SynthesisTaskNotFoundException",
                "There is no such task",
            );
        };
        match (task.asked(), &task.fails) {
            (Err(held), _) => held,
            (Ok(1), _) => "inProgress".to_owned(),
            (Ok(_), Some(_)) => "failed".to_owned(),
            (Ok(_), None) => "completed".to_owned(),
        }
    };
    if status == "completed"
        && let (Some((bucket, key)), Some(s3)) = (place_to_write(tasks, id), s3)
    {
        let put = s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .content_type("audio/mpeg")
            .body(SPEECH.to_vec().into());
        if put.send().await.is_err() {
            return error(
                500,
                "ServiceFailureException",
                "The bucket cannot be written",
            );
        }
        if let Some(task) = tasks.all().get_mut(id) {
            task.is_written = true;
        }
    }
    Reply::json(
        200,
        &json!({ "SynthesisTask": described(tasks, id, &status) }),
    )
}

fn place(tasks: &Tasks, id: &str) -> Option<(String, String)> {
    let (bucket, prefix) = tasks.all().get(id)?.place.clone()?;
    Some((bucket, format!("{prefix}.{id}.mp3")))
}

/// Where the output of a task is still to be written.
fn place_to_write(tasks: &Tasks, id: &str) -> Option<(String, String)> {
    let is_written = tasks.all().get(id)?.is_written;
    if is_written { None } else { place(tasks, id) }
}

fn described(tasks: &Tasks, id: &str, status: &str) -> Value {
    let (bucket, key) = place(tasks, id).unwrap_or_default();
    let all = tasks.all();
    let task = all.get(id);
    let mut described = json!({
        "TaskId": id,
        "TaskStatus": status,
        "TaskStatusReason": task.and_then(|task| task.fails.as_ref()).map(|(_, message)| message),
        "OutputUri": format!("https://s3.us-east-1.amazonaws.com/{bucket}/{key}"),
        "CreationTime": 1_795_000_000,
        "RequestCharacters": task.map_or(0, |task| task.cost),
        "OutputFormat": "mp3",
    });
    for name in ["VoiceId", "Engine", "LanguageCode"] {
        described[name] = task.map_or(Value::Null, |task| task.repeated[name].clone());
    }
    described
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let mut said = Reply::json(status, &body(message));
    said.headers.push(("x-amzn-errortype", code.to_owned()));
    said
}

/// The body of an error.
pub(super) fn body(message: &str) -> Value {
    json!({ "message": message })
}
