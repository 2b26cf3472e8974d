//! In which language a content is.

use contract::Configuration;
use icu_locale::{LanguageIdentifier, Locale, LocaleCanonicalizer, LocaleExpander};
use unicode_script::{Script, UnicodeScript as _};

/// The scripts of languages that are written with several, beside Latin letters, by the languages'
/// codes. Source: CLDR's `languageData`.
const ALSO_WRITTEN_WITH: [(&str, &[&str]); 19] = [
    ("az", &["Arab", "Cyrl"]),
    ("bs", &["Cyrl"]),
    ("ha", &["Arab"]),
    ("kk", &["Arab", "Cyrl"]),
    ("ks", &["Arab", "Deva"]),
    ("ku", &["Arab", "Cyrl"]),
    ("ky", &["Arab", "Cyrl"]),
    ("mn", &["Cyrl", "Mong"]),
    ("mni", &["Beng", "Mtei"]),
    ("ms", &["Arab"]),
    ("pa", &["Arab", "Guru"]),
    ("sat", &["Beng", "Deva", "Olck", "Orya"]),
    ("sd", &["Arab", "Deva"]),
    ("sr", &["Cyrl"]),
    ("tg", &["Arab", "Cyrl"]),
    ("tk", &["Arab", "Cyrl"]),
    ("tt", &["Cyrl"]),
    ("ug", &["Arab", "Cyrl"]),
    ("uz", &["Arab", "Cyrl"]),
];

/// A language, with the region whose variety it is, if one is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(LanguageIdentifier);

impl Language {
    /// The language of a tag, under the code that Unicode recommends for it (`he` for `iw`).
    /// Subtags from the first that BCP 47 does not allow are ignored; `None` if that leaves none.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let mut locale = understood(tag)?;
        LocaleCanonicalizer::new_extended().canonicalize(&mut locale);
        Some(Self(locale.id))
    }

    /// The language that the words of `configuration` are in. It is that of its locale, and English
    /// without one, as long as that is written with the letters of the words. Latin letters are in
    /// names and titles of any language, so they go with every locale. For other letters it is the
    /// language that most texts of this script are in, such as Tamil for Tamil letters.
    #[must_use]
    pub fn of(configuration: &Configuration) -> Self {
        let locale = configuration.locale.as_ref();
        let tag = locale.map_or("en", |locale| locale.as_str());
        let said = Self::parse(tag).unwrap_or(Self(icu_locale::langid!("en")));
        match other_script(configuration) {
            Some(script) if !said.is_written_with(script) => {
                let by_script = Self::parse(&format!("und-{}", script.short_name()));
                by_script.map_or(said, |language| Self(language.likely()))
            }
            Some(_) | None => said,
        }
    }

    /// Its code: two letters where ISO 639-1 has one, else three.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0.language.as_str()
    }

    /// The code of its region.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_ref().map(|region| region.as_str())
    }

    /// With the script and the region that it most likely has.
    fn likely(&self) -> LanguageIdentifier {
        let mut likely = self.0.clone();
        LocaleExpander::new_extended().maximize(&mut likely);
        likely
    }

    fn is_written_with(&self, script: Script) -> bool {
        let script = script.short_name();
        let also = ALSO_WRITTEN_WITH
            .iter()
            .find(|(code, _)| *code == self.code());
        if also.is_some_and(|(_, scripts)| scripts.contains(&script)) {
            return true;
        }
        let Some(own) = self.likely().script else {
            return false;
        };
        match own.as_str() {
            "Jpan" => ["Hani", "Hira", "Kana"].contains(&script),
            "Kore" => ["Hang", "Hani"].contains(&script),
            "Hans" | "Hant" => ["Hani", "Bopo"].contains(&script),
            own => own == script,
        }
    }
}

/// `tag`, without the subtags from the first that BCP 47 does not allow: the contract checks only
/// the form. `None` if that leaves none.
pub(crate) fn understood(tag: &str) -> Option<Locale> {
    let mut tag = tag;
    loop {
        match Locale::try_from_str(tag) {
            Ok(locale) => return Some(locale),
            Err(_) => tag = tag.rsplit_once('-')?.0,
        }
    }
}

/// The script of the title, or of the first other text of the tenant's own words, that is not
/// mainly in Latin letters. Venues and cities have names in letters of their own.
fn other_script(configuration: &Configuration) -> Option<Script> {
    let texts = [
        Some(configuration.title.as_str()),
        configuration.description.as_ref().map(|text| text.as_str()),
        configuration
            .call_to_action
            .as_ref()
            .map(|text| text.as_str()),
    ];
    let mut scripts = texts.into_iter().flatten().filter_map(main_script);
    scripts.find(|script| *script != Script::Latin)
}

/// The script of the most letters of `text`; `None` without letters. Kana and Hangul tell Japanese
/// and Korean from Chinese, so one of them outweighs any number of Chinese characters.
fn main_script(text: &str) -> Option<Script> {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in text.chars().map(|c| c.script()) {
        if matches!(script, Script::Common | Script::Inherited | Script::Unknown) {
            continue;
        }
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    let (most, _) = *counts.iter().max_by_key(|(_, count)| *count)?;
    let telling = [Script::Hiragana, Script::Katakana, Script::Hangul];
    let told = counts.iter().find(|(script, _)| telling.contains(script));
    match told {
        Some((told, _)) if most == Script::Han => Some(*told),
        Some(_) | None => Some(most),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn language(locale: Option<&str>, title: &str) -> String {
        let configuration = json!({
            "title": title, "locale": locale, "venue": { "name": "The Old Mill of Many Letters" },
        });
        let language = Language::of(&serde_json::from_value(configuration).unwrap());
        language.code().to_owned()
    }

    #[test]
    fn a_text_is_in_the_language_of_its_locale_if_that_is_written_so() {
        for (locale, title, expected) in [
            (None, "Lanterns on the Lake", "en"),
            (None, "2026", "en"),
            (Some("de-AT"), "Sommerfest", "de"),
            (Some("hi-IN"), "दीपावली मेला", "hi"),
            (Some("mr"), "गणेश उत्सव", "mr"),
            // Latin letters are in titles of any language.
            (Some("hi-IN"), "Sunburn Goa", "hi"),
            (Some("iw"), "פסטיבל", "he"),
            (Some("ja"), "東京", "ja"),
            (Some("ko"), "서울 재즈", "ko"),
            (Some("zh-Hant-TW"), "燈節", "zh"),
            (Some("sr"), "Концерт", "sr"),
            // The tag names the other of two scripts, or none.
            (Some("sr-Latn"), "Концерт", "sr"),
            (Some("uz"), "Навруз байрами", "uz"),
            (Some("az-AZ"), "Новруз", "az"),
            (Some("pa"), "وساکھی میلہ", "pa"),
            (Some("pa-PK"), "ਵਿਸਾਖੀ ਮੇਲਾ", "pa"),
            (Some("ks"), "शिशरुन", "ks"),
            (Some("ku"), "نەورۆز", "ku"),
        ] {
            assert_eq!(language(locale, title), expected, "{locale:?} {title}");
        }
    }

    #[test]
    fn letters_that_the_locale_is_not_written_with_tell_another_language() {
        for (locale, title, expected) in [
            (None, "தீபாவளி இசை விழா", "ta"),
            (Some("en-IN"), "தீபாவளி இசை விழா 2026 by Monsoon", "ta"),
            (Some("en"), "เทศกาลดนตรี", "th"),
            (Some("en"), "فيستيفال", "ar"),
            (Some("hi"), "ਵਿਸਾਖੀ ਮੇਲਾ", "pa"),
            (None, "花火大会の夜", "ja"),
            (Some("zh"), "서울 재즈", "ko"),
            (None, "燈節", "zh"),
        ] {
            assert_eq!(language(locale, title), expected, "{locale:?} {title}");
        }
    }

    #[test]
    fn a_text_beside_an_english_title_tells_the_language_too() {
        let configuration = json!({ "title": "Sunburn", "description": "கடற்கரையில் இசை" });
        let language = Language::of(&serde_json::from_value(configuration).unwrap());
        assert_eq!((language.code(), language.region()), ("ta", Some("IN")));
    }
}
