//! Tests of the category of every failure, as the contract states it.

use serde_json::{Value, json};
use test_support::{FakeProvider, FakeSocket, Place, Wire};
use wiremock::ResponseTemplate;

use crate::{ask, asking, failure, failure_of, provider_at, question, server, session};

/// The wire formats, each with its name in a policy.
const WIRES: [(Wire, &str); 3] =
    [(Wire::OpenAi, "openai"), (Wire::Anthropic, "anthropic"), (Wire::Gemini, "gemini")];

/// The response of a provider, and the category that the caller must see.
struct Case {
    wire: Wire,
    response: ResponseTemplate,
    category: &'static str,
}

/// Returns the case of a refusal in the words of a format.
fn refused(wire: Wire, status: u16, code: &str, why: &str, category: &'static str) -> Case {
    let response = ResponseTemplate::new(status).set_body_json(wire.refusal(status, code, why));
    Case { wire, response, category }
}

/// Returns the case of a status of 200 with a JSON body.
fn ok(wire: Wire, body: Value, category: &'static str) -> Case {
    Case { wire, response: ResponseTemplate::new(200).set_body_json(body), category }
}

/// Returns a policy with a class and a provider for each case, and the providers.
async fn policy_of(cases: &[Case]) -> (Value, Vec<FakeProvider>) {
    let mut policy = json!({ "reliability": { "retry": { "max_retries": 0 } } });
    let mut fakes = Vec::new();
    for (number, Case { wire, response, .. }) in cases.iter().enumerate() {
        let fake = FakeProvider::with(*wire, "m-test", response.clone()).await;
        let kind = WIRES.iter().find(|(known, _)| known == wire).unwrap().1;
        let mut provider = provider_at(&fake.base_url(), "m-test");
        provider["kind"] = json!(kind);
        provider["api_key_env"] = json!(format!("{}_API_KEY", kind.to_uppercase()));
        let name = format!("p{number}");
        policy["defaults"][format!("case_{number}")] =
            json!({ "provider": name, "model": "m-test", "max_tokens": 100 });
        policy["providers"][name] = provider;
        fakes.push(fake);
    }
    (policy, fakes)
}

/// Asks one server for every case, and asserts on its category and its only attempt. Returns the
/// envelopes.
async fn failures<const N: usize>(cases: [Case; N]) -> [Value; N] {
    let (policy, fakes) = policy_of(&cases).await;
    let (_place, mut session) = session(&policy).await;
    let mut envelopes = Vec::new();
    for (number, (Case { category, .. }, fake)) in cases.iter().zip(&fakes).enumerate() {
        let question = json!({ "task_class": format!("case_{number}"), "prompt": "Why?" });
        let envelope = failure_of(category, &session.call("llm_route", question).await);
        let attempts = envelope["meta"]["attempts"].as_array().unwrap();
        assert_eq!(attempts.len(), fake.requests().await.len(), "every try is logged");
        assert_eq!(attempts[0]["outcome"], *category);
        assert_eq!(attempts[0]["provider"], format!("p{number}"));
        assert_eq!(attempts[0]["model"], "m-test");
        assert!(envelope["meta"]["run_id"].is_string(), "{envelope:#}");
        envelopes.push(envelope);
    }
    envelopes.try_into().unwrap()
}

#[tokio::test]
async fn a_refused_key_is_auth_and_names_the_variable() {
    let why = "nope";
    let [envelope, ..] = failures([
        refused(Wire::OpenAi, 401, "invalid_api_key", why, "auth"),
        refused(Wire::Anthropic, 401, "authentication_error", why, "auth"),
        refused(Wire::Anthropic, 403, "permission_error", why, "auth"),
        refused(Wire::Gemini, 403, "PERMISSION_DENIED", why, "auth"),
    ])
    .await;
    assert!(envelope["meta"]["hint"].as_str().unwrap().contains("OPENAI_API_KEY"));
    assert_eq!(envelope["meta"]["attempts"][0]["http_status"], 401);
}

#[tokio::test]
async fn too_many_requests_are_rate_limit_with_the_wait() {
    let mut by_header =
        refused(Wire::OpenAi, 429, "rate_limit_exceeded", "slow down", "rate_limit");
    by_header.response = by_header.response.insert_header("retry-after", "17");
    let mut body = Wire::Gemini.refusal(429, "RESOURCE_EXHAUSTED", "slow down");
    body["error"]["details"] = json!([
        { "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "21s" }
    ]);
    let response = ResponseTemplate::new(429).set_body_json(body);
    let by_body = Case { wire: Wire::Gemini, response, category: "rate_limit" };
    let unsaid = refused(Wire::Anthropic, 429, "rate_limit_error", "slow down", "rate_limit");
    let [by_header, by_body, _] = failures([by_header, by_body, unsaid]).await;
    assert_eq!(by_header["meta"]["retry_after_s"].as_f64(), Some(17.0), "{by_header:#}");
    assert_eq!(by_body["meta"]["retry_after_s"].as_f64(), Some(21.0), "{by_body:#}");
}

#[tokio::test]
async fn an_empty_account_is_quota_whatever_the_status() {
    let low = "Your credit balance is too low to access the Anthropic API.";
    failures([
        refused(Wire::OpenAi, 429, "insufficient_quota", "check your plan", "quota"),
        refused(Wire::Anthropic, 400, "invalid_request_error", low, "quota"),
        refused(Wire::OpenAi, 402, "payment_required", "Insufficient Balance", "quota"),
    ])
    .await;
}

#[tokio::test]
async fn a_broken_provider_is_provider_5xx() {
    failures(WIRES.map(|(wire, _)| refused(wire, 500, "INTERNAL", "sorry", "provider_5xx"))).await;
    let page = ResponseTemplate::new(502).set_body_string("<html>Bad Gateway</html>");
    let page = |wire| Case { wire, response: page.clone(), category: "provider_5xx" };
    for envelope in failures(WIRES.map(|(wire, _)| page(wire))).await {
        assert!(!envelope.to_string().contains("<html>"), "no error page in a sentence");
    }
}

#[tokio::test]
async fn a_provider_with_too_much_to_do_is_overloaded() {
    failures([
        refused(Wire::Anthropic, 529, "overloaded_error", "Overloaded", "overloaded"),
        refused(Wire::Gemini, 503, "UNAVAILABLE", "The model is overloaded.", "overloaded"),
    ])
    .await;
}

#[tokio::test]
async fn an_unknown_model_is_model_not_found() {
    failures([
        refused(Wire::OpenAi, 404, "model_not_found", "no such model", "model_not_found"),
        refused(Wire::Anthropic, 404, "not_found_error", "model: m-test", "model_not_found"),
        refused(Wire::Gemini, 404, "NOT_FOUND", "no such model", "model_not_found"),
    ])
    .await;
}

#[tokio::test]
async fn a_malformed_request_is_invalid_request() {
    failures([
        refused(Wire::OpenAi, 400, "invalid_value", "bad temperature", "invalid_request"),
        refused(Wire::OpenAi, 422, "unprocessable", "bad temperature", "invalid_request"),
        refused(Wire::Anthropic, 400, "invalid_request_error", "bad", "invalid_request"),
        refused(Wire::Gemini, 400, "INVALID_ARGUMENT", "bad", "invalid_request"),
    ])
    .await;
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_context_length() {
    let maximum = "This model's maximum context length is 128000 tokens.";
    let too_long = "prompt is too long: 210000 tokens > 200000 maximum";
    failures([
        refused(Wire::OpenAi, 400, "context_length_exceeded", maximum, "context_length"),
        refused(Wire::Anthropic, 400, "invalid_request_error", too_long, "context_length"),
    ])
    .await;
}

#[tokio::test]
async fn a_refusal_for_safety_is_content_filter() {
    let stopped = |wire: Wire| wire.answer_ending("m-test", "", wire.safety());
    failures(WIRES.map(|(wire, _)| ok(wire, stopped(wire), "content_filter"))).await;
    let blocked =
        json!({ "promptFeedback": { "blockReason": "SAFETY" }, "modelVersion": "m-test" });
    failures([
        ok(Wire::Gemini, blocked, "content_filter"),
        refused(Wire::OpenAi, 400, "content_policy_violation", "flagged", "content_filter"),
    ])
    .await;
}

#[tokio::test]
async fn thinking_that_leaves_no_text_is_output_budget_exhausted() {
    let spent = |wire: Wire| wire.answer_ending("m-test", "", wire.length());
    let cases = WIRES.map(|(wire, _)| ok(wire, spent(wire), "output_budget_exhausted"));
    for envelope in failures(cases).await {
        let hint = envelope["meta"]["hint"].as_str().unwrap();
        assert!(hint.contains("max_tokens"), "{hint}");
        let cost = envelope["meta"]["attempts"][0]["cost_usd_approx"].as_f64();
        assert_eq!(cost, Some(0.000_037_5), "it was paid for: {envelope:#}");
    }
}

#[tokio::test]
async fn no_text_without_a_reason_is_empty_output() {
    let empty = |wire: Wire| wire.answer_ending("m-test", "", wire.stop());
    failures(WIRES.map(|(wire, _)| ok(wire, empty(wire), "empty_output"))).await;
}

#[tokio::test]
async fn a_200_that_is_something_else_is_bad_response() {
    let bodies = ["<html>login</html>", "{}", "[]", "null", "\"text\"", "{\"choices\": 3}"];
    failures(bodies.map(|body| {
        let response = ResponseTemplate::new(200).set_body_raw(body, "application/json");
        Case { wire: Wire::OpenAi, response, category: "bad_response" }
    }))
    .await;
}

#[tokio::test]
async fn a_body_above_the_bound_is_bad_response() {
    let fake = FakeSocket::flooding(17 * 1024 * 1024).await;
    failure_of("bad_response", &ask(&asking(&fake.base_url())).await);
}

#[tokio::test]
async fn a_redirect_is_bad_response_and_takes_no_key_elsewhere() {
    let elsewhere = FakeProvider::answering(Wire::OpenAi, "gpt-test", "stolen").await;
    let target = format!("{}/chat/completions", elsewhere.base_url());
    let fake = FakeSocket::redirecting(&target).await;
    failure_of("bad_response", &ask(&asking(&fake.base_url())).await);
    assert!(elsewhere.requests().await.is_empty(), "the redirect was followed");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_truncated() {
    let body = Wire::OpenAi.answer("gpt-test", "half of this").to_string();
    let fake = FakeSocket::breaking_off(&body).await;
    failure_of("truncated", &ask(&asking(&fake.base_url())).await);
}

#[tokio::test]
async fn a_refused_port_and_a_reset_are_network() {
    // The port was bound and closed again, so nothing listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    failure_of("network", &ask(&asking(&format!("http://127.0.0.1:{port}/v1"))).await);
    let fake = FakeSocket::resetting().await;
    failure_of("network", &ask(&asking(&fake.base_url())).await);
}

#[tokio::test]
async fn silence_is_timeout_by_the_providers_clock_and_by_the_deadline() {
    let fake = FakeSocket::hanging().await;
    let mut by_attempt = asking(&fake.base_url());
    by_attempt["providers"]["openai"]["timeout_s"] = json!(0.2);
    let mut by_idle = asking(&fake.base_url());
    by_idle["providers"]["openai"]["idle_timeout_s"] = json!(0.2);
    let mut by_deadline = asking(&fake.base_url());
    by_deadline["reliability"]["deadline_s"] = json!(0.2);
    let mut by_class = asking(&fake.base_url());
    by_class["defaults"]["ask"]["deadline_s"] = json!(0.2);
    for (count, policy) in [by_attempt, by_idle, by_deadline, by_class].iter().enumerate() {
        let (_place, mut session) = session(policy).await;
        failure_of("timeout", &session.call("llm_route", question()).await);
        fake.left(count + 1).await;
    }
}

#[tokio::test]
async fn a_missing_key_is_named_and_nothing_leaves() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let place = Place::with_policy(asking(&fake.base_url()).to_string());
    let mut session = server().at(&place).connect().await;
    let envelope = failure_of("missing_key", &session.call("llm_route", question()).await);
    assert!(envelope["error"].as_str().unwrap().contains("OPENAI_API_KEY"), "{envelope:#}");
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn an_unknown_task_class_is_told_what_there_is() {
    let (_place, mut session) = session(&asking("http://127.0.0.1:9/v1")).await;
    let arguments = json!({ "task_class": "aks", "prompt": "hi" });
    let envelope = failure_of("unknown_task_class", &session.call("llm_route", arguments).await);
    assert!(envelope["meta"]["hint"].as_str().unwrap().contains("ask"), "{envelope:#}");
}

#[tokio::test]
async fn a_call_above_block_usd_is_policy_blocked_and_never_leaves() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let mut policy = asking(&fake.base_url());
    policy["cost_preflight"] = json!({ "enabled": true, "block_usd": 0.0001 });
    let envelope = failure_of("policy_blocked", &ask(&policy).await);
    assert_eq!(envelope["meta"]["preflight"]["action"], "block", "{envelope:#}");
    assert!(envelope["meta"]["preflight"]["reason"].is_string());
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error() {
    let (_place, mut session) = session(&asking("http://127.0.0.1:9/v1")).await;
    let params = json!({ "name": "llm_rout", "arguments": {} });
    let reply = session.request("tools/call", params).await;
    assert_eq!(reply["error"]["code"], -32602, "{reply}");
    assert!(reply["error"]["message"].as_str().unwrap().contains("llm_route"), "{reply}");
    let params = json!({ "name": format!("\u{1b}[31m{}", "x".repeat(100_000)), "arguments": {} });
    let reply = session.request("tools/call", params).await;
    let message = reply["error"]["message"].as_str().unwrap();
    assert!(message.len() < 300 && !message.contains('\u{1b}'), "{} bytes", message.len());
    let reply = session.request("no/such/method", json!({})).await;
    assert_eq!(reply["error"]["code"], -32601, "{reply}");
}

#[tokio::test]
async fn bad_arguments_are_all_named_at_once() {
    let (_place, mut session) = session(&asking("http://127.0.0.1:9/v1")).await;
    let arguments = json!({ "promt": "hi", "task_class": {}, "max_tokens": 0, "system": [] });
    let envelope = failure_of("invalid_request", &session.call("llm_route", arguments).await);
    let error = envelope["error"].as_str().unwrap();
    for named in ["promt", "`prompt`", "task_class", "max_tokens", "system"] {
        assert!(error.contains(named), "{named} is not in: {error}");
    }
    let envelope = failure(&session.call("llm_routing_info", json!({ "verbose": true })).await);
    assert!(envelope["error"].as_str().unwrap().contains("verbose"), "{envelope:#}");
    // A call without arguments at all.
    let reply = session.request("tools/call", json!({ "name": "llm_route" })).await;
    failure_of("invalid_request", &reply["result"]);
}

#[tokio::test]
async fn arguments_that_are_no_object_are_refused_and_the_server_goes_on() {
    let (_place, mut session) = session(&asking("http://127.0.0.1:9/v1")).await;
    for arguments in [json!("ask"), json!([1, 2]), json!(7)] {
        let params = json!({ "name": "llm_route", "arguments": arguments });
        let reply = session.request("tools/call", params).await;
        let refused = reply["error"].is_object() || reply["result"]["isError"] == true;
        assert!(refused, "{reply}");
    }
    assert!(session.request("ping", json!({})).await["result"].is_object());
}
