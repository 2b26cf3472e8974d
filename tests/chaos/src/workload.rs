//! The events to publish, generated from a seed, and their expected outcome. The expectations are a
//! model of their own, about three lines per entity, and use none of the code that they judge.

use std::collections::BTreeMap;

use contract::Topic;
use serde_json::{Value, json};

use crate::{chance::Chance, poison, publication::Publication};

/// The publications of each tenant in order, and their expected outcome.
#[derive(Debug, Clone)]
pub struct Workload {
    /// One line per tenant: the publications of a line go to Kafka one after the other.
    pub lines: Vec<Vec<Publication>>,
    /// One more line, published last: for each topic some events that open jobs, so that every
    /// fault of the storm has a call to hit.
    pub last: Vec<Publication>,
    /// The expected outcome, whatever faults occur.
    pub expected: Expected,
}

/// The expected state at the end.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The number of distinct good inbound events, each of which is decided.
    pub causes: usize,
    /// The jobs, by template and by the event that opens each.
    pub jobs: BTreeMap<JobKey, Certainty>,
    /// The templates with their final facts.
    pub templates: BTreeMap<TemplateKey, Facts>,
}

/// Identifies a template: tenant, entity and kind of asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateKey {
    /// The tenant.
    pub tenant: String,
    /// The entity.
    pub entity: String,
    /// The kind of asset.
    pub kind: String,
}

/// Identifies a job: its template and the event that opened it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobKey {
    /// The template that it renders.
    pub template: TemplateKey,
    /// The id of the event.
    pub event: String,
}

/// Whether a job must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// It exists for every order of arrival.
    Always,
    /// It exists only if its event arrives after another topic's event about the same entity. The
    /// order across topics is not guaranteed.
    IfLater,
}

/// The facts of a template that the workload changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The title; every kind of asset shows it.
    pub title: String,
    /// The description; none of the workload's kinds shows it.
    pub description: String,
}

/// The size of a workload.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// The number of records, with poison and without copies.
    pub events: usize,
    /// The number of tenants.
    pub tenants: usize,
    /// The most versions of an entity.
    pub versions: usize,
    /// The percentage of versions that change the title, and so cause a new render.
    pub titles_percent: usize,
    /// The number of campaigns that ask for videos at once: more than the vendor has slots for.
    pub films: usize,
}

/// What a kind of asset is, as `events/README.md` promises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Its media type.
    pub media: &'static str,
    /// Its format, which is also the ending of its file.
    pub format: &'static str,
    /// Its size in pixels, if it is seen.
    pub pixels: Option<(u32, u32)>,
}

/// The form of a kind; `None` if the storm does not ask for it.
#[must_use]
pub fn form(kind: &str) -> Option<Form> {
    let form = |media, format, pixels| {
        Some(Form {
            media,
            format,
            pixels,
        })
    };
    match kind {
        "poster" => form("image", "png", Some((1080, 1350))),
        "link-preview" => form("image", "png", Some((1200, 630))),
        "thumbnail" => form("image", "png", Some((400, 300))),
        "banner-mobile" => form("image", "png", Some((320, 50))),
        "video" => form("video", "mp4", Some((1280, 720))),
        "audio-spot" => form("audio", "mp3", None),
        _not_asked_for => None,
    }
}

/// Whether a vendor makes a kind, and an execution waits for it.
#[must_use]
pub fn is_long(kind: &str) -> bool {
    form(kind).is_some_and(|form| form.media != "image")
}

/// The percentage of records that can never succeed.
const POISON_PERCENT: usize = 1;

/// The percentage of versions that change a fact of the template which its picture does not show.
const DESCRIPTIONS_PERCENT: usize = 18;

/// The percentage of records that are published twice.
const COPIES_PERCENT: usize = 2;

/// The percentage of campaigns that ask for a video and an audio spot.
const LONG_PERCENT: usize = 3;

impl Workload {
    /// The number of records, with copies and poison.
    #[must_use]
    pub fn records(&self) -> usize {
        let lines = self.lines.iter().chain([&self.last]);
        lines.map(Vec::len).sum()
    }

    /// The least number of jobs that it opens.
    #[must_use]
    pub fn opens(&self) -> usize {
        let records = self.lines.iter().chain([&self.last]).flatten();
        records.map(|record| record.opens as usize).sum()
    }

    /// Generates the workload; its events happen at `now`, an RFC 3339 time.
    #[must_use]
    pub fn grow(size: Size, now: &str, chance: &mut Chance) -> Self {
        let mut expected = Expected::default();
        let poisons = (size.events * POISON_PERCENT).div_ceil(100);
        let mut entities: Vec<Vec<Vec<Publication>>> = vec![Vec::new(); size.tenants];
        let (mut good, mut number) = (0, 0);
        while good < size.events - poisons - size.films {
            let tenant = chance.below(size.tenants);
            let seed = Seed {
                tenant: format!("tenant-{tenant:03}"),
                number,
                now,
            };
            let publications = match chance.below(4) {
                // Their pictures are large, so few of them ask for one.
                0 | 1 => seed.event(
                    (chance.happens(15), chance.happens(15)),
                    chance,
                    &mut expected,
                ),
                2 if chance.happens(LONG_PERCENT) => seed.film(chance, &mut expected),
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
                let of_film = seed.film(chance, &mut expected);
                [of_event, of_campaign, of_content, of_film].concat()
            })
            .collect();
        let rush = rush(size.films, number + LAST, now, chance, &mut expected);
        expected.causes = good + last.len() + size.films;
        let mut lines: Vec<_> = entities
            .into_iter()
            .map(|of_tenant| interleave(of_tenant, chance))
            .collect();
        for line in &mut lines {
            repeat_some(line, chance);
        }
        // A small run has room for few rules, so chance picks where they begin.
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
        lines.extend(rush);
        Self {
            lines,
            last,
            expected,
        }
    }
}

/// The lines of `films` campaigns that ask for videos, all at about the same time: three of one tenant
/// for each of another, whose turn must come nevertheless. Their entities are numbered from `first`.
fn rush(
    films: usize,
    first: usize,
    now: &str,
    chance: &mut Chance,
    expected: &mut Expected,
) -> Vec<Vec<Publication>> {
    let mut all = (first..first + films).flat_map(|number| {
        let tenant = match number % 4 {
            0 => "tenant-beside",
            _ => "tenant-rush",
        };
        let seed = Seed {
            tenant: tenant.to_owned(),
            number,
            now,
        };
        seed.film(chance, expected)
    });
    let mut lines = Vec::new();
    loop {
        let line: Vec<Publication> = all.by_ref().take(FILMS_OF_A_LINE).collect();
        if line.is_empty() {
            return lines;
        }
        lines.push(line);
    }
}

/// How many campaigns of the rush are published one after the other.
const FILMS_OF_A_LINE: usize = 4;

/// The number of entities of each kind in the last line.
const LAST: usize = 3;

/// A topic that alone describes its entities.
struct Kind {
    topic: Topic,
    source: &'static str,
    id: &'static str,
    title: &'static str,
    description: &'static str,
    /// The entity's smallest picture.
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

/// The inputs of an entity.
struct Seed<'a> {
    tenant: String,
    number: usize,
    now: &'a str,
}

impl Seed<'_> {
    /// An entity of one topic in several versions, some of which arrive late. A new title causes a
    /// render, a new description is only published, and a late version has no effect.
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

    /// An event that people attend, with its created and its published record in either order. The
    /// published facts win. It may ask for a poster when it is created, and for a link preview when
    /// it is published.
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

    /// A campaign that asks for what vendors make. Its title is in no other one's.
    fn film(&self, chance: &mut Chance, expected: &mut Expected) -> Vec<Publication> {
        let (entity, kinds) = (format!("film-{:07}", self.number), ["video", "audio-spot"]);
        let facts = Facts {
            title: format!("Film {:07}", self.number),
            description: "As it was".to_owned(),
        };
        let id = format!("evt-{entity}");
        for kind in kinds {
            let template = TemplateKey {
                tenant: self.tenant.clone(),
                entity: entity.clone(),
                kind: kind.to_owned(),
            };
            expected.templates.insert(template.clone(), facts.clone());
            let event = id.clone();
            expected
                .jobs
                .insert(JobKey { template, event }, Certainty::Always);
        }
        let topic = Topic::CampaignLaunched;
        let event = self.envelope(topic, CAMPAIGN.source, &id, |data| {
            data[CAMPAIGN.id] = json!(entity);
            data[CAMPAIGN.title] = json!(facts.title);
            data[CAMPAIGN.description] = json!(facts.description);
            data["locale"] = json!("en");
            data["assets"] = json!(kinds);
        });
        vec![Publication {
            opens: 2,
            ..Publication::of(topic, &event, chance)
        }]
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

/// Interleaves the publications of several entities, and keeps each entity's order.
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

/// Publishes some records again, at once or later.
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
    use crate::run::{Plan, SLOTS, SLOTS_OF_A_TENANT};

    fn grow(seed: u64) -> Workload {
        Workload::grow(
            Size {
                events: 500,
                tenants: 20,
                versions: 12,
                titles_percent: 12,
                films: 8,
            },
            "2026-11-27T00:00:00.000Z",
            &mut Chance::of(seed),
        )
    }

    #[test]
    fn a_seed_always_gives_the_same_workload() {
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
    fn the_last_line_opens_jobs_for_each_topic() {
        let last = grow(7).last;
        for topic in Topic::consumed() {
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
    fn the_last_line_asks_for_what_vendors_make() {
        let workload = grow(7);
        let jobs = workload.expected.jobs.keys();
        let long = jobs.filter(|job| is_long(&job.template.kind));
        let of_last = long.filter(|job| job.template.tenant == "tenant-last");
        assert_eq!(of_last.count(), 2 * LAST);
    }

    #[test]
    fn each_storm_asks_for_more_videos_of_each_tenant_than_it_has_slots() {
        for plan in [Plan::short(3), Plan::long(3)] {
            let now = "2026-11-27T00:00:00.000Z";
            let workload = Workload::grow(plan.size, now, &mut Chance::of(3));
            let videos = |tenant: &str| {
                let jobs = workload.expected.jobs.keys().map(|job| &job.template);
                let of_it = jobs.filter(|of| of.tenant == tenant && of.kind == "video");
                of_it.count()
            };
            let (rush, beside) = (videos("tenant-rush"), videos("tenant-beside"));
            assert_eq!(rush + beside, plan.size.films);
            assert!(rush > 4 * SLOTS_OF_A_TENANT && beside > SLOTS_OF_A_TENANT);
            assert!(rush + beside > 4 * SLOTS);
        }
    }

    #[test]
    fn a_long_storm_opens_three_thousand_jobs() {
        for seed in 1..=5 {
            let plan = Plan::long(seed);
            let mut chance = Chance::of(seed);
            let now = "2026-11-27T00:00:00.000Z";
            let workload = Workload::grow(plan.size, now, &mut chance.branch());
            assert!(
                workload.opens() >= plan.least_jobs,
                "{seed}: {}",
                workload.opens()
            );
        }
    }

    #[test]
    fn a_workload_has_its_size_one_percent_poison_and_some_copies() {
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
            Topic::consumed().all(|topic| { records.iter().any(|record| record.topic == topic) })
        );
    }
}
