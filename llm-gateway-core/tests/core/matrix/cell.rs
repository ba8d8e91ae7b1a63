//! A cell of the matrix: a fault, in one dialect, whole or streamed, in one position.

use std::fmt;

use llm_gateway_core::Scripted;
use test_support::Wire;

use super::faults::{self, MODEL};
use super::{Delivery, Position, Reply, Row, Who, course};

/// The longest backoff before a first retry, in seconds.
pub(super) const BASE_DELAY_S: u64 = 2;

/// A cell of the matrix: a fault, and where it hits.
pub(super) struct Cell<'a> {
    pub(super) row: &'a Row,
    pub(super) wire: Wire,
    pub(super) delivery: Delivery,
    pub(super) position: Position,
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delivery = self.delivery.as_str();
        let (fault, wire, position) = (self.row.fault, self.wire, self.position);
        write!(f, "`{fault}` x {wire:?}, {delivery} x {position:?}")
    }
}

impl Cell<'_> {
    /// Returns a script of the replies, and one more that should not be asked for.
    pub(super) fn script(&self) -> Scripted {
        let replies = self.course().iter().fold(Scripted::new(), |script, &(who, reply)| {
            faults::reply(script, reply, self.row.fault, self.wire(who), self.delivery)
        });
        replies.answer("nobody should have asked for this")
    }

    /// Returns the target of each attempt, and the reply.
    pub(super) fn course(&self) -> &'static [(Who, Reply)] {
        course(self.position, self.row.then)
    }

    /// Returns the target that is asked first, and the second one.
    pub(super) fn chain(&self) -> [Who; 2] {
        match self.position {
            Position::Fallback => [Who::Other, Who::It],
            Position::First | Position::Retry | Position::Throughout => [Who::It, Who::Other],
        }
    }

    /// Returns the name of a provider.
    pub(super) fn provider(&self, who: Who) -> &'static str {
        match self.wire(who) {
            Wire::OpenAi => "openai",
            Wire::DeepSeek => "deepseek",
            Wire::Anthropic => "anthropic",
            Wire::Gemini => "gemini",
        }
    }

    /// Returns the dialect of a provider. Each dialect has another one as its fallback.
    fn wire(&self, who: Who) -> Wire {
        match (who, self.wire) {
            (Who::It, wire) => wire,
            (Who::Other, Wire::OpenAi | Wire::DeepSeek) => Wire::Anthropic,
            (Who::Other, Wire::Anthropic) => Wire::Gemini,
            (Who::Other, Wire::Gemini) => Wire::OpenAi,
        }
    }

    /// Returns a policy of two targets with two tries each.
    pub(super) fn policy(&self) -> String {
        let [first, second] = self.chain().map(|who| self.provider(who));
        let stream = self.delivery == Delivery::Stream;
        let provider = format!(
            "{{stream: {stream}, timeout_s: 60, idle_timeout_s: 7,
               models: {{{MODEL}: {{in: 1, out: 10, cache_read: 0.5}}}}}}"
        );
        format!(
            "
providers: {{openai: {provider}, anthropic: {provider}, gemini: {provider}}}
defaults: {{ask: {{provider: {first}, model: {MODEL}, max_tokens: 100}}}}
fallback: {{ask: [{{provider: {second}, model: {MODEL}}}]}}
reliability:
  deadline_s: 300
  retry: {{max_retries: 1, base_delay_s: {BASE_DELAY_S}, max_delay_s: 3}}
  breaker: {{failure_threshold: 10, cooldown_s: 60}}
"
        )
    }
}
