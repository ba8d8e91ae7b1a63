//! A provider of the program's own, whose texts are scrubbed as those of the built-in ones are.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;
use crate::model::{Completion, OutputPart};
use crate::transport::{Recorder, Scrubber};

use super::{Call, Prepared, Provider, SendContext};

/// A provider that a program brings, with known keys removed from its answers, its errors and the
/// pieces of its text. What it records is cleaned where it is shown; see [`Recorder`].
pub(crate) struct ScrubbedProvider {
    own: Arc<dyn Provider>,
    scrubber: Scrubber,
}

impl ScrubbedProvider {
    /// Removes the keys that `scrubber` knows from the texts of the provider `own`.
    pub(crate) fn new(own: Arc<dyn Provider>, scrubber: Scrubber) -> Self {
        Self { own, scrubber }
    }

    fn result(&self, result: Result<Completion, Error>) -> Result<Completion, Error> {
        result.map(|answer| self.answer(answer)).map_err(|error| self.error(error))
    }

    fn error(&self, error: Error) -> Error {
        error.with_texts(|text| self.scrubber.scrub(text))
    }

    fn answer(&self, answer: Completion) -> Completion {
        let scrub = |text: Option<String>| text.map(|text| self.scrubber.scrub(&text));
        let text = answer.joined_text();
        // A key may lie in two parts of the answer, which readers join.
        let parts = match self.scrubber.finds_key(text.as_bytes()) {
            true => vec![OutputPart::Text(self.scrubber.scrub(&text))],
            false => answer.parts,
        };
        Completion {
            parts,
            model: scrub(answer.model),
            response_id: scrub(answer.response_id),
            service_tier: scrub(answer.service_tier),
            ..answer
        }
    }
}

#[async_trait]
impl Provider for ScrubbedProvider {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        self.own.prepare(call).map_err(|error| self.error(error))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let sent = self.own.send(prepared, recorder).await;
        self.result(sent)
    }

    async fn send_with(
        &self,
        prepared: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let context = context.clone().scrubbed_by(self.scrubber.stream());
        let sent = self.own.send_with(prepared, &context).await;
        self.result(sent)
    }
}
