//! No key leaks into an answer, a log or a file, whatever a provider sends back and wherever a user
//! has pasted the key.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use test_support::{Ending, FakeProvider, FakeSocket, Launch, Place, Wire};
use wiremock::ResponseTemplate;

use crate::{asking, question, server};

/// The part of the key that the tests look for: letters and digits, which most spellings keep.
const CORE: &str = "canary0f1e2d3c4b5a";

/// Returns a key with characters that JSON, URLs and base64 each encode differently.
fn key() -> String {
    format!("sk-\"{CORE}/+=~")
}

/// Returns the key in every spelling in which a provider might echo it.
fn spellings() -> Vec<String> {
    let key = key();
    let json = json!(key).to_string();
    vec![
        json.trim_matches('"').to_owned(),
        // Some encoders escape more than they must, in lower or upper case.
        json.trim_matches('"').replace('+', "\\u002B"),
        key.replace('"', "%22").replace('/', "%2f").replace('+', "%2b"),
        utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string(),
        STANDARD.encode(&key),
        URL_SAFE_NO_PAD.encode(&key),
        STANDARD.encode(format!("Bearer {key}")),
        STANDARD.encode(format!("user:{key}")),
        in_lines(&STANDARD.encode(format!("a dump with Authorization: Bearer {key}"))),
        utf8_percent_encode(&key, NON_ALPHANUMERIC).to_string().replace('%', "%25"),
        key.chars().map(|c| format!("{c}\u{200b}\u{ad}")).collect(),
        key.bytes().map(|byte| format!("{byte:02x}")).collect(),
        key,
    ]
}

/// Breaks a text into lines, as mail and PEM break base64, but shorter: none of them may show.
fn in_lines(text: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(20).map(String::from_utf8_lossy).collect();
    lines.join("\r\n")
}

/// Returns a text without line breaks and invisible characters, as it is and as JSON and logs write
/// it.
fn unbroken(text: &str) -> String {
    let breaks =
        ["\\r", "\\n", "\r", "\n", "\u{200b}", "\u{ad}", "\\u200b", "\\u{200b}", "\\u{ad}"];
    breaks.iter().fold(text.to_owned(), |text, broken| text.replace(broken, ""))
}

/// Returns the texts that must not appear: either half of the core, in hex digits too, and its
/// base64 at each alignment.
fn needles() -> Vec<String> {
    let (head, tail) = CORE.split_at(CORE.len() / 2);
    let encoded = ["", "x", "xy"].into_iter().map(|before| {
        let text = STANDARD.encode(format!("{before}{CORE}"));
        // The first and last characters also encode neighbouring bytes.
        text[4..text.len() - 4].to_owned()
    });
    let hex = |half: &str| half.bytes().map(|byte| format!("{byte:02x}")).collect();
    let halves = [head.to_owned(), tail.to_owned(), hex(head), hex(tail)];
    halves.into_iter().chain(encoded).collect()
}

fn assert_clean(whence: &str, text: &str) {
    let unbroken = unbroken(text);
    for needle in needles() {
        let Some((before, after)) = unbroken.split_once(&needle) else { continue };
        let before: String = before.chars().rev().take(200).collect();
        let before: String = before.chars().rev().collect();
        let after: String = after.chars().take(60).collect();
        panic!("{whence} holds the key: …{before}{needle}{after}…");
    }
}

fn assert_ending_clean(ending: &Ending) {
    assert_clean("stdout", &ending.stdout.join("\n"));
    assert_clean("stderr", &ending.stderr);
}

#[test]
fn every_spelling_of_the_key_would_be_noticed() {
    for spelling in spellings() {
        let found = needles().iter().any(|needle| unbroken(&spelling).contains(needle));
        assert!(found, "{spelling} would not be noticed");
    }
}

/// Returns a response for every way in which a provider of this format can fail, each with the key
/// in it.
fn responses(wire: Wire, echo: &str) -> Vec<ResponseTemplate> {
    let why = format!("Incorrect API key provided: {echo}. You can find your key elsewhere.");
    // Cutting a long message must not leave half a key.
    let long = format!("{}{echo}", "x".repeat(290));
    // A header breaks no lines.
    let in_header: &str = &echo.replace("\r\n", " ");
    let refuse = |status: u16, code: &str, why: &str| {
        ResponseTemplate::new(status).set_body_json(wire.refusal(status, code, why))
    };
    let mut odd_success = wire.answer("m-test", "hello");
    odd_success["error"] = json!({ "message": why, "code": echo });
    let mut no_text = wire.answer("m-test", "");
    if let Some(refusal) = no_text.pointer_mut("/choices/0/message/refusal") {
        *refusal = json!(why);
    }
    vec![
        refuse(401, "invalid_api_key", &why),
        refuse(403, "PERMISSION_DENIED", &long),
        refuse(400, "invalid_request_error", &why),
        refuse(400, "context_length_exceeded", &why),
        refuse(404, echo, &why),
        refuse(429, "insufficient_quota", &why),
        refuse(429, "rate_limit_exceeded", &long).insert_header("retry-after", in_header),
        refuse(500, "INTERNAL", &why).insert_header("x-request-id", in_header),
        refuse(529, "overloaded_error", &why),
        ResponseTemplate::new(401).set_body_string(why.clone()),
        ResponseTemplate::new(502).set_body_string(format!("<html>{why}</html>")),
        ResponseTemplate::new(302)
            .insert_header("location", format!("http://127.0.0.1:9/{in_header}")),
        ResponseTemplate::new(200).set_body_raw(why.clone(), "application/json"),
        ResponseTemplate::new(200).set_body_json(json!({ "error": why })),
        ResponseTemplate::new(200).set_body_json(json!({ echo: [echo] })),
        ResponseTemplate::new(200).set_body_json(json!([{ "choices": echo }])),
        ResponseTemplate::new(200).set_body_json(odd_success),
        ResponseTemplate::new(200).set_body_json(no_text),
        ResponseTemplate::new(200).set_body_json(wire.answer_ending("m-test", "", echo)),
    ]
}

/// Adds a class `case_<n>` with its own provider, which gets the canary as its key.
fn add_case(policy: &mut Value, wire: Wire, base_url: &str) {
    let kind = match wire {
        Wire::OpenAi | Wire::DeepSeek => "openai",
        Wire::Anthropic => "anthropic",
        Wire::Gemini => "gemini",
    };
    let number = policy["defaults"].as_object().unwrap().len();
    let provider = format!("p{number}");
    policy["defaults"][format!("case_{number}")] =
        json!({ "provider": provider, "model": "m-test" });
    policy["providers"][&provider] = json!({
        "kind": kind, "base_url": base_url, "api_key_env": "CANARY_KEY", "timeout_s": 20,
    });
}

/// Asks every class of the policy with all logs on, and asserts that nothing holds the key.
async fn ask_all(policy: &Value) {
    let place = Place::with_policy(policy.to_string());
    let launch = server().at(&place).argument("--log").argument("trace");
    let mut session = launch.variable("CANARY_KEY", key()).connect().await;
    for class in policy["defaults"].as_object().unwrap().keys() {
        session.call("llm_route", json!({ "task_class": class, "prompt": "hi" })).await;
    }
    if policy.get("orchestration").is_some() {
        for depth in ["trivial", "standard", "complex"] {
            session.call("llm_orchestrate", json!({ "task": "hi", "depth": depth })).await;
        }
    }
    session.call("llm_routing_info", json!({})).await;
    let ending = session.leave().await;
    assert!(ending.stderr.contains("TRACE"), "everything is logged");
    assert_ending_clean(&ending);
    for (path, content) in place.files() {
        assert_clean(&path.display().to_string(), &String::from_utf8_lossy(&content));
    }
}

fn no_cases() -> Value {
    json!({ "defaults": {}, "providers": {}, "reliability": { "retry": { "max_retries": 0 } } })
}

/// Checks every failure of one format, with the key echoed in every spelling.
async fn nothing_leaks(wire: Wire) {
    for echo in spellings() {
        let mut policy = no_cases();
        let mut fakes = Vec::new();
        for response in responses(wire, &echo) {
            let fake = FakeProvider::with(wire, "m-test", response).await;
            add_case(&mut policy, wire, &fake.base_url());
            fakes.push(fake);
        }
        ask_all(&policy).await;
        for fake in fakes {
            let headers = format!("{:?}", fake.request().await.headers);
            assert!(headers.contains(CORE), "the key was not even sent: {headers}");
        }
    }
}

#[tokio::test]
async fn no_key_gets_out_of_an_openai_failure() {
    nothing_leaks(Wire::OpenAi).await;
}

#[tokio::test]
async fn no_key_gets_out_of_an_anthropic_failure() {
    nothing_leaks(Wire::Anthropic).await;
}

#[tokio::test]
async fn no_key_gets_out_of_a_gemini_failure() {
    nothing_leaks(Wire::Gemini).await;
}

#[tokio::test]
async fn no_key_gets_out_of_a_broken_connection() {
    let mut policy = no_cases();
    let redirecting = FakeSocket::redirecting(&format!("http://x:{CORE}@127.0.0.1:9/{CORE}")).await;
    let breaking = FakeSocket::breaking_off(&format!("{{\"a\": \"{}\"}}", key().repeat(9))).await;
    let resetting = FakeSocket::resetting().await;
    let hanging = FakeSocket::hanging().await;
    for fake in [&redirecting, &breaking, &resetting, &hanging] {
        add_case(&mut policy, Wire::OpenAi, &fake.base_url());
    }
    add_case(&mut policy, Wire::OpenAi, "http://127.0.0.1:9/v1");
    policy["providers"]["p3"]["timeout_s"] = json!(0.2);
    ask_all(&policy).await;
}

#[tokio::test]
async fn no_key_gets_out_of_an_answer_that_names_it() {
    for echo in spellings() {
        let mut policy = no_cases();
        let mut fakes = Vec::new();
        for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini] {
            for body in [wire.answer(&echo, "hello"), wire.answer_ending("m-test", "hello", &echo)]
            {
                let response = ResponseTemplate::new(200).set_body_json(body);
                let fake = FakeProvider::with(wire, "m-test", response).await;
                add_case(&mut policy, wire, &fake.base_url());
                fakes.push(fake);
            }
        }
        ask_all(&policy).await;
    }
}

#[tokio::test]
async fn no_key_gets_out_of_an_answer_that_recites_it() {
    for echo in spellings() {
        let mut policy = no_cases();
        let mut fakes = Vec::new();
        for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini] {
            let text = format!("Your key is {echo}, is it not?");
            let fake = FakeProvider::answering(wire, "m-test", &text).await;
            add_case(&mut policy, wire, &fake.base_url());
            fakes.push(fake);
        }
        ask_all(&policy).await;
    }
}

#[tokio::test]
async fn no_key_gets_out_of_an_orchestration() {
    for echo in spellings() {
        // Each role fails in turn; in the last run none does.
        futures_util::future::join_all((0..=3).map(|failing| orchestrated(&echo, failing))).await;
    }
}

/// Orchestrates with models that recite the key, of which one, if there is one of that number,
/// fails.
async fn orchestrated(echo: &str, failing: usize) {
    let why = format!("Incorrect API key provided: {echo}.");
    let recited = json!({
        "checklist": [{ "requirement": why, "evidence_quote": echo, "met": "no" }],
        "blocking": [{ "what": why, "where": echo, "fix": "" }],
        "verdict": "REVISE", "nonce": "@nonce@",
    });
    let recited = recited.to_string();
    let mut policy = no_cases();
    let mut fakes = Vec::new();
    let roles =
        [("planner", Wire::Gemini), ("worker", Wire::OpenAi), ("verifier", Wire::Anthropic)];
    for (number, (role, wire)) in roles.into_iter().enumerate() {
        let fake = if number == failing {
            FakeProvider::refusing(wire, "m-test", 401, "invalid_api_key", &why).await
        } else {
            let texts = [if role == "verifier" { recited.as_str() } else { why.as_str() }];
            FakeProvider::answering_in_turn(wire, "m-test", &texts).await
        };
        add_case(&mut policy, wire, &fake.base_url());
        policy["orchestration"]["roles"][role] =
            json!({ "provider": format!("p{number}"), "model": "m-test" });
        fakes.push(fake);
    }
    policy["receipts"] = json!({ "dir": "receipts", "bundle": true });
    ask_all(&policy).await;
    let sent = fakes[1].requests().await;
    assert!(sent.len() > 1, "the worker was asked by more than `llm_route`");
}

/// Lists the tools and calls each of them. Returns everything that the server wrote.
async fn everything_said(launch: Launch) -> Ending {
    let mut session = launch.argument("--log").argument("trace").connect().await;
    session.request("tools/list", json!({})).await;
    session.call("llm_route", question()).await;
    session.call("llm_orchestrate", json!({ "task": "hi" })).await;
    session.call("llm_routing_info", json!({})).await;
    session.leave().await
}

/// Puts a value into the provider's entry, and asserts that nothing that the server writes holds
/// the key.
async fn pasted(field: &str, value: Value) {
    let mut policy = asking("http://127.0.0.1:9/v1");
    policy["providers"]["openai"][field] = value;
    let place = Place::with_policy(format!("{policy:#}"));
    assert_ending_clean(&everything_said(server().at(&place)).await);
}

#[tokio::test]
async fn a_key_pasted_as_the_name_of_its_variable_is_not_echoed() {
    pasted("api_key_env", json!(format!("sk-{CORE}"))).await;
    pasted("api_key_env", json!([format!("sk-{CORE}")])).await;
}

#[tokio::test]
async fn a_pasted_key_that_looks_like_a_variable_is_not_echoed() {
    pasted("api_key_env", json!(format!("AIzaSy{CORE}_x"))).await;
}

#[tokio::test]
async fn a_key_pasted_under_a_key_of_its_own_is_not_echoed() {
    pasted("api_key", json!(format!("sk-{CORE}"))).await;
}

#[tokio::test]
async fn a_key_pasted_into_a_base_url_is_not_echoed() {
    pasted("base_url", json!(format!("https://user:{CORE}@127.0.0.1:9/v1"))).await;
    pasted("base_url", json!(format!("https://127.0.0.1:9/v1?key={CORE}"))).await;
    pasted("base_url", json!(format!("https://{CORE}@127.0.0.1:9/v1"))).await;
    for url in [format!("https://user:{CORE}@127.0.0.1:9/v1"), format!("http://x/?key={CORE}")] {
        let place = Place::with_policy(asking("http://127.0.0.1:9/v1").to_string());
        let launch = server().at(&place).variable("OPENAI_BASE_URL", url);
        assert_ending_clean(&everything_said(launch).await);
    }
}

#[tokio::test]
async fn a_key_pasted_behind_a_base_url_is_not_echoed() {
    pasted("base_url", json!(format!("https://127.0.0.1:9/v1#{CORE}"))).await;
    pasted("base_url", json!(format!("https://user@127.0.0.1:9/v1#{CORE}"))).await;
}

#[tokio::test]
async fn a_key_on_a_line_that_is_no_yaml_is_not_echoed() {
    for line in [
        format!("    api_key_env: \"sk-{CORE}\n"),
        format!("    api_key_env: {{sk-{CORE}\n"),
        format!("    api_key_env: sk-{CORE}: x: y\n"),
    ] {
        let policy = format!(
            "defaults:\n  ask: {{provider: openai, model: m}}\nproviders:\n  openai:\n{line}"
        );
        let place = Place::with_policy(policy);
        assert_ending_clean(&everything_said(server().at(&place)).await);
    }
}

#[tokio::test]
async fn a_key_on_a_malformed_line_of_dotenv_is_not_echoed() {
    let dotenv = format!("sk-{CORE}\nOPENAI API KEY=sk-{CORE}\nOPENAI_API_KEY='sk-{CORE}\n");
    let place = Place::with_policy(asking("http://127.0.0.1:9/v1").to_string()).dotenv(&dotenv);
    assert_ending_clean(&everything_said(server().at(&place)).await);
}

#[tokio::test]
async fn a_key_that_cannot_be_sent_is_an_answer_without_it() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    for key in [format!("sk-{CORE}\nsecond line"), format!("sk-{CORE}-ä\u{7f}")] {
        let place = Place::with_policy(asking(&fake.base_url()).to_string());
        let launch = server().at(&place).variable("OPENAI_API_KEY", key);
        assert_ending_clean(&everything_said(launch).await);
    }
}
