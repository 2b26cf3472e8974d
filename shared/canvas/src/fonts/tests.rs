use std::collections::BTreeSet;

use skrifa::{FontRef, MetadataProvider};
use unicode_script::UnicodeScript;

use super::{row::FaceRow, *};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts/files")
}

/// The names of the files besides the pack.
fn files() -> Vec<&'static str> {
    let name = |row: &FaceRow| match row.place {
        Place::File(name) => Some(name),
        Place::BuiltIn(_) | Place::Packed => None,
    };
    FACES.iter().filter_map(name).collect()
}

/// A folder with the pack, in which each other font file has the content `file`.
fn folder_of(file: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in files() {
        fs::write(folder.path().join(name), file).unwrap();
    }
    fs::copy(
        self::folder().join(pack::FILE),
        folder.path().join(pack::FILE),
    )
    .unwrap();
    folder
}

/// The folder of [`folder_of`] with another pack.
fn folder_with_pack(bytes: &[u8]) -> tempfile::TempDir {
    let folder = folder_of(b"");
    fs::write(folder.path().join(pack::FILE), bytes).unwrap();
    folder
}

fn failure(folder: &Path) -> FontError {
    match Fonts::load(folder) {
        Ok(_) => panic!("the folder is not refused"),
        Err(error) => error,
    }
}

#[test]
fn the_coverage_of_each_face_is_that_of_its_font() {
    let mut fonts = Fonts::load(&folder()).unwrap();
    for face in Face::all() {
        let bytes = fonts.bytes(face).unwrap();
        let font = FontRef::new((*bytes).as_ref()).unwrap();
        let drawn: BTreeSet<u32> = font.charmap().mappings().map(|(c, _)| c).collect();
        let covered: BTreeSet<u32> = ('\0'..=char::MAX)
            .filter(|c| fonts.covers(face, *c))
            .map(u32::from)
            .collect();
        let name = face.name();
        assert!(covered.is_subset(&drawn), "{name} lacks what it covers");
        // What it has and does not cover is a mark that it cannot place, or a control.
        let left: Vec<char> = (drawn.difference(&covered))
            .filter_map(|c| char::from_u32(*c))
            .filter(|c| !c.is_control() && c.is_alphanumeric())
            .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
            .collect();
        assert!(left.is_empty(), "{name} also has {left:?}");
    }
}

#[test]
fn each_face_covers_the_standard_of_its_country() {
    let fonts = Fonts::load(&folder()).unwrap();
    for (face, covered, not_covered) in [
        (
            Face::JAPANESE,
            "亜熙あアｱ々〆「」、。！髙﨑鷗頰①㈱Ⅲ♪〜",
            "东한",
        ),
        (Face::SIMPLIFIED, "啊齄东《》，。！囍喆", "東한"),
        (Face::TRADITIONAL, "一籲東「」，。！嘅咗囍", "东한"),
        (Face::KOREAN, "가힣ㄱㅣ「」！", "東东"),
    ] {
        assert!(covered.chars().all(|c| fonts.covers(face, c)), "{face:?}");
        assert!(
            !not_covered.chars().any(|c| fonts.covers(face, c)),
            "{face:?}"
        );
    }
    assert!(
        (0xac00..=0xd7a3)
            .filter_map(char::from_u32)
            .all(|c| fonts.covers(Face::KOREAN, c))
    );
}

#[test]
fn a_face_with_its_own_script_has_digits_and_brackets_for_it() {
    let fonts = Fonts::load(&folder()).unwrap();
    for face in Face::all().filter(|face| !face.is_cjk()) {
        let row = face.row();
        if row.role == Role::Emoji || row.name == "Noto Sans Symbols Medium" {
            continue;
        }
        for c in "0123456789()\"'#%&*+,-./:;?@!«»“”‘’–—…".chars() {
            assert!(fonts.covers(face, c), "{} lacks {c}", row.name);
        }
    }
}

#[test]
fn a_mark_that_a_face_cannot_place_is_not_covered() {
    let fonts = Fonts::load(&folder()).unwrap();
    let named = Face::named;
    for (face, mark, covered) in [
        (named("Bricolage Grotesque ExtraBold"), '\u{301}', false),
        (named("Fraunces Display"), '\u{301}', false),
        (named("Noto Sans ExtraBold"), '\u{301}', true),
        (named("Noto Serif Display Medium"), '\u{301}', true),
        (named("Inter Regular"), '\u{301}', true),
        (named("Heebo ExtraBold"), '\u{5b8}', true),
    ] {
        assert_eq!(fonts.covers(face, mark), covered, "{}", face.name());
    }
}

#[test]
fn a_missing_file_is_named_at_loading() {
    for name in files().into_iter().chain([pack::FILE]) {
        let folder = folder_of(b"");
        fs::remove_file(folder.path().join(name)).unwrap();
        let error = failure(folder.path());
        assert!(
            matches!(&error, FontError::Missing(path, _) if path.ends_with(name)),
            "{error}"
        );
    }
}

#[test]
fn a_font_file_is_read_on_first_use() {
    let mut fonts = Fonts::load(folder_of(b"no font").path()).unwrap();
    assert!(fonts.covers(Face::JAPANESE, '楽'));
    fonts.bytes(Face::INTER).unwrap();
    // The pack is open; the files of the folder no longer exist.
    fonts.bytes(Face::EMOJI).unwrap();
    assert!(matches!(
        fonts.bytes(Face::JAPANESE),
        Err(FontError::Missing(..))
    ));
}

#[test]
fn a_face_is_read_once() {
    let mut fonts = Fonts::load(&folder()).unwrap();
    for face in [Face::EMOJI, Face::KOREAN] {
        let first = fonts.bytes(face).unwrap();
        let second = fonts.bytes(face).unwrap();
        let address = |bytes: &Arc<dyn AsRef<[u8]> + Send + Sync>| (**bytes).as_ref().as_ptr();
        assert_eq!(address(&first), address(&second), "{}", face.name());
    }
}

#[test]
fn a_file_that_is_not_the_expected_font_is_refused() {
    let Place::BuiltIn(another) = Face::INTER.row().place else {
        panic!("it is built in")
    };
    for file in [&b""[..], b"no font", another] {
        let folder = folder_of(file);
        let mut fonts = Fonts::load(folder.path()).unwrap();
        for _ in 0..2 {
            assert!(matches!(
                fonts.bytes(Face::KOREAN),
                Err(FontError::Unreadable(_))
            ));
        }
    }
}

#[test]
fn a_pack_of_other_faces_is_refused_at_loading() {
    let pack = fs::read(folder().join(pack::FILE)).unwrap();
    let changed = |at: usize| {
        let mut changed = pack.clone();
        changed[at] ^= 1;
        changed
    };
    // The magic, the name of the first face, its length and its sum.
    for at in [0, 12, 12 + 52, 12 + 56] {
        let folder = folder_with_pack(&changed(at));
        let error = failure(folder.path());
        assert!(matches!(error, FontError::Unreadable(_)), "{at}: {error}");
    }
    for length in [0, 7, 11, 12, 1000] {
        let folder = folder_with_pack(&pack[..length]);
        let error = failure(folder.path());
        assert!(
            matches!(error, FontError::Unreadable(_)),
            "{length}: {error}"
        );
    }
}

#[test]
fn a_damaged_face_of_the_pack_is_refused_when_it_is_read() {
    let mut pack = fs::read(folder().join(pack::FILE)).unwrap();
    let last = pack.len() - 1;
    pack[last] ^= 1;
    let folder = folder_with_pack(&pack);
    let mut fonts = Fonts::load(folder.path()).unwrap();
    // The first face of the pack is whole, the last is not.
    fonts.bytes(Face::EMOJI).unwrap();
    assert!(matches!(
        fonts.bytes(Face::NASTALIQ),
        Err(FontError::Unreadable(_))
    ));
}

#[test]
fn the_order_of_faces_has_every_face_once() {
    for style in [
        TypeStyle::Loud,
        TypeStyle::Festive,
        TypeStyle::Strong,
        TypeStyle::Plain,
    ] {
        for script in [Script::Latin, Script::Tamil, Script::Han, Script::Common] {
            let order = FaceOrder {
                style,
                han: Han::Japanese,
                nastaliq: false,
                medium: false,
            };
            let faces = order.of(script);
            let distinct: BTreeSet<Face> = faces.iter().copied().collect();
            assert_eq!((faces.len(), distinct.len()), (FACES.len(), FACES.len()));
        }
    }
}

#[test]
fn a_script_has_its_face_for_each_role() {
    let first = |style, script, nastaliq| {
        let order = FaceOrder {
            style,
            han: Han::Simplified,
            nastaliq,
            medium: false,
        };
        order.of(script)[0].name()
    };
    for (style, script, name) in [
        (
            TypeStyle::Loud,
            Script::Latin,
            "Bricolage Grotesque ExtraBold",
        ),
        (TypeStyle::Festive, Script::Latin, "Fraunces Display"),
        (TypeStyle::Strong, Script::Latin, "Inter SemiBold"),
        (TypeStyle::Plain, Script::Latin, "Inter Regular"),
        (TypeStyle::Loud, Script::Tamil, "Anek Tamil Bold"),
        (TypeStyle::Festive, Script::Tamil, "Noto Sans Tamil Medium"),
        (TypeStyle::Strong, Script::Tamil, "Noto Sans Tamil Medium"),
        (TypeStyle::Loud, Script::Sinhala, "Noto Sans Sinhala Medium"),
        (TypeStyle::Loud, Script::Arabic, "Lalezar"),
        (TypeStyle::Festive, Script::Arabic, "Amiri Bold"),
        (TypeStyle::Loud, Script::Han, "Noto Sans SC"),
    ] {
        assert_eq!(first(style, script, false), name);
    }
    assert_eq!(
        first(TypeStyle::Loud, Script::Arabic, true),
        "Noto Nastaliq Urdu Medium"
    );
}

/// The letters of each language, by CLDR; `subset_scripts.py` writes it.
const LANGUAGES: &str = include_str!("../../fonts/languages.tsv");

#[test]
fn one_face_has_all_letters_of_a_language_in_each_type_style() {
    let fonts = Fonts::load(&folder()).unwrap();
    for line in LANGUAGES.lines() {
        let (language, letters) = line.split_once('\t').unwrap();
        let of_letter = |c: char| c.script();
        let is_own = |script: &Script| !matches!(script, Script::Common | Script::Inherited);
        let script = letters.chars().map(of_letter).find(is_own).unwrap();
        let script = group(script);
        for style in [
            TypeStyle::Loud,
            TypeStyle::Festive,
            TypeStyle::Strong,
            TypeStyle::Plain,
        ] {
            let order = FaceOrder {
                style,
                han: Han::Simplified,
                nastaliq: matches!(language, "ur" | "ks" | "pa-Arab"),
                medium: false,
            };
            let face = order
                .of(script)
                .into_iter()
                .find(|face| letters.chars().all(|c| fonts.covers(*face, c)))
                .unwrap_or_else(|| panic!("no face has all letters of {language}"));
            assert_eq!(face.row().script, script, "{language}, {style:?}");
            assert_eq!(
                face == Face::NASTALIQ,
                order.nastaliq,
                "{language}, {style:?}"
            );
        }
    }
    assert_eq!(LANGUAGES.lines().count(), 108);
}

#[test]
fn the_brands_typeface_comes_before_the_designs() {
    let brand = |font| Brand {
        font,
        ..Brand::default()
    };
    assert_eq!(TypeStyle::title(TypeStyle::Loud, None), TypeStyle::Loud);
    assert_eq!(
        TypeStyle::title(TypeStyle::Festive, Some(&brand(None))),
        TypeStyle::Festive
    );
    assert_eq!(
        TypeStyle::title(TypeStyle::Loud, Some(&brand(Some(Typeface::Classic)))),
        TypeStyle::Festive
    );
    assert_eq!(
        TypeStyle::title(TypeStyle::Festive, Some(&brand(Some(Typeface::Modern)))),
        TypeStyle::Loud
    );
}
