//! Panels of compatible servers whose answers have an unusual form: no member is lost, and the
//! certificate reads what the caller got.

use super::*;

/// Two members of two developers behind servers of one dialect.
const TWO: &str = "
providers:
  one:
    stream: true
    kind: openai
    base_url: http://127.0.0.1:9/v1
    api_key_env: null
    models: {alpha-1: {in: 1, out: 10, developer: alpha, lineage: [alpha]}}
  two:
    stream: true
    kind: openai
    base_url: http://127.0.0.1:8/v1
    api_key_env: null
    models: {beta-1: {in: 1, out: 10, developer: beta, lineage: [beta]}}
defaults:
  three:
    members: [{provider: one, model: alpha-1}, {provider: two, model: beta-1}]
    max_tokens: 100
visibility: {three: {mode: blind, enforce: hard}}
reliability: {retry: {max_retries: 0}}
";

/// Returns the policy for servers that answer whole.
fn unstreamed() -> String {
    TWO.replace("stream: true", "stream: false")
}

/// Returns the events of a streamed answer.
fn events(id: &str, model: &str, text: &str) -> [String; 3] {
    let chunk = |choice: serde_json::Value| {
        let chunk = json!({"id": id, "object": "chat.completion.chunk", "created": 1_790_000_000,
            "model": model, "choices": [choice]});
        format!("data: {chunk}")
    };
    [
        chunk(json!({"index": 0, "delta": {"content": text}, "finish_reason": null})),
        chunk(json!({"index": 0, "delta": {}, "finish_reason": "stop"})),
        "data: [DONE]".to_owned(),
    ]
}

fn stream(id: &str, model: &str, text: &str) -> String {
    events(id, model, text).join("\n\n") + "\n\n"
}

fn document(id: &str, model: &str, text: &str) -> String {
    let message = json!({"role": "assistant", "content": text});
    let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25});
    json!({"id": id, "model": model, "choices": [choice], "usage": usage}).to_string()
}

/// Asks the panel, and checks that its receipt holds.
async fn certified(policy: &str, script: Scripted) -> PanelAnswer {
    let panel = ask(policy, script).await.unwrap();
    let bundle = panel.bundle.to_bytes();
    let verified = verify(&panel.receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(verified.result, VerifyResult::Holds, "{:?}", verified.findings);
    panel
}

fn texts(panel: &PanelAnswer) -> Vec<String> {
    panel.answers().map(|answer| answer.completion.joined_text()).collect()
}

#[tokio::test]
async fn a_member_with_an_odd_stream_is_certified() {
    let [said, stop, done] = events("chatcmpl-f1e1d0a1b2c3", "alpha-1", "yes");
    let (said, stop, done) = (said.as_str(), stop.as_str(), done.as_str());
    let heartbeats = ["data: ", said, "data:", stop, ": keep-alive", "data: null", done, ""];
    for (about, body) in [
        ("heartbeats", heartbeats.join("\n\n")),
        ("no empty line at the end", [said, stop, done].join("\n\n") + "\n"),
        ("no line end at all", [said, stop, done].join("\n\n")),
        ("a byte order mark and other line ends", {
            let body = [said, stop, done, ""].join("\r\n\r\n");
            format!("\u{feff}{body}")
        }),
        (
            "names that stand twice",
            stream("chatcmpl-f1e1d0a1b2c3", "alpha-1", "yes")
                .replace("\"model\":", "\"model\":null,\"model\":"),
        ),
    ] {
        let second = stream("chatcmpl-0f0f0f0f", "beta-1", "no");
        let script = Scripted::new().events(body).events(second);
        let panel = certified(TWO, script).await;
        assert_eq!(texts(&panel), ["yes", "no"], "{about}");
        let claims = &panel.certificate().claims;
        assert_eq!(claims.model_distinct.result, ClaimResult::Pass, "{about}: {claims:?}");
        assert_eq!(claims.fresh.result, ClaimResult::Pass, "{about}: {claims:?}");
        assert!(panel.independence_certified(), "{about}: {claims:?}");
    }
}

/// Checks two servers that build an id from the time in seconds and are asked in the same second.
#[tokio::test]
async fn one_id_for_two_texts_is_no_shared_answer() {
    for id in ["chatcmpl-1790000000", "chatcmpl-f1e1d0a1b2c3"] {
        let whole = Scripted::new().raw(200, document(id, "alpha-1", "yes"));
        let whole = whole.raw(200, document(id, "beta-1", "no"));
        let streamed = Scripted::new().events(stream(id, "alpha-1", "yes"));
        let streamed = streamed.events(stream(id, "beta-1", "no"));
        for (policy, script) in [(unstreamed(), whole), (TWO.to_owned(), streamed)] {
            let panel = certified(&policy, script).await;
            assert_eq!(texts(&panel), ["yes", "no"]);
            let claims = &panel.certificate().claims;
            assert_eq!(claims.fresh.result, ClaimResult::Pass, "{id}: {claims:?}");
            assert!(panel.independence_certified(), "{id}: {claims:?}");
        }
    }
}

#[tokio::test]
async fn one_id_for_one_text_is_a_shared_answer_unless_the_id_says_little() {
    for (id, result) in [
        ("chatcmpl-f1e1d0a1b2c3", ClaimResult::Fail),
        ("chatcmpl-1790000000", ClaimResult::Unknown),
        ("chatcmpl-437", ClaimResult::Unknown),
        ("0000-0000-0000-0000", ClaimResult::Unknown),
    ] {
        let script = Scripted::new().events(stream(id, "alpha-1", "yes"));
        let script = script.events(stream(id, "beta-1", "yes"));
        let soft = TWO.replace("enforce: hard", "enforce: soft");
        let panel = certified(&soft, script).await;
        let fresh = &panel.certificate().claims.fresh;
        assert_eq!(fresh.result, result, "{id}: {}", fresh.because);
        assert!(fresh.because.contains(id), "{}", fresh.because);
        assert_eq!(panel.independence_certified(), result != ClaimResult::Fail);
    }
}

/// Checks servers that do not know `stream`: each member repeats its first request once without it.
#[tokio::test]
async fn members_whose_servers_refuse_a_stream_are_certified() {
    let refusal = r#"{"error":{"message":"Unrecognized request argument: stream_options"}}"#;
    let script = Scripted::new()
        .raw(400, refusal)
        .raw(200, document("chatcmpl-f1e1d0a1b2c3", "alpha-1", "yes"))
        .raw(422, refusal)
        .raw(200, document("chatcmpl-0f0f0f0f1111", "beta-1", "no"));
    let panel = certified(TWO, script).await;
    assert_eq!(texts(&panel), ["yes", "no"]);
    let claims = &panel.certificate().claims;
    assert_eq!(claims.context_blind.result, ClaimResult::Pass, "{claims:?}");
    assert!(panel.independence_certified(), "{claims:?}");
    let alone = verify(&panel.receipt.to_bytes(), VerifyOptions::default());
    assert_eq!(alone.result, VerifyResult::Undecided, "{:?}", alone.findings);
}
