//! JSON text → the data of a topic, or the input of a voice training.

use std::{borrow::Cow, sync::LazyLock};

use contract::{DataError, Envelope, Topic, VoiceTraining};
use domain::Description;
use jsonschema::Validator;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{Reached, sentence, tenant::is_nobody_elses};

/// Parses the data of a created event. Data that parses is the same after it is written and parsed
/// again, and is within the contract's limits. An error is one sentence.
pub fn event_created(input: &[u8]) -> Reached {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        compiled(include_str!(
            "../../events/eventzr.event.created.v1/schema.json"
        ))
    });
    data(input, Topic::EventCreated, &SCHEMA, event_created::describe)
}

/// As [`event_created`], for a published event.
pub fn event_published(input: &[u8]) -> Reached {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        compiled(include_str!(
            "../../events/eventzr.event.published.v1/schema.json"
        ))
    });
    data(
        input,
        Topic::EventPublished,
        &SCHEMA,
        event_published::describe,
    )
}

/// As [`event_created`], for published content.
pub fn cms_published(input: &[u8]) -> Reached {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        compiled(include_str!(
            "../../events/eventzr.cms.published.v1/schema.json"
        ))
    });
    data(input, Topic::CmsPublished, &SCHEMA, cms_published::describe)
}

/// As [`event_created`], for a launched campaign.
pub fn campaign_launched(input: &[u8]) -> Reached {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        compiled(include_str!(
            "../../events/eventzr.campaign.launched.v1/schema.json"
        ))
    });
    data(
        input,
        Topic::CampaignLaunched,
        &SCHEMA,
        campaign_launched::describe,
    )
}

/// As [`event_created`], for the input of a voice training.
pub fn voice_training(input: &[u8]) -> Reached {
    static SCHEMA: LazyLock<Validator> =
        LazyLock::new(|| compiled(include_str!("../../events/voice-training/schema.json")));
    let Ok(text) = std::str::from_utf8(input) else {
        return Reached::Unread;
    };
    let Some((training, written)) = read_twice(text, VoiceTraining::parse) else {
        return Reached::Refused;
    };
    assert!(training.samples.len() <= contract::MOST_SAMPLES);
    valid(&SCHEMA, &written);
    Reached::Accepted
}

fn data<D: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(
    input: &[u8],
    topic: Topic,
    schema: &Validator,
    describe: impl Fn(D) -> Description,
) -> Reached {
    let Ok(text) = std::str::from_utf8(input) else {
        return Reached::Unread;
    };
    let Some((read, written)) = read_twice(text, |text| of_envelope(text).data::<D>()) else {
        return Reached::Refused;
    };
    let description = describe(read);
    is_nobody_elses(topic, text, &description.tenant);
    // An asset that is not made for the topic is refused later, when the event is planned.
    let made = contract::AssetKind::made_for(topic);
    if description.assets.iter().all(|asset| made.contains(asset)) {
        valid(schema, &written);
    }
    // The store keeps the configuration as JSON, and reads it again.
    let configuration =
        serde_json::to_string(&description.configuration).expect("it is strings and numbers");
    assert_eq!(
        serde_json::from_str::<contract::Configuration>(&configuration).ok(),
        Some(description.configuration)
    );
    let translations = serde_json::to_string(&description.translations).expect("it is strings");
    assert_eq!(
        serde_json::from_str(&translations).ok(),
        Some(description.translations)
    );
    Reached::Accepted
}

/// Parses `text`, writes it and parses it again, and checks that both are the same. `None` if it is
/// refused.
fn read_twice<D: Serialize + PartialEq + std::fmt::Debug>(
    text: &str,
    read: impl Fn(&str) -> Result<D, DataError>,
) -> Option<(D, Value)> {
    let once = match read(text) {
        Ok(once) => once,
        Err(error) => {
            sentence::check(&error.to_string());
            return None;
        }
    };
    let written =
        serde_json::to_string(&once).expect("data is strings and numbers under string keys");
    match read(&written) {
        Ok(again) => assert_eq!(again, once, "written as {written}"),
        Err(error) => panic!("{error}: written as {written}"),
    }
    Some((once, serde_json::from_str(&written).expect("it is JSON")))
}

fn of_envelope(data: &str) -> Envelope<'_> {
    Envelope {
        id: Cow::Borrowed("1"),
        source: Cow::Borrowed("/fuzz"),
        event_type: Cow::Borrowed("any"),
        subject: None,
        time: None,
        trace: None,
        data: Cow::Borrowed(data),
    }
}

fn compiled(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema is a JSON Schema")
}

fn valid(schema: &Validator, value: &Value) {
    let faults: Vec<String> = schema
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}\n{value:#}");
}
