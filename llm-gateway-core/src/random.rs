//! Randomness as an argument: run ids and jitter come from one seeded generator.

use std::sync::{Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, RngExt, SeedableRng};

/// A generator that everybody shares.
pub(crate) struct Random(Mutex<StdRng>);

impl Random {
    /// Draws from `seed`, else from the system's randomness.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let generator = match seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            // Without the system's randomness run ids can be guessed, and nothing else is lost.
            None => StdRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| StdRng::seed_from_u64(0)),
        };
        Self(Mutex::new(generator))
    }

    /// 128 random bits.
    pub(crate) fn bits(&self) -> u128 {
        self.draw(|generator| generator.random())
    }

    /// So many random bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.draw(|generator| {
            let mut bytes = [0; N];
            generator.fill_bytes(&mut bytes);
            bytes
        })
    }

    /// A number in 0..1, uniformly.
    pub(crate) fn unit(&self) -> f64 {
        self.draw(|generator| generator.random())
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        // A generator is whole after every draw, so a poisoned one is still good.
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
