//! What a stray text in a verifier's request repeats: a plan, or what was judged before.
//!
//! By content, in runs of words that neither the task nor the artifact nor the instruction
//! carries. A text of which nobody can say what it is counts as both, and so does one of which
//! that is true in part: behind a plan, an earlier verdict could stand in other words, or be a
//! single one.

use std::collections::{HashMap, HashSet};

use super::evidence::StepEvidence;
use super::expected::Expected;
use super::said::Said;
use super::tokens::Lexicon;
use crate::certificate::readers::{Finding, MOST_FINDINGS};
use crate::model::StepRole;

/// Words of a run by which a text is recognised. Of a text that has fewer, all: where that is at
/// least half of the other one, and no fewer words than [`LEAST`].
const RUN: usize = 8;
const LEAST: usize = 3;

/// A stray with fewer words says nothing of its own where they are [`OF_THE_PROTOCOL`], or where
/// there are none, as of a missing line: it goes with the other strays of its step.
const SAYS_LITTLE: usize = 4;

/// What stands around a turn that should not be there. Any other word may be a verdict.
const OF_THE_PROTOCOL: [&str; 8] =
    ["messages", "contents", "role", "type", "text", "assistant", "model", "user"];

/// How many strays are looked at; the rest count as recognised by nobody.
const LOOKED_AT: usize = 64;
const _: () =
    assert!(LOOKED_AT < MOST_FINDINGS, "what is left out must have been recognised by nobody");

/// A verifier's step, and what is strange about its requests.
pub(super) struct Suspect<'a> {
    step: &'a StepEvidence,
    /// What may stand in its system part.
    instruction: &'a str,
    /// What its user turn has to be, where that is known.
    pub(super) turn: Option<Expected<'a>>,
    pub(super) strays: Vec<Finding>,
}

impl<'a> Suspect<'a> {
    pub(super) fn new(step: &'a StepEvidence, instruction: &'a str) -> Self {
        Self { step, instruction, turn: None, strays: Vec::new() }
    }

    /// The step, as `because` names it.
    fn name(&self) -> String {
        let shown: String = self.step.name.chars().take(64).collect();
        format!("step {} ({shown}, round {})", self.step.call.position, self.step.round)
    }
}

/// What contradicts each of the two claims, a sentence each.
#[derive(Debug, Default)]
pub(super) struct Attribution {
    plan: Vec<String>,
    history: Vec<String>,
    both: Vec<String>,
}

/// A text that verifiers must not be shown.
struct Source<'a> {
    step: &'a StepEvidence,
    words: Vec<u32>,
}

impl Source<'_> {
    /// Whether it is a plan. Those of later rounds count, too.
    fn is_plan(&self) -> bool {
        self.step.role == StepRole::Planner
    }

    fn is_plan_before(&self, verifier: &StepEvidence) -> bool {
        self.is_plan() && self.step.call.position < verifier.call.position
    }

    /// Whether it is of the past of a verifier: an earlier verdict, an earlier round's artifact.
    fn is_past_of(&self, verifier: &StepEvidence) -> bool {
        match self.step.role {
            StepRole::Planner => false,
            StepRole::Worker => self.step.round < verifier.round,
            StepRole::Verifier => self.step.call.position < verifier.call.position,
        }
    }

    /// Whether one of these few words is its own: a verdict may be so short that it has no run.
    fn has_one_of(&self, words: &[u32]) -> bool {
        self.words.iter().any(|word| words.contains(word))
    }

    fn name(&self) -> String {
        let what = match self.step.role {
            StepRole::Planner => "plan",
            StepRole::Worker => "artifact",
            StepRole::Verifier => "verdict",
        };
        format!("repeats the {what} of step {}", self.step.call.position)
    }
}

/// Says of each stray which claims it contradicts.
pub(super) fn attribute(task: &str, said: &[Said<'_>], suspects: &[Suspect<'_>]) -> Attribution {
    let mut lexicon = Lexicon::new();
    let sources: Vec<Source<'_>> = said
        .iter()
        .flat_map(|said| said.texts().map(|text| (said.step, text)))
        .map(|(step, text)| Source { step, words: lexicon.words(&text).numbers })
        .collect();
    let mut attribution = Attribution::default();
    let mut left = LOOKED_AT;
    if let Some(first) = suspects.first() {
        attribution.instruction(task, first, &sources, &mut lexicon);
    }
    for suspect in suspects {
        attribution.strays(suspect, &sources, &mut lexicon, &mut left);
    }
    attribution
}

impl Attribution {
    /// An instruction may stand in the request, and must not be the way in which a plan comes
    /// there: it was written before. Only the first verifier's has to be looked at, since those
    /// of the others are the same; what a planner may have copied from its own does not count.
    fn instruction(
        &mut self,
        task: &str,
        suspect: &Suspect<'_>,
        sources: &[Source<'_>],
        lexicon: &mut Lexicon,
    ) {
        let mut words = |text| lexicon.words(text).numbers;
        let (instruction, task) = (words(suspect.instruction), words(task));
        let mut text = Text::of(&instruction);
        for source in sources.iter().filter(|source| source.is_plan_before(suspect.step)) {
            let told = words(&source.step.instruction);
            if text.repeats(&source.words, &mut Runs::of([&task, &told])) {
                let what = format!("{}: the instruction {}", suspect.name(), source.name());
                self.against(suspect, source, &what);
            }
        }
    }

    fn strays(
        &mut self,
        suspect: &Suspect<'_>,
        sources: &[Source<'_>],
        lexicon: &mut Lexicon,
        left: &mut usize,
    ) {
        if suspect.strays.is_empty() {
            return;
        }
        let instruction = lexicon.words(suspect.instruction).numbers;
        let pieces = suspect.turn.iter().flat_map(Expected::pieces);
        let turn: Vec<u32> = pieces.flat_map(|piece| lexicon.words(piece).numbers).collect();
        let mut carried = Runs::of([&turn, &instruction]);
        let mut says_little = Vec::new();
        let mut is_all_little = true;
        for stray in &suspect.strays {
            let what = format!("{}: {stray}", suspect.name());
            if *left == 0 {
                self.both(&what);
                is_all_little = false;
                continue;
            }
            *left -= 1;
            let words = lexicon.words(&stray.text).numbers;
            if words.len() < SAYS_LITTLE && is_of_the_protocol(&stray.text) {
                says_little.push(what);
                continue;
            }
            is_all_little = false;
            let mut text = Text::of(&words);
            let counts = |source: &&Source<'_>| source.is_plan() || source.is_past_of(suspect.step);
            let sources = || sources.iter().filter(counts);
            let mut are_plans = Vec::new();
            for source in sources() {
                if text.repeats(&source.words, &mut carried) {
                    are_plans.push(source.is_plan());
                    self.against(suspect, source, &format!("{what} and {}", source.name()));
                }
            }
            if are_plans.is_empty() {
                self.both(&what);
                continue;
            }
            let mut others = sources().filter(|source| !are_plans.contains(&source.is_plan()));
            let rest = text.unrecognised(&mut carried);
            if rest.len() >= SAYS_LITTLE || others.any(|source| source.has_one_of(&rest)) {
                self.both(&format!("{what} and holds more than is recognised"));
            }
        }
        if is_all_little {
            says_little.iter().for_each(|what| self.both(what));
        }
    }

    fn against(&mut self, suspect: &Suspect<'_>, source: &Source<'_>, what: &str) {
        let claim = if source.is_plan() {
            &mut self.plan
        } else if source.is_past_of(suspect.step) {
            &mut self.history
        } else {
            return;
        };
        // The texts inside a reply are sources beside it.
        if !claim.iter().any(|known| known == what) {
            claim.push(what.to_owned());
        }
    }

    fn both(&mut self, what: &str) {
        self.both.push(what.to_owned());
    }

    /// What contradicts that verifiers are blind to plans, and to the past; what was recognised
    /// first.
    pub(super) fn claims(mut self) -> [Vec<String>; 2] {
        self.plan.extend_from_slice(&self.both);
        self.history.append(&mut self.both);
        [self.plan, self.history]
    }
}

fn is_of_the_protocol(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.all(|word| OF_THE_PROTOCOL.contains(&word))
}

/// The runs of some texts, by their length: each length is looked for in many others, and is set
/// out once.
struct Runs<'a> {
    texts: Vec<&'a [u32]>,
    by_length: HashMap<usize, HashSet<&'a [u32]>>,
}

impl<'a> Runs<'a> {
    fn of<const N: usize>(texts: [&'a Vec<u32>; N]) -> Self {
        Self { texts: texts.map(Vec::as_slice).to_vec(), by_length: HashMap::new() }
    }

    fn long(&mut self, length: usize) -> &HashSet<&'a [u32]> {
        let texts = &self.texts;
        let runs = || texts.iter().flat_map(|text| text.windows(length)).collect();
        self.by_length.entry(length).or_insert_with(runs)
    }
}

/// A text, and what of it is known.
struct Text<'a> {
    words: &'a Vec<u32>,
    runs: Runs<'a>,
    /// Its runs that others have, by their length.
    known: HashMap<usize, HashSet<&'a [u32]>>,
}

impl<'a> Text<'a> {
    fn of(words: &'a Vec<u32>) -> Self {
        Self { words, runs: Runs::of([words]), known: HashMap::new() }
    }

    /// Whether it has a run of another text that nothing else carries.
    fn repeats(&mut self, source: &[u32], carried: &mut Runs<'_>) -> bool {
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
    fn unrecognised(&self, carried: &mut Runs<'_>) -> Vec<u32> {
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
        let mut text = Text::of(&words);
        for _ in 0..10_000 {
            assert!(text.repeats(&words, &mut carried));
        }
        assert_eq!(text.unrecognised(&mut carried), [0_u32; 0]);
    }
}
