//! What stands in the dictionary or earlier in a text, and need not be said again (LZ77).

use std::sync::LazyLock;

use super::DICTIONARY;

/// A step of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A byte.
    Literal(u8),
    /// The bytes that stand `distance` bytes before, 1 to [`FURTHEST`]; there are `length` of them,
    /// [`SHORTEST`] to [`LONGEST`].
    Match { length: u16, distance: u16 },
}

/// The largest distance that DEFLATE has.
const FURTHEST: usize = 32 * 1024;

/// The longest match that DEFLATE has.
pub(super) const LONGEST: usize = 258;

/// The shortest match that is looked for. DEFLATE has those of three bytes too, which are hardly
/// shorter than three literals.
const SHORTEST: usize = 4;

/// How many earlier places are compared with a place. With 16 the items of the contract's example
/// are a thousandth larger, and 64 make none smaller.
const TRIES: usize = 32;

/// From this length on, a match is taken without a look for a longer one at the next byte.
const LONG: usize = 32;

/// The bits of a hash.
const HASH_BITS: u32 = 12;

/// Added to the number of a place in [`Window::last`], so that 0 is too far from every place.
const OFFSET: usize = FURTHEST + 1;

/// A text, and where in it the places are that begin with the same bytes.
struct Window<'a> {
    bytes: &'a [u8],
    /// By hash, the last place with it.
    last: [u32; 1 << HASH_BITS],
    /// By place, how far before it the last one with the same hash is. 0 if there is none that a
    /// match can reach.
    before: Vec<u16>,
}

/// The window of the dictionary alone, which is longer than most texts: its places are noted once.
static OF_DICTIONARY: LazyLock<Window> = LazyLock::new(|| {
    let mut window = Window {
        bytes: DICTIONARY,
        last: [0; 1 << HASH_BITS],
        before: vec![0; DICTIONARY.len()],
    };
    for place in 0..DICTIONARY.len() {
        window.note(place);
    }
    window
});

impl<'a> Window<'a> {
    /// The window of `bytes`, which begin with the dictionary. Only the dictionary's places are
    /// noted.
    fn new(bytes: &'a [u8]) -> Self {
        let mut before = Vec::with_capacity(bytes.len());
        before.extend_from_slice(&OF_DICTIONARY.before);
        before.resize(bytes.len(), 0);
        Self {
            bytes,
            last: OF_DICTIONARY.last,
            before,
        }
    }

    /// Notes `place`, once and after those before it. Returns how far before it the last one with
    /// the same hash is, or 0.
    #[inline]
    fn note(&mut self, place: usize) -> usize {
        let Some(four) = self.bytes[place..].first_chunk() else {
            return 0;
        };
        // Knuth's multiplicative hash; the factor is the golden ratio's.
        let hash = u32::from_le_bytes(*four).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS);
        let last = &mut self.last[hash as usize];
        let distance = place + OFFSET - *last as usize;
        *last = (place + OFFSET) as u32;
        let distance = if distance > FURTHEST { 0 } else { distance };
        self.before[place] = distance as u16;
        distance
    }

    /// Notes `place`. Returns length and distance of the longest match there that is longer than
    /// `least`; of several the nearest.
    #[inline]
    fn longest(&mut self, place: usize, least: usize) -> Option<(usize, usize)> {
        let mut distance = self.note(place);
        let most = LONGEST.min(self.bytes.len() - place);
        if most <= least {
            return None;
        }
        let ahead = &self.bytes[place..place + most];
        let (mut length, mut longest) = (least, None);
        let mut tries = TRIES;
        while tries > 0 && distance != 0 && distance <= FURTHEST {
            tries -= 1;
            let earlier = &self.bytes[place - distance..][..most];
            // No match is longer without this byte.
            if earlier[length] == ahead[length] {
                let same = same(earlier, ahead);
                if same > length {
                    length = same;
                    longest = Some((length, distance));
                    if length == most {
                        break;
                    }
                }
            }
            match self.before[place - distance] {
                0 => break,
                further => distance += usize::from(further),
            }
        }
        longest
    }
}

/// How many bytes of the two, which are as long as each other, are the same from the start.
fn same(one: &[u8], other: &[u8]) -> usize {
    let (words, rest) = one.as_chunks();
    let (other_words, other_rest) = other.as_chunks();
    for (index, (word, other)) in words.iter().zip(other_words).enumerate() {
        let differ = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return 8 * index + (differ.trailing_zeros() / 8) as usize;
        }
    }
    let of_rest = rest.iter().zip(other_rest);
    8 * words.len() + of_rest.take_while(|(byte, other)| byte == other).count()
}

/// The tokens of `text`, as if the dictionary had stood before it. It is shorter than 4 GB.
pub(super) fn tokens(text: &[u8]) -> Vec<Token> {
    let bytes = [DICTIONARY, text].concat();
    let mut window = Window::new(&bytes);
    let mut tokens = Vec::with_capacity(text.len() / 2);
    let mut place = DICTIONARY.len();
    while place < bytes.len() {
        let Some((mut length, mut distance)) = window.longest(place, SHORTEST - 1) else {
            tokens.push(Token::Literal(bytes[place]));
            place += 1;
            continue;
        };
        let mut noted = place + 1;
        while length < LONG {
            let longer = window.longest(noted, length);
            noted += 1;
            let Some(longer) = longer else { break };
            tokens.push(Token::Literal(bytes[place]));
            place += 1;
            (length, distance) = longer;
        }
        tokens.push(Token::Match {
            length: length as u16,
            distance: distance as u16,
        });
        place += length;
        for place in noted..place {
            window.note(place);
        }
    }
    tokens
}
