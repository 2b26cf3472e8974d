//! The places outside the Rust code that must name every topic and every kind of asset: the
//! template, the contract's pages and the README. A new one that a place lacks fails here, with the
//! place's name. (`shared/domain/tests/it/places.rs` does so for the providers.)

use std::{collections::BTreeMap, fs, path::PathBuf};

use contract::{AssetKind, Topic};

/// The line of the template that lets the operator function publish the event of a smoke check. It
/// is about one topic only.
const SMOKE: Topic = Topic::EventCreated;

fn read(path: &str) -> String {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The consumer's name in lower and in upper camel case: the template's names are the variants'.
fn camel_names(topic: Topic) -> (String, String) {
    let upper = format!("{topic:?}");
    let lower = upper[..1].to_ascii_lowercase() + &upper[1..];
    (lower, upper)
}

/// A line without the names of `topic` and its consumer; `None` if it does not name them.
fn without_names(line: &str, topic: Topic) -> Option<String> {
    let (lower, upper) = camel_names(topic);
    let consumer = topic.consumer().unwrap();
    let nameless = line
        .replace(topic.as_str(), "eventzr.<topic>.v1")
        .replace(consumer, "<consumer>")
        .replace(&lower, "<lower>")
        .replace(&upper, "<Upper>");
    let names_it = nameless != line;
    // A list's first item may stand behind two dashes, and its last one has no comma.
    let nameless = nameless.trim().trim_start_matches("- ");
    names_it.then(|| nameless.trim_end_matches(',').to_owned())
}

/// How often each line of `text` names `topic` or its consumer, without the names.
fn lines_about(text: &str, topic: Topic) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for line in text.lines() {
        // Prose may say different things of each.
        let is_prose = ["#", "description:", "summary:", "title:"]
            .iter()
            .any(|begin| line.trim_start().starts_with(begin));
        if let Some(line) = without_names(line, topic).filter(|_| !is_prose) {
            *lines.entry(line).or_default() += 1;
        }
    }
    lines
}

/// Fails if a line of the file `path` is there for one consumed topic and not for another.
fn every_line_is_there_for_every_topic(path: &str, text: &str) {
    let of_topics: BTreeMap<Topic, BTreeMap<String, usize>> = Topic::consumed()
        .map(|topic| (topic, lines_about(text, topic)))
        .collect();
    let mut expected: BTreeMap<&String, usize> = BTreeMap::new();
    for (line, count) in of_topics.values().flatten() {
        let most = expected.entry(line).or_default();
        *most = (*most).max(*count);
    }
    for (topic, lines) in &of_topics {
        let lacks: Vec<_> = expected
            .iter()
            .filter(|(line, count)| lines.get(**line).copied().unwrap_or(0) < **count)
            .collect();
        assert!(
            lacks.is_empty(),
            "{path} lacks for {topic} what it has for another topic; each line, and how often it is due: {lacks:#?}"
        );
    }
}

#[test]
fn the_template_has_the_same_lines_for_every_consumer() {
    let path = "infra/template.yaml";
    let mut template = read(path);
    let line = format!("- /{SMOKE}\n");
    let (before, after) = template
        .split_once("# For the event of a smoke check.")
        .expect("the operator function may publish the event of a smoke check");
    template = before.to_owned() + &after.replacen(&line, "", 1);
    every_line_is_there_for_every_topic(path, &template);
}

#[test]
fn the_templates_consumers_are_identical_up_to_their_names() {
    let template = read("infra/template.yaml");
    let consumer = |topic: Topic| -> Vec<String> {
        let (_, upper) = camel_names(topic);
        let begin = format!("\n  {upper}Function:\n");
        let (_, function) = template
            .split_once(&begin)
            .unwrap_or_else(|| panic!("infra/template.yaml lacks {upper}Function for {topic}"));
        let function = function.split("\n\n").next().unwrap();
        function
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .map(|line| without_names(line, topic).unwrap_or_else(|| line.trim().to_owned()))
            .collect()
    };
    let first = consumer(Topic::EventCreated);
    assert!(first.len() > 30, "{first:#?}");
    for topic in Topic::consumed() {
        assert_eq!(consumer(topic), first, "the function of {topic} differs");
    }
}

#[test]
fn asyncapi_describes_every_topic_and_reads_those_consumed_alike() {
    let path = "events/asyncapi.yaml";
    let asyncapi = read(path);
    for topic in Topic::ALL {
        let channel = format!("    address: {topic}\n");
        assert!(asyncapi.contains(&channel), "{path} has no channel {topic}");
    }
    every_line_is_there_for_every_topic(path, &asyncapi);
}

#[test]
fn every_topic_is_in_the_pages_that_list_topics() {
    for topic in Topic::ALL {
        let place = "events/README.md";
        assert!(
            read(place).contains(&format!("]({topic})")),
            "{place} links no {topic}"
        );
    }
    for topic in Topic::consumed() {
        let consumer = topic.consumer().unwrap();
        for (place, name) in [
            ("README.md", topic.as_str().to_owned()),
            ("README.md", format!("▶ {consumer}")),
            ("events/lambda/README.md", format!("`{consumer}.json`")),
            (
                "Cargo.toml",
                format!("[profile.release.package.{consumer}]"),
            ),
        ] {
            assert!(read(place).contains(&name), "{place} lacks {name}");
        }
        let batch = read(&format!("events/lambda/{consumer}.json"));
        assert!(batch.contains(topic.as_str()), "{consumer}.json: {batch}");
    }
}

#[test]
fn every_kind_of_asset_is_in_the_pages_that_list_kinds() {
    let events = read("events/README.md");
    for topic in Topic::consumed() {
        let row = events
            .lines()
            .find(|line| line.starts_with(&format!("| [`{topic}`]")))
            .unwrap_or_else(|| panic!("events/README.md has no row for {topic}"));
        for kind in AssetKind::made_for(topic) {
            let name = match kind.size() {
                Some((width, height)) => format!("`{}` {width}×{height}", kind.as_str()),
                None => format!("`{}`", kind.as_str()),
            };
            assert!(
                row.contains(&name),
                "events/README.md lacks {name} for {topic}: {row}"
            );
        }
    }
    let media = read("docs/media.md");
    for kind in AssetKind::ALL {
        assert!(
            Topic::consumed().any(|topic| AssetKind::made_for(topic).contains(&kind)),
            "no topic asks for {kind:?}"
        );
        let name = format!("`{}`", kind.as_str());
        assert!(media.contains(&name), "docs/media.md lacks {name}");
    }
}
