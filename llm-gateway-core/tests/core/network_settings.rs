//! Proxies and certificates that the environment names: used, shown without their secrets, and
//! named where they cannot be used.

use llm_gateway_core::config::Severity;
use llm_gateway_core::{Category, Environment, Gateway, Scripted};
use serde_json::{Value, json};
use test_support::{FakeProvider, Wire};

use crate::support::{ask, attempts, obeying, outcomes};

/// A policy whose class asks a server elsewhere, and then one on this machine at `local`.
fn policy(local: &str) -> String {
    format!(
        "defaults: {{ask: {{provider: far, model: m}}, near: {{provider: near, model: m}}}}
fallback: {{ask: [{{provider: near, model: m}}]}}
reliability: {{retry: {{max_retries: 2, base_delay_s: 0.001}}, breaker: {{failure_threshold: 1}}}}
providers:
  far: {{kind: openai, base_url: 'http://far.example/v1', insecure_http: true, api_key_env: null,
        models: {{m: {{in: 1, out: 1}}}}}}
  near: {{kind: openai, base_url: '{local}', api_key_env: null, models: {{m: {{in: 1, out: 1}}}}}}
"
    )
}

fn gateway(local: &str, variables: &[(&str, &str)]) -> Gateway {
    let environment = variables.iter().fold(Environment::empty(), |all, it| all.with(it.0, it.1));
    obeying(policy(local)).environment(environment).build().unwrap()
}

fn described(gateway: &Gateway) -> Value {
    json!(gateway.describe().unwrap())
}

#[tokio::test]
async fn a_proxy_carries_what_goes_to_other_machines_alone() {
    let near = FakeProvider::answering(Wire::OpenAi, "m", "near").await;
    let proxy = FakeProvider::answering(Wire::OpenAi, "m", "by proxy").await;
    let url = proxy.address().replace("http://", "http://canary-user:canary-secret@");
    let gateway = gateway(&near.base_url(), &[("all_proxy", &url), ("NO_PROXY", "other.example")]);
    assert_eq!(ask(&gateway, "ask").await.unwrap().text(), "by proxy");
    assert_eq!(ask(&gateway, "near").await.unwrap().text(), "near");
    let described = described(&gateway);
    let shown = json!({"variable": "all_proxy", "url": proxy.address()});
    let expected = json!({"https": shown, "http": shown, "exceptions": "NO_PROXY"});
    assert_eq!(described["proxy"], expected);
    assert_eq!(described.get("certificates"), None);
    let line = gateway.describe().unwrap().proxy.unwrap().to_string();
    let address = proxy.address();
    let told = format!("{address} (all_proxy); never to this machine and to hosts of NO_PROXY");
    assert_eq!(line, told);
    assert!(!format!("{described}{gateway:?}").contains("canary"), "{described}");
}

#[tokio::test]
async fn an_answer_that_repeats_the_password_of_its_proxy_shows_none() {
    // In base64 it is what the header carries.
    let echo = "user:canary-s3cret in dXNlcjpjYW5hcnktczNjcmV0 and canary-s3cret; a company";
    let proxy = FakeProvider::answering(Wire::OpenAi, "m", echo).await;
    for (user, told) in [
        ("user:canary-s3cret", "[redacted] in [redacted] and [redacted]; a company"),
        ("company", echo),
        ("user:company", echo),
    ] {
        let url = proxy.address().replace("http://", &format!("http://{user}@"));
        let gateway = gateway("http://127.0.0.1:9/v1", &[("http_proxy", &url)]);
        assert_eq!(ask(&gateway, "ask").await.unwrap().text(), told);
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_named_once_and_tried_once() {
    for proxy in ["socks6://canary-user:canary-secret@proxy:1", "${PROXY}", "http://u:canary/@p"] {
        let near = FakeProvider::answering(Wire::OpenAi, "m", "near").await;
        let gateway = gateway(&near.base_url(), &[("HTTP_PROXY", proxy)]);
        let [problem] = gateway.problems() else { panic!("{:?}", gateway.problems()) };
        assert_eq!((problem.severity, &*problem.file), (Severity::Warning, "environment"));
        assert!(problem.message.starts_with("HTTP_PROXY: "), "{problem}");
        assert!(problem.hint.contains("socks5h://"), "{problem}");
        // It is no failure of the provider, so it opens no breaker, and the next target is asked.
        for _ in 0..2 {
            let answer = ask(&gateway, "ask").await;
            assert_eq!(outcomes(attempts(&answer)), ["network", "ok"], "{proxy}");
        }
        let described = described(&gateway);
        assert_eq!(described["proxy"]["http"]["variable"], "HTTP_PROXY");
        assert!(described["proxy"]["http"]["unusable"].is_string());
        assert!(!format!("{problem}{described}").contains("canary"));
    }
}

#[tokio::test]
async fn a_call_that_only_a_bad_proxy_could_carry_fails_by_its_name() {
    let proxy = [("http_proxy", "quic://canary-user:canary-secret@proxy")];
    let alone = policy("http://127.0.0.1:9/v1").replace("fallback", "#");
    let environment = Environment::empty().with(proxy[0].0, proxy[0].1);
    let gateway = obeying(alone).environment(environment).build().unwrap();
    let failure = ask(&gateway, "ask").await.unwrap_err();
    assert_eq!(failure.category(), Category::Network);
    assert_eq!(failure.attempts().len(), 1, "another try could only fail again");
    let told = "far was not asked: its proxy cannot be used: http_proxy: a proxy of the kind `quic` \
                cannot be used";
    assert_eq!(failure.to_string(), told);
    assert!(failure.error().hint().is_some_and(|hint| hint.contains("socks5h://")));
    assert!(!format!("{failure:?}").contains("canary"), "{failure:?}");
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_named() {
    let near = FakeProvider::answering(Wire::OpenAi, "m", "near").await;
    for path in ["~/company-ca.pem", "certs/none.pem", "${CA}", "/nowhere/none.pem"] {
        let gateway = gateway(&near.base_url(), &[("SSL_CERT_FILE", path)]);
        let problems = gateway.certificate_problems();
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        assert_eq!(problem.severity, Severity::Warning);
        assert!(problem.message.starts_with("SSL_CERT_FILE: "), "{problem}");
        let answer = ask(&gateway, "ask").await;
        assert_eq!(outcomes(attempts(&answer)), ["network", "ok"], "{path}");
        assert_eq!(described(&gateway)["certificates"][0]["variable"], "SSL_CERT_FILE");
        assert_eq!(gateway.problems(), [], "no file is read before it is needed");
    }
}

#[test]
fn a_gateway_without_such_variables_says_nothing_of_them() {
    let gateway = gateway("http://127.0.0.1:9/v1", &[("https_proxy", ""), ("NO_PROXY", "a.b")]);
    let described = described(&gateway);
    assert_eq!((described.get("proxy"), described.get("certificates")), (None, None));
    assert_eq!((gateway.problems(), &*gateway.certificate_problems()), (&[][..], &[][..]));
}

/// What is answered offline, or by a transport of the program's own, goes through no proxy.
#[test]
fn a_gateway_without_the_network_does_not_speak_of_it() {
    let environment =
        Environment::empty().with("HTTPS_PROXY", "${PROXY}").with("SSL_CERT_FILE", "~/ca.pem");
    let builder = obeying(policy("http://127.0.0.1:9/v1")).environment(environment);
    let gateway = builder.scripted(Scripted::new()).build().unwrap();
    assert_eq!((gateway.problems(), &*gateway.certificate_problems()), (&[][..], &[][..]));
    let described = described(&gateway);
    assert_eq!((described.get("proxy"), described.get("certificates")), (None, None));
}

#[tokio::test]
async fn a_missing_key_says_what_stands_in_its_place() {
    for (value, why) in [
        (None, "LAB_KEY is not set"),
        (Some(""), "LAB_KEY is set to nothing"),
        (Some("  "), "LAB_KEY is set to nothing"),
        (Some("${LAB_KEY}"), "LAB_KEY holds what somebody was to fill in, and counts as missing"),
        (
            Some("{env:LAB_KEY}"),
            "LAB_KEY holds what somebody was to fill in, and counts as missing",
        ),
        (
            Some("'sk-canary-01'"),
            "LAB_KEY holds a value that is still in quotes, and counts as missing",
        ),
    ] {
        let policy = policy("http://127.0.0.1:9/v1")
            .replace("fallback", "#")
            .replace("api_key_env: null,\n", "api_key_env: LAB_KEY,\n");
        let environment = value.map(|value| Environment::empty().with("LAB_KEY", value));
        let gateway = obeying(policy).environment(environment.unwrap_or_default()).build().unwrap();
        let failure = ask(&gateway, "ask").await.unwrap_err();
        assert_eq!(failure.to_string(), format!("far needs a key, and {why}"));
        // `check` says it in the same words.
        let said = gateway.problems().iter().any(|problem| problem.message == why);
        assert_eq!(said, value.is_some_and(|value| value.contains(['{', '\''])), "{value:?}");
        assert!(!format!("{failure:?}").contains("canary"));
    }
}
