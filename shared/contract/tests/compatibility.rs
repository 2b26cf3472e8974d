//! Each schema change must stay compatible with the last release. `events/released` has the schemas
//! of the last release; a release copies the new ones there.
//!
//! Consumed topics must accept everything that they accepted before, because their producers do not
//! deploy with the studio. Produced topics must keep what they promised to their consumers.
//! Consumers were warned to expect new fields, and new values where a schema says `x-may-grow`.
//!
//! A produced schema may be opened, and not closed again. Opened means that `additionalProperties:
//! false` goes, and that a set which was announced to grow is no longer an `enum`: it is any string,
//! with the values of today as its `examples` and `x-may-grow` as its `$comment`. Its consumers were
//! told to expect both, and what is published stays the same. A set that was not announced to grow
//! stays an `enum`.
//!
//! A pattern is compared by what it means: `\u00a0`, `\xa0` and the character itself are one.

use std::{collections::BTreeSet, fs, path::PathBuf};

use contract::Topic;
use serde_json::{Map, Value, json};

/// The studio's role for a topic.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Consumed,
    Produced,
}

/// A schema node; its references are resolved within its own document.
#[derive(Clone, Copy)]
struct Node<'a> {
    root: &'a Value,
    value: &'a Value,
}

impl<'a> Node<'a> {
    fn root(root: &'a Value) -> Self {
        Self { root, value: root }
    }

    fn at(self, value: &'a Value) -> Self {
        Self { value, ..self }.resolved()
    }

    fn resolved(self) -> Self {
        match self.value["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix('#'))
        {
            Some(pointer) => Self {
                value: self.root.pointer(pointer).unwrap(),
                ..self
            }
            .resolved(),
            None => self,
        }
    }

    fn properties(self) -> Vec<(&'a str, Self)> {
        let properties = self.value["properties"]
            .as_object()
            .into_iter()
            .flat_map(Map::iter);
        properties
            .map(|(name, value)| (name.as_str(), self.at(value)))
            .collect()
    }

    fn strings(self, keyword: &str) -> BTreeSet<String> {
        self.value[keyword]
            .as_array()
            .into_iter()
            .flatten()
            .map(|value| value.as_str().unwrap_or_default().to_owned())
            .collect()
    }
}

/// A pattern in which what is not a printable ASCII character stands for itself.
fn spelled(pattern: &Value) -> Value {
    let Some(pattern) = pattern.as_str() else {
        return pattern.clone();
    };
    let mut parts = pattern.split('\\');
    let mut spelled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = match part.chars().next() {
            Some('x') => 2,
            Some('u') => 4,
            _ => 0,
        };
        let character = part
            .get(1..=digits)
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32)
            .filter(|character| !character.is_ascii_graphic());
        if let Some(character) = character {
            spelled.push(character);
            spelled += &part[1 + digits..];
        } else {
            spelled.push('\\');
            spelled += part;
        }
    }
    json!(spelled)
}

/// Whether a node's values were announced to grow: `examples` has those of today if it is no `enum`.
fn may_grow(node: Node<'_>) -> bool {
    node.value["x-may-grow"] == true || node.value["$comment"] == "x-may-grow"
}

/// The incompatible changes from `old` to `new`: a path and a rule for each.
fn breaks(side: Side, old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(side, "data", Node::root(old), Node::root(new), &mut found);
    found
}

fn compare(side: Side, path: &str, old: Node<'_>, new: Node<'_>, found: &mut Vec<String>) {
    let mut say = |rule: String| found.push(format!("{path}: {rule}"));
    for keyword in ["type", "const", "pattern", "format"] {
        let (before, after) = (&old.value[keyword], &new.value[keyword]);
        if spelled(before) == spelled(after) {
            continue;
        }
        let narrows = before.is_null() && !after.is_null();
        let widens = !before.is_null() && after.is_null();
        let breaks = match side {
            Side::Consumed => !widens,
            Side::Produced => !narrows,
        };
        if breaks {
            say(format!("`{keyword}` was {before} and is {after}"));
        }
    }
    // A larger maximum or a smaller minimum widens the schema; an absent limit is infinite.
    for (keyword, upper) in [
        ("maxLength", true),
        ("maximum", true),
        ("maxItems", true),
        ("minLength", false),
        ("minimum", false),
        ("minItems", false),
    ] {
        let limit = |node: Node<'_>| {
            let none = if upper {
                f64::INFINITY
            } else {
                f64::NEG_INFINITY
            };
            node.value[keyword].as_f64().unwrap_or(none)
        };
        let (before, after) = (limit(old), limit(new));
        let widens = if upper {
            after > before
        } else {
            after < before
        };
        if before != after && widens == (side == Side::Produced) {
            say(format!(
                "`{keyword}` was {} and is {}",
                old.value[keyword], new.value[keyword]
            ));
        }
    }
    let (before, after) = (old.strings("enum"), new.strings("enum"));
    if side == Side::Consumed && !after.is_empty() {
        let lost: Vec<&String> = before.difference(&after).collect();
        if before.is_empty() || !lost.is_empty() {
            say(format!("takes no longer {lost:?}"));
        }
    }
    if side == Side::Produced && !before.is_empty() && !may_grow(old) {
        let gained: Vec<&String> = after.difference(&before).collect();
        if after.is_empty() {
            say("may now be anything, and `x-may-grow` did not announce it".to_owned());
        } else if !gained.is_empty() {
            say(format!(
                "may now be {gained:?}, and `x-may-grow` did not announce it"
            ));
        }
    }
    let (required_before, required_after) = (old.strings("required"), new.strings("required"));
    match side {
        Side::Consumed => {
            for name in required_after.difference(&required_before) {
                found.push(format!("{path}.{name}: is required, and was not"));
            }
            if old.value["additionalProperties"] != false
                && new.value["additionalProperties"] == false
            {
                found.push(format!("{path}: takes no unknown fields any more"));
            }
        }
        Side::Produced => {
            if before.is_empty() && may_grow(old) && (!after.is_empty() || !may_grow(new)) {
                found.push(format!("{path}: was an open set, and is none any more"));
            }
            if old.value["additionalProperties"] != false
                && new.value["additionalProperties"] == false
            {
                found.push(format!("{path}: was open to new fields, and is closed"));
            }
            for name in required_before.difference(&required_after) {
                found.push(format!(
                    "{path}.{name}: was always there, and need not be any more"
                ));
            }
        }
    }
    let properties = new.properties();
    for (name, before) in old.properties() {
        match properties.iter().find(|(other, _)| *other == name) {
            Some((_, after)) => compare(side, &format!("{path}.{name}"), before, *after, found),
            None => found.push(format!("{path}.{name}: is gone")),
        }
    }
    if old.value["items"].is_object() {
        compare(
            side,
            &format!("{path}[]"),
            old.at(&old.value["items"]),
            new.at(&new.value["items"]),
            found,
        );
    }
}

fn read(path: &str) -> Value {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events")).join(path);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn no_schema_breaks_what_the_last_release_promised() {
    for topic in Topic::ALL {
        let side = if topic.is_consumed() {
            Side::Consumed
        } else {
            Side::Produced
        };
        let found = breaks(
            side,
            &read(&format!("released/{topic}.json")),
            &read(&format!("{topic}/schema.json")),
        );
        assert!(found.is_empty(), "{topic}:\n{}", found.join("\n"));
    }
}

/// A small schema, changed by a JSON merge patch.
fn changed(patch: &Value) -> (Value, Value) {
    fn merge(into: &mut Value, patch: &Value) {
        match patch {
            Value::Object(patch) => {
                for (name, value) in patch {
                    if value.is_null() {
                        into.as_object_mut().unwrap().remove(name);
                    } else if value.is_object() && into[name].is_object() {
                        merge(&mut into[name], value);
                    } else {
                        into[name] = value.clone();
                    }
                }
            }
            _ => *into = patch.clone(),
        }
    }
    let old = json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": { "$ref": "#/$defs/id" },
            "title": { "type": "string", "maxLength": 300, "minLength": 1 },
            "kind": { "type": "string", "enum": ["a", "b"] },
            "class": { "type": "string", "enum": ["x"], "x-may-grow": true },
            "open": { "type": "string", "examples": ["x"], "$comment": "x-may-grow" },
            "shut": { "type": "object", "additionalProperties": false },
            "line": { "type": "string", "pattern": "^[^\\u0000-\\u001f\\u00a0]\\.$" },
            "list": { "type": "array", "items": { "type": "object", "properties": { "n": { "type": "integer" } } } },
        },
        "$defs": { "id": { "type": "string", "pattern": "^[a-z]+$" } },
    });
    let mut new = old.clone();
    merge(&mut new, patch);
    (old, new)
}

#[test]
fn each_breaking_change_is_reported_with_its_path_and_rule() {
    let consumed = |message| (Some(message), None);
    let produced = |message| (None, Some(message));
    let both = |message| (Some(message), Some(message));
    for (patch, (to_producers, to_consumers)) in [
        (json!({}), (None, None)),
        (
            json!({ "properties": { "new": { "type": "string" } } }),
            (None, None),
        ),
        (
            json!({ "description": "another", "properties": { "title": { "examples": ["x"] } } }),
            (None, None),
        ),
        (
            json!({ "properties": { "title": null } }),
            both("data.title: is gone"),
        ),
        (
            json!({ "required": ["id", "title"] }),
            consumed("data.title: is required, and was not"),
        ),
        (
            json!({ "required": [] }),
            produced("data.id: was always there, and need not be any more"),
        ),
        (
            json!({ "additionalProperties": false }),
            (
                Some("data: takes no unknown fields any more"),
                Some("data: was open to new fields, and is closed"),
            ),
        ),
        (
            json!({ "properties": { "shut": { "additionalProperties": null } } }),
            (None, None),
        ),
        (
            json!({ "properties": { "open": { "examples": ["x", "y"] } } }),
            (None, None),
        ),
        (
            json!({ "properties": { "open": { "examples": null, "$comment": null } } }),
            produced("data.open: was an open set, and is none any more"),
        ),
        (
            json!({ "properties": { "line": { "pattern": "^[^\\x00-\\x1f\u{a0}]\\.$" } } }),
            (None, None),
        ),
        (
            json!({ "properties": { "line": { "pattern": "^[^\\x00-\\x1f]\\.$" } } }),
            both(
                "data.line: `pattern` was \"^[^\\\\u0000-\\\\u001f\\\\u00a0]\\\\.$\" and is \"^[^\\\\x00-\\\\x1f]\\\\.$\"",
            ),
        ),
        (
            json!({ "properties": { "title": { "type": "integer" } } }),
            both("data.title: `type` was \"string\" and is \"integer\""),
        ),
        (
            json!({ "properties": { "title": { "maxLength": 200 } } }),
            consumed("data.title: `maxLength` was 300 and is 200"),
        ),
        (
            json!({ "properties": { "title": { "maxLength": 400 } } }),
            produced("data.title: `maxLength` was 300 and is 400"),
        ),
        (
            json!({ "properties": { "title": { "minLength": 2 } } }),
            consumed("data.title: `minLength` was 1 and is 2"),
        ),
        (
            json!({ "properties": { "title": { "minLength": null } } }),
            produced("data.title: `minLength` was 1 and is null"),
        ),
        (
            json!({ "properties": { "title": { "pattern": "^x" } } }),
            consumed("data.title: `pattern` was null and is \"^x\""),
        ),
        (
            json!({ "$defs": { "id": { "pattern": null } } }),
            produced("data.id: `pattern` was \"^[a-z]+$\" and is null"),
        ),
        (
            json!({ "$defs": { "id": { "pattern": "^[a-c]+$" } } }),
            both("data.id: `pattern` was \"^[a-z]+$\" and is \"^[a-c]+$\""),
        ),
        (
            json!({ "properties": { "kind": { "enum": ["a"] } } }),
            consumed("data.kind: takes no longer [\"b\"]"),
        ),
        (
            json!({ "properties": { "kind": { "enum": ["a", "b", "c"] } } }),
            produced("data.kind: may now be [\"c\"], and `x-may-grow` did not announce it"),
        ),
        (
            json!({ "properties": { "class": { "enum": ["x", "y"] } } }),
            (None, None),
        ),
        (
            json!({ "properties": { "class": { "enum": null, "x-may-grow": null, "examples": ["x"], "$comment": "x-may-grow" } } }),
            (None, None),
        ),
        (
            json!({ "properties": { "kind": { "enum": null, "examples": ["a", "b"], "$comment": "x-may-grow" } } }),
            produced("data.kind: may now be anything, and `x-may-grow` did not announce it"),
        ),
        (
            json!({ "properties": { "list": { "items": { "properties": { "n": { "type": "number" } } } } } }),
            both("data.list[].n: `type` was \"integer\" and is \"number\""),
        ),
    ] {
        let (old, new) = changed(&patch);
        for (side, expected) in [
            (Side::Consumed, to_producers),
            (Side::Produced, to_consumers),
        ] {
            let found = breaks(side, &old, &new);
            assert_eq!(
                found,
                expected.map(str::to_owned).into_iter().collect::<Vec<_>>(),
                "{patch}"
            );
        }
    }
}
