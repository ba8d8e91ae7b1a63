//! Decides the claim `answered_quorum`: enough members of the panel answered.

use crate::certificate::answers::{AnswerRecord, AnsweredCall};
use crate::certificate::claims::{Claim, ClaimResult};

/// Decides whether enough members of a panel answered: `quorum` members, or all of the `asked` ones
/// if it is `None`, but at least two. An answer whose text the recorded bytes do not hold proves
/// nothing, and leaves the claim unknown: it stands among the others in what the panel returns.
pub(super) fn answered_quorum(
    answers: &[AnsweredCall<'_>],
    quorum: Option<u32>,
    asked: usize,
) -> Claim {
    let needed = quorum.map_or(asked, |quorum| quorum as usize).max(2);
    let unproven = |answer: &&AnsweredCall<'_>| !matches!(answer.record, AnswerRecord::Read(_));
    let open: Vec<String> =
        answers.iter().filter(unproven).filter_map(|a| a.record.gap(a.speaker)).collect();
    let proven = answers.len() - open.len();
    let because = format!("{proven} of {asked} answered, {needed} were required");
    if proven >= needed && open.is_empty() {
        Claim::new(ClaimResult::Pass, because)
    } else if answers.len() >= needed {
        Claim::weigh(&[], &open, because)
    } else {
        Claim::new(ClaimResult::Fail, because)
    }
}
