//! Wrong arguments: whatever is wrong with a call is told at once, and nothing else is.

use serde_json::{Map, Value, json};
use test_support::Place;

use crate::lines::in_memory_of;
use crate::{failure, failure_of, server, success};

const POLICY: &str = "
defaults:
  ask: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  fixed: {provider: openai, model: gpt-6-luna, max_tokens: 100, allow_override: false}
  review:
    members: [{provider: openai, model: gpt-6-luna}, {provider: anthropic, model: claude-haiku-5-5}]
orchestration:
  roles:
    worker: {provider: openai, model: gpt-6-luna, max_tokens: 100}
    verifier: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}
";

/// A value of an argument, and the words that tell what is wrong with it. Without words it is
/// right.
type Case = (Option<Value>, Option<&'static str>);

/// Returns the arguments of every combination of these cases, with all that is to be told of each.
fn combinations(cases: &[(&str, &[Case])]) -> Vec<(Map<String, Value>, Vec<&'static str>)> {
    let none = vec![(Map::new(), Vec::new())];
    cases.iter().fold(none, |combined, (name, cases)| {
        let add = |(arguments, told): &(Map<String, Value>, Vec<&'static str>)| {
            let (arguments, told) = (arguments.clone(), told.clone());
            cases
                .iter()
                .map(move |(value, wrong)| {
                    let (mut arguments, mut told) = (arguments.clone(), told.clone());
                    arguments.extend(value.clone().map(|value| ((*name).to_owned(), value)));
                    told.extend(*wrong);
                    (arguments, told)
                })
                .collect::<Vec<_>>()
        };
        combined.iter().flat_map(add).collect()
    })
}

/// Checks that every combination of cases is answered with everything that is wrong, each once.
async fn all_are_told(tool: &str, cases: &[(&str, &[Case])]) {
    let every: Vec<&str> =
        cases.iter().flat_map(|(_, cases)| cases.iter()).filter_map(|(_, wrong)| *wrong).collect();
    let mut client = in_memory_of(POLICY);
    client.initialize().await;
    for (arguments, told) in combinations(cases) {
        let result = client.call(tool, Value::Object(arguments.clone())).await;
        if told.is_empty() {
            success(&result);
            continue;
        }
        let envelope = failure(&result);
        let error = envelope["error"].as_str().unwrap();
        for wrong in &every {
            let times = usize::from(told.contains(wrong));
            assert_eq!(error.matches(wrong).count(), times, "{wrong} in {error} for {arguments:?}");
        }
        let hint = envelope["meta"]["hint"].as_str().unwrap();
        let knows = |what: &str| told.iter().any(|told| told.contains(what));
        if knows("no task class") {
            assert!(
                hint.contains("did you mean `review`? the policy has: ask, fixed, review"),
                "{hint}"
            );
        }
        if knows("is unknown") || knows("is missing") || knows("must be") {
            assert_eq!(hint.matches("the arguments are: ").count(), 1, "{hint}");
        }
    }
}

fn right(value: Value) -> Case {
    (Some(value), None)
}

fn wrong(value: Value, told: &'static str) -> Case {
    (Some(value), Some(told))
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_question_is_told_at_once() {
    all_are_told(
        "llm_route",
        &[
            (
                "task_class",
                &[
                    right(json!("ask")),
                    (None, Some("`task_class` is missing")),
                    wrong(json!(["ask"]), "`task_class` must be text"),
                    wrong(json!("reviw"), "no task class is called `reviw`"),
                ],
            ),
            (
                "prompt",
                &[
                    right(json!("hi")),
                    right(json!(2026)),
                    right(json!(true)),
                    (None, Some("`prompt` is missing")),
                    wrong(json!({}), "`prompt` must be text, not an object"),
                    wrong(json!(" \n"), "`prompt` is empty"),
                ],
            ),
            (
                "max_tokens",
                &[right(json!("5")), wrong(json!(0), "`max_tokens` must be a whole number")],
            ),
            (
                "override_model",
                &[
                    (None, None),
                    wrong(json!("a b"), "`override_model` is no model id"),
                    wrong(json!([]), "`override_model` must be text"),
                ],
            ),
            (
                "promt",
                &[(None, None), wrong(json!("hi"), "`promt` is unknown, did you mean `prompt`?")],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_override_that_its_class_forbids_is_told_with_the_rest() {
    for (class, told) in [
        ("review", "`override_model` cannot be used on `review`"),
        ("fixed", "the policy allows no `override_model` on `fixed`"),
    ] {
        all_are_told(
            "llm_route",
            &[
                ("task_class", &[right(json!(class))]),
                (
                    "prompt",
                    &[(None, Some("`prompt` is missing")), wrong(json!(""), "`prompt` is empty")],
                ),
                ("override_model", &[(None, None), wrong(json!("gpt-6"), told)]),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_task_is_told_at_once() {
    all_are_told(
        "llm_orchestrate",
        &[
            (
                "task",
                &[
                    right(json!("Name a city.")),
                    right(json!(7)),
                    (None, Some("`task` is missing")),
                    wrong(json!([1]), "`task` must be text, not a list"),
                    wrong(json!("  "), "`task` is empty"),
                ],
            ),
            (
                "depth",
                &[
                    (None, None),
                    right(json!("trivial")),
                    wrong(json!({}), "`depth` must be text, not an object"),
                    wrong(json!("trivail"), "no depth is called `trivail`"),
                ],
            ),
            ("tsak", &[(None, None), wrong(json!(1), "`tsak` is unknown, did you mean `task`?")]),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_invalid_policy_is_told_whatever_the_arguments() {
    let place = Place::with_policy("defaults: {ask: {provider: opnai}}");
    let mut client = server().at(&place).connect().await;
    for arguments in [json!({}), json!({ "prompt": [] }), json!({ "task_class": "ask", "x": 1 })] {
        for tool in ["llm_route", "llm_orchestrate"] {
            failure_of("policy_invalid", &client.call(tool, arguments.clone()).await);
        }
    }
}

#[tokio::test]
async fn a_missing_key_is_told_in_the_words_of_the_client() {
    let place = Place::with_policy(POLICY);
    for (client, told) in [
        ("claude-code", "in Claude Code"),
        ("codex-mcp-client", "`env_vars`"),
        ("a stranger", "in the environment or in .env beside the policy file"),
    ] {
        for is_inline in [false, true] {
            let mut session = server().at(&place).spawn();
            let info = json!({ "name": client, "version": "1" });
            let mut params = json!({
                "name": "llm_route", "arguments": { "task_class": "ask", "prompt": "hi" },
            });
            if is_inline {
                params["_meta"] = json!({
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": info,
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
            } else {
                let hello = json!({
                    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": info,
                });
                session.request("initialize", hello).await;
                session.notify("notifications/initialized", json!({}));
            }
            let reply = session.request("tools/call", params).await;
            let envelope = failure_of("missing_key", &reply["result"]);
            let hint = envelope["meta"]["hint"].as_str().unwrap();
            assert!(hint.contains("OPENAI_API_KEY") && hint.contains(told), "{client}: {hint}");
        }
    }
}
