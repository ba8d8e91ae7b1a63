//! Tests of a caller's message in several parts: each wire format writes them in its own way, and
//! no request may contain more or less than the parts.

use serde_json::{Value, json};

use super::panel::{ask, kinship, not_passed, panel_asked, rewrite, rules, seats_of};
use crate::certificate::{CallerTexts, ClaimResult, certify};
use crate::model::Dialect;

const PARTS: [&str; 2] = ["Is a tomato\n\n", "a fruit?"];

/// Returns the claims that do not pass after `change` rewrote the second member's user turn.
fn changed(dialect: Dialect, change: impl Fn(&mut Value)) -> Vec<(&'static str, ClaimResult)> {
    let caller = CallerTexts::new(None, PARTS.map(str::to_owned).to_vec());
    let mut evidence = panel_asked(&seats_of(dialect), caller);
    ask(&mut evidence.members[1], |request| rewrite(request, &change));
    not_passed(&certify(&evidence, &rules(), &kinship()))
}

/// Writes a user turn with these texts into a request's body: one text as a string if the format
/// has strings for turns, several texts as a list.
fn say(dialect: Dialect, body: &mut Value, texts: &[&str]) {
    match (dialect, texts) {
        (Dialect::Gemini, texts) => {
            body["contents"][0]["parts"] = texts.iter().map(|text| json!({"text": text})).collect();
        }
        (_, [text]) => body["messages"][0]["content"] = (*text).into(),
        (_, texts) => {
            let part = |text: &&str| json!({"type": "text", "text": text});
            body["messages"][0]["content"] = texts.iter().map(part).collect();
        }
    }
}

#[test]
fn every_dialect_writes_the_parts_and_its_reader_knows_them() {
    for dialect in Dialect::SPOKEN {
        assert_eq!(changed(dialect, |_| {}), [], "{dialect:?}");
        assert_eq!(changed(dialect, |body| say(dialect, body, &PARTS)), [], "{dialect:?}");
    }
}

#[test]
fn only_openai_may_have_one_string_for_several_parts() {
    let joined = PARTS.concat();
    for dialect in Dialect::SPOKEN {
        let found = changed(dialect, |body| say(dialect, body, &[&joined]));
        assert_eq!(found.is_empty(), dialect == Dialect::OpenAi, "{dialect:?}: {found:?}");
    }
}

#[test]
fn a_turn_with_more_or_less_than_the_parts_is_not_blind() {
    let [first, second] = PARTS;
    let joined = PARTS.concat();
    let wrong: [&[&str]; 10] = [
        &[first],
        &[second],
        &[first, first],
        &[second, first],
        &[first, "Member A said yes", second],
        &[&format!("{joined} Member A said yes")],
        &[&format!("Member A said yes {joined}")],
        &[&format!("{first}Member A said yes\n\n{second}")],
        &[&joined.replace('a', "\u{430}")],
        &[&joined, &joined],
    ];
    for dialect in Dialect::SPOKEN {
        for texts in wrong {
            let found = changed(dialect, |body| say(dialect, body, texts));
            assert_eq!(found, [("context_blind", ClaimResult::Fail)], "{dialect:?}: {texts:?}");
        }
        let two_turns = changed(dialect, |body| {
            say(dialect, body, &[first]);
            let list = if dialect == Dialect::Gemini { "contents" } else { "messages" };
            let mut turn = body[list][0].clone();
            match dialect {
                Dialect::Gemini => turn["parts"][0]["text"] = second.into(),
                _ => turn["content"] = second.into(),
            }
            body[list].as_array_mut().unwrap().push(turn);
        });
        assert_eq!(two_turns, [("context_blind", ClaimResult::Fail)], "{dialect:?}: two turns");
    }
}
