//! Random numbers from a seed, so that a failed run can be repeated.

/// Marsaglia's xorshift64 generator.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The generator for `seed`. Neighbouring seeds give unrelated numbers.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        // SplitMix64 spreads small seeds over all bits. It gives 0, a state that xorshift could
        // never leave, for one seed only.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((state ^ (state >> 31)).max(1))
    }

    /// Random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// A number from `from` to below `end`.
    pub fn between(&mut self, from: usize, end: usize) -> usize {
        from + self.below(end - from)
    }

    /// True in `percent` of a hundred cases.
    pub fn happens(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of `choices`, which must not be empty.
    pub fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Shuffles `things`.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for index in (1..things.len()).rev() {
            things.swap(index, self.below(index + 1));
        }
    }

    /// A separate generator, which does not depend on later use of this one.
    #[must_use]
    pub fn branch(&mut self) -> Self {
        Self::of(self.bits())
    }
}
