//! No key is in what the gateway returns, records or sends on, in whatever form and place and in
//! however many pieces a provider shows it.

mod forms;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Envelope, Environment, Gateway, Request, Task};
use serde_json::{Value, json};

use crate::support::obeying;

const KEY: &str = "sk-canary-openai-9f8e7d6c5b4a39281706f5e4d3c2b1a0";

/// A server that gives every request the same answer, and keeps the requests.
struct Server {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    sent: Mutex<Vec<String>>,
}

impl Server {
    fn answering(body: impl Into<String>) -> Self {
        Self { status: 200, headers: Vec::new(), body: body.into(), sent: Mutex::default() }
    }

    fn refusing(status: u16, body: impl Into<String>) -> Self {
        Self { status, ..Self::answering(body) }
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(
        &self,
        request: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.sent.lock().unwrap().push(String::from_utf8_lossy(&request.body).into_owned());
        let headers: HeaderMap = self
            .headers
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::try_from(name).unwrap();
                (name, HeaderValue::try_from(value).unwrap())
            })
            .collect();
        let body = Body::whole(self.body.clone().into_bytes());
        Ok(HttpResponse::new(StatusCode::from_u16(self.status).unwrap(), headers, body))
    }
}

/// Returns a policy whose providers of this dialect have their keys from `THE_KEY`.
fn policy(kind: &str, stream: bool, base_url: &str) -> String {
    let provider = json!({
        "kind": kind, "base_url": base_url, "api_key_env": "THE_KEY", "stream": stream,
        "models": {"m": {"in": 0, "out": 0}},
    });
    let target = |name: &str| json!({"provider": name, "model": "m"});
    json!({
        "defaults": {"one": target("a"), "two": {"members": [target("a"), target("b")]}},
        "visibility": {"two": {"mode": "blind", "require": "context_blind", "quorum": 2}},
        "providers": {"a": provider, "b": provider},
        "orchestration": {"roles": {
            "planner": target("a"), "worker": target("a"), "verifier": target("b"),
        }},
        "reliability": {"retry": {"max_retries": 0}},
    })
    .to_string()
}

fn gateway(server: &Arc<Server>, kind: &str, stream: bool, key: &str) -> Gateway {
    let environment = Environment::empty().with("THE_KEY", key);
    let builder = obeying(policy(kind, stream, "https://provider.example/v1"));
    builder.environment(environment).transport(Arc::clone(server) as _).build().unwrap()
}

/// Returns all outputs that follow from this server's answers: everything that is returned,
/// recorded and sent on.
async fn outputs(server: Server, kind: &str, stream: bool, key: &str) -> Vec<String> {
    let server = Arc::new(server);
    let gateway = gateway(&server, kind, stream, key);
    let mut outputs = Vec::new();
    match gateway.route(Request::new("one", "hi")).await {
        Ok(answer) => {
            outputs.push(format!("{answer:?}"));
            outputs.push(json!(Envelope::from(&answer)).to_string());
        }
        Err(failure) => {
            outputs.push(format!("{failure:?}"));
            outputs.push(json!(Envelope::from(&failure)).to_string());
        }
    }
    match gateway.panel(Request::new("two", "hi")).await {
        Ok(panel) => {
            outputs.push(json!(Envelope::from(&panel)).to_string());
            outputs.push(String::from_utf8(panel.receipt.to_bytes()).unwrap());
            let mut bundle = serde_json::from_slice(&panel.bundle.to_bytes()).unwrap();
            open_bodies(&mut bundle);
            outputs.push(bundle.to_string());
        }
        Err(failure) => outputs.push(json!(Envelope::from(&failure)).to_string()),
    }
    match gateway.orchestrate(Task::new("hi")).await {
        Ok(outcome) => outputs.push(json!(Envelope::from(&outcome)).to_string()),
        Err(failure) => outputs.push(json!(Envelope::from(&failure)).to_string()),
    }
    outputs.extend(server.sent.lock().unwrap().iter().cloned());
    outputs
}

/// Decodes the bodies of a bundle, which it holds as base64.
pub(crate) fn open_bodies(bundle: &mut Value) {
    match bundle {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| match value.as_str() {
            Some(text) if name == "body" => {
                let body = STANDARD.decode(text).unwrap();
                *value = json!(String::from_utf8_lossy(&body));
            }
            _ => open_bodies(value),
        }),
        Value::Array(items) => items.iter_mut().for_each(open_bodies),
        _ => {}
    }
}

/// Returns whether a text opens to a key, by an independent reader: everything between the letters
/// is removed, and the rest is searched for the key in a few spellings.
fn opens_to(text: &str, key: &str) -> bool {
    let mut text = text.to_lowercase();
    for _ in 0..4 {
        text = text.replace("\\\\", "\\").replace("%25", "%").replace("&amp;", "&");
    }
    for noise in ["\\n", "\\r", "\\t", "\\u200b", "\u{200b}", "\u{ad}", "\u{feff}", "\\", "="] {
        text = text.replace(noise, "");
    }
    text.retain(|c| !c.is_whitespace());
    let hex = |before: &str, after: &str| -> String {
        key.bytes().map(|byte| format!("{before}{byte:02x}{after}")).collect()
    };
    let mut spellings =
        vec![key.to_owned(), hex("", ""), hex("%", ""), hex("u00", ""), hex("&#x", ";")];
    for lead in ["", "x", "xx"] {
        let encoded = STANDARD.encode(format!("{lead}{key}"));
        // Without the letters at the edges, which are others within a longer text.
        spellings.push(encoded[4..encoded.len() - 4].to_owned());
        spellings.push(encoded[4..encoded.len() - 4].replace('+', "-").replace('/', "_"));
    }
    spellings.iter().any(|spelling| text.contains(&spelling.to_lowercase()))
}

/// Returns the bodies that are recorded in a bundle, or the text itself.
fn joined(text: &str) -> String {
    fn strings(value: &Value, found: &mut String) {
        match value {
            Value::String(text) => match text.contains("data:") {
                true => text.lines().for_each(|line| {
                    let data = serde_json::from_str(line.trim_start_matches("data:"));
                    strings(&data.unwrap_or_default(), found);
                }),
                false => match serde_json::from_str(text) {
                    Ok(nested @ Value::Object(_)) => strings(&nested, found),
                    _ => found.push_str(text),
                },
            },
            Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
            Value::Object(fields) => fields
                .iter()
                .filter(|(name, _)| !["id", "type", "role", "object"].contains(&name.as_str()))
                .for_each(|(_, value)| strings(value, found)),
            _ => {}
        }
    }
    let mut found = String::new();
    strings(&serde_json::from_str(text).unwrap_or_default(), &mut found);
    found
}

fn assert_clean(outputs: &[String], key: &str, about: &str) {
    for output in outputs {
        assert!(!opens_to(output, key), "{about}: {output}");
        assert!(!opens_to(&joined(output), key), "{about}, in pieces: {output}");
    }
}

/// Returns an event of Chat Completions with this delta.
fn chunk(delta: &Value) -> String {
    let event =
        json!({"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]});
    format!("data: {event}\n\n")
}

fn stream(deltas: &[Value]) -> String {
    let end = json!({"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let chunks: String = deltas.iter().map(chunk).collect();
    format!("{chunks}data: {end}\n\ndata: [DONE]\n\n")
}

/// Returns a whole answer of each dialect with these parts of text.
fn whole(kind: &str, parts: &[&str]) -> String {
    let texts: Vec<_> = parts.iter().map(|text| json!({"type": "text", "text": text})).collect();
    let answer = match kind {
        "openai" => json!({"id": "x1", "model": "m", "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": texts},
        }]}),
        "anthropic" => json!({
            "id": "m", "type": "message", "role": "assistant", "content": texts,
            "stop_reason": "end_turn",
        }),
        _ => json!({"candidates": [{"content": {"parts": texts}, "finishReason": "STOP"}]}),
    };
    answer.to_string()
}

#[tokio::test]
async fn a_key_in_two_parts_of_an_answer_is_nowhere() {
    let (head, tail) = KEY.split_at(20);
    for kind in ["openai", "anthropic", "gemini"] {
        let body = whole(kind, &[&format!("key: {head}"), tail]);
        let outputs = outputs(Server::answering(body), kind, false, KEY).await;
        assert!(outputs[1].contains("key: [redacted]"), "{}", outputs[1]);
        assert_clean(&outputs, KEY, kind);
    }
}

#[tokio::test]
async fn a_key_in_pieces_beside_the_text_is_nowhere() {
    let (head, tail) = KEY.split_at(20);
    let arguments =
        |text: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]});
    for deltas in [
        [
            json!({"reasoning_content": head}),
            json!({"reasoning_content": tail}),
            json!({"content": "hi"}),
        ],
        [json!({"refusal": head}), json!({"refusal": tail}), json!({"content": "hi"})],
        [json!({"reasoning": head}), json!({"content": tail}), json!({"content": " hi"})],
        [arguments(head), arguments(tail), json!({"content": "hi"})],
        [json!({"content": "hi "}), json!({"content": head}), json!({"content": tail})],
        [json!({"content": "hi"}), json!({"odd": [head]}), json!({"odd": {"odder": tail}})],
    ] {
        let outputs = outputs(Server::answering(stream(&deltas)), "openai", true, KEY).await;
        assert_clean(&outputs, KEY, &format!("{deltas:?}"));
    }
}

#[tokio::test]
async fn a_key_at_the_cut_of_a_name_is_cut_away() {
    for before in [200, 207, 208, 220, 230, 240, 250, 255, 256, 300] {
        let name = format!("{}{KEY}", "m".repeat(before));
        for named in ["model", "id", "service_tier"] {
            let chunk = json!({
                "id": "c1", named: name,
                "choices": [{"index": 0, "delta": {"content": "hi"}, "finish_reason": null}],
            });
            let body = format!("data: {chunk}\n\n{}", stream(&[]));
            let outputs = outputs(Server::answering(body), "openai", true, KEY).await;
            assert!(outputs.iter().all(|output| !output.contains("canary")), "{outputs:?}");
        }
    }
}

#[tokio::test]
async fn a_key_in_wrapped_base64_opens_to_nothing() {
    let dump = format!("HTTP/1.1 headers as they came: Authorization: Bearer {KEY}, and so on");
    for (length, end) in [(76, "\n"), (64, "\r\n"), (76, "\\\n"), (40, "\n  ")] {
        let encoded = STANDARD.encode(&dump).replace('=', "");
        let lines: Vec<_> =
            encoded.as_bytes().chunks(length).map(String::from_utf8_lossy).collect();
        let body = whole("openai", &[&format!("dump:\n{}", lines.join(end))]);
        for body in [body.replace('/', "\\/"), body] {
            let outputs = outputs(Server::answering(body), "openai", false, KEY).await;
            assert!(outputs[1].contains("[redacted]"), "{}", outputs[1]);
            assert_clean(&outputs, KEY, end);
        }
    }
}

#[tokio::test]
async fn a_word_is_a_key_unless_its_server_is_on_this_machine() {
    let key = "sk-mastersecret";
    let body = json!({"error": {"message": format!("the key {key} is not valid")}}).to_string();
    let server = Server::refusing(401, body.clone());
    let outputs = outputs(server, "openai", false, key).await;
    assert!(outputs[1].contains("the key [redacted] is not valid"), "{}", outputs[1]);
    assert!(outputs.iter().all(|output| !output.contains(key)), "{outputs:?}");

    let server: Arc<Server> = Arc::new(Server::refusing(401, body));
    let environment = Environment::empty().with("THE_KEY", key);
    let builder = obeying(policy("openai", false, "http://127.0.0.1:1/v1"));
    let gateway = builder.environment(environment).transport(server).build().unwrap();
    let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
    assert!(failure.to_string().contains(key), "{failure}");
    let warned: Vec<_> = gateway.problems().iter().map(|it| it.message.clone()).collect();
    let told = |message: &String| message.starts_with("THE_KEY holds a short word");
    assert!(warned.iter().any(told), "{warned:?}");
    assert!(!format!("{:?}", gateway.problems()).contains(key), "by its name alone");
}

#[test]
fn what_is_not_scrubbed_is_told_by_its_name() {
    for (base_url, key, told) in [
        ("https://provider.example/v1", "sk-123", Some("a key of fewer than 7 characters")),
        ("https://provider.example/v1", "not-needed", Some("a placeholder")),
        ("http://localhost:1/v1", "lm-studio", Some("a placeholder")),
        ("http://[::1]:1/v1", "mysecretkey", Some("a short word")),
        ("http://127.0.0.1:1/v1", "sk-1234", None),
        ("https://provider.example/v1", "mysecretkey", None),
        ("https://provider.example/v1", KEY, None),
    ] {
        let builder = obeying(policy("openai", false, base_url));
        let environment = Environment::empty().with("THE_KEY", key);
        let server = Arc::new(Server::answering(""));
        let gateway = builder.environment(environment).transport(server).build().unwrap();
        let problems = gateway.problems();
        let said = problems.iter().find(|problem| problem.message.contains("is not scrubbed"));
        let expected = told.map(|told| format!("THE_KEY holds {told}"));
        let message = said.map(|problem| problem.message.clone());
        match expected {
            Some(expected) => assert!(message.unwrap().starts_with(&expected), "{key}"),
            None => assert_eq!(message, None, "{key}"),
        }
        assert!(!format!("{problems:?}").contains(key), "{key} is shown");
    }
}

#[tokio::test]
async fn a_key_in_a_header_is_nowhere() {
    let (head, tail) = KEY.split_at(20);
    for headers in [
        vec![(KEY, "x")],
        vec![("x-debug", KEY)],
        vec![("x-one", head), ("x-two", tail)],
        vec![("x-request-id", &format!("x{KEY}x")[..]), ("x-amzn-errortype", KEY)],
    ] {
        for status in [200, 500] {
            let own = |it: &(&str, &str)| (it.0.to_owned(), it.1.to_owned());
            let headers: Vec<_> = headers.iter().map(own).collect();
            let body = whole("openai", &["hi"]);
            let server = Server { headers: headers.clone(), ..Server::refusing(status, body) };
            let outputs = outputs(server, "openai", false, KEY).await;
            assert_clean(&outputs, KEY, &format!("{headers:?}"));
        }
    }
}
