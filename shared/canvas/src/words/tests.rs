use super::*;

fn rules(tag: &str) -> LocaleRules {
    LocaleRules::of(Locale::parse(tag).as_ref())
}

#[test]
fn chinese_takes_its_script_from_the_tag_or_the_region() {
    for tag in [
        "zh",
        "zh-CN",
        "zh-SG",
        "zh-Hans",
        "zh-Hans-HK",
        "zh-Hans-TW",
        "cmn",
        "yue-CN",
        "zh-CN-u-co-pinyin",
    ] {
        assert_eq!(rules(tag).han(), Some(Han::Simplified), "{tag}");
    }
    for tag in [
        "zh-TW",
        "zh-HK",
        "zh-MO",
        "zh-Hant",
        "zh-Hant-CN",
        "zh-hant-sg",
        "yue",
        "yue-HK",
        "cmn-TW",
    ] {
        assert_eq!(rules(tag).han(), Some(Han::Traditional), "{tag}");
    }
    assert_eq!(rules("ja-JP").han(), Some(Han::Japanese));
    assert_eq!(rules("ko").han(), Some(Han::Korean));
    assert_eq!(rules("vi").han(), None);
}

#[test]
fn the_direction_is_that_of_the_languages_script() {
    for tag in [
        "ar-EG", "fa", "ur-IN", "ckb", "ps-AF", "ug-CN", "sd", "ks", "pa-PK", "pa-Arab", "he",
        "dv", "az-IR", "uz-AF", "iw",
    ] {
        assert!(rules(tag).right_to_left(), "{tag}");
    }
    for tag in [
        "en", "hi", "pa", "sd-Deva", "ks-Deva", "ta", "ar-Latn", "xq",
    ] {
        assert!(!rules(tag).right_to_left(), "{tag}");
    }
}

#[test]
fn arabic_script_has_its_own_comma() {
    for tag in ["ar", "fa", "ur", "ckb", "ps", "sd", "ug", "ks", "pa-PK"] {
        assert_eq!(rules(tag).comma(), "، ", "{tag}");
    }
    for tag in ["en", "he", "sd-Deva", "pa", "hi"] {
        assert_eq!(rules(tag).comma(), ", ", "{tag}");
    }
}

#[test]
fn words_are_in_the_language_and_in_its_script() {
    let hosted_by = |tag: &str| Some(rules(tag).words()?.hosted_by);
    assert_eq!(hosted_by("en-IN"), Some("Hosted by"));
    assert_eq!(hosted_by("fr-CA"), Some("Organisé par"));
    assert_eq!(hosted_by("sr"), Some("Организатор:"));
    assert_eq!(hosted_by("sr-Latn-RS"), Some("Organizator:"));
    assert_eq!(hosted_by("zh-HK"), Some("主辦"));
    assert_eq!(hosted_by("in"), Some("Diselenggarakan oleh"));
    // No words of another language, or in another script.
    for tag in ["sa", "hi-Latn", "pa-PK", "uz-Cyrl", "tlh", "xq"] {
        assert_eq!(hosted_by(tag), None, "{tag}");
    }
}

#[test]
fn an_unreadable_rest_of_a_tag_is_left_out() {
    // The contract allows both; BCP 47 allows neither.
    for tag in ["fr-u", "fr-abc1-2", "fr-x"] {
        assert_eq!(rules(tag).tag(), "fr", "{tag}");
    }
    assert_eq!(rules("xq").tag(), "und");
}

#[test]
fn at_least_forty_languages_have_words_and_each_row_is_whole() {
    let text = include_str!("../../languages.tsv");
    assert_eq!(
        text.lines().next(),
        Some("tag\tscript\tsource\tneeds_native_reader\tinvited\thosted_by\tpresented_by")
    );
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [tag, script, source, native, words @ ..] = &cells[..] else {
            panic!("{line}")
        };
        assert_eq!(words.len(), 3, "{line}");
        let filled = words.iter().filter(|word| !word.is_empty()).count();
        assert!(
            matches!(
                (*source, *native, filled),
                ("studio", "yes" | "no", 3) | ("none", "no", 0)
            ),
            "{line}"
        );
        let found = rules(&format!("{tag}-{script}"));
        assert_eq!((found.tag(), found.words().is_some()), (*tag, filled > 0));
    }
    let with_words = ROWS.iter().filter(|row| row.words.is_some());
    assert!(with_words.count() >= 40);
    // One row for each language and script.
    for (index, row) in ROWS.iter().enumerate() {
        let twin = ROWS[..index]
            .iter()
            .find(|other| (other.tag, other.script) == (row.tag, row.script));
        assert!(twin.is_none(), "{twin:?}");
    }
}

#[test]
fn the_words_of_a_language_are_in_its_own_script() {
    use unicode_script::{Script, UnicodeScript};
    for row in ROWS.iter() {
        let Some(words) = &row.words else { continue };
        let theirs = match row.script {
            "Jpan" | "Hans" | "Hant" => vec![Script::Han, Script::Hiragana, Script::Katakana],
            "Kore" => vec![Script::Hangul],
            script => vec![Script::from_short_name(script).unwrap()],
        };
        for c in [words.invited, words.hosted_by, words.presented_by]
            .concat()
            .chars()
        {
            assert!(
                theirs.contains(&c.script())
                    || matches!(c.script(), Script::Common | Script::Inherited),
                "{}: {c}",
                row.tag
            );
        }
    }
}
