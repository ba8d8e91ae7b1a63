//! Checks, as case 22 for panels, that whatever the question is, and wherever a forbidden text is
//! planted in a request, the members count as blind if and only if no such text is there.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::panel::{SEATS, Seat, ask, kinship, panel_asked, rewrite, rules};
use crate::certificate::{CallEvidence, CallerTexts, ClaimResult, Evidence, certify};
use crate::model::Dialect;

/// The place of a planted text: which member, which place of its request's body, and how.
#[derive(Debug, Clone)]
struct Plant {
    member: prop::sample::Index,
    place: prop::sample::Index,
    text: String,
    as_speech: bool,
    in_retry: bool,
}

fn seats() -> impl Strategy<Value = Vec<Seat>> {
    let dialect = prop::sample::select(Dialect::SPOKEN.to_vec());
    prop::collection::vec(dialect, 2..=3).prop_map(|dialects| {
        let seated = SEATS.into_iter().zip(dialects);
        seated.map(|(seat, dialect)| Seat { dialect, ..seat }).collect()
    })
}

fn plant() -> impl Strategy<Value = Plant> {
    let index = any::<prop::sample::Index>;
    (index(), index(), "\\PC{1,40}|\u{200b}|yes", any::<bool>(), any::<bool>()).prop_map(
        |(member, place, text, as_speech, in_retry)| Plant {
            member,
            place,
            text,
            as_speech,
            in_retry,
        },
    )
}

/// Collects the JSON pointers of all values of a document. No key of a request needs an escape.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(n, item)| places(item, &format!("{at}/{n}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found));
        }
        _ => {}
    }
}

/// Plants a text in a request's body: at the end of a text, in a list, under a key, or in place of
/// a number.
fn sow(body: &mut Value, plant: &Plant) {
    let mut found = Vec::new();
    places(body, "", &mut found);
    let chosen: &String = plant.place.get(&found);
    let place = body.pointer_mut(chosen).unwrap();
    let text = &plant.text;
    match place {
        Value::String(said) => said.push_str(text),
        Value::Array(items) if plant.as_speech => {
            items.push(json!({"role": "user", "content": text, "parts": [{"text": text}]}));
        }
        Value::Array(items) => items.push(text.as_str().into()),
        Value::Object(fields) if plant.as_speech => {
            fields.insert(format!("+{text}"), json!(1));
        }
        Value::Object(fields) => {
            fields.insert("note".to_owned(), text.as_str().into());
        }
        other => *other = text.as_str().into(),
    }
}

/// Adds a second attempt to a member's call, with the committed bytes.
fn retry(member: &mut CallEvidence, moment: u64) {
    let mut again = member.exchanges[0].clone();
    (again.sent, again.response.as_mut().unwrap().sequence) = (moment, moment + 1);
    member.exchanges.push(again);
}

fn is_blind(evidence: &Evidence) -> ClaimResult {
    certify(evidence, &rules(), &kinship()).claims.context_blind.result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn a_panel_is_blind_if_and_only_if_nothing_is_planted(
        seats in seats(),
        system in prop::option::of("\\PC{0,30}"),
        question in prop::collection::vec("\\PC{1,60}", 1..=3),
        retries in any::<bool>(),
        plant in plant(),
    ) {
        let caller = CallerTexts::new(system, question);
        let mut evidence = panel_asked(&seats, caller);
        if retries {
            let moment = 3 * seats.len() as u64 + 1;
            retry(plant.member.get_mut(&mut evidence.members), moment);
        }
        prop_assert_eq!(is_blind(&evidence), ClaimResult::Pass);
        let member = plant.member.get_mut(&mut evidence.members);
        if plant.in_retry {
            rewrite(&mut member.exchanges.last_mut().unwrap().request, |body| sow(body, &plant));
        } else {
            ask(member, |request| rewrite(request, |body| sow(body, &plant)));
        }
        prop_assert_eq!(is_blind(&evidence), ClaimResult::Fail);
    }
}
