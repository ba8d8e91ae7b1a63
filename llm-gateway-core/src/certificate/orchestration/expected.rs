//! Rebuilds the user turn that a verifier must have been sent, to the byte.

use std::ops::Range;

use super::evidence::{OrchestrationEvidence, StepEvidence};
use super::step_answer::StepAnswer;
use crate::model::{Frame, Framed, StepRole};

/// The user turn that a verifier must have been sent: the task, the artifact, and the gateway's
/// words around the artifact. The turn is rebuilt, not taken from the request.
pub(super) struct ExpectedTurn<'a> {
    task: &'a str,
    /// The gateway's line before the artifact.
    opening: String,
    /// The artifact as it was received from the worker, or the reason why it is unknown.
    artifact: Result<&'a str, &'a str>,
    /// The gateway's line after the artifact, and the question to the verifier.
    after: String,
}

/// The result of comparing a text with the user turn that a verifier must have been sent.
pub(super) enum Fit {
    /// The text is exactly the expected user turn.
    Exact,
    /// The text fits as far as the expected user turn is known; the reason says what is unknown.
    Unknown(String),
    /// The text differs from the expected user turn.
    Mismatch,
}

impl<'a> ExpectedTurn<'a> {
    /// Rebuilds the user turn that the verifier `step` must have been sent.
    ///
    /// # Errors
    /// The evidence does not say what the step judged, or names something that it cannot have
    /// judged.
    pub(super) fn of(
        evidence: &'a OrchestrationEvidence,
        said: &'a [StepAnswer<'_>],
        step: &StepEvidence,
    ) -> Result<Self, String> {
        let judged = step.judged.as_ref().ok_or("is told by nobody what to judge")?;
        let position = judged.artifact;
        let is_judged = |said: &&StepAnswer<'_>| {
            let made = said.step;
            made.call.position == position
                && made.role == StepRole::Worker
                && made.round == step.round
                && position < step.call.position
        };
        let made = said.iter().find(is_judged).and_then(|said| said.answer.as_ref());
        let made = made.ok_or_else(|| {
            format!("judges step {position}, which gave no artifact of its round")
        })?;
        let frame = Frame::known(Framed::Artifact, &judged.nonce)
            .ok_or("has a nonce that the gateway did not draw")?;
        Ok(Self {
            task: &evidence.task,
            opening: frame.opening().as_str().to_owned(),
            artifact: made.as_deref().map_err(String::as_str),
            after: [frame.closing().as_str(), frame.ask(judged.ask).as_str()].concat(),
        })
    }

    /// Returns the pieces of the expected user turn in order, as far as they are known.
    pub(super) fn pieces(&self) -> [&str; 4] {
        [self.task, &self.opening, self.artifact.unwrap_or_default(), &self.after]
    }

    /// Compares a text with the user turn that the verifier must have been sent.
    pub(super) fn fit(&self, text: &str) -> Fit {
        let rest = text.strip_prefix(self.task).and_then(|it| it.strip_prefix(&*self.opening));
        let Some(rest) = rest else { return Fit::Mismatch };
        match self.artifact {
            Ok(artifact) if rest.strip_prefix(artifact) == Some(&self.after) => Fit::Exact,
            Err(why) if rest.ends_with(&self.after) => Fit::Unknown(why.to_owned()),
            _ => Fit::Mismatch,
        }
    }

    /// Returns the range of bytes in which a text differs from the expected user turn: the range
    /// between their common beginning and their common end, widened to whole words.
    pub(super) fn left_over(&self, text: &str) -> Range<usize> {
        let same = |pair: &(u8, u8)| pair.0 == pair.1;
        let expected = || self.pieces().into_iter();
        let forth = expected().flat_map(str::bytes).zip(text.bytes());
        let from = forth.take_while(same).count();
        let length: usize = expected().map(str::len).sum();
        let most = length.min(text.len()).saturating_sub(from);
        let back = expected().rev().flat_map(|piece| piece.bytes().rev());
        let behind = back.zip(text.bytes().rev()).take(most).take_while(same).count();
        let to = text.len().saturating_sub(behind);
        let from = (0..=from).rev().find(|at| is_between_words(text, *at));
        let to = (to..=text.len()).find(|at| is_between_words(text, *at));
        from.unwrap_or_default()..to.unwrap_or(text.len())
    }
}

/// Returns whether byte `at` of a text is a character boundary that is not within a word.
fn is_between_words(text: &str, at: usize) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.split_at_checked(at).is_some_and(|(left, right)| {
        !(is_letter(left.chars().next_back()) && is_letter(right.chars().next()))
    })
}
