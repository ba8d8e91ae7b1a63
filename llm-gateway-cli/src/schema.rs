//! `llm-gateway schema`: prints the JSON Schema of routing.yaml, for editors.

use std::process::ExitCode;

use llm_gateway_core::config::json_schema;

use crate::terminal::Terminal;

pub(crate) fn run(terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    terminal.document(&json_schema())?;
    Ok(ExitCode::SUCCESS)
}
