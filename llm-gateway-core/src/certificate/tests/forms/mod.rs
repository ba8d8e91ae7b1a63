//! Checks that adapter and reader see the same answer and the same tokens in a response, whatever
//! its form.
//!
//! Each response of `tests/fixtures` is rewritten in forms that servers and proxies were seen to
//! write, and in similar ones. None of them may change the meaning of the response.

mod dice;
mod documents;
mod responses;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use self::dice::Dice;
use super::fixtures::recorded;
use crate::certificate::readers::{response as read, usage};
use crate::error::{Category, Error};
use crate::model::{Completion, Delivery, Dialect, FinishReason, Usage};
use crate::provider::fixtures::completed;

/// The number of forms in which each fixture is tested.
const FORMS: u64 = 6;

/// The number of times that each fixture is damaged.
const DAMAGES: u64 = 4;

/// The result of an adapter for a response.
#[derive(Debug, PartialEq)]
enum Outcome {
    Answer {
        text: String,
        model: Option<String>,
        response_id: Option<String>,
        finish_reason: FinishReason,
        usage: Option<Usage>,
    },
    Failure {
        category: Category,
        billed: Option<Usage>,
    },
}

impl From<Result<Completion, Error>> for Outcome {
    fn from(result: Result<Completion, Error>) -> Self {
        match result {
            Ok(answer) => Self::Answer {
                text: answer.joined_text(),
                model: answer.model,
                response_id: answer.response_id,
                finish_reason: answer.finish_reason,
                usage: answer.usage,
            },
            Err(error) => {
                Self::Failure { category: error.category(), billed: error.usage().copied() }
            }
        }
    }
}

/// Returns what the adapter sees in a response.
///
/// # Errors
/// The reader sees something else; the text says what.
async fn seen(
    dialect: Dialect,
    delivery: Delivery,
    response: &Value,
    cut: usize,
) -> Result<Outcome, String> {
    let outcome = Outcome::from(completed(dialect, delivery, response.clone(), cut).await);
    let recorded = recorded(response);
    let counted = usage(dialect, &recorded);
    match (&outcome, read(dialect, &recorded)) {
        (Outcome::Answer { text, usage, .. }, Ok(reply))
            if reply.text == *text && counted == usage.filter(Usage::is_plausible) => {}
        // A count that only one of them has contradicts nothing.
        (Outcome::Failure { billed, .. }, Err(_))
            if counted.is_none() || billed.is_none() || counted == *billed => {}
        (outcome, reply) => {
            return Err(format!("adapter: {outcome:?}, reader: {reply:?}, {counted:?}"));
        }
    }
    Ok(outcome)
}

/// A response of a fixture, and how it was asked for.
struct Original {
    name: String,
    dialect: Dialect,
    delivery: Delivery,
    response: Value,
}

/// Returns all responses with a successful status.
fn originals() -> Vec<Original> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = |dialect: Dialect| {
        let entries = fs::read_dir(root.join(dialect.as_str())).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(move |path| (dialect, path))
    };
    let originals = Dialect::SPOKEN.into_iter().flat_map(files).map(|(dialect, path)| {
        let fixture: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let streams = fixture["call"]["stream"] == json!(true);
        let mut response = fixture["response"].clone();
        if response["body_text"].is_null() {
            response["body_text"] = response["body"].to_string().into();
            response["body"] = Value::Null;
        }
        Original {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            dialect,
            delivery: if streams { Delivery::Stream } else { Delivery::Whole },
            response,
        }
    });
    originals.filter(|original| original.response["status"] == json!(200)).collect()
}

#[tokio::test(start_paused = true)]
async fn no_change_of_form_changes_an_answer_or_its_tokens() {
    let originals = originals();
    assert!(originals.len() > 150, "{}", originals.len());
    let mut answers = 0;
    for Original { name, dialect, delivery, response } in originals {
        let expected = seen(dialect, delivery, &response, 0).await;
        let is_answer = matches!(expected, Ok(Outcome::Answer { .. }));
        answers += usize::from(is_answer);
        for form in 0..FORMS {
            let mut dice = Dice::new(&name, form);
            let Some(changed) = responses::changed(dialect, &response, is_answer, &mut dice) else {
                continue;
            };
            let body = changed["body_text"].as_str().unwrap();
            let cut = dice.roll(body.len() + 1);
            let outcome = seen(dialect, delivery, &changed, cut).await;
            let headers = &changed["headers"];
            assert_eq!(outcome, expected, "{name}, cut behind {cut}: {headers}\n{body}");
        }
    }
    assert!(answers > 100, "{answers}");
}

/// Checks that adapter and reader agree on a response that is damaged at random, whatever it then
/// means.
#[tokio::test(start_paused = true)]
async fn whatever_is_damaged_is_read_as_it_is_taken() {
    for Original { name, dialect, delivery, response } in originals() {
        for round in 0..DAMAGES {
            let mut dice = Dice::new(&name, round);
            let damaged = match dice.once_in(2) {
                true => responses::damaged(&response, &mut dice),
                false => responses::garbled(&response, &mut dice),
            };
            let body = damaged["body_text"].as_str().unwrap();
            if let Err(why) = seen(dialect, delivery, &damaged, 0).await {
                panic!("{}/{name}: {why}\n{body}", dialect.as_str());
            }
        }
    }
}

/// Checks the counts of all APIs at all their places, in numbers that agree or not: adapters and
/// readers have a table and a rule each.
#[tokio::test(start_paused = true)]
async fn whatever_is_counted_is_read_as_it_is_booked() {
    let mut counted = 0;
    for round in 0..1_500 {
        let mut dice = Dice::new("counts", round);
        let dialect = dice.pick(&Dialect::SPOKEN);
        let answer = documents::answer_with(dialect, documents::counts(&mut dice));
        let body = documents::written(&answer, &mut dice);
        let response = json!({"status": 200, "headers": {}, "body_text": body});
        match seen(dialect, Delivery::Whole, &response, 0).await {
            Ok(Outcome::Answer { usage, .. }) => counted += usize::from(usage.is_some()),
            other => panic!("{other:?}: {body}"),
        }
    }
    assert!(counted > 500, "{counted}");
}
