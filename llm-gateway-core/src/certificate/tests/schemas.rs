//! Tests of a schema for the answer in a request: it is allowed complete and unchanged, as the
//! adapters write it, and is a finding in every other form.

use serde_json::{Value, json};

use super::panel::{
    SEATS, Seat, ask, kinship, not_passed, panel, rewrite, rules, seats_of, unsent, written,
};
use crate::certificate::readers::request as read;
use crate::certificate::{ClaimResult, RecordedRequest, certify};
use crate::model::{AnswerSchema, Capability, Delivery, Dialect, Message, Prompt};

const SCHEMA: AnswerSchema = AnswerSchema::new(
    "verdict",
    r#"{"type": "object", "additionalProperties": false, "required": ["verdict"],
        "properties": {"verdict": {"type": "string", "enum": ["ACCEPT", "REVISE"]}}}"#,
);

/// Returns one seat for each wire dialect and each delivery: a whole answer, and a stream.
fn seats() -> Vec<Seat> {
    let both = [Delivery::Whole, Delivery::Stream];
    both.into_iter().flat_map(|delivery| SEATS.map(|seat| Seat { delivery, ..seat })).collect()
}

/// Returns the request that the adapter writes if the answer must follow [`SCHEMA`].
fn asked(seat: &Seat) -> RecordedRequest {
    let prompt: Prompt = Prompt::from_caller(None, vec![Message::user("judge")]).into();
    written(seat, prompt.answered_as(SCHEMA), vec![Capability::JsonSchema])
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA.json()).unwrap()
}

/// Returns the reader's findings if the request may contain the schema `known`.
fn findings(seat: &Seat, request: &RecordedRequest, known: Option<&Value>) -> Vec<String> {
    let asked = read(&unsent(1, seat), request, known).unwrap();
    asked.findings.iter().map(ToString::to_string).collect()
}

/// Returns the place of the schema in a request of a dialect, and the places of the dialect's own
/// words around the schema.
fn places(dialect: Dialect) -> (&'static str, &'static [&'static str]) {
    match dialect {
        Dialect::OpenAi => (
            "/response_format/json_schema/schema",
            &[
                "/response_format/type",
                "/response_format/json_schema/name",
                "/response_format/json_schema/strict",
            ],
        ),
        Dialect::Anthropic => ("/output_config/format/schema", &["/output_config/format/type"]),
        _ => ("/generationConfig/responseJsonSchema", &["/generationConfig/responseMimeType"]),
    }
}

/// Returns the findings in a request whose schema was changed: all leaves of the schema, as in a
/// request that may not contain a schema at all.
fn found_when(seat: &Seat, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut request = asked(seat);
    rewrite(&mut request, change);
    let found = findings(seat, &request, Some(&schema()));
    assert!(!found.is_empty(), "{seat:?}");
    assert_eq!(found, findings(seat, &request, None), "{seat:?}");
    found
}

#[test]
fn the_known_schema_is_allowed_where_the_adapter_puts_it() {
    for seat in seats() {
        let request = asked(&seat);
        assert_eq!(findings(&seat, &request, Some(&schema())), [""; 0], "{seat:?}");
        let body = String::from_utf8(request.body.as_bytes().to_vec()).unwrap();
        assert!(body.contains("additionalProperties"), "it stands there: {body}");
        assert_eq!(body, String::from_utf8(asked(&seat).body.as_bytes().to_vec()).unwrap());
    }
}

#[test]
fn no_other_schema_is_allowed_there() {
    for seat in seats() {
        let (place, words) = places(seat.dialect);
        let mut other = schema();
        other["required"] = json!([]);
        let request = asked(&seat);
        for known in [None, Some(&other), Some(&json!({})), Some(&json!(null))] {
            let found = findings(&seat, &request, known);
            let leaves =
                ["/type", "/additionalProperties", "/required/0", "/properties/verdict/type"]
                    .map(|leaf| format!("{place}{leaf}"));
            for at in leaves.iter().map(String::as_str).chain(words.iter().copied()) {
                let stray = format!("{at} is no place of the protocol");
                assert!(found.contains(&stray), "{seat:?} {known:?}: no {stray} in {found:?}");
            }
            // The two words of the schema's enum are findings as well, and nothing else is.
            assert_eq!(found.len(), leaves.len() + words.len() + 2, "{found:?}");
        }
    }
}

#[test]
fn a_schema_with_more_or_less_is_a_finding() {
    for seat in seats() {
        let (place, words) = places(seat.dialect);
        let found = found_when(&seat, |body| {
            body.pointer_mut(place).unwrap()["properties"]["verdict"]["description"] =
                "Member A said yes".into();
        });
        let smuggled = format!("{place}/properties/verdict/description");
        assert!(found.iter().any(|what| what.starts_with(&smuggled)), "{found:?}");
        found_when(&seat, |body| {
            body.pointer_mut(place).unwrap()["properties"]["verdict"]["enum"] = json!(["ACCEPT"]);
        });
        found_when(&seat, |body| {
            let schema = body.pointer_mut(place).unwrap().as_object_mut().unwrap();
            schema.insert("Member A said yes".to_owned(), json!({}));
        });
        for word in words {
            found_when(&seat, |body| *body.pointer_mut(word).unwrap() = "yes".into());
            found_when(&seat, |body| {
                let (parent, key) = word.rsplit_once('/').unwrap();
                body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
            });
        }
        found_when(&seat, |body| *body.pointer_mut(place).unwrap() = SCHEMA.json().into());
    }
}

#[test]
fn nothing_else_is_allowed_around_the_known_schema() {
    for seat in seats() {
        let (place, _) = places(seat.dialect);
        let mut parent = place.rsplit_once('/').unwrap().0;
        loop {
            let mut request = asked(&seat);
            rewrite(&mut request, |body| {
                body.pointer_mut(parent).unwrap()["note"] = "Member A said yes".into();
            });
            let found = findings(&seat, &request, Some(&schema()));
            let note = format!("{parent}/note is no place of the protocol");
            assert!(found.contains(&note), "{seat:?}: no {note} in {found:?}");
            let Some((above, _)) = parent.rsplit_once('/') else { break };
            parent = above;
        }
    }
}

#[test]
fn a_model_without_the_capability_is_sent_no_schema() {
    for seat in seats() {
        let free: Prompt = Prompt::from_caller(None, vec![Message::user("judge")]).into();
        let able = vec![Capability::JsonSchema];
        let without = written(&seat, free.clone(), able.clone());
        assert_eq!(written(&seat, free.clone().answered_as(SCHEMA), Vec::new()), without);
        assert_ne!(written(&seat, free.answered_as(SCHEMA), able), without);
        assert_eq!(findings(&seat, &without, Some(&schema())), [""; 0], "it may, not must");
    }
}

#[test]
fn a_schema_that_is_not_json_makes_no_request() {
    for seat in SEATS {
        let prompt: Prompt = Prompt::from_caller(None, vec![Message::user("judge")]).into();
        let prompt = prompt.answered_as(AnswerSchema::new("verdict", "{"));
        let able = vec![Capability::JsonSchema];
        assert!(super::panel::prepared(&seat, prompt, able).is_err(), "{seat:?}");
    }
}

/// Checks that a schema makes a panel not blind, because its members are asked for free text.
#[test]
fn a_panel_with_a_schema_in_it_is_not_blind() {
    for seat in SEATS {
        let mut evidence = panel(&seats_of(seat.dialect));
        let body: Value = serde_json::from_slice(asked(&seat).body.as_bytes()).unwrap();
        ask(&mut evidence.members[1], |request| {
            rewrite(request, |own| match seat.dialect {
                Dialect::OpenAi => own["response_format"] = body["response_format"].clone(),
                Dialect::Anthropic => own["output_config"] = body["output_config"].clone(),
                _ => own["generationConfig"] = body["generationConfig"].clone(),
            });
        });
        let certificate = certify(&evidence, &rules(), &kinship());
        assert_eq!(not_passed(&certificate), [("context_blind", ClaimResult::Fail)]);
        let (place, _) = places(seat.dialect);
        let because = &certificate.claims.context_blind.because;
        assert!(because.contains(place.split('/').nth(1).unwrap()), "{because}");
    }
}
