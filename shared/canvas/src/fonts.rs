//! The fonts, and the faces of each type style. The canvas reads no other fonts, because a poster
//! must not depend on the machine that draws it.
//!
//! The faces that most posters need are built in. The others are in files, and are read when a text
//! first needs one. What each face covers is built in, so that choosing a face reads nothing.

mod coverage;
mod face;
mod han;
mod pack;
mod row;
mod table;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use contract::{Brand, Typeface};
use unicode_script::Script;

pub(crate) use face::Face;
pub(crate) use han::{
    Han, is_chinese, is_cjk_letter, is_hangul, is_hiragana, is_kana, is_katakana,
};
use pack::Pack;
use row::{Place, Role};
use table::FACES;

/// Why a font cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FontError {
    /// The file of a font cannot be opened or read.
    #[error("the font `{}` cannot be read", .0.display())]
    Missing(PathBuf, #[source] io::Error),
    /// The file is not the one from whose characters the coverage was written.
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

    /// How well a role serves the type style; the least number serves best. A script without a
    /// festive face has its text face on an invitation, because a loud one shouts there.
    fn rank(self, role: Role) -> usize {
        let order = match self {
            Self::Loud => [Role::Loud, Role::Strong, Role::Plain, Role::Festive],
            Self::Festive => [Role::Festive, Role::Plain, Role::Strong, Role::Loud],
            Self::Strong => [Role::Strong, Role::Plain, Role::Loud, Role::Festive],
            Self::Plain => [Role::Plain, Role::Strong, Role::Festive, Role::Loud],
        };
        order
            .into_iter()
            .position(|known| known == role)
            .unwrap_or(order.len())
    }
}

/// The faces that are tried for a word, in order. Every order has all faces, so all type styles
/// cover the same characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaceOrder {
    pub(crate) style: TypeStyle,
    /// The form of Chinese characters that the reader knows.
    pub(crate) han: Han,
    /// Whether Arabic letters are set in Nastaliq, as readers of Urdu and Kashmiri expect.
    pub(crate) nastaliq: bool,
    /// Whether Latin words stand beside letters of a script whose face for text is of medium weight,
    /// and are to be as heavy.
    pub(crate) medium: bool,
}

impl FaceOrder {
    /// The faces for a word of `script` (one that [`group`] returns): its own faces by role, then
    /// those of Latin, which have most symbols, then emoji, then all others.
    pub(crate) fn of(self, script: Script) -> Vec<Face> {
        let mut faces: Vec<Face> = Face::all().collect();
        faces.sort_by_cached_key(|face| {
            let row = face.row();
            let nearness = if *face == Face::NASTALIQ {
                if self.nastaliq && script == Script::Arabic {
                    0
                } else {
                    6
                }
            } else if row.script == script {
                1
            } else if row.script == Script::Latin {
                2
            } else if row.role == Role::Emoji {
                3
            } else if row.script == Script::Han {
                5
            } else {
                4
            };
            let rank = if row.script == Script::Han {
                let order = self.han.faces();
                order.iter().position(|other| other == face)
            } else if self.medium && *face == Face::MEDIUM {
                // Before all that have a rank.
                None
            } else {
                Some(self.style.rank(row.role))
            };
            (nearness, rank)
        });
        faces
    }
}

/// The script whose faces set `script`. The faces of Latin have Greek and Cyrillic letters too, and
/// those of Chinese characters have kana and hangul.
pub(crate) fn group(script: Script) -> Script {
    match script {
        Script::Greek | Script::Cyrillic => Script::Latin,
        Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo => Script::Han,
        other => other,
    }
}

/// The font files, and the faces that have been read so far.
#[derive(Debug)]
pub(crate) struct Fonts {
    folder: PathBuf,
    pack: Pack,
    /// The bytes of each face that has been read, in the order of the table.
    read: Vec<Option<Arc<Vec<u8>>>>,
}

impl Fonts {
    /// Checks that `folder` has the files of all faces that are not built in, so that a missing
    /// file is found at the start and not by the first poster in its script. Reads no face.
    ///
    /// # Errors
    /// [`FontError::Missing`] for a file that cannot be opened; [`FontError::Unreadable`] for a
    /// pack of other faces than those of the table.
    pub(crate) fn load(folder: &Path) -> Result<Self, FontError> {
        for row in &FACES {
            if let Place::File(name) = row.place {
                let path = folder.join(name);
                File::open(&path).map_err(|error| FontError::Missing(path, error))?;
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            pack: Pack::open(&folder.join(pack::FILE))?,
            read: vec![None; FACES.len()],
        })
    }

    /// Whether `face` has a glyph for `character`, and can place it if it is a mark.
    pub(crate) fn covers(&self, face: Face, character: char) -> bool {
        face.row().contents.covers(character)
    }

    /// The bytes of `face`, a whole TrueType font. It is read from its file the first time, and
    /// stays in memory.
    ///
    /// # Errors
    /// [`FontError::Missing`] if the file cannot be read; [`FontError::Unreadable`] if it holds
    /// another font than the table says.
    pub(crate) fn bytes(
        &mut self,
        face: Face,
    ) -> Result<Arc<dyn AsRef<[u8]> + Send + Sync>, FontError> {
        let row = face.row();
        if let Place::BuiltIn(bytes) = row.place {
            return Ok(Arc::new(bytes));
        }
        let kept = &mut self.read[face.index()];
        if let Some(bytes) = kept {
            return Ok(Arc::clone(bytes) as Arc<dyn AsRef<[u8]> + Send + Sync>);
        }
        let bytes = match row.place {
            Place::File(name) => {
                let path = self.folder.join(name);
                let bytes =
                    fs::read(&path).map_err(|error| FontError::Missing(path.clone(), error))?;
                if !row.contents.is_of(&bytes) {
                    return Err(FontError::Unreadable(path));
                }
                bytes
            }
            Place::BuiltIn(_) | Place::Packed => self.pack.read(row)?,
        };
        let bytes = kept.insert(Arc::new(bytes));
        Ok(Arc::clone(bytes) as Arc<dyn AsRef<[u8]> + Send + Sync>)
    }
}

#[cfg(test)]
mod tests;
