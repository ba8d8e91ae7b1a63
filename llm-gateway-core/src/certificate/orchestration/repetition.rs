//! Measures how much of one text another repeats word for word, as a reader sees both.
//!
//! The amount is counted in shingles, runs of eight words, without those that certain other texts,
//! such as the task, contain. Each text is read in up to four views, with its markup and without,
//! each also in small letters; a run counts as repeated if any view contains it. The claims
//! `plan_leak` and `verifier_history_blind` decide what a repetition means.

use std::collections::HashSet;

use super::tokens::{Lexicon, Words};
use crate::certificate::claims::ClaimResult;
use crate::model::{as_seen, without_markup};

/// The number of words in a shingle. Any two texts on one subject share shorter runs.
pub(super) const SHINGLE: usize = 8;

/// The number of words in a row that cannot be repeated by chance.
const LONG_RUN: usize = 25;

/// The total number of words of a run's plans, or of its verdicts, that are compared with
/// artifacts. A run of eleven rounds, the most that a policy may set, has fewer even with plans of
/// 128 k tokens; a stranger's bundle may have more.
pub(super) const COMPARED: usize = 16 * 1024 * 1024;

/// The share of repeated shingles from which a text counts as repeated, as its denominator: one in
/// five, or 20 %.
const ONE_OF: usize = 5;

/// The number of shingles below which a text is short. In a short text a few stock phrases would
/// make up one in five.
const SHORT: usize = 24;

/// The share of repeated shingles from which a short text counts as repeated, as its denominator.
const ONE_OF_SHORT: usize = 2;

/// The fewest words of its own that a text must have to be measured: the words of one shingle.
const SHORTEST_SEARCHED: usize = SHINGLE;

/// The words of a text as a reader sees it: with its markup, without it, and both in small letters,
/// as far as these differ.
#[derive(Debug, Clone, Default)]
pub(super) struct SeenWords {
    views: Vec<Words>,
}

impl SeenWords {
    /// Reads the words of a text.
    pub(super) fn of(text: &str, lexicon: &mut Lexicon) -> Self {
        let mut views = Vec::new();
        // In another alphabet a capital may look like a Latin letter, and its small letter not.
        let has_capitals = text.chars().any(|c| !c.is_ascii() && c.is_uppercase());
        let small = has_capitals.then(|| text.to_lowercase());
        for text in std::iter::once(text).chain(small.as_deref()) {
            let seen = as_seen(text);
            views.push(lexicon.words(&seen));
            views.extend(without_markup(&seen).map(|unmarked| lexicon.words(&unmarked)));
        }
        views.dedup();
        Self { views }
    }

    /// Returns the number of words in the longest view.
    fn count(&self) -> usize {
        self.views.iter().map(|view| view.numbers.len()).max().unwrap_or_default()
    }

    fn is_whole(&self) -> bool {
        self.views.iter().all(|view| view.is_whole)
    }

    /// Returns all runs of `length` words in the text.
    fn runs(&self, length: usize) -> impl Iterator<Item = &[u32]> {
        self.views.iter().flat_map(move |view| view.numbers.windows(length))
    }
}

/// The shingles that any text may repeat, such as those of the task.
#[derive(Debug, Clone)]
pub(super) struct AllowedShingles<'a> {
    shingles: HashSet<&'a [u32]>,
    is_whole: bool,
}

impl<'a> AllowedShingles<'a> {
    pub(super) fn of(text: &'a SeenWords) -> Self {
        let mut common = Self { shingles: HashSet::new(), is_whole: true };
        common.add(text);
        common
    }

    /// Adds a further text.
    pub(super) fn add(&mut self, text: &'a SeenWords) {
        self.shingles.extend(text.runs(SHINGLE));
        self.is_whole &= text.is_whole();
    }
}

/// The runs of words in an artifact, collected once for all texts that are compared with it.
#[derive(Debug)]
pub(super) struct SearchedArtifact<'a> {
    shingles: HashSet<&'a [u32]>,
    runs: HashSet<&'a [u32]>,
    is_whole: bool,
}

impl<'a> SearchedArtifact<'a> {
    pub(super) fn of(text: &'a SeenWords) -> Self {
        let (shingles, runs) = (text.runs(SHINGLE).collect(), text.runs(LONG_RUN).collect());
        Self { shingles, runs, is_whole: text.is_whole() }
    }
}

/// The amount of one text that another repeats word for word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Repetition {
    /// Number of the text's words outside the shingles of common texts.
    own_words: usize,
    /// Number of the text's distinct shingles, without the common ones.
    pub(super) shingles: usize,
    /// Number of the text's shingles that are repeated.
    pub(super) repeated: usize,
    /// Whether a run of [`LONG_RUN`] words is repeated, outside the shingles of common texts.
    has_run: bool,
    /// Whether all texts were compared in full.
    is_whole: bool,
}

impl Repetition {
    /// Measures how much of `text` is repeated by the text that is searched, without the shingles
    /// that are common. The view of `text` that is repeated most counts.
    pub(super) fn of(
        text: &SeenWords,
        searched: &SearchedArtifact<'_>,
        common: &AllowedShingles<'_>,
    ) -> Self {
        let views = text.views.iter().map(|view| Self::of_view(view, searched, common));
        views.max_by_key(Self::rank).unwrap_or_default()
    }

    /// Measures as [`of`](Self::of) does, and takes the words of `text` from those that may still
    /// be compared, `left`. Returns `None` if too few are left.
    pub(super) fn within(
        left: &mut usize,
        text: &SeenWords,
        searched: &SearchedArtifact<'_>,
        common: &AllowedShingles<'_>,
    ) -> Option<Self> {
        *left = left.checked_sub(text.count().max(1))?;
        Some(Self::of(text, searched, common))
    }

    fn of_view(
        view: &Words,
        searched: &SearchedArtifact<'_>,
        common: &AllowedShingles<'_>,
    ) -> Self {
        let words = &view.numbers;
        let own = |shingle: &&[u32]| !common.shingles.contains(*shingle);
        let shingles: HashSet<&[u32]> = words.windows(SHINGLE).filter(own).collect();
        let repeated = shingles.iter().filter(|it| searched.shingles.contains(*it)).count();
        let mut runs = words.windows(LONG_RUN);
        let has_run =
            runs.any(|run| searched.runs.contains(run) && run.windows(SHINGLE).all(|it| own(&it)));
        let own_words = own_words(words, common);
        let is_whole = view.is_whole && searched.is_whole && common.is_whole;
        Self { own_words, shingles: shingles.len(), repeated, has_run, is_whole }
    }

    /// Returns the result for a claim that the measured text is not repeated.
    pub(super) fn result(&self) -> ClaimResult {
        let one_of = if self.shingles < SHORT { ONE_OF_SHORT } else { ONE_OF };
        if self.own_words < SHORTEST_SEARCHED {
            let is_decided = self.is_whole;
            return if is_decided { ClaimResult::NotApplicable } else { ClaimResult::Unknown };
        }
        if self.has_run || (self.repeated > 0 && self.repeated * one_of >= self.shingles) {
            ClaimResult::Fail
        } else if self.is_whole {
            ClaimResult::Pass
        } else {
            ClaimResult::Unknown
        }
    }

    /// Returns the share of the text's shingles that are repeated, in percent.
    pub(super) fn percent(&self) -> usize {
        (self.repeated * 100).checked_div(self.shingles).unwrap_or_default()
    }

    /// Returns how much a repetition counts against a claim: its result first, then its share.
    pub(super) fn rank(&self) -> (u8, usize) {
        let result = match self.result() {
            ClaimResult::Fail => 3,
            ClaimResult::Unknown => 2,
            ClaimResult::Pass => 1,
            ClaimResult::NotApplicable => 0,
        };
        (result, self.percent())
    }

    /// Describes the repetition in figures. `whose` names the text whose shingles are counted, as a
    /// genitive.
    pub(super) fn figures(&self, whose: &str) -> String {
        let Self { own_words, shingles, repeated, has_run, is_whole } = self;
        let mut figures = if *own_words < SHORTEST_SEARCHED {
            let plural = if *own_words == 1 { "word" } else { "words" };
            format!("{own_words} {plural} of {whose} own are too few to be recognised")
        } else {
            let (percent, run) = (self.percent(), if *has_run { "a" } else { "no" });
            format!(
                "the artifact repeats {repeated} of {whose} {shingles} runs of {SHINGLE} words \
                 ({percent} %), and {run} run of {LONG_RUN}"
            )
        };
        if !is_whole {
            figures.push_str("; the texts are too long to be looked at in full");
        }
        figures
    }
}

/// Returns the number of words outside common shingles.
fn own_words(words: &[u32], common: &AllowedShingles<'_>) -> usize {
    // The word before which all words of the common shingles so far stand.
    let mut covered = 0;
    let mut taken = 0;
    for (from, shingle) in words.windows(SHINGLE).enumerate() {
        if common.shingles.contains(shingle) {
            taken += from + SHINGLE - covered.max(from);
            covered = from + SHINGLE;
        }
    }
    words.len().saturating_sub(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(numbers: impl IntoIterator<Item = u32>) -> SeenWords {
        let numbers = numbers.into_iter().collect();
        SeenWords { views: vec![Words { numbers, is_whole: true }] }
    }

    fn measured(text: &SeenWords, artifact: &SeenWords, common: &SeenWords) -> Repetition {
        Repetition::of(text, &SearchedArtifact::of(artifact), &AllowedShingles::of(common))
    }

    /// Checks that the work of comparing texts grows with the sum of their lengths. If it grew with
    /// the product, the test would take minutes.
    #[test]
    fn long_texts_take_linear_time() {
        let long = seen(0..40_000);
        let found = measured(&long, &long, &seen([]));
        assert_eq!((found.shingles, found.repeated, found.has_run), (39_993, 39_993, true));
        assert_eq!(measured(&long, &long, &long).own_words, 0);
    }

    #[test]
    fn a_text_that_was_not_read_in_full_cannot_pass() {
        let whole =
            Repetition { own_words: 107, shingles: 100, is_whole: true, ..Repetition::default() };
        assert_eq!(whole.result(), ClaimResult::Pass);
        let cut = Repetition { is_whole: false, ..whole };
        assert_eq!(cut.result(), ClaimResult::Unknown);
        assert!(cut.figures("the plan's").contains("too long"), "{cut:?}");
        assert_eq!(Repetition { repeated: 20, ..cut }.result(), ClaimResult::Fail);
        let short = Repetition { own_words: 7, ..cut };
        assert_eq!(short.result(), ClaimResult::Unknown);
    }

    /// Checks a text of `words` words, of which the artifact repeats the first `repeated`.
    #[test]
    fn a_short_text_counts_from_a_half_and_a_longer_one_from_a_fifth() {
        use ClaimResult::{Fail, NotApplicable, Pass};
        for (words, repeated, result) in [
            (0, 0, NotApplicable),
            (7, 7, NotApplicable),
            (8, 7, Pass),
            (8, 8, Fail),
            (9, 8, Fail),
            (10, 8, Pass),
            (17, 11, Pass),
            (17, 12, Fail),
            // 30 words have 23 runs, of which 12 are a half; 31 have 24, of which 5 are a fifth.
            (30, 18, Pass),
            (30, 19, Fail),
            (31, 11, Pass),
            (31, 12, Fail),
            (107, 26, Fail),
            (207, 24, Pass),
            (207, 25, Fail),
        ] {
            let artifact = seen((0..repeated).chain(5_000..5_020));
            let found = measured(&seen(0..words), &artifact, &seen([]));
            assert_eq!(found.result(), result, "{words} {repeated}: {found:?}");
        }
    }

    #[test]
    fn words_of_a_common_text_are_nobodys_own() {
        let common = seen(0..20);
        for (text, own) in [
            (seen(0..20), 0),
            (seen(0..27), 7),
            (seen(100..107), 7),
            (seen((0..8).chain(100..104).chain(10..20)), 4),
            // Seven words in a row are no shingle.
            (seen((0..7).chain(100..101)), 8),
        ] {
            assert_eq!(measured(&text, &text, &common).own_words, own, "{text:?}");
        }
    }
}
