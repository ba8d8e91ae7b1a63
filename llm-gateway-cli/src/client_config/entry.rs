//! A client's entry that starts the server, in the form of each client.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::layout::columns;
use crate::options::Client;

use super::{SERVER, SetUp};

/// The width from which on an array in a Codex entry has a line for each of its texts. The entry is
/// a document, so the width of the terminal does not matter.
const WIDEST_ARRAY: usize = 80;

/// A client's entry: a command, its arguments, the variables that it passes on, and the longest
/// time of a call.
pub(super) struct Entry {
    pub(super) command: String,
    pub(super) arguments: Vec<String>,
    pub(super) set_up: SetUp,
    pub(super) timeout: Duration,
}

impl Entry {
    pub(super) fn render(&self, client: Client) -> String {
        let document = match client {
            Client::Codex => return self.toml(),
            Client::ClaudeCode | Client::Cursor | Client::Gemini => {
                json!({ "mcpServers": { SERVER: self.server(client) } })
            }
            Client::Vscode => {
                json!({ "inputs": self.inputs(), "servers": { SERVER: self.server(client) } })
            }
            Client::Opencode => json!({
                "$schema": "https://opencode.ai/config.json",
                "mcp": { SERVER: self.opencode() },
            }),
        };
        format!("{document:#}")
    }

    /// Returns the entry of a server, as most clients have it.
    fn server(&self, client: Client) -> Value {
        let mut server = json!({
            "command": self.command, "args": self.arguments, "env": self.environment(client),
        });
        if let (Some(longest), Some(fields)) = (timeout_by_default(client), server.as_object_mut())
            && self.timeout > longest
        {
            fields.insert("timeout".to_owned(), self.timeout_ms());
        }
        server
    }

    /// Returns the entry of opencode, which has command and arguments in one list.
    fn opencode(&self) -> Value {
        let command: Vec<&String> = std::iter::once(&self.command).chain(&self.arguments).collect();
        let environment = self.environment(Client::Opencode);
        json!({
            "type": "local", "command": command, "environment": environment,
            "enabled": true, "timeout": self.timeout_ms(),
        })
    }

    /// Returns the variables of an entry, each in the client's own syntax for a variable of the
    /// environment. These clients hand their whole environment down, so proxies and places need no
    /// name.
    fn environment(&self, client: Client) -> Map<String, Value> {
        let SetUp { keys, wanted_keys, guards, .. } = &self.set_up;
        let keys = if client == Client::Vscode { wanted_keys } else { keys };
        let variable = |name: &String| match client {
            // An unset variable is empty then, and not the reference itself.
            Client::ClaudeCode => format!("${{{name}:-}}"),
            Client::Gemini => format!("${name}"),
            Client::Opencode => format!("{{env:{name}}}"),
            Client::Vscode if keys.contains(name) => format!("${{input:{name}}}"),
            Client::Vscode | Client::Cursor | Client::Codex => format!("${{env:{name}}}"),
        };
        let names: BTreeSet<&String> = keys.iter().chain(guards).collect();
        names.into_iter().map(|name| (name.clone(), variable(name).into())).collect()
    }

    /// Returns the questions of VS Code, which asks for each key once and keeps it in its own
    /// store.
    fn inputs(&self) -> Vec<Value> {
        let question = |key: &String| json!({ "type": "promptString", "id": key, "description": key, "password": true });
        self.set_up.wanted_keys.iter().map(question).collect()
    }

    /// Returns the entry of Codex, which passes on only the variables that `env_vars` names.
    fn toml(&self) -> String {
        let variables: BTreeSet<String> =
            self.set_up.keys.iter().cloned().chain(self.set_up.in_force()).collect();
        format!(
            "[mcp_servers.{SERVER}]\ncommand = {}\n{}\n{}\ntool_timeout_sec = {}",
            json!(self.command),
            toml_array("args", &self.arguments),
            toml_array("env_vars", &variables.into_iter().collect::<Vec<_>>()),
            self.timeout.as_secs(),
        )
    }

    fn timeout_ms(&self) -> Value {
        json!(u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX))
    }
}

/// Returns the longest time of a call in a client whose entry can set it, or `None` for a client
/// that waits longer than any deadline, or whose entry sets no time. The times were measured with
/// Gemini CLI 0.61.0.
fn timeout_by_default(client: Client) -> Option<Duration> {
    match client {
        Client::Gemini => Some(Duration::from_secs(600)),
        Client::ClaudeCode | Client::Codex | Client::Cursor | Client::Opencode | Client::Vscode => {
            None
        }
    }
}

/// Returns a TOML array of texts: in one line where that is not too wide, else a text a line.
fn toml_array(key: &str, texts: &[String]) -> String {
    // A JSON string is a TOML basic string, and a JSON list of strings is a TOML array.
    let line = format!("{key} = {}", json!(texts));
    if columns(&line) <= WIDEST_ARRAY {
        return line;
    }
    let lines: String = texts.iter().map(|text| format!("    {},\n", json!(text))).collect();
    format!("{key} = [\n{lines}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    fn entry() -> Entry {
        let set_up = SetUp {
            keys: names(&["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]),
            wanted_keys: names(&["OPENAI_API_KEY"]),
            guards: names(&["LLM_GATEWAY_CAP_SESSION", "OPENAI_BASE_URL"]),
            surroundings: names(&["HTTPS_PROXY"]),
            set_keys: names(&["OPENAI_API_KEY"]),
        };
        Entry {
            command: "/opt/llm-gateway-stdio".to_owned(),
            arguments: vec!["--routing".to_owned(), "/home/a \"b\"/routing.yaml".to_owned()],
            set_up,
            timeout: Duration::from_secs(630),
        }
    }

    #[test]
    fn each_client_gets_its_own_form() {
        insta::assert_snapshot!("claude_code", entry().render(Client::ClaudeCode));
        insta::assert_snapshot!("codex", entry().render(Client::Codex));
        insta::assert_snapshot!("cursor", entry().render(Client::Cursor));
        insta::assert_snapshot!("vscode", entry().render(Client::Vscode));
        insta::assert_snapshot!("gemini", entry().render(Client::Gemini));
        insta::assert_snapshot!("opencode", entry().render(Client::Opencode));
    }

    #[test]
    fn a_client_that_waits_long_enough_gets_no_time_limit() {
        let short = Entry { timeout: Duration::from_secs(599), ..entry() };
        assert!(!short.render(Client::Gemini).contains("timeout"));
        assert!(entry().render(Client::Gemini).contains("\"timeout\": 630000"));
        assert!(short.render(Client::Codex).contains("tool_timeout_sec = 599"));
    }
}
