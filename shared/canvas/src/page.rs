//! What every design of one event shares: its facts in its language, its direction, and the blocks of text set so far.

use cosmic_text::Align;
use events::{Color, Configuration, Venue};

use crate::{
    dates::{When, when},
    fonts::Voice,
    seed::Seed,
    text::{Style, Typesetter},
    words::{Language, Speech},
};

/// An event as a design reads it.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) organizer: Option<&'a str>,
    pub(crate) venue: Option<&'a Venue>,
    pub(crate) when: Option<When>,
    pub(crate) speech: Speech,
    /// Whether the page is read from right to left: its language is, or its title.
    pub(crate) right_to_left: bool,
    pub(crate) seed: Seed,
}

impl<'a> Page<'a> {
    /// Reads `configuration`. A title of which nothing can be drawn becomes the language's word for an event.
    pub(crate) fn read(configuration: &'a Configuration, typesetter: &Typesetter) -> Self {
        let speech = Speech::of(configuration.locale.as_ref());
        let title = configuration.title.as_str();
        let starts_at = configuration.starts_at.map(|moment| moment.to_string()).unwrap_or_default();
        let venue = configuration.venue.as_ref();
        let seed = Seed::plant(&[title, &starts_at, venue.map_or("", |venue| venue.name.as_str())]);
        Self {
            title: if typesetter.can_draw(title) { title } else { speech.words().event },
            description: configuration.description.as_ref().map(|text| text.as_str()),
            organizer: configuration.organizer.as_ref().map(|text| text.as_str()),
            venue,
            when: when(configuration, speech),
            speech,
            right_to_left: speech.right_to_left() || begins_right_to_left(title),
            seed,
        }
    }

    /// Where lines begin.
    pub(crate) fn align(&self) -> Align {
        if self.right_to_left { Align::Right } else { Align::Left }
    }

    /// Street and city in one line, if the venue has either.
    pub(crate) fn address(&self) -> Option<String> {
        let venue = self.venue?;
        let parts: Vec<&str> = [venue.address.as_ref().map(|a| a.as_str()), venue.city.as_ref().map(|c| c.as_str())]
            .into_iter()
            .flatten()
            .collect();
        let comma = if self.speech.language == Language::Arabic { "، " } else { ", " };
        (!parts.is_empty()).then(|| parts.join(comma))
    }

    /// How plain text is set; a design changes what it needs.
    pub(crate) fn style(&self, role: &'static str, voice: Voice, color: Color, size: f32) -> Style {
        Style {
            role,
            voice,
            color,
            largest: size,
            smallest: size,
            leading: 1.3,
            tracking: 0.0,
            align: self.align(),
            most_lines: 1,
            balanced: false,
        }
    }
}

/// Whether the first letter of `text` is of a script that runs from right to left.
fn begins_right_to_left(text: &str) -> bool {
    text.chars().find(|c| c.is_alphabetic()).is_some_and(|c| {
        matches!(u32::from(c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfeff | 0x1_0800..=0x1_0fff | 0x1_e800..=0x1_efff)
    })
}
