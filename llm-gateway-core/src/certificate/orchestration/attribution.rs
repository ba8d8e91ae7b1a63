//! What a stray text in a verifier's request repeats: a plan, or what was judged before.
//!
//! By content, in runs of words that neither the task nor the artifact nor the instruction
//! carries. A text of which nobody can say what it is counts as both, and so does one of which
//! that is true in part: behind a plan, an earlier verdict could stand in other words, or be a
//! single one.

use super::evidence::StepEvidence;
use super::expected::Expected;
use super::repeats::{Runs, SearchedText};
use super::step_answer::StepAnswer;
use super::tokens::Lexicon;
use crate::certificate::readers::{Finding, MOST_FINDINGS};
use crate::model::StepRole;

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
pub(super) fn attribute(
    task: &str,
    said: &[StepAnswer<'_>],
    suspects: &[Suspect<'_>],
) -> Attribution {
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
        let mut text = SearchedText::of(&instruction);
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
        for stray in &suspect.strays {
            let what = format!("{}: {stray}", suspect.name());
            if *left == 0 {
                self.both(&what);
                continue;
            }
            *left -= 1;
            let words = lexicon.words(&stray.text).numbers;
            if words.len() < SAYS_LITTLE && is_of_the_protocol(&stray.text) {
                says_little.push(what);
                continue;
            }
            self.stray(suspect, sources, &what, &words, &mut carried);
        }
        if says_little.len() == suspect.strays.len() {
            says_little.iter().for_each(|what| self.both(what));
        }
    }

    /// Holds the `words` of one stray against each text that its verifier must not be shown. `what`
    /// names the stray.
    fn stray(
        &mut self,
        suspect: &Suspect<'_>,
        sources: &[Source<'_>],
        what: &str,
        words: &Vec<u32>,
        carried: &mut Runs<'_>,
    ) {
        let mut text = SearchedText::of(words);
        let counts = |source: &&Source<'_>| source.is_plan() || source.is_past_of(suspect.step);
        let sources = || sources.iter().filter(counts);
        let mut are_plans = Vec::new();
        for source in sources() {
            if text.repeats(&source.words, carried) {
                are_plans.push(source.is_plan());
                self.against(suspect, source, &format!("{what} and {}", source.name()));
            }
        }
        if are_plans.is_empty() {
            self.both(what);
            return;
        }
        let mut others = sources().filter(|source| !are_plans.contains(&source.is_plan()));
        let rest = text.unrecognised(carried);
        if rest.len() >= SAYS_LITTLE || others.any(|source| source.has_one_of(&rest)) {
            self.both(&format!("{what} and holds more than is recognised"));
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
