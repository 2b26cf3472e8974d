//! Chooses the faces of a text, word by word. Letters of one word have one face wherever one has
//! them all, because a second face breaks its joins and its weight. What is attached to a word
//! (brackets, digits, signs) has the face of the word if it can.

use std::ops::Range;

use unicode_script::{Script, UnicodeScript};
use unicode_segmentation::UnicodeSegmentation;

use super::{Piece, is_covered_by, is_direction_mark, isolates};
use crate::fonts::{Face, FaceOrder, Fonts, group, is_cjk_letter};

/// What a user-perceived character is for the choice of its face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    /// A letter, digit or mark of this script. All of Chinese, Japanese and Korean are `Han`.
    Letter(Script),
    Emoji,
    /// A digit of all scripts, or a letter of all, such as the ʻ of Hawaiian.
    Digit,
    /// Punctuation, a symbol or an invisible sign.
    Other,
}

/// A user-perceived character.
#[derive(Debug)]
struct Cluster<'a> {
    text: &'a str,
    kind: Kind,
    /// Its face, as soon as it is chosen.
    face: Option<Face>,
}

impl Cluster<'_> {
    /// Whether the face of its word has to have it.
    fn is_core(&self) -> bool {
        matches!(self.kind, Kind::Letter(_) | Kind::Digit)
    }
}

/// A text whose faces are being chosen.
struct Choice<'a> {
    fonts: &'a Fonts,
    /// The order of faces for each script of the text, Latin first.
    orders: Vec<(Script, Vec<Face>)>,
    clusters: Vec<Cluster<'a>>,
}

/// `text` in pieces, each with its face. `wide` says whether punctuation that Latin and Chinese
/// share is set as wide as a Chinese character. Every character of `text` is covered by a face.
pub(super) fn pieces(fonts: &Fonts, order: FaceOrder, wide: bool, text: &str) -> Vec<Piece> {
    let clusters = clusters(fonts, wide, text);
    let mut choice = Choice {
        fonts,
        orders: orders(order, &clusters),
        clusters,
    };
    let words = choice.words();
    let shared = choice.shared_faces();
    for word in &words {
        choice.set_letters(word.clone(), &shared);
    }
    for word in words {
        choice.set_neutral(word);
    }
    choice.set_spaces();
    choice.pieces()
}

fn clusters<'a>(fonts: &Fonts, wide: bool, text: &'a str) -> Vec<Cluster<'a>> {
    let has_cjk = text.chars().any(is_cjk_letter);
    text.grapheme_indices(true)
        .map(|(at, cluster)| {
            let shared = has_cjk
                .then(|| shared_width(wide, cluster, &text[..at], &text[at + cluster.len()..]))
                .flatten();
            Cluster {
                text: cluster,
                kind: shared.map_or_else(|| kind(fonts, cluster), Kind::Letter),
                face: None,
            }
        })
        .collect()
}

fn orders(order: FaceOrder, clusters: &[Cluster<'_>]) -> Vec<(Script, Vec<Face>)> {
    let mut scripts = vec![Script::Latin, Script::Arabic];
    for cluster in clusters {
        if let Kind::Letter(script) = cluster.kind
            && !scripts.contains(&group(script))
        {
            scripts.push(group(script));
        }
    }
    scripts
        .into_iter()
        .map(|script| (script, order.of(script)))
        .collect()
}

fn kind(fonts: &Fonts, cluster: &str) -> Kind {
    let Some(first) = cluster.chars().next() else {
        return Kind::Other;
    };
    let is_emoji = cluster.contains('\u{20e3}') || !is_covered_by(fonts, Face::INTER, cluster);
    if cluster.chars().all(char::is_whitespace) {
        Kind::Space
    } else if is_of_chinese(first) {
        Kind::Letter(Script::Han)
    } else {
        match first.script() {
            _ if is_direction_mark(first) || isolates::is_isolate(first) => Kind::Other,
            Script::Common | Script::Inherited | Script::Unknown => {
                if is_emoji && is_covered_by(fonts, Face::EMOJI, cluster) {
                    Kind::Emoji
                } else if first.is_alphanumeric() {
                    Kind::Digit
                } else {
                    Kind::Other
                }
            }
            Script::Bopomofo => Kind::Letter(Script::Han),
            script => Kind::Letter(script),
        }
    }
}

/// A letter of Chinese, Japanese or Korean, or a mark of punctuation that only they have.
fn is_of_chinese(c: char) -> bool {
    is_cjk_letter(c)
        || matches!(u32::from(c), 0x3001..=0x303f | 0x30fb | 0x3200..=0x33ff | 0xfe30..=0xfe4f
            | 0xff01..=0xffef)
}

/// The script whose width a punctuation mark has that Latin and Chinese share; `None` for any other
/// cluster. Between two Latin words it is Latin, also in a text that is mostly Chinese.
fn shared_width(wide: bool, cluster: &str, before: &str, after: &str) -> Option<Script> {
    if !matches!(cluster, "·" | "×" | "—" | "―" | "‘" | "’" | "“" | "”" | "…") {
        return None;
    }
    let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_cjk_letter(c));
    let between_words =
        is_latin(before.trim_end().chars().last()) && is_latin(after.trim_start().chars().next());
    Some(if wide && !between_words {
        Script::Han
    } else {
        Script::Latin
    })
}

/// Punctuation that belongs to what follows it.
fn opens(cluster: &str) -> bool {
    matches!(
        cluster,
        "(" | "["
            | "{"
            | "«"
            | "‹"
            | "“"
            | "‘"
            | "„"
            | "‚"
            | "¿"
            | "¡"
            | "#"
            | "@"
            | "$"
            | "£"
            | "€"
            | "₹"
            | "\u{2066}"
            | "\u{2067}"
            | "\u{2068}"
    )
}

impl Choice<'_> {
    /// The faces for a word of `script`, in the order in which they are tried.
    fn faces(&self, script: Script) -> impl Iterator<Item = Face> {
        let script = group(script);
        let known = self.orders.iter().find(|(known, _)| *known == script);
        known
            .or(self.orders.first())
            .into_iter()
            .flat_map(|(_, faces)| faces.iter().copied())
    }

    fn covers(&self, face: Face, cluster: &Cluster<'_>) -> bool {
        is_covered_by(self.fonts, face, cluster.text)
    }

    /// The words: everything between two spaces.
    fn words(&self) -> Vec<Range<usize>> {
        let (mut words, mut start) = (Vec::new(), 0);
        for (at, cluster) in self.clusters.iter().enumerate() {
            if cluster.kind == Kind::Space {
                words.push(start..at);
                start = at + 1;
            }
        }
        words.push(start..self.clusters.len());
        words.retain(|word| !word.is_empty());
        words
    }

    /// The face for all words of a script, if one has them all: a text in two weights looks like a
    /// mistake, and in Hausa every other word has a letter that the first face lacks.
    fn shared_faces(&self) -> Vec<(Script, Face)> {
        let mut faces: Vec<(Script, Face)> = Vec::new();
        for cluster in &self.clusters {
            let Kind::Letter(script) = cluster.kind else {
                continue;
            };
            if script == Script::Han || faces.iter().any(|(known, _)| *known == script) {
                continue;
            }
            let face = self.faces(script).find(|face| {
                self.clusters
                    .iter()
                    .filter(|other| other.kind == Kind::Letter(script))
                    .all(|other| self.covers(*face, other))
            });
            faces.extend(face.map(|face| (script, face)));
        }
        faces
    }

    /// Chooses the faces of a word that has letters or emoji.
    fn set_letters(&mut self, word: Range<usize>, shared: &[(Script, Face)]) {
        let scripts = self.scripts(word.clone());
        if let Some(face) = self.one_face(word.clone(), &scripts) {
            self.set(word, Some(face), Script::Latin);
            return;
        }
        let mut start = word.start;
        while start < word.end {
            let script = scripts[start - word.start];
            let same = scripts[start - word.start..]
                .iter()
                .take_while(|other| **other == script)
                .count();
            let part = start..start + same;
            start = part.end;
            let Some(script) = script else {
                continue;
            };
            let face = shared
                .iter()
                .find(|(known, _)| *known == script)
                .map(|(_, face)| *face)
                .filter(|face| self.has_core(*face, part.clone()));
            let face = match script {
                // Chinese characters are chosen one by one: a Japanese sentence with one Chinese
                // name stays Japanese. Emoji all have one face.
                Script::Han | Script::Common => None,
                _ => face.or_else(|| {
                    self.faces(script)
                        .find(|face| self.has_core(*face, part.clone()))
                }),
            };
            self.set(part, face, script);
        }
    }

    /// The script of each cluster of a word: `Common` for emoji, and for punctuation and digits that
    /// of the letters that they are attached to. `None` in a word without letters.
    fn scripts(&self, word: Range<usize>) -> Vec<Option<Script>> {
        let known: Vec<Option<Script>> = self.clusters[word.clone()]
            .iter()
            .map(|cluster| match cluster.kind {
                Kind::Letter(script) => Some(script),
                Kind::Emoji => Some(Script::Common),
                Kind::Space | Kind::Digit | Kind::Other => None,
            })
            .collect();
        let letter = |script: &Option<Script>| script.filter(|script| *script != Script::Common);
        (0..known.len())
            .map(|at| {
                let before = known[..at].iter().rev().find_map(letter);
                let after = known[at..].iter().find_map(letter);
                let attached = if opens(self.clusters[word.start + at].text) {
                    after.or(before)
                } else {
                    before.or(after)
                };
                known[at].or(attached)
            })
            .collect()
    }

    /// The face for a word of letters of several scripts, if one has all of them.
    fn one_face(&self, word: Range<usize>, scripts: &[Option<Script>]) -> Option<Face> {
        let first = scripts.iter().flatten().next()?;
        let is_mixed = scripts.iter().flatten().any(|script| script != first);
        let is_apart = |script: &Script| matches!(script, Script::Han | Script::Common);
        if !is_mixed || scripts.iter().flatten().any(is_apart) {
            return None;
        }
        self.faces(*first)
            .find(|face| self.has_core(*face, word.clone()))
    }

    fn has_core(&self, face: Face, part: Range<usize>) -> bool {
        self.clusters[part]
            .iter()
            .filter(|cluster| cluster.is_core())
            .all(|cluster| self.covers(face, cluster))
    }

    /// Gives each cluster of `part` the face `face`, or, if that lacks it, the first of `script` that
    /// has it.
    fn set(&mut self, part: Range<usize>, face: Option<Face>, script: Script) {
        for at in part {
            let cluster = &self.clusters[at];
            let chosen = if cluster.kind == Kind::Emoji {
                Some(Face::EMOJI)
            } else {
                face.filter(|face| self.covers(*face, cluster))
                    .or_else(|| self.faces(script).find(|face| self.covers(*face, cluster)))
            };
            self.clusters[at].face = chosen;
        }
    }

    /// Chooses the face of a word without letters: that of the word before it or else after it, if
    /// it has the whole word. It may also stand beside emoji.
    fn set_neutral(&mut self, word: Range<usize>) {
        let start = word.start;
        let unset = |cluster: &Cluster<'_>| cluster.face.is_none();
        if !self.clusters[word.clone()].iter().any(unset) {
            return;
        }
        let is_text = |face: &Face| *face != Face::EMOJI;
        let faces = |clusters: &[Cluster<'_>]| -> Vec<Face> {
            clusters.iter().filter_map(|cluster| cluster.face).collect()
        };
        let before = faces(&self.clusters[..start])
            .into_iter()
            .rev()
            .find(is_text);
        let after = faces(&self.clusters[start..]).into_iter().find(is_text);
        let script = self.script_without_letters(word.clone());
        let face = before
            .into_iter()
            .chain(after)
            .chain(self.faces(script))
            .find(|face| {
                self.clusters[word.clone()]
                    .iter()
                    .filter(|cluster| unset(cluster))
                    .all(|cluster| self.covers(*face, cluster))
            });
        for at in word {
            if self.clusters[at].face.is_none() {
                self.set(at..at + 1, face, script);
            }
        }
    }

    /// The script for digits and punctuation that stand alone.
    fn script_without_letters(&self, word: Range<usize>) -> Script {
        let is_arabic = |c: char| matches!(c, '\u{600}'..='\u{6ff}');
        if self.clusters[word]
            .iter()
            .any(|cluster| cluster.text.chars().any(is_arabic))
        {
            Script::Arabic
        } else {
            Script::Latin
        }
    }

    /// Sets each space in the face of the word before it, or, after an emoji, of the word that
    /// follows: an emoji's space is far too wide.
    fn set_spaces(&mut self) {
        for at in 0..self.clusters.len() {
            if self.clusters[at].kind != Kind::Space {
                continue;
            }
            let before = at.checked_sub(1).and_then(|at| self.clusters[at].face);
            let after = self.clusters.get(at + 1).and_then(|cluster| cluster.face);
            let face = before
                .into_iter()
                .chain(after)
                .find(|face| *face != Face::EMOJI && self.covers(*face, &self.clusters[at]));
            self.clusters[at].face = Some(face.unwrap_or(Face::INTER));
        }
    }

    fn pieces(self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for cluster in self.clusters {
            // Every cluster has a face by now; the default only keeps this function whole.
            let face = cluster.face.unwrap_or(Face::INTER);
            match pieces.last_mut() {
                Some(last) if last.face == face => last.text.push_str(cluster.text),
                _ => pieces.push(Piece {
                    text: cluster.text.to_owned(),
                    face,
                }),
            }
        }
        pieces
    }
}
