//! The fonts, and the faces of each type style. The canvas reads no other fonts, because a poster must
//! not depend on the machine that draws it.
//!
//! The faces of Chinese, Japanese and Korean are too large to be built in. They are files, read
//! when a text first needs one. Their coverage is built in, so that choosing a face reads nothing.

mod face;
mod han;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use contract::{Brand, Typeface};
use skrifa::{FontRef, MetadataProvider};

pub(crate) use face::Face;
use face::FontBytes;
pub(crate) use han::{
    Han, is_chinese, is_cjk_letter, is_hangul, is_hiragana, is_kana, is_katakana,
};

/// Why a font cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// A built-in font is damaged.
    #[error("the built-in font `{0}` cannot be read")]
    BuiltIn(&'static str),
    /// The file of a font cannot be opened or read.
    #[error("the font `{}` cannot be read", .0.display())]
    Missing(PathBuf, #[source] io::Error),
    /// The file is no font, or covers other characters than the canvas was built for.
    #[error("the font `{}` is not the one that the canvas was built for", .0.display())]
    Unreadable(PathBuf),
}

/// A style of text: it decides which faces are tried, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeStyle {
    /// Loud, for the poster's title and numerals.
    Loud,
    /// Festive, for the invitation's title and numerals.
    Festive,
    /// For facts.
    Strong,
    /// For everything else.
    Plain,
}

impl TypeStyle {
    /// The type style of a title: the brand's typeface, if it names one.
    pub(crate) fn title(default: Self, brand: Option<&Brand>) -> Self {
        match brand.and_then(|brand| brand.font) {
            Some(Typeface::Modern) => Self::Loud,
            Some(Typeface::Classic) => Self::Festive,
            None => default,
        }
    }

    /// Whether the type style is one of titles and numerals.
    pub(crate) fn is_display(self) -> bool {
        matches!(self, Self::Loud | Self::Festive)
    }

    /// The built-in faces of the type style. Every type style ends with the text faces and emoji, so all
    /// type styles cover the same characters.
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
            Self::Strong => &[
                Face::InterSemiBold,
                Face::NotoSansDevanagariMedium,
                Face::NotoSansArabicMedium,
                Face::NotoEmoji,
            ],
            Self::Plain => &[
                Face::InterRegular,
                Face::NotoSansDevanagariMedium,
                Face::NotoSansArabicMedium,
                Face::NotoEmoji,
            ],
        }
    }
}

/// The font system with the faces that have been read so far, and the characters of each.
#[derive(Debug)]
pub(crate) struct Fonts {
    /// The characters of each face, sorted, in the order of [`Face::BUILT_IN`].
    covered: Vec<Vec<u32>>,
    /// The files in the order of [`Face::IN_FILES`].
    files: [FontFile; 4],
}

/// The file of a face.
#[derive(Debug)]
struct FontFile {
    path: PathBuf,
    read: Option<Arc<Vec<u8>>>,
}

/// The coverage of the faces of [`Face::IN_FILES`]: 8192 bytes for each, with a bit for each
/// character up to U+FFFF. `subset_cjk.py` writes it together with the fonts.
const COVERED_BY_FILES: &[u8; 4 * 8192] = include_bytes!("../fonts/cjk-coverage.bits");

fn covered_by_file(index: usize, character: u32) -> bool {
    let bits = &COVERED_BY_FILES[index * 8192..][..8192];
    bits.get(character as usize / 8)
        .is_some_and(|byte| byte >> (character % 8) & 1 == 1)
}

impl Fonts {
    /// Loads the built-in faces, and checks that `folder` has the files of the others, so that a
    /// missing file is found at the start and not by the first poster in Japanese.
    ///
    /// # Errors
    /// A [`FontError`] for a built-in face that cannot be read or a file that cannot be opened.
    pub(crate) fn load(folder: &Path) -> Result<Self, FontError> {
        let files = Face::IN_FILES.map(|face| match face.stored() {
            FontBytes::File(name) => FontFile {
                path: folder.join(name),
                read: None,
            },
            // No face of `IN_FILES` is built in.
            FontBytes::BuiltIn(_) => FontFile {
                path: PathBuf::new(),
                read: None,
            },
        });
        for FontFile { path, .. } in &files {
            File::open(path).map_err(|error| FontError::Missing(path.clone(), error))?;
        }
        let mut covered = Vec::with_capacity(Face::BUILT_IN.len());
        for face in Face::BUILT_IN {
            let FontBytes::BuiltIn(bytes) = face.stored() else {
                continue;
            };
            covered.push(characters_of(bytes).ok_or(FontError::BuiltIn(face.name()))?);
        }
        Ok(Self { covered, files })
    }

    /// Whether `face` has a glyph for `character`.
    pub(crate) fn covers(&self, face: Face, character: char) -> bool {
        let character = u32::from(character);
        match Face::IN_FILES.iter().position(|file| *file == face) {
            Some(index) => covered_by_file(index, character),
            None => self.covered[face as usize]
                .binary_search(&character)
                .is_ok(),
        }
    }

    /// The bytes of `face`, read from its file unless it is built in or already read. They then
    /// stay in memory.
    ///
    /// # Errors
    /// [`FontError::Missing`] or [`FontError::Unreadable`].
    pub(crate) fn bytes(
        &mut self,
        face: Face,
    ) -> Result<Arc<dyn AsRef<[u8]> + Send + Sync>, FontError> {
        if let FontBytes::BuiltIn(bytes) = face.stored() {
            return Ok(Arc::new(bytes));
        }
        let Some(index) = Face::IN_FILES.iter().position(|file| *file == face) else {
            return Err(FontError::BuiltIn(face.name()));
        };
        let FontFile { path, read } = &mut self.files[index];
        if let Some(bytes) = read {
            return Ok(Arc::clone(bytes) as Arc<dyn AsRef<[u8]> + Send + Sync>);
        }
        let bytes = fs::read(&*path).map_err(|error| FontError::Missing(path.clone(), error))?;
        let characters =
            characters_of(&bytes).ok_or_else(|| FontError::Unreadable(path.clone()))?;
        if !characters
            .into_iter()
            .eq((0..=0xffff).filter(|character| covered_by_file(index, *character)))
        {
            return Err(FontError::Unreadable(path.clone()));
        }
        let bytes = read.insert(Arc::new(bytes));
        Ok(Arc::clone(bytes) as Arc<dyn AsRef<[u8]> + Send + Sync>)
    }
}

/// The characters that a font covers, sorted. `None` if it is not a font.
fn characters_of(bytes: &[u8]) -> Option<Vec<u32>> {
    let font = FontRef::new(bytes).ok()?;
    let mut characters: Vec<u32> = font
        .charmap()
        .mappings()
        .filter(|(_, glyph)| glyph.to_u32() != 0)
        .map(|(character, _)| character)
        .collect();
    characters.sort_unstable();
    Some(characters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fonts/cjk")
    }

    /// A folder in which each font file has the content `file`.
    fn folder_of(file: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for face in Face::IN_FILES {
            let FontBytes::File(name) = face.stored() else {
                panic!("{face:?} is built in")
            };
            fs::write(folder.path().join(name), file).unwrap();
        }
        folder
    }

    #[test]
    fn the_coverage_table_matches_the_files() {
        let mut fonts = Fonts::load(&folder()).unwrap();
        for face in Face::IN_FILES {
            fonts.bytes(face).unwrap();
        }
    }

    #[test]
    fn each_face_covers_the_standard_of_its_country() {
        let fonts = Fonts::load(&folder()).unwrap();
        for (face, covered, not_covered) in [
            (
                Face::NotoSansJp,
                "亜熙あアｱ々〆「」、。！髙﨑鷗頰①㈱Ⅲ♪〜",
                "东한",
            ),
            (Face::NotoSansSc, "啊齄东《》，。！囍喆", "東한"),
            (Face::NotoSansTc, "一籲東「」，。！嘅咗囍", "东한"),
            (Face::NotoSansKr, "가힣ㄱㅣ「」！", "東东"),
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
                .all(|c| fonts.covers(Face::NotoSansKr, c))
        );
    }

    #[test]
    fn a_missing_file_is_named_at_loading() {
        let folder = folder_of(b"");
        fs::remove_file(folder.path().join("NotoSansTC-Medium.ttf")).unwrap();
        let error = Fonts::load(folder.path()).unwrap_err();
        assert!(
            matches!(&error, FontError::Missing(path, _) if path.ends_with("NotoSansTC-Medium.ttf")),
            "{error}"
        );
    }

    #[test]
    fn a_font_file_is_read_on_first_use() {
        let mut fonts = Fonts::load(folder_of(b"no font").path()).unwrap();
        assert!(fonts.covers(Face::NotoSansJp, '楽'));
        fonts.bytes(Face::InterRegular).unwrap();
        // The folder no longer exists.
        assert!(matches!(
            fonts.bytes(Face::NotoSansJp),
            Err(FontError::Missing(..))
        ));
    }

    #[test]
    fn a_file_that_is_not_the_expected_font_is_refused() {
        let FontBytes::BuiltIn(another) = Face::InterRegular.stored() else {
            panic!("it is built in")
        };
        for file in [&b""[..], b"no font", another] {
            let folder = folder_of(file);
            let mut fonts = Fonts::load(folder.path()).unwrap();
            assert!(matches!(
                fonts.bytes(Face::NotoSansKr),
                Err(FontError::Unreadable(_))
            ));
            assert!(
                matches!(fonts.bytes(Face::NotoSansKr), Err(FontError::Unreadable(_))),
                "again"
            );
        }
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
}
