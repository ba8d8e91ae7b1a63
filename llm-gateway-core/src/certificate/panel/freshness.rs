//! Decides the claim `fresh`: the answers were made for the panel's requests. No header says that a
//! cache answered, and no response was given to two members.
//!
//! A header that mentions a cache in unknown words leaves the claim undecided, and is named.

use crate::certificate::answers::AnsweredCall;
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::readers::{Origin, origin};

/// The number of digits up to which two servers may choose the same response id by chance.
const FEW: usize = 6;

/// Returns whether two servers may choose a response id by chance, because the id is only a short
/// number behind words: Ollama draws one of 999 (`chatcmpl-437`), others count from the process
/// start.
fn may_repeat_by_chance(id: &str) -> bool {
    let words = id.trim_end_matches(|c: char| c.is_ascii_digit());
    id.len() - words.len() <= FEW
        && id.len() > words.len()
        && !words.contains(|c: char| c.is_ascii_digit())
}

/// Decides the claim `fresh` over all answers of a panel.
pub(super) fn fresh(answers: &[AnsweredCall<'_>]) -> Claim {
    if answers.is_empty() {
        return Claim::new(ClaimResult::NotApplicable, "no member answered");
    }
    let mut against = Vec::new();
    let mut open = Vec::new();
    let mut ids: Vec<(u32, &str)> = Vec::new();
    for answer in answers {
        let speaker = answer.speaker;
        let Some(facts) = answer.facts() else {
            open.extend(answer.record.gap(speaker));
            continue;
        };
        for (name, value) in &facts.cache_headers {
            let told = format!("{speaker} answered with {name}: {value}");
            match origin(name, value) {
                Origin::Cache => against.push(told),
                Origin::Unknown => open.push(format!("{told}, which may mean a cache")),
                Origin::Provider => {}
            }
        }
        let Some(id) = facts.response_id.as_deref() else {
            open.push(format!("{speaker}'s response has no id"));
            continue;
        };
        let position = speaker.position();
        if let Some((other, _)) = ids.iter().find(|(_, known)| *known == id) {
            let told = format!("members {other} and {position} have one response id, {id}");
            match may_repeat_by_chance(id) {
                true => open.push(format!("{told}, which may be chance")),
                false => against.push(told),
            }
        }
        ids.push((position, id));
    }
    let pass = "no header says that a cache answered, and response ids are distinct";
    Claim::weigh(&against, &open, pass.to_owned())
}
