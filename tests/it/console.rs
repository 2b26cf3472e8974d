//! The console of `make up`, with requests like those of its page, to the real program.

use std::{
    path::PathBuf,
    process::Stdio,
    time::{Duration, Instant},
};

use aws_credential_types::Credentials;
use contract::Topic;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use local::{checkout::Checkout, clients::Clients};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    harness::{created, the_eight, until},
    operator::{CREATED, envelope, record},
};

/// Longer than any step takes on two busy cores.
const PATIENCE: Duration = Duration::from_secs(240);

/// `studio-local up`, which ends with the test.
pub struct Up {
    pub child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    folder: TempDir,
    /// The host and the port of the console.
    pub console: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Up {
    async fn start() -> Self {
        Self::start_on("apache").await
    }

    pub async fn start_on(broker: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(binary());
        command
            .args(["up", "--broker", broker, "--env"])
            .arg(folder.path().join("up.env"));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let console = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("it says where its console is");
            println!("{line}");
            if let Some(address) = line.trim().strip_prefix("console http://") {
                break address.to_owned();
            }
        };
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            child,
            lines,
            folder,
            console,
            client,
        }
    }

    pub fn env(&self) -> PathBuf {
        self.folder.path().join("up.env")
    }

    /// Publishes as `make publish` does.
    async fn publish(&self, event: &[u8]) {
        let file = self.folder.path().join("event");
        std::fs::write(&file, event).unwrap();
        let mut command = Command::new(binary());
        let command = command
            .args(["publish", "--no-wait", "--event"])
            .arg(&file)
            .arg("--env")
            .arg(self.env());
        let published = command.output().await.unwrap();
        println!("{}", String::from_utf8_lossy(&published.stdout));
        assert!(published.status.success(), "{published:?}");
    }

    /// Sends a request with these headers in addition to `host`.
    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Incoming> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.console));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client
            .request(request.body(Full::from(body.to_owned())).unwrap())
            .await
            .unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let response = self.send(Method::GET, path, &[], "").await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        String::from_utf8(
            response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .to_vec(),
        )
        .unwrap()
    }

    /// The answer that the page gets for a step: the status and the JSON.
    pub async fn ask(&self, step: &str, question: &Value) -> (u16, Value) {
        let origin = format!("http://{}", self.console);
        let headers = [
            ("origin", origin.as_str()),
            ("content-type", "application/json"),
        ];
        let response = self
            .send(
                Method::POST,
                &format!("/ask/{step}"),
                &headers,
                &question.to_string(),
            )
            .await;
        let status = response.status().as_u16();
        let answer =
            serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes())
                .unwrap();
        println!("{step} {question}: {status} {answer}");
        (status, answer)
    }

    /// Opens the event stream, after the event `id` if there is one.
    async fn follow(&self, id: Option<&str>) -> Stream {
        let headers: Vec<_> = id.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = self.send(Method::GET, "/live", &headers, "").await;
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Stream {
            body: response.into_body(),
            text: String::new(),
        }
    }
}

fn binary() -> PathBuf {
    Checkout::find().unwrap().binaries.join("studio-local")
}

/// Server-sent events, as a page reads them.
struct Stream {
    body: Incoming,
    text: String,
}

/// One event of the stream.
#[derive(Debug)]
struct Heard {
    kind: String,
    id: String,
    data: Value,
}

impl Stream {
    async fn next(&mut self) -> Heard {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let value = message
                        .lines()
                        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    value.unwrap_or_default().to_owned()
                };
                // A keep-alive message has no data.
                if let Ok(data) = serde_json::from_str(&field("data")) {
                    return Heard {
                        kind: field("event"),
                        id: field("id"),
                        data,
                    };
                }
                continue;
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame())
                .await
                .expect("something is heard in time");
            let bytes = frame
                .expect("the stream goes on")
                .unwrap()
                .into_data()
                .unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// The events up to the moment when `done` accepts them.
    async fn until(&mut self, what: &str, done: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let patience = Instant::now() + PATIENCE;
        let mut heard = Vec::new();
        while !done(&heard) {
            assert!(
                Instant::now() < patience,
                "waited in vain until {what}: {heard:#?}"
            );
            heard.push(self.next().await);
        }
        heard
    }
}

/// How many records of a topic about a tenant were received.
fn count(heard: &[Heard], topic: Topic, tenant: &str) -> usize {
    let is_one = |heard: &&Heard| {
        let record = &heard.data["record"];
        record["topic"] == topic.as_str() && record["key"] == tenant
    };
    heard.iter().filter(is_one).count()
}

/// Whether every event that one created event causes was received.
fn is_all(heard: &[Heard], tenant: &str) -> bool {
    the_eight()
        .iter()
        .all(|(topic, expected)| count(heard, topic.parse().unwrap(), tenant) == *expected)
}

/// The waiting dead letters, as the page lists them: offset and count.
async fn waiting(up: &Up) -> Vec<(i64, u64)> {
    let (status, listed) = up.ask("list-dead-letters", &json!({ "most": 50 })).await;
    assert_eq!(status, 200);
    let entries = listed["entries"].as_array().unwrap();
    entries
        .iter()
        .map(|entry| {
            (
                entry["offset"].as_i64().unwrap(),
                entry["count"].as_u64().unwrap(),
            )
        })
        .collect()
}

/// The fate of the only record of the request.
fn fate(handled: &(u16, Value)) -> &Value {
    assert_eq!(
        (handled.0, handled.1["records"].as_array().unwrap().len()),
        (200, 1),
        "{handled:?}"
    );
    &handled.1["records"][0][1]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_shows_events_and_obeys_only_its_own_page() {
    let mut up = Up::start().await;

    // The page itself, and the requests that it must refuse.
    let page = up
        .send(Method::GET, "/", &[("sec-fetch-site", "cross-site")], "")
        .await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(up.get("/").await.contains("/console.js"));
    let own = format!("http://{}", up.console);
    let json = ("content-type", "application/json");
    for (method, path, headers) in [
        (Method::GET, "/live", vec![("sec-fetch-site", "cross-site")]),
        (
            Method::GET,
            "/gallery",
            vec![("sec-fetch-site", "same-site")],
        ),
        (Method::GET, "/", vec![("host", "evil.example:4567")]),
        (Method::POST, "/ask/list-dead-letters", vec![json]),
        (
            Method::POST,
            "/ask/list-dead-letters",
            vec![("origin", "https://evil.example"), json],
        ),
        (
            Method::POST,
            "/ask/list-dead-letters",
            vec![("origin", own.as_str()), ("content-type", "text/plain")],
        ),
    ] {
        let refused = up.send(method, path, &headers, r#"{ "most": 10 }"#).await;
        assert_eq!(
            refused.status(),
            StatusCode::FORBIDDEN,
            "{path} {headers:?}"
        );
    }
    assert_eq!(
        up.send(Method::GET, "/ask/list-dead-letters", &[], "")
            .await
            .status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        up.send(Method::GET, "/../Cargo.toml", &[], "")
            .await
            .status(),
        StatusCode::NOT_FOUND
    );

    // A good event and a bad one, in the live stream.
    let mut stream = up.follow(None).await;
    let hello = stream.next().await;
    assert_eq!(
        (hello.kind.as_str(), &hello.data["about"]["consumed"][0]),
        ("hello", &json!(CREATED))
    );
    let (tenant, bad) = ("tenant-console", "tenant-console-bad");
    up.publish(created(tenant, "console").to_string().as_bytes())
        .await;
    let heard = stream
        .until("its two jobs are done and published", |heard| {
            is_all(heard, tenant)
        })
        .await;
    let consumed = heard
        .iter()
        .find(|heard| heard.data["record"]["topic"] == CREATED)
        .unwrap();
    let text: Value =
        serde_json::from_str(consumed.data["record"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&text["id"], &consumed.data["record"]["key"]),
        (&json!("evt-console"), &json!(tenant))
    );
    let invoked = heard
        .iter()
        .find(|heard| heard.data["report"]["what"] == "invoked")
        .unwrap();
    assert_eq!(
        (
            &invoked.data["report"]["ended"],
            &invoked.data["report"]["records"]
        ),
        (&json!("answered"), &json!(1))
    );

    let mut poison = created(bad, "console-bad");
    poison["data"]["startsAt"] = json!("<b>tomorrow</b>");
    up.publish(poison.to_string().as_bytes()).await;
    until("the bad one becomes a dead letter", async || {
        waiting(&up).await.len() == 1
    })
    .await;

    // A page that reconnects gets the rest, and a page that connects late gets everything.
    let mut again = up.follow(Some(&invoked.id)).await;
    let rest = again
        .until("the bad one is heard", |heard| {
            count(heard, Topic::EventCreated, bad) == 1
        })
        .await;
    assert!(
        rest.iter()
            .all(|heard| heard.id != consumed.id && heard.id != invoked.id),
        "{rest:#?}"
    );
    let mut late = up.follow(None).await;
    late.until("all is heard", |heard| {
        is_all(heard, tenant) && count(heard, Topic::EventCreated, bad) == 1
    })
    .await;

    // The jobs, and only this tenant's.
    let (_, listed) = up
        .ask("list-jobs", &json!({ "tenant": tenant, "most": 10 }))
        .await;
    let jobs = listed["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2, "{listed}");
    let others = json!({ "tenant": bad, "most": 10 });
    assert_eq!(up.ask("list-jobs", &others).await.1["jobs"], json!([]));
    assert_eq!(
        jobs.iter()
            .filter(|job| job["state"] == "completed")
            .count(),
        2,
        "{listed}"
    );
    let question = |tenant: &str| json!({ "tenant": tenant, "job": jobs[0]["id"] });
    let (_, shown) = up.ask("show-job", &question(tenant)).await;
    let happened: Vec<&str> = shown["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| h["what"].as_str().unwrap())
        .collect();
    assert!(
        happened[0].starts_with("created for") && happened[1].starts_with("asked "),
        "{happened:?}"
    );
    let (status, refused) = up.ask("show-job", &question(bad)).await;
    assert!(
        status == 404 && refused["cure"].as_str().unwrap().contains("tenant"),
        "{refused}"
    );
    let (_, dry) = up
        .ask(
            "resubmit-job",
            &json!({ "tenant": tenant, "job": jobs[0]["id"], "execute": false }),
        )
        .await;
    assert_eq!(dry["fate"]["is"], "would-be-resubmitted");

    // The addresses in the gallery can be loaded.
    let gallery: Value = serde_json::from_str(&up.get("/gallery").await).unwrap();
    let assets = gallery["assets"].as_array().unwrap();
    assert_eq!(assets.len(), 2, "{gallery}");
    assert!(
        assets
            .iter()
            .all(|asset| asset["title"] == "Lanterns on the Lake" && asset["tenant"] == tenant),
        "{gallery}"
    );
    for asset in assets {
        let file = up
            .client
            .get(asset["url"].as_str().unwrap().parse().unwrap())
            .await
            .unwrap();
        let file = file.into_body().collect().await.unwrap().to_bytes();
        assert!(file.starts_with(b"\x89PNG"), "{asset}");
    }

    // The cause of the bad record, a redrive without `execute`, and one with it.
    let (_, listed) = up
        .ask(
            "list-dead-letters",
            &json!({ "filter": { "cause": "STARTSAT" }, "most": 10 }),
        )
        .await;
    let id = listed["entries"][0]["id"].clone();
    let (_, shown) = up.ask("show-dead-letter", &json!({ "id": id })).await;
    assert!(
        shown["entry"]["cause"]
            .as_str()
            .unwrap()
            .starts_with("data.startsAt: `<b>tomorrow</b>`"),
        "{shown}"
    );
    assert_eq!(shown["content"]["value"]["text"], poison.to_string());
    let redrive = |execute: bool| json!({ "which": { "ids": [id] }, "execute": execute });
    assert_eq!(
        fate(&up.ask("redrive", &redrive(false)).await)["is"],
        "would-be-redriven"
    );
    assert_eq!(
        waiting(&up)
            .await
            .iter()
            .map(|(_, times)| *times)
            .collect::<Vec<_>>(),
        [1]
    );
    let came_back = up.ask("redrive", &redrive(true)).await;
    assert_eq!(
        (&fate(&came_back)["is"], &fate(&came_back)["count"]),
        (&json!("came-back"), &json!(2))
    );
    assert_eq!(
        fate(&up.ask("discard", &redrive(true)).await)["is"],
        "discarded"
    );
    assert!(waiting(&up).await.is_empty());

    // An on-failure envelope is redriven, and its events reach the stream.
    let tenant = "tenant-console-on-failure";
    let batch = vec![record(1_000, Some(&created(tenant, "console-on-failure")))];
    let clients = Clients::of(
        variable(&up, "AWS_ENDPOINT_URL")
            .strip_prefix("http://")
            .unwrap()
            .parse()
            .unwrap(),
        &credentials(&up),
    );
    let put = clients
        .s3
        .put_object()
        .bucket(variable(&up, "DEAD_LETTERS_BUCKET"))
        .key("aws/lambda/one");
    put.body(envelope(batch).to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
    assert_eq!(waiting(&up).await, [(1_000, 1)]);
    let (_, listed) = up.ask("list-dead-letters", &json!({ "most": 10 })).await;
    let which = json!({ "which": { "ids": [listed["entries"][0]["id"]] }, "execute": true });
    assert_eq!(fate(&up.ask("redrive", &which).await)["is"], "redriven");
    stream
        .until("what was redriven is done and published", |heard| {
            is_all(heard, tenant)
        })
        .await;
    assert!(waiting(&up).await.is_empty());

    // Requests that no page may make.
    assert_eq!(up.ask("gather", &json!({})).await.0, 404);
    assert_eq!(
        up.ask("list-jobs", &json!({ "tenant": "", "most": 10 }))
            .await
            .0,
        400
    );
    let long = json!({ "tenant": "x".repeat(100_000), "most": 10 });
    assert_eq!(up.ask("list-jobs", &long).await.0, 413);

    // Ctrl-C ends the program while pages are open.
    assert!(up.env().exists());
    interrupt(up.child.id().unwrap());
    while let Ok(Ok(Some(line))) = tokio::time::timeout(PATIENCE, up.lines.next_line()).await {
        println!("{line}");
    }
    let ended = tokio::time::timeout(PATIENCE, up.child.wait())
        .await
        .expect("it ends")
        .unwrap();
    assert!(ended.success(), "{ended:?}");
    assert!(!up.env().exists());
    assert!(processes::owner_of_listener(up.console.parse().unwrap()).is_none());
}

/// The credentials in the shell file.
pub fn credentials(up: &Up) -> Credentials {
    let [key, secret] =
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| variable(up, name));
    Credentials::new(key, secret, None, None, "make up")
}

/// A variable in the shell file.
pub fn variable(up: &Up, name: &str) -> String {
    let text = std::fs::read_to_string(up.env()).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("export {name}='")))
        .unwrap();
    line.strip_suffix('\'').unwrap().to_owned()
}

fn interrupt(process_id: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-INT", &process_id.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}
