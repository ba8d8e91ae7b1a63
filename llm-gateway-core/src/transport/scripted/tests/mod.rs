use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, header};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::script::{MAX_REQUESTS, MAX_STEPS};
use super::*;
use crate::credential::Secret;
use crate::transport::Phase;

const KEY: &str = "sk-canary-0123456789";

/// Returns requests that ask the same, one for each wire format.
fn requests() -> [HttpRequest; 3] {
    [
        (
            "https://api.openai.com/v1/chat/completions",
            json!({"model": "gpt-4o-mini", "max_tokens": 64, "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Say hello"},
            ]}),
        ),
        (
            "https://api.anthropic.com/v1/messages",
            json!({"model": "claude-haiku-4-5", "max_tokens": 64, "system": "Be brief.", "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Say hello"}]},
            ]}),
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/models/tuned%2Fgemini-2.5-flash:generateContent",
            json!({
                "systemInstruction": {"parts": [{"text": "Be brief."}]},
                "contents": [{"role": "user", "parts": [{"text": "Say "}, {"text": "hello"}]}],
                "generationConfig": {"maxOutputTokens": 64},
            }),
        ),
    ]
    .map(|(url, body)| HttpRequest::post(url.to_owned(), HeaderMap::new(), body.to_string()))
}

const MODELS: [&str; 3] = ["gpt-4o-mini", "claude-haiku-4-5", "tuned/gemini-2.5-flash"];
const TEXT: [&str; 3] =
    ["/choices/0/message/content", "/content/0/text", "/candidates/0/content/parts/0/text"];
const FINISH: [&str; 3] =
    ["/choices/0/finish_reason", "/stop_reason", "/candidates/0/finishReason"];
const MODEL: [&str; 3] = ["/model", "/model", "/modelVersion"];
const ID: [&str; 3] = ["/id", "/id", "/responseId"];
const INPUT: [&str; 3] =
    ["/usage/prompt_tokens", "/usage/input_tokens", "/usageMetadata/promptTokenCount"];
const OUTPUT: [&str; 3] =
    ["/usage/completion_tokens", "/usage/output_tokens", "/usageMetadata/candidatesTokenCount"];

struct Seen {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    broken: Option<Phase>,
}

impl Seen {
    fn at(&self, path: &str) -> Value {
        let json: Value = serde_json::from_slice(&self.body).unwrap();
        json.pointer(path).cloned().unwrap_or_else(|| panic!("no {path} in {json}"))
    }
}

async fn send(transport: &Scripted, request: &HttpRequest) -> Seen {
    let credential = Credential {
        header: header::AUTHORIZATION,
        prefix: "Bearer ",
        secret: Secret::new(KEY.to_owned()),
    };
    let mut response = transport.send(request, Some(&credential)).await.unwrap();
    let (mut body, mut broken) = (Vec::new(), None);
    while let Some(chunk) = response.body.next().await {
        match chunk {
            Ok(chunk) => body.extend_from_slice(&chunk),
            Err(error) => broken = Some(error.phase),
        }
    }
    Seen { status: response.status.as_u16(), headers: response.headers, body: body.into(), broken }
}

/// Answers one request in each wire format from an offline transport that `script` sets up.
async fn in_each_wire(script: impl Fn(Scripted) -> Scripted) -> Vec<Seen> {
    let mut seen = Vec::new();
    for request in requests() {
        seen.push(send(&script(Scripted::new()), &request).await);
    }
    seen
}

#[tokio::test]
async fn the_default_answer_names_the_model_and_quotes_the_prompt() {
    for (wire, seen) in in_each_wire(|script| script).await.iter().enumerate() {
        let model = MODELS[wire];
        let text = format!("This is an offline answer in the name of {model}. You said: Say hello");
        assert_eq!(seen.status, 200);
        assert_eq!(seen.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(seen.at(TEXT[wire]), text);
        assert_eq!(seen.at(MODEL[wire]), model);
        assert_eq!(seen.at(FINISH[wire]), ["stop", "end_turn", "STOP"][wire]);
        // "Be brief." and "Say hello" are 18 characters, a token is 4.
        assert_eq!(seen.at(INPUT[wire]), 5);
        assert_eq!(seen.at(OUTPUT[wire]), text.len().div_ceil(4));
    }
}

#[tokio::test]
async fn the_same_input_gives_the_same_bytes_and_another_input_another_id() {
    let (first, second) =
        (in_each_wire(|script| script).await, in_each_wire(|script| script).await);
    let mut ids = Vec::new();
    for (wire, (first, second)) in first.iter().zip(&second).enumerate() {
        assert_eq!(first.body, second.body);
        ids.push(first.at(ID[wire]));
    }
    let mut other = requests()[2].clone();
    other.url = other.url.replace("2.5", "3.5");
    assert_ne!(send(&Scripted::new(), &other).await.at(ID[2]), ids[2]);
}

#[tokio::test]
async fn the_default_answer_keeps_to_the_bound_on_output() {
    for (wire, mut request) in requests().into_iter().enumerate() {
        let body = String::from_utf8(request.body.to_vec()).unwrap();
        request.body = body.replace(":64", ":3").into();
        let seen = send(&Scripted::new(), &request).await;
        assert_eq!(seen.at(TEXT[wire]), "This is an o");
        assert_eq!(seen.at(OUTPUT[wire]), 3);
        assert_eq!(seen.at(FINISH[wire]), ["length", "max_tokens", "MAX_TOKENS"][wire]);
    }
}

#[tokio::test]
async fn a_long_prompt_is_quoted_in_part() {
    let asked = "ü".repeat(200);
    let body = json!({"model": "m", "messages": [{"role": "user", "content": asked}]});
    let url = "http://localhost/v1/chat/completions?x=1".to_owned();
    let request = HttpRequest::post(url, HeaderMap::new(), body.to_string());
    let text = send(&Scripted::new(), &request).await.at(TEXT[0]);
    let quote = format!("You said: {}…", "ü".repeat(80));
    assert!(text.as_str().unwrap().ends_with(&quote), "{text}");
}

#[tokio::test]
async fn an_answer_is_given_in_full() {
    for (wire, seen) in
        in_each_wire(|script| script.answer("so \"it\" is")).await.iter().enumerate()
    {
        assert_eq!((seen.status, seen.at(TEXT[wire])), (200, json!("so \"it\" is")));
    }
}

#[tokio::test]
async fn empty_has_no_text_and_no_output_tokens() {
    let seen = in_each_wire(Scripted::empty).await;
    assert_eq!(seen[0].at(TEXT[0]), "");
    assert_eq!(seen[1].at("/content"), json!([]));
    assert_eq!(seen[2].at("/candidates/0/content"), json!({"role": "model"}));
    for (wire, seen) in seen.iter().enumerate() {
        assert_eq!((seen.status, seen.at(OUTPUT[wire])), (200, json!(0)));
    }
}

#[tokio::test]
async fn a_status_comes_with_the_error_body_of_its_api() {
    for (status, names) in [
        (400, ["invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"]),
        (401, ["invalid_request_error", "authentication_error", "UNAUTHENTICATED"]),
        (402, ["insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED"]),
        (403, ["request_forbidden", "permission_error", "PERMISSION_DENIED"]),
        (404, ["invalid_request_error", "not_found_error", "NOT_FOUND"]),
        (429, ["requests", "rate_limit_error", "RESOURCE_EXHAUSTED"]),
        (500, ["server_error", "api_error", "INTERNAL"]),
        (529, ["service_unavailable_error", "overloaded_error", "UNAVAILABLE"]),
    ] {
        for (wire, seen) in in_each_wire(|script| script.status(status)).await.iter().enumerate() {
            assert_eq!(seen.status, status);
            assert_eq!(seen.at(["/error/type", "/error/type", "/error/status"][wire]), names[wire]);
            assert!(!seen.headers.contains_key(header::RETRY_AFTER));
        }
    }
    let seen = send(&Scripted::new().status(7), &requests()[0]).await;
    assert_eq!(seen.status, 500, "7 is no status");
}

#[tokio::test]
async fn a_wait_stands_where_its_api_puts_it() {
    let wait = Duration::from_millis(1500);
    let seen = in_each_wire(|script| script.status_with_retry_after(429, wait)).await;
    assert_eq!(seen[0].headers[header::RETRY_AFTER], "2");
    assert_eq!(seen[1].headers[header::RETRY_AFTER], "2");
    assert!(!seen[2].headers.contains_key(header::RETRY_AFTER));
    assert_eq!(seen[2].at("/error/details/0/retryDelay"), "1.5s");
}

#[tokio::test]
async fn raw_bytes_come_as_they_are() {
    for seen in in_each_wire(|script| script.raw(502, "<html>")).await {
        assert_eq!((seen.status, &seen.body[..]), (502, &b"<html>"[..]));
    }
}

#[tokio::test]
async fn a_careless_server_echoes_the_key() {
    for seen in in_each_wire(Scripted::echo_credential).await {
        assert_eq!(seen.status, 401);
        assert!(String::from_utf8_lossy(&seen.body).contains(KEY));
    }
}

#[tokio::test]
async fn a_cut_answer_is_half_of_the_whole() {
    let whole = in_each_wire(|script| script).await;
    for (seen, whole) in in_each_wire(Scripted::cut).await.iter().zip(&whole) {
        assert_eq!((seen.status, seen.broken), (200, Some(Phase::Body)));
        assert_eq!(seen.body, whole.body[..whole.body.len() / 2]);
    }
}

#[tokio::test]
async fn refused_is_a_failed_connect() {
    for request in requests() {
        let error = Scripted::new().refuse().send(&request, None).await.err().unwrap();
        assert_eq!(error.phase, Phase::Connect);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hanging_call_can_be_dropped_and_used_up_its_step() {
    let transport = Scripted::new().hang().answer("next");
    for request in requests() {
        let hour = Duration::from_secs(3600);
        let hanging = Scripted::new().hang();
        assert!(tokio::time::timeout(hour, hanging.send(&request, None)).await.is_err());
    }
    assert!(transport.send(&requests()[0], None).now_or_never().is_none());
    assert_eq!(send(&transport, &requests()[0]).await.at(TEXT[0]), "next");
}

#[tokio::test(start_paused = true)]
async fn delays_add_up_and_belong_to_the_step_that_follows() {
    let second = Duration::from_secs(1);
    let transport = Scripted::new().delay(second).delay(second).status(500).answer("at once");
    let start = Instant::now();
    assert_eq!(send(&transport, &requests()[0]).await.status, 500);
    assert_eq!(start.elapsed(), 2 * second);
    assert_eq!(send(&transport, &requests()[0]).await.status, 200);
    assert_eq!(start.elapsed(), 2 * second);
}

#[tokio::test]
async fn steps_go_in_order_and_then_the_default_answer() {
    let transport = Scripted::new().status(503).answer("second");
    let handle = transport.clone();
    let request = &requests()[0];
    assert_eq!(send(&transport, request).await.status, 503);
    assert_eq!(send(&transport, request).await.at(TEXT[0]), "second");
    let text = send(&transport, request).await.at(TEXT[0]);
    assert!(text.as_str().unwrap().starts_with("This is an offline answer"), "{text}");
    assert_eq!(handle.requests(), vec![request.clone(); 3]);
}

#[tokio::test]
async fn a_strict_script_refuses_what_goes_beyond_it() {
    for seen in in_each_wire(|script| script.strict()).await {
        assert_eq!(seen.status, 400);
        assert_eq!(seen.at("/error/message"), "the script has no further step");
    }
    let transport = Scripted::new().strict().answer("only");
    assert_eq!(send(&transport, &requests()[0]).await.at(TEXT[0]), "only");
    assert_eq!(send(&transport, &requests()[0]).await.status, 400);
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let transport = (0..MAX_STEPS).fold(Scripted::new(), |script, _| script.status(500));
    for _ in 0..=MAX_REQUESTS {
        assert_eq!(send(&transport, &requests()[0]).await.status, 500);
    }
    assert_eq!(transport.requests().len(), MAX_REQUESTS);
    let transport = (0..=MAX_REQUESTS + 1).fold(transport, |script, _| script.status(500));
    assert_eq!(transport.lock().steps.len(), MAX_STEPS);
    let told = "the script has 100001 steps, and 100000 is the most";
    let refused = send(&transport, &requests()[0]).await;
    assert_eq!((refused.status, refused.at("/error/message")), (400, json!(told)));
    assert_eq!(transport.finish().unwrap_err().faults()[0], told);
}

#[tokio::test]
async fn what_no_server_would_take_is_refused() {
    let [openai, _, gemini] = requests();
    for (url, body, status) in [
        ("https://api.openai.com/v1/completions", &openai.body[..], 404),
        (&openai.url, b"no json", 400),
        (&openai.url, b"{\"messages\": []}", 400),
        (&gemini.url, b"", 400),
    ] {
        let request = HttpRequest::post(url.to_owned(), HeaderMap::new(), body.to_vec());
        assert_eq!(send(&Scripted::new(), &request).await.status, status, "{url}");
    }
}

mod roles;
mod streams;
