//! A [`FakeProvider`] for tests that are not async, such as those of the command line.

use serde_json::Value;
use tokio::runtime::Runtime;
use wiremock::{Request, ResponseTemplate};

use crate::{FakeProvider, Wire};

/// A provider of the Chat Completions format whose methods block.
///
/// Its answers report 11 tokens in and 3 out, none of them cached or reasoning.
pub struct BlockingProvider {
    runtime: Runtime,
    provider: FakeProvider,
}

impl BlockingProvider {
    /// Creates a provider that answers every request with `text` in the name of `model`.
    pub fn answering(model: &str, text: &str) -> Self {
        Self::answering_in_turn(model, &[text])
    }

    /// Creates a provider that answers each request with the next of `texts`: see
    /// [`FakeProvider::answering_in_turn`].
    pub fn answering_in_turn(model: &str, texts: &[&str]) -> Self {
        Self::start(FakeProvider::answering_plainly(Wire::OpenAi, model, texts))
    }

    /// Creates a provider that refuses every request with `status` and an error object that says
    /// `why`.
    pub fn refusing(status: u16, why: &str) -> Self {
        Self::start(FakeProvider::refusing(Wire::OpenAi, "", status, "an_error", why))
    }

    /// Creates a provider that answers every request with the same response.
    pub fn with(response: ResponseTemplate) -> Self {
        Self::start(FakeProvider::with(Wire::OpenAi, "", response))
    }

    fn start(provider: impl Future<Output = FakeProvider>) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let provider = runtime.block_on(provider);
        Self { runtime, provider }
    }

    /// Returns the scheme, host and port: see [`FakeProvider::address`].
    pub fn address(&self) -> String {
        self.provider.address()
    }

    /// Returns every request that arrived, whatever its path.
    pub fn requests(&self) -> Vec<Request> {
        self.runtime.block_on(self.provider.requests())
    }

    /// Returns the JSON body of the only request that arrived.
    ///
    /// # Panics
    /// Panics if there was none, or more than one.
    #[track_caller]
    pub fn request_body(&self) -> Value {
        self.runtime.block_on(self.provider.request()).body_json().unwrap()
    }
}
