//! `llm-gateway client-config`: prints the entry that makes an MCP client start the server.
//!
//! stdout gets the entry alone, so that it can be piped. stderr names the file that it belongs to.

mod entry;
mod set_up;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::{Envelope, Environment};
use llm_gateway_process::GatewayFlags;

use crate::layout::{HANG, name, path_name};
use crate::options::{Client, ClientConfig};
use crate::terminal::{DOUBTFUL, FAINT, Terminal};

use entry::Entry;
pub(crate) use set_up::SetUp;

/// The name by which an MCP client knows the server.
pub(crate) const SERVER: &str = "llm-gateway";

/// The time that a client's limit leaves beyond the policy's longest deadline, so that an answer
/// that comes at the deadline is still in time.
const MARGIN: Duration = Duration::from_secs(30);

pub(crate) fn run(
    config: &ClientConfig,
    flags: &GatewayFlags,
    environment: &Environment,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let gateway = flags.gateway(environment.clone());
    let (description, policy) = match (gateway.describe(), gateway.policy()) {
        (Ok(description), Ok(policy)) => (description, policy),
        (Err(problems), _) | (_, Err(problems)) => {
            terminal.failure(&Envelope::from(&problems))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let server = server_binary()?;
    let entry = Entry {
        command: server.display().to_string(),
        arguments: arguments(flags, environment)?,
        set_up: SetUp::of(&description, environment),
        timeout: policy.longest_deadline() + MARGIN,
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
/// Wherever the policy was found, its file becomes a flag, because clients pass on few variables.
/// The built-in policy has no file.
fn arguments(flags: &GatewayFlags, environment: &Environment) -> anyhow::Result<Vec<String>> {
    let found = || match PolicySource::discover(environment) {
        PolicySource::File(path) => Some(path),
        _ => None,
    };
    let mut arguments = Vec::new();
    let routing = flags.routing.clone().or_else(found);
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
        Client::Opencode => {
            "goes into opencode.json of a project, or ~/.config/opencode/opencode.json; from \
             version 2 on, `llm-gateway` stands under `mcp.servers`"
        }
    }
}
