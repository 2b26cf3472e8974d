//! Amazon Polly's speech synthesis tasks. Source: the API reference of StartSpeechSynthesisTask and
//! GetSpeechSynthesisTask, and the service's model in botocore 1.43.

use serde_json::{Value, json};

use super::tasks::Task;
use super::{Asked, Reply, State};

static SPEECH: &[u8] = include_bytes!("../../fixtures/two-seconds.mp3");

pub(super) async fn answer(state: &State, asked: &Asked<'_>) -> Reply {
    match (asked.method, asked.path.strip_prefix("/synthesisTasks")) {
        ("POST", Some("")) => start(state, asked),
        ("GET", Some(id)) => task(state, id.trim_start_matches('/')).await,
        _ => error(404, "UnknownOperationException", "Unknown operation"),
    }
}

fn start(state: &State, asked: &Asked<'_>) -> Reply {
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
    let mut task = Task::new(characters, asked.behaviour);
    task.place = Some((text("OutputS3BucketName"), text("OutputS3KeyPrefix")));
    let id = state.tasks.add(task);
    Reply::json(
        200,
        &json!({ "SynthesisTask": described(state, &id, "scheduled") }),
    )
}

async fn task(state: &State, id: &str) -> Reply {
    let status = {
        let mut tasks = state.tasks.all();
        let Some(task) = tasks.get_mut(id) else {
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
        && let (Some((bucket, key)), Some(s3)) = (place(state, id), state.s3.get())
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
    }
    Reply::json(
        200,
        &json!({ "SynthesisTask": described(state, id, &status) }),
    )
}

fn place(state: &State, id: &str) -> Option<(String, String)> {
    let (bucket, prefix) = state.tasks.all().get(id)?.place.clone()?;
    Some((bucket, format!("{prefix}.{id}.mp3")))
}

fn described(state: &State, id: &str, status: &str) -> Value {
    let (bucket, key) = place(state, id).unwrap_or_default();
    let tasks = state.tasks.all();
    let task = tasks.get(id);
    json!({
        "TaskId": id,
        "TaskStatus": status,
        "TaskStatusReason": task.and_then(|task| task.fails.as_ref()).map(|(_, message)| message),
        "OutputUri": format!("https://s3.us-east-1.amazonaws.com/{bucket}/{key}"),
        "CreationTime": 1_795_000_000,
        "RequestCharacters": task.map_or(0, |task| task.cost),
        "OutputFormat": "mp3",
    })
}

fn error(status: u16, code: &str, message: &str) -> Reply {
    let mut said = Reply::json(status, &body(message));
    said.headers.push(("x-amzn-errortype", code.to_owned()));
    said
}

pub(super) fn body(message: &str) -> Value {
    json!({ "message": message })
}
