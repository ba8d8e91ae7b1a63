//! `llm-gateway info`: shows what the tool `llm_routing_info` answers.

use std::process::ExitCode;

use llm_gateway_core::describe::Description;
use llm_gateway_core::{Envelope, Gateway};

use crate::layout::{harmless, name};
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
        terminal.document(&Envelope::from(&description))?;
        return Ok(ExitCode::SUCCESS);
    }
    for notice in notices(&description) {
        terminal.line(&format!("{BAD}{notice}{BAD:#}"))?;
    }
    let width = terminal.width();
    let file = name(&description.policy_file);
    terminal.line(&format!(
        "{STRONG}policy{STRONG:#} {file} {FAINT}(version {}){FAINT:#}",
        harmless(&description.version)
    ))?;
    for line in render::network(&description) {
        terminal.line(&line)?;
    }
    terminal.laid_out(&render::task_classes(&description.task_classes, width))?;
    if let Some(orchestration) = &description.orchestration {
        terminal.laid_out(&render::depths(orchestration, width))?;
    }
    terminal.laid_out(&render::providers(&description, width))?;
    if let Some(spend) = &description.spend {
        terminal.line(&render::spend_state(spend))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns what keeps calls from being made, or from leaving the machine.
pub(crate) fn notices(description: &Description) -> impl Iterator<Item = String> {
    let offline = "offline: answers are scripted, and nothing leaves the machine";
    let offline = description.offline.then(|| offline.to_owned());
    description.switches.notice().into_iter().chain(offline)
}
