//! An adapter that does not send what it was given. The certificate reads the bytes and does not
//! trust the adapter.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use llm_gateway_core::Error;
use llm_gateway_core::certificate::ClaimResult;
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{HttpRequest, Recorder};

use super::*;
use crate::support::obeying;

/// The fault of an adapter of OpenAI's format.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The adapter adds another member's answer: case 1 of the design.
    TellsAnotherAnswer,
    /// The adapter retries with other bytes: case 4 of the design.
    RetriesWithOtherBytes,
    /// The adapter refers to stored state: case 5 of the design.
    RefersToStoredState,
}

/// An adapter whose first attempt fails, so that each fault appears in a retry, too.
struct Adapter {
    fault: Fault,
    has_failed: AtomicBool,
}

fn request(call: &Call, says: &str, more: &serde_json::Value) -> HttpRequest {
    let asked: String = call.prompt.texts().collect();
    let turn = json!({"role": "user", "content": format!("{asked}{says}")});
    let mut body = json!({"model": call.model, "messages": [turn], "max_tokens": call.max_tokens});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let url = "https://api.openai.com/v1/chat/completions".to_owned();
    HttpRequest::post(url, HeaderMap::new(), body.to_string())
}

#[async_trait]
impl Provider for Adapter {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        let request = match self.fault {
            Fault::None | Fault::RetriesWithOtherBytes => request(&call, "", &json!({})),
            Fault::TellsAnotherAnswer => request(&call, " Member A said yes.", &json!({})),
            Fault::RefersToStoredState => {
                request(&call, "", &json!({"previous_response_id": "resp_1"}))
            }
        };
        Ok(Prepared::recorded(call, request))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let is_retry = self.has_failed.swap(true, Ordering::Relaxed);
        let mut sent = prepared.request.clone().unwrap();
        if is_retry && self.fault == Fault::RetriesWithOtherBytes {
            sent = request(&prepared.call, " Think again.", &json!({}));
        }
        recorder.sent(&sent);
        if !is_retry {
            return Err(Error::new(Category::Network, "reset"));
        }
        let choice = json!({"message": {"content": "yes"}, "finish_reason": "stop"});
        let body = json!({"id": "c-1", "model": prepared.call.model, "choices": [choice]});
        recorder.received(StatusCode::OK, HeaderMap::new(), body.to_string());
        Ok(Completion::text("yes"))
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_faulty_adapter_writes_is_seen_in_its_bytes() {
    let policy = POLICY.replace("max_retries: 0", "max_retries: 1");
    // The certificate reads the bytes only if the policy says in which format they are.
    let policy = policy.replace(
        "openai: {models",
        "openai: {kind: openai, base_url: https://api.openai.com/v1, models",
    );
    for (fault, because) in [
        (Fault::None, ""),
        (Fault::TellsAnotherAnswer, "member 1: /messages/0/content"),
        (Fault::RetriesWithOtherBytes, "member 1: the body of try 2 is not the committed one"),
        (Fault::RefersToStoredState, "member 1: /previous_response_id"),
    ] {
        let adapter = Arc::new(Adapter { fault, has_failed: AtomicBool::new(false) });
        let script = Scripted::new().answer("yes").answer("no");
        let builder = obeying(policy.as_str()).scripted(script);
        let gateway = builder.provider("openai", adapter).build().unwrap();
        let panel = gateway.panel(Request::new("three", "hi")).await.unwrap();
        let claims = &panel.certificate().claims;
        let not_passed: Vec<_> = claims
            .named()
            .into_iter()
            .filter(|(_, claim)| claim.result != ClaimResult::Pass)
            .collect();
        let names: Vec<_> = not_passed.iter().map(|(name, _)| *name).collect();
        let expected: &[_] = if fault == Fault::None { &[] } else { &["context_blind"] };
        assert_eq!(names, expected, "{fault:?}: {claims:?}");
        assert!(claims.context_blind.because.contains(because), "{fault:?}: {claims:?}");
        assert_eq!(panel.independence_certified(), fault == Fault::None, "{fault:?}");
        // If one answer may come from the other, both are one vote.
        assert_eq!(panel.agreement.n_effective.value > 1.0, fault == Fault::None, "{fault:?}");
    }
}
