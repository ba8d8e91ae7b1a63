//! `llm-gateway check`: every problem of the policy, the keys, and what can run.

use std::process::ExitCode;

use llm_gateway_core::{Description, Diagnostic, Envelope, Gateway, KeyState, Severity};
use serde_json::{Value, json};

use crate::options::Check;
use crate::render;
use crate::terminal::{BAD, DOUBTFUL, GOOD, STRONG, Terminal};

pub(crate) fn run(
    check: &Check,
    gateway: &Gateway,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let description = gateway.describe();
    let missing = description.as_ref().map(missing_keys).unwrap_or_default();
    let problems = gateway.problems();
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let warnings = problems.len() - errors + missing.len();
    let failed = errors > 0 || (check.strict && warnings > 0);
    if terminal.json {
        terminal.document(&envelope(gateway, description.ok().as_ref(), &missing))?;
    } else {
        for problem in problems {
            let style = if problem.severity == Severity::Error { BAD } else { DOUBTFUL };
            terminal.line(&painted(problem, style))?;
        }
        if let Ok(description) = &description {
            terminal.line(&render::task_classes(&description.task_classes))?;
            for missing in &missing {
                terminal.line(&format!("{DOUBTFUL}warning:{DOUBTFUL:#} {}", missing.message()))?;
            }
        }
        let verdict = match (errors, warnings) {
            (0, 0) => format!("{GOOD}the policy is sound{GOOD:#}"),
            (0, _) => format!(
                "{STRONG}the policy can be used{STRONG:#}, with {}",
                counted(warnings, "warning")
            ),
            _ => format!(
                "{BAD}the policy cannot be used{BAD:#}: {}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            ),
        };
        terminal.line(&verdict)?;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A key that a task class of the policy could use and that is not there.
struct MissingKey {
    variable: String,
    classes: Vec<String>,
}

impl MissingKey {
    fn message(&self) -> String {
        format!("{} is not set, for {}", self.variable, self.classes.join(", "))
    }
}

fn missing_keys(description: &Description) -> Vec<MissingKey> {
    let lacking = description.providers.iter().filter(|provider| provider.key == KeyState::Missing);
    lacking
        .filter_map(|provider| {
            let uses = description.task_classes.iter().filter(|class| {
                class.targets.iter().any(|target| target.provider == provider.name)
            });
            let classes: Vec<String> = uses.map(|class| class.name.clone()).collect();
            let variable = provider.key_variable.clone()?;
            (!classes.is_empty()).then_some(MissingKey { variable, classes })
        })
        .collect()
}

fn envelope(
    gateway: &Gateway,
    description: Option<&Description>,
    missing: &[MissingKey],
) -> Envelope {
    let keys = missing.iter().map(|missing| {
        json!({
            "severity": "warning", "file": "environment", "line": 0, "column": 0,
            "message": missing.message(),
            "hint": format!("set {} in the environment or in .env beside the policy", missing.variable),
        })
    });
    let problems: Vec<Value> =
        gateway.problems().iter().map(|problem| json!(problem)).chain(keys).collect();
    let classes = description.map(|description| &description.task_classes);
    let data =
        json!({ "problems": problems, "task_classes": classes.map_or(json!([]), |c| json!(c)) });
    match gateway.policy() {
        Ok(_) => Envelope::success(data),
        Err(problems) => {
            let mut envelope = Envelope::from(&problems);
            envelope.data = Some(data);
            envelope
        }
    }
}

fn painted(problem: &Diagnostic, style: anstyle::Style) -> String {
    let text = problem.to_string();
    match text.split_once(':') {
        Some((severity, rest)) => format!("{style}{severity}{style:#}:{rest}"),
        None => text,
    }
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}
