//! The question that a caller asks.

use std::time::Duration;

use crate::error::Error;
use crate::model::{ContentPart, Message};
use crate::policy::{GivenQuestion, PlanRequest, Policy, empty_prompt, question_faults};
use crate::stop::Stop;

/// A question for one task class: a prompt or a conversation, and its options.
///
/// The plain methods set an option; as with [`std::process::Command`], the methods that begin with
/// `get_` return one.
///
/// ```
/// use llm_gateway_core::Request;
///
/// let request = Request::new("quick_answer", "What is a monad?").max_tokens(200);
/// assert_eq!(request.get_task_class(), "quick_answer");
/// assert_eq!(request.get_max_tokens(), Some(200));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a request does nothing until it is given to a gateway"]
pub struct Request {
    pub(super) task_class: String,
    pub(super) messages: Vec<Message>,
    pub(super) system: Option<String>,
    pub(super) max_tokens: Option<u64>,
    pub(super) override_model: Option<String>,
    pub(super) stop: Option<Stop>,
    pub(super) deadline: Option<Duration>,
}

impl Request {
    /// Asks `prompt` of the models that the policy names for `task_class`.
    pub fn new(task_class: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self::conversation(task_class, vec![Message::user(prompt)])
    }

    /// Asks for the next turn of a conversation. `messages` begin with the oldest.
    pub fn conversation(task_class: impl Into<String>, messages: Vec<Message>) -> Self {
        Self {
            task_class: task_class.into(),
            messages,
            system: None,
            max_tokens: None,
            override_model: None,
            stop: None,
            deadline: None,
        }
    }

    /// Sets the system instructions, which stand above the conversation.
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// Limits the answer, reasoning included, to `tokens`. The limits of the policy and of the
    /// model still hold.
    pub fn max_tokens(mut self, tokens: u64) -> Self {
        self.max_tokens = Some(tokens);
        self
    }

    /// Asks `model`, of the same provider, instead of the model that the policy names. The rest of
    /// the policy still holds.
    pub fn override_model(mut self, model: impl Into<String>) -> Self {
        self.override_model = Some(model.into());
        self
    }

    /// Ends the request `limit` after it began, waits, retries and fallbacks included, if the
    /// deadline of the policy does not end it earlier: a caller can shorten the policy's time, and
    /// not lengthen it. The time begins when the run is first polled.
    ///
    /// A request that ends by its deadline fails with
    /// [`Category::Timeout`](crate::Category::Timeout). Without any time nothing is sent.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Lets `stop` end the request while it is under way.
    ///
    /// Every call under way is cancelled at once and counted at its worst case, and no other is
    /// made. The run then fails with [`Category::Cancelled`](crate::Category::Cancelled), and
    /// [`Failure::panel`](crate::Failure::panel) holds what exists by then: the answers of a
    /// panel's members, or of a cascade's gate. A reply that is complete already is returned.
    pub fn stopped_by(mut self, stop: &Stop) -> Self {
        self.stop = Some(stop.clone());
        self
    }

    /// Returns the task class that is asked.
    pub fn get_task_class(&self) -> &str {
        &self.task_class
    }

    /// Returns the turns of the conversation, the oldest first. A single prompt is one turn.
    pub fn get_messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the system instructions, if any were set.
    pub fn get_system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// Returns the limit on the answer in tokens, if one was set.
    pub fn get_max_tokens(&self) -> Option<u64> {
        self.max_tokens
    }

    /// Returns the model that is asked instead of the policy's, if one was set.
    pub fn get_override_model(&self) -> Option<&str> {
        self.override_model.as_deref()
    }

    /// Returns the caller's own limit on the time of the request, if one was set.
    pub fn get_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// Returns the handle that can end the request, if one was set.
    pub fn get_stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// Returns the parts of the request that the policy decides by.
    pub(super) fn as_plan_request(&self) -> PlanRequest<'_> {
        PlanRequest {
            max_tokens: self.max_tokens,
            override_model: self.override_model.as_deref(),
            ..PlanRequest::new(&self.task_class)
        }
    }

    /// Refuses a request, and names everything that is wrong with it by the policy.
    pub(super) fn check_by(&self, policy: &Policy) -> Result<(), Error> {
        let given = GivenQuestion {
            task_class: Some(&self.task_class),
            max_tokens: self.max_tokens,
            override_model: self.override_model.as_deref(),
        };
        let mut faults = question_faults(policy, &given);
        faults.extend(self.check().err());
        Error::of_all(faults).map_or(Ok(()), Err)
    }

    /// Refuses a request without any text, which every provider would refuse after a round trip.
    fn check(&self) -> Result<(), Error> {
        let has_text = self.messages.iter().flat_map(|message| &message.parts).any(|part| {
            let ContentPart::Text(text) = part;
            !text.trim().is_empty()
        });
        if has_text { Ok(()) } else { Err(empty_prompt()) }
    }
}
