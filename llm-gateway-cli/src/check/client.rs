//! `llm-gateway check --client`: finds what of the user's set-up would not reach the server that a
//! client starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use llm_gateway_core::Environment;
use llm_gateway_core::config::Severity;
use llm_gateway_core::describe::Description;
use serde_json::{Value, json};

use super::codex;
use crate::client_config::{SERVER, SetUp};
use crate::options::Client;

/// The largest configuration file of a client that is read.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Variables that are set and would not reach the server in a client.
pub(super) struct Unreached {
    pub(super) variables: BTreeSet<String>,
    /// The reason, with the variables, in one sentence.
    pub(super) message: String,
    pub(super) hint: String,
}

impl Unreached {
    /// Returns the variables that would not reach the server in `client`, if there are any.
    pub(super) fn find(
        client: Client,
        description: &Description,
        environment: &Environment,
    ) -> Option<Self> {
        let in_force = SetUp::of(description, environment).in_force();
        match client {
            // They hand their whole environment down.
            Client::ClaudeCode | Client::Gemini | Client::Opencode => None,
            Client::Codex => Self::in_codex(in_force, environment),
            Client::Cursor | Client::Vscode => Self::in_editor(client, in_force),
        }
    }

    /// Codex hands down a few variables of every process and those that the entry names.
    fn in_codex(in_force: BTreeSet<String>, environment: &Environment) -> Option<Self> {
        let file = codex_file(environment)?;
        let shown = file.display();
        let (named, message, hint) = match handed_on_by(&file) {
            Some(named) => (
                named,
                format!("the entry `{SERVER}` in {shown} does not name"),
                "add them to its `env_vars`, or paste what `llm-gateway client-config codex` prints",
            ),
            None => (
                BTreeSet::new(),
                format!(
                    "Codex hands down what an entry names, and {shown} has no `{SERVER}`: it lacks"
                ),
                "paste what `llm-gateway client-config codex` prints into that file",
            ),
        };
        let variables: BTreeSet<String> = in_force.difference(&named).cloned().collect();
        let message = format!("{message} {}", listed(&variables)?);
        Some(Self { variables, message, hint: hint.to_owned() })
    }

    /// Editors hand down the environment that they were started with.
    fn in_editor(client: Client, variables: BTreeSet<String>) -> Option<Self> {
        let (name, command) = match client {
            Client::Cursor => ("Cursor", "cursor"),
            _ => ("VS Code", "code"),
        };
        let message = format!(
            "{name} hands down its own environment, which has the variables of this shell only if it \
             is started from here: {}",
            listed(&variables)?
        );
        let hint =
            format!("start it by `{command}` from here, or write them into .env beside the policy");
        Some(Self { variables, message, hint })
    }

    pub(super) fn as_problem(&self, severity: Severity) -> Value {
        json!({
            "severity": severity, "file": "environment", "line": 0, "column": 0,
            "message": self.message, "hint": self.hint,
        })
    }
}

/// Returns the name of a client as the command line takes it.
pub(super) fn name_of(client: Client) -> String {
    client.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Returns the names in one list, or `None` if there are none.
fn listed(names: &BTreeSet<String>) -> Option<String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Returns the path of the file in which Codex has its servers.
fn codex_file(environment: &Environment) -> Option<PathBuf> {
    let home = environment.get("CODEX_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(environment.get("HOME")?).join(".codex")));
    Some(home?.join("config.toml"))
}

/// Returns the variables that the server's entry in a Codex file hands on. Returns `None` if the
/// file has no such entry or cannot be read.
fn handed_on_by(file: &Path) -> Option<BTreeSet<String>> {
    let is_small =
        std::fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= LARGEST_FILE);
    let text = is_small.then(|| std::fs::read_to_string(file).ok()).flatten()?;
    codex::handed_on(&text)
}
