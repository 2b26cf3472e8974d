//! What a template shows: the facts of an event, a piece of content or a campaign. Every topic and
//! the renderer share this type.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use strum::{EnumCount, VariantArray};

use crate::{
    AssetKind, Fact, Identifier, MediaType, Moment, S3Object, Text, TimeZoneName, VoiceModelId,
    text::Parsed,
};

/// The facts that a design is drawn from. One value passes through every stage unchanged: a
/// trigger's data is converted to it, the table stores it, `template.created|updated` carry it and
/// the canvas draws it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// The entity's title, in its author's language.
    pub title: Text<300>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<2000>>,
    /// When it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Moment>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Moment>,
    /// The venue's time zone; if absent, the offset of `starts_at` applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<TimeZoneName>,
    /// The language of dates and fixed words; if absent, English as in the United States.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// The venue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<Venue>,
    /// The organizer, author or advertiser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organizer: Option<Text<200>>,
    /// A short text above the title: a category, an offer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text<60>>,
    /// The call to action: `Book now`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_to_action: Option<Text<40>>,
    /// The tenant's brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Brand>,
    /// The cloned voice that speaks it, where it is spoken. A version from before drops it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_model_id: Option<VoiceModelId>,
}

impl Configuration {
    /// The configuration that replaces an erased one: only a title that says so.
    #[must_use]
    pub fn erased() -> Self {
        Self::titled(Text::parse("erased").expect("it is short, and not blank"))
    }

    /// The configuration with a title and nothing else. A caller that has more facts writes them
    /// over it: `Configuration { venue, ..Configuration::titled(title) }`.
    #[must_use]
    pub fn titled(title: Text<300>) -> Self {
        Self {
            title,
            description: None,
            starts_at: None,
            ends_at: None,
            time_zone: None,
            locale: None,
            venue: None,
            organizer: None,
            label: None,
            call_to_action: None,
            brand: None,
            voice_model_id: None,
        }
    }

    /// The part of the configuration that `kind` shows. A design gets only this part, so two
    /// configurations with an equal part give the same pixels.
    #[must_use]
    pub fn shown_by(&self, kind: AssetKind) -> Self {
        fn if_shown<T: Clone>(kind: AssetKind, fact: Fact, value: &Option<T>) -> Option<T> {
            value.as_ref().filter(|_| kind.shows(fact)).cloned()
        }
        Self {
            title: self.title.clone(),
            description: if_shown(kind, Fact::Description, &self.description),
            starts_at: if_shown(kind, Fact::When, &self.starts_at),
            ends_at: if_shown(kind, Fact::When, &self.ends_at),
            time_zone: if_shown(kind, Fact::When, &self.time_zone),
            locale: self.locale.clone(),
            venue: if_shown(kind, Fact::Venue, &self.venue),
            organizer: if_shown(kind, Fact::Organizer, &self.organizer),
            label: if_shown(kind, Fact::Label, &self.label),
            call_to_action: if_shown(kind, Fact::CallToAction, &self.call_to_action),
            brand: self.brand.clone(),
            voice_model_id: self.voice_of(kind),
        }
    }

    /// The cloned voice that is to speak a `kind`; `None` for one without sound.
    #[must_use]
    pub fn voice_of(&self, kind: AssetKind) -> Option<VoiceModelId> {
        match kind.media_type() {
            MediaType::Audio => self.voice_model_id,
            MediaType::Image | MediaType::Video => None,
        }
    }

    /// The same facts in another language.
    #[must_use]
    pub fn translated(&self, locale: Locale, translation: Translation) -> Self {
        Self {
            title: translation.title,
            description: translation.description.or_else(|| self.description.clone()),
            label: translation.label.or_else(|| self.label.clone()),
            call_to_action: translation
                .call_to_action
                .or_else(|| self.call_to_action.clone()),
            locale: Some(locale),
            ..self.clone()
        }
    }
}

/// The translated texts of a configuration. Optional texts that are absent stay in the original
/// language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Translation {
    /// The title.
    pub title: Text<300>,
    /// A few sentences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<2000>>,
    /// A short text above the title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Text<60>>,
    /// The call to action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_to_action: Option<Text<40>>,
}

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Venue {
    /// Its name.
    pub name: Text<200>,
    /// Street and number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Text<300>>,
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<Text<100>>,
}

/// A brand's look. The design derives absent values from the given ones, or chooses them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Brand {
    /// The colour of the large areas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_color: Option<Color>,
    /// The colour of accents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accent_color: Option<Color>,
    /// The logo: a PNG, JPEG, WebP or SVG in a bucket that the studio may read. A new logo needs a
    /// new key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo: Option<S3Object>,
    /// The typeface of titles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub font: Option<Typeface>,
}

/// The typeface of titles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Typeface {
    /// A heavy grotesque.
    Modern,
    /// A display serif.
    Classic,
}

/// An sRGB colour, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
}

impl Color {
    /// Reads `#rrggbb`, in either case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text
            .strip_prefix('#')
            .filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        Some(Self { red, green, blue })
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl Serialize for Color {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Color {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is not a colour; write #rrggbb")))
    }
}

/// A language tag in BCP 47's form, `hi-IN`, in the case that BCP 47 recommends, so that each
/// language has one spelling. Only the form is checked: an unknown language gets English dates.
///
/// Dates follow what the tag asks for after `-u-` (RFC 6067): `nu` the digits, `hc` the hours, `ca`
/// the calendar. `hi-IN-u-nu-deva` has १४, `en-US-u-hc-h23` has 18:30, `th-TH-u-ca-gregory` has 2026
/// instead of 2569. Other keys change nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Locale(String);

impl Locale {
    /// Parses a tag: a language of 2 or 3 letters, then subtags of 1 to 8 letters or digits, each
    /// after a hyphen; at most 35 characters.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let mut subtags = tag.split('-');
        let language = subtags.next()?;
        let fits = tag.len() <= 35
            && (2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_alphabetic())
            && subtags.all(|s| {
                (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric())
            });
        fits.then(|| Self(in_recommended_case(tag)))
    }

    /// The tag.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Language in lower case, script in title case, region in upper case. After a one-letter subtag
/// everything is in lower case (RFC 5646, 2.1.1).
fn in_recommended_case(tag: &str) -> String {
    let mut cased = tag.to_ascii_lowercase();
    let mut begin = 0;
    for (index, subtag) in tag.split('-').enumerate() {
        match subtag.len() {
            _ if index == 0 => {}
            1 => break,
            2 => cased[begin..begin + 2].make_ascii_uppercase(),
            4 => cased[begin..=begin].make_ascii_uppercase(),
            _ => {}
        }
        begin += subtag.len() + 1;
    }
    cased
}

impl<'de> Deserialize<'de> for Locale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Parsed(|tag| {
            Self::parse(tag)
                .ok_or_else(|| format!("`{tag}` is not a language tag, such as en or hi-IN"))
        }))
    }
}

/// The kind of an entity.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    EnumCount,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
pub enum EntityKind {
    /// An event that people attend.
    Event,
    /// An item of CMS content.
    Content,
    /// A campaign.
    Campaign,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: [Self; Self::COUNT] = *Self::VARIANTS.first_chunk().unwrap();

    /// The kind as the contract writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Content => "content",
            Self::Campaign => "campaign",
        }
    }
}

/// The event, content or campaign that a template is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entity {
    /// Its kind.
    pub kind: EntityKind,
    /// Its id, as its service writes it.
    pub id: Identifier,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_tag_is_kept_in_the_case_that_bcp_47_recommends() {
        for (tag, kept) in [
            ("en", "en"),
            ("HI-in", "hi-IN"),
            ("ZH-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("de-CH-1996", "de-CH-1996"),
            ("sl-ROZAJ", "sl-rozaj"),
            ("en-GB-U-CA-BUDDHIST-NU-LATN", "en-GB-u-ca-buddhist-nu-latn"),
            ("hi-in-U-NU-deva", "hi-IN-u-nu-deva"),
            ("sr-latn-rs-u-hc-h12", "sr-Latn-RS-u-hc-h12"),
        ] {
            assert_eq!(Locale::parse(tag).unwrap().as_str(), kept);
        }
        for wrong in [
            "",
            "e",
            "engl",
            "e1",
            "en-",
            "-en",
            "en--GB",
            "en_GB",
            "en-ninechars",
            "en-गब",
        ] {
            assert_eq!(Locale::parse(wrong), None, "{wrong}");
        }
    }
}
