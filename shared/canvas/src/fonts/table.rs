//! The table of all faces. Within a script and a role, the first that covers a word sets it.

use unicode_script::Script;

use super::{
    coverage,
    row::{Contents, FaceRow, Place, Role},
};

/// Every face. [`super::Face`] is an index into this.
#[rustfmt::skip]
pub(super) static FACES: [FaceRow; 53] = [
    // Latin, Greek and Cyrillic.
    built_in(&coverage::BRICOLAGE_GROTESQUE_EXTRABOLD, Script::Latin, Role::Loud, 0.0,
        include_bytes!("../../fonts/BricolageGrotesque-ExtraBold.ttf")),
    built_in(&coverage::INTER_TIGHT_EXTRABOLD, Script::Latin, Role::Loud, 0.0,
        include_bytes!("../../fonts/InterTight-ExtraBold.ttf")),
    packed(&coverage::NOTO_SANS_EXTRABOLD, Script::Latin, Role::Loud, 0.0),
    built_in(&coverage::FRAUNCES_DISPLAY, Script::Latin, Role::Festive, 0.0,
        include_bytes!("../../fonts/Fraunces-Display.ttf")),
    packed(&coverage::NOTO_SERIF_DISPLAY_MEDIUM, Script::Latin, Role::Festive, 0.0),
    built_in(&coverage::INTER_SEMIBOLD, Script::Latin, Role::Strong, 0.0,
        include_bytes!("../../fonts/Inter-SemiBold.ttf")),
    built_in(&coverage::INTER_REGULAR, Script::Latin, Role::Plain, 0.0,
        include_bytes!("../../fonts/Inter-Regular.ttf")),
    packed(&coverage::NOTO_SANS_MEDIUM, Script::Latin, Role::Plain, 0.0),
    packed(&coverage::NOTO_SANS_SYMBOLS_MEDIUM, Script::Latin, Role::Plain, 0.0),
    // Emoji, in the colour of the text around them.
    packed(&coverage::NOTO_EMOJI_BOLD, Script::Common, Role::Emoji, 1.12),
    // India, Nepal and Sri Lanka.
    packed(&coverage::MUKTA_EXTRABOLD, Script::Devanagari, Role::Loud, 1.22),
    packed(&coverage::TIRO_DEVANAGARI_HINDI, Script::Devanagari, Role::Festive, 1.32),
    packed(&coverage::NOTO_SANS_DEVANAGARI_MEDIUM, Script::Devanagari, Role::Plain, 1.32),
    packed(&coverage::ANEK_BANGLA_BOLD, Script::Bengali, Role::Loud, 1.54),
    packed(&coverage::NOTO_SANS_BENGALI_MEDIUM, Script::Bengali, Role::Plain, 1.36),
    packed(&coverage::ANEK_GUJARATI_BOLD, Script::Gujarati, Role::Loud, 1.5),
    packed(&coverage::NOTO_SANS_GUJARATI_MEDIUM, Script::Gujarati, Role::Plain, 1.34),
    packed(&coverage::BALOO_PAAJI_2_BOLD, Script::Gurmukhi, Role::Loud, 1.28),
    packed(&coverage::NOTO_SANS_GURMUKHI_MEDIUM, Script::Gurmukhi, Role::Plain, 1.32),
    packed(&coverage::BALOO_BHAINA_2_BOLD, Script::Oriya, Role::Loud, 1.46),
    packed(&coverage::NOTO_SANS_ORIYA_MEDIUM, Script::Oriya, Role::Plain, 1.36),
    packed(&coverage::ANEK_TAMIL_BOLD, Script::Tamil, Role::Loud, 1.32),
    packed(&coverage::NOTO_SANS_TAMIL_MEDIUM, Script::Tamil, Role::Plain, 1.32),
    packed(&coverage::ANEK_TELUGU_BOLD, Script::Telugu, Role::Loud, 1.46),
    packed(&coverage::NOTO_SANS_TELUGU_MEDIUM, Script::Telugu, Role::Plain, 1.4),
    packed(&coverage::ANEK_KANNADA_BOLD, Script::Kannada, Role::Loud, 1.36),
    packed(&coverage::NOTO_SANS_KANNADA_MEDIUM, Script::Kannada, Role::Plain, 1.4),
    packed(&coverage::ANEK_MALAYALAM_BOLD, Script::Malayalam, Role::Loud, 1.18),
    packed(&coverage::NOTO_SANS_MALAYALAM_MEDIUM, Script::Malayalam, Role::Plain, 1.32),
    packed(&coverage::NOTO_SANS_SINHALA_MEDIUM, Script::Sinhala, Role::Plain, 1.34),
    packed(&coverage::NOTO_SANS_OL_CHIKI_MEDIUM, Script::Ol_Chiki, Role::Plain, 1.2),
    packed(&coverage::NOTO_SANS_MEETEI_MAYEK_MEDIUM, Script::Meetei_Mayek, Role::Plain, 1.32),
    // Southeast Asia.
    packed(&coverage::KANIT_SEMIBOLD, Script::Thai, Role::Loud, 1.4),
    packed(&coverage::NOTO_SANS_THAI_MEDIUM, Script::Thai, Role::Plain, 1.5),
    packed(&coverage::NOTO_SANS_LAO_MEDIUM, Script::Lao, Role::Plain, 1.5),
    packed(&coverage::NOTO_SANS_KHMER_MEDIUM, Script::Khmer, Role::Plain, 1.5),
    packed(&coverage::NOTO_SANS_MYANMAR_MEDIUM, Script::Myanmar, Role::Plain, 1.56),
    // Africa, the Caucasus and the Near East.
    packed(&coverage::NOTO_SANS_ETHIOPIC_MEDIUM, Script::Ethiopic, Role::Plain, 1.2),
    packed(&coverage::NOTO_SANS_GEORGIAN_MEDIUM, Script::Georgian, Role::Plain, 1.2),
    packed(&coverage::NOTO_SANS_ARMENIAN_MEDIUM, Script::Armenian, Role::Plain, 1.2),
    packed(&coverage::HEEBO_EXTRABOLD, Script::Hebrew, Role::Loud, 1.1),
    packed(&coverage::FRANK_RUHL_LIBRE_BOLD, Script::Hebrew, Role::Festive, 1.16),
    packed(&coverage::NOTO_SANS_HEBREW_MEDIUM, Script::Hebrew, Role::Plain, 1.3),
    packed(&coverage::NOTO_SANS_THAANA_MEDIUM, Script::Thaana, Role::Plain, 1.4),
    // Arabic.
    packed(&coverage::LALEZAR, Script::Arabic, Role::Loud, 1.22),
    packed(&coverage::VAZIRMATN_EXTRABOLD, Script::Arabic, Role::Loud, 1.3),
    packed(&coverage::AMIRI_BOLD, Script::Arabic, Role::Festive, 1.42),
    packed(&coverage::NOTO_SANS_ARABIC_MEDIUM, Script::Arabic, Role::Plain, 1.32),
    packed(&coverage::NOTO_NASTALIQ_URDU_MEDIUM, Script::Arabic, Role::Festive, 1.9),
    // Chinese, Japanese and Korean. [`Face::leading`] has their leading in text.
    in_file(&coverage::NOTO_SANS_JP, Script::Han, Role::Plain, 1.2, "NotoSansJP-Medium.ttf"),
    in_file(&coverage::NOTO_SANS_SC, Script::Han, Role::Plain, 1.2, "NotoSansSC-Medium.ttf"),
    in_file(&coverage::NOTO_SANS_TC, Script::Han, Role::Plain, 1.2, "NotoSansTC-Medium.ttf"),
    in_file(&coverage::NOTO_SANS_KR, Script::Han, Role::Plain, 1.2, "NotoSansKR-Medium.ttf"),
];

const fn built_in(
    contents: &'static Contents,
    script: Script,
    role: Role,
    leading: f32,
    bytes: &'static [u8],
) -> FaceRow {
    row(contents, script, role, leading, Place::BuiltIn(bytes))
}

const fn packed(contents: &'static Contents, script: Script, role: Role, leading: f32) -> FaceRow {
    row(contents, script, role, leading, Place::Packed)
}

const fn in_file(
    contents: &'static Contents,
    script: Script,
    role: Role,
    leading: f32,
    file: &'static str,
) -> FaceRow {
    row(contents, script, role, leading, Place::File(file))
}

const fn row(
    contents: &'static Contents,
    script: Script,
    role: Role,
    leading: f32,
    place: Place,
) -> FaceRow {
    FaceRow {
        name: contents.name,
        script,
        role,
        leading,
        place,
        contents,
    }
}
