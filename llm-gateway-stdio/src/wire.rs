//! From an envelope to what MCP carries.

use llm_gateway_core::Envelope;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

/// Success: one text block, and the identical object as `structuredContent`. Error: the
/// text block alone, because several clients drop the structured part of an error.
pub(crate) fn tool_result(envelope: Envelope) -> CallToolResult {
    let value = json!(envelope);
    if envelope.is_error() {
        CallToolResult::error(vec![ContentBlock::text(value.to_string())])
    } else {
        CallToolResult::structured(value)
    }
}
