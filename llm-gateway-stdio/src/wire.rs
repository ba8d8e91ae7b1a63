//! Turns an envelope into the result of a tool call, as MCP carries it and as its client reads it.

use llm_gateway_core::Envelope;
use llm_gateway_core::policy::{Detail, Output};
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Value, json};

use crate::client::Client;

/// The text of a result whose facts are in the structured content alone.
const ONE_COPY: &str = "The result is in structuredContent; its status is ";

/// The most characters of a result beside its envelope: that text with the longest status, and what
/// MCP puts around both.
const ONE_COPY_ROOM: usize = 200;

/// The form of a result: how large it may be, how much it says, and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultForm {
    max_chars: usize,
    detail: Detail,
    one_copy: bool,
}

impl ResultForm {
    /// Returns the form that the policy asks for and the client can take.
    pub(crate) fn of(output: &Output, client: &Client) -> Self {
        let room = client.max_chars().map(|most| most.saturating_sub(ONE_COPY_ROOM));
        let max_chars = room.unwrap_or(usize::MAX).min(output.max_chars);
        Self { max_chars, detail: output.detail, one_copy: client.wants_one_copy() }
    }

    /// Returns this form with every detail.
    pub(crate) fn in_full(self) -> Self {
        Self { detail: Detail::Full, ..self }
    }

    /// Returns the largest number of characters of an envelope.
    pub(crate) fn max_chars(&self) -> usize {
        self.max_chars
    }

    /// Returns the detail in which an envelope is told.
    pub(crate) fn detail(&self) -> Detail {
        self.detail
    }

    /// Returns the MCP tool result that carries an envelope, which has this form already.
    ///
    /// A success is one text block, and the same object as `structuredContent`; for a client whose
    /// model would pay for both, the text is one line. An error is the text block alone, because
    /// several clients drop an error that has a structured part.
    pub(crate) fn tool_result(&self, envelope: &Envelope) -> CallToolResult {
        let value = json!(envelope);
        if envelope.is_error() {
            return CallToolResult::error(vec![ContentBlock::text(value.to_string())]);
        }
        let status = value.get("status").and_then(Value::as_str).unwrap_or_default();
        let line = format!("{ONE_COPY}{status}.");
        let mut result = CallToolResult::structured(value);
        if self.one_copy {
            result.content = vec![ContentBlock::text(line)];
        }
        result
    }
}
