//! Tenants cannot reach each other: no text that a tenant chooses gives another tenant's id, or
//! part of a name.

use contract::{AssetKind, Entity, EntityKind, Identifier, Locale, S3Object, TenantPrefix, Topic};
use domain::{EntityKey, EventId, InboundEventKey, JobId, TemplateId, TemplateKey};
use proptest::{prelude::*, sample::select};
use uuid::Uuid;

/// Identifiers, some of which look like parts of other names.
fn identifier() -> impl Strategy<Value = Identifier> {
    let odd = select(vec![
        "a",
        "a/",
        "../",
        "job#",
        "a\u{202e}",
        "a\u{feff}",
        "entity",
        "a:b",
        "a-1",
        "%2e%2e",
        "cause",
        "template",
        "A",
        "е",
        "e\u{301}",
        "é",
        "a ",
        " a",
    ]);
    let text = prop_oneof![2 => proptest::collection::vec(odd, 1..4).prop_map(|parts| parts.concat()), 1 => "\\PC{1,40}"];
    text.prop_filter_map("no identifier", |text| Identifier::parse(&text).ok())
}

fn kind() -> impl Strategy<Value = EntityKind> {
    select(EntityKind::ALL.to_vec())
}

/// Every id that the studio derives for an entity of a tenant, with an inbound event about it.
fn ids(tenant: &Identifier, kind: EntityKind, id: &Identifier, cause: (&str, &str)) -> [Uuid; 6] {
    let entity = Entity {
        kind,
        id: id.clone(),
    };
    let key = TemplateKey {
        kind: AssetKind::Poster,
        locale: None,
    };
    let template = TemplateId::new(tenant, &entity, &key);
    let translated = TemplateId::new(
        tenant,
        &entity,
        &TemplateKey {
            locale: Locale::parse("hi"),
            ..key
        },
    );
    let cause = InboundEventKey::new(tenant, cause.0, cause.1);
    let job = JobId::new(tenant, template, cause);
    let event = EventId::new(tenant, job.0, Topic::RenderJobCreated, cause.0.as_bytes());
    [
        EntityKey::new(tenant, &entity).0,
        template.0,
        translated.0,
        cause.0,
        job.0,
        event.0,
    ]
}

proptest! {
    #[test]
    fn two_tenants_never_share_an_id(
        (one, other) in (identifier(), identifier()),
        (kind, another_kind) in (kind(), kind()),
        (id, another_id) in (identifier(), identifier()),
        source in ".{1,20}",
        cause in ".{1,20}",
    ) {
        prop_assume!(one != other && one != id);
        let mine = ids(&one, kind, &id, (&source, &cause));
        for theirs in [
            ids(&other, kind, &id, (&source, &cause)),
            ids(&other, another_kind, &another_id, (&cause, &source)),
            // A tenant whose name is the other tenant's entity id.
            ids(&id, kind, &one, (&source, &cause)),
        ] {
            for mine in mine {
                prop_assert!(!theirs.contains(&mine));
            }
        }
        let distinct: std::collections::BTreeSet<_> = mine.iter().collect();
        prop_assert_eq!(distinct.len(), mine.len());
    }

    #[test]
    fn no_object_is_two_tenants_own(
        (one, other) in (identifier(), identifier()),
        rest in "[a-c./%F2]{1,12}",
    ) {
        prop_assume!(one != other);
        let prefix = TenantPrefix::parse("{tenantId}/").unwrap();
        // Under the encoded id, and under the id as it is.
        for key in [format!("{}{rest}", prefix.of(&one)), format!("{one}/{rest}")] {
            let Some(object) = S3Object::parse(&format!("s3://brands/{key}")) else {
                continue;
            };
            prop_assert!(!(prefix.owns(&one, &object) && prefix.owns(&other, &object)), "{}", key);
        }
    }

    #[test]
    fn the_boundary_between_names_is_part_of_an_id(text in "[a-z]{2,12}", (left, right) in (1_usize..11, 1_usize..11)) {
        let split = |at: usize| {
            let (tenant, id) = text.split_at(at.min(text.len() - 1));
            ids(&Identifier::parse(tenant).unwrap(), EntityKind::Event, &Identifier::parse(id).unwrap(), ("s", "1"))
        };
        let same = left.min(text.len() - 1) == right.min(text.len() - 1);
        prop_assert_eq!(split(left) == split(right), same);
        prop_assert!(same || split(left).iter().all(|id| !split(right).contains(id)));
    }
}
