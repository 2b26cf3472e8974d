//! The fonts, and which of them says what. Only these bytes are ever read: a poster must not depend on the machine that
//! draws it.

use std::sync::Arc;

use cosmic_text::{
    Fallback, FontSystem,
    fontdb::{Database, FaceInfo, ID, Language, Source, Stretch, Style, Weight},
};

/// A font that is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    BricolageExtraBold,
    InterTightExtraBold,
    MuktaExtraBold,
    Lalezar,
    FrauncesDisplay,
    NotoSerifDisplayMedium,
    TiroDevanagariHindi,
    AmiriBold,
    InterRegular,
    InterSemiBold,
    NotoSansDevanagariMedium,
    NotoSansArabicMedium,
    NotoEmoji,
}

impl Face {
    const ALL: [Self; 13] = [
        Self::BricolageExtraBold,
        Self::InterTightExtraBold,
        Self::MuktaExtraBold,
        Self::Lalezar,
        Self::FrauncesDisplay,
        Self::NotoSerifDisplayMedium,
        Self::TiroDevanagariHindi,
        Self::AmiriBold,
        Self::InterRegular,
        Self::InterSemiBold,
        Self::NotoSansDevanagariMedium,
        Self::NotoSansArabicMedium,
        Self::NotoEmoji,
    ];

    /// The name that the face goes by inside the canvas, where weight and style are part of the name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::BricolageExtraBold => "Bricolage Grotesque ExtraBold",
            Self::InterTightExtraBold => "Inter Tight ExtraBold",
            Self::MuktaExtraBold => "Mukta ExtraBold",
            Self::Lalezar => "Lalezar",
            Self::FrauncesDisplay => "Fraunces Display",
            Self::NotoSerifDisplayMedium => "Noto Serif Display Medium",
            Self::TiroDevanagariHindi => "Tiro Devanagari Hindi",
            Self::AmiriBold => "Amiri Bold",
            Self::InterRegular => "Inter Regular",
            Self::InterSemiBold => "Inter SemiBold",
            Self::NotoSansDevanagariMedium => "Noto Sans Devanagari Medium",
            Self::NotoSansArabicMedium => "Noto Sans Arabic Medium",
            Self::NotoEmoji => "Noto Emoji Bold",
        }
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::BricolageExtraBold => include_bytes!("../fonts/BricolageGrotesque-ExtraBold.ttf"),
            Self::InterTightExtraBold => include_bytes!("../fonts/InterTight-ExtraBold.ttf"),
            Self::MuktaExtraBold => include_bytes!("../fonts/Mukta-ExtraBold.ttf"),
            Self::Lalezar => include_bytes!("../fonts/Lalezar-Regular.ttf"),
            Self::FrauncesDisplay => include_bytes!("../fonts/Fraunces-Display.ttf"),
            Self::NotoSerifDisplayMedium => include_bytes!("../fonts/NotoSerifDisplay-Medium.ttf"),
            Self::TiroDevanagariHindi => include_bytes!("../fonts/TiroDevanagariHindi-Regular.ttf"),
            Self::AmiriBold => include_bytes!("../fonts/Amiri-Bold.ttf"),
            Self::InterRegular => include_bytes!("../fonts/Inter-Regular.ttf"),
            Self::InterSemiBold => include_bytes!("../fonts/Inter-SemiBold.ttf"),
            Self::NotoSansDevanagariMedium => include_bytes!("../fonts/NotoSansDevanagari-Medium.ttf"),
            Self::NotoSansArabicMedium => include_bytes!("../fonts/NotoSansArabic-Medium.ttf"),
            Self::NotoEmoji => include_bytes!("../fonts/NotoEmoji-Bold.ttf"),
        }
    }
}

/// A way of speaking: which faces set it, first come first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// Loud, for the poster's title and numerals.
    Loud,
    /// Festive, for the invitation's title and numerals.
    Festive,
    /// Facts.
    Strong,
    /// Everything else.
    Plain,
}

impl Voice {
    /// The faces of the voice. Every voice ends with the text faces and emoji, so all cover the same characters.
    pub(crate) fn faces(self) -> &'static [Face] {
        match self {
            Self::Loud => &[
                Face::BricolageExtraBold,
                Face::InterTightExtraBold,
                Face::MuktaExtraBold,
                Face::Lalezar,
                Face::InterSemiBold,
                Face::NotoSansDevanagariMedium,
                Face::NotoSansArabicMedium,
                Face::NotoEmoji,
            ],
            Self::Festive => &[
                Face::FrauncesDisplay,
                Face::NotoSerifDisplayMedium,
                Face::TiroDevanagariHindi,
                Face::AmiriBold,
                Face::InterRegular,
                Face::NotoSansDevanagariMedium,
                Face::NotoSansArabicMedium,
                Face::NotoEmoji,
            ],
            Self::Strong => {
                &[Face::InterSemiBold, Face::NotoSansDevanagariMedium, Face::NotoSansArabicMedium, Face::NotoEmoji]
            }
            Self::Plain => {
                &[Face::InterRegular, Face::NotoSansDevanagariMedium, Face::NotoSansArabicMedium, Face::NotoEmoji]
            }
        }
    }
}

/// The font system with the built-in faces, and the characters that each covers.
#[derive(Debug)]
pub(crate) struct Fonts {
    pub(crate) system: FontSystem,
    covered: Vec<Vec<u32>>,
}

/// cosmic-text's own fallback is told nothing: every character's face is chosen before layout, in [`Voice::faces`].
struct NoFallback;

impl Fallback for NoFallback {
    fn common_fallback(&self) -> &[&'static str] {
        &[]
    }

    fn forbidden_fallback(&self) -> &[&'static str] {
        &[]
    }

    fn script_fallback(&self, _script: unicode_script::Script, _locale: &str) -> &[&'static str] {
        &[]
    }
}

impl Fonts {
    /// Loads the built-in faces.
    ///
    /// # Errors
    /// The name of a face that cannot be read.
    pub(crate) fn load() -> Result<Self, &'static str> {
        let mut database = Database::new();
        let ids: Vec<ID> = Face::ALL
            .into_iter()
            .map(|face| {
                // One family per face, all of weight 400: what is asked for by name is what is used.
                database.push_face_info(FaceInfo {
                    id: ID::dummy(),
                    source: Source::Binary(Arc::new(face.bytes())),
                    index: 0,
                    families: vec![(face.name().to_owned(), Language::English_UnitedStates)],
                    post_script_name: face.name().replace(' ', ""),
                    style: Style::Normal,
                    weight: Weight::NORMAL,
                    stretch: Stretch::Normal,
                    monospaced: false,
                })
            })
            .collect();
        let mut system = FontSystem::new_with_locale_and_db_and_fallback("en".to_owned(), database, NoFallback);
        let mut covered = Vec::with_capacity(ids.len());
        for (face, id) in Face::ALL.into_iter().zip(ids) {
            let font = system.get_font(id, Weight::NORMAL).ok_or(face.name())?;
            let mut characters = Vec::new();
            font.as_swash().charmap().enumerate(|character, glyph| {
                if glyph != 0 {
                    characters.push(character);
                }
            });
            characters.sort_unstable();
            covered.push(characters);
        }
        Ok(Self { system, covered })
    }

    /// Whether `face` has a glyph for `character`.
    pub(crate) fn covers(&self, face: Face, character: char) -> bool {
        self.covered[face as usize].binary_search(&u32::from(character)).is_ok()
    }
}
