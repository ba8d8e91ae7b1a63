//! Random numbers that are the same in every run of the tests.

/// Dice that show the same numbers for the same name and round.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(name: &str, round: u64) -> Self {
        let seed = name
            .bytes()
            .fold(round + 1, |seed, byte| seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        Self(seed | 1)
    }

    /// Returns a number below `sides`.
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        // Xorshift: <https://www.jstatsoft.org/article/view/v008i14>.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % sides
    }

    /// Returns true in one of `of` cases.
    pub(super) fn once_in(&mut self, of: usize) -> bool {
        self.roll(of) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}
