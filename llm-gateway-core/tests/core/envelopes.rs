//! Envelopes read back, and are what their schema says.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::config::PolicyProblems;
use llm_gateway_core::ledger::MemoryLedger;
use llm_gateway_core::model::{NanoUsd, RunId};
use llm_gateway_core::{Category, Envelope, Error, Gateway, Request, Scripted, Status, Task};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::obeying;

/// A policy with a class of each kind, and an orchestration; nothing is retried.
const POLICY: &str = "
defaults:
  single: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.8-flash}
    max_tokens: 100
  sums:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.8-flash}
      else: {provider: anthropic, model: claude-opus-5-5}
    max_tokens: 100
fallback:
  single: [{provider: gemini, model: gemini-3.8-flash}]
orchestration:
  roles:
    planner: {provider: gemini, model: gemini-3.8-flash, max_tokens: 100}
    worker: {provider: openai, model: gpt-6-luna, max_tokens: 100}
    verifier: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
  verdict: plain
reliability: {retry: {max_retries: 0}}
";

fn gateway(script: Scripted) -> Gateway {
    let ledger = Arc::new(MemoryLedger::new());
    obeying(POLICY).scripted(script).ledger(ledger).build().unwrap()
}

async fn asked(class: &str, script: Scripted) -> Envelope {
    Envelope::from(&gateway(script).start(Request::new(class, "6 x 7 = ?")).await)
}

async fn done(depth: &str, script: Scripted) -> Envelope {
    let task = Task::new("Name the capital of France").depth(depth);
    Envelope::from(&gateway(script).start_orchestration(task).await)
}

fn problems() -> PolicyProblems {
    obeying("defaults: {a: {provider: nobody}}").offline().build().err().unwrap()
}

/// Returns envelopes of every shape, under the title that the schema has for each.
async fn of_every_shape() -> Vec<(&'static str, Envelope)> {
    let answers = |texts: &[&str]| texts.iter().fold(Scripted::new(), |it, text| it.answer(*text));
    let error = Error::new(Category::Timeout, "too late").with_hint("wait");
    let description = gateway(Scripted::new()).describe().unwrap();
    vec![
        ("Answer", asked("single", answers(&["42"])).await),
        ("Answer", asked("single", Scripted::new().status(500).answer("42")).await),
        ("Panel", asked("three", answers(&["42", "**42**", "41"])).await),
        ("Cascade", asked("sums", answers(&["42", "42."])).await),
        ("Cascade", asked("sums", answers(&["42", "41", "42"])).await),
        ("Orchestration", done("trivial", answers(&["Paris."])).await),
        ("Orchestration", done("standard", answers(&["Paris.", "ACCEPT"])).await),
        (
            "Orchestration",
            done(
                "complex",
                answers(&["A plan", "Paris.", "REVISE: a", "A plan", "Rome.", "REVISE: b"]),
            )
            .await,
        ),
        ("Orchestration", done("standard", answers(&["Paris."]).status(500)).await),
        ("Orchestration", done("standard", answers(&["Paris.", "Well", "ACCEPT"])).await),
        ("Failure", asked("single", Scripted::new().status(500).status(401)).await),
        ("Failure", asked("nothing", Scripted::new()).await),
        ("Failure", asked("sums", answers(&["42", "41"]).status(500)).await),
        ("Failure", asked("single", Scripted::new().cut().cut()).await),
        ("Failure", asked("sums", answers(&["42", "41"]).cut()).await),
        ("Failed panel", asked("three", answers(&["42"]).status(500).status(500)).await),
        ("Failed panel", asked("three", answers(&["42"]).cut().cut()).await),
        ("Failed orchestration", done("standard", Scripted::new().cut()).await),
        ("Failed orchestration", done("complex", answers(&["A plan"]).cut()).await),
        ("Failed orchestration", done("standard", Scripted::new().status(500)).await),
        ("Failure", done("endless", Scripted::new()).await),
        ("Error", Envelope::from(&error)),
        ("Error", Envelope::from(&problems())),
        ("Running", Envelope::running(RunId::from_bits(7), "single", Duration::ZERO, "wait")),
        ("Page", asked("three", answers(&["42", "43", "41"])).await.page(2, 200).unwrap()),
        (
            "Page",
            asked("three", answers(&["42"]).status(500).status(500)).await.page(1, 200).unwrap(),
        ),
        ("Other", Envelope::success(json!(description))),
    ]
}

#[tokio::test]
async fn every_envelope_reads_back_equal() {
    for (shape, envelope) in of_every_shape().await {
        let written = serde_json::to_string(&envelope).unwrap();
        let read: Envelope = serde_json::from_str(&written).unwrap();
        assert_eq!(read, envelope, "{shape}");
        assert_eq!(serde_json::to_string(&read).unwrap(), written, "{shape}");
    }
}

/// Returns the schema with only these shapes. If it is strict, `data` and `meta` hold no key that
/// it does not describe.
fn schema_of(shapes: &[&str]) -> jsonschema::Validator {
    let mut schema = Envelope::json_schema();
    let wanted = |shape: &Value| shapes.iter().any(|title| shape["title"] == *title);
    schema["anyOf"].as_array_mut().unwrap().retain(wanted);
    assert_eq!(schema["anyOf"].as_array().unwrap().len(), shapes.len(), "{shapes:?}");
    for (name, definition) in schema["$defs"].as_object_mut().unwrap() {
        if let Some(Value::Object(properties)) = definition.get_mut("properties") {
            if name.ends_with("Meta") {
                properties.insert("member".to_owned(), json!(true));
            }
            definition["additionalProperties"] = json!(false);
        }
    }
    jsonschema::validator_for(&schema).unwrap()
}

#[tokio::test]
async fn every_envelope_is_what_the_schema_says_of_its_shape() {
    for (shape, envelope) in of_every_shape().await {
        // A panel holds the envelopes of its members.
        let schema = match shape {
            "Panel" | "Failed panel" => schema_of(&[shape, "Answer", "Failure"]),
            "Failure" => schema_of(&["Failure", "Answer"]),
            shape => schema_of(&[shape]),
        };
        let envelope = json!(envelope);
        let problems: Vec<String> =
            schema.iter_errors(&envelope).map(|it| it.to_string()).collect();
        assert_eq!(problems, Vec::<String>::new(), "{shape}: {envelope:#}");
        let mut stranger = envelope.clone();
        stranger["meta"]["surprise"] = json!(1);
        assert!(shape == "Other" || !schema.is_valid(&stranger), "{shape} takes any key");
        let required = ["run_id", "error_category"];
        let required = required.into_iter().find(|key| !envelope["meta"][key].is_null());
        if let Some(required) = required {
            let mut lacking = envelope.clone();
            lacking["meta"].as_object_mut().unwrap().remove(required);
            assert!(!schema.is_valid(&lacking), "{shape} goes without {required}");
        }
    }
}

#[test]
fn every_field_of_the_schema_is_described() {
    fn undescribed(schema: &Value, at: &str, found: &mut Vec<String>) {
        if let Value::Object(fields) = schema {
            if let Some(Value::Object(properties)) = fields.get("properties") {
                let silent = properties.iter().filter(|(_, it)| it["description"].is_null());
                found.extend(silent.map(|(name, _)| format!("{at}/{name}")));
            }
            fields.iter().for_each(|(key, it)| undescribed(it, &format!("{at}/{key}"), found));
        }
    }
    let schema = Envelope::json_schema();
    let mut found = Vec::new();
    undescribed(&schema["$defs"], "", &mut found);
    undescribed(&schema["properties"], "", &mut found);
    assert_eq!(found, Vec::<String>::new());
    assert!(!schema.to_string().contains("\\n"), "descriptions are single lines");
}

/// Returns any JSON, three levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,4}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_equal(
        status in prop::sample::select(vec![
            Status::Success, Status::Error, Status::NeedsHumanReview, Status::Unverified,
            Status::Running,
        ]),
        error in prop::option::of(".{0,20}"),
        data in prop::option::of(any_json()),
        meta in prop::collection::btree_map(".{0,4}", any_json(), 0..4),
    ) {
        let mut envelope = Envelope::success(Value::Null);
        envelope.status = status;
        envelope.error = error;
        envelope.data = data;
        envelope.meta = meta.into_iter().collect();
        let written = serde_json::to_string(&envelope).unwrap();
        prop_assert_eq!(serde_json::from_str::<Envelope>(&written).unwrap(), envelope);
    }

    #[test]
    fn an_amount_of_money_reads_back_equal(nanos: u64) {
        let amount = NanoUsd::from_nanos(nanos);
        let envelope = Envelope::success(json!({ "cost_usd_approx": amount }));
        let written = serde_json::to_string(&envelope).unwrap();
        prop_assert_eq!(serde_json::from_str::<Envelope>(&written).unwrap(), envelope);
    }
}
