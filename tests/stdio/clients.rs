//! Tests of the entries in examples/clients, loaded and started as a client would.

use std::path::Path;

use serde_json::{Value, json};
use test_support::{Launch, Place};

use crate::{failure_of, server, success};

fn entry(file: &str, section: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/clients");
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    file[section]["llm-gateway"].clone()
}

/// Starts the server as an entry says. `expand` is how the client expands `${NAME}`; a client
/// without a value passes the text on unchanged.
fn started(entry: &Value, place: &Place, expand: impl Fn(&str) -> String) -> Launch {
    // opencode has the command and its arguments in one list.
    let (command, arguments) = match entry["command"].as_array() {
        Some(command) => (command[0].clone(), command[1..].to_vec()),
        None => (entry["command"].clone(), entry["args"].as_array().unwrap().clone()),
    };
    assert_eq!(command, "llm-gateway-stdio");
    let arguments = arguments.iter().map(|argument| argument.as_str().unwrap());
    let launch = arguments.fold(server().inside(place), Launch::argument);
    let variables = entry.get("env").unwrap_or(&entry["environment"]).as_object().unwrap().iter();
    variables.fold(launch, |launch, (name, value)| {
        launch.variable(name, expand(value.as_str().unwrap()))
    })
}

#[tokio::test]
async fn the_mcp_json_entry_starts_a_server_that_lists_its_tools() {
    let place = Place::with_policy("");
    let entry = entry("mcp.json", "mcpServers");
    let mut session = started(&entry, &place, str::to_owned).connect().await;
    let tools = session.request("tools/list", json!({})).await;
    let names: Vec<&Value> =
        tools["result"]["tools"].as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["llm_route", "llm_orchestrate", "llm_routing_info", "llm_result"]);
    // A variable that the client could not expand is a missing key, which the error names.
    let asked = json!({ "task_class": "quick_answer", "prompt": "hi" });
    let failure = failure_of("missing_key", &session.call("llm_route", asked).await);
    assert!(failure["meta"]["hint"].as_str().unwrap().contains("OPENAI_API_KEY"), "{failure:#}");
}

#[tokio::test]
async fn every_json_entry_hands_the_keys_of_the_built_in_policy_over() {
    for (file, section) in [
        ("mcp.json", "mcpServers"),
        ("cursor.json", "mcpServers"),
        ("gemini.json", "mcpServers"),
        ("vscode.json", "servers"),
        ("opencode.json", "mcp"),
    ] {
        let place = Place::with_policy("");
        let entry = entry(file, section);
        let launch = started(&entry, &place, |_| "a-key-of-the-client".to_owned());
        let mut session = launch.connect().await;
        let info = success(&session.call("llm_routing_info", json!({})).await);
        let providers = info["data"]["providers"].as_array().unwrap();
        assert!(providers.iter().all(|provider| provider["key"] == "set"), "{file}: {info:#}");
    }
}
