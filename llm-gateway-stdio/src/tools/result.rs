//! Defines what an MCP client sees of the tool that returns the result of a run.

use rmcp::model::{Tool, ToolAnnotations};

use super::schema::schema;
use crate::arguments::{Argument, Kind};

/// The name of the tool that returns the result of a run.
pub(crate) const LLM_RESULT: &str = "llm_result";

/// The arguments of the tool [`LLM_RESULT`].
pub(crate) const LLM_RESULT_ARGUMENTS: [Argument; 2] = [
    Argument {
        name: "run_id",
        kind: Kind::Text,
        required: true,
        description: "`meta.run_id` of an answer, or \"latest\".",
    },
    Argument {
        name: "page",
        kind: Kind::Integer,
        required: false,
        description: "A page of the whole text, 1 to `meta.pages`.",
    },
];

pub(super) fn result() -> Tool {
    let text = "Waits for a run whose status is running and returns its result; with page, the next \
                slice of a text that was cut. Costs nothing.";
    Tool::new(LLM_RESULT, text, schema(&LLM_RESULT_ARGUMENTS, None)).with_annotations(
        ToolAnnotations::with_title("Result of a run").read_only(true).open_world(false),
    )
}
