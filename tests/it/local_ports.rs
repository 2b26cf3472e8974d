//! Every port that `make up` opens on this machine answers programs of its own user and the
//! console's own page: no page of another site, no other user, and no caller with credentials that
//! everybody knows.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::Command,
    time::Duration,
};

use aws_credential_types::Credentials;
use local::clients::Clients;
use serde_json::json;

use crate::console::{Up, credentials, variable};

/// The parent of a process.
fn parent(process_id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    // The name is in parentheses and may contain anything. After it follow state and parent.
    let mut fields = stat.rsplit(')').next()?.split_ascii_whitespace();
    fields.nth(1)?.parse().ok()
}

/// A process and all its descendants.
fn family(leader: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").unwrap().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|process_id| {
        let mut ancestors = std::iter::successors(Some(*process_id), |child| parent(*child));
        ancestors.any(|ancestor| ancestor == leader)
    })
    .collect()
}

/// The addresses on which a process and its descendants listen, from the kernel's tables: the
/// address in hexadecimal digits, and the port.
fn listeners(leader: u32) -> Vec<(String, u16)> {
    let sockets: BTreeSet<String> = family(leader)
        .into_iter()
        .filter_map(|process_id| fs::read_dir(format!("/proc/{process_id}/fd")).ok())
        .flat_map(|descriptors| descriptors.flatten())
        .filter_map(|descriptor| fs::read_link(descriptor.path()).ok())
        .filter_map(|target| {
            let inode = target
                .to_str()?
                .strip_prefix("socket:[")?
                .strip_suffix(']')?;
            Some(inode.to_owned())
        })
        .collect();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    rows.filter_map(|row| {
        let columns: Vec<&str> = row.split_ascii_whitespace().collect();
        let (address, port) = columns[1].split_once(':')?;
        let listens = columns[3] == "0A" && sockets.contains(columns[9]);
        listens.then(|| (address.to_owned(), u16::from_str_radix(port, 16).unwrap()))
    })
    .collect()
}

/// The beginning of the answer to a raw request. Empty if the connection ends without one, or if
/// there is none in time, as from a port that speaks another protocol.
fn answer(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(15)))
        .unwrap();
    let mut answer = [0; 4096];
    let length = match stream.write_all(request.as_bytes()) {
        Ok(()) => stream.read(&mut answer).unwrap_or(0),
        Err(_) => 0,
    };
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

/// The status of an answer, if it is one of HTTP.
fn status(answer: &str) -> Option<u16> {
    answer.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()
}

/// Fails if an answer is not a refusal, or allows another site's page to read it.
fn assert_refused(answer: &str, what: &str) {
    assert!(
        status(answer).is_some_and(|status| (400..500).contains(&status)),
        "{what}: {answer}"
    );
    assert!(
        !answer.to_ascii_lowercase().contains("access-control-"),
        "{what}: {answer}"
    );
}

/// What a page of another site can have a browser send to a port.
fn of_another_site(port: u16) -> Vec<(&'static str, String)> {
    let here = format!("HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:{port}\r\n");
    let evil = "Origin: https://evil.example\r\n";
    // The sandbox would put a file into any bucket of the stack.
    let speech = r#"{"Text":"Hello","VoiceId":"Kajal","OutputS3BucketName":"any"}"#;
    let form = format!(
        "Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{speech}",
        speech.len()
    );
    let next = "/2018-06-01/runtime/invocation/next";
    vec![
        (
            "a name that was pointed here",
            format!("GET / HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n"),
        ),
        (
            "an image",
            format!("GET /live {here}Sec-Fetch-Site: cross-site\r\n\r\n"),
        ),
        ("a script", format!("GET /live {here}{evil}\r\n")),
        (
            "a sandboxed frame",
            format!("GET /live {here}Origin: null\r\n\r\n"),
        ),
        (
            "another server of this machine",
            format!(
                "GET /live {here}Origin: http://127.0.0.1:1\r\nSec-Fetch-Site: same-site\r\n\r\n"
            ),
        ),
        (
            "a form",
            format!("POST /polly/v1/synthesisTasks {here}{evil}{form}"),
        ),
        (
            "a preflight",
            format!("OPTIONS / {here}{evil}Access-Control-Request-Method: PUT\r\n\r\n"),
        ),
        (
            "the next event of a function",
            format!("GET {next} {here}Sec-Fetch-Site: cross-site\r\n\r\n"),
        ),
    ]
}

/// A request to AWS that needs no rights, with an access key in the query, as a page would have to
/// send it.
fn identity(port: u16, key: &str, signature: &str) -> String {
    let scope = format!("{key}%2F20260101%2Fus-east-1%2Fsts%2Faws4_request");
    format!(
        "GET /?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}\
         &X-Amz-Date=20260101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature={signature} HTTP/1.1\r\n\
         Connection: close\r\nHost: 127.0.0.1:{port}\r\n\r\n"
    )
}

/// A request to any server that needs no rights, as a program sends it.
fn plain(port: u16, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nConnection: close\r\nHost: 127.0.0.1:{port}\r\n\r\n")
}

/// A request as another user of this machine sends it; only root can.
fn answer_to_another_user(port: u16, request: &str) -> String {
    let script =
        format!("exec 3<>/dev/tcp/127.0.0.1/{port} && printf %s \"$0\" >&3 && timeout 3 cat <&3");
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["bash", "-c", &script, request])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The ports of those that speak HTTP, after each has refused the pages of other sites.
fn refusing_other_sites(ports: &BTreeSet<u16>) -> BTreeSet<u16> {
    let refuses = |port: &u16| {
        // Kafka's ports do not answer.
        let speaks_http = status(&answer(*port, &plain(*port, "/"))).is_some();
        for (what, request) in of_another_site(*port).iter().filter(|_| speaks_http) {
            assert_refused(&answer(*port, request), &format!("{what}, port {port}"));
        }
        speaks_http
    };
    ports.iter().copied().filter(refuses).collect()
}

/// Fails if a port through which AWS is reached takes other credentials than the stack's.
fn assert_knows_only(root: &Credentials, port: u16) {
    let no_signature = "0".repeat(64);
    for key in ["test", "000000000000", "", "AKIAIOSFODNN7EXAMPLE"] {
        let answer = answer(port, &identity(port, key, &no_signature));
        assert_eq!(status(&answer), Some(403), "`{key}`: {answer}");
    }
    // Nor is the key enough without its secret.
    let key = root.access_key_id();
    let answer = answer(port, &identity(port, key, &no_signature));
    assert_refused(&answer, "a wrong signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_port_of_make_up_answers_only_its_own_stack() {
    let up = Up::start_on("embedded").await;
    let (aws, root) = (variable(&up, "AWS_ENDPOINT_URL"), credentials(&up));
    let aws: SocketAddr = aws.strip_prefix("http://").unwrap().parse().unwrap();
    let console: SocketAddr = up.console.parse().unwrap();

    // Its own user is answered: the page, which has a function run, and a program with credentials.
    let (listed, _) = up.ask("list-dead-letters", &json!({ "most": 1 })).await;
    assert_eq!(listed, 200);
    let clients = Clients::of(aws, &root);
    clients.secrets.list_secrets().send().await.unwrap();
    let mode = fs::metadata(up.env()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the file with the credentials");

    let listeners = listeners(up.child.id().unwrap());
    for (address, port) in &listeners {
        assert_eq!(address, "0100007F", "port {port} is not on loopback");
    }
    let ports = refusing_other_sites(&listeners.into_iter().map(|(_, port)| port).collect());
    assert!(ports.contains(&aws.port()) && ports.contains(&console.port()));

    // AWS is behind the proxy's two ports, and there is no other way to the emulator.
    let leads_to_aws = |port: &&u16| {
        let answer = answer(**port, &plain(**port, "/")).to_ascii_lowercase();
        answer.contains("x-amz")
    };
    let ways: Vec<&u16> = ports.iter().filter(leads_to_aws).collect();
    assert!(ways.len() == 2 && ways.contains(&&aws.port()), "{ways:?}");
    for port in ways {
        assert_knows_only(&root, *port);
    }

    // Another user of this machine is refused even with the right access key.
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        println!("not tried as another user, because these tests do not run as root");
        return;
    }
    for port in ports {
        for request in [
            plain(port, "/gallery"),
            identity(port, root.access_key_id(), &"0".repeat(64)),
        ] {
            let answer = answer_to_another_user(port, &request);
            let refused = status(&answer).is_none_or(|status| status == 403);
            assert!(refused, "port {port}: {answer}");
        }
    }
}
