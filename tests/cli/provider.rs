//! A provider that answers over real HTTP, on this machine.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use serde_json::{Value, json};
use test_support::nonce_in;
use tokio::runtime::Runtime;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// Answers that were made up; no two have one id.
static ANSWERS: AtomicU32 = AtomicU32::new(1);

pub(crate) struct Provider {
    runtime: Runtime,
    server: MockServer,
}

impl Provider {
    /// One that gives every request the same reply.
    pub(crate) fn replying(reply: impl Respond + 'static) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let server = runtime.block_on(async {
            let server = MockServer::start().await;
            Mock::given(any()).respond_with(reply).mount(&server).await;
            server
        });
        Self { runtime, server }
    }

    /// One whose model `small` says `text`.
    pub(crate) fn saying(text: &str) -> Self {
        Self::of_model("small", text)
    }

    /// One that says that `model` said `text`.
    pub(crate) fn of_model(model: &str, text: &str) -> Self {
        Self::replying(answer(model, text))
    }

    /// Those of `policies::three_providers`, whose models `alpha`, `beta` and `gamma` say these
    /// texts.
    pub(crate) fn each_saying([alpha, beta, gamma]: [&str; 3]) -> [Self; 3] {
        [
            Self::of_model("alpha", alpha),
            Self::of_model("beta", beta),
            Self::of_model("gamma", gamma),
        ]
    }

    /// One whose model says one text after the other, then the last again and again. `@nonce@`
    /// stands for the nonce around the artifact that it is asked about.
    pub(crate) fn in_turn(model: &str, texts: &[&str]) -> Self {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let (model, asked) = (model.to_owned(), AtomicUsize::new(0));
        Self::replying(move |request: &Request| {
            let turn = asked.fetch_add(1, Ordering::Relaxed).min(texts.len() - 1);
            answer(&model, &texts[turn].replace("@nonce@", &nonce_in(&request.body)))
        })
    }

    /// One that fails with `status` and an error object that says `message`.
    pub(crate) fn failing(status: u16, message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": "an_error", "code": null}});
        Self::replying(ResponseTemplate::new(status).set_body_json(body))
    }

    pub(crate) fn url(&self) -> String {
        self.server.uri()
    }

    /// What it was asked.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.runtime.block_on(self.server.received_requests()).expect("requests are recorded")
    }

    /// The body of the only request.
    #[track_caller]
    pub(crate) fn asked(&self) -> Value {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "one question is one request");
        serde_json::from_slice(&requests[0].body).expect("a JSON body")
    }
}

/// What the API answers where `model` says `text`.
fn answer(model: &str, text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": format!("answer-{}", ANSWERS.fetch_add(1, Ordering::Relaxed)),
        "object": "chat.completion",
        "model": model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }))
}
