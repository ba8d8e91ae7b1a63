//! Which runs of words one text has of another, and which nothing else carries. Texts are numbers of
//! words here; what a run is worth, and for whom, is `attribution`'s to say.

use std::collections::{HashMap, HashSet};

/// Words of a run by which a text is recognised. Of a text that has fewer, all: where that is at
/// least half of the other one, and no fewer words than [`LEAST`].
const RUN: usize = 8;
const LEAST: usize = 3;

/// The runs of some texts, by their length: each length is looked for in many others, and is set
/// out once.
pub(super) struct Runs<'a> {
    texts: Vec<&'a [u32]>,
    by_length: HashMap<usize, HashSet<&'a [u32]>>,
}

impl<'a> Runs<'a> {
    pub(super) fn of<const N: usize>(texts: [&'a Vec<u32>; N]) -> Self {
        Self { texts: texts.map(Vec::as_slice).to_vec(), by_length: HashMap::new() }
    }

    fn long(&mut self, length: usize) -> &HashSet<&'a [u32]> {
        let texts = &self.texts;
        let runs = || texts.iter().flat_map(|text| text.windows(length)).collect();
        self.by_length.entry(length).or_insert_with(runs)
    }
}

/// A text, and what of it is known.
pub(super) struct SearchedText<'a> {
    words: &'a Vec<u32>,
    runs: Runs<'a>,
    /// Its runs that others have, by their length.
    known: HashMap<usize, HashSet<&'a [u32]>>,
}

impl<'a> SearchedText<'a> {
    pub(super) fn of(words: &'a Vec<u32>) -> Self {
        Self { words, runs: Runs::of([words]), known: HashMap::new() }
    }

    /// Whether it has a run of another text that nothing else carries.
    pub(super) fn repeats(&mut self, source: &[u32], carried: &mut Runs<'_>) -> bool {
        let shortest = self.words.len().min(source.len());
        if shortest < RUN && (shortest < LEAST || shortest * 2 < self.words.len()) {
            return false;
        }
        let length = RUN.min(shortest);
        let of_text = self.runs.long(length);
        let found = source.windows(length).filter_map(|run| of_text.get(run).copied());
        let found: Vec<&'a [u32]> = found.collect();
        if found.iter().all(|run| carried.long(length).contains(run)) {
            return false;
        }
        self.known.entry(length).or_default().extend(found);
        true
    }

    /// Its words that stand in no run that is known, or carried by something else.
    pub(super) fn unrecognised(&self, carried: &mut Runs<'_>) -> Vec<u32> {
        let mut is_known = vec![false; self.words.len()];
        let mut mark = |length: usize, knows: &dyn Fn(&[u32]) -> bool| {
            for (from, run) in self.words.windows(length).enumerate().filter(|(_, it)| knows(it)) {
                is_known.iter_mut().skip(from).take(run.len()).for_each(|word| *word = true);
            }
        };
        self.known.iter().for_each(|(length, runs)| mark(*length, &|run| runs.contains(run)));
        let carried = carried.long(LEAST);
        mark(LEAST, &|run| carried.contains(run));
        let rest = self.words.iter().zip(is_known).filter(|(_, is_known)| !is_known);
        rest.map(|(word, _)| *word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Work grows with the texts, not with their product: that would take minutes.
    #[test]
    fn many_texts_are_no_trouble() {
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
