//! Tests of the places that keys come from, and of the report of a missing key.

use serde_json::{Value, json};
use test_support::{FakeProvider, Launch, Place, Wire};

use crate::{KEY, asking, failure_of, question, server, success};

/// Returns a place whose `.env` holds `dotenv`, and the provider that it asks.
async fn place(dotenv: &str) -> (Place, FakeProvider) {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let place = Place::with_policy(asking(&fake.base_url()).to_string()).dotenv(dotenv);
    (place, fake)
}

/// Returns the key that reached the provider.
async fn key_sent(launch: Launch, fake: &FakeProvider) -> String {
    let mut session = launch.connect().await;
    success(&session.call("llm_route", question()).await);
    let request = fake.request().await;
    request.headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned()
}

#[tokio::test]
async fn a_key_is_read_from_dotenv_beside_the_policy() {
    let (place, fake) = place(&format!("# keys\nexport OPENAI_API_KEY=\"{KEY}\"\n")).await;
    assert_eq!(key_sent(server().at(&place), &fake).await, KEY);
}

#[tokio::test]
async fn the_process_wins_over_dotenv() {
    let (place, fake) = place("OPENAI_API_KEY=from-the-file\n").await;
    let launch = server().at(&place).variable("OPENAI_API_KEY", "from-the-process");
    assert_eq!(key_sent(launch, &fake).await, "from-the-process");
}

#[tokio::test]
async fn a_variable_that_the_client_did_not_expand_gives_way_to_dotenv() {
    let (place, fake) = place(&format!("OPENAI_API_KEY={KEY}\n")).await;
    let launch = server().at(&place).variable("OPENAI_API_KEY", "${OPENAI_API_KEY}");
    assert_eq!(key_sent(launch, &fake).await, KEY);
}

#[tokio::test]
async fn the_env_file_argument_takes_the_place_of_dotenv() {
    let (place, fake) = place("OPENAI_API_KEY=from-beside-the-policy\n").await;
    let place = place.file("project/my.env", format!("OPENAI_API_KEY={KEY}\n"));
    let file = place.path("project/my.env").to_str().unwrap().to_owned();
    let launch = server().at(&place).argument("--env-file").argument(file);
    assert_eq!(key_sent(launch, &fake).await, KEY);
}

#[tokio::test]
async fn an_empty_or_unexpanded_key_counts_as_missing() {
    for value in ["", "  ", "${OPENAI_API_KEY}"] {
        let (place, fake) = place("").await;
        let launch = server().at(&place).variable("OPENAI_API_KEY", value);
        let mut session = launch.connect().await;
        failure_of("missing_key", &session.call("llm_route", question()).await);
        assert!(fake.requests().await.is_empty(), "{value:?} was sent as a key");
    }
}

#[tokio::test]
async fn a_malformed_line_of_dotenv_costs_only_itself() {
    let (place, fake) = place(&format!("just some words\nOPENAI_API_KEY={KEY}\n=\n")).await;
    let mut session = server().at(&place).connect().await;
    success(&session.call("llm_route", question()).await);
    assert_eq!(fake.requests().await.len(), 1);
    let ending = session.leave().await;
    assert!(ending.stderr.contains(".env:1:"), "the line is named: {}", ending.stderr);
    assert!(!ending.stderr.contains("just some words"), "and not quoted: {}", ending.stderr);
}

#[tokio::test]
async fn dotenv_brings_in_only_what_the_policy_names() {
    let (place, fake) = place(&format!(
        "OPENAI_API_KEY={KEY}\nHTTP_PROXY=http://127.0.0.1:9\nhttp_proxy=http://127.0.0.1:9\nRUST_LOG=trace\n"
    ))
    .await;
    let mut session = server().at(&place).connect().await;
    success(&session.call("llm_route", question()).await);
    assert_eq!(fake.requests().await.len(), 1);
    let ending = session.leave().await;
    assert!(!ending.stderr.contains("TRACE"), "{}", ending.stderr);
}

#[tokio::test]
async fn a_class_without_its_key_stays_listed_with_the_variables_name() {
    let (place, _fake) = place("").await;
    let mut session = server().at(&place).connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    let class = &info["data"]["task_classes"][0];
    assert_eq!((&class["name"], &class["available"]), (&json!("ask"), &json!(false)));
    assert_eq!(class["missing_keys"], json!(["OPENAI_API_KEY"]));
    let tools = session.request("tools/list", json!({})).await;
    let classes = &tools["result"]["tools"][0]["inputSchema"]["properties"]["task_class"]["enum"];
    assert_eq!(*classes, json!(["ask"]), "it can be asked for, and says what is missing");
}

#[tokio::test]
async fn the_key_variable_of_the_policy_is_the_one_that_is_read() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    policy["providers"]["openai"]["api_key_env"] = json!("MY_OWN_KEY");
    let place = Place::with_policy(policy.to_string()).dotenv(&format!("MY_OWN_KEY={KEY}\n"));
    let launch = server().at(&place).variable("OPENAI_API_KEY", "the-wrong-one");
    assert_eq!(key_sent(launch, &fake).await, KEY);
    let mut session = server().at(&place).connect().await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    let providers = info["data"]["providers"].as_array().unwrap();
    let key = |name: &str| -> Value {
        providers.iter().find(|provider| provider["name"] == name).unwrap()["key"].clone()
    };
    assert_eq!((key("openai"), key("gemini")), (json!("set"), json!("missing")));
}
