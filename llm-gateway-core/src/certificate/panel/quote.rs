//! Finds out whether the caller's text quotes an answer that this process returned before.
//!
//! A caller may do that: the text is its own. But members that are shown an answer are not blind to
//! it, so the certificate warns. The work is linear in the length of the texts, which is bounded.

use std::collections::HashSet;

/// The number of equal characters in a row that counts as a quotation.
const RUN: usize = 64;

/// The length in characters from which an answer shorter than [`RUN`] counts as quoted, if it is
/// found as a whole. Shorter answers would be found in most texts.
const SHORTEST_WHOLE: usize = 24;

/// The number of characters of one text that are searched for quotations: about as many as the
/// largest context holds.
const LOOKED_AT: usize = 4 * 1024 * 1024;

/// The caller's texts, prepared to be searched for quotations.
pub(super) struct Windows<'a> {
    texts: Vec<&'a str>,
    runs: HashSet<u64>,
}

impl<'a> Windows<'a> {
    /// Prepares the caller's texts to be searched for quotations.
    pub(super) fn of(texts: Vec<&'a str>) -> Self {
        let runs = texts.iter().flat_map(|text| hashes(text)).collect();
        Self { texts, runs }
    }

    /// Returns whether the caller's texts contain a run of `answer`, or all of a short answer.
    pub(super) fn quote(&self, answer: &str) -> bool {
        let answer = answer.trim();
        match answer.chars().take(RUN).count() {
            RUN => hashes(answer).any(|hash| self.runs.contains(&hash)),
            SHORTEST_WHOLE.. => self.texts.iter().any(|text| text.contains(answer)),
            _ => false,
        }
    }
}

/// Returns the hash of every window of [`RUN`] characters in a text: a polynomial modulo 2^64. If
/// two windows have the same hash by chance, the only effect is a needless warning.
fn hashes(text: &str) -> impl Iterator<Item = u64> + '_ {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    // Spreads a character over 64 bits, so that the low bits of the hash depend on it as well.
    let spread = |c: char| {
        let mixed = (u64::from(c) + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    };
    let leaving_weight = BASE.wrapping_pow(RUN as u32);
    let mut hash = 0u64;
    let roll = move |(entering, leaving): (char, Option<char>)| {
        let left = leaving.map_or(0, |c| spread(c).wrapping_mul(leaving_weight));
        hash = hash.wrapping_mul(BASE).wrapping_add(spread(entering)).wrapping_sub(left);
        hash
    };
    let leaving = std::iter::repeat_n(None, RUN).chain(text.chars().map(Some));
    text.chars().take(LOOKED_AT).zip(leaving).map(roll).skip(RUN - 1)
}
