//! The most assets of one entity: what is refused, and what is dropped to make room.

use std::sync::LazyLock;

use contract::{
    AssetKind, Configuration, Entity, EntityKind, EventTime, Identifier, Locale, Text, Time, Topic,
    Translation,
};
use domain::{
    ContentHash, Decision, Description, EntityState, InboundEvent, MOST_ASSETS, PlanError,
    Planning, ProviderRouting, TemplateKey, plan,
};

fn now() -> Time {
    Time::new("2026-11-20T10:00:00Z".parse().unwrap())
}

/// Different languages, from the `first` of a long list.
fn languages(first: usize, count: usize) -> Vec<Locale> {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
    let tag = |number| format!("{}{}", letter(number / 26), letter(number));
    (first..first + count)
        .map(|number| Locale::parse(&tag(number)).unwrap())
        .collect()
}

/// What follows from an event of `topic` at `minute`, in its own language and in `languages`, that
/// asks for `assets`.
fn planned(
    before: Option<&EntityState>,
    (topic, minute): (Topic, usize),
    languages: &[Locale],
    assets: &[AssetKind],
) -> Result<Decision, PlanError> {
    static ROUTING: LazyLock<ProviderRouting> = LazyLock::new(ProviderRouting::default);
    let inbound = InboundEvent {
        topic,
        source: "svc".to_owned(),
        id: format!("{topic}-{minute}"),
        time: EventTime::new(format!("2026-11-20T09:{minute:02}:00Z").parse().unwrap()),
        trace: None,
        content: ContentHash::of_text(&minute.to_string()),
    };
    let title = Text::parse("Rain").unwrap();
    let translation = |locale: &Locale| {
        let translation = Translation {
            title: title.clone(),
            description: None,
            label: None,
            call_to_action: None,
        };
        (locale.clone(), translation)
    };
    let description = Description {
        tenant: Identifier::parse("tenant-1").unwrap(),
        user: None,
        entity: Entity {
            kind: EntityKind::Content,
            id: Identifier::parse("thing-1").unwrap(),
        },
        version: None,
        configuration: Configuration::titled(title.clone()),
        translations: languages.iter().map(translation).collect(),
        assets: assets.to_vec(),
    };
    let planning = Planning {
        now: now(),
        deadline: now().plus_seconds(900),
        routing: &ROUTING,
    };
    plan(before, &inbound, &description, planning)
}

/// The templates that an entity has after `decision`.
fn templates(decision: &Decision) -> usize {
    decision.entity.as_ref().unwrap().templates.len()
}

const PUBLISHED: Topic = Topic::EventPublished;
const ARTICLE: Topic = Topic::CmsPublished;

#[test]
fn an_event_for_too_many_assets_is_refused_even_if_it_is_late() {
    let kinds = AssetKind::made_for(PUBLISHED);
    assert_eq!(kinds.len(), 5);
    let newer = planned(None, (PUBLISHED, 2), &[], kinds).unwrap().entity;
    for before in [None, newer] {
        let planned = |count: usize| {
            let languages = languages(0, count - 1);
            let decision = planned(before.as_ref(), (PUBLISHED, 1), &languages, kinds);
            decision.map(|_| ())
        };
        assert_eq!(planned(19), Ok(()));
        assert_eq!(planned(20), Err(PlanError::TooManyAssets(100)));
    }
}

// No topic of today comes to this: only articles have translations, and all kinds of an article in
// all its languages fit. It is what holds the transaction's limit if another topic has them, too.
#[test]
fn an_event_is_refused_if_its_assets_do_not_fit_beside_the_current_ones() {
    let languages = languages(0, 18);
    let kinds = AssetKind::made_for(PUBLISHED);
    let full = planned(None, (PUBLISHED, 1), &languages, kinds).unwrap();
    assert_eq!(templates(&full), 95);
    // A poster in each of the languages that the other topic has.
    let more = |before, languages: &[Locale]| {
        let created = (Topic::EventCreated, 2);
        planned(before, created, languages, &[AssetKind::Poster]).map(|_| ())
    };
    let refused = more(full.entity.as_ref(), &[]);
    assert_eq!(refused, Err(PlanError::TooManyAssets(95 + 19)));
    assert_eq!(more(None, &languages), Ok(()));
}

#[test]
fn templates_of_vanished_languages_are_kept_as_long_as_all_fit() {
    let kinds = AssetKind::made_for(ARTICLE);
    let first = planned(None, (ARTICLE, 1), &languages(0, 31), &kinds[..1]).unwrap();
    assert_eq!(templates(&first), 32);
    let next = |count| {
        planned(
            first.entity.as_ref(),
            (ARTICLE, 2),
            &languages(31, count),
            kinds,
        )
    };
    // Its own language in two kinds more, and three kinds in each new language.
    assert_eq!(templates(&next(21).unwrap()), MOST_ASSETS);
    assert_eq!(templates(&next(22).unwrap()), 100 - 31);
}

#[test]
fn a_language_that_vanished_while_another_came_is_not_rendered_again() {
    let kinds = AssetKind::made_for(ARTICLE);
    let [one, other] = [languages(0, 1), languages(1, 1)];
    let first = planned(None, (ARTICLE, 1), &one, kinds).unwrap();
    let second = planned(first.entity.as_ref(), (ARTICLE, 2), &other, kinds).unwrap();
    assert_eq!(second.jobs.len(), kinds.len());
    let back = planned(second.entity.as_ref(), (ARTICLE, 3), &one, kinds).unwrap();
    assert_eq!((back.jobs.len(), back.events.len()), (0, 0));
}

#[test]
fn an_entity_is_filled_to_the_last_template_once_vanished_ones_are_dropped() {
    let kinds = AssetKind::made_for(PUBLISHED);
    let of_before = planned(None, (PUBLISHED, 1), &languages(100, 10), &kinds[..1]).unwrap();
    let before = of_before.entity.as_ref();
    let now = planned(before, (PUBLISHED, 2), &languages(0, 16), &kinds[..1]).unwrap();
    assert_eq!(templates(&now), 27);
    let full = planned(
        now.entity.as_ref(),
        (PUBLISHED, 3),
        &languages(0, 19),
        &kinds[1..],
    );
    let full = full.unwrap();
    assert_eq!((full.jobs.len(), templates(&full)), (80, MOST_ASSETS));
}

#[test]
fn an_entity_of_more_templates_than_may_be_takes_an_event_that_adds_none() {
    let kinds = AssetKind::made_for(ARTICLE);
    let full = planned(None, (ARTICLE, 1), &languages(0, 31), kinds).unwrap();
    let mut entity = full.entity.unwrap();
    let one = entity.templates.values().next().unwrap().clone();
    // As it could be after a lower limit is released.
    for kind in [AssetKind::Poster, AssetKind::Invitation] {
        let key = TemplateKey { kind, locale: None };
        entity.templates.insert(key, one.clone());
    }
    let same = planned(Some(&entity), (ARTICLE, 2), &languages(0, 30), kinds).unwrap();
    assert_eq!(templates(&same), 98);
}
