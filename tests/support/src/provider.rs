//! Providers that answer as the real ones do, over real HTTP on this machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::Wire;
use crate::answer::{Answer, Tokens};

/// Returns the nonce on the line before an artifact, or an empty text if the body has none.
fn nonce_in(body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let after = body.split_once("<<<ARTIFACT ").and_then(|(_, rest)| rest.split_once(">>>"));
    after.map(|(nonce, _)| nonce.to_owned()).unwrap_or_default()
}

/// A provider on a loopback port. It keeps every request for the test to look at.
pub struct FakeProvider {
    wire: Wire,
    server: MockServer,
}

impl FakeProvider {
    /// Creates a provider that answers every request to `model` with `text`, as a stream if one is
    /// asked for.
    pub async fn answering(wire: Wire, model: &str, text: &str) -> Self {
        Self::speaking(&Speech::new(wire, model, &[text])).await
    }

    /// Creates a provider that answers as [`answering`](Self::answering) does, after `wait`.
    pub async fn answering_after(wait: Duration, wire: Wire, model: &str, text: &str) -> Self {
        Self::speaking(&Speech { wait, ..Speech::new(wire, model, &[text]) }).await
    }

    /// Creates a provider that answers each request with the next of `texts`, and every further one
    /// with the last.
    ///
    /// `@nonce@` in a text stands for the nonce around the artifact in the request that it
    /// answers.
    ///
    /// # Panics
    /// Panics at the first request if there is no text.
    pub async fn answering_in_turn(wire: Wire, model: &str, texts: &[&str]) -> Self {
        Self::speaking(&Speech::new(wire, model, texts)).await
    }

    /// Creates a provider that answers in turn, with reported tokens that are easy to price by
    /// hand: see [`Tokens::PLAIN`].
    pub(crate) async fn answering_plainly(wire: Wire, model: &str, texts: &[&str]) -> Self {
        let speech = Speech::new(wire, model, texts);
        Self::speaking(&Speech { tokens: Tokens::PLAIN, ..speech }).await
    }

    /// Creates a provider that refuses with a status and the format's error object.
    pub async fn refusing(wire: Wire, model: &str, status: u16, code: &str, why: &str) -> Self {
        let refusal = wire.refusal(status, code, why);
        Self::with(wire, model, ResponseTemplate::new(status).set_body_json(refusal)).await
    }

    /// Creates a provider that answers every request to `model` with the same response.
    pub async fn with(wire: Wire, model: &str, response: ResponseTemplate) -> Self {
        Self::responding(wire, model, move |_: &Request| response.clone()).await
    }

    async fn speaking(speech: &Speech) -> Self {
        let (speech, asked) = (speech.clone(), Arc::new(AtomicUsize::new(0)));
        let (wire, model) = (speech.wire, speech.model.clone());
        Self::responding(wire, &model, move |request: &Request| {
            speech.response(request, asked.fetch_add(1, Ordering::Relaxed))
        })
        .await
    }

    async fn responding(
        wire: Wire,
        model: &str,
        respond: impl Fn(&Request) -> ResponseTemplate + Clone + Send + Sync + 'static,
    ) -> Self {
        let server = MockServer::start().await;
        // The two paths are the same except for Gemini, whose method is in the path.
        for place in [wire.path(model), wire.stream_path(model)] {
            Mock::given(method("POST"))
                .and(path(place))
                .respond_with(respond.clone())
                .mount(&server)
                .await;
        }
        Self { wire, server }
    }

    /// Returns the scheme, host and port, without the path of a base URL.
    pub fn address(&self) -> String {
        self.server.uri()
    }

    /// Returns the base URL to write into a policy or a variable.
    pub fn base_url(&self) -> String {
        format!("{}{}", self.address(), self.wire.base())
    }

    /// Returns every request that arrived, whatever its path.
    ///
    /// # Panics
    /// Never: the server records requests.
    pub async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    /// Returns the only request that arrived.
    ///
    /// # Panics
    /// Panics if there was none, or more than one.
    pub async fn request(&self) -> Request {
        let requests = self.requests().await;
        assert_eq!(requests.len(), 1, "requests that arrived");
        requests.into_iter().next().unwrap()
    }
}

/// The texts of a model, one for each request.
#[derive(Clone)]
struct Speech {
    wire: Wire,
    model: String,
    texts: Vec<String>,
    tokens: Tokens,
    wait: Duration,
}

impl Speech {
    fn new(wire: Wire, model: &str, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let (tokens, wait) = (Tokens::OF_EACH_KIND, Duration::ZERO);
        Self { wire, model: model.to_owned(), texts, tokens, wait }
    }

    /// Returns the response to a request that follows `turn` answered ones.
    fn response(&self, request: &Request, turn: usize) -> ResponseTemplate {
        let text = &self.texts[turn.min(self.texts.len() - 1)];
        let text = text.replace("@nonce@", &nonce_in(&request.body));
        let answer = Answer::ending(&self.model, &text, self.wire.stop());
        let answer = Answer { tokens: self.tokens, ..answer };
        let response = ResponseTemplate::new(200).set_delay(self.wait);
        if self.wire.asks_for_stream(request.url.path(), &request.body) {
            response.set_body_raw(self.wire.write_stream(&answer), "text/event-stream")
        } else {
            response.set_body_json(self.wire.write(&answer))
        }
    }
}
