//! `llm-gateway client-config`: prints the entry that makes an MCP client start the server.
//!
//! stdout gets the entry alone, so that it can be piped. stderr names the file that it belongs to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use llm_gateway_core::config::{base_url_variables, guard_variables};
use llm_gateway_core::describe::{Description, KeyState, ProviderDescription};
use llm_gateway_core::{Envelope, Environment};
use llm_gateway_process::GatewayFlags;
use serde_json::{Map, Value, json};

use crate::layout::{HANG, columns, name, path_name};
use crate::options::{Client, ClientConfig};
use crate::terminal::{DOUBTFUL, FAINT, Terminal};

/// The name by which an MCP client knows the server.
const SERVER: &str = "llm-gateway";

/// The time limit of a tool call in a Codex entry, in seconds. Older versions of Codex stop a call
/// after 60 s, while an orchestration may take 600 s unless the policy says otherwise. This is a
/// little longer, so that the answer is still in time.
const CODEX_TIMEOUT_S: u32 = 630;

/// The width from which on an array in a Codex entry has a line for each of its texts. The entry is
/// a document, so the width of the terminal does not matter.
const WIDEST_ARRAY: usize = 80;

pub(crate) fn run(
    config: &ClientConfig,
    flags: &GatewayFlags,
    environment: &Environment,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let description = match flags.gateway(environment.clone()).describe() {
        Ok(description) => description,
        Err(problems) => {
            terminal.failure(&Envelope::from(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut variables = variables(&description, environment);
    // Other clients hand their own environment down. A name in their entry that is not filled in,
    // because its variable is not set, would be taken for a proxy's address.
    if config.client == Client::Codex {
        variables.extend(network_variables(&description));
    }
    let server = server_binary()?;
    let entry = Entry {
        command: server.display().to_string(),
        arguments: arguments(flags, environment)?,
        variables,
    };
    terminal.laid_out(&entry.render(config.client))?;
    terminal.note(&format!("{FAINT}{}{FAINT:#}", destination(config.client)))?;
    if !server.is_file() {
        let profile = if server.components().any(|part| part.as_os_str() == "debug") {
            ""
        } else {
            " --release"
        };
        terminal.note(&format!(
            "{DOUBTFUL}warning:{DOUBTFUL:#} {HANG}{} is not there yet; build it with: {}",
            path_name(&server),
            name(&format!("cargo build{profile} --bin llm-gateway-stdio"))
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the path of the MCP server's binary, which is built beside this program.
fn server_binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let name = format!("llm-gateway-stdio{}", std::env::consts::EXE_SUFFIX);
    Ok(own.parent().unwrap_or(Path::new("")).join(name))
}

/// Returns the server's flags that a client's entry must repeat, with absolute paths, because a
/// client starts the server anywhere.
///
/// A policy that the environment names becomes a flag, too, because clients pass on few variables.
fn arguments(flags: &GatewayFlags, environment: &Environment) -> anyhow::Result<Vec<String>> {
    let named = environment.get("LLM_GATEWAY_ROUTING").map(PathBuf::from);
    let mut arguments = Vec::new();
    let routing = flags.routing.clone().or(named);
    for (flag, path) in [("--routing", &routing), ("--env-file", &flags.env_file)] {
        if let Some(path) = path {
            let path = std::path::absolute(path)?;
            arguments.extend([flag.to_owned(), path.display().to_string()]);
        }
    }
    if flags.offline {
        arguments.push("--offline".to_owned());
    }
    Ok(arguments)
}

/// Returns the environment variables that a client's entry passes on: the variables of keys and
/// headers of the providers that the policy's task classes and roles use, and the base URLs, caps
/// and switches that are set.
fn variables(description: &Description, environment: &Environment) -> Vec<String> {
    let targets = || description.task_classes.iter().flat_map(|class| &class.targets);
    let roles = || description.orchestration.iter().flat_map(|it| it.roles.played());
    let used = |provider: &&ProviderDescription| {
        let is_asked = targets().any(|target| target.provider == provider.name)
            || roles().any(|(_, who)| who.provider == provider.name);
        provider.key != KeyState::NotNeeded && is_asked
    };
    let keys = description.providers.iter().filter(used).flat_map(|p| {
        p.key_variable.iter().chain(&p.header_variables).cloned().collect::<Vec<_>>()
    });
    // With the keys alone, a client would send them to another host.
    let urls = base_url_variables().filter(|name| environment.get(name).is_some());
    // Without its caps, the server of a client would spend what its user meant to guard.
    let guards = guard_variables(environment);
    keys.chain(urls.map(str::to_owned)).chain(guards).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the variables in force that name proxies and certificates.
fn network_variables(description: &Description) -> BTreeSet<String> {
    let proxies = description.proxy.iter().flat_map(|proxy| {
        let of_schemes = [&proxy.https, &proxy.http].into_iter().flatten();
        of_schemes.map(|proxy| proxy.variable).chain(proxy.exceptions)
    });
    let certificates = description.certificates.iter().map(|it| it.variable);
    proxies.chain(certificates).map(str::to_owned).collect()
}

/// A client's entry that starts the server: a command, its arguments, and environment variables.
struct Entry {
    command: String,
    arguments: Vec<String>,
    variables: Vec<String>,
}

impl Entry {
    fn render(&self, client: Client) -> String {
        match client {
            // Each client has its own syntax for a variable of the environment.
            Client::ClaudeCode => self.json("mcpServers", |key| format!("${{{key}}}")),
            Client::Cursor => self.json("mcpServers", |key| format!("${{env:{key}}}")),
            Client::Gemini => self.json("mcpServers", |key| format!("${key}")),
            Client::Vscode => self.json_with_inputs(),
            Client::Codex => self.toml(),
        }
    }

    fn json(&self, section: &str, variable: impl Fn(&str) -> String) -> String {
        format!("{:#}", json!({ section: { SERVER: self.server(variable) } }))
    }

    fn server(&self, variable: impl Fn(&str) -> String) -> Value {
        let env: Map<String, Value> =
            self.variables.iter().map(|key| (key.clone(), variable(key).into())).collect();
        json!({ "command": self.command, "args": self.arguments, "env": env })
    }

    /// Returns the entry of VS Code, which asks for each key once and keeps it in its own store.
    fn json_with_inputs(&self) -> String {
        let inputs: Vec<Value> = self
            .variables
            .iter()
            .map(|key| json!({ "type": "promptString", "id": key, "description": key, "password": true }))
            .collect();
        let server = self.server(|key| format!("${{input:{key}}}"));
        format!("{:#}", json!({ "inputs": inputs, "servers": { SERVER: server } }))
    }

    /// Returns the entry of Codex, which passes on only the variables that `env_vars` names.
    fn toml(&self) -> String {
        format!(
            "[mcp_servers.{SERVER}]\ncommand = {}\n{}\n{}\ntool_timeout_sec = {CODEX_TIMEOUT_S}",
            json!(self.command),
            toml_array("args", &self.arguments),
            toml_array("env_vars", &self.variables),
        )
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

/// Returns a sentence about the file that a client's entry belongs to.
fn destination(client: Client) -> &'static str {
    match client {
        Client::ClaudeCode => "goes into .mcp.json of a project, or ~/.claude.json for all of them",
        Client::Codex => "goes into ~/.codex/config.toml",
        Client::Cursor => {
            "goes into .cursor/mcp.json of a project, or ~/.cursor/mcp.json for all of them"
        }
        Client::Vscode => "goes into .vscode/mcp.json of a project",
        Client::Gemini => {
            "goes into .gemini/settings.json of a project, or ~/.gemini/settings.json"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            command: "/opt/llm-gateway-stdio".to_owned(),
            arguments: vec!["--routing".to_owned(), "/home/a \"b\"/routing.yaml".to_owned()],
            variables: vec!["ANTHROPIC_API_KEY".to_owned(), "OPENAI_API_KEY".to_owned()],
        }
    }

    #[test]
    fn each_client_gets_its_own_form() {
        insta::assert_snapshot!("claude_code", entry().render(Client::ClaudeCode));
        insta::assert_snapshot!("codex", entry().render(Client::Codex));
        insta::assert_snapshot!("cursor", entry().render(Client::Cursor));
        insta::assert_snapshot!("vscode", entry().render(Client::Vscode));
        insta::assert_snapshot!("gemini", entry().render(Client::Gemini));
    }
}
