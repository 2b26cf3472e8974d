//! Runway. Source: the vendor's SDK 5.24.0 (text to video, tasks, their states and costs), and its
//! pages on HTTP errors and task failures.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::exchange::{Asked, Reply};
use super::tasks::{Task, Tasks};

static VIDEO: &[u8] = include_bytes!("../fixtures/two-seconds.mp4");

/// The price of a second of gen4.5, in the vendor's credits.
const CREDITS_PER_SECOND: u64 = 12;

/// Answers a request to Runway, which has these tasks and whose files are at `address`.
pub(super) fn answer(tasks: &Tasks, address: SocketAddr, asked: &Asked<'_>) -> Reply {
    if let Some(output) = asked.path.strip_prefix("/outputs/") {
        return fetch(tasks, asked, output);
    }
    if asked
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_none_or(str::is_empty)
    {
        return Reply::json(401, &body("The API key provided is invalid."));
    }
    if asked.header("x-runway-version").is_none() {
        return Reply::json(400, &body("The X-Runway-Version header is required."));
    }
    match (asked.method, asked.path.strip_prefix("/tasks/")) {
        ("POST", None) if asked.path == "/text_to_video" => submit(tasks, asked),
        ("GET", Some(id)) => task(tasks, address, id),
        ("DELETE", Some(id)) => delete(tasks, id),
        _ => Reply::json(404, &body("Not found.")),
    }
}

/// Cancels a task that is not over, and forgets one that is. What was worked on is not refunded.
fn delete(tasks: &Tasks, id: &str) -> Reply {
    let mut all = tasks.all();
    let Some(task) = all.get_mut(id) else {
        return Reply::json(404, &body("Task not found."));
    };
    if task.is_over {
        all.remove(id);
    } else {
        task.cancelled = true;
        task.is_over = true;
    }
    Reply::json(204, &Value::Null)
}

fn submit(tasks: &Tasks, asked: &Asked<'_>) -> Reply {
    let request = asked.json();
    let units = request["promptText"]
        .as_str()
        .unwrap_or_default()
        .encode_utf16()
        .count();
    let seconds = request["duration"].as_u64().unwrap_or_default();
    let ratio = request["ratio"].as_str().unwrap_or_default();
    if !(1..=1000).contains(&units)
        || !(2..=10).contains(&seconds)
        || !matches!(ratio, "1280:720" | "720:1280")
    {
        return Reply::json(400, &body("Validation of body failed"));
    }
    let cost = seconds * CREDITS_PER_SECOND;
    let id = tasks.add(Task::new(cost, asked.behaviour));
    Reply::json(
        200,
        &json!({ "id": id, "estimatedCost": { "credits": cost } }),
    )
}

fn task(tasks: &Tasks, address: SocketAddr, id: &str) -> Reply {
    let waits = tasks.waits(id);
    let mut all = tasks.all();
    let Some(task) = all.get_mut(id) else {
        return Reply::json(404, &body("Task not found."));
    };
    let mut said = json!({ "id": id, "createdAt": "2026-11-24T10:00:00.000Z" });
    if task.cancelled {
        said["status"] = json!("CANCELLED");
        // From the second poll on it is worked on.
        let charged = if task.polls > 1 { task.cost } else { 0 };
        said["cost"] = json!({ "credits": charged });
        return Reply::json(200, &said);
    }
    said["estimatedCost"] = json!({ "credits": task.cost });
    if waits {
        said["status"] = json!("THROTTLED");
        return Reply::json(200, &said);
    }
    match task.asked() {
        Err(held) => said["status"] = json!(held),
        Ok(1) => said["status"] = json!("PENDING"),
        Ok(2) => {
            said["status"] = json!("RUNNING");
            said["progress"] = json!(0.5);
        }
        Ok(_) => {
            task.is_over = true;
            let parts = said.as_object_mut();
            parts.map(|parts| parts.remove("estimatedCost"));
            said["cost"] = json!({ "credits": task.cost });
            match &task.fails {
                Some((code, message)) => {
                    said["status"] = json!("FAILED");
                    said["failureCode"] = json!(code);
                    said["failure"] = json!(message);
                }
                None => {
                    // Each poll returns a new address.
                    let url = format!(
                        "http://{address}/runway/v1/outputs/{id}.mp4?signature={}",
                        task.polls
                    );
                    said["status"] = json!("SUCCEEDED");
                    said["output"] = json!([url]);
                }
            }
        }
    }
    Reply::json(200, &said)
}

/// Serves the video. It refuses a request with an API key, because that would leak the key to the
/// file's host.
fn fetch(tasks: &Tasks, asked: &Asked<'_>, output: &str) -> Reply {
    if asked.header("authorization").is_some() {
        return Reply::json(400, &body("The key was sent to where the file is."));
    }
    let mut all = tasks.all();
    match output.strip_suffix(".mp4").and_then(|id| all.get_mut(id)) {
        Some(task) if task.expires => {
            task.expires = false;
            Reply::json(403, &body("Request has expired"))
        }
        Some(task) => {
            let mut said = Reply::file("video/mp4", VIDEO);
            if let Some(bytes) = task.bytes {
                // Players ignore the padding after the end of the video.
                let mut video = VIDEO.to_vec();
                video.resize(bytes, 0);
                said.body = video.into();
            }
            said.breaks = task.breaks;
            said
        }
        None => Reply::json(404, &body("Not found.")),
    }
}

/// The body of an error.
pub(super) fn body(error: &str) -> Value {
    json!({ "error": error })
}
