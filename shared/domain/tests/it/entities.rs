//! Entities that several topics describe, in several languages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, Fact, FileFormat, Identifier, Locale,
    Shows, TemplateAsset, Text, Time, Topic, Translation, Venue,
};
use domain::{
    ContentHash, Decision, Description, EntityState, InboundEvent, MOST_ASSETS, MOST_LANGUAGES,
    PlanError, Planning, ProviderRouting, plan,
};
use proptest::prelude::*;
use serde_json::Value;

fn at(text: &str) -> Time {
    Time::new(text.parse().unwrap())
}

fn inbound(topic: Topic, minute: usize) -> InboundEvent {
    let id = format!("{topic}-{minute}");
    let json =
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"svc","type":"t","data":"{id}"}}"#);
    let content = ContentHash::of(&contract::Envelope::decode(&[], Some(json.as_bytes())).unwrap());
    let time = EventTime::new(format!("2026-11-20T09:{minute:02}:00Z").parse().unwrap());
    InboundEvent {
        topic,
        source: "svc".to_owned(),
        id,
        time,
        trace: None,
        content,
    }
}

fn locale(tag: &str) -> Locale {
    Locale::parse(tag).unwrap()
}

fn titled(title: &str) -> Configuration {
    let json = serde_json::json!({ "title": title });
    serde_json::from_value(json).unwrap()
}

fn says(kind: EntityKind, configuration: Configuration, topic: Topic) -> Description {
    Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: None,
        entity: Entity {
            kind,
            id: Identifier::parse("thing-1").unwrap(),
        },
        version: None,
        configuration,
        translations: BTreeMap::new(),
        assets: AssetKind::made_for(topic)
            .iter()
            .copied()
            .filter(|kind| kind.size().is_some())
            .collect(),
    }
}

fn created(title: &str) -> Description {
    says(EntityKind::Event, titled(title), Topic::EventCreated)
}

fn published(title: &str) -> Description {
    says(EntityKind::Event, titled(title), Topic::EventPublished)
}

fn article(title: &str, languages: &[&str]) -> Description {
    let translation = |tag: &&str| {
        let title = Text::parse(&format!("{title} in {tag}")).unwrap();
        (
            locale(tag),
            Translation {
                title,
                description: None,
                label: None,
                call_to_action: None,
            },
        )
    };
    Description {
        translations: languages.iter().map(translation).collect(),
        ..says(EntityKind::Content, titled(title), Topic::CmsPublished)
    }
}

fn planning(now: Time) -> Planning<'static> {
    static ROUTING: LazyLock<ProviderRouting> = LazyLock::new(ProviderRouting::default);
    Planning {
        now,
        deadline: now.plus_seconds(900),
        routing: &ROUTING,
    }
}

fn decide(
    before: Option<&EntityState>,
    inbound: &InboundEvent,
    description: &Description,
) -> Decision {
    let now = at("2026-11-20T10:00:00Z");
    plan(before, inbound, description, planning(now)).unwrap()
}

/// The assets that jobs were opened for, with their languages.
fn jobs_of(decision: &Decision) -> Vec<String> {
    decision
        .jobs
        .iter()
        .map(|job| job.template_key().to_string())
        .collect()
}

fn topics_of(decision: &Decision) -> Vec<Topic> {
    decision.events.iter().map(|event| event.topic).collect()
}

/// The state of a consumer that keeps the highest revision of each template: revision and
/// configuration.
type OutboxEntry = BTreeMap<String, (u64, Value)>;

fn keep(kept: &mut OutboxEntry, decision: &Decision) {
    for event in &decision.events {
        let event: Value = serde_json::from_str(&event.value).unwrap();
        let data = &event["data"];
        if let (Some(id), Some(revision)) = (data["templateId"].as_str(), data["revision"].as_u64())
        {
            let known = kept.get(id).map_or(0, |(revision, _)| *revision);
            if revision > known {
                let mut configuration = data["configuration"].clone();
                configuration["kind"] = data["kind"].clone();
                kept.insert(id.to_owned(), (revision, configuration));
            }
        }
    }
}

#[test]
fn publishing_with_a_new_title_rerenders_the_poster_and_adds_social_images() {
    let first = decide(None, &inbound(Topic::EventCreated, 1), &created("Lanterns"));
    let second = decide(
        first.entity.as_ref(),
        &inbound(Topic::EventPublished, 2),
        &published("Lanterns by the sea"),
    );
    assert_eq!(
        jobs_of(&second),
        [
            "poster",
            "invitation",
            "social-square",
            "social-story",
            "social-landscape",
            "link-preview",
            "event-cover"
        ]
    );
}

#[test]
fn publishing_an_unchanged_event_renders_only_the_new_kinds() {
    let first = decide(None, &inbound(Topic::EventCreated, 1), &created("Lanterns"));
    let second = decide(
        first.entity.as_ref(),
        &inbound(Topic::EventPublished, 2),
        &published("Lanterns"),
    );
    assert!(
        second
            .jobs
            .iter()
            .all(|job| !matches!(job.asset, AssetKind::Poster | AssetKind::Invitation))
    );
    assert_eq!(second.jobs.len(), 5);
}

#[test]
fn published_facts_override_created_facts_in_any_order() {
    let venue = Venue {
        name: Text::parse("Opera House").unwrap(),
        address: None,
        city: None,
    };
    let with_venue = Description {
        configuration: Configuration {
            venue: Some(venue.clone()),
            ..titled("Draft")
        },
        ..created("Draft")
    };
    let (early, late) = (
        inbound(Topic::EventCreated, 1),
        inbound(Topic::EventPublished, 2),
    );
    let one = decide(
        decide(None, &early, &with_venue).entity.as_ref(),
        &late,
        &published("Final"),
    );
    let other = decide(
        decide(None, &late, &published("Final")).entity.as_ref(),
        &early,
        &with_venue,
    );
    let configuration = one.entity.unwrap().configuration().unwrap();
    assert_eq!(
        configuration,
        other.entity.unwrap().configuration().unwrap()
    );
    assert_eq!(
        (configuration.title.as_str(), configuration.venue),
        ("Final", Some(venue))
    );
}

#[test]
fn an_article_is_rendered_in_each_of_its_languages() {
    let decision = decide(
        None,
        &inbound(Topic::CmsPublished, 1),
        &article("Rain", &["hi", "ar"]),
    );
    assert_eq!(
        jobs_of(&decision),
        [
            "link-preview",
            "link-preview/ar",
            "link-preview/hi",
            "blog-image",
            "blog-image/ar",
            "blog-image/hi",
            "thumbnail",
            "thumbnail/ar",
            "thumbnail/hi"
        ]
    );
    let templates: BTreeSet<_> = decision.jobs.iter().map(|job| job.template).collect();
    assert_eq!(templates.len(), 9);
    let hindi = decision
        .jobs
        .iter()
        .find(|job| job.template_key().to_string() == "blog-image/hi")
        .unwrap();
    assert_eq!(hindi.configuration.title.as_str(), "Rain in hi");
    assert_eq!(hindi.configuration.locale, Some(locale("hi")));
}

#[test]
fn a_new_language_renders_only_that_language() {
    let first = decide(
        None,
        &inbound(Topic::CmsPublished, 1),
        &article("Rain", &["hi"]),
    );
    let second = decide(
        first.entity.as_ref(),
        &inbound(Topic::CmsPublished, 2),
        &article("Rain", &["hi", "ja"]),
    );
    assert_eq!(
        jobs_of(&second),
        ["link-preview/ja", "blog-image/ja", "thumbnail/ja"]
    );
}

#[test]
fn removing_a_language_publishes_nothing() {
    let first = decide(
        None,
        &inbound(Topic::CmsPublished, 1),
        &article("Rain", &["hi"]),
    );
    let second = decide(
        first.entity.as_ref(),
        &inbound(Topic::CmsPublished, 2),
        &article("Rain", &[]),
    );
    assert!(second.events.is_empty());
}

#[test]
fn a_late_older_event_does_not_restore_a_language() {
    let newer = decide(
        None,
        &inbound(Topic::CmsPublished, 2),
        &article("Rain", &[]),
    );
    let older = decide(
        newer.entity.as_ref(),
        &inbound(Topic::CmsPublished, 1),
        &article("Rain", &["hi"]),
    );
    assert!(older.events.is_empty());
}

/// Different languages, from the `first` of a long list.
fn languages(first: usize, count: usize) -> Vec<String> {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
    (first..first + count)
        .map(|number| format!("{}{}", letter(number / 26), letter(number)))
        .collect()
}

/// An article in the author's language and these, that asks for some kinds.
fn article_in(title: &str, languages: &[String], assets: &[AssetKind]) -> Description {
    let tags: Vec<&str> = languages.iter().map(String::as_str).collect();
    Description {
        assets: assets.to_vec(),
        ..article(title, &tags)
    }
}

fn planned(
    before: Option<&EntityState>,
    minute: usize,
    description: &Description,
) -> Result<Decision, PlanError> {
    let now = at("2026-11-20T10:00:00Z");
    let inbound = inbound(Topic::CmsPublished, minute);
    plan(before, &inbound, description, planning(now))
}

#[test]
fn every_kind_in_the_most_languages_fits_into_one_transaction() {
    let kinds = AssetKind::made_for(Topic::CmsPublished);
    // The outbox entry, the entity and a job for each.
    const { assert!(3 + MOST_ASSETS <= 100) };
    assert!(kinds.len() * MOST_LANGUAGES <= MOST_ASSETS);
    let most = article_in("Rain", &languages(0, MOST_LANGUAGES - 1), kinds);
    assert_eq!(planned(None, 1, &most).unwrap().jobs.len(), 96);
}

#[test]
fn an_event_in_too_many_languages_is_refused_even_if_it_asks_for_nothing() {
    let asking_nothing = article_in("Rain", &languages(0, MOST_LANGUAGES), &[]);
    assert_eq!(
        planned(None, 1, &asking_nothing),
        Err(PlanError::TooManyLanguages(33))
    );
}

#[test]
fn a_late_event_is_made_in_all_current_languages() {
    let newer = article_in("Rain", &languages(0, MOST_LANGUAGES - 1), &[]);
    let newer = planned(None, 2, &newer).unwrap();
    let late = planned(newer.entity.as_ref(), 1, &article("Rain", &[])).unwrap();
    assert_eq!(late.jobs.len(), 96);
}

#[test]
fn an_article_that_grew_kind_by_kind_is_corrected_whatever_is_asked_for() {
    let kinds = AssetKind::made_for(Topic::CmsPublished);
    let tags = languages(0, 13);
    let grown = (0..kinds.len()).fold(None, |entity, number| {
        let more = article_in("Rain", &tags, &kinds[number..=number]);
        planned(entity.as_ref(), number, &more).unwrap().entity
    });
    for asked in [&[][..], &kinds[..1], kinds] {
        let corrected = article_in("Monsoon", &tags, asked);
        let corrected = planned(grown.as_ref(), 9, &corrected).unwrap();
        assert_eq!(corrected.jobs.len(), 42);
    }
}

#[test]
fn templates_of_vanished_languages_never_refuse_an_event() {
    let kinds = AssetKind::made_for(Topic::CmsPublished);
    let mut entity = None;
    for round in 0..9 {
        let tags = languages(round * 31, 31);
        let decision = planned(entity.as_ref(), round, &article_in("Rain", &tags, kinds));
        let decision = decision.unwrap();
        assert_eq!(decision.jobs.len(), 96 - usize::from(round > 0) * 3);
        entity = decision.entity;
        assert!(entity.as_ref().unwrap().templates.len() <= MOST_ASSETS);
    }
}

#[test]
fn a_language_that_comes_back_while_there_is_room_is_not_rendered_again() {
    let kinds = AssetKind::made_for(Topic::CmsPublished);
    let first = planned(None, 1, &article("Rain", &["hi"])).unwrap();
    let without = planned(first.entity.as_ref(), 2, &article("Rain", &[])).unwrap();
    let again = planned(without.entity.as_ref(), 3, &article("Rain", &["hi"])).unwrap();
    assert_eq!((again.jobs.len(), again.events.len()), (0, 0));
    assert_eq!(again.entity.unwrap().templates.len(), 2 * kinds.len());
}

#[test]
fn a_dropped_template_that_comes_back_has_a_higher_revision() {
    let kinds = AssetKind::made_for(Topic::CmsPublished);
    let mut kept = OutboxEntry::new();
    let mut entity = None;
    let steps = [
        article_in("Rain", &languages(0, 31), kinds),
        article_in("Monsoon", &languages(0, 31), kinds),
        article_in("Monsoon", &languages(31, 31), kinds),
        article_in("Drought", &languages(0, 31), kinds),
    ];
    for (minute, step) in steps.iter().enumerate() {
        let decision = planned(entity.as_ref(), minute, step).unwrap();
        keep(&mut kept, &decision);
        entity = decision.entity;
    }
    let entity = entity.unwrap();
    for (key, template) in &entity.templates {
        let (revision, shown) = &kept[&template.id.to_string()];
        let title = entity.configuration_of(key).unwrap().title;
        assert_eq!(shown["title"], title.as_str(), "{key}");
        assert_eq!(*revision, template.revision, "{key}");
    }
}

#[test]
fn an_event_whose_texts_exceed_one_item_is_refused_by_name() {
    let long = |languages: &[String]| {
        let mut long = article_in("Rain", languages, &[]);
        long.configuration.description = Some(Text::parse(&"\u{1f327}".repeat(2000)).unwrap());
        long
    };
    assert!(planned(None, 1, &long(&languages(0, 10))).is_ok());
    let refused = planned(None, 1, &long(&languages(0, 31))).unwrap_err();
    assert!(matches!(refused, PlanError::TooMuchText(_)), "{refused}");
    assert!(refused.to_string().ends_with("at most 390000 fit"));
}

#[test]
fn an_event_may_ask_for_fewer_assets() {
    let less = Description {
        assets: vec![AssetKind::EventCover],
        ..published("Lanterns")
    };
    assert_eq!(
        jobs_of(&decide(None, &inbound(Topic::EventPublished, 1), &less)),
        ["event-cover"]
    );
}

#[test]
fn an_asset_that_is_not_made_for_a_topic_is_refused_by_name() {
    let strange = Description {
        assets: vec![AssetKind::Poster, AssetKind::BannerMobile],
        ..created("Lanterns")
    };
    let now = at("2026-11-20T10:00:00Z");
    let refused = plan(
        None,
        &inbound(Topic::EventCreated, 1),
        &strange,
        planning(now),
    )
    .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`banner-mobile` is not made for eventzr.event.created.v1; what is: poster, invitation"
    );
}

#[test]
fn a_change_that_an_asset_does_not_show_is_published_without_a_render() {
    for kind in AssetKind::ALL
        .into_iter()
        .filter(|kind| !kind.shows(Fact::Description))
    {
        let Some(topic) =
            Topic::consumed().find(|topic| AssetKind::made_for(*topic).contains(&kind))
        else {
            panic!("no topic asks for {kind:?}")
        };
        let before = Description {
            assets: vec![kind],
            ..says(EntityKind::Event, titled("Rain"), topic)
        };
        let mut after = before.clone();
        after.configuration.description = Some(Text::parse("It pours.").unwrap());
        let first = decide(None, &inbound(topic, 1), &before);
        let second = decide(first.entity.as_ref(), &inbound(topic, 2), &after);
        assert_eq!(topics_of(&second), [Topic::TemplateUpdated], "{kind:?}");
        assert!(
            second.jobs.is_empty() && second.starts.is_empty(),
            "{kind:?}"
        );
    }
}

#[test]
fn by_default_only_images_have_a_provider() {
    let both = Description {
        assets: vec![AssetKind::Video, AssetKind::SocialSquare],
        ..says(
            EntityKind::Campaign,
            titled("Sale"),
            Topic::CampaignLaunched,
        )
    };
    let decision = decide(None, &inbound(Topic::CampaignLaunched, 1), &both);
    let providers: Vec<_> = decision
        .jobs
        .iter()
        .map(|job| (job.asset, job.provider.as_str()))
        .collect();
    assert_eq!(
        providers,
        [
            (AssetKind::SocialSquare, "studio-canvas"),
            (AssetKind::Video, "none")
        ]
    );
}

/// The largest item that DynamoDB takes, in bytes.
const LARGEST_ITEM: usize = 400 * 1024;

/// The size of the outbox entry of a decision, in bytes.
fn entry_size(decision: &Decision) -> usize {
    let events = decision.events.iter().map(|event| {
        // The topic, the trace and the names of the attributes.
        event.value.len() + event.key.len() + 150
    });
    events.sum::<usize>() + decision.starts.len() * 40 + 500
}

/// Gives each template of an entity an asset, as after its render.
fn rendered(mut entity: EntityState) -> EntityState {
    for template in entity.templates.values_mut() {
        template.asset = Some(TemplateAsset {
            job_id: template.job.to_string(),
            output_url: format!("https://assets.example/{}", "x".repeat(200)),
            width: Some(1600),
            height: Some(900),
            format: FileFormat::Png,
            shows: Shows::default(),
        });
    }
    entity
}

/// One event about an article: its first language, how many, the length of its texts, and which
/// kinds it asks for.
type Step = (usize, usize, usize, Vec<prop::sample::Index>);

fn step() -> impl Strategy<Value = Step> {
    let kinds = proptest::collection::vec(any::<prop::sample::Index>(), 0..4);
    let long = prop_oneof![3 => 1_usize..20, 1 => 1_usize..=2000];
    (0_usize..600, 0_usize..40, long, kinds)
}

fn description_of((first, count, length, kinds): &Step, title: &str) -> Description {
    let made = AssetKind::made_for(Topic::CmsPublished);
    let assets: Vec<AssetKind> = kinds.iter().map(|index| *index.get(made)).collect();
    let mut description = article_in("Rain", &languages(*first, *count), &assets);
    description.configuration.title = Text::parse(title).unwrap();
    let text = Some(Text::parse(&"\u{1f327}".repeat(*length)).unwrap());
    description.configuration.description = text;
    description
}

/// The same article under other titles: of 300 characters, of four bytes each.
fn corrected(description: &Description) -> Description {
    let title: Text<300> = Text::parse(&"\u{1f3ee}".repeat(300)).unwrap();
    let mut corrected = description.clone();
    corrected.configuration.title = title.clone();
    for translation in corrected.translations.values_mut() {
        translation.title = title.clone();
    }
    corrected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_languages_come_and_go_a_correction_is_taken_and_fits(steps in proptest::collection::vec(step(), 1..10)) {
        let mut entity: Option<EntityState> = None;
        for (number, step) in steps.iter().enumerate() {
            let minute = 2 * number;
            let description = description_of(step, "Rain");
            let Ok(decision) = planned(entity.as_ref(), minute, &description) else { continue };
            let before = rendered(decision.entity.clone().unwrap());
            let kinds: BTreeSet<AssetKind> = before.templates.keys().map(|key| key.kind).collect();
            let correction = corrected(&Description { assets: kinds.into_iter().collect(), ..description });
            let correction = planned(Some(&before), minute + 1, &correction);
            prop_assert!(correction.is_ok(), "{:?}", correction.unwrap_err());
            let correction = correction.unwrap();
            for decision in [&decision, &correction] {
                prop_assert!(decision.jobs.len() <= 97);
                prop_assert!(entry_size(decision) <= LARGEST_ITEM, "{} bytes", entry_size(decision));
                let state = serde_json::to_string(&rendered(decision.entity.clone().unwrap())).unwrap();
                prop_assert!(state.len() < LARGEST_ITEM, "{} bytes", state.len());
            }
            entity = correction.entity.map(rendered);
        }
    }
}

proptest! {
    #[test]
    fn any_order_of_created_and_published_events_gives_the_same_templates(
        titles in proptest::collection::vec(("[a-c]", any::<bool>()), 1..8),
        order in any::<u64>(),
    ) {
        let events: Vec<(InboundEvent, Description)> = titles.iter().enumerate().map(|(minute, (title, is_published))| {
            if *is_published {
                (inbound(Topic::EventPublished, minute), published(title))
            } else {
                (inbound(Topic::EventCreated, minute), created(title))
            }
        }).collect();
        let mut shuffled: Vec<usize> = (0..events.len()).collect();
        let mut random = order;
        for index in (1..shuffled.len()).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(index, (random >> 33) as usize % (index + 1));
        }
        let run = |order: &mut dyn Iterator<Item = usize>| {
            let (mut entity, mut kept) = (None, OutboxEntry::new());
            for index in order {
                let (inbound, description) = &events[index];
                let decision = decide(entity.as_ref(), inbound, description);
                keep(&mut kept, &decision);
                entity = decision.entity;
            }
            kept.into_iter().map(|(id, (_, configuration))| (id, configuration)).collect::<BTreeMap<_, _>>()
        };
        let forward = run(&mut (0..events.len()));
        prop_assert_eq!(&forward, &run(&mut shuffled.into_iter()));
        // There is one template per kind.
        let kinds: BTreeSet<String> = forward.values().map(|c| c["kind"].to_string()).collect();
        prop_assert_eq!(kinds.len(), forward.len());
    }

    #[test]
    fn consecutive_jobs_of_a_template_render_different_pixels(titles in proptest::collection::vec(("[ab]", any::<bool>()), 1..10)) {
        let mut entity: Option<EntityState> = None;
        let mut shown = BTreeMap::new();
        for (minute, (title, is_published)) in titles.iter().enumerate() {
            let (topic, description) =
                if *is_published { (Topic::EventPublished, published(title)) } else { (Topic::EventCreated, created(title)) };
            let decision = decide(entity.as_ref(), &inbound(topic, minute), &description);
            for job in &decision.jobs {
                let pixels = job.configuration.shown_by(job.asset);
                prop_assert_ne!(shown.insert(job.template, pixels.clone()), Some(pixels));
            }
            entity = decision.entity;
        }
    }
}

#[test]
fn an_erased_entity_ignores_older_events_and_continues_its_revisions() {
    let first = decide(None, &inbound(Topic::EventCreated, 1), &created("Lanterns"))
        .entity
        .unwrap();
    let erased = first.erased(at("2026-11-20T09:30:00Z"));
    assert!(!serde_json::to_string(&erased).unwrap().contains("Lanterns"));
    for minute in [2, 30] {
        let late = decide(
            Some(&erased),
            &inbound(Topic::EventPublished, minute),
            &published("Lanterns again"),
        );
        assert_eq!(late, Decision::default(), "at minute {minute}");
    }
    let later = decide(
        Some(&erased),
        &inbound(Topic::EventCreated, 31),
        &created("Lanterns once more"),
    );
    assert_eq!(jobs_of(&later), ["poster", "invitation"]);
    assert!(
        topics_of(&later).contains(&Topic::TemplateUpdated)
            && !topics_of(&later).contains(&Topic::TemplateCreated)
    );
    let revisions: Vec<u64> = later
        .entity
        .unwrap()
        .templates
        .values()
        .map(|template| template.revision)
        .collect();
    assert_eq!(revisions, [2, 2]);
}
