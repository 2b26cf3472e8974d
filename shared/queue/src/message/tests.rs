use uuid::Uuid;

use super::*;

const ENTITY: EntityKey = EntityKey(Uuid::from_u128(1));
const JOBS: [JobId; 2] = [JobId(Uuid::from_u128(2)), JobId(Uuid::from_u128(3))];

fn message() -> Message {
    Message {
        entity: ENTITY,
        jobs: JOBS.to_vec(),
        tries: 4,
    }
}

#[test]
fn a_message_is_these_bytes() {
    let expected = r#"{"v":1,"entity":"00000000-0000-0000-0000-000000000001","jobs":["00000000-0000-0000-0000-000000000002","00000000-0000-0000-0000-000000000003"],"tries":4}"#;
    assert_eq!(message().to_json(), expected);
}

#[test]
fn a_message_that_was_written_is_read() {
    assert_eq!(Message::read(&message().to_json()), Ok(message()));
}

#[test]
fn members_of_a_later_code_are_ignored() {
    let body = message()
        .to_json()
        .replace(r#""tries":4"#, r#""tries":4,"urgent":{"v":9}"#);
    assert_eq!(Message::read(&body), Ok(message()));
}

#[test]
fn another_version_is_not_read_whatever_else_it_says() {
    let later = message().to_json().replace(r#""v":1"#, r#""v":2"#);
    assert_eq!(Message::read(&later), Err(NotRead::Version(2)));
    let body = r#"{"v":300,"work":[]}"#;
    assert_eq!(Message::read(body), Err(NotRead::Version(300)));
}

#[test]
fn a_message_without_jobs_is_not_read() {
    let message = Message {
        jobs: Vec::new(),
        ..message()
    };
    assert_eq!(Message::read(&message.to_json()), Err(NotRead::NoJobs));
}

#[test]
fn what_is_not_the_json_of_a_message_is_not_read() {
    let long = "x".repeat(40);
    for body in ["", "{", "[]", "{}", r#"{"v":"1"}"#, r#"{"v":1}"#, &long] {
        let read = Message::read(body);
        assert!(matches!(read, Err(NotRead::NotJson(_))), "{body}: {read:?}");
    }
    let other_id = message().to_json().replace("00000000-0000-0000", "job");
    let read = Message::read(&other_id);
    assert!(matches!(read, Err(NotRead::NotJson(_))), "{read:?}");
}
