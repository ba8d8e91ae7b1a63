//! A bundle holds no key, whoever recorded.

use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::model::{Completion, Usage};
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{HttpRequest, Recorder};
use llm_gateway_core::{Environment, Error, Gateway, Request};

const KEY: &str = "sk-canary-0123456789abcdef";

/// What an own provider records, and where its key is in it.
#[derive(Debug, Clone, Default)]
struct Wire {
    url: &'static str,
    /// Headers of the request.
    sent: Vec<(&'static str, String)>,
    /// Headers of the response.
    came: Vec<(&'static str, String)>,
    /// A field of the request's body beside the others.
    field: Option<String>,
    /// A field of the response's body beside the others.
    echo: Option<String>,
}

struct Wired(&'static str, Wire);

fn headers(pairs: &[(&'static str, String)]) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().unwrap());
    }
    headers
}

#[async_trait]
impl Provider for Wired {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let turns: Vec<_> = call
            .prompt
            .texts()
            .map(|text| serde_json::json!({"role": "user", "content": text}))
            .collect();
        let mut body =
            serde_json::json!({"model": self.0, "max_tokens": call.max_tokens, "messages": turns});
        if let Some(field) = &self.1.field {
            body["user"] = field.as_str().into();
        }
        let url = match self.1.url {
            "" => "http://127.0.0.1:9/v1/chat/completions".to_owned(),
            url => url.to_owned(),
        };
        Ok(Prepared::recorded(
            call,
            HttpRequest::post(url, headers(&self.1.sent), body.to_string()),
        ))
    }
    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let request = prepared.request.as_ref().unwrap();
        // What is sent is what was prepared, its key included.
        assert_eq!(request.headers, headers(&self.1.sent));
        recorder.sent(request);
        let mut body = serde_json::json!({
            "id": format!("resp-{}-0123456789abcdef", self.0), "object": "chat.completion", "model": self.0,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        });
        if let Some(echo) = &self.1.echo {
            body["echo"] = echo.as_str().into();
        }
        recorder.received(http::StatusCode::OK, headers(&self.1.came), body.to_string());
        let mut completion = Completion::text("yes");
        completion.model = Some(self.0.to_owned());
        completion.usage = Some(Usage::new(3, 2));
        Ok(completion)
    }
}

/// Returns the bundle and the receipt of a panel as they are written, and whether the panel did not
/// see each other.
async fn recorded(wire: &Wire, prompt: &str, environment: Environment) -> (String, bool) {
    let row = |provider, model| {
        format!(
            "  {provider}: {{kind: openai, base_url: \"http://127.0.0.1:9/v1\", api_key_env: null, models: {{{model}: {{in: 1, out: 2}}}}}}\n"
        )
    };
    let policy = format!(
        "defaults:\n  t: {{members: [{{provider: a, model: ma}}, {{provider: b, model: mb}}], max_tokens: 100, cost_cap_usd: 1}}\nvisibility: {{t: {{mode: blind, require: context_blind, quorum: 2}}}}\nproviders:\n{}{}",
        row("a", "ma"),
        row("b", "mb")
    );
    let builder = Gateway::builder().policy_yaml(policy).environment(environment);
    let builder = builder.provider("a", Arc::new(Wired("ma", wire.clone())));
    let builder = builder.provider("b", Arc::new(Wired("mb", wire.clone())));
    let panel = builder.build().unwrap().panel(Request::new("t", prompt)).await.unwrap();
    let receipt = String::from_utf8(panel.receipt.to_bytes()).unwrap();
    let bundle: serde_json::Value = serde_json::from_slice(&panel.bundle.to_bytes()).unwrap();
    let mut opened = bundle.clone();
    crate::secrets::open_bodies(&mut opened);
    (format!("{receipt}{bundle}{opened}"), panel.independence_certified())
}

/// Records its headers too, as a provider does that wants its panels certified.
async fn with_a_header(environment: Environment) -> String {
    let sent = [
        ("content-type", "application/json".to_owned()),
        ("authorization", format!("Bearer {KEY}")),
    ];
    let wire = Wire { sent: sent.to_vec(), ..Wire::default() };
    recorded(&wire, "Is it so? yes or no", environment).await.0
}

#[tokio::test]
async fn a_key_that_the_gateway_knows_is_in_no_bundle() {
    let environment = Environment::empty().with("OPENAI_API_KEY", KEY);
    assert!(!with_a_header(environment).await.contains("canary"));
}

#[tokio::test]
async fn a_header_that_carries_keys_is_in_no_bundle() {
    assert!(!with_a_header(Environment::empty()).await.contains("canary"));
}

#[tokio::test]
async fn whatever_an_own_provider_records_its_key_is_in_no_bundle() {
    let key = || KEY.to_owned();
    let request =
        |name: &'static str, value: String| Wire { sent: vec![(name, value)], ..Wire::default() };
    let response =
        |name: &'static str, value: String| Wire { came: vec![(name, value)], ..Wire::default() };
    // Found by its name, whoever knows the key.
    let named = [
        request("authorization", format!("Bearer {KEY}")),
        request("authorization", format!("Basic {}", base64(KEY))),
        request("proxy-authorization", key()),
        request("x-api-key", key()),
        request("api-key", key()),
        request("x-goog-api-key", key()),
        request("cookie", format!("session={KEY}; a=b")),
        request("ocp-apim-subscription-key", key()),
        request("x-amz-security-token", key()),
        request("x-house-secret", key()),
        Wire { sent: vec![("cookie", key()), ("cookie", format!("b={KEY}"))], ..Wire::default() },
        response("set-cookie", format!("session={KEY}; Secure")),
        response("x-echoed-authorization", key()),
        Wire {
            url: "http://127.0.0.1:9/v1/chat/completions?key=sk-canary-0123456789abcdef",
            ..Wire::default()
        },
        Wire {
            url: "http://127.0.0.1:9/v1/chat/completions?a=1&access_token=sk-canary-0123456789abcdef#x",
            ..Wire::default()
        },
        Wire {
            url: "http://me:sk-canary-0123456789abcdef@127.0.0.1:9/v1/chat/completions",
            ..Wire::default()
        },
    ];
    for wire in &named {
        let (kept, is_blind) = recorded(wire, "Is it so? yes or no", Environment::empty()).await;
        assert!(!kept.contains("canary") && !kept.contains(&base64(KEY)), "{wire:?}: {kept}");
        assert!(kept.contains("[redacted]") || wire.url.contains("me:"), "{wire:?}: {kept}");
        // A header or an address of its own may cost a claim, but never because of the key.
        let other = without_key(wire);
        let plain = recorded(&other, "Is it so? yes or no", Environment::empty()).await;
        assert_eq!(is_blind, plain.1, "{wire:?}");
    }
    // Found by its value, where the gateway knows it.
    let spelled = KEY.replace('-', "\u{200b}-");
    let known = [
        request("x-house", key()),
        request("sk-canary-0123456789abcdef", "a".to_owned()),
        response("x-debug", format!("you sent {KEY}")),
        Wire {
            url: "http://127.0.0.1:9/v1/sk-canary-0123456789abcdef/chat/completions",
            ..Wire::default()
        },
        Wire { field: Some(key()), ..Wire::default() },
        Wire { field: Some(format!("a\\\"{KEY}\n")), ..Wire::default() },
        Wire { echo: Some(key()), ..Wire::default() },
        Wire { echo: Some(base64(KEY)), ..Wire::default() },
        Wire { echo: Some(spelled), ..Wire::default() },
        Wire {
            came: vec![("x-a", KEY[..12].to_owned()), ("x-b", KEY[12..].to_owned())],
            ..Wire::default()
        },
    ];
    for wire in &known {
        let environment = Environment::empty().with("OPENAI_API_KEY", KEY);
        let (kept, _) = recorded(wire, "Is it so? yes or no", environment).await;
        assert!(!kept.contains("canary") && !kept.contains(&base64(KEY)), "{wire:?}: {kept}");
        assert!(kept.contains("[redacted]") || kept.contains("redacted\":true"), "{wire:?}");
    }
}

/// Returns the same wire with another word in place of each key in a header.
fn without_key(wire: &Wire) -> Wire {
    let plain = |pairs: &[(&'static str, String)]| {
        pairs.iter().map(|(name, _)| (*name, "word".to_owned())).collect()
    };
    Wire { sent: plain(&wire.sent), came: plain(&wire.came), ..wire.clone() }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A caller who writes a key into the prompt has it in the bundle, as asked, and loses no
/// certificate.
#[tokio::test]
async fn a_key_in_the_prompt_changes_no_certificate() {
    for wire in [
        Wire::default(),
        Wire { field: Some("sk-other-0123456789abcdef".to_owned()), ..Wire::default() },
    ] {
        let environment = || {
            let environment = Environment::empty().with("OPENAI_API_KEY", KEY);
            environment.with("ANTHROPIC_API_KEY", "sk-other-0123456789abcdef")
        };
        let plain = recorded(&wire, "Is it so? yes or no", environment()).await;
        let prompt = format!("Is {KEY} \"a\" key? yes or no");
        let with_key = recorded(&wire, &prompt, environment()).await;
        assert_eq!(plain.1, with_key.1, "{wire:?}");
        assert!(with_key.0.contains("canary") && !with_key.0.contains("sk-other"), "{wire:?}");
    }
}
