//! The facts that every design of one event shares, in the event's language and direction.

use std::collections::BTreeMap;

use contract::{Brand, Color, Configuration};

use crate::{
    check::Area,
    dates::{When, when},
    fonts::TypeStyle,
    logo::Logo,
    loss::{Field, Lost},
    losses::Losses,
    seed::Seed,
    text::{Align, TextStyle, Typesetter, is_right_to_left},
    words::{LocaleRules, Words},
};

/// An event as a design reads it. A text of which most letters have no face is not there.
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) organizer: Option<&'a str>,
    pub(crate) venue_name: Option<&'a str>,
    pub(crate) street: Option<&'a str>,
    pub(crate) city: Option<&'a str>,
    pub(crate) when: Option<When>,
    pub(crate) label: Option<&'a str>,
    pub(crate) call_to_action: Option<&'a str>,
    pub(crate) logo: Option<&'a Logo>,
    pub(crate) brand: Option<&'a Brand>,
    pub(crate) locale: LocaleRules,
    /// Whether the page runs from right to left, because its language or its title does.
    pub(crate) right_to_left: bool,
    pub(crate) seed: Seed,
    /// What of each field no face covers.
    pub(crate) lost: BTreeMap<Field, Lost>,
}

impl<'a> Page<'a> {
    /// Reads `configuration`. Each text is cleaned once here, before a design joins it with others,
    /// so that one that is lost takes its prefix, its comma and its dash along.
    ///
    /// # Errors
    /// What is lost of the title, if that is most of its letters, or nothing is left of it.
    pub(crate) fn read(
        configuration: &'a Configuration,
        look: &str,
        logo: Option<&'a Logo>,
        typesetter: &Typesetter,
    ) -> Result<Self, Lost> {
        let locale = LocaleRules::of(configuration.locale.as_ref());
        let brand = configuration.brand.as_ref();
        let mut losses = Losses::new(typesetter);
        let Some(title) = losses.kept(Field::Title, configuration.title.as_str()) else {
            return Err(losses.lost.remove(&Field::Title).unwrap_or_default());
        };
        let venue = configuration.venue.as_ref();
        let street = venue.and_then(|venue| venue.address.as_ref());
        let city = venue.and_then(|venue| venue.city.as_ref());
        Ok(Self {
            title,
            description: losses.fact(Field::Description, configuration.description.as_ref()),
            organizer: losses.fact(Field::Organizer, configuration.organizer.as_ref()),
            venue_name: losses.fact(Field::VenueName, venue.map(|venue| &venue.name)),
            street: losses.fact(Field::VenueAddress, street),
            city: losses.fact(Field::VenueCity, city),
            when: when(configuration, locale),
            label: losses.fact(Field::Label, configuration.label.as_ref()),
            call_to_action: losses.fact(Field::CallToAction, configuration.call_to_action.as_ref()),
            logo,
            brand,
            locale,
            right_to_left: locale.right_to_left() || begins_right_to_left(title),
            seed: Seed::plant(&[look]),
            lost: losses.lost,
        })
    }

    /// The side on which lines begin.
    pub(crate) fn align(&self) -> Align {
        if self.right_to_left {
            Align::End
        } else {
            Align::Start
        }
    }

    /// The days on one line, in the language's order.
    pub(crate) fn date(&self) -> Option<&str> {
        Some(&self.when.as_ref()?.date)
    }

    /// The hours with the time zone.
    pub(crate) fn time(&self) -> Option<String> {
        let when = self.when.as_ref()?;
        let time = when.time.as_ref()?;
        Some(match &when.zone {
            Some(zone) => format!("{time} {zone}"),
            None => time.clone(),
        })
    }

    /// The venue on one line: its name and the city, unless one contains the other. Where dates
    /// begin with the year, places begin with the city.
    pub(crate) fn place(&self) -> Option<String> {
        let Some(name) = self.venue_name else {
            return self.city.map(str::to_owned);
        };
        let city = self.city.filter(|city| !name.contains(*city));
        Some(match (city, self.locale.after_city()) {
            (None, _) => name.to_owned(),
            (Some(city), Some(_)) => format!("{city} {name}"),
            (Some(city), None) => format!("{name}{}{city}", self.locale.comma()),
        })
    }

    /// Whether anything is known of the place.
    pub(crate) fn has_place(&self) -> bool {
        self.venue_name.or(self.street).or(self.city).is_some()
    }

    /// The organizer after fixed words, or alone in a language that has none.
    pub(crate) fn organizer_after(&self, words: fn(&Words) -> &'static str) -> Option<String> {
        let organizer = self.organizer?;
        Some(match self.locale.words() {
            Some(fixed) => format!("{} {organizer}", words(fixed)),
            None => organizer.to_owned(),
        })
    }

    /// The length of the title; a wide character counts as two.
    pub(crate) fn title_length(&self) -> usize {
        let is_wide = |c: char| matches!(u32::from(c), 0x1100..=0x11ff | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xff00..=0xff60);
        self.title
            .chars()
            .map(|c| if is_wide(c) { 2 } else { 1 })
            .sum()
    }

    /// The type style of the title: the brand's choice, else the design's.
    pub(crate) fn title_style(&self, type_style: TypeStyle) -> TypeStyle {
        TypeStyle::title(type_style, self.brand)
    }

    /// The left edge of an item `width` wide at the side of `area` where lines begin.
    pub(crate) fn start(&self, area: Area, width: f32) -> f32 {
        if self.right_to_left {
            area.right() - width
        } else {
            area.x
        }
    }

    /// `area`, mirrored on a sheet `width` wide if the page runs from right to left.
    pub(crate) fn mirrored(&self, area: Area, width: f32) -> Area {
        if self.right_to_left {
            Area {
                x: width - area.right(),
                ..area
            }
        } else {
            area
        }
    }

    /// Street and city on one line, in the language's order, if the venue has either.
    pub(crate) fn address(&self) -> Option<String> {
        Some(match (self.street, self.city, self.locale.after_city()) {
            (Some(street), Some(city), Some(space)) => format!("{city}{space}{street}"),
            (Some(street), Some(city), None) => {
                format!("{street}{}{city}", self.locale.comma())
            }
            (one, other, _) => one.or(other)?.to_owned(),
        })
    }

    /// The style of plain text; a design overrides parts of it.
    pub(crate) fn style(
        &self,
        role: &'static str,
        type_style: TypeStyle,
        color: Color,
        size: f32,
    ) -> TextStyle {
        TextStyle {
            role,
            type_style,
            color,
            largest: size,
            smallest: size,
            leading: 1.3,
            tracking: 0.0,
            align: self.align(),
            most_lines: 1,
            balanced: false,
            air: 0.0,
        }
    }
}

/// Whether the first letter of `text` is of a script that runs from right to left.
fn begins_right_to_left(text: &str) -> bool {
    let first = text.chars().find(|c| c.is_alphabetic());
    first.is_some_and(is_right_to_left)
}
