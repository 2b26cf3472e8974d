use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

#[test]
fn missing_settings_have_their_defaults() {
    assert_eq!(Settings::parse("").unwrap(), Settings::default());
    let settings =
        Settings::parse(r#"{"runway":{"seconds":8,"baseUrl":"https://runway.example/v1/"}}"#)
            .unwrap();
    assert_eq!(
        (settings.runway.seconds, settings.runway.base_url.as_str()),
        (8, "https://runway.example/v1")
    );
    assert_eq!(settings.openai, OpenAiSettings::default());
}

#[test]
fn an_invalid_setting_is_refused_by_name() {
    for (json, part) in [
        ("{", "EOF"),
        (r#"{"opnai":{}}"#, "unknown field `opnai`"),
        (r#"{"openai":{"key":"sk-1"}}"#, "unknown field `key`"),
        (r#"{"openai":{"quality":"best"}}"#, "unknown variant `best`"),
        (
            r#"{"openai":{"baseUrl":"http://openai.example"}}"#,
            "openai.baseUrl is `http://openai.example`; it must be an https:// address",
        ),
        (
            r#"{"runway":{"seconds":11}}"#,
            "runway.seconds is `11`; it must be 2 to 10",
        ),
        (
            r#"{"runway":{"outputHosts":["https://runway.example"]}}"#,
            "runway.outputHosts is `https://runway.example`; it must be one or more names of hosts",
        ),
        (
            r#"{"elevenlabs":{"speakers":{"en":{"voice":"../user"}}}}"#,
            "elevenlabs.speakers.en.voice is `../user`",
        ),
        (
            r#"{"elevenlabs":{"voice":"abc"}}"#,
            "unknown field `voice`, expected one of `baseUrl`, `spot`, `model`, `speakers`",
        ),
        (
            r#"{"elevenlabs":{"speakers":{"english":{"voice":"abc"}}}}"#,
            "`english` is not a language tag, such as en or hi-IN",
        ),
        (
            r#"{"elevenlabs":{"spot":"opera"}}"#,
            "unknown variant `opera`",
        ),
        (
            r#"{"elevenlabs":{"seconds":31}}"#,
            "elevenlabs.seconds is `31`; it must be 3 to 30",
        ),
        (
            r#"{"elevenlabs":{"voices":{"sampleMegabytes":0}}}"#,
            "elevenlabs.voices.sampleMegabytes is `0`",
        ),
        (
            r#"{"polly":{"inFlight":{"all":0,"perTenant":1}}}"#,
            "polly.inFlight is `0 and 1`",
        ),
        (
            r#"{"runway":{"model":"kling3.0_pro"}}"#,
            "runway.model is `kling3.0_pro`; it must be a model that makes 1280:720",
        ),
        (
            r#"{"runway":{"model":"veo3.1"}}"#,
            "runway.seconds is `5`; it must be 4, 6 or 8 with this model",
        ),
        (
            r#"{"runway":{"model":"kling2.5","seconds":6}}"#,
            "runway.seconds is `6`; it must be 5 or 10 with this model",
        ),
        (
            r#"{"openai":{"model":"gpt-image-1-mini"}}"#,
            "openai.model is `gpt-image-1-mini`; it must be a model that makes pictures of any size",
        ),
        (
            r#"{"polly":{"speakers":{"en-IN":{"voice":"Kajal","engine":"neuronal"}}}}"#,
            "polly.speakers.en-IN.engine is `neuronal`; it must be standard, neural, long-form or generative",
        ),
        (
            r#"{"polly":{"speakers":{"hi-IN":{"voice":"Kajol"}}}}"#,
            "polly.speakers.hi-IN.voice is `Kajol`; it must be a voice of Polly's",
        ),
        (
            r#"{"polly":{"speakers":{"hi-IN":{"voice":"vc-9a8fa85dd3"}}}}"#,
            "polly.speakers.hi-IN.engine is `neural`; it must be generative with a voice",
        ),
        (
            r#"{"polly":{"speakers":{"hi":{"voice":"Kajal"}}}}"#,
            "polly.speakers.hi is `hi`; it must be one of Polly's language codes",
        ),
    ] {
        let error = Settings::parse(json).unwrap_err();
        let text = match &error {
            SettingsError::Form(source) => source.to_string(),
            other => other.to_string(),
        };
        assert!(text.contains(part), "{json}: {text}");
    }
}

#[test]
fn a_retired_model_is_replaced() {
    let settings = Settings::parse(r#"{"openai":{"model":"dall-e-3"}}"#).unwrap();
    assert_eq!(settings.openai.model, "gpt-image-2");
}

#[test]
fn a_model_that_does_what_is_asked_is_taken() {
    for json in [
        r#"{"runway":{"model":"veo3.1","seconds":8}}"#,
        r#"{"runway":{"model":"gen5"}}"#,
        r#"{"openai":{"model":"gpt-image-2-2026-04-21"}}"#,
        r#"{"polly":{"speakers":{"en-IN":{"engine":"generative","voice":"vc-0123456789"}}}}"#,
        r#"{"polly":{"speakers":{"ar":{"voice":"Zeina","engine":"standard","language":"arb"}}}}"#,
    ] {
        assert!(Settings::parse(json).is_ok(), "{json}");
    }
}

#[test]
fn elevenlabs_does_not_speak_without_a_voice_of_its_accounts() {
    let audio = |audio| ProviderRouting::parse("", "", audio).unwrap();
    let checked = |settings: &str, audio: &ProviderRouting| {
        let settings = Settings::parse(settings).unwrap();
        settings
            .check_routing(audio)
            .map_err(|error| error.to_string())
    };
    let refused = checked("{}", &audio("polly,elevenlabs")).unwrap_err();
    assert!(
        refused.contains("elevenlabs.speakers is `{}`; it must be a voice for each language"),
        "{refused}"
    );
    for (settings, providers) in [
        ("{}", "polly"),
        (r#"{"elevenlabs":{"spot":"music"}}"#, "elevenlabs"),
        (
            r#"{"elevenlabs":{"speakers":{"hi":{"voice":"a1"}}}}"#,
            "elevenlabs",
        ),
    ] {
        assert_eq!(checked(settings, &audio(providers)), Ok(()), "{settings}");
    }
}

/// The schema of the settings, which holds each default.
fn schema() -> Value {
    serde_json::from_str(include_str!("../../../../infra/providers.schema.json")).unwrap()
}

#[test]
fn the_schema_has_the_settings_of_every_vendor() {
    let schema = schema();
    let described: BTreeSet<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let vendors = ProviderId::ALL
        .into_iter()
        .filter(|provider| provider.is_paid());
    assert_eq!(described, vendors.map(ProviderId::as_str).collect());
}

fn defaults_of(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().unwrap();
    let default = |property: &Value| match property.get("default") {
        Some(default) => default.clone(),
        None => defaults_of(property),
    };
    Value::Object(
        properties
            .iter()
            .map(|(name, property)| (name.clone(), default(property)))
            .collect(),
    )
}

#[test]
fn the_schemas_defaults_are_the_codes() {
    let defaults = defaults_of(&schema());
    assert!(jsonschema::is_valid(&schema(), &defaults));
    assert_eq!(
        Settings::parse(&defaults.to_string()).unwrap(),
        Settings::default()
    );
}

#[test]
fn the_schema_refuses_what_the_code_refuses() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for wrong in [
        r#"{"opnai":{}}"#,
        r#"{"openai":{"key":"sk-1"}}"#,
        r#"{"openai":{"quality":"best"}}"#,
        r#"{"openai":{"baseUrl":"http://openai.example"}}"#,
        r#"{"runway":{"seconds":11}}"#,
        r#"{"runway":{"outputHosts":[]}}"#,
        r#"{"runway":{"outputHosts":["https://runway.example"]}}"#,
        r#"{"elevenlabs":{"speakers":{"en":{"voice":"../user"}}}}"#,
        r#"{"elevenlabs":{"speakers":{"english":{"voice":"abc"}}}}"#,
        r#"{"elevenlabs":{"speakers":{"en":{}}}}"#,
        r#"{"polly":{"speakers":{"en-IN":{"voice":"Kajal","engine":"neuronal"}}}}"#,
        r#"{"elevenlabs":{"spot":"opera"}}"#,
        r#"{"elevenlabs":{"seconds":31}}"#,
        r#"{"elevenlabs":{"voices":{"sampleMegabytes":0}}}"#,
        r#"{"elevenlabs":{"voices":{"instantSeconds":3601}}}"#,
        r#"{"elevenlabs":{"voices":{"key":"sk-1"}}}"#,
        r#"{"polly":{"inFlight":{"all":0,"perTenant":1}}}"#,
    ] {
        assert!(Settings::parse(wrong).is_err(), "{wrong}");
        assert!(
            !schema.is_valid(&serde_json::from_str(wrong).unwrap()),
            "{wrong}"
        );
    }
}
