//! Decides the claim `fresh`: the answers were made for the panel's requests. No header says that a
//! cache answered, and no response was given to two members.
//!
//! Two responses are the same if they have the same id and the same text. Different texts are two
//! answers, whatever their ids are. A header that mentions a cache in unknown words leaves the
//! claim undecided, and the claim's reason names it.

use crate::certificate::answers::{AnsweredCall, ResponseFacts};
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::readers::{Origin, origin};

/// The number of characters from which on an id is unique, without its leading word.
const FEWEST: usize = 12;

/// Returns whether two responses may have the id by chance: it is short, a number or one repeated
/// character behind its leading word. Ollama draws one of 999 ids (`chatcmpl-437`), other servers
/// use the time in seconds (`chatcmpl-1790000000`) or count from the start of their process.
fn may_repeat_by_chance(id: &str) -> bool {
    let behind_word = id.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let own = match behind_word.strip_prefix(['-', '_']) {
        Some(own) if behind_word.len() < id.len() => own,
        _ => id,
    };
    let mut characters = own.chars().filter(|c| c.is_alphanumeric());
    let first = characters.clone().next();
    own.chars().count() < FEWEST
        || characters.clone().all(|c| c.is_ascii_digit())
        || characters.all(|c| Some(c) == first)
}

/// Decides the claim `fresh` over all answers of a panel.
pub(super) fn fresh(answers: &[AnsweredCall<'_>]) -> Claim {
    if answers.is_empty() {
        return Claim::new(ClaimResult::NotApplicable, "no member answered");
    }
    let mut against = Vec::new();
    let mut open = Vec::new();
    let mut apart = Vec::new();
    let mut seen: Vec<(u32, &str, &ResponseFacts)> = Vec::new();
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
        let mut alike = seen.iter().filter(|(_, known, _)| *known == id);
        let told = |(other, ..): &(u32, &str, &ResponseFacts)| {
            format!("members {other} and {position} have one response id, {id}")
        };
        match (alike.clone().find(|(.., other)| other.text == facts.text), alike.next()) {
            (Some(other), _) if may_repeat_by_chance(id) => {
                open.push(format!("{}, which may be chance", told(other)));
            }
            (Some(other), _) => against.push(told(other)),
            (None, Some((other, ..))) => apart.push(format!(
                "members {other} and {position} have different texts under one response id, {id}"
            )),
            (None, None) => {}
        }
        seen.push((position, id, facts));
    }
    let mut pass = "no header says that a cache answered, and ".to_owned();
    pass.push_str(&match apart.is_empty() {
        true => "response ids are distinct".to_owned(),
        false => apart.join(", "),
    });
    Claim::weigh(&against, &open, pass)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_says_little_may_repeat_by_chance() {
        for id in [
            "chatcmpl-437",
            "chatcmpl-1790000000",
            "chatcmpl-1790000000123456789",
            "1790000000123",
            "msg_0",
            "cmpl-aaaaaaaaaaaaaaaa",
            "00000000-0000-0000-0000-000000000000",
            "chatcmpl-none",
            "request",
            "x-1f2e3d4c5b6",
            "-",
            "",
        ] {
            assert!(may_repeat_by_chance(id), "{id}");
        }
        for id in [
            "chatcmpl-f1e1d0a1b2c3",
            "msg_01XFDUDYJgAACzvnptvVoYEL",
            "gen-1741569952-fxr1",
            "6a7b1c2d-1111-2222-3333-444455556666",
            "abcdefabcdef",
        ] {
            assert!(!may_repeat_by_chance(id), "{id}");
        }
    }
}
