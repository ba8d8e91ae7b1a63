//! Tests of what a client sees before its first question: the handshake, the tools, and what can
//! run.

use serde_json::{Value, json};
use test_support::Place;
use tokio::sync::OnceCell;

use crate::{server, success};

/// A policy of two classes, a panel, a fallback and three roles. Nothing in it depends on the
/// built-in models.
const POLICY: &str = r#"
version: "1.0.0"
defaults:
  quick_answer: {provider: openai, model: gpt-test, max_tokens: 100, rationale: "Short answers."}
  deep_audit: {provider: anthropic, model: claude-test, rationale: "Careful reviews."}
  second_opinion:
    members: [{provider: openai, model: gpt-test}, {provider: anthropic, model: claude-test}]
    rationale: "Two opinions."
fallback:
  quick_answer: [{provider: anthropic, model: claude-test}]
orchestration:
  roles:
    planner: {provider: anthropic, model: claude-test}
    worker: {provider: openai, model: gpt-test}
    verifier: {provider: anthropic, model: claude-test}
  max_usd: 0.5
providers:
  openai: {models: {gpt-test: {in: 1, out: 2, max_output: 4096}}}
  anthropic: {models: {claude-test: {in: 1, out: 2, max_output: 4096}}}
"#;

#[tokio::test]
async fn initialize_answers_without_key_home_or_network() {
    let mut session = server().spawn();
    let reply = session.initialize_as("2025-11-25").await;
    let result = &reply["result"];
    assert_eq!(result["serverInfo"]["name"], "llm-gateway");
    assert!(result["capabilities"]["tools"].is_object(), "{result}");
    assert_eq!(result["capabilities"].get("logging"), None, "logs go to stderr");
    assert!(result["instructions"].as_str().unwrap().len() <= 2048, "clients cut at 2 KB");
}

/// Checks the part of the instructions that is all that some models see: whole sentences that name
/// every tool, in words that a tool search looks for.
#[tokio::test]
async fn the_beginning_of_the_instructions_says_when_to_call_what() {
    let mut session = server().spawn();
    let reply = session.initialize_as("2025-11-25").await;
    let instructions = reply["result"]["instructions"].as_str().unwrap();
    assert!(instructions.is_ascii(), "bytes are characters");
    let (beginning, _) = instructions[..240].rsplit_once(". ").unwrap();
    for tool in tools_of_policy().await.as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        assert!(beginning.contains(name), "{name} is not in: {beginning}");
    }
    let beginning = beginning.to_lowercase();
    for word in ["another model", "llm", "second opinion", "panel", "review", "verify", "cheap"] {
        assert!(beginning.contains(word), "{word} is not in: {beginning}");
    }
}

#[tokio::test]
async fn llm_route_is_there_without_a_search() {
    for tool in tools_of_policy().await.as_array().unwrap() {
        let always = &tool["_meta"]["anthropic/alwaysLoad"];
        assert_eq!(*always == true, tool["name"] == "llm_route", "{tool}");
    }
}

#[tokio::test]
async fn each_version_of_the_protocol_with_a_handshake_is_spoken() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut session = server().spawn();
        let reply = session.initialize_as(version).await;
        assert_eq!(reply["result"]["protocolVersion"], version);
    }
}

#[tokio::test]
async fn an_unknown_version_is_answered_with_one_that_is_spoken() {
    let mut session = server().spawn();
    let reply = session.initialize_as("1999-01-01").await;
    let offered = reply["result"]["protocolVersion"].as_str().unwrap();
    assert!(offered.starts_with("20"), "{reply}");
}

#[tokio::test]
async fn the_version_without_a_handshake_is_spoken() {
    let mut session = server().spawn();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "conversation", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let listed = session.request("tools/list", json!({ "_meta": meta })).await;
    assert!(listed["result"]["tools"].is_array(), "{listed}");
    let params = json!({ "name": "llm_routing_info", "arguments": {}, "_meta": meta });
    success(&session.request("tools/call", params).await["result"]);
}

#[tokio::test]
async fn version_and_help_are_told_and_exit_0() {
    for flag in ["--version", "--help"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_llm-gateway-stdio"))
            .arg(flag)
            .env_clear()
            .output()
            .unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("llm-gateway-stdio"));
    }
}

#[tokio::test]
async fn the_tools_are_these() {
    insta::assert_json_snapshot!(tools_of_policy().await);
}

#[tokio::test]
async fn schemas_are_flat_and_names_fit_every_client() {
    for tool in tools_of_policy().await.as_array().unwrap() {
        let name = tool["name"].as_str().unwrap();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        assert!((1..=64).contains(&name.len()) && name.chars().all(legal), "{name}");
        assert_eq!(tool.get("outputSchema"), None);
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object");
        for (argument, property) in schema["properties"].as_object().into_iter().flatten() {
            let kind = property["type"].as_str().unwrap_or_default();
            assert!(["string", "integer"].contains(&kind), "{argument}: {property}");
        }
        let text = schema.to_string();
        for nested in ["$ref", "$defs", "oneOf", "anyOf", "allOf", "\"format\""] {
            assert!(!text.contains(nested), "{name} has {nested}");
        }
    }
}

#[tokio::test]
async fn the_tools_say_that_they_only_read() {
    let tools = tools_of_policy().await;
    let annotations = |name: &str| {
        let tool = tools.as_array().unwrap().iter().find(|tool| tool["name"] == name).unwrap();
        let hint = |hint: &str| tool["annotations"][hint].as_bool().unwrap();
        (hint("readOnlyHint"), hint("openWorldHint"))
    };
    assert_eq!(annotations("llm_route"), (true, true));
    assert_eq!(annotations("llm_orchestrate"), (true, true));
    assert_eq!(annotations("llm_routing_info"), (true, false));
    assert_eq!(annotations("llm_result"), (true, false));
}

#[tokio::test]
async fn the_task_classes_are_an_enum_with_their_rationales() {
    let tools = tools_of_policy().await;
    let route = &tools[0];
    let classes = &route["inputSchema"]["properties"]["task_class"]["enum"];
    assert_eq!(*classes, json!(["quick_answer", "deep_audit", "second_opinion"]));
    let description = route["description"].as_str().unwrap();
    assert!(description.contains("Short answers.") && description.contains("Careful reviews."));
}

#[tokio::test]
async fn a_panel_is_told_from_a_single_model() {
    let description = |tools: Value| tools[0]["description"].as_str().unwrap().to_owned();
    let told = description(tools_of_policy().await);
    assert!(told.contains("- second_opinion (panel): Two opinions."), "{told}");
    for answered in ["members", "agreement", "certificate"] {
        assert!(told.contains(answered), "{answered}: {told}");
    }
    let (singles, _) = POLICY.split_once("  second_opinion").unwrap();
    let told = description(tools(singles).await);
    assert!(!told.contains("panel"), "what a policy does not have costs no tokens: {told}");
}

/// The most tokens (o200k) of all definitions, which stand in every conversation of an agent. The
/// contract allows 1500.
const MOST_TOKENS: usize = 1_500;

#[tokio::test]
async fn the_definitions_of_this_repositorys_policy_stay_small() {
    let policy = include_str!("../../routing.yaml");
    let encoding = tiktoken_rs::o200k_base().unwrap();
    let place = Place::with_policy(policy);
    // Without a key each class says what it lacks.
    for launch in [server().at(&place), crate::with_keys(server().at(&place))] {
        let mut session = launch.connect().await;
        let tools = session.request("tools/list", json!({})).await["result"]["tools"].take();
        let tokens = encoding.encode_ordinary(&tools.to_string()).len();
        assert!(tokens <= MOST_TOKENS, "{tokens} tokens of definitions");
    }
}

#[tokio::test]
async fn a_long_rationale_is_cut_to_what_clients_keep() {
    let policy = POLICY.replace("Short answers.", &"Short answers. ".repeat(1000));
    let tools = tools(&policy).await;
    let description = tools[0]["description"].as_str().unwrap();
    assert!(description.len() <= 2048, "clients cut at 2 KB: {}", description.len());
    assert!(description.contains("deep_audit"), "one long rationale hides no class");
}

#[tokio::test]
async fn llm_routing_info_tells_all_but_keys() {
    let place = Place::with_policy(POLICY);
    let mut session = server().at(&place).variable("OPENAI_API_KEY", crate::KEY).connect().await;
    let mut envelope = success(&session.call("llm_routing_info", json!({})).await);
    let data = &mut envelope["data"];
    assert_eq!(data["policy_file"], place.policy().to_str().unwrap());
    data["policy_file"] = json!("[path]");
    assert_eq!(data["policy_digest"].as_str().unwrap().len(), 64);
    data["policy_digest"] = json!("[digest]");
    data["gateway_version"] = json!("[version]");
    // The built-in models have tests of their own.
    for provider in data["providers"].as_array_mut().unwrap() {
        let models = provider["models"].as_array_mut().unwrap();
        models.retain(|model| model.as_str().unwrap().ends_with("-test"));
    }
    insta::assert_json_snapshot!(envelope);
}

#[tokio::test]
async fn a_depth_is_a_default_only_where_the_policy_has_it() {
    let worker = "worker: {provider: openai, model: gpt-6-luna}";
    let verifier = "verifier: {provider: anthropic, model: claude-haiku-5-5}";
    let told = async |orchestration: String| {
        let class = "a: {provider: openai, model: gpt-6-luna}";
        let policy = format!("defaults: {{{class}}}\n{orchestration}");
        let tools = tools(&policy).await;
        let schema = tools[1]["inputSchema"].clone();
        let told = schema["properties"]["depth"]["description"].as_str().unwrap().to_owned();
        (told.contains("default: standard"), schema["required"].clone())
    };
    let roles = |roles: &str| format!("orchestration: {{roles: {{{roles}}}}}\n");
    let all = format!("{worker}, {verifier}");
    assert_eq!(told(roles(&all)).await, (true, json!(["task"])));
    assert_eq!(told(roles(worker)).await, (false, json!(["task", "depth"])));
    assert_eq!(told(String::new()).await, (false, json!(["task"])));
}

/// Returns the tools under [`POLICY`]. They never change, so one server lists them.
async fn tools_of_policy() -> Value {
    static TOOLS: OnceCell<Value> = OnceCell::const_new();
    TOOLS.get_or_init(|| tools(POLICY)).await.clone()
}

async fn tools(policy: &str) -> Value {
    let place = Place::with_policy(policy);
    let mut session = server().at(&place).connect().await;
    session.request("tools/list", json!({})).await["result"]["tools"].clone()
}
