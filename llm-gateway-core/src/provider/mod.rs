//! The provider port: it takes one prompt for one model and returns one decoded answer.
//!
//! A provider works in two phases. [`Provider::prepare`] is pure and fixes the bytes to send.
//! [`Provider::send`] sends exactly those bytes, once for each attempt. Deadlines, retries and
//! money are decided by the gateway, not by a provider.
//!
//! A program brings its own provider by implementing [`Provider`], and tests it without a gateway:
//!
//! ```
//! use async_trait::async_trait;
//! use llm_gateway_core::Error;
//! use llm_gateway_core::model::{Completion, ModelId};
//! use llm_gateway_core::prompt::{Message, Prompt};
//! use llm_gateway_core::provider::{Call, Prepared, Provider};
//! use llm_gateway_core::transport::Recorder;
//!
//! /// Answers with the prompt.
//! struct Echo;
//!
//! #[async_trait]
//! impl Provider for Echo {
//!     fn prepare(&self, call: Call) -> Result<Prepared, Error> {
//!         Ok(Prepared::unrecorded(call))
//!     }
//!
//!     async fn send(&self, prepared: &Prepared, _: &Recorder) -> Result<Completion, Error> {
//!         let text: String = prepared.call.prompt.texts().collect();
//!         Ok(Completion::text(text))
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prompt = Prompt::from_messages([Message::user("hello")]);
//! let prepared = Echo.prepare(Call::new(ModelId::new("echo-1")?, prompt, 64))?;
//! let answer = Echo.send(&prepared, &Recorder::new()).await?;
//! assert_eq!(answer.joined_text(), "hello");
//! # Ok(())
//! # }
//! ```

mod context;
mod dialect;
#[cfg(test)]
pub(crate) mod fixtures;
mod http;
mod late;
mod own;
mod relay;
mod scrubbed;
mod wait;

use async_trait::async_trait;

use crate::error::Error;
use crate::model::{AnswerSchema, Capability, Completion, ModelId, Prompt};
use crate::transport::{HttpRequest, Recorder};

pub use self::context::SendContext;
pub(crate) use self::http::{AnswerRoom, ProviderParts, for_endpoint};
pub(crate) use self::own::OwnProvider;
pub(crate) use self::scrubbed::ScrubbedProvider;

/// One prompt for one model, which a provider encodes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The model, as the provider names it.
    pub model: ModelId,
    /// The prompt that the model is shown.
    pub prompt: Prompt,
    /// The bound on output tokens. A provider always sends it.
    pub max_tokens: u64,
    /// The properties of the model and the needs of its API, by the model data.
    pub capabilities: Vec<Capability>,
}

impl Call {
    /// Creates a call of a model without capabilities.
    pub fn new(model: ModelId, prompt: impl Into<Prompt>, max_tokens: u64) -> Self {
        Self { model, prompt: prompt.into(), max_tokens, capabilities: Vec::new() }
    }

    /// Sets what the model can do and what its API requires.
    #[must_use]
    pub fn with_capabilities(self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        Self { capabilities: capabilities.into_iter().collect(), ..self }
    }

    /// Returns the schema that the answer must follow, if the model's API can enforce one. Any
    /// other model learns the form from the prompt's own words.
    fn schema(&self) -> Option<&AnswerSchema> {
        let is_able = self.capabilities.contains(&Capability::JsonSchema);
        self.prompt.schema().filter(|_| is_able)
    }
}

/// A call whose bytes are fixed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Prepared {
    /// The call that was encoded.
    pub call: Call,
    /// The request to send. It is `None` if the provider does not show its bytes; a certificate
    /// then reports every claim about them as unknown.
    pub request: Option<HttpRequest>,
}

impl Prepared {
    /// Creates a prepared call whose request is recorded when it is sent. A certificate can judge
    /// it if the policy says by `kind` in which wire format it is.
    ///
    /// The request may hold the provider's credential, so that [`Provider::send`] can send it as it
    /// is. A receipt and a bundle show it without: the [`Recorder`] says what is left out and who
    /// removes keys.
    pub fn recorded(call: Call, request: HttpRequest) -> Self {
        Self { call, request: Some(request) }
    }

    /// Creates a prepared call of a provider that does not use HTTP or does not show its bytes.
    pub fn unrecorded(call: Call) -> Self {
        Self { call, request: None }
    }
}

/// A provider of models, which answers a [`Call`]. Implement it to bring your own provider.
///
/// A provider that a program brings is under the same rules as a built-in one:
///
/// - **Time.** `timeout_s` of its entry in the policy bounds each [`send_with`](Self::send_with).
///   `idle_timeout_s`, where it is written, bounds the silence before the first and between two
///   calls of [`SendContext::heard`]; a provider that reports nothing is silent until it has
///   answered. While another target is ready, a first try of which nothing was heard ends at half
///   of the request's time. The future is then dropped.
/// - **Emptiness.** An answer of which a reader sees nothing is the failure
///   [`EmptyOutput`](crate::Category::EmptyOutput); with the reason `length` it is
///   [`OutputBudgetExhausted`](crate::Category::OutputBudgetExhausted), with `content_filter`
///   [`ContentFilter`](crate::Category::ContentFilter). It costs what its usage says, and without any its hold.
///   Of a model with the capability `think_tags`, a leading `<think>…</think>` is taken off, unless
///   text was heard.
/// - **Panics.** A panic in any method, or in the drop of a future, is the failure
///   [`Internal`](crate::Category::Internal) of this attempt: it names the provider, is not tried
///   again, and the next target is asked. Other members of a panel go on. A panic during a panic
///   ends the process, as it does everywhere in Rust, and so does any panic of a program that is
///   built with `panic = "abort"`.
/// - **Blocking.** On a runtime of several threads, `send_with` runs in a task of its own. If it
///   blocks its thread, deadlines pass and other calls go on, until the runtime's limit of blocking
///   threads (`max_blocking_threads`) is reached. Task-local values of the caller are not there; the
///   current `tracing` span is. On a runtime of a single thread nothing can go on while it is
///   blocked. [`prepare`](Self::prepare) runs where the request runs and must not block.
/// - **Cancellation.** When an attempt ends early, its future is dropped: at once on a runtime of a
///   single thread, else as soon as it yields. What it records or says after that is ignored.
/// - **Money.** An attempt that ends early counts at the whole amount that was set aside for it; what
///   one that fails costs is said by its error, as [`send`](Self::send) tells.
/// - **Evidence.** A certificate is about the recorded bytes. Where they are missing, or hold another
///   text than was answered, nothing is certified.
/// - **Keys.** A provider of the program's own is lent no key: it holds its own, or a source that it
///   asks for each call, and `api_key_env` of its entry in the policy is not read. Keys that the
///   gateway knows are removed from the answers, the errors and the pieces of a provider, and from
///   what it records; the [`Recorder`] says how. Name its keys by
///   [`CredentialSource::known`](crate::credential::CredentialSource::known).
#[async_trait]
pub trait Provider: Send + Sync {
    /// Fixes the bytes of a call. Implementations are pure: no I/O, no clock, no key.
    ///
    /// # Errors
    /// Fails with [`Category::InvalidRequest`](crate::Category::InvalidRequest) if the call cannot
    /// be encoded in the provider's format.
    fn prepare(&self, call: Call) -> Result<Prepared, Error>;

    /// Sends a prepared call once and decodes the answer. Implementations never retry.
    ///
    /// # Errors
    /// Fails with an [`Error`] whose category says what happened; see [`crate::Category`]. It
    /// decides what the attempt costs, too, unless the error says it better:
    ///
    /// | the error | is settled at |
    /// |---|---|
    /// | [`unbilled`](Error::unbilled), [`with_nothing_sent`](Error::with_nothing_sent) | nothing |
    /// | [`with_usage`](Error::with_usage) | what the tokens cost |
    /// | [`with_http_status`](Error::with_http_status) from 400 on, but 408, 504 and their kin | nothing |
    /// | no status, and a category that [is a refusal](crate::Category::is_refusal) | nothing |
    /// | such an error [`with_possible_bill`](Error::with_possible_bill) | the hold, as an estimate |
    /// | any other | the hold, as an estimate |
    ///
    /// # Cancel safety
    /// A future that is dropped costs the hold of the attempt, unless the provider took
    /// [`SendContext::sent_mark`] and has not set it.
    /// Dropping the future closes the connection. What was sent and received until then stays in
    /// `recorder`, and what is recorded later is ignored.
    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error>;

    /// Sends a prepared call as [`send`](Self::send) does, and passes on the text of the answer
    /// while it arrives.
    ///
    /// The gateway calls this. The default implementation calls [`send`](Self::send), whose answer
    /// is passed on when it is whole.
    ///
    /// # Errors
    /// Fails as [`send`](Self::send) does.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection, as it does for [`send`](Self::send).
    async fn send_with(
        &self,
        prepared: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        self.send(prepared, context.recorder()).await
    }
}
