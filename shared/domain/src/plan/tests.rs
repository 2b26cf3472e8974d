//! The limits of one inbound event, each at its last value.

use contract::{Entity, EntityKind, Identifier, Text, Translation};

use super::*;
use crate::ContentHash;

/// A text of the most bytes that `MAX` characters can have.
fn longest<const MAX: usize>() -> Text<MAX> {
    Text::parse(&"\u{1f3ee}".repeat(MAX)).unwrap()
}

/// The longest identifier.
fn identifier() -> Identifier {
    Identifier::parse(&"\u{1f3ee}".repeat(256)).unwrap()
}

/// An event whose names are as long as they can be.
fn inbound(topic: Topic) -> InboundEvent {
    InboundEvent {
        topic,
        source: "s".repeat(1024),
        id: "i".repeat(1024),
        time: EventTime::new("2026-11-20T09:00:00Z".parse().unwrap()),
        trace: None,
        content: ContentHash::of_text("an event"),
    }
}

fn translation(title: Text<300>, description: Option<&str>) -> Translation {
    Translation {
        title,
        description: description.map(|text| Text::parse(text).unwrap()),
        label: None,
        call_to_action: None,
    }
}

/// What such an event says, in its own language and `translations` more.
fn description(topic: Topic, translations: usize) -> Description {
    let tag = |number: usize| {
        let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
        Locale::parse(&format!("{}{}", letter(number / 26), letter(number))).unwrap()
    };
    Description {
        tenant: identifier(),
        user: Some(identifier()),
        entity: Entity {
            kind: EntityKind::Content,
            id: identifier(),
        },
        version: None,
        configuration: Configuration::titled(longest()),
        translations: (0..translations)
            .map(|number| (tag(number), translation(longest(), None)))
            .collect(),
        assets: AssetKind::made_for(topic).to_vec(),
    }
}

fn planned(inbound: &InboundEvent, description: &Description) -> Result<Decision, PlanError> {
    let now = Time::new("2026-11-20T10:00:00Z".parse().unwrap());
    let planning = Planning {
        now,
        deadline: now.plus_seconds(900),
        routing: &ProviderRouting::default(),
    };
    plan(None, inbound, description, planning)
}

#[test]
fn the_bytes_counted_for_the_longest_names_are_what_they_take_and_little_more() {
    let topic = Topic::CmsPublished;
    let kinds = AssetKind::made_for(topic);
    let (inbound, description) = (inbound(topic), description(topic, 5));
    let decision = planned(&inbound, &description).unwrap();
    assert_eq!(decision.jobs.len(), 6 * kinds.len());
    let of_event = |event: &OutboundEvent| {
        // The topic, the trace and the names of the attributes.
        event.value.len() + event.key.len() + 150
    };
    let taken: usize = decision.events.iter().map(of_event).sum();
    let counted = bytes_at_most(&inbound, &description, kinds.len());
    let spare = (counted - taken) / decision.jobs.len();
    assert!(
        spare < 900,
        "{spare} bytes are counted in vain for each render"
    );
}

#[test]
fn texts_that_just_fit_are_planned_and_one_more_character_is_refused() {
    let topic = Topic::CmsPublished;
    let kinds = AssetKind::made_for(topic).len();
    let inbound = inbound(topic);
    let mut description = description(topic, 7);
    for translation in description.translations.values_mut() {
        translation.description = Some(Text::parse(".").unwrap());
    }
    let left = MOST_BYTES - bytes_at_most(&inbound, &description, kinds);
    assert_eq!(left % kinds, 0);
    let mut left = left / kinds;
    for translation in description.translations.values_mut() {
        let more = left.min(1998);
        left -= more;
        translation.description = Some(Text::parse(&".".repeat(1 + more)).unwrap());
    }
    assert_eq!(left, 0);
    assert!(planned(&inbound, &description).is_ok());

    let last = description.translations.values_mut().last().unwrap();
    let longer = format!("{}.", last.description.as_ref().unwrap());
    last.description = Some(Text::parse(&longer).unwrap());
    let refused = planned(&inbound, &description);
    assert_eq!(refused, Err(PlanError::TooMuchText(MOST_BYTES + kinds)));
}
