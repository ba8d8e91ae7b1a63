//! The random generator, from which run ids, jitter, nonces and salts come. A test can seed it.

use std::sync::{Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, RngExt, SeedableRng};

/// A random generator that all parts of a gateway share.
pub(crate) struct Random(Mutex<StdRng>);

impl Random {
    /// Creates a generator from `seed`, or from the system's randomness without one.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let generator = match seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            // Without the system's randomness run ids can be guessed, and nothing else is lost.
            None => StdRng::try_from_rng(&mut SysRng).unwrap_or_else(|_| StdRng::seed_from_u64(0)),
        };
        Self(Mutex::new(generator))
    }

    /// Creates a generator of its own, which goes on alone: what is drawn from it depends on
    /// nothing that is drawn elsewhere later.
    pub(crate) fn child(&self) -> Self {
        Self(Mutex::new(StdRng::from_seed(self.bytes())))
    }

    /// Returns 128 random bits.
    pub(crate) fn bits(&self) -> u128 {
        self.draw(|generator| generator.random())
    }

    /// Returns `N` random bytes.
    pub(crate) fn bytes<const N: usize>(&self) -> [u8; N] {
        self.draw(|generator| {
            let mut bytes = [0; N];
            generator.fill_bytes(&mut bytes);
            bytes
        })
    }

    /// Returns a random number from 0 up to but not including 1, uniformly distributed.
    pub(crate) fn unit(&self) -> f64 {
        self.draw(|generator| generator.random())
    }

    fn draw<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        // A generator is whole after every draw, so a poisoned one is still good.
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
