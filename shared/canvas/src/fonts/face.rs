//! Every font by name, and where its bytes are.

use super::TypeStyle;

/// Where the bytes of a font are.
#[derive(Debug, Clone, Copy)]
pub(super) enum FontBytes {
    /// In the program.
    BuiltIn(&'static [u8]),
    /// In the file of this name in the folder of the Chinese, Japanese and Korean fonts.
    File(&'static str),
}

/// A font.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    NotoSansJp,
    NotoSansSc,
    NotoSansTc,
    NotoSansKr,
}

impl Face {
    /// The faces that are built in.
    pub(super) const BUILT_IN: [Self; 13] = [
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
    /// The faces that are read from files, in the order of `cjk-coverage.bits`.
    pub(super) const IN_FILES: [Self; 4] = [
        Self::NotoSansJp,
        Self::NotoSansSc,
        Self::NotoSansTc,
        Self::NotoSansKr,
    ];

    /// The name of the face inside the canvas, which includes weight and style.
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
            Self::NotoSansJp => "Noto Sans JP",
            Self::NotoSansSc => "Noto Sans SC",
            Self::NotoSansTc => "Noto Sans TC",
            Self::NotoSansKr => "Noto Sans KR",
        }
    }

    /// The least distance of two baselines in `style`, in font sizes.
    pub(crate) fn leading(self, style: TypeStyle) -> f32 {
        match self {
            Self::MuktaExtraBold | Self::Lalezar => 1.22,
            Self::TiroDevanagariHindi
            | Self::NotoSansDevanagariMedium
            | Self::NotoSansArabicMedium => 1.32,
            Self::AmiriBold => 1.42,
            Self::NotoEmoji => 1.12,
            Self::NotoSansJp | Self::NotoSansSc | Self::NotoSansTc | Self::NotoSansKr => {
                match style {
                    TypeStyle::Loud | TypeStyle::Festive => 1.2,
                    TypeStyle::Strong => 1.36,
                    TypeStyle::Plain => 1.6,
                }
            }
            Self::BricolageExtraBold
            | Self::InterTightExtraBold
            | Self::FrauncesDisplay
            | Self::NotoSerifDisplayMedium
            | Self::InterRegular
            | Self::InterSemiBold => 0.0,
        }
    }

    /// Whether the face is for Chinese, Japanese or Korean.
    pub(crate) fn is_cjk(self) -> bool {
        Self::IN_FILES.contains(&self)
    }

    /// Where its bytes are.
    pub(super) fn stored(self) -> FontBytes {
        let bytes: &'static [u8] = match self {
            Self::BricolageExtraBold => {
                include_bytes!("../../fonts/BricolageGrotesque-ExtraBold.ttf")
            }
            Self::InterTightExtraBold => include_bytes!("../../fonts/InterTight-ExtraBold.ttf"),
            Self::MuktaExtraBold => include_bytes!("../../fonts/Mukta-ExtraBold.ttf"),
            Self::Lalezar => include_bytes!("../../fonts/Lalezar-Regular.ttf"),
            Self::FrauncesDisplay => include_bytes!("../../fonts/Fraunces-Display.ttf"),
            Self::NotoSerifDisplayMedium => {
                include_bytes!("../../fonts/NotoSerifDisplay-Medium.ttf")
            }
            Self::TiroDevanagariHindi => {
                include_bytes!("../../fonts/TiroDevanagariHindi-Regular.ttf")
            }
            Self::AmiriBold => include_bytes!("../../fonts/Amiri-Bold.ttf"),
            Self::InterRegular => include_bytes!("../../fonts/Inter-Regular.ttf"),
            Self::InterSemiBold => include_bytes!("../../fonts/Inter-SemiBold.ttf"),
            Self::NotoSansDevanagariMedium => {
                include_bytes!("../../fonts/NotoSansDevanagari-Medium.ttf")
            }
            Self::NotoSansArabicMedium => include_bytes!("../../fonts/NotoSansArabic-Medium.ttf"),
            Self::NotoEmoji => include_bytes!("../../fonts/NotoEmoji-Bold.ttf"),
            Self::NotoSansJp => return FontBytes::File("NotoSansJP-Medium.ttf"),
            Self::NotoSansSc => return FontBytes::File("NotoSansSC-Medium.ttf"),
            Self::NotoSansTc => return FontBytes::File("NotoSansTC-Medium.ttf"),
            Self::NotoSansKr => return FontBytes::File("NotoSansKR-Medium.ttf"),
        };
        FontBytes::BuiltIn(bytes)
    }
}
