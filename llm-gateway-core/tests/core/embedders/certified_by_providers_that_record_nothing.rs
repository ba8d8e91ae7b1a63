//! Providers that record nothing certify nothing.

use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode};
use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{HttpRequest, Recorder};
use llm_gateway_core::{Envelope, Environment, Error, Gateway, GatewayBuilder, Request, Task};
use serde_json::json;

use crate::support::{obeying, own_provider};

fn a_worker() -> Arc<dyn Provider> {
    own_provider(|_| Ok(Completion::text("grey waves come and go")))
}

/// Returns a provider that accepts, in the form that is asked for.
fn a_verifier() -> Arc<dyn Provider> {
    own_provider(|prepared| {
        let asked: String = prepared.call.prompt.texts().collect();
        let nonce =
            asked.split("copy ").nth(1).and_then(|it| it.split(' ').next()).unwrap_or_default();
        let item = serde_json::json!({"requirement": "a line", "evidence_quote": "grey waves", "met": "yes"});
        let verdict = serde_json::json!({"checklist": [item], "blocking": [], "verdict": "ACCEPT", "nonce": nonce});
        Ok(Completion::text(verdict.to_string()))
    })
}

const POLICY: &str = "
defaults: {q: {provider: works, model: one}}
orchestration:
  roles:
    worker: {provider: works, model: one, max_tokens: 50}
    verifier: {provider: judges, model: two, max_tokens: 500}
  max_usd: 1
providers:
  works: {models: {one: {in: 1, out: 1, developer: acme, lineage: [acme]}}}
  judges: {models: {two: {in: 1, out: 1, developer: globex, lineage: [globex]}}}
reliability: {retry: {max_retries: 0}}
";

#[tokio::test]
async fn nothing_recorded_is_nothing_certified() {
    let builder = Gateway::builder().policy_yaml(POLICY).environment(Environment::empty());
    let builder = builder.provider("works", a_worker());
    let gateway = builder.provider("judges", a_verifier()).build().unwrap();
    assert!(gateway.route(Request::new("q", "hello")).await.is_ok());
    let work = gateway.orchestrate(Task::new("write a line about the sea")).await.unwrap();
    assert!(work.is_accepted(), "{}", work.text());
    let certificate = work.certificate();
    let claims = certificate.claims.named().into_iter();
    let claims: Vec<_> = claims.map(|(name, claim)| format!("{name}: {}", claim.result)).collect();
    assert!(!work.independence_certified(), "certified by {claims:?}");
}

/// What a provider records of what it says.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Records {
    AsSaid,
    Nothing,
    /// A text in place of the one that it says.
    Other(&'static str),
    /// The text that it says, and more.
    More(&'static str),
}

/// A provider that says what another one says, and records it in the format of OpenAI.
struct Recording {
    place: &'static str,
    says: Arc<dyn Provider>,
    records: Records,
}

#[async_trait]
impl Provider for Recording {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let message = |role: &str, text: String| json!({"role": role, "content": text});
        let system = call.prompt.system().map(|part| message("system", part.as_str().to_owned()));
        let asked = call
            .prompt
            .turns()
            .iter()
            .map(|turn| message("user", turn.parts.iter().map(|part| part.as_str()).collect()));
        let messages: Vec<_> = system.into_iter().chain(asked).collect();
        let body =
            json!({"model": call.model, "messages": messages, "max_tokens": call.max_tokens});
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let url = format!("{}/chat/completions", self.place);
        Ok(Prepared::recorded(call, HttpRequest::post(url, headers, body.to_string())))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let completion = self.says.send(prepared, recorder).await?;
        let said = completion.joined_text();
        let text = match self.records {
            Records::AsSaid => said,
            Records::Nothing => return Ok(completion),
            Records::Other(text) => text.to_owned(),
            Records::More(text) => said + text,
        };
        if let Some(request) = &prepared.request {
            recorder.sent(request);
        }
        let message = json!({"role": "assistant", "content": text});
        let response = json!({
            "id": format!("resp-{}-{}-8d1f02c4a7b9", prepared.call.model, text.len()),
            "model": prepared.call.model,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        });
        recorder.received(StatusCode::OK, HeaderMap::new(), response.to_string());
        Ok(completion)
    }
}

/// Three providers of different developers, each with a place and a model of its own.
const PLACES: [(&str, &str); 3] = [
    ("p0", "http://127.0.0.1:1/v1"),
    ("p1", "http://127.0.0.1:2/v1"),
    ("p2", "http://127.0.0.1:3/v1"),
];

/// Begins a gateway with these routes and the providers of [`PLACES`], of whom the last one records
/// `records`.
fn recording(routes: &str, says: [Arc<dyn Provider>; 3], records: [Records; 3]) -> GatewayBuilder {
    let mut policy = format!("{routes}\nproviders:\n");
    for (name, place) in PLACES {
        policy.push_str(&format!(
            "  {name}: {{kind: openai, base_url: '{place}', api_key_env: null, models: {{m-{name}: \
             {{in: 1, out: 2, developer: d-{name}, lineage: [l-{name}]}}}}}}\n"
        ));
    }
    let mut builder = obeying(policy);
    for (((name, place), says), records) in PLACES.into_iter().zip(says).zip(records) {
        builder = builder.provider(name, Arc::new(Recording { place, says, records }));
    }
    builder
}

/// Checks what a receipt says of itself, alone and with its bundle.
fn check(receipt: &[u8], bundle: &[u8], is_certified: bool, case: &str) {
    let alone = verify(receipt, VerifyOptions::default());
    assert_eq!(alone.result, VerifyResult::Undecided, "{case}: {alone:?}");
    let checked = verify(receipt, VerifyOptions::default().with_bundle(bundle));
    assert_eq!(checked.result, VerifyResult::Holds, "{case}: {checked:?}");
    assert_eq!(checked.stated.unwrap().independence_certified, is_certified, "{case}");
}

#[tokio::test]
async fn a_panel_is_certified_by_records_that_hold_its_answers() {
    for level in ["none", "context_blind", "model_distinct", "lineage_distinct"] {
        for quorum in [2, 3] {
            for (last, holds) in [
                (Records::AsSaid, true),
                (Records::Nothing, false),
                (Records::Other("blue waves come and go"), false),
                (Records::Other("Grey waves come and go"), false),
                (Records::Other(""), false),
                (Records::More(" "), false),
                (Records::More("."), false),
                (Records::More("\u{200b}"), false),
            ] {
                let case = format!("{level} {quorum} {last:?}");
                let routes = format!(
                    "defaults: {{q: {{members: [{{provider: p0, model: m-p0}}, {{provider: p1, \
                     model: m-p1}}, {{provider: p2, model: m-p2}}], max_tokens: 100}}}}\n\
                     visibility: {{q: {{enforce: soft, require: {level}, quorum: {quorum}}}}}"
                );
                let says = [a_worker(), a_worker(), a_worker()];
                let records = [Records::AsSaid, Records::AsSaid, last];
                let gateway = recording(&routes, says, records).build().unwrap();
                let panel = gateway.panel(Request::new("q", "Is it so?")).await.unwrap();
                let claims = panel.certificate();
                assert_eq!(panel.independence_certified(), holds, "{case}: {claims:?}");
                let meta = Envelope::from(&panel).meta;
                assert_eq!(meta["visibility"]["independence_certified"], holds, "{case}");
                check(&panel.receipt.to_bytes(), &panel.bundle.to_bytes(), holds, &case);
            }
        }
    }
}

#[tokio::test]
async fn an_orchestration_is_certified_by_records_that_hold_its_texts() {
    let routes = "
defaults: {q: {provider: p0, model: m-p0}}
orchestration:
  roles:
    worker: {provider: p0, model: m-p0, max_tokens: 50}
    verifier: {provider: p1, model: m-p1, max_tokens: 500}
  max_usd: 1";
    for (worker, verifier, holds) in [
        (Records::AsSaid, Records::AsSaid, true),
        (Records::Other("blue waves"), Records::AsSaid, false),
        (Records::AsSaid, Records::Other("{}"), false),
        (Records::AsSaid, Records::More(" "), false),
        (Records::Nothing, Records::AsSaid, false),
        (Records::AsSaid, Records::Nothing, false),
        (Records::Nothing, Records::Nothing, false),
    ] {
        let case = format!("{worker:?} {verifier:?}");
        let says = [a_worker(), a_verifier(), a_worker()];
        let builder = recording(routes, says, [worker, verifier, Records::AsSaid]);
        let task = Task::new("write a line about the sea");
        let work = builder.build().unwrap().orchestrate(task).await.unwrap();
        assert!(work.is_accepted(), "{case}: {}", work.text());
        let claims = work.certificate();
        assert_eq!(work.independence_certified(), holds, "{case}: {claims:?}");
        let meta = Envelope::from(&work).meta;
        assert_eq!(meta["visibility"]["independence_certified"], holds, "{case}");
        check(&work.receipt.to_bytes(), &work.bundle.to_bytes(), holds, &case);
    }
}
