//! Raw DEFLATE (<https://www.rfc-editor.org/rfc/rfc1951>) as if the dictionary had stood before the
//! text.
//!
//! Ours, because an item is short. The compressors of libraries have tables for long streams, which
//! are cleared or copied for each item, and the dictionary with them or read again. Here it is read
//! once, and a packed text depends on nothing but the text. docs/decisions/0022-ledger.md has the
//! figures.

use std::{iter, sync::LazyLock};

use super::{
    huffman::Codes,
    matches::{LONGEST, Token, tokens},
};

/// The most tokens of a block, which has codes of its own.
const BLOCK: usize = 16 * 1024;

/// Literals, the end of a block, and lengths. The last two are never used.
const LITERALS: usize = 288;
const END: usize = 256;
const FIRST_LENGTH: usize = 257;
const DISTANCES: usize = 30;

/// The alphabet in which the lengths of the other codes are written: a length itself, or how often
/// the one before it comes again, or how many zeros come.
const LENGTHS: usize = 19;
const AGAIN: usize = 16;
const ZEROS: usize = 17;
const MANY_ZEROS: usize = 18;

/// The order in which the lengths of the codes of that alphabet are written.
const ORDER: [usize; LENGTHS] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

/// A symbol of an alphabet, and the bits after its code, which say which value of several it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Symbol {
    number: usize,
    extra: u32,
    extra_bits: u32,
}

impl Symbol {
    #[inline]
    fn new(number: usize) -> Self {
        Self::with(number, 0, 0)
    }

    #[inline]
    fn with(number: usize, extra: u32, extra_bits: u32) -> Self {
        Self {
            number,
            extra,
            extra_bits,
        }
    }

    /// The symbol of the range of values in which `value` is. Like floats with so many bits of
    /// mantissa, 2 to the power of `mantissa_bits` ranges are as long as each other, and the next
    /// ones twice as long.
    #[inline]
    fn of_range(first: usize, value: u32, mantissa_bits: u32) -> Self {
        let extra_bits = (value | 1).ilog2().saturating_sub(mantissa_bits);
        let range = (extra_bits << mantissa_bits) + (value >> extra_bits);
        let extra = value & ((1 << extra_bits) - 1);
        Self::with(first + range as usize, extra, extra_bits)
    }

    #[inline]
    fn of_length(length: u16) -> Self {
        match usize::from(length) {
            // It has a symbol of its own, although the one before could say it, too.
            LONGEST => Self::new(FIRST_LENGTH + 28),
            _ => Self::of_range(FIRST_LENGTH, u32::from(length) - 3, 2),
        }
    }

    #[inline]
    fn of_distance(distance: u16) -> Self {
        Self::of_range(0, u32::from(distance) - 1, 1)
    }
}

/// Bits, which fill each byte from its lowest bit.
struct Bits {
    bytes: Vec<u8>,
    /// What is not in `bytes` yet, `held_bits` of it, which are less than 32.
    held: u64,
    held_bits: u32,
}

impl Bits {
    /// Adds at most 32 bits.
    #[inline]
    fn push(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.held_bits;
        self.held_bits += count;
        if self.held_bits >= 32 {
            let [word @ .., _, _, _, _] = self.held.to_le_bytes();
            self.bytes.extend_from_slice(&word);
            self.held >>= 32;
            self.held_bits -= 32;
        }
    }

    #[inline]
    fn push_symbol<const SYMBOLS: usize>(&mut self, codes: &Codes<SYMBOLS>, symbol: Symbol) {
        let length = u32::from(codes.lengths[symbol.number]);
        let bits = u32::from(codes.bits[symbol.number]) | (symbol.extra << length);
        self.push(bits, length + symbol.extra_bits);
    }

    /// The bytes, the last one filled up with zeros.
    fn finish(mut self) -> Vec<u8> {
        let rest = self.held_bits.div_ceil(8) as usize;
        let held = self.held.to_le_bytes();
        self.bytes.extend_from_slice(&held[..rest]);
        self.bytes
    }
}

/// How often a block has each symbol.
struct Frequencies {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Frequencies {
    fn of(tokens: &[Token]) -> Self {
        let mut literals = [0; LITERALS];
        let mut distances = [0; DISTANCES];
        for token in tokens {
            match *token {
                Token::Literal(byte) => literals[usize::from(byte)] += 1,
                Token::Match { length, distance } => {
                    literals[Symbol::of_length(length).number] += 1;
                    distances[Symbol::of_distance(distance).number] += 1;
                }
            }
        }
        literals[END] = 1;
        Self {
            literals,
            distances,
        }
    }
}

/// The codes of a block.
struct BlockCodes {
    literals: Codes<LITERALS>,
    distances: Codes<DISTANCES>,
}

/// The codes that need not be described in the block.
static FIXED: LazyLock<BlockCodes> = LazyLock::new(|| {
    let mut literals = [8; LITERALS];
    literals[144..256].fill(9);
    literals[256..280].fill(7);
    BlockCodes {
        literals: Codes::of(literals),
        distances: Codes::of([5; DISTANCES]),
    }
});

impl BlockCodes {
    /// The bits of a block without its header, and without the extra bits, which are the same with
    /// all codes.
    fn bits(&self, frequencies: &Frequencies) -> u32 {
        let of_literals = iter::zip(&frequencies.literals, &self.literals.lengths);
        let of_distances = iter::zip(&frequencies.distances, &self.distances.lengths);
        of_literals
            .chain(of_distances)
            .map(|(frequency, length)| frequency * u32::from(*length))
            .sum()
    }

    fn push(&self, bits: &mut Bits, tokens: &[Token]) {
        for token in tokens {
            match *token {
                Token::Literal(byte) => {
                    bits.push_symbol(&self.literals, Symbol::new(usize::from(byte)));
                }
                Token::Match { length, distance } => {
                    bits.push_symbol(&self.literals, Symbol::of_length(length));
                    bits.push_symbol(&self.distances, Symbol::of_distance(distance));
                }
            }
        }
        bits.push_symbol(&self.literals, Symbol::new(END));
    }
}

/// The description of the codes of a block.
struct Header {
    literals: usize,
    distances: usize,
    /// The lengths of their codes.
    lengths: Vec<Symbol>,
    /// The codes of those lengths, and how many of them are said, in [`ORDER`].
    codes: Codes<LENGTHS>,
    said: usize,
}

impl Header {
    fn of(codes: &BlockCodes) -> Self {
        let literals = until_last_used(&codes.literals.lengths);
        let distances = until_last_used(&codes.distances.lengths);
        let lengths = symbols_of_lengths(&[literals, distances].concat());
        let mut frequencies = [0; LENGTHS];
        for symbol in &lengths {
            frequencies[symbol.number] += 1;
        }
        let of_lengths = Codes::new(&frequencies, 7);
        let in_order = ORDER.map(|number| of_lengths.lengths[number]);
        Self {
            literals: literals.len(),
            distances: distances.len(),
            lengths,
            said: until_last_used(&in_order).len().max(4),
            codes: of_lengths,
        }
    }

    fn bits(&self) -> u32 {
        let of_symbol = |symbol: &Symbol| {
            let length = self.codes.lengths[symbol.number];
            u32::from(length) + symbol.extra_bits
        };
        let of_lengths: u32 = self.lengths.iter().map(of_symbol).sum();
        5 + 5 + 4 + 3 * self.said as u32 + of_lengths
    }

    fn push(&self, bits: &mut Bits) {
        bits.push((self.literals - FIRST_LENGTH) as u32, 5);
        bits.push((self.distances - 1) as u32, 5);
        bits.push((self.said - 4) as u32, 4);
        for number in &ORDER[..self.said] {
            bits.push(u32::from(self.codes.lengths[*number]), 3);
        }
        for symbol in &self.lengths {
            bits.push_symbol(&self.codes, *symbol);
        }
    }
}

/// The lengths without those of the last symbols that have no code.
fn until_last_used(lengths: &[u8]) -> &[u8] {
    let last = lengths.iter().rposition(|length| *length > 0);
    &lengths[..last.map_or(0, |last| last + 1)]
}

/// Lengths of codes as symbols of the alphabet for them.
fn symbols_of_lengths(lengths: &[u8]) -> Vec<Symbol> {
    let mut symbols = Vec::with_capacity(lengths.len());
    for run in lengths.chunk_by(|one, next| one == next) {
        let length = usize::from(run[0]);
        let mut left = run.len();
        if length > 0 {
            symbols.push(Symbol::new(length));
            left -= 1;
        }
        while left >= 3 {
            let (number, least, most, extra_bits) = match (length, left) {
                (0, 11..) => (MANY_ZEROS, 11, 138, 7),
                (0, _) => (ZEROS, 3, 10, 3),
                _ => (AGAIN, 3, 6, 2),
            };
            let times = most.min(left);
            symbols.push(Symbol::with(number, (times - least) as u32, extra_bits));
            left -= times;
        }
        symbols.extend(iter::repeat_n(Symbol::new(length), left));
    }
    symbols
}

/// A block, with codes of its own or with the fixed ones.
fn push_block(bits: &mut Bits, tokens: &[Token], is_last: bool) {
    let frequencies = Frequencies::of(tokens);
    let codes = BlockCodes {
        literals: Codes::new(&frequencies.literals, 15),
        distances: Codes::new(&frequencies.distances, 15),
    };
    let header = Header::of(&codes);
    bits.push(u32::from(is_last), 1);
    if header.bits() + codes.bits(&frequencies) < FIXED.bits(&frequencies) {
        bits.push(2, 2);
        header.push(bits);
        codes.push(bits, tokens);
    } else {
        bits.push(1, 2);
        FIXED.push(bits, tokens);
    }
}

/// Adds `text` to `bytes`. The same text always gives the same bytes.
pub(super) fn deflate(text: &[u8], bytes: Vec<u8>) -> Vec<u8> {
    let tokens = tokens(text);
    let mut bits = Bits {
        bytes,
        held: 0,
        held_bits: 0,
    };
    let mut left = &tokens[..];
    loop {
        let (block, after) = left.split_at(BLOCK.min(left.len()));
        push_block(&mut bits, block, after.is_empty());
        if after.is_empty() {
            return bits.finish();
        }
        left = after;
    }
}

#[cfg(test)]
mod tests;
