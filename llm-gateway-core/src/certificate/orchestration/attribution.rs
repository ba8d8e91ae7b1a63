//! Decides what a stray text in a verifier's request repeats: a plan, or an earlier judgement.
//!
//! The texts are compared in runs of words that the task, the artifact and the instruction do not
//! contain. A stray text that repeats nothing known counts against both claims. So does a text of
//! which only a part is recognised: next to a plan there could be an earlier verdict in other
//! words, or in a single word.

use super::evidence::StepEvidence;
use super::expected::ExpectedTurn;
use super::repeats::{Runs, SearchedText};
use super::step_answer::StepAnswer;
use super::tokens::Lexicon;
use crate::certificate::readers::{Finding, MOST_REQUEST_FINDINGS};
use crate::model::StepRole;

/// The number of words below which a stray text means nothing by itself, if all its words are
/// [`OF_THE_PROTOCOL`] or if it has no words, like a missing line. Such a text is counted with the
/// other strays of its step.
const SAYS_LITTLE: usize = 4;

/// The words that a chat protocol writes around a turn. Any other word of a stray text may be a
/// verdict.
const OF_THE_PROTOCOL: [&str; 8] =
    ["messages", "contents", "role", "type", "text", "assistant", "model", "user"];

/// The number of stray texts of a step that are examined; the others count as not recognised.
const MOST_STRAYS: usize = 64;
const _: () = assert!(
    MOST_STRAYS < MOST_REQUEST_FINDINGS,
    "what is left out must have been recognised by nobody"
);

/// A step of a verifier, with the stray texts in its requests.
pub(super) struct Suspect<'a> {
    step: &'a StepEvidence,
    /// The instruction that the system part of the step's requests may contain.
    instruction: &'a str,
    /// The user turn that the verifier must have been sent; `None` if the evidence does not say.
    pub(super) turn: Option<ExpectedTurn<'a>>,
    /// The stray texts: everything in the step's requests that should not be there.
    pub(super) strays: Vec<Finding>,
}

impl<'a> Suspect<'a> {
    /// Creates the record of a verifier's step, without stray texts.
    pub(super) fn new(step: &'a StepEvidence, instruction: &'a str) -> Self {
        Self { step, instruction, turn: None, strays: Vec::new() }
    }

    /// Returns the name that the reason of a claim uses for the step.
    fn name(&self) -> String {
        let shown: String = self.step.name.chars().take(64).collect();
        format!("step {} ({shown}, round {})", self.step.call.position, self.step.round)
    }
}

/// The findings that contradict the claims that verifiers were blind to plans and to the past, one
/// sentence each.
#[derive(Debug, Default)]
pub(super) struct Attribution {
    /// Findings against the claim that verifiers were blind to plans.
    plan: Vec<String>,
    /// Findings against the claim that verifiers were blind to the past.
    history: Vec<String>,
    /// Findings against both blindness claims, because a stray text was not recognised.
    both: Vec<String>,
}

/// A text that some verifier must not be shown, and the step that wrote it.
struct ForbiddenText<'a> {
    step: &'a StepEvidence,
    words: Vec<u32>,
}

impl ForbiddenText<'_> {
    /// Returns whether the forbidden text is a plan. Plans of later rounds count as well.
    fn is_plan(&self) -> bool {
        self.step.role == StepRole::Planner
    }

    /// Returns whether the forbidden text is a plan that was made before the verifier ran.
    fn is_plan_before(&self, verifier: &StepEvidence) -> bool {
        self.is_plan() && self.step.call.position < verifier.call.position
    }

    /// Returns whether the forbidden text is in the verifier's past: an earlier verdict, or the
    /// artifact of an earlier round.
    fn is_past_of(&self, verifier: &StepEvidence) -> bool {
        match self.step.role {
            StepRole::Planner => false,
            StepRole::Worker => self.step.round < verifier.round,
            StepRole::Verifier => self.step.call.position < verifier.call.position,
        }
    }

    /// Returns whether the forbidden text contains one of the `words` of a short stray. A verdict
    /// may be so short that it has no run.
    fn has_one_of(&self, words: &[u32]) -> bool {
        self.words.iter().any(|word| words.contains(word))
    }

    /// Describes what a stray text repeats if it repeats the forbidden text, as part of a sentence.
    fn name(&self) -> String {
        let what = match self.step.role {
            StepRole::Planner => "plan",
            StepRole::Worker => "artifact",
            StepRole::Verifier => "verdict",
        };
        format!("repeats the {what} of step {}", self.step.call.position)
    }
}

/// Decides for each stray text of the verifiers which blindness claims it contradicts.
pub(super) fn attribute(
    task: &str,
    said: &[StepAnswer<'_>],
    suspects: &[Suspect<'_>],
) -> Attribution {
    let mut lexicon = Lexicon::new();
    let sources: Vec<ForbiddenText<'_>> = said
        .iter()
        .flat_map(|said| said.texts().map(|text| (said.step, text)))
        .map(|(step, text)| ForbiddenText { step, words: lexicon.words(&text).numbers })
        .collect();
    let mut attribution = Attribution::default();
    let mut left = MOST_STRAYS;
    if let Some(first) = suspects.first() {
        attribution.instruction(task, first, &sources, &mut lexicon);
    }
    for suspect in suspects {
        attribution.strays(suspect, &sources, &mut lexicon, &mut left);
    }
    attribution
}

impl Attribution {
    /// Checks that the verifier's instruction, which its request may contain, does not repeat a
    /// plan: an instruction is written before any plan. Only the first verifier's instruction is
    /// examined, because all verifiers have the same one. Words that a planner may have copied from
    /// its own instruction do not count.
    fn instruction(
        &mut self,
        task: &str,
        suspect: &Suspect<'_>,
        sources: &[ForbiddenText<'_>],
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

    /// Checks all stray texts in the requests of one verifier.
    fn strays(
        &mut self,
        suspect: &Suspect<'_>,
        sources: &[ForbiddenText<'_>],
        lexicon: &mut Lexicon,
        left: &mut usize,
    ) {
        if suspect.strays.is_empty() {
            return;
        }
        let instruction = lexicon.words(suspect.instruction).numbers;
        let pieces = suspect.turn.iter().flat_map(ExpectedTurn::pieces);
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

    /// Compares the `words` of one stray text with each text that its verifier must not be shown.
    /// `what` names the stray.
    fn stray(
        &mut self,
        suspect: &Suspect<'_>,
        sources: &[ForbiddenText<'_>],
        what: &str,
        words: &Vec<u32>,
        carried: &mut Runs<'_>,
    ) {
        let mut text = SearchedText::of(words);
        let counts =
            |source: &&ForbiddenText<'_>| source.is_plan() || source.is_past_of(suspect.step);
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

    /// Records that a stray text repeats a forbidden text, against the claim that forbids it.
    fn against(&mut self, suspect: &Suspect<'_>, source: &ForbiddenText<'_>, what: &str) {
        let claim = if source.is_plan() {
            &mut self.plan
        } else if source.is_past_of(suspect.step) {
            &mut self.history
        } else {
            return;
        };
        // The texts inside a reply are sources in addition to the whole reply.
        if !claim.iter().any(|known| known == what) {
            claim.push(what.to_owned());
        }
    }

    /// Records a stray text against both blindness claims.
    fn both(&mut self, what: &str) {
        self.both.push(what.to_owned());
    }

    /// Returns the findings against the claim that verifiers were blind to plans, and those against
    /// the claim that they were blind to the past. Strays that were recognised come first.
    pub(super) fn claims(mut self) -> [Vec<String>; 2] {
        self.plan.extend_from_slice(&self.both);
        self.history.append(&mut self.both);
        [self.plan, self.history]
    }
}

/// Returns whether all words of a stray text are in [`OF_THE_PROTOCOL`].
fn is_of_the_protocol(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.all(|word| OF_THE_PROTOCOL.contains(&word))
}
