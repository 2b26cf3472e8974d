//! What is published, from a seed, and what has to come of it. The expectations are a model of
//! their own, three lines of it for each entity, and owe nothing to the code that they judge.

use std::collections::BTreeMap;

use contract::Topic;
use serde_json::{Value, json};

use crate::{chance::Chance, poison, publication::Publication};

/// Publications by tenant, each tenant's in its order, and what they lead to.
#[derive(Debug)]
pub struct Workload {
    /// A line for each tenant: what stands in one goes to Kafka one after the other.
    pub lines: Vec<Vec<Publication>>,
    /// One line more, which comes last: of each topic some that open jobs, so that everything the
    /// storm has in store finds somebody to hit.
    pub last: Vec<Publication>,
    /// What has to come of it, whatever happens meanwhile.
    pub expected: Expected,
}

/// What has to be true at the end.
#[derive(Debug, Default)]
pub struct Expected {
    /// Inbound events that are decided: distinct good events.
    pub causes: usize,
    /// Jobs, each by what it renders and the event that opened it.
    pub jobs: BTreeMap<JobKey, Certainty>,
    /// Templates, with what they show in the end.
    pub templates: BTreeMap<TemplateKey, Facts>,
}

/// Which template: a tenant, its entity, and the kind of asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateKey {
    /// Whose.
    pub tenant: String,
    /// Of what.
    pub entity: String,
    /// Which kind of asset.
    pub kind: String,
}

/// Which job: a template, and the event that it was opened by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobKey {
    /// What it renders.
    pub template: TemplateKey,
    /// The id of the event.
    pub event: String,
}

/// Whether a job has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// Whatever the order of arrival.
    Always,
    /// If its event comes after another topic's about the same entity, and the order across topics
    /// nobody promises.
    IfLater,
}

/// What a template shows, as far as the workload changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its title; shown by every kind.
    pub title: String,
    /// Its description; shown by none of the kinds that the workload asks for.
    pub description: String,
}

/// How much of what.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Records to publish, poison included, copies not.
    pub events: usize,
    /// Whose.
    pub tenants: usize,
    /// How many versions an entity has at most.
    pub versions: usize,
    /// Of a hundred of them, how many change the title, and so have a picture rendered again.
    pub titles_percent: usize,
}

/// Of a hundred records, how many can never succeed.
const POISON_PERCENT: usize = 1;

/// Of a hundred versions of an entity, how many change what its template says and its picture does
/// not show.
const DESCRIPTIONS_PERCENT: usize = 18;

/// Of a hundred records, how many are published twice.
const COPIES_PERCENT: usize = 2;

impl Workload {
    /// The workload that grows from `chance`; its events happen at `now`, an RFC 3339 time.
    #[must_use]
    pub fn grow(size: Size, now: &str, chance: &mut Chance) -> Self {
        let mut expected = Expected::default();
        let poisons = (size.events * POISON_PERCENT).div_ceil(100);
        let mut entities: Vec<Vec<Vec<Publication>>> = vec![Vec::new(); size.tenants];
        let (mut good, mut number) = (0, 0);
        while good < size.events - poisons {
            let tenant = chance.below(size.tenants);
            let seed = Seed {
                tenant: format!("tenant-{tenant:03}"),
                number,
                now,
            };
            let publications = match chance.below(4) {
                // Their pictures are large: few ask for one.
                0 | 1 => seed.event(
                    (chance.happens(15), chance.happens(15)),
                    chance,
                    &mut expected,
                ),
                2 => seed.versions(&CAMPAIGN, size, chance, &mut expected),
                _ => seed.versions(&CONTENT, size, chance, &mut expected),
            };
            good += publications.len();
            number += 1;
            entities[tenant].push(publications);
        }
        let last: Vec<Publication> = (number..number + LAST)
            .flat_map(|number| {
                let seed = Seed {
                    tenant: "tenant-last".to_owned(),
                    number,
                    now,
                };
                let of_event = seed.event((true, true), chance, &mut expected);
                let of_campaign = seed.versions(&CAMPAIGN, size, chance, &mut expected);
                let of_content = seed.versions(&CONTENT, size, chance, &mut expected);
                [of_event, of_campaign, of_content].concat()
            })
            .collect();
        expected.causes = good + last.len();
        let mut lines: Vec<_> = entities
            .into_iter()
            .map(|of_tenant| interleave(of_tenant, chance))
            .collect();
        for line in &mut lines {
            repeat_some(line, chance);
        }
        // A small run has room for few rules: which ones, chance says.
        let first_rule = chance.below(100);
        for rule in first_rule..first_rule + poisons {
            let line = chance.below(size.tenants);
            poison::mix_in(
                &mut lines[line],
                rule,
                &format!("tenant-{line:03}"),
                now,
                chance,
            );
        }
        Self {
            lines,
            last,
            expected,
        }
    }
}

/// So many entities of each kind come last.
const LAST: usize = 3;

/// A topic whose entities it alone speaks of.
struct Kind {
    topic: Topic,
    source: &'static str,
    id: &'static str,
    title: &'static str,
    description: &'static str,
    /// The smallest picture that there is of it.
    asset: &'static str,
}

const CAMPAIGN: Kind = Kind {
    topic: Topic::CampaignLaunched,
    source: "marketing-svc",
    id: "campaignId",
    title: "headline",
    description: "description",
    asset: "banner-mobile",
};

const CONTENT: Kind = Kind {
    topic: Topic::CmsPublished,
    source: "cms-svc",
    id: "contentId",
    title: "title",
    description: "summary",
    asset: "thumbnail",
};

/// What an entity grows from.
struct Seed<'a> {
    tenant: String,
    number: usize,
    now: &'a str,
}

impl Seed<'_> {
    /// An entity of one topic, in several versions, some of which come late: a title that changes
    /// is rendered again, a description that changes is only published, and a version that comes
    /// late says nothing any more.
    fn versions(
        &self,
        kind: &Kind,
        size: Size,
        chance: &mut Chance,
        expected: &mut Expected,
    ) -> Vec<Publication> {
        let entity = format!("{}-{}", kind.asset, self.number);
        let template = TemplateKey {
            tenant: self.tenant.clone(),
            entity: entity.clone(),
            kind: kind.asset.to_owned(),
        };
        let mut facts = Facts {
            title: format!("Number {}", self.number),
            description: "As it was".to_owned(),
        };
        let mut versions: Vec<(usize, Facts)> = Vec::new();
        for version in 1..=chance.between(1, size.versions) {
            if version > 1 {
                match chance.below(100) {
                    percent if percent < size.titles_percent => {
                        facts.title = format!("Number {}, version {version}", self.number);
                    }
                    percent if percent < size.titles_percent + DESCRIPTIONS_PERCENT => {
                        facts.description = format!("As it is in version {version}")
                    }
                    _ => {}
                }
            }
            versions.push((version, facts.clone()));
        }
        for late in 1..versions.len() {
            if chance.happens(10) {
                versions.swap(late - 1, late);
            }
        }
        let mut shown: Option<(usize, Facts)> = None;
        let mut publications = Vec::new();
        for (version, facts) in versions {
            let id = format!("evt-{entity}-{version}");
            let newer = shown.as_ref().is_none_or(|(newest, _)| *newest < version);
            let renders = newer
                && shown
                    .as_ref()
                    .is_none_or(|(_, shown)| shown.title != facts.title);
            if renders {
                let job = JobKey {
                    template: template.clone(),
                    event: id.clone(),
                };
                expected.jobs.insert(job, Certainty::Always);
            }
            let event = self.envelope(kind.topic, kind.source, &id, |data| {
                data[kind.id] = json!(entity);
                data["version"] = json!(version);
                data[kind.title] = json!(facts.title);
                data[kind.description] = json!(facts.description);
                data["assets"] = json!([kind.asset]);
            });
            let publication = Publication::of(kind.topic, &event, chance);
            publications.push(Publication {
                opens: u32::from(renders),
                ..publication
            });
            if newer {
                shown = Some((version, facts));
            }
        }
        if let Some((_, facts)) = shown {
            expected.templates.insert(template, facts);
        }
        publications
    }

    /// An event that people attend: created and published, in either order. What is published
    /// stands over what was created. It may ask for a poster when it is created, and for a preview
    /// when it is published.
    fn event(
        &self,
        (poster, preview): (bool, bool),
        chance: &mut Chance,
        expected: &mut Expected,
    ) -> Vec<Publication> {
        let entity = format!("event-{}", self.number);
        let template = |kind: &str| TemplateKey {
            tenant: self.tenant.clone(),
            entity: entity.clone(),
            kind: kind.to_owned(),
        };
        let facts = Facts {
            title: format!("Event {}", self.number),
            description: "Made public".to_owned(),
        };
        let (created, published) = (
            format!("evt-{entity}-created"),
            format!("evt-{entity}-published"),
        );
        let mut job = |kind: &str, event: &str, certainty| {
            expected.jobs.insert(
                JobKey {
                    template: template(kind),
                    event: event.to_owned(),
                },
                certainty,
            );
        };
        if poster {
            job("poster", &created, Certainty::Always);
            job("poster", &published, Certainty::IfLater);
        }
        if preview {
            job("link-preview", &published, Certainty::Always);
        }
        for (asked, kind) in [(poster, "poster"), (preview, "link-preview")] {
            if asked {
                expected.templates.insert(template(kind), facts.clone());
            }
        }
        let created = self.envelope(Topic::EventCreated, "events-svc", &created, |data| {
            data["eventId"] = json!(entity);
            data["title"] = json!(format!("Draft of event {}", self.number));
            data["description"] = json!("A draft");
            data["startsAt"] = json!("2027-06-05T19:00:00+05:30");
            data["assets"] = if poster { json!(["poster"]) } else { json!([]) };
        });
        let published = self.envelope(Topic::EventPublished, "events-svc", &published, |data| {
            data["eventId"] = json!(entity);
            data["title"] = json!(facts.title);
            data["description"] = json!(facts.description);
            data["startsAt"] = json!("2027-06-05T19:00:00+05:30");
            data["assets"] = if preview {
                json!(["link-preview"])
            } else {
                json!([])
            };
        });
        let mut publications = vec![
            Publication {
                opens: u32::from(poster),
                ..Publication::of(Topic::EventCreated, &created, chance)
            },
            Publication {
                opens: u32::from(preview),
                ..Publication::of(Topic::EventPublished, &published, chance)
            },
        ];
        chance.shuffle(&mut publications);
        publications
    }

    fn envelope(
        &self,
        topic: Topic,
        source: &str,
        id: &str,
        fill: impl FnOnce(&mut Value),
    ) -> Value {
        let mut data = json!({ "tenantId": self.tenant, "userId": "user-of-the-storm" });
        fill(&mut data);
        json!({
            "specversion": "1.0", "type": topic.as_str(), "source": source, "id": id, "time": self.now,
            "datacontenttype": "application/json", "subject": self.tenant, "data": data,
        })
    }
}

/// The publications of several entities between each other's, each entity's in its order.
fn interleave(mut entities: Vec<Vec<Publication>>, chance: &mut Chance) -> Vec<Publication> {
    entities
        .iter_mut()
        .for_each(|publications| publications.reverse());
    let mut line = Vec::new();
    while !entities.is_empty() {
        let entity = chance.below(entities.len());
        line.extend(entities[entity].pop());
        if entities[entity].is_empty() {
            entities.swap_remove(entity);
        }
    }
    line
}

/// Publishes some again, at once or later.
fn repeat_some(line: &mut Vec<Publication>, chance: &mut Chance) {
    for index in (0..line.len()).rev() {
        if chance.happens(COPIES_PERCENT) {
            let again = Publication {
                opens: 0,
                ..line[index].clone()
            };
            line.insert(chance.between(index + 1, line.len() + 1), again);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grow(seed: u64) -> Workload {
        Workload::grow(
            Size {
                events: 500,
                tenants: 20,
                versions: 12,
                titles_percent: 12,
            },
            "2026-11-27T00:00:00.000Z",
            &mut Chance::of(seed),
        )
    }

    #[test]
    fn a_seed_grows_the_same_workload_again_and_another_seed_another_one() {
        let fingerprints = |seed| -> Vec<_> {
            grow(seed)
                .lines
                .iter()
                .flatten()
                .map(Publication::fingerprint)
                .collect()
        };
        assert_eq!(fingerprints(7), fingerprints(7));
        assert_ne!(fingerprints(7), fingerprints(8));
    }

    #[test]
    fn what_comes_last_opens_jobs_for_each_topic() {
        let last = grow(7).last;
        for topic in Topic::ALL.into_iter().filter(|topic| topic.is_consumed()) {
            assert!(
                last.iter()
                    .filter(|record| record.topic == topic && record.opens > 0)
                    .count()
                    >= LAST,
                "{topic}"
            );
        }
    }

    #[test]
    fn it_has_as_many_records_as_asked_for_one_in_a_hundred_of_them_poison_and_some_copies() {
        let workload = grow(7);
        let records: Vec<_> = workload.lines.iter().flatten().collect();
        let poison = records
            .iter()
            .filter(|record| record.poison.is_some())
            .count();
        assert_eq!(poison, 5);
        assert!((500..530).contains(&records.len()), "{}", records.len());
        let opened: u32 = records
            .iter()
            .copied()
            .chain(&workload.last)
            .map(|record| record.opens)
            .sum();
        let always = workload
            .expected
            .jobs
            .values()
            .filter(|certainty| **certainty == Certainty::Always)
            .count();
        assert_eq!(opened as usize, always);
        assert!(always > 80, "{always}");
        assert!(
            Topic::ALL
                .into_iter()
                .filter(|topic| topic.is_consumed())
                .all(|topic| { records.iter().any(|record| record.topic == topic) })
        );
    }
}
