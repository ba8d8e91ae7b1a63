//! `llm-gateway check`: shows every problem of the policy, the missing keys, and which task classes
//! can run.

use std::collections::BTreeSet;
use std::process::ExitCode;

use llm_gateway_core::config::{Diagnostic, Severity};
use llm_gateway_core::describe::{Description, KeyState, TaskClassDescription};
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::{Category, Envelope, Error, Gateway};
use serde_json::{Value, json};

use crate::options::Check;
use crate::render;
use crate::terminal::{BAD, DOUBTFUL, GOOD, STRONG, Terminal};

pub(crate) fn run(
    check: &Check,
    gateway: &Gateway,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let findings = Findings::of(check, gateway);
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
    description: Option<Description>,
    /// The severity of a missing key: an error with `--strict`, else a warning.
    key_severity: Severity,
}

/// A missing key, with the task classes and roles of the policy that could use it.
struct MissingKey {
    variable: String,
    classes: Vec<String>,
}

impl Findings {
    fn of(check: &Check, gateway: &Gateway) -> Self {
        let description = gateway.describe().ok();
        let mut problems = gateway.problems().to_vec();
        if check.strict {
            problems.iter_mut().for_each(|problem| problem.severity = Severity::Error);
        }
        let key_severity = if check.strict { Severity::Error } else { Severity::Warning };
        let missing = description.as_ref().map(missing_keys).unwrap_or_default();
        Self { problems, missing, description, key_severity }
    }

    fn errors(&self) -> usize {
        let problems = self.problems.iter().map(|problem| problem.severity);
        let keys = self.missing.iter().map(|_| self.key_severity);
        problems.chain(keys).filter(|severity| *severity == Severity::Error).count()
    }

    fn warnings(&self) -> usize {
        self.problems.len() + self.missing.len() - self.errors()
    }

    fn show(&self, terminal: &mut Terminal) -> std::io::Result<()> {
        if let Some(notice) = self.switched_off() {
            terminal.line(&format!("{BAD}{notice}{BAD:#}"))?;
        }
        for problem in &self.problems {
            terminal.line(&painted(&problem.to_string(), problem.severity))?;
        }
        if let Some(description) = &self.description {
            terminal.line(&format!("policy: {}", description.policy_file))?;
            if let Some(path) = &description.absent_policy {
                terminal.line(&format!("no policy of your own: {}", path.display()))?;
            }
            terminal.line(&render::task_classes(&description.task_classes))?;
            if let Some(orchestration) = &description.orchestration {
                terminal.line(&render::depths(orchestration))?;
            }
        }
        for missing in &self.missing {
            let severity = if self.key_severity == Severity::Error { "error" } else { "warning" };
            let line = format!("{severity}: {}", missing.message());
            terminal.line(&painted(&line, self.key_severity))?;
        }
        terminal.line(&self.conclusion())
    }

    /// Returns what switches refuse, if any is on.
    fn switched_off(&self) -> Option<&'static str> {
        self.description.as_ref()?.switches.notice()
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
            return format!("{GOOD}the policy is sound{GOOD:#} and every key is there");
        }
        let verdict = format!("{STRONG}the policy can be used{STRONG:#}, with {counted}");
        if description.task_classes.iter().any(|class| class.available) {
            return verdict;
        }
        let way_out = match (description.switches.disabled, description.task_classes.first()) {
            (true, Some(class)) => class.unavailable_because.clone().unwrap_or_default(),
            _ => keys_to_set(&description.task_classes),
        };
        format!("{verdict}; {BAD}no task class can run yet{BAD:#}: {way_out}")
    }

    fn envelope(&self, gateway: &Gateway) -> Envelope {
        let keys = self.missing.iter().map(|missing| missing.as_problem(self.key_severity));
        let problems: Vec<Value> = self.problems.iter().map(|p| json!(p)).chain(keys).collect();
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
        }
        let orchestration = self.description.as_ref().and_then(|it| it.orchestration.as_ref());
        if let (Some(orchestration), Value::Object(data)) = (orchestration, &mut data) {
            data.insert("orchestration".to_owned(), json!(orchestration));
        }
        envelope.data = Some(data);
        envelope
    }
}

impl MissingKey {
    fn message(&self) -> String {
        format!("{} is not set, for {}", self.variable, self.classes.join(", "))
    }

    fn as_problem(&self, severity: Severity) -> Value {
        let hint = format!("set {} in the environment or in .env beside the policy", self.variable);
        json!({
            "severity": severity, "file": "environment", "line": 0, "column": 0,
            "message": self.message(), "hint": hint,
        })
    }
}

/// Returns advice on which keys to set, for a policy of which no task class can run.
///
/// Any one key of a class that asks a single model is enough. Where only classes of several models
/// exist, the keys are named for one class alone.
fn keys_to_set(classes: &[TaskClassDescription]) -> String {
    let singles = classes.iter().filter(|class| class.kind == RouteKind::Single);
    let keys: BTreeSet<&str> =
        singles.flat_map(|class| &class.missing_keys).map(String::as_str).collect();
    if !keys.is_empty() {
        return format!("set {}", keys.into_iter().collect::<Vec<_>>().join(" or "));
    }
    let mut reasons: Vec<&str> =
        classes.iter().filter_map(|class| class.unavailable_because.as_deref()).collect();
    reasons.dedup();
    match reasons.as_slice() {
        [reason] => (*reason).to_owned(),
        _ => "the table above says which keys each of them needs".to_owned(),
    }
}

fn missing_keys(description: &Description) -> Vec<MissingKey> {
    let lacking = description.providers.iter().filter(|p| p.key == KeyState::Missing);
    lacking
        .flat_map(|provider| {
            let uses = description.task_classes.iter().filter(|class| {
                class.targets.iter().any(|target| target.provider == provider.name)
            });
            let mut classes: Vec<String> = uses.map(|class| class.name.clone()).collect();
            let roles = description.orchestration.iter().flat_map(|it| it.roles.played());
            let lacking = roles.filter(|(_, who)| who.provider == provider.name);
            classes.extend(lacking.map(|(role, _)| format!("the {}", role.as_str())));
            let used = provider.missing_keys.iter().filter(|_| !classes.is_empty());
            let missing = |variable: &String| MissingKey {
                variable: variable.clone(),
                classes: classes.clone(),
            };
            used.map(missing).collect::<Vec<_>>()
        })
        .collect()
}

/// Returns the text of a policy's problem, with its first word coloured by severity.
fn painted(text: &str, severity: Severity) -> String {
    let style = if severity == Severity::Error { BAD } else { DOUBTFUL };
    match text.split_once(':') {
        Some((word, rest)) => format!("{style}{word}{style:#}:{rest}"),
        None => text.to_owned(),
    }
}
