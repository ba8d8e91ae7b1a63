//! `llm-gateway check --client`: finds what of the user's set-up would not reach the server that a
//! client starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use llm_gateway_core::Environment;
use llm_gateway_core::config::Severity;
use llm_gateway_core::describe::Description;
use serde_json::{Value, json};

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
        let (named, message, hint) = match section(&file) {
            Some(section) => (
                words(&section),
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

/// Returns the lines of the server's section in a Codex file and of the sections below it, without
/// comments. Returns `None` if the file has no such section or cannot be read.
fn section(file: &Path) -> Option<String> {
    let is_small =
        std::fs::metadata(file).is_ok_and(|file| file.is_file() && file.len() <= LARGEST_FILE);
    let text = is_small.then(|| std::fs::read_to_string(file).ok()).flatten()?;
    let lines: String = lines_of_server(&text).flat_map(|line| [line, "\n"]).collect();
    (!lines.is_empty()).then_some(lines)
}

/// Returns the lines of the server's sections in a TOML text, the headers included.
fn lines_of_server(text: &str) -> impl Iterator<Item = &str> {
    let mut is_within = false;
    text.lines().filter_map(move |line| {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.starts_with('[') && line.ends_with(']') && line.contains("mcp_servers") {
            let name = line.replace(['[', ']', '"', '\'', ' '], "");
            let path = name.strip_prefix("mcp_servers.").unwrap_or_default();
            is_within =
                path == SERVER || path.strip_prefix(SERVER).is_some_and(|it| it.starts_with('.'));
        } else if line.starts_with('[') && line.ends_with(']') && !line.contains(['"', '\'', ',']) {
            is_within = false;
        }
        is_within.then_some(line)
    })
}

/// Returns the words of a text that can be names of variables.
fn words(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split(|c| !is_part(c)).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named_in(text: &str) -> BTreeSet<String> {
        words(&lines_of_server(text).flat_map(|line| [line, "\n"]).collect::<String>())
    }

    #[test]
    fn a_name_counts_in_every_form_of_the_servers_own_section() {
        for text in [
            "[mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.\"llm-gateway\"]\r\nenv_vars = ['A_KEY']\r\n",
            "[ mcp_servers . llm-gateway ]\nenv_vars=[\n  \"B\",\n  \"A_KEY\", # one\n]\n",
            "[mcp_servers.llm-gateway]\ncommand = \"x\"\n[mcp_servers.llm-gateway.env]\nA_KEY = \"1\"\n",
            "[mcp_servers.other]\nenv_vars = []\n[mcp_servers.llm-gateway]\nenv = { A_KEY = \"1\" }\n",
        ] {
            assert!(named_in(text).contains("A_KEY"), "{text}");
        }
        for text in [
            "",
            "[mcp_servers.other]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway-2]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\n# env_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY_2\"]\n[features]\nx = \"A_KEY\"",
            "[mcp_servers.llm-gateway]\n[mcp_servers.other]\nenv_vars = [\"A_KEY\"]",
        ] {
            assert!(!named_in(text).contains("A_KEY"), "{text}");
        }
    }
}
