//! Finds the runs of words that one text repeats from another, and that no allowed text contains.
//!
//! The texts of this module are lists of word numbers. `attribution` decides what a repeated run
//! means.

use std::collections::{HashMap, HashSet};

/// The number of words in a row from which a repeated text counts as recognised. A shorter text is
/// recognised by all of its words, if they are at least half of the other text and at least
/// [`SHORTEST_RECOGNISED`].
const RECOGNISED_RUN: usize = 8;
/// The number of words that a text must have to be recognised when it is repeated.
const SHORTEST_RECOGNISED: usize = 3;

/// The runs of words in a set of texts, by length. Runs of one length are looked up many times, so
/// they are collected once.
pub(super) struct Runs<'a> {
    texts: Vec<&'a [u32]>,
    by_length: HashMap<usize, HashSet<&'a [u32]>>,
}

impl<'a> Runs<'a> {
    /// Prepares the texts, whose runs of words are then collected on demand.
    pub(super) fn of<const N: usize>(texts: [&'a Vec<u32>; N]) -> Self {
        Self { texts: texts.map(Vec::as_slice).to_vec(), by_length: HashMap::new() }
    }

    /// Returns all runs of `length` words in the texts.
    fn long(&mut self, length: usize) -> &HashSet<&'a [u32]> {
        let texts = &self.texts;
        let runs = || texts.iter().flat_map(|text| text.windows(length)).collect();
        self.by_length.entry(length).or_insert_with(runs)
    }
}

/// A text in which repetitions of other texts are searched, with the runs of words found so far.
pub(super) struct SearchedText<'a> {
    words: &'a Vec<u32>,
    runs: Runs<'a>,
    /// Runs of words that the searched text and another text have in common, by length.
    known: HashMap<usize, HashSet<&'a [u32]>>,
}

impl<'a> SearchedText<'a> {
    /// Prepares the text in which repetitions are searched.
    pub(super) fn of(words: &'a Vec<u32>) -> Self {
        Self { words, runs: Runs::of([words]), known: HashMap::new() }
    }

    /// Returns whether the searched text repeats a run of `source` that no `carried` text contains.
    /// The repeated runs are remembered.
    pub(super) fn repeats(&mut self, source: &[u32], carried: &mut Runs<'_>) -> bool {
        let shortest = self.words.len().min(source.len());
        if shortest < RECOGNISED_RUN
            && (shortest < SHORTEST_RECOGNISED || shortest * 2 < self.words.len())
        {
            return false;
        }
        let length = RECOGNISED_RUN.min(shortest);
        let of_text = self.runs.long(length);
        let found = source.windows(length).filter_map(|run| of_text.get(run).copied());
        let found: Vec<&'a [u32]> = found.collect();
        if found.iter().all(|run| carried.long(length).contains(run)) {
            return false;
        }
        self.known.entry(length).or_default().extend(found);
        true
    }

    /// Returns the words of the searched text that are neither in a remembered run nor in a run of
    /// a `carried` text.
    pub(super) fn unrecognised(&self, carried: &mut Runs<'_>) -> Vec<u32> {
        let mut is_known = vec![false; self.words.len()];
        let mut mark = |length: usize, knows: &dyn Fn(&[u32]) -> bool| {
            for (from, run) in self.words.windows(length).enumerate().filter(|(_, it)| knows(it)) {
                is_known.iter_mut().skip(from).take(run.len()).for_each(|word| *word = true);
            }
        };
        self.known.iter().for_each(|(length, runs)| mark(*length, &|run| runs.contains(run)));
        let carried = carried.long(SHORTEST_RECOGNISED);
        mark(SHORTEST_RECOGNISED, &|run| carried.contains(run));
        let rest = self.words.iter().zip(is_known).filter(|(_, is_known)| !is_known);
        rest.map(|(word, _)| *word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the work of searching texts grows with the sum of their lengths. If it grew with
    /// the product, the test would take minutes.
    #[test]
    fn many_texts_take_linear_time() {
        let carried: Vec<u32> = (0..200_000).collect();
        let mut carried = Runs::of([&carried]);
        let words: Vec<u32> = (500_000..500_020).collect();
        let mut text = SearchedText::of(&words);
        for _ in 0..10_000 {
            assert!(text.repeats(&words, &mut carried));
        }
        assert_eq!(text.unrecognised(&mut carried), [0_u32; 0]);
    }
}
