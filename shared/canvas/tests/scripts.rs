//! Every script on whole pictures: which face sets it, and what is told where none does.
//!
//! What happens to a title or a field most of whose letters are lost is in `loss.rs`.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex, PoisonError},
};

use canvas::{Canvas, ClusterBox, Drawing, DrawnText, FontError, RenderError, Rendered};
use contract::{AssetKind, Configuration, MediaType};
use serde_json::{Value, json};

/// One canvas for all tests, because a render must not depend on earlier ones.
static CANVAS: LazyLock<Mutex<Canvas>> =
    LazyLock::new(|| Mutex::new(Canvas::new(&folder()).unwrap()));

const PACK: &str = "scripts.pack";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts/files")
}

fn on(
    canvas: &mut Canvas,
    asset: AssetKind,
    configuration: &Configuration,
) -> Result<Rendered, RenderError> {
    canvas.render(&Drawing {
        asset,
        configuration,
        look: "one look for all",
        logo: None,
        painting: None,
    })
}

fn draw(asset: AssetKind, facts: Value) -> Rendered {
    let configuration: Configuration = serde_json::from_value(facts).unwrap();
    let mut canvas = CANVAS.lock().unwrap_or_else(PoisonError::into_inner);
    on(&mut canvas, asset, &configuration).unwrap()
}

fn titled(asset: AssetKind, title: &str, locale: &str) -> Rendered {
    draw(asset, json!({ "title": title, "locale": locale }))
}

fn text<'a>(rendered: &'a Rendered, role: &str) -> &'a DrawnText {
    rendered
        .report
        .texts
        .iter()
        .find(|text| text.role == role)
        .unwrap_or_else(|| panic!("no {role} was drawn"))
}

/// The number of characters that the picture lacks. A change of the report's form changes this line
/// alone.
fn lost(rendered: &Rendered) -> usize {
    let lost = rendered.report.lost.values();
    lost.map(|lost| lost.characters() as usize).sum()
}

/// The names of the faces of the letters and digits of `text`, each once.
fn faces(text: &DrawnText) -> Vec<&'static str> {
    let is_word =
        |cluster: &&ClusterBox| text.text[cluster.text.clone()].contains(char::is_alphanumeric);
    let mut faces: Vec<&str> = text
        .clusters
        .iter()
        .filter(is_word)
        .map(|cluster| cluster.face)
        .collect();
    faces.sort_unstable();
    faces.dedup();
    faces
}

/// A locale, a title in its language, and the face of the title on a poster and on an invitation.
type Title = (&'static str, &'static str, &'static str, &'static str);

const SCHEDULED: [Title; 25] = [
    (
        "as-IN",
        "ৰঙালী বিহু উৎসৱ",
        "Anek Bangla Bold",
        "Noto Sans Bengali Medium",
    ),
    (
        "bn-IN",
        "পয়লা বৈশাখ উৎসব ১৪৩৩",
        "Anek Bangla Bold",
        "Noto Sans Bengali Medium",
    ),
    (
        "brx-IN",
        "बड़ो महोत्सव",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "doi-IN",
        "डोगरी मेला",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "gu-IN",
        "નવરાત્રી મહોત્સવ",
        "Anek Gujarati Bold",
        "Noto Sans Gujarati Medium",
    ),
    (
        "hi-IN",
        "शास्त्रीय संगीत संध्या",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "kn-IN",
        "ಕನ್ನಡ ರಾಜ್ಯೋತ್ಸವ",
        "Anek Kannada Bold",
        "Noto Sans Kannada Medium",
    ),
    (
        "ks-Arab-IN",
        "کٲشُر مُشٲعِرہ",
        "Noto Nastaliq Urdu Medium",
        "Noto Nastaliq Urdu Medium",
    ),
    (
        "kok-IN",
        "गोंय संगीत सुवाळो",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "mai-IN",
        "मैथिली महोत्सव",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "ml-IN",
        "ഓണാഘോഷം 2026",
        "Anek Malayalam Bold",
        "Noto Sans Malayalam Medium",
    ),
    (
        "mni-Beng-IN",
        "য়াওশং কুম্মৈ",
        "Anek Bangla Bold",
        "Noto Sans Bengali Medium",
    ),
    (
        "mni-Mtei-IN",
        "ꯌꯥꯎꯁꯪ ꯀꯨꯝꯍꯩ",
        "Noto Sans Meetei Mayek Medium",
        "Noto Sans Meetei Mayek Medium",
    ),
    (
        "mr-IN",
        "गणेशोत्सव आणि नृत्य",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "ne-NP",
        "दशैं महोत्सव",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "or-IN",
        "ରଥଯାତ୍ରା ମହୋତ୍ସବ",
        "Baloo Bhaina 2 Bold",
        "Noto Sans Oriya Medium",
    ),
    (
        "pa-IN",
        "ਵਿਸਾਖੀ ਮੇਲਾ",
        "Baloo Paaji 2 Bold",
        "Noto Sans Gurmukhi Medium",
    ),
    (
        "sa-IN",
        "संस्कृतसम्मेलनम्",
        "Mukta ExtraBold",
        "Tiro Devanagari Hindi",
    ),
    (
        "sat-IN",
        "ᱵᱟᱦᱟ ᱯᱚᱨᱚᱵ",
        "Noto Sans Ol Chiki Medium",
        "Noto Sans Ol Chiki Medium",
    ),
    (
        "sd-PK",
        "سنڌي ثقافتي ميلو",
        "Noto Sans Arabic Medium",
        "Amiri Bold",
    ),
    (
        "ta-IN",
        "பொங்கல் திருவிழா 2026",
        "Anek Tamil Bold",
        "Noto Sans Tamil Medium",
    ),
    (
        "te-IN",
        "ఉగాది ఉత్సవం",
        "Anek Telugu Bold",
        "Noto Sans Telugu Medium",
    ),
    (
        "ur-IN",
        "محفلِ مشاعرہ ۲۰۲۶",
        "Noto Nastaliq Urdu Medium",
        "Noto Nastaliq Urdu Medium",
    ),
    (
        "ur-PK",
        "یومِ آزادی",
        "Noto Nastaliq Urdu Medium",
        "Noto Nastaliq Urdu Medium",
    ),
    (
        "si-LK",
        "අලුත් අවුරුදු උත්සවය",
        "Noto Sans Sinhala Medium",
        "Noto Sans Sinhala Medium",
    ),
];

const OTHERS: [Title; 20] = [
    (
        "th-TH",
        "เทศกาลสงกรานต์ 2569",
        "Kanit SemiBold",
        "Noto Sans Thai Medium",
    ),
    (
        "lo-LA",
        "ບຸນປີໃໝ່ລາວ",
        "Noto Sans Lao Medium",
        "Noto Sans Lao Medium",
    ),
    (
        "km-KH",
        "បុណ្យចូលឆ្នាំខ្មែរ",
        "Noto Sans Khmer Medium",
        "Noto Sans Khmer Medium",
    ),
    (
        "my-MM",
        "သင်္ကြန်ပွဲတော်",
        "Noto Sans Myanmar Medium",
        "Noto Sans Myanmar Medium",
    ),
    (
        "he-IL",
        "שָׁלוֹם עֲלֵיכֶם",
        "Heebo ExtraBold",
        "Frank Ruhl Libre Bold",
    ),
    ("ar-SA", "أمسية شعرية", "Lalezar", "Amiri Bold"),
    ("fa-IR", "جشن نوروز", "Lalezar", "Amiri Bold"),
    (
        "ckb-IQ",
        "جەژنی نەورۆز",
        "Vazirmatn ExtraBold",
        "Amiri Bold",
    ),
    (
        "ps-AF",
        "د پښتو مشاعره",
        "Vazirmatn ExtraBold",
        "Amiri Bold",
    ),
    (
        "ug-CN",
        "ئۇيغۇر مۇقامى",
        "Vazirmatn ExtraBold",
        "Amiri Bold",
    ),
    (
        "am-ET",
        "የአዲስ ዓመት በዓል",
        "Noto Sans Ethiopic Medium",
        "Noto Sans Ethiopic Medium",
    ),
    (
        "ka-GE",
        "თბილისის ჯაზ ფესტივალი",
        "Noto Sans Georgian Medium",
        "Noto Sans Georgian Medium",
    ),
    (
        "hy-AM",
        "Երևանի ջազ փառատոն",
        "Noto Sans Armenian Medium",
        "Noto Sans Armenian Medium",
    ),
    (
        "dv-MV",
        "ދިވެހި ރާއްޖެ",
        "Noto Sans Thaana Medium",
        "Noto Sans Thaana Medium",
    ),
    (
        "ru-RU",
        "Джаз в Москве 2026",
        "Inter Tight ExtraBold",
        "Noto Serif Display Medium",
    ),
    (
        "el-GR",
        "Ἀγάπη καὶ μουσική",
        "Inter Tight ExtraBold",
        "Noto Serif Display Medium",
    ),
    (
        "ha-NG",
        "Ƙasa Ɗan Fulani",
        "Noto Sans ExtraBold",
        "Noto Serif Display Medium",
    ),
    (
        "yo-NG",
        "Àṣà Ọjọ́ Ẹ̀kọ́",
        "Noto Sans ExtraBold",
        "Noto Serif Display Medium",
    ),
    (
        "ak-GH",
        "Ɔdɔ Yɛ Wu",
        "Noto Sans ExtraBold",
        "Noto Serif Display Medium",
    ),
    (
        "ee-GH",
        "Ɛwe Ɖɔ",
        "Noto Sans ExtraBold",
        "Noto Serif Display Medium",
    ),
];

fn titles() -> impl Iterator<Item = Title> {
    SCHEDULED.into_iter().chain(OTHERS)
}

#[test]
fn a_title_is_whole_and_in_one_face_of_its_script() {
    for (locale, title, on_poster, on_invitation) in titles() {
        for (asset, face) in [
            (AssetKind::Poster, on_poster),
            (AssetKind::Invitation, on_invitation),
        ] {
            let rendered = titled(asset, title, locale);
            let drawn = text(&rendered, "title");
            assert_eq!(drawn.text, title, "{locale}");
            assert_eq!(faces(drawn), [face], "{locale}: {title}");
            assert_eq!(lost(&rendered), 0, "{locale}");
        }
    }
}

#[test]
fn facts_in_each_script_are_drawn_whole_and_without_fault() {
    let kinds: Vec<AssetKind> = AssetKind::ALL
        .into_iter()
        .filter(|asset| asset.media_type() == MediaType::Image)
        .collect();
    for (number, (locale, title, ..)) in titles().enumerate() {
        let facts = json!({
            "title": title, "locale": locale, "description": title, "organizer": title,
            "venue": { "name": title, "address": title, "city": "2026" },
            "startsAt": "2026-07-18T18:30:00+05:30",
        });
        // Every kind of picture is drawn in three scripts.
        for asset in [AssetKind::Poster, kinds[number % kinds.len()]] {
            let rendered = draw(asset, facts.clone());
            let report = &rendered.report;
            assert_eq!(report.faults(), [], "{locale}, {}", asset.as_str());
            assert_eq!(lost(&rendered), 0, "{locale}, {}", asset.as_str());
        }
        let rendered = draw(AssetKind::Poster, facts);
        for role in ["venue", "organizer", "description"] {
            let drawn = text(&rendered, role);
            assert!(drawn.text.contains(title), "{locale}: {}", drawn.text);
        }
    }
}

#[test]
fn a_latin_word_has_one_face_in_titles_and_in_text() {
    for word in [
        "Kṛṣṇa",
        "Ḍholak",
        "Àṣà",
        "Ọjọ́",
        "nǐhǎo",
        "Əfsanə",
        "Ŋaŋa",
        "Ʋɔ",
        "Ǝŋ",
        "ǯuk",
        "ȟe",
    ] {
        let facts = json!({ "title": word, "locale": "en", "description": word });
        let rendered = draw(AssetKind::Poster, facts);
        for role in ["title", "description"] {
            let drawn = text(&rendered, role);
            assert_eq!(faces(drawn).len(), 1, "{word}: {:?}", drawn.clusters);
            assert_eq!(drawn.text, word);
        }
        assert_eq!(lost(&rendered), 0, "{word}");
    }
}

#[test]
fn one_unusual_name_in_a_text_takes_the_other_words_to_its_face() {
    let facts = json!({ "title": "A", "locale": "en", "description": "with Ɗan Fulani" });
    let rendered = draw(AssetKind::Poster, facts);
    assert_eq!(faces(text(&rendered, "description")), ["Noto Sans Medium"]);
}

#[test]
fn a_price_keeps_its_sign_or_gets_the_code_of_its_currency() {
    for (price, drawn) in [
        ("\u{20c1}250", "SAR\u{a0}250"),
        ("\u{20c0}250", "\u{20c0}250"),
        ("฿250", "฿250"),
        ("৳250", "৳250"),
        ("₹250", "₹250"),
        ("؋250", "؋250"),
        ("៛250", "៛250"),
    ] {
        let rendered = titled(AssetKind::Poster, &format!("Tickets {price}"), "en");
        assert_eq!(
            text(&rendered, "title").text,
            format!("Tickets {drawn}"),
            "{price}"
        );
        assert_eq!(lost(&rendered), 0, "{price}");
    }
}

#[test]
fn a_letter_of_bengali_that_belongs_below_another_one_is_there() {
    // Beside it, with a virama between them, it is as wide as both.
    let facts = json!({
        "title": "উৎসব", "locale": "bn-IN", "venue": { "name": "প প্র ত ত্র" },
    });
    let rendered = draw(AssetKind::Poster, facts);
    let venue = text(&rendered, "venue");
    let width = |letters: &str| {
        let of = |cluster: &&ClusterBox| &venue.text[cluster.text.clone()] == letters;
        venue.clusters.iter().find(of).unwrap().width
    };
    for (letter, with_ra) in [("প", "প্র"), ("ত", "ত্র")] {
        assert!(width(with_ra) < 1.4 * width(letter), "{with_ra}");
    }
}

#[test]
fn letters_in_squares_are_drawn() {
    let rendered = titled(AssetKind::Poster, "🆁🆃🆈 Night", "en");
    assert_eq!(text(&rendered, "title").text, "🆁🆃🆈 Night");
    assert_eq!(lost(&rendered), 0);
}

#[test]
fn a_rare_chinese_character_without_a_font_is_told() {
    for character in ["𠮷", "鱻"] {
        let rendered = titled(AssetKind::Poster, &format!("{character} 音楽祭"), "ja");
        assert_eq!(text(&rendered, "title").text, "音楽祭");
        assert_eq!(lost(&rendered), 1, "{character}");
    }
}

#[test]
fn digits_and_brackets_keep_the_face_of_the_words_beside_them() {
    for (locale, title, face) in [
        ("ta", "பொங்கல் (2026)", "Anek Tamil Bold"),
        ("bn", "উৎসব 20%!", "Anek Bangla Bold"),
        ("th", "สงกรานต์ “2569”", "Kanit SemiBold"),
        ("he", "\"שלום\" 2026", "Heebo ExtraBold"),
        ("ar", "(خصم 20%)", "Lalezar"),
    ] {
        let rendered = titled(AssetKind::Poster, title, locale);
        let drawn = text(&rendered, "title");
        let others: Vec<&ClusterBox> = drawn
            .clusters
            .iter()
            .filter(|cluster| cluster.face != face)
            .collect();
        assert!(others.is_empty(), "{title}: {others:?}");
    }
}

#[test]
fn only_the_faces_that_a_text_needs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(self::folder()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    // The last face of the pack, which is Nastaliq, is damaged.
    let mut pack = fs::read(folder.path().join(PACK)).unwrap();
    let last = pack.len() - 1;
    pack[last] ^= 1;
    fs::write(folder.path().join(PACK), pack).unwrap();
    let mut canvas = Canvas::new(folder.path()).unwrap();
    let mut poster = |title: &str, locale: &str| {
        let facts = json!({ "title": title, "locale": locale });
        let configuration: Configuration = serde_json::from_value(facts).unwrap();
        on(&mut canvas, AssetKind::Poster, &configuration)
    };
    poster("Night of Jazz", "en").unwrap();
    poster("பொங்கல்", "ta").unwrap();
    let error = poster("محفل", "ur").unwrap_err();
    assert!(
        matches!(&error, RenderError::Font(FontError::Unreadable(path)) if path.ends_with(PACK)),
        "{error}"
    );
    // A failed render leaves no state behind.
    poster("பொங்கல்", "ta").unwrap();
}

#[test]
fn a_pack_that_is_missing_or_cut_short_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(self::folder()).unwrap() {
        let file = file.unwrap();
        if file.file_name() != PACK {
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    let refused = || match Canvas::new(folder.path()) {
        Ok(_) => panic!("the folder is taken"),
        Err(error) => error.to_string(),
    };
    assert!(refused().contains(PACK), "{}", refused());
    fs::write(folder.path().join(PACK), b"faces 1\n").unwrap();
    assert!(refused().contains(PACK), "{}", refused());
}
