//! Entities that several topics describe, in several languages.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use contract::{
    AssetKind, Configuration, Entity, EntityKind, Fact, Identifier, Locale, Text, Time, Topic,
    Translation, Venue,
};
use domain::{
    ContentHash, Decision, Description, EntityState, InboundEvent, MOST_ASSETS, PlanError,
    Planning, ProviderRouting, plan,
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
    let time = at(&format!("2026-11-20T09:{minute:02}:00Z"));
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

#[test]
fn an_event_may_plan_at_most_40_assets() {
    let tags: Vec<String> = ('a'..='n').map(|letter| format!("x{letter}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let now = at("2026-11-20T10:00:00Z");
    let planned = |languages: &[&str]| {
        plan(
            None,
            &inbound(Topic::CmsPublished, 1),
            &article("Rain", languages),
            planning(now),
        )
    };
    assert_eq!(planned(&tags[..12]).unwrap().jobs.len(), 39);
    assert_eq!(planned(&tags[..13]), Err(PlanError::TooManyAssets(42)));
    assert_eq!(MOST_ASSETS, 40);
}

#[test]
fn an_event_in_too_many_languages_is_refused_even_if_it_asks_for_nothing() {
    let now = at("2026-11-20T10:00:00Z");
    let tags: Vec<String> = ('a'..='e')
        .flat_map(|one| ('a'..='z').map(move |two| format!("{one}{two}")))
        .collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let planned = |before: Option<&EntityState>, number, description: &Description| {
        plan(
            before,
            &inbound(Topic::CmsPublished, number),
            description,
            planning(now),
        )
    };
    let asking_nothing = |languages| Description {
        assets: Vec::new(),
        ..article("Rain", languages)
    };
    assert_eq!(
        planned(None, 2, &asking_nothing(&tags[..40])),
        Err(PlanError::TooManyLanguages(41))
    );
    // A late event is made in the current languages, and those may be too many for three kinds.
    let newer = planned(None, 2, &asking_nothing(&tags[..39])).unwrap();
    let late = planned(newer.entity.as_ref(), 1, &article("Rain", &[]));
    assert_eq!(late, Err(PlanError::TooManyAssets(120)));
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
        let Some(&topic) = [
            Topic::EventCreated,
            Topic::EventPublished,
            Topic::CmsPublished,
            Topic::CampaignLaunched,
        ]
        .iter()
        .find(|topic| AssetKind::made_for(**topic).contains(&kind)) else {
            panic!("nobody asks for {kind:?}")
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
