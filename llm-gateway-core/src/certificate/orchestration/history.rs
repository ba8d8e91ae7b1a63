//! Detects passages in which an artifact repeats the past, because its verifier sees them.
//!
//! An artifact of a later round must not pass on what an earlier verdict said was wrong, because
//! the verifier would then be shown the reason of another judgement. The amount is measured in
//! [`repetition`](super::repetition), without passages of the task, of an earlier artifact or of a
//! quote. A revision should resemble the earlier artifact, so their likeness is reported but counts
//! against no claim.

use super::critique::Critique;
use super::repetition::{
    AllowedShingles, COMPARED, Repetition, SHINGLE, SearchedArtifact, SeenWords,
};
use super::step_answer::StepAnswer;
use super::tokens::Lexicon;
use crate::certificate::claims::ClaimResult;
use crate::model::StepRole;

/// The repetitions of a run's past in its artifacts, one sentence for each finding.
#[derive(Debug, Default)]
pub(super) struct RepeatedPast {
    /// Artifacts that repeat what an earlier verdict said was wrong.
    pub(super) against: Vec<String>,
    /// Artifacts and verdicts that could not be compared.
    pub(super) open: Vec<String>,
    /// The share of the previous artifact that each artifact repeats, which counts against no
    /// claim.
    pub(super) likeness: Vec<String>,
}

/// Compares each artifact with the verdicts before it and with the previous artifact.
pub(super) fn repeated(task: &str, said: &[StepAnswer<'_>]) -> RepeatedPast {
    // A run of a single round has no past, and none of its texts need be read.
    let mut judged = said.iter().skip_while(|it| !it.is_of(StepRole::Verifier));
    if !judged.any(|it| it.is_of(StepRole::Worker)) {
        return RepeatedPast::default();
    }
    let mut lexicon = Lexicon::new();
    let task = SeenWords::of(task, &mut lexicon);
    let of_task = AllowedShingles::of(&task);
    let texts: Vec<PastText> =
        said.iter().filter_map(|it| PastText::of(it, &mut lexicon)).collect();
    let mut repeated = RepeatedPast::default();
    let mut past = ArtifactPast { common: of_task.clone(), faults: Vec::new(), left: COMPARED };
    let mut unknown = Vec::new();
    let mut earlier: Option<&SeenWords> = None;
    for text in &texts {
        match text {
            PastText::Unknown(why) => unknown.push(why.clone()),
            PastText::Verdict { position, faults, quotes } => {
                quotes.iter().for_each(|quote| past.common.add(quote));
                past.faults.extend(faults.iter().map(|fault| (*position, fault)));
            }
            PastText::Artifact { round, words } => {
                repeated.open.append(&mut unknown);
                let searched = SearchedArtifact::of(words);
                past.search(*round, &searched, &mut repeated);
                let like = earlier.map(|earlier| Repetition::of(earlier, &searched, &of_task));
                repeated.likeness.extend(like.and_then(|like| likeness(*round, &like)));
                past.common.add(words);
                earlier = Some(words);
            }
        }
    }
    repeated
}

/// A text of the run's past: an artifact, a verdict, or an unknown one.
enum PastText {
    Artifact {
        round: u32,
        words: SeenWords,
    },
    Verdict {
        position: u32,
        faults: Vec<SeenWords>,
        quotes: Vec<SeenWords>,
    },
    /// A verdict that is unknown, and the reason.
    Unknown(String),
}

impl PastText {
    /// Reads the answer of a step. Returns `None` if nothing is compared with it. An unknown
    /// artifact already leaves the claim open, because its verifier's request cannot be rebuilt.
    fn of(said: &StepAnswer<'_>, lexicon: &mut Lexicon) -> Option<Self> {
        let (step, answer) = (said.step, said.answer.as_ref()?);
        match (step.role, answer) {
            (StepRole::Planner, _) | (StepRole::Worker, Err(_)) => None,
            (StepRole::Worker, Ok(artifact)) => {
                let words = SeenWords::of(artifact, lexicon);
                Some(Self::Artifact { round: step.round, words })
            }
            (StepRole::Verifier, Err(why)) => Some(Self::Unknown(why.clone())),
            (StepRole::Verifier, Ok(reply)) => {
                let Critique { mut faults, quotes } = Critique::read(reply);
                // Many short faults in a row are recognised together.
                if faults.len() > 1 {
                    faults.push(faults.join("\n"));
                }
                let mut read = |texts: Vec<String>| {
                    texts.iter().map(|text| SeenWords::of(text, lexicon)).collect()
                };
                let (faults, quotes) = (read(faults), read(quotes));
                Some(Self::Verdict { position: step.call.position, faults, quotes })
            }
        }
    }
}

/// The past of an artifact.
struct ArtifactPast<'a> {
    /// The texts that an artifact may repeat freely: the task, the earlier artifacts, and quotes.
    common: AllowedShingles<'a>,
    /// The faults that earlier verdicts named, each with the position of its step.
    faults: Vec<(u32, &'a SeenWords)>,
    /// The number of words of verdicts that may still be compared.
    left: usize,
}

impl ArtifactPast<'_> {
    /// Compares an artifact with the faults that each earlier verdict named.
    fn search(&mut self, round: u32, artifact: &SearchedArtifact<'_>, repeated: &mut RepeatedPast) {
        let mut worst: Option<(u32, Repetition)> = None;
        for (position, fault) in &self.faults {
            let found = Repetition::within(&mut self.left, fault, artifact, &self.common);
            let Some(found) = found else {
                repeated
                    .open
                    .push(format!("round {round}: there are too many verdicts to compare"));
                return;
            };
            if worst.as_ref().is_none_or(|(_, known)| found.rank() > known.rank()) {
                worst = Some((*position, found));
            }
        }
        let Some((position, worst)) = worst else { return };
        let points = match worst.result() {
            ClaimResult::Fail => &mut repeated.against,
            ClaimResult::Unknown => &mut repeated.open,
            ClaimResult::Pass | ClaimResult::NotApplicable => return,
        };
        let figures = worst.figures(&format!("the step {position} verdict's"));
        points.push(format!("round {round}: {figures}"));
    }
}

/// Describes the share of the previous artifact that an artifact repeats; `None` if it repeats
/// nothing.
fn likeness(round: u32, like: &Repetition) -> Option<String> {
    let (repeated, shingles, percent) = (like.repeated, like.shingles, like.percent());
    let told = format!(
        "round {round}: the artifact repeats {repeated} of the {shingles} runs of {SHINGLE} words \
         of the one before it ({percent} %), as a revision may"
    );
    (repeated > 0).then_some(told)
}
