//! `llm-gateway check`: shows every problem of the policy, the missing keys, and which task classes
//! can run.
//!
//! A person reads it from the top: what switches calls off, the problems, the missing keys, a line
//! for each task class, and the conclusion.

mod classes;
mod client;
mod codex;
mod diagnostic;
mod missing_key;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anstyle::Style;
use llm_gateway_core::config::{Diagnostic, Severity};
use llm_gateway_core::describe::{Description, TaskClassDescription};
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::{Category, Envelope, Environment, Error, Gateway};
use serde_json::{Value, json};

use crate::info::notices;
use crate::layout::{HANG, harmless, name, path_name};
use crate::options::{Check, Client};
use crate::render;
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Terminal};
use client::Unreached;
use missing_key::{MissingKey, missing_keys};

pub(crate) fn run(
    check: &Check,
    gateway: &Gateway,
    environment: &Environment,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let findings = Findings::of(check, gateway, environment);
    if terminal.json {
        terminal.document(&findings.envelope(gateway))?;
    } else {
        findings.show(terminal)?;
    }
    Ok(if findings.errors() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The problems of a policy and the keys that it lacks.
struct Findings {
    problems: Vec<Diagnostic>,
    missing: Vec<MissingKey>,
    /// What would not reach the server in the client that was asked about.
    unreached: Option<Unreached>,
    /// The client that was asked about.
    client: Option<Client>,
    description: Option<Description>,
    /// The severity of a missing key and of what does not reach a client: an error with `--strict`,
    /// else a warning.
    key_severity: Severity,
}

impl Findings {
    fn of(check: &Check, gateway: &Gateway, environment: &Environment) -> Self {
        let description = gateway.describe().ok();
        let mut problems = gateway.problems().to_vec();
        problems.extend(gateway.certificate_problems());
        if check.strict {
            problems.iter_mut().for_each(|problem| problem.severity = Severity::Error);
        }
        let key_severity = if check.strict { Severity::Error } else { Severity::Warning };
        let missing = description.as_ref().map(missing_keys).unwrap_or_default();
        let unreached = check.client.zip(description.as_ref());
        let unreached = unreached.and_then(|(client, it)| Unreached::find(client, it, environment));
        let client = check.client;
        Self { problems, missing, unreached, client, description, key_severity }
    }

    fn errors(&self) -> usize {
        let problems = self.problems.iter().map(|problem| problem.severity);
        let keys = self.missing.iter().map(|_| self.key_severity);
        let unreached = self.unreached.iter().map(|_| self.key_severity);
        problems
            .chain(keys)
            .chain(unreached)
            .filter(|severity| *severity == Severity::Error)
            .count()
    }

    fn warnings(&self) -> usize {
        let unreached = self.unreached.iter().count();
        self.problems.len() + self.missing.len() + unreached - self.errors()
    }

    fn show(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        for notice in self.description.iter().flat_map(notices) {
            terminal.line(&format!("{BAD}{notice}{BAD:#}"))?;
        }
        let width = terminal.width();
        for problem in &self.problems {
            terminal.laid_out(&diagnostic::shown(problem, width))?;
        }
        for missing in &self.missing {
            let (style, severity) = told(self.key_severity);
            let line = missing.line(width.saturating_sub(severity.len() + 2));
            terminal.line(&format!("{style}{severity}{style:#}: {line}"))?;
        }
        self.show_reach(terminal)?;
        if let Some(description) = &self.description {
            terminal.line(&format!("policy: {}", name(&description.policy_file)))?;
            if let Some(path) = &description.absent_policy {
                let path = path_name(path);
                terminal.line(&format!("no policy of your own: {path}"))?;
            }
            for line in render::network(description) {
                terminal.line(&line)?;
            }
            terminal.laid_out(&classes::table(description, width))?;
        }
        terminal.line(&self.conclusion())
    }

    /// Shows what of the set-up reaches the server in the client that was asked about.
    fn show_reach(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        let Some(client) = self.client else { return Ok(()) };
        match &self.unreached {
            Some(Unreached { message, hint, .. }) => {
                let (style, severity) = told(self.key_severity);
                terminal
                    .line(&format!("{style}{severity}{style:#}: {HANG}{}", harmless(message)))?;
                terminal.line(&format!("{FAINT}hint{FAINT:#}: {HANG}{hint}"))
            }
            None => terminal.line(&format!(
                "client: what is set here reaches the server in {}",
                client::name_of(client)
            )),
        }
    }

    fn conclusion(&self) -> String {
        let (errors, warnings) = (self.errors(), self.warnings());
        let counted = [(errors, "error"), (warnings, "warning")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}{}", if number == 1 { "" } else { "s" }))
            .collect::<Vec<_>>()
            .join(", ");
        let Some(description) = &self.description else {
            return format!("{BAD}the policy cannot be used{BAD:#}: {counted}");
        };
        if counted.is_empty() {
            // Offline, no key is looked for.
            let keys = if description.offline { "" } else { " and every key is there" };
            return format!("{GOOD}the policy is sound{GOOD:#}{keys}");
        }
        let verdict = format!("{STRONG}the policy can be used{STRONG:#}, with {counted}");
        if description.task_classes.iter().any(|class| class.available) {
            return verdict;
        }
        let way_out = match (description.switches.disabled, description.task_classes.first()) {
            (true, Some(class)) => class.unavailable_because.clone().unwrap_or_default(),
            _ => self.keys_to_set(&description.task_classes),
        };
        format!("{verdict}\n{BAD}no task class can run yet{BAD:#}: {way_out}")
    }

    /// Returns advice on which keys to set, for a policy of which no task class can run.
    ///
    /// Any one key of a class that asks a single model is enough. Where only classes of several
    /// models exist, the keys are named for one class alone.
    fn keys_to_set(&self, classes: &[TaskClassDescription]) -> String {
        let singles = || classes.iter().filter(|class| class.kind == RouteKind::Single);
        let reasons: BTreeSet<&str> =
            singles().filter_map(|class| class.unavailable_because.as_deref()).collect();
        if let (Some(reason), 1) = (reasons.first(), reasons.len()) {
            return (*reason).to_owned();
        }
        let keys: BTreeSet<&str> =
            singles().flat_map(|class| &class.missing_keys).map(String::as_str).collect();
        match keys.len() {
            0 => keys_of_several(classes),
            // The lines above have named them all.
            3.. if keys.len() == self.missing.len() => "set one of the keys above".to_owned(),
            _ => format!("set {}", keys.into_iter().collect::<Vec<_>>().join(" or ")),
        }
    }

    /// Returns the client that was asked about, with what would not reach the server there.
    fn reach(&self) -> Option<Value> {
        let name = client::name_of(self.client?);
        let unreached = self.unreached.iter().flat_map(|it| &it.variables);
        Some(json!({ "name": name, "unreached": unreached.collect::<Vec<_>>() }))
    }

    fn envelope(&self, gateway: &Gateway) -> Envelope {
        let keys = self.missing.iter().map(|missing| missing.as_problem(self.key_severity));
        let unreached = self.unreached.iter().map(|it| it.as_problem(self.key_severity));
        let problems = self.problems.iter().map(|p| json!(p)).chain(keys).chain(unreached);
        let problems: Vec<Value> = problems.collect();
        let classes = self.description.as_ref().map(|description| &description.task_classes);
        let classes = classes.map_or(json!([]), |classes| json!(classes));
        let mut envelope = match gateway.policy() {
            Err(problems) => Envelope::from(&problems),
            Ok(_) if self.errors() > 0 => {
                let message = format!("{} warnings count as errors (--strict)", self.errors());
                Envelope::from(&Error::new(Category::PolicyInvalid, message))
            }
            Ok(_) => Envelope::success(Value::Null),
        };
        let file = self.description.as_ref().map(|it| &it.policy_file);
        let absent = self.description.as_ref().and_then(|it| it.absent_policy.as_ref());
        let mut data =
            json!({ "policy_file": file, "problems": problems, "task_classes": classes });
        if let (Some(path), Value::Object(data)) = (absent, &mut data) {
            data.insert("absent_policy".to_owned(), json!(path));
        }
        if let (Some(description), Value::Object(data)) = (&self.description, &mut data) {
            data.insert("switches".to_owned(), json!(description.switches));
            let from = description.providers.iter().filter_map(|provider| {
                let from = provider.base_url_from;
                from.variable().map(|_| (provider.name.to_string(), json!(from)))
            });
            let from: serde_json::Map<_, _> = from.collect();
            if !from.is_empty() {
                data.insert("base_url_from".to_owned(), Value::Object(from));
            }
            if let Some(proxy) = &description.proxy {
                data.insert("proxy".to_owned(), json!(proxy));
            }
            if !description.certificates.is_empty() {
                data.insert("certificates".to_owned(), json!(description.certificates));
            }
        }
        if let (Some(reach), Value::Object(data)) = (self.reach(), &mut data) {
            data.insert("client".to_owned(), reach);
        }
        let orchestration = self.description.as_ref().and_then(|it| it.orchestration.as_ref());
        if let (Some(orchestration), Value::Object(data)) = (orchestration, &mut data) {
            data.insert("orchestration".to_owned(), json!(orchestration));
        }
        envelope.data = Some(data);
        envelope
    }
}

/// Returns advice on which keys to set, for a policy that has no class of a single model.
fn keys_of_several(classes: &[TaskClassDescription]) -> String {
    let mut reasons: Vec<&str> =
        classes.iter().filter_map(|class| class.unavailable_because.as_deref()).collect();
    reasons.dedup();
    match reasons.as_slice() {
        [reason] => (*reason).to_owned(),
        _ => "`llm-gateway info` says what each of them needs".to_owned(),
    }
}

/// Returns the style and the word for a severity.
fn told(severity: Severity) -> (Style, &'static str) {
    match severity {
        Severity::Error => (BAD, "error"),
        _ => (DOUBTFUL, "warning"),
    }
}
