//! Huffman codes as DEFLATE has them: no longer than some bits, and known by their lengths alone.

/// The most bits of a code.
const MOST_BITS: usize = 15;

/// The bits of a symbol's number, in one with its frequency.
const SYMBOL_BITS: u32 = 9;

/// How many codes there are of each length.
type Counts = [u16; MOST_BITS + 1];

/// The codes of an alphabet.
#[derive(Debug, Clone)]
pub(super) struct Codes<const SYMBOLS: usize> {
    /// By symbol, the bits of its code; 0 without one.
    pub(super) lengths: [u8; SYMBOLS],
    /// By symbol, its code as it is written: a stream begins with the lowest bit, and a code with
    /// its highest one.
    pub(super) bits: [u16; SYMBOLS],
}

impl<const SYMBOLS: usize> Codes<SYMBOLS> {
    /// The codes that make symbols of these frequencies shortest, with at most `most_bits` bits
    /// each. At least two symbols have one: zlib's compressor writes no code alone either, because
    /// of decoders that want two. The frequencies come to less than 2²³.
    pub(super) fn new(frequencies: &[u32; SYMBOLS], most_bits: usize) -> Self {
        // Frequency and symbol in one number, which is quickly sorted.
        let leaf = |symbol: usize, frequency: u32| (frequency << SYMBOL_BITS) | symbol as u32;
        let mut leaves = Vec::with_capacity(SYMBOLS);
        for (symbol, frequency) in frequencies.iter().enumerate() {
            if *frequency > 0 {
                leaves.push(leaf(symbol, *frequency));
            }
        }
        for (symbol, frequency) in frequencies.iter().enumerate().take(2) {
            if leaves.len() < 2 && *frequency == 0 {
                leaves.push(leaf(symbol, 1));
            }
        }
        leaves.sort_unstable();
        let counts = limited(depths(&leaves), most_bits);
        let mut lengths = [0; SYMBOLS];
        let mut most_frequent = leaves.iter().rev();
        for (length, count) in counts.iter().enumerate() {
            for leaf in most_frequent.by_ref().take(usize::from(*count)) {
                let symbol = leaf & ((1 << SYMBOL_BITS) - 1);
                lengths[symbol as usize] = length as u8;
            }
        }
        Self::of(lengths)
    }

    /// The codes of these lengths (RFC 1951, 3.2.2).
    pub(super) fn of(lengths: [u8; SYMBOLS]) -> Self {
        let mut counts: Counts = [0; _];
        for length in lengths {
            counts[usize::from(length)] += 1;
        }
        counts[0] = 0;
        let mut next = [0_u16; MOST_BITS + 1];
        for length in 1..=MOST_BITS {
            next[length] = (next[length - 1] + counts[length - 1]) << 1;
        }
        let mut bits = [0; SYMBOLS];
        for (bits, length) in bits
            .iter_mut()
            .zip(lengths)
            .filter(|(_, length)| *length > 0)
        {
            let code = &mut next[usize::from(length)];
            *bits = code.reverse_bits() >> (16 - length);
            *code += 1;
        }
        Self { lengths, bits }
    }
}

/// How many of the leaves, which begin with the least frequent one, are at each depth of Huffman's
/// tree. The deepest ones count as if they were at [`MOST_BITS`].
fn depths(leaves: &[u32]) -> Counts {
    let nodes = 2 * leaves.len() - 1;
    // The leaves, and then the inner nodes. Both are in the order of their weights.
    let mut weights: Vec<u32> = leaves.iter().map(|leaf| leaf >> SYMBOL_BITS).collect();
    weights.resize(nodes, 0);
    let mut parents = vec![0; nodes];
    let (mut leaf, mut inner) = (0, leaves.len());
    for node in leaves.len()..nodes {
        for _ in 0..2 {
            let of_leaf = leaf < leaves.len() && (inner == node || weights[leaf] <= weights[inner]);
            let lightest = if of_leaf { &mut leaf } else { &mut inner };
            weights[node] += weights[*lightest];
            parents[*lightest] = node;
            *lightest += 1;
        }
    }
    // From the root on, each node's parent gives way to its depth.
    let mut depths = parents;
    for node in (0..nodes - 1).rev() {
        depths[node] = depths[depths[node]] + 1;
    }
    let mut counts: Counts = [0; _];
    for depth in &depths[..leaves.len()] {
        counts[MOST_BITS.min(*depth)] += 1;
    }
    counts
}

/// As many codes with at most `most_bits` bits each, which fill the space of codes.
fn limited(mut counts: Counts, most_bits: usize) -> Counts {
    let too_long: u16 = counts[most_bits + 1..].iter().sum();
    counts[most_bits] += too_long;
    counts[most_bits + 1..].fill(0);
    // In parts of the space that a longest code takes.
    let taken: u32 = (1..=most_bits)
        .map(|length| u32::from(counts[length]) << (most_bits - length))
        .sum();
    for _ in 1 << most_bits..taken {
        // A longest code goes beside a shorter one, which becomes a bit longer.
        counts[most_bits] -= 1;
        if let Some(length) = (1..most_bits).rfind(|length| counts[*length] > 0) {
            counts[length] -= 1;
            counts[length + 1] += 2;
        }
    }
    counts
}

#[cfg(test)]
mod tests;
