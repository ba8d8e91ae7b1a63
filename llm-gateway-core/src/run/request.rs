//! What a caller asks.

use crate::error::{Category, Error};
use crate::model::{ContentPart, Message};
use crate::policy::PlanRequest;

/// One question for one task class.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until a gateway is handed it"]
pub struct Request {
    pub(crate) task_class: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) system: Option<String>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) override_model: Option<String>,
}

impl Request {
    /// Asks `prompt` of whoever the policy names for `task_class`.
    pub fn new(task_class: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self::conversation(task_class, vec![Message::user(prompt)])
    }

    /// Asks for the next turn of a conversation, oldest turn first.
    pub fn conversation(task_class: impl Into<String>, messages: Vec<Message>) -> Self {
        Self {
            task_class: task_class.into(),
            messages,
            system: None,
            max_tokens: None,
            override_model: None,
        }
    }

    /// Sets instructions that stand above the conversation.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Bounds the answer, reasoning included. The model's own limit still holds.
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Asks another model of the class's provider. The rest of the policy still holds.
    pub fn override_model(mut self, model: impl Into<String>) -> Self {
        self.override_model = Some(model.into());
        self
    }

    pub(crate) fn as_plan_request(&self) -> PlanRequest<'_> {
        PlanRequest {
            max_tokens: self.max_tokens,
            override_model: self.override_model.as_deref(),
            ..PlanRequest::new(&self.task_class)
        }
    }

    /// Refuses what every provider would refuse, before it costs a round trip.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let says_something = self.messages.iter().flat_map(|message| &message.parts).any(|part| {
            let ContentPart::Text(text) = part;
            !text.trim().is_empty()
        });
        if says_something {
            return Ok(());
        }
        Err(Error::new(Category::InvalidRequest, "`prompt` is empty")
            .with_hint("say what you want to know"))
    }
}
