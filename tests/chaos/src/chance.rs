//! Chance from a seed, so that what went wrong can be run again.

/// A small generator of Marsaglia's (xorshift64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The chance that grows from `seed`. Neighbouring seeds have nothing in common.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        // SplitMix64: spreads small seeds over all bits, and is 0, which xorshift could never
        // leave, for one seed alone.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ (state >> 31)).max(1))
    }

    /// Any bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// A number from `from` on, below `end`.
    pub fn between(&mut self, from: usize, end: usize) -> usize {
        from + self.below(end - from)
    }

    /// True in `percent` of a hundred cases.
    pub fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which are not none.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Puts `things` into any order.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for index in (1..things.len()).rev() {
            things.swap(index, self.below(index + 1));
        }
    }

    /// A chance of its own, which does not depend on how often this one is asked afterwards.
    #[must_use]
    pub fn branch(&mut self) -> Self {
        Self::of(self.bits())
    }
}
