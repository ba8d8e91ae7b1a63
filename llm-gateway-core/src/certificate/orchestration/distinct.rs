//! Decides the claim `verifier_worker_distinct`: in each round, the verifier is another model than
//! the worker.
//!
//! The claim compares the models that the responses name. It depends only on the record of the
//! answers, so it can be decided from a receipt's rows as well as from the bytes.

use crate::certificate::answers::AnsweredCall;
use crate::certificate::claims::{Claim, sentence};
use crate::certificate::identity::{self, Relation};
use crate::certificate::kind::Speaker;
use crate::certificate::lineage::Kinship;
use crate::model::StepRole;

/// The place of a step in an orchestration: its position, role and round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::certificate) struct StepPlace {
    pub(in crate::certificate) position: u32,
    pub(in crate::certificate) role: StepRole,
    pub(in crate::certificate) round: u32,
}

/// Returns the reason why no claim is applicable: no verifier answered in the last round, so the
/// final artifact was not judged. Returns `None` if it was judged.
pub(in crate::certificate) fn unjudged(
    places: &[StepPlace],
    answers: &[AnsweredCall<'_>],
) -> Option<String> {
    let Some(last) = places.iter().map(|place| place.round).max() else {
        return Some("no step ran".to_owned());
    };
    let judged = of_role(places, answers, StepRole::Verifier).any(|(place, _)| place.round == last);
    (!judged).then(|| format!("no verifier answered in round {last}"))
}

/// Returns the answers of all steps with one role, each with the place of its step.
fn of_role<'a, 'b>(
    places: &'a [StepPlace],
    answers: &'a [AnsweredCall<'b>],
    role: StepRole,
) -> impl Iterator<Item = (&'a StepPlace, &'a AnsweredCall<'b>)> {
    let places = places.iter().filter(move |place| place.role == role);
    places.filter_map(|place| {
        let speaker = Speaker::Step(place.position);
        Some((place, answers.iter().find(|answer| answer.speaker == speaker)?))
    })
}

/// Decides whether verifiers and workers are distinct: compares each verifier that answered with
/// each worker of its round.
pub(in crate::certificate) fn verifier_worker_distinct(
    places: &[StepPlace],
    answers: &[AnsweredCall<'_>],
    kinship: &Kinship,
) -> Claim {
    let (mut against, mut open, mut pass) = (Vec::new(), Vec::new(), Vec::new());
    let mut declared = Vec::new();
    for (place, verifier) in of_role(places, answers, StepRole::Verifier) {
        let round = place.round;
        let workers = of_role(places, answers, StepRole::Worker);
        let mut workers = workers.filter(|(place, _)| place.round == round).peekable();
        if workers.peek().is_none() {
            open.push(format!("round {round} has a verdict and no worker's answer"));
        }
        for (_, worker) in workers {
            let [judge, maker] = [verifier, worker].map(|answer| {
                let named = identity::named_model(answer, kinship);
                let gap = || answer.record.gap(answer.speaker);
                open.extend(if named.is_none() { gap() } else { None });
                named
            });
            let Some((judge, maker)) = judge.zip(maker) else { continue };
            let who = format!("round {round}: {} and {}", verifier.speaker, worker.speaker);
            match identity::relation(&judge, &maker) {
                Relation::Same(why) => against.push(format!("{who} {why}")),
                Relation::Unknown(why) => open.push(format!("round {round}: {why}")),
                Relation::Distinct => {
                    pass.push(format!("{who} are {} and {}", judge.canonical(), maker.canonical()));
                }
            }
            declared.extend([&judge, &maker].into_iter().filter_map(identity::source_note));
        }
    }
    let mut claim = Claim::weigh(&against, &open, sentence(&pass));
    claim.because.push_str(&declared.concat());
    claim
}
