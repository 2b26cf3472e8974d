//! Which voice speaks a language. A text is never read in another language than its own.

use std::collections::BTreeMap;

use contract::Locale;
use drawing::Language;
use serde::Deserialize;

/// Voices by the language that each speaks: a tag such as `hi`, `en-IN` or `zh-Hant`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Speakers<S>(BTreeMap<Locale, S>);

impl<S> Default for Speakers<S> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<S> FromIterator<(Locale, S)> for Speakers<S> {
    fn from_iter<I: IntoIterator<Item = (Locale, S)>>(voices: I) -> Self {
        Self(voices.into_iter().collect())
    }
}

impl<S> Speakers<S> {
    /// The voices with their tags.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Locale, &S)> {
        self.0.iter()
    }

    /// The voice for `language`, with the tag under which it is set: the one of the same region,
    /// else one of no region, else the first of the language.
    pub(crate) fn of(&self, language: &Language) -> Option<(&Locale, &S)> {
        let far = |tag: &Locale| {
            let of = Language::parse(tag.as_str())?;
            let is_of_it = of.code() == language.code();
            is_of_it.then_some((of.region() != language.region(), of.region().is_some()))
        };
        let speak = self.iter().filter_map(|one| Some((far(one.0)?, one)));
        speak.min_by_key(|(far, _)| *far).map(|(_, one)| one)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(tags: &[&str], language: &str) -> Option<String> {
        let voices = tags.iter().map(|tag| (Locale::parse(tag).unwrap(), ()));
        let speakers: Speakers<()> = voices.collect();
        let (tag, ()) = speakers.of(&Language::parse(language).unwrap())?;
        Some(tag.as_str().to_owned())
    }

    #[test]
    fn the_voice_of_the_region_speaks_or_else_one_of_the_language() {
        let tags = ["en-GB", "en-IN", "hi", "pt-BR", "pt"];
        for (language, expected) in [
            ("en-IN", Some("en-IN")),
            ("en-US", Some("en-GB")),
            ("en", Some("en-GB")),
            ("hi-IN", Some("hi")),
            ("pt-PT", Some("pt")),
            ("pt-BR", Some("pt-BR")),
            ("ta", None),
            ("mr-IN", None),
        ] {
            assert_eq!(asked(&tags, language).as_deref(), expected, "{language}");
        }
        assert_eq!(asked(&["iw"], "he-IL").as_deref(), Some("iw"));
        assert_eq!(asked(&[], "en"), None);
    }
}
