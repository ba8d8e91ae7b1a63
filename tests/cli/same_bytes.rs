//! `--json` prints what the MCP server answers: the same envelope, with the same bytes in its
//! texts.

use llm_gateway_core::{Environment, Gateway};
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, ContentBlock};
use serde_json::{Value, json};

use crate::policies::{SMALL, summed_by};
use crate::program::Home;

/// Characters that a serialiser, a terminal or a filter of colours may treat in a way of its own.
const ODD: &str = "a\u{9b}2J \u{7f} \u{1b}[31m \u{1}\u{2}\u{3} \u{2028}\u{202e} \u{fffd} \u{feff}é 🙂 \"\\/\t\r\n<&>";

/// Calls a tool of the real server, offline, and returns the text of its answer.
fn over_mcp(home: &Home, tool: &'static str, arguments: &Value) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let policy = home.path().join("policy.yaml");
        let builder = Gateway::builder().environment(Environment::empty());
        let gateway = builder.policy_file(policy).offline().build().unwrap();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (reader, writer) = tokio::io::split(far);
        tokio::spawn(llm_gateway_stdio::serve(gateway, reader, writer, std::future::pending()));
        let client = ().serve(near).await.unwrap();
        let request = CallToolRequestParams::new(tool);
        let request = request.with_arguments(arguments.as_object().unwrap().clone());
        let result = client.call_tool(request).await.unwrap();
        let text = result.content.first().and_then(ContentBlock::as_text).unwrap().text.clone();
        if let Some(structured) = result.structured_content {
            assert_eq!(structured.to_string(), text, "one text, and the same as an object");
        }
        client.cancel().await.unwrap();
        text
    })
}

/// Returns an envelope without what differs from run to run.
fn timeless(mut value: Value) -> Value {
    match &mut value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                // A verdict's `raw` holds a number that is drawn for each run.
                let drawn = ["run_id", "digest", "raw"];
                let differs = key.ends_with("_ms") || drawn.contains(&key.as_str());
                *value = if differs { Value::Null } else { timeless(value.take()) };
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|it| *it = timeless(it.take())),
        _ => {}
    }
    value
}

/// Returns every text of a value as JSON writes it.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(_) => vec![value.to_string()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(object) => object.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[track_caller]
fn same(policy: &str, command: &[&str], tool: &'static str, arguments: &Value) -> Value {
    let home = Home::holding(policy);
    let arguments_of_command = [&["--json", "--offline"], command].concat();
    let printed = home.with_policy(&arguments_of_command).ends();
    let answered = over_mcp(&home, tool, arguments);
    let envelope = timeless(serde_json::from_str(&answered).unwrap());
    let shown = timeless(printed.document());
    assert_eq!(format!("{shown:#}"), format!("{envelope:#}"), "{command:?}");
    for text in texts(&shown) {
        assert!(printed.stdout.contains(&text), "{text} is written otherwise: {}", printed.stdout);
        assert!(answered.contains(&text), "{text} is written otherwise: {answered}");
    }
    shown
}

fn routed(policy: &str, class: &str) -> Value {
    let arguments = json!({ "task_class": class, "prompt": ODD });
    same(policy, &["route", class, ODD], "llm_route", &arguments)
}

#[test]
fn of_a_single_model() {
    let shown = routed(SMALL, "quick_answer");
    assert!(shown["data"]["text"].as_str().unwrap().contains("\u{9b}2J \u{7f}"), "{shown}");
}

#[test]
fn of_a_panel_and_of_a_cascade() {
    let url = "http://127.0.0.1:9";
    let policy = include_str!("../../routing.yaml");
    assert_eq!(routed(policy, "triple_review")["data"]["members"].as_array().unwrap().len(), 3);
    assert_eq!(routed(&summed_by([url; 3]), "sums")["status"], "success");
}

#[test]
fn of_an_orchestration() {
    let policy = include_str!("../../routing.yaml");
    let arguments = json!({ "task": ODD, "depth": "complex" });
    let command = ["orchestrate", ODD, "--depth", "complex"];
    let shown = same(policy, &command, "llm_orchestrate", &arguments);
    assert!(shown["data"]["artifact"].is_string(), "{shown}");
}

#[test]
fn of_what_fails() {
    for class in ["quick_anwser", ODD, ""] {
        assert_eq!(routed(SMALL, class)["status"], "error", "{class:?}");
    }
    let arguments = json!({ "task": ODD });
    let shown = same(SMALL, &["orchestrate", ODD], "llm_orchestrate", &arguments);
    assert_eq!(shown["meta"]["error_category"], "policy_invalid", "{shown}");
    let arguments = json!({ "task_class": "quick_answer", "prompt": "" });
    same(SMALL, &["route", "quick_answer", ""], "llm_route", &arguments);
}
