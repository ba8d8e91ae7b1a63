//! Turns an envelope into the result of a tool call, as MCP carries it.

use llm_gateway_core::Envelope;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

/// Returns the MCP tool result that carries an envelope.
///
/// A success is one text block, and the same object as `structuredContent`. An error is the text
/// block alone, because several clients drop an error that has a structured part.
pub(crate) fn tool_result(envelope: Envelope) -> CallToolResult {
    let value = json!(envelope);
    if envelope.is_error() {
        CallToolResult::error(vec![ContentBlock::text(value.to_string())])
    } else {
        CallToolResult::structured(value)
    }
}
