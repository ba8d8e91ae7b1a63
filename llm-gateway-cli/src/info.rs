//! `llm-gateway info`: shows what the tool `llm_routing_info` answers.

use std::process::ExitCode;

use llm_gateway_core::{Envelope, Gateway};
use serde_json::json;

use crate::render;
use crate::terminal::{BAD, FAINT, STRONG, Terminal};

pub(crate) async fn run(gateway: &Gateway, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let description = match gateway.describe_with_spend().await {
        Ok(description) => description,
        Err(problems) => {
            terminal.failure(&Envelope::from(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    if terminal.json {
        terminal.document(&Envelope::success(json!(description)))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(notice) = description.switches.notice() {
        terminal.line(&format!("{BAD}{notice}{BAD:#}"))?;
    }
    let file = &description.policy_file;
    terminal.line(&format!(
        "{STRONG}policy{STRONG:#} {file} {FAINT}(version {}){FAINT:#}",
        description.version
    ))?;
    terminal.line(&render::task_classes(&description.task_classes))?;
    if let Some(orchestration) = &description.orchestration {
        terminal.line(&render::depths(orchestration))?;
    }
    terminal.line(&render::providers(&description))?;
    if let Some(spend) = &description.spend {
        terminal.line(&render::spend_state(spend))?;
    }
    Ok(ExitCode::SUCCESS)
}
