//! One question and its answer: the request to the provider, and the envelope for the client.

use serde_json::{Value, json};
use test_support::{FakeProvider, Place, Wire};

use crate::{
    KEY, ask, asking, asking_of, failure, failure_of, question, redacted, server, session, success,
    with_keys,
};

/// Asks one provider with every argument. Returns the request that it got (path, relevant headers,
/// body) and the envelope.
async fn conversation(wire: Wire, provider: &str, model: &str) -> Value {
    let fake = FakeProvider::answering(wire, model, "A monoid in a category.").await;
    let policy = asking_of(provider, model, &fake.base_url());
    let (_place, mut session) = session(&policy).await;
    let arguments = json!({
        "task_class": "ask", "prompt": "What is a monad?", "system": "Be brief.", "max_tokens": 64,
    });
    let envelope = success(&session.call("llm_route", arguments).await);
    assert_eq!(envelope["data"]["text"], "A monoid in a category.");
    let tokens = &envelope["meta"]["tokens"];
    assert_eq!(
        (&tokens["input"], &tokens["output"], &tokens["total"]),
        (&json!(20), &json!(10), &json!(30))
    );
    assert_eq!(tokens["cached_input"], 5);
    // 15 x 1 + 5 x 0.50 + 10 x 2 dollars, for a million each.
    assert_eq!(envelope["meta"]["cost_usd_approx"], 0.000_037_5);
    assert_eq!(envelope["meta"]["cost_basis"], "exact");
    let run_id = envelope["meta"]["run_id"].as_str().unwrap();
    assert_eq!(run_id.len(), 32, "128 bits in hex: {run_id}");

    let request = fake.request().await;
    assert_eq!(request.url.query(), None, "nothing travels in the query");
    let headers =
        ["authorization", "x-api-key", "x-goog-api-key", "anthropic-version", "content-type"];
    let headers: serde_json::Map<String, Value> = headers
        .into_iter()
        .filter_map(|name| {
            Some((name.to_owned(), request.headers.get(name)?.to_str().ok()?.into()))
        })
        .collect();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    json!({
        "request": { "path": request.url.path(), "headers": headers, "body": body },
        "envelope": redacted(envelope),
    })
}

#[tokio::test]
async fn openai_answers() {
    insta::assert_json_snapshot!(conversation(Wire::OpenAi, "openai", "gpt-test").await);
}

#[tokio::test]
async fn anthropic_answers() {
    insta::assert_json_snapshot!(conversation(Wire::Anthropic, "anthropic", "claude-test").await);
}

#[tokio::test]
async fn gemini_answers() {
    insta::assert_json_snapshot!(conversation(Wire::Gemini, "gemini", "gemini-test").await);
}

#[tokio::test]
async fn deepseek_answers() {
    insta::assert_json_snapshot!(conversation(Wire::DeepSeek, "deepseek", "deepseek-test").await);
}

#[tokio::test]
async fn a_compatible_server_answers_without_a_key() {
    let fake = FakeProvider::answering(Wire::OpenAi, "llama-test", "hello").await;
    let mut policy = asking_of("local", "llama-test", &fake.base_url());
    policy["providers"]["local"]["kind"] = json!("openai");
    policy["providers"]["local"]["api_key_env"] = Value::Null;
    policy["providers"]["local"]["models"]["llama-test"] = json!({ "in": 0, "out": 0 });
    let envelope = success(&ask(&policy).await);
    assert_eq!(envelope["data"]["text"], "hello");
    assert_eq!(envelope["meta"]["provider"], "local");
    assert_eq!(envelope["meta"]["cost_basis"], "free");
    assert_eq!(envelope["meta"]["cost_usd_approx"], 0.0);
    assert_eq!(fake.request().await.headers.get("authorization"), None, "no key, no header");
}

#[tokio::test]
async fn base_urls_of_the_environment_override_the_policy() {
    for (variable, provider, wire) in [
        ("OPENAI_BASE_URL", "openai", Wire::OpenAi),
        ("DEEPSEEK_BASE_URL", "deepseek", Wire::DeepSeek),
        ("ANTHROPIC_BASE_URL", "anthropic", Wire::Anthropic),
        ("GEMINI_BASE_URL", "gemini", Wire::Gemini),
    ] {
        let fake = FakeProvider::answering(wire, "m-test", "hello").await;
        let place =
            Place::with_policy(asking_of(provider, "m-test", "http://127.0.0.1:9").to_string());
        let launch = with_keys(server().at(&place)).variable(variable, fake.base_url());
        let mut session = launch.connect().await;
        success(&session.call("llm_route", question()).await);
        assert_eq!(fake.request().await.url.path(), wire.path("m-test"));
        let told = format!("{provider} is asked at {} ({variable})", fake.base_url());
        let stderr = session.leave().await.stderr;
        assert!(stderr.contains(&told), "{stderr}");
    }
}

#[tokio::test]
async fn base_urls_are_read_from_dotenv_too_and_a_slash_at_the_end_does_no_harm() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let place = Place::with_policy(asking("http://127.0.0.1:9/v1").to_string())
        .dotenv(&format!("OPENAI_API_KEY={KEY}\nOPENAI_BASE_URL={}/\n", fake.base_url()));
    let mut session = server().at(&place).connect().await;
    success(&session.call("llm_route", question()).await);
    assert_eq!(fake.request().await.url.path(), "/v1/chat/completions");
}

#[tokio::test]
async fn an_unencrypted_base_url_of_the_environment_is_refused() {
    let place = Place::with_policy(asking("http://127.0.0.1:9/v1").to_string());
    let launch = with_keys(server().at(&place)).variable("OPENAI_BASE_URL", "http://192.0.2.1/v1");
    let mut session = launch.connect().await;
    let envelope = failure_of("policy_invalid", &session.call("llm_route", question()).await);
    assert!(envelope["error"].as_str().unwrap().contains("OPENAI_BASE_URL"), "{envelope:#}");
}

#[tokio::test]
async fn a_reasoning_model_gets_its_bound_by_the_name_that_it_wants() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-6-luna", "hello").await;
    let mut policy = asking_of("openai", "gpt-6-luna", &fake.base_url());
    policy["providers"]["openai"].as_object_mut().unwrap().remove("models");
    success(&ask(&policy).await);
    let body: Value = fake.request().await.body_json().unwrap();
    assert_eq!(body["max_completion_tokens"], 100);
    assert_eq!(body.get("max_tokens"), None);
}

#[tokio::test]
async fn the_bound_that_is_sent_is_the_smaller_of_asked_and_possible() {
    for (asked, class, sent) in [
        (Some(7), Some(100), 7),
        (Some(1_000_000), Some(100), 4096),
        (None, Some(100), 100),
        (None, Some(1_000_000), 4096),
        (None, None, 4096),
    ] {
        let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
        let mut policy = asking(&fake.base_url());
        policy["defaults"]["ask"]["max_tokens"] = json!(class);
        if class.is_none() {
            policy["defaults"]["ask"].as_object_mut().unwrap().remove("max_tokens");
        }
        let (_place, mut session) = session(&policy).await;
        let mut arguments = question();
        arguments["max_tokens"] = json!(asked);
        let envelope = success(&session.call("llm_route", arguments).await);
        let body: Value = fake.request().await.body_json().unwrap();
        assert_eq!(body["max_tokens"], sent, "asked {asked:?}, class {class:?}");
        assert_eq!(envelope["meta"]["preflight"]["max_tokens_out"], sent);
    }
}

#[tokio::test]
async fn an_answer_at_the_output_bound_is_a_success_that_says_so() {
    for (wire, provider) in
        [(Wire::OpenAi, "openai"), (Wire::Anthropic, "anthropic"), (Wire::Gemini, "gemini")]
    {
        let cut = wire.answer_ending("m-test", "Once upon", wire.length());
        let response = wiremock::ResponseTemplate::new(200).set_body_json(cut);
        let fake = FakeProvider::with(wire, "m-test", response).await;
        let envelope = success(&ask(&asking_of(provider, "m-test", &fake.base_url())).await);
        assert_eq!(envelope["meta"]["finish_reason"], "length");
        assert_eq!(envelope["data"]["text"], "Once upon");
    }
}

#[tokio::test]
async fn the_model_is_the_one_that_answered() {
    let answer = Wire::OpenAi.answer("gpt-test-2026-09-01", "hello");
    let response = wiremock::ResponseTemplate::new(200).set_body_json(answer);
    let fake = FakeProvider::with(Wire::OpenAi, "gpt-test", response).await;
    let envelope = success(&ask(&asking(&fake.base_url())).await);
    assert_eq!(envelope["meta"]["model"], "gpt-test-2026-09-01");
    assert_eq!(envelope["meta"]["model_requested"], "gpt-test");
}

#[tokio::test]
async fn an_answer_without_usage_is_estimated_and_says_so() {
    let mut answer = Wire::OpenAi.answer("gpt-test", "hello");
    answer.as_object_mut().unwrap().remove("usage");
    let response = wiremock::ResponseTemplate::new(200).set_body_json(answer);
    let fake = FakeProvider::with(Wire::OpenAi, "gpt-test", response).await;
    let envelope = success(&ask(&asking(&fake.base_url())).await);
    assert_eq!(envelope["meta"]["cost_basis"], "estimated", "{envelope:#}");
}

#[tokio::test]
async fn a_model_without_a_price_is_asked_and_its_cost_is_unknown() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-unheard-of", "hello").await;
    let mut policy = asking_of("openai", "gpt-unheard-of", &fake.base_url());
    policy["providers"]["openai"].as_object_mut().unwrap().remove("models");
    let envelope = success(&ask(&policy).await);
    assert_eq!(envelope["meta"]["cost_basis"], "unknown");
    assert!(envelope["meta"]["cost_usd_approx"].is_null(), "an unknown cost is not zero");
}

#[tokio::test]
async fn an_expensive_call_is_made_with_a_warning() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    policy["cost_preflight"] = json!({ "enabled": true, "warn_usd": 0.0001, "block_usd": 15.0 });
    let envelope = success(&ask(&policy).await);
    assert_eq!(envelope["meta"]["preflight"]["action"], "warn");
    assert!(envelope["meta"]["preflight"]["warning"].is_string());
}

#[tokio::test]
async fn a_preflight_that_is_switched_off_says_so() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    policy["cost_preflight"] = json!({ "enabled": false, "block_usd": 0.000_000_1 });
    assert_eq!(success(&ask(&policy).await)["meta"]["preflight"]["action"], "off");
}

#[tokio::test]
async fn override_model_asks_another_model_of_the_same_provider() {
    let fake = FakeProvider::answering(Wire::Gemini, "tuned%2Fother-test", "hello").await;
    let policy = asking_of("gemini", "gemini-test", &fake.base_url());
    let (_place, mut session) = session(&policy).await;
    let mut arguments = question();
    arguments["override_model"] = json!("tuned/other-test");
    success(&session.call("llm_route", arguments).await);
    // The id is one percent-encoded segment, so that it cannot change the rest of the URL.
    assert_eq!(
        fake.request().await.url.path(),
        "/v1beta/models/tuned%2Fother-test:generateContent"
    );
}

#[tokio::test]
async fn override_model_is_refused_where_the_class_forbids_it() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    policy["defaults"]["ask"]["allow_override"] = json!(false);
    let (_place, mut session) = session(&policy).await;
    let mut arguments = question();
    arguments["override_model"] = json!("gpt-other");
    let envelope = failure(&session.call("llm_route", arguments).await);
    assert!(envelope["error"].as_str().unwrap().contains("ask"), "{envelope:#}");
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn a_malformed_override_never_leaves() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let (_place, mut session) = session(&asking(&fake.base_url())).await;
    for bad in ["", "..", "a/../b", "a b", "a?key=1", "a#b", "a%2e", "ä", "a\nb", &"x".repeat(129)]
    {
        let mut arguments = question();
        arguments["override_model"] = json!(bad);
        let envelope = failure_of("invalid_request", &session.call("llm_route", arguments).await);
        assert!(envelope.to_string().contains("override_model"), "{bad:?}: {envelope:#}");
    }
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn offline_answers_without_key_or_network_and_says_so() {
    let place = Place::with_policy(asking("http://127.0.0.1:9/v1").to_string());
    let mut session = server().at(&place).argument("--offline").connect().await;
    let first = success(&session.call("llm_route", question()).await);
    let second = success(&session.call("llm_route", question()).await);
    assert_eq!(first["meta"]["offline"], true);
    assert_eq!(first["data"], second["data"], "the same input, the same answer");
    assert_ne!(first["meta"]["run_id"], second["meta"]["run_id"]);
}
