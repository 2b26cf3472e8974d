//! Repeatable pseudo-random numbers, seeded with an event's own facts.

/// A stream of numbers (SplitMix64). The same facts give the same stream on every machine.
#[derive(Debug, Clone)]
pub(crate) struct Seed(u64);

impl Seed {
    /// Seeds a stream with `facts` (FNV-1a, with a separator after each, so that the boundaries
    /// between facts matter).
    pub(crate) fn plant(facts: &[&str]) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for fact in facts {
            for byte in fact.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
        Self(hash)
    }

    /// A separate stream for one purpose, so that a change to one drawing does not change the
    /// others.
    pub(crate) fn branch(&self, purpose: &str) -> Self {
        Self(Self::plant(&[purpose]).0 ^ self.0.rotate_left(17))
    }

    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `0..count`. `count` must not be zero.
    pub(crate) fn below(&mut self, count: usize) -> usize {
        // The remainder is below `count`, so it fits a `usize`.
        (self.next() % count as u64) as usize
    }

    /// A number in `low..high`.
    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        // An f32 holds 24 bits without rounding.
        low + (high - low) * ((self.next() >> 40) as f32 / 16_777_216.0)
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
