//! The schemas, the examples and the Rust types agree: on each example, on what the types produce,
//! and on what both refuse.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use contract::{
    Adjusted, AssetKind, Brand, CampaignLaunched, Channel, CloningMethod, CloudEvent, CmsPublished,
    Color, Configuration, ContentTranslation, Entity, EntityKind, Envelope, EventCreated,
    EventPublished, FailureClass, HIGHEST_VERSION, Identifier, Locale, MediaType, Moment,
    RenderJobCompleted, RenderJobCreated, RenderJobFailed, S3Object, Shows, Template,
    TemplateAsset, Text, Time, TimeZoneName, Topic, Trigger, Typeface, Undrawn, Venue,
    VoiceModelCreated, VoiceModelId, VoiceModelReady, VoiceTraining,
};
use jsonschema::Validator;
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The schemas promise numbers that every language reads exactly: at most this. Milliseconds,
/// credits and revisions do not come near it.
const EXACT: u64 = (1 << 53) - 1;

/// Our limit for the size of a record, far below any broker's limit.
const LARGEST_EVENT: usize = 64 * 1024;

fn read(path: &str) -> Value {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events")).join(path);
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn compiled(schema: &Value) -> Validator {
    assert!(jsonschema::meta::is_valid(schema), "not a JSON Schema");
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// What is published for consumers lets new fields pass, and new values of an open set. This form
/// of it lets neither pass: a field or a value that a type writes must be in the schema.
fn closed(schema: &Value) -> Value {
    let mut closed = schema.clone();
    match &mut closed {
        Value::Object(keywords) => {
            for keyword in keywords.values_mut() {
                *keyword = self::closed(keyword);
            }
            if keywords.get("$comment") == Some(&json!("x-may-grow")) {
                keywords.insert("enum".to_owned(), keywords["examples"].clone());
            }
            // `data` of the envelope has no properties: it has a schema of its own.
            if keywords.get("type") == Some(&json!("object")) && keywords.contains_key("properties")
            {
                keywords.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = self::closed(item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    closed
}

/// The schemas that a topic's data is held to here: of what is produced, the closed form.
static SCHEMAS: LazyLock<BTreeMap<Topic, Validator>> = LazyLock::new(|| {
    Topic::ALL
        .into_iter()
        .map(|topic| {
            let published = read(&format!("{topic}/schema.json"));
            let held_to = if topic.is_consumed() {
                published
            } else {
                closed(&published)
            };
            (topic, compiled(&held_to))
        })
        .collect()
});
static ENVELOPE: LazyLock<Validator> =
    LazyLock::new(|| compiled(&closed(&read("cloudevent.schema.json"))));

/// The errors that `validator` finds in `value`.
fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Asserts that `data`, as JSON, is valid for `topic`'s schema.
fn conforms<D: Serialize>(topic: Topic, data: &D) {
    let value = serde_json::to_value(data).unwrap();
    let faults = faults(&SCHEMAS[&topic], &value);
    assert!(faults.is_empty(), "{topic}: {faults:#?}\n{value:#}");
}

/// Parses the data of a topic's example into its type, and serializes it again.
fn through_its_type(topic: Topic, example: &str) -> Value {
    fn inbound<D: DeserializeOwned + Serialize>(example: &str) -> Value {
        let envelope = Envelope::decode(&[], Some(example.as_bytes())).unwrap();
        serde_json::to_value(envelope.data::<D>().unwrap()).unwrap()
    }
    fn outbound<D: DeserializeOwned + Serialize>(example: &str) -> Value {
        let event: CloudEvent<D> = serde_json::from_str(example).unwrap();
        serde_json::to_value(event).unwrap()["data"].take()
    }
    match topic {
        Topic::EventCreated => inbound::<EventCreated>(example),
        Topic::EventPublished => inbound::<EventPublished>(example),
        Topic::CmsPublished => inbound::<CmsPublished>(example),
        Topic::CampaignLaunched => inbound::<CampaignLaunched>(example),
        Topic::RenderJobCreated => outbound::<RenderJobCreated>(example),
        Topic::RenderJobCompleted => outbound::<RenderJobCompleted>(example),
        Topic::RenderJobFailed => outbound::<RenderJobFailed>(example),
        Topic::TemplateCreated | Topic::TemplateUpdated => outbound::<Template>(example),
        Topic::VoiceModelCreated => outbound::<VoiceModelCreated>(example),
        Topic::VoiceModelReady => outbound::<VoiceModelReady>(example),
    }
}

#[test]
fn voice_training_schema_and_type_refuse_the_same_input() {
    let schema = compiled(&read("voice-training/schema.json"));
    let example = read("voice-training/example.json");
    assert_eq!(faults(&schema, &example), Vec::<String>::new());
    let mut least = example.clone();
    least.as_object_mut().unwrap().remove("method");
    least["consent"]
        .as_object_mut()
        .unwrap()
        .remove("statement");
    // `\S` does not match U+FEFF, but U+FEFF is not white space in Unicode.
    least["tenantId"] = json!("\u{feff}");
    least["name"] = json!("two\nlines");
    assert!(schema.is_valid(&least) && VoiceTraining::parse(&least.to_string()).is_ok());
    for (path, wrong) in [
        ("/tenantId", json!("")),
        ("/tenantId", json!("\u{85}")),
        ("/userId", json!(7)),
        ("/userId", json!("two\nlines")),
        ("/name", json!("   ")),
        ("/name", json!("a\u{7}b")),
        ("/locale", json!("english, please")),
        ("/method", json!("overnight")),
        ("/samples", json!([])),
        ("/samples/0", json!("https://example.com/asha.mp3")),
        ("/consent", json!({ "givenBy": "Asha Rao" })),
        ("/consent/givenAt", json!("yesterday")),
        ("/consent/record", json!("")),
    ] {
        let mut input = example.clone();
        *input.pointer_mut(path).unwrap() = wrong;
        assert!(
            !schema.is_valid(&input) && VoiceTraining::parse(&input.to_string()).is_err(),
            "{path}"
        );
    }
}

#[test]
fn every_example_conforms_to_its_schema_and_type() {
    let all = Topic::ALL.into_iter().map(|topic| (topic, "example.json"));
    let voice = (Topic::CampaignLaunched, "example-voice.json");
    for (topic, file) in all.chain([voice]) {
        let example = read(&format!("{topic}/{file}"));
        assert_eq!(example["type"], topic.as_str());
        assert_eq!(
            faults(&SCHEMAS[&topic], &example["data"]),
            Vec::<String>::new(),
            "{topic}"
        );
        if !topic.is_consumed() {
            assert_eq!(faults(&ENVELOPE, &example), Vec::<String>::new(), "{topic}");
        }
        assert_eq!(
            through_its_type(topic, &example.to_string()),
            example["data"],
            "{topic}"
        );
    }
}

/// `value` with a new field in each of its objects.
fn with_new_fields(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: serde_json::Map<_, _> = fields
                .iter()
                .map(|(name, value)| (name.clone(), with_new_fields(value)))
                .collect();
            fields.insert("ofNextYear".to_owned(), json!({ "a": [1] }));
            Value::Object(fields)
        }
        Value::Array(items) => items.iter().map(with_new_fields).collect(),
        other => other.clone(),
    }
}

#[test]
fn what_is_published_for_consumers_lets_new_fields_and_values_pass() {
    for topic in Topic::ALL.into_iter().filter(|topic| !topic.is_consumed()) {
        let published = read(&format!("{topic}/schema.json"));
        let event = with_new_fields(&read(&format!("{topic}/example.json")));
        let (envelope, data) = (compiled(&read("cloudevent.schema.json")), &event["data"]);
        assert_eq!(faults(&envelope, &event), Vec::<String>::new(), "{topic}");
        assert_eq!(
            faults(&compiled(&published), data),
            Vec::<String>::new(),
            "{topic}"
        );
        assert!(
            !ENVELOPE.is_valid(&event) && !SCHEMAS[&topic].is_valid(data),
            "the closed form of {topic} lets an unknown field pass"
        );
    }
    let topic = Topic::RenderJobFailed;
    let mut data = read(&format!("{topic}/example.json"))["data"].take();
    data["failure"] = json!("of-next-year");
    assert!(compiled(&read(&format!("{topic}/schema.json"))).is_valid(&data));
    assert!(
        !SCHEMAS[&topic].is_valid(&data),
        "the closed form lets an unknown value pass"
    );
}

#[test]
fn the_specs_example_satisfies_the_schema() {
    let data = json!({
        "tenantId": "tenant-uuid", "userId": "user-uuid", "jobId": "job-uuid", "type": "image", "provider": "dall-e-3",
        "outputUrl": "https://s3.amazonaws.com/eventzr-studio-assets-dev/...", "durationMs": 8500, "creditsUsed": 25,
    });
    assert_eq!(
        faults(&SCHEMAS[&Topic::RenderJobCompleted], &data),
        Vec::<String>::new()
    );
}

#[test]
fn each_topics_assets_are_those_of_its_schema() {
    for topic in Topic::consumed() {
        let schema = read(&format!("{topic}/schema.json"));
        let made: Vec<&str> = AssetKind::made_for(topic)
            .iter()
            .map(|kind| kind.as_str())
            .collect();
        assert_eq!(
            schema["properties"]["assets"]["items"]["enum"],
            json!(made),
            "{topic}"
        );
    }
}

/// The fields of a consumed topic that hold the entity's id and its title.
fn id_and_title(topic: Topic) -> (&'static str, &'static str) {
    match topic {
        Topic::EventCreated | Topic::EventPublished => ("eventId", "title"),
        Topic::CmsPublished => ("contentId", "title"),
        Topic::CampaignLaunched => ("campaignId", "headline"),
        Topic::RenderJobCreated
        | Topic::RenderJobCompleted
        | Topic::RenderJobFailed
        | Topic::TemplateCreated
        | Topic::TemplateUpdated
        | Topic::VoiceModelCreated
        | Topic::VoiceModelReady => unreachable!("{topic} is not consumed"),
    }
}

#[test]
fn schemas_and_types_refuse_the_same_data() {
    let refused = |topic: Topic, change: &dyn Fn(&mut Value)| {
        let mut event = read(&format!("{topic}/example.json"));
        change(&mut event["data"]);
        let by_schema = !SCHEMAS[&topic].is_valid(&event["data"]);
        let text = event.to_string();
        let envelope = Envelope::decode(&[], Some(text.as_bytes())).unwrap();
        let by_type = match topic {
            Topic::EventCreated => envelope.data::<EventCreated>().is_err(),
            Topic::EventPublished => envelope.data::<EventPublished>().is_err(),
            Topic::CmsPublished => envelope.data::<CmsPublished>().is_err(),
            Topic::CampaignLaunched => envelope.data::<CampaignLaunched>().is_err(),
            Topic::RenderJobCreated
            | Topic::RenderJobCompleted
            | Topic::RenderJobFailed
            | Topic::TemplateCreated
            | Topic::TemplateUpdated
            | Topic::VoiceModelCreated
            | Topic::VoiceModelReady => unreachable!("{topic} is not consumed"),
        };
        assert_eq!(
            by_schema, by_type,
            "{topic}: schema and type do not agree on {text}"
        );
        by_type
    };
    let set = |path: &'static str, value: Value| {
        move |data: &mut Value| {
            *data
                .pointer_mut(path)
                .unwrap_or_else(|| panic!("no {path}")) = value.clone()
        }
    };
    let add = |name: &'static str, value: Value| move |data: &mut Value| data[name] = value.clone();
    let remove = |name: &'static str| {
        move |data: &mut Value| drop(data.as_object_mut().unwrap().remove(name))
    };
    for topic in Topic::consumed() {
        let (id, title) = id_and_title(topic);
        for required in ["tenantId", id, title] {
            assert!(
                refused(topic, &remove(required)),
                "{topic} without {required}"
            );
            assert!(
                refused(topic, &add(required, json!(7))),
                "{topic}: {required} is a number"
            );
            assert!(
                refused(topic, &add(required, json!(""))),
                "{topic}: {required} is empty"
            );
            assert!(
                refused(topic, &add(required, json!(" \t"))),
                "{topic}: {required} is blank"
            );
            assert!(
                refused(topic, &add(required, json!("a\u{7}b"))),
                "{topic}: {required} rings"
            );
        }
        assert!(refused(topic, &add(id, json!("x".repeat(257)))));
        assert!(
            !refused(topic, &add(id, json!("é".repeat(256)))),
            "characters are counted, not bytes"
        );
        assert!(refused(topic, &add(title, json!("x".repeat(301)))));
        assert!(!refused(topic, &add(title, json!("🎉".repeat(300)))));
        assert!(!refused(topic, &add(title, json!("two\nlines"))));
        assert!(refused(topic, &add("version", json!(-1))));
        assert!(refused(topic, &add("version", json!("1"))));
        assert!(!refused(topic, &add("version", json!(HIGHEST_VERSION))));
        for end in [HIGHEST_VERSION + 1, i64::MAX as u64, u64::MAX] {
            assert!(refused(topic, &add("version", json!(end))), "{end}");
        }
        assert!(refused(topic, &add("locale", json!("english"))));
        assert!(!refused(topic, &add("locale", json!("ZH-hant-tw"))));
        assert!(
            refused(topic, &add("assets", json!(["presentation"]))),
            "nothing makes one"
        );
        assert!(refused(topic, &add("assets", json!(["mural"]))));
        assert!(!refused(topic, &add("assets", json!([]))));
        assert!(refused(
            topic,
            &add("brand", json!({ "primaryColor": "red" }))
        ));
        assert!(refused(topic, &add("brand", json!({ "font": "gothic" }))));
        assert!(refused(
            topic,
            &add("brand", json!({ "logo": "https://example.com/logo.png" }))
        ));
        assert!(refused(topic, &add("brand", json!({ "logo": "s3://B/x" }))));
        assert!(!refused(
            topic,
            &add(
                "brand",
                json!({ "logo": "s3://brands/acme/logo.png", "font": "classic", "slogan": "x" })
            )
        ));
        assert!(
            !refused(topic, &add("nobodyKnows", json!({ "a": [1] }))),
            "{topic} passes over what it does not know"
        );
    }
    assert!(refused(Topic::EventCreated, &remove("startsAt")));
    assert!(!refused(Topic::EventPublished, &remove("startsAt")));
    assert!(refused(
        Topic::EventCreated,
        &set("/startsAt", json!("tomorrow"))
    ));
    assert!(
        refused(
            Topic::EventCreated,
            &set("/startsAt", json!("2026-12-19T18:30:00"))
        ),
        "without an offset"
    );
    assert!(refused(
        Topic::EventCreated,
        &set("/venue/name", json!("x".repeat(201)))
    ));
    assert!(
        refused(
            Topic::EventCreated,
            &set("/venue", json!({ "city": "Pune" }))
        ),
        "a venue without a name"
    );
    assert!(refused(
        Topic::CmsPublished,
        &set("/translations/0", json!({ "title": "no language" }))
    ));
    assert!(refused(
        Topic::CmsPublished,
        &set("/translations/0/locale", json!("x"))
    ));
    assert!(refused(
        Topic::CampaignLaunched,
        &set("/channels", json!("display"))
    ));
    assert!(!refused(
        Topic::CampaignLaunched,
        &set("/channels", json!(["sky-writing"]))
    ));
    let voice = "5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21";
    assert!(!refused(
        Topic::CampaignLaunched,
        &add("voiceModelId", json!(voice))
    ));
    // It has one spelling, that of `voice-model.ready`.
    for wrong in [
        json!(""),
        json!("asha"),
        json!(7),
        json!(voice.to_uppercase()),
        json!(voice.replace('-', "")),
        json!(format!("{voice} ")),
    ] {
        assert!(
            refused(Topic::CampaignLaunched, &add("voiceModelId", wrong.clone())),
            "{wrong}"
        );
    }
    assert!(refused(
        Topic::CampaignLaunched,
        &set("/offer", json!("x".repeat(61)))
    ));
    assert!(refused(
        Topic::CampaignLaunched,
        &set("/callToAction", json!("x".repeat(41)))
    ));
}

// ---- generators of every value of the types

fn text<const MAX: usize>() -> impl Strategy<Value = Text<MAX>> {
    let character = prop_oneof![
        any::<char>(),
        select(vec![
            'a', ' ', '\n', '\t', '"', '\\', 'é', 'ह', 'ि', '漢', '🎉'
        ])
    ];
    let some = vec(character, 1..MAX.min(40)).prop_map(String::from_iter);
    let most = select(vec!["x", "🎉", "\n.", "\""])
        .prop_map(|unit| unit.repeat(MAX).chars().take(MAX).collect());
    prop_oneof![9 => some, 1 => most].prop_filter_map("not a text", |text| Text::parse(&text).ok())
}

fn identifier() -> impl Strategy<Value = Identifier> {
    let most = select(vec!["x", "🎉"]).prop_map(|unit| unit.repeat(256));
    prop_oneof![9 => ".{1,30}", 1 => most]
        .prop_filter_map("not an id", |id| Identifier::parse(&id).ok())
}

fn moment() -> impl Strategy<Value = Moment> {
    (
        946_684_800_i64..4_102_444_800,
        0_i32..1000,
        -14 * 60_i32..=14 * 60,
    )
        .prop_map(|(second, millisecond, minutes)| Moment {
            timestamp: jiff::Timestamp::new(second, millisecond * 1_000_000).unwrap(),
            offset: jiff::tz::Offset::from_seconds(minutes * 60).unwrap(),
        })
}

fn locale() -> impl Strategy<Value = Locale> {
    "[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}".prop_filter_map("not a tag", |tag| Locale::parse(&tag))
}

fn time_zone() -> impl Strategy<Value = TimeZoneName> {
    select(vec![
        "Asia/Kolkata",
        "UTC",
        "America/Argentina/ComodRivadavia",
    ])
    .prop_map(|name| TimeZoneName::parse(name).unwrap())
}

fn voice() -> impl Strategy<Value = VoiceModelId> {
    "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        .prop_filter_map("not an id", |id| VoiceModelId::parse(&id))
}

prop_compose! {
    fn venue()(name in text(), address in option::of(text()), city in option::of(text())) -> Venue {
        Venue { name, address, city }
    }
}

prop_compose! {
    fn brand()(
        primary in option::of(any::<[u8; 3]>()), accent in option::of(any::<[u8; 3]>()),
        logo in option::of("s3://[a-z0-9]{3,63}/[ -~é]{1,60}"), font in option::of(select(vec![Typeface::Modern, Typeface::Classic])),
    ) -> Brand {
        let color = |[red, green, blue]: [u8; 3]| Color { red, green, blue };
        Brand { primary_color: primary.map(color), accent_color: accent.map(color), logo: logo.and_then(|l| S3Object::parse(&l)), font }
    }
}

prop_compose! {
    fn configuration()(
        title in text(), description in option::of(text()), starts_at in option::of(moment()), ends_at in option::of(moment()),
        time_zone in option::of(time_zone()), locale in option::of(locale()), venue in option::of(venue()),
        organizer in option::of(text()), label in option::of(text()), call_to_action in option::of(text()), brand in option::of(brand()),
        voice_model_id in option::of(voice()),
    ) -> Configuration {
        Configuration { title, description, starts_at, ends_at, time_zone, locale, venue, organizer, label, call_to_action, brand, voice_model_id }
    }
}

/// Some of the kinds that are made for `topic`, as `chosen` from them.
fn assets_of(topic: Topic, chosen: Option<&[Index]>) -> Option<Vec<AssetKind>> {
    let made = AssetKind::made_for(topic);
    let kinds = chosen?.iter().map(|index| *index.get(made));
    Some(kinds.collect())
}

fn kind() -> impl Strategy<Value = AssetKind> {
    select(AssetKind::ALL.to_vec())
}

/// A tenant, a user and a UUID.
fn ids() -> impl Strategy<Value = (String, String, String)> {
    let uuid = "[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
    (identifier(), identifier(), uuid)
        .prop_map(|(tenant, user, id)| (tenant.to_string(), user.to_string(), id))
}

fn url() -> impl Strategy<Value = String> {
    "https://[a-z]{1,20}\\.example/renders/[0-9a-f]{32}/[0-9a-f]{32}/poster\\.png"
}

/// What a picture shows of a configuration.
fn shows() -> impl Strategy<Value = Shows> {
    let undrawn = (
        "[a-z]{1,20}(\\.[a-zA-Z]{1,20})?",
        1_u32..,
        vec("[A-Z][a-z]{1,12}( [A-Z][a-z]{1,12})?", 0..3),
    )
        .prop_map(|(field, characters, scripts)| Undrawn {
            field,
            characters,
            scripts,
        });
    let adjusted = (
        "brand\\.[a-zA-Z]{1,20}",
        select(vec!["left-out", "moved"]),
        "[ -~]{1,80}",
    )
        .prop_map(|(field, what, reason)| Adjusted {
            field,
            what: what.to_owned(),
            reason,
        });
    (
        option::of("\\PC{1,1000}"),
        vec(undrawn, 0..9),
        vec(adjusted, 0..4),
    )
        .prop_map(|(alt_text, undrawn, adjusted)| Shows {
            alt_text,
            undrawn,
            adjusted,
        })
}

fn source() -> impl Strategy<Value = String> {
    prop_oneof!["[!-~]{1,30}", Just("s".repeat(1024))]
}

proptest! {
    #[test]
    fn every_consumed_event_conforms_to_its_schema(
        configuration in configuration(), tenant in identifier(), user in option::of(identifier()), id in identifier(), version in option::of(0..=HIGHEST_VERSION),
        starts_at in moment(), assets in option::of(vec(any::<Index>(), 0..5)), translations in vec((locale(), text(), option::of(text()), option::of(text())), 0..3),
        channels in vec(select(vec![Channel::Display, Channel::Social, Channel::Email, Channel::Video, Channel::Audio, Channel::Other]), 0..4),
    ) {
        for topic in Topic::consumed() {
            let Configuration { title, description, ends_at, time_zone, locale, venue, organizer, label, call_to_action, brand, voice_model_id, .. } = configuration.clone();
            let (tenant_id, user_id, id, assets) = (tenant.clone(), user.clone(), id.clone(), assets_of(topic, assets.as_deref()));
            match topic {
                Topic::EventCreated => conforms(topic, &EventCreated {
                    tenant_id, user_id, event_id: id, version, title, description, starts_at, ends_at, time_zone, locale, venue, organizer, brand, assets,
                }),
                Topic::EventPublished => conforms(topic, &EventPublished {
                    tenant_id, user_id, event_id: id, version, title, description, starts_at: ends_at, ends_at, time_zone, locale, venue, organizer, brand, assets,
                }),
                Topic::CmsPublished => conforms(topic, &CmsPublished {
                    tenant_id, user_id, content_id: id, version, title, summary: description, category: label, author: organizer, locale, brand, assets,
                    translations: translations.iter().cloned()
                        .map(|(locale, title, summary, category)| ContentTranslation { locale, title, summary, category }).collect(),
                }),
                Topic::CampaignLaunched => conforms(topic, &CampaignLaunched {
                    tenant_id, user_id, campaign_id: id, version, headline: title, description, offer: label, call_to_action, starts_at: Some(starts_at),
                    ends_at, time_zone, locale, venue, advertiser: organizer, channels: channels.clone(), voice_model_id, brand, assets,
                }),
                Topic::RenderJobCreated
                | Topic::RenderJobCompleted
                | Topic::RenderJobFailed
                | Topic::TemplateCreated
                | Topic::TemplateUpdated
                | Topic::VoiceModelCreated
                | Topic::VoiceModelReady => unreachable!("{topic} is not consumed"),
            }
        }
    }

    #[test]
    fn every_render_job_event_conforms_to_its_schema(
        (tenant_id, user_id, job_id) in ids(), (template_id, resubmit_of) in ("[0-9a-f-]{36}", option::of("[0-9a-f-]{36}")), asset in kind(), locale in option::of(locale()), url in url(),
        topic in select(Topic::consumed().collect::<Vec<_>>()), source in source(), id in source(),
        numbers in (0..=EXACT, 0..=EXACT, any::<u32>(), any::<bool>()), length_ms in option::of(0..=EXACT), shows in shows(), reason in text::<2048>(), media in select(vec![MediaType::Image, MediaType::Video, MediaType::Audio]),
        voice_model_id in option::of(voice()),
        failure in select(vec![
            FailureClass::InvalidInput, FailureClass::Unavailable, FailureClass::Timeout, FailureClass::Abandoned, FailureClass::NotConfigured, FailureClass::Moderation,
            FailureClass::OutcomeUnknown, FailureClass::TooManyOpen, FailureClass::Cancelled, FailureClass::Internal,
        ]),
    ) {
        let (width, height) = asset.size().unzip();
        let provider = "studio-canvas".to_owned();
        conforms(Topic::RenderJobCreated, &RenderJobCreated {
            tenant_id: tenant_id.clone(), user_id: user_id.clone(), job_id: job_id.clone(), media_type: asset.media_type(), provider: provider.clone(),
            template_id: template_id.clone(), asset, locale: locale.map(|locale| locale.as_str().to_owned()), width, height, format: asset.format(), voice_model_id,
            trigger: Trigger { topic, source, id }, resubmit_of,
        });
        conforms(Topic::RenderJobCompleted, &RenderJobCompleted {
            tenant_id: tenant_id.clone(), user_id: user_id.clone(), job_id: job_id.clone(), media_type: media, provider: provider.clone(), output_url: url,
            duration_ms: numbers.0, credits_used: numbers.1, length_ms, voice_model_id, shows,
        });
        conforms(Topic::RenderJobFailed, &RenderJobFailed {
            tenant_id, user_id, job_id, media_type: media, provider, template_id, asset, failure, reason: reason.to_string(), attempts: numbers.2,
            can_resubmit: numbers.3,
        });
    }

    #[test]
    fn every_template_event_conforms_to_its_schema(
        (tenant_id, user_id, template_id) in ids(), kind in kind(), entity in select(EntityKind::ALL.to_vec()),
        id in identifier(), revision in 1..=EXACT, configuration in configuration(), url in option::of(url()), shows in shows(),
    ) {
        let (width, height) = kind.size().unzip();
        let asset = url.map(|output_url| TemplateAsset { job_id: template_id.clone(), output_url, width, height, format: kind.format(), shows });
        let template = Template { tenant_id, user_id, template_id, kind, entity: Entity { kind: entity, id }, revision, configuration, asset };
        conforms(Topic::TemplateCreated, &template);
        conforms(Topic::TemplateUpdated, &template);
    }

    #[test]
    fn every_voice_model_event_conforms_to_its_schema(
        (tenant_id, user_id, voice_model_id) in ids(), name in text::<200>(), method in select(vec![CloningMethod::Instant, CloningMethod::Professional]),
        locale in option::of(locale()), duration_ms in 0..=EXACT, credits_used in 0..=EXACT,
    ) {
        let (name, provider, locale) = (name.to_string(), "elevenlabs".to_owned(), locale.map(|locale| locale.as_str().to_owned()));
        conforms(Topic::VoiceModelCreated, &VoiceModelCreated {
            tenant_id: tenant_id.clone(), user_id: user_id.clone(), voice_model_id: voice_model_id.clone(), name: name.clone(), provider: provider.clone(), method,
            locale: locale.clone(),
        });
        conforms(Topic::VoiceModelReady, &VoiceModelReady {
            tenant_id, user_id, voice_model_id, name, provider, method, locale, duration_ms, credits_used,
        });
    }

    #[test]
    fn context_attributes_hold_only_ids_and_times(
        tenant in identifier(), template_id in "[0-9a-f-]{36}", configuration in configuration(), second in 0_i64..4_102_444_800,
    ) {
        let template = Template {
            tenant_id: tenant.to_string(), user_id: "user".to_owned(), template_id, kind: AssetKind::Poster,
            entity: Entity { kind: EntityKind::Event, id: tenant.clone() }, revision: 1, configuration, asset: None,
        };
        let time = Time::new(jiff::Timestamp::from_second(second).unwrap());
        let id = "evt-550e8400-e29b-41d4-a716-446655440000".to_owned();
        let event = serde_json::to_value(CloudEvent::new(Topic::TemplateCreated, id, time, tenant.to_string(), template)).unwrap();
        prop_assert_eq!(faults(&ENVELOPE, &event), Vec::<String>::new());
        let attributes: Vec<&str> = event.as_object().unwrap().keys().map(String::as_str).collect();
        prop_assert_eq!(attributes.len(), 8, "an attribute more is one that another reader may take for its own");
        prop_assert_eq!(&event["subject"], tenant.as_str());
    }
}

#[test]
fn the_largest_event_that_can_be_produced_is_below_the_limit() {
    // The worst case is `MAX` characters of four bytes: of the characters that a text may hold,
    // JSON escapes only line breaks, tabs, quotes and backslashes, to two bytes each.
    fn longest<const MAX: usize>() -> Text<MAX> {
        Text::parse(&"🎉".repeat(MAX)).unwrap()
    }
    let id = Identifier::parse(&"🎉".repeat(256)).unwrap();
    let color = Some(Color {
        red: 0,
        green: 0,
        blue: 0,
    });
    let moment = Some("2026-12-19T18:30:00.123456789+05:30".parse().unwrap());
    let template = Template {
        tenant_id: id.to_string(),
        user_id: id.to_string(),
        template_id: "x".repeat(36),
        kind: AssetKind::BannerLeaderboard,
        entity: Entity {
            kind: EntityKind::Campaign,
            id: id.clone(),
        },
        revision: u64::MAX,
        configuration: Configuration {
            title: longest(),
            description: Some(longest()),
            starts_at: moment,
            ends_at: moment,
            time_zone: Some(TimeZoneName::parse("America/Argentina/ComodRivadavia").unwrap()),
            locale: Locale::parse("zh-Hant-TW"),
            venue: Some(Venue {
                name: longest(),
                address: Some(longest()),
                city: Some(longest()),
            }),
            organizer: Some(longest()),
            label: Some(longest()),
            call_to_action: Some(longest()),
            brand: Some(Brand {
                primary_color: color,
                accent_color: color,
                logo: S3Object::parse(&format!("s3://{}/{}", "b".repeat(63), "k".repeat(1024))),
                font: Some(Typeface::Classic),
            }),
            voice_model_id: VoiceModelId::parse("5f0f6b1a-6f3f-5a55-9a39-0a4a5e0c7d21"),
        },
        asset: Some(TemplateAsset {
            job_id: "x".repeat(36),
            output_url: "u".repeat(2048),
            width: Some(u32::MAX),
            height: Some(u32::MAX),
            format: AssetKind::Poster.format(),
            shows: Shows {
                alt_text: Some("𝄞".repeat(1000)),
                // Every field, in a title of as many scripts as it has characters.
                undrawn: vec![
                    Undrawn {
                        field: "venue.address".to_owned(),
                        characters: u32::MAX,
                        scripts: vec!["Canadian Aboriginal".to_owned(); 3],
                    };
                    8
                ],
                adjusted: vec![
                    Adjusted {
                        field: "brand.accentColor".to_owned(),
                        what: "left-out".to_owned(),
                        reason: "r".repeat(200),
                    };
                    3
                ],
            },
        }),
    };
    let event = CloudEvent::new(
        Topic::TemplateUpdated,
        "evt-".repeat(10),
        Time::new(jiff::Timestamp::UNIX_EPOCH),
        id.to_string(),
        template,
    );
    let bytes = serde_json::to_vec(&event).unwrap().len();
    assert!(bytes < LARGEST_EVENT / 2, "{bytes}");
}
