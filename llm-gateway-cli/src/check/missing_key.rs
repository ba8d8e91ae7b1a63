//! Finds the keys that a policy needs and that are not set.

use llm_gateway_core::config::Severity;
use llm_gateway_core::describe::{Description, KeyState};
use serde_json::{Value, json};

use crate::layout::columns;

/// A missing key, with the task classes and roles of the policy that could use it.
pub(super) struct MissingKey {
    variable: String,
    classes: Vec<String>,
    roles: Vec<String>,
}

impl MissingKey {
    /// Returns the sentence that names every task class and role.
    fn message(&self) -> String {
        let users: Vec<&str> = self.classes.iter().chain(&self.roles).map(String::as_str).collect();
        format!("{} is not set, for {}", self.variable, users.join(", "))
    }

    /// Returns the sentence in one line: where the names do not fit, task classes are counted.
    pub(super) fn line(&self, width: usize) -> String {
        let message = self.message();
        if columns(&message) <= width || self.classes.len() < 2 {
            return message;
        }
        let classes = format!("{} task classes", self.classes.len());
        let users = match self.roles.split_last() {
            None => classes,
            Some((last, [])) => format!("{classes} and {last}"),
            Some((last, others)) => format!("{classes}, {} and {last}", others.join(", ")),
        };
        format!("{} is not set, for {users}", self.variable)
    }

    pub(super) fn as_problem(&self, severity: Severity) -> Value {
        let hint = format!("set {} in the environment or in .env beside the policy", self.variable);
        json!({
            "severity": severity, "file": "environment", "line": 0, "column": 0,
            "message": self.message(), "hint": hint,
        })
    }
}

/// Returns the missing keys, each once, however many providers read one variable.
pub(super) fn missing_keys(description: &Description) -> Vec<MissingKey> {
    let mut missing: Vec<MissingKey> = Vec::new();
    for provider in description.providers.iter().filter(|it| it.key == KeyState::Missing) {
        let uses = description
            .task_classes
            .iter()
            .filter(|class| class.targets.iter().any(|target| target.provider == provider.name));
        let classes: Vec<String> = uses.map(|class| class.name.clone()).collect();
        let roles = description.orchestration.iter().flat_map(|it| it.roles.played());
        let roles = roles.filter(|(_, who)| who.provider == provider.name);
        let roles: Vec<String> = roles.map(|(role, _)| format!("the {}", role.as_str())).collect();
        if classes.is_empty() && roles.is_empty() {
            continue;
        }
        for variable in &provider.missing_keys {
            match missing.iter_mut().find(|it| it.variable == *variable) {
                Some(known) => {
                    add(&mut known.classes, &classes);
                    add(&mut known.roles, &roles);
                }
                None => missing.push(MissingKey {
                    variable: variable.clone(),
                    classes: classes.clone(),
                    roles: roles.clone(),
                }),
            }
        }
    }
    missing
}

/// Adds the names that are not yet in a list.
fn add(names: &mut Vec<String>, others: &[String]) {
    for name in others {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
}
