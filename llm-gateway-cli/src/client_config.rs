//! `llm-gateway client-config`: the entry that makes an MCP client start the server.
//!
//! stdout gets the entry alone, so that it can be piped; stderr says in which file it goes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use llm_gateway_core::config::base_url_variables;
use llm_gateway_core::describe::{Description, KeyState, ProviderDescription};
use llm_gateway_core::{Envelope, Environment};
use llm_gateway_process::GatewayFlags;
use serde_json::{Map, Value, json};

use crate::options::{Client, ClientConfig};
use crate::terminal::{DOUBTFUL, FAINT, Terminal};

/// The name under which clients know the server.
const SERVER: &str = "llm-gateway";

/// Codex stops a call after 60 s in older versions. An orchestration may take 600 s, where the
/// policy says nothing else; its answer must not come too late by a second.
const CODEX_TIMEOUT_S: u32 = 630;

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
    let server = server_binary()?;
    let entry = Entry {
        command: server.display().to_string(),
        arguments: arguments(flags, environment)?,
        variables: variables(&description, environment),
    };
    terminal.line(&entry.render(config.client))?;
    terminal.note(&format!("{FAINT}{}{FAINT:#}", destination(config.client)))?;
    if !server.is_file() {
        let profile = if server.components().any(|part| part.as_os_str() == "debug") {
            ""
        } else {
            " --release"
        };
        terminal.note(&format!(
            "{DOUBTFUL}warning:{DOUBTFUL:#} {} is not there yet; build it with: \
             cargo build{profile} --bin llm-gateway-stdio",
            server.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The server lies beside this program.
fn server_binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let name = format!("llm-gateway-stdio{}", std::env::consts::EXE_SUFFIX);
    Ok(own.parent().unwrap_or(Path::new("")).join(name))
}

/// The flags that the client must repeat, with paths that hold wherever it starts the server.
/// A policy that the environment names is among them: clients hand on few variables.
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

/// The key variables of the providers that the policy's task classes name, and the base URLs
/// that are set.
fn variables(description: &Description, environment: &Environment) -> Vec<String> {
    let targets = || description.task_classes.iter().flat_map(|class| &class.targets);
    let roles = || description.orchestration.iter().flat_map(|it| it.roles.played());
    let used = |provider: &&ProviderDescription| {
        let is_asked = targets().any(|target| target.provider == provider.name)
            || roles().any(|(_, who)| who.provider == provider.name);
        provider.key != KeyState::NotNeeded && is_asked
    };
    let keys = description.providers.iter().filter(used).filter_map(|p| p.key_variable.clone());
    // A client that handed on the keys alone would send them to another host.
    let urls = base_url_variables().filter(|name| environment.get(name).is_some());
    keys.chain(urls.map(str::to_owned)).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What starts the server.
struct Entry {
    command: String,
    arguments: Vec<String>,
    variables: Vec<String>,
}

impl Entry {
    fn render(&self, client: Client) -> String {
        match client {
            // Each client has its own way to name a variable of the environment.
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

    /// VS Code asks for each key once and keeps it in its own store.
    fn json_with_inputs(&self) -> String {
        let inputs: Vec<Value> = self
            .variables
            .iter()
            .map(|key| json!({ "type": "promptString", "id": key, "description": key, "password": true }))
            .collect();
        let server = self.server(|key| format!("${{input:{key}}}"));
        format!("{:#}", json!({ "inputs": inputs, "servers": { SERVER: server } }))
    }

    /// Codex hands a server only the variables that are named in `env_vars`.
    fn toml(&self) -> String {
        // A JSON string is a TOML basic string, a JSON list of strings a TOML array.
        format!(
            "[mcp_servers.{SERVER}]\ncommand = {}\nargs = {}\nenv_vars = {}\ntool_timeout_sec = {CODEX_TIMEOUT_S}",
            json!(self.command),
            json!(self.arguments),
            json!(self.variables),
        )
    }
}

/// In which file the entry goes.
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
