//! Runs the targets on generated input: bytes, JSON, and changed examples.

use std::{
    borrow::Cow,
    cell::RefCell,
    collections::BTreeMap,
    fmt::Debug,
    fs,
    time::{Duration, Instant},
};

use contract::Topic;
use fuzz::{Reached, Record, TARGETS, Target, batch_of};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

/// The targets that read JSON, each with an example: those of the topics, and the voice training.
fn examples() -> Vec<(&'static str, String)> {
    let read = |folder: &str| {
        let events = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");
        fs::read_to_string(format!("{events}/{folder}/example.json")).unwrap()
    };
    Topic::consumed()
        .map(|topic| (topic.consumer().unwrap(), read(topic.as_str())))
        .chain([("voice-training", read("voice-training"))])
        .collect()
}

/// The longest time for a picture, with unoptimised code around the canvas and a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

fn target(name: &str) -> Target {
    TARGETS.iter().find(|(one, _)| *one == name).unwrap().1
}

/// JSON that appears in place of something else: a wrong type, a number out of range, an invalid
/// character, or an unfinished value.
fn odd_json() -> impl Strategy<Value = String> {
    let text = "\\PC{0,12}".prop_map(|text| json!(text).to_string());
    let fixed = select(vec![
        "null",
        "true",
        "-1",
        "0.5",
        "1e999",
        "-0",
        "18446744073709551615",
        "18446744073709551616",
        "\"\"",
        "\"  \"",
        "{}",
        "[]",
        "[[],{}]",
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\u0000""#,
        r#""\u001b[2J""#,
        r#""\u202e\u2066""#,
        r#""\ufeff""#,
        r#""\uffff""#,
        r#""2026-12-31T23:59:60Z""#,
        r#""9999-12-31T23:59:59Z""#,
        r#""-000001-01-01T00:00:00Z""#,
        r#""s3://a\u202eb/c""#,
        r#""../../..""#,
    ])
    .prop_map(str::to_owned);
    let long = (1_usize..3000).prop_map(|length| format!("\"{}\"", "ä".repeat(length)));
    let deep =
        (1_usize..400).prop_map(|depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let digits = (20_usize..2000).prop_map(|count| "9".repeat(count));
    prop_oneof![3 => fixed, 2 => text, 1 => long, 1 => deep, 1 => digits]
}

/// A change to an example.
#[derive(Debug, Clone)]
enum Change {
    /// A field is missing.
    Remove(Index),
    /// Other JSON is in the place of a value.
    Replace(Index, String),
    /// A field appears twice, the second time with another value.
    Twice(Index, String),
    /// A byte is replaced, or removed.
    Byte(Index, Option<u8>),
    /// Text comes before the example.
    Before(&'static str),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        2 => any::<Index>().prop_map(Change::Remove),
        4 => (any::<Index>(), odd_json()).prop_map(|(place, json)| Change::Replace(place, json)),
        2 => (any::<Index>(), odd_json()).prop_map(|(place, json)| Change::Twice(place, json)),
        1 => (any::<Index>(), any::<Option<u8>>()).prop_map(|(place, byte)| Change::Byte(place, byte)),
        1 => select(vec!["\u{feff}", " \n", "\0", "[", "{}"]).prop_map(Change::Before),
    ];
    vec(change, 0..4)
}

/// Adds every place in `value` to `found`, as JSON pointers.
fn places(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let place = format!("{place}/{name}");
                places(value, &place, found);
                found.push(place);
            }
        }
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(index, value)| places(value, &format!("{place}/{index}"), found));
        }
        _ => {}
    }
}

fn changed(example: &Value, changes: &[Change]) -> Vec<u8> {
    const HERE: &str = "something else stands here";
    const MORE: &str = "something more stands here";
    let mut example = example.clone();
    let mut instead = Vec::new();
    for change in changes {
        let mut found = Vec::new();
        places(&example, "", &mut found);
        let Some((parent, name)) = (match change {
            Change::Remove(place) | Change::Replace(place, _) | Change::Twice(place, _)
                if !found.is_empty() =>
            {
                place.get(&found).rsplit_once('/')
            }
            _ => None,
        }) else {
            continue;
        };
        let Some(parent) = example.pointer_mut(parent).and_then(Value::as_object_mut) else {
            continue;
        };
        match change {
            Change::Remove(_) => drop(parent.remove(name)),
            Change::Replace(_, json) => {
                let mark = format!("{HERE} {}", instead.len());
                instead.push((json!(mark).to_string(), json.clone()));
                parent.insert(name.to_owned(), json!(mark));
            }
            Change::Twice(_, json) => {
                let mark = format!("{MORE} {}", instead.len());
                instead.push((
                    format!("{}:null", json!(mark)),
                    format!("{}:{json}", json!(name)),
                ));
                parent.insert(mark, Value::Null);
            }
            Change::Byte(..) | Change::Before(_) => {}
        }
    }
    let text = instead
        .iter()
        .fold(example.to_string(), |text, (mark, json)| {
            text.replace(mark, json)
        });
    let mut bytes = text.into_bytes();
    for change in changes {
        match change {
            Change::Byte(place, Some(byte)) => *place.get_mut(&mut bytes) = *byte,
            Change::Byte(place, None) => drop(bytes.remove(place.index(bytes.len()))),
            Change::Before(text) => drop(bytes.splice(0..0, text.bytes())),
            Change::Remove(_) | Change::Replace(..) | Change::Twice(..) => {}
        }
    }
    bytes
}

/// Headers, some of them with the names that CloudEvents uses.
fn header() -> impl Strategy<Value = (String, Option<Vec<u8>>)> {
    let name = prop_oneof![
        3 => select(vec!["ce_specversion", "ce_id", "CE_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type", "ce_", "ce"]).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    let value = prop_oneof![
        3 => select(vec!["1.0", "1", "/x", "eventzr.event.created.v1", "tenant", "2026-11-27T10:00:00Z", "application/json", "application/cloudevents+json", "application/cloudevents-batch+json"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..20),
    ];
    (name, proptest::option::weighted(0.9, value))
}

/// How often input came how far.
#[derive(Debug, Default)]
struct Tally(RefCell<BTreeMap<Reached, u32>>);

impl Tally {
    fn note(&self, reached: Reached) {
        *self.0.borrow_mut().entry(reached).or_default() += 1;
    }

    /// Fails unless at least a tenth of the input came as far as each of `all`: properties of what
    /// is accepted say nothing if everything is refused.
    fn has(&self, all: &[Reached]) {
        let tally = self.0.borrow();
        let sum: u32 = tally.values().sum();
        for reached in all {
            let count = tally.get(reached).copied().unwrap_or_default();
            assert!(count * 10 >= sum && sum > 0, "{reached:?}: {tally:?}");
        }
    }
}

/// Runs `test` with `cases` values.
fn generate<S: Strategy>(cases: u32, values: &S, test: impl Fn(S::Value))
where
    S::Value: Debug,
{
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(values, |value| {
        test(value);
        Ok(())
    });
    run.unwrap();
}

#[test]
fn a_changed_example_is_read_or_refused() {
    let (of_data, structured, binary) = (Tally::default(), Tally::default(), Tally::default());
    let values = (select(examples()), changes());
    generate(200, &values, |((name, example), changes)| {
        let example: Value = serde_json::from_str(&example).unwrap();
        let data = example.get("data").unwrap_or(&example);
        of_data.note(target(name)(&changed(data, &changes)));
        // The whole event as a record's value, in both modes.
        let whole = changed(&example, &changes);
        structured.note(target("envelope")(&[&b"\n"[..], &whole].concat()));
        let headers =
            "ce_specversion: 1.0\nce_id: 1\nce_source: /x\nce_type: eventzr.event.created.v1\n\n";
        binary.note(target("envelope")(&[headers.as_bytes(), &whole].concat()));
    });
    for tally in [of_data, structured, binary] {
        tally.has(&[Reached::Refused, Reached::Accepted]);
    }
}

#[test]
fn each_kind_of_change_changes_an_example() {
    let example = json!({ "a": "b", "c": ["d"] });
    let place = any::<Index>();
    let mut runner = TestRunner::deterministic();
    let place = place.new_tree(&mut runner).unwrap().current();
    for change in [
        Change::Remove(place),
        Change::Replace(place, "[1]".to_owned()),
        Change::Twice(place, "[1]".to_owned()),
        Change::Byte(place, Some(0xff)),
        Change::Byte(place, None),
        Change::Before("["),
    ] {
        let changed = changed(&example, std::slice::from_ref(&change));
        assert_ne!(changed, example.to_string().into_bytes(), "{change:?}");
    }
}

proptest! {
    #![proptest_config(Config { cases: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_record_with_any_headers_has_one_outcome(
        headers in vec(header(), 0..9),
        value in prop_oneof![vec(any::<u8>(), 0..60), odd_json().prop_map(String::into_bytes)],
        key in proptest::option::of(vec(any::<u8>(), 0..20)),
    ) {
        let lines: Vec<u8> = headers.iter().flat_map(|(name, value)| match value {
            Some(value) => [name.as_bytes(), b": ", value, b"\n"].concat(),
            None => [name.as_bytes(), b"\n"].concat(),
        }).collect();
        target("envelope")(&[&lines, &b"\n"[..], &value].concat());
        let headers: Vec<contract::Header<'_>> =
            headers.iter().map(|(name, value)| (Cow::Borrowed(&**name), value.as_deref().map(Cow::Borrowed))).collect();
        let record = Record { key: key.as_deref(), headers: &headers, value: Some(&value) };
        let reached = target("batch")(batch_of(Topic::EventCreated, [record]).as_bytes());
        prop_assert!(reached > Reached::Unread, "a record makes no batch unreadable");
    }

    #[test]
    fn any_bytes_and_any_json_are_read_or_refused(
        bytes in vec(any::<u8>(), 0..200),
        json in vec(odd_json(), 1..4),
    ) {
        let json = format!(r#"{{"records":{{"t-0":[{}]}}}}"#, json.join(","));
        for (name, target) in TARGETS.into_iter().filter(|(name, _)| *name != "canvas-text") {
            prop_assert!(target(&bytes) < Reached::Accepted, "{name} accepts random bytes");
            if name != "logo" {
                target(json.as_bytes());
            }
        }
    }
}

/// Text that has broken layouts elsewhere.
fn hostile_text() -> impl Strategy<Value = String> {
    let marks = select(vec![
        '\u{301}', '\u{316}', '\u{20dd}', '\u{94d}', '\u{64b}', '\u{e31}', '\u{f71}', '\u{1ab0}',
        '\u{fe20}',
    ])
    .prop_flat_map(|mark| {
        (1_usize..300).prop_map(move |count| format!("a{}", mark.to_string().repeat(count)))
    });
    let turns = vec(
        select(
            "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c} aאع1"
                .chars()
                .collect::<Vec<_>>(),
        ),
        1..200,
    );
    let joined = vec(
        select(
            "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{fe0e}\u{fe0f}\u{20e3}👩👨👧🏽🇮🇳🏴\u{e0067}\u{e007f}❤1"
                .chars()
                .collect::<Vec<_>>(),
        ),
        1..200,
    );
    let unset = vec(
        prop_oneof![
            0x780_u32..0x7b2,
            0xf00_u32..0xfda,
            0x1800_u32..0x18ab,
            0xa000_u32..0xa4c7,
            0xe000_u32..0xf8ff,
            0x13000_u32..0x13430,
            0xf0000_u32..0xf0100,
            0x2fff0_u32..0x30010,
            0xfdd0_u32..0xfdf0,
            0x1_0ffff_u32..0x11_0000,
        ]
        .prop_filter_map("not a character", char::from_u32),
        1..200,
    );
    let huge = select(vec!['W', 'ﷺ', '音', 'क', '\u{1f469}', ' ', '…'])
        .prop_map(|c| c.to_string().repeat(100_000 / c.len_utf8()));
    prop_oneof![
        2 => marks,
        2 => turns.prop_map(String::from_iter),
        2 => joined.prop_map(String::from_iter),
        2 => unset.prop_map(String::from_iter),
        1 => huge,
        1 => vec(any::<char>(), 1..200).prop_map(String::from_iter),
    ]
}

#[test]
fn hostile_text_is_drawn_without_fault_in_time() {
    let tally = Tally::default();
    let values = (any::<[u8; 2]>(), vec(hostile_text(), 1..8));
    generate(64, &values, |(choice, lines)| {
        let begin = Instant::now();
        let input = [&choice[..], lines.join("\n").as_bytes()].concat();
        tally.note(target("canvas-text")(&input));
        assert!(begin.elapsed() < LONGEST, "{:?}", begin.elapsed());
    });
    tally.has(&[Reached::Accepted]);
}
