//! What a process needs around the library: flags and logs on stderr. The server and the command
//! line share it.

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use llm_gateway_core::{Environment, Gateway, PolicySource};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The flags that say which gateway is meant.
#[derive(Args)]
pub struct GatewayFlags {
    /// The policy file; else $LLM_GATEWAY_ROUTING, else routing.yaml in the user's
    /// configuration directory, else the built-in policy.
    #[arg(long, global = true, value_name = "FILE")]
    pub routing: Option<PathBuf>,
    /// Read variables from this file in place of .env beside the policy.
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// Answer from a script: nothing leaves the machine, no key is needed.
    #[arg(long, global = true)]
    pub offline: bool,
    /// What is logged to stderr: error, warn, info, debug, trace, or levels by target such as
    /// warn,llm_gateway=debug; else $RUST_LOG.
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
}

impl GatewayFlags {
    /// The gateway that the flags ask for. It is there whatever the policy is like.
    pub fn gateway(&self, environment: Environment) -> Gateway {
        let source = match &self.routing {
            Some(path) => PolicySource::File(path.clone()),
            None => PolicySource::discover(&environment),
        };
        let mut builder = Gateway::builder().policy(source).environment(environment);
        if let Some(path) = &self.env_file {
            builder = builder.env_file(path);
        }
        if self.offline {
            builder = builder.offline();
        }
        builder.build_always()
    }
}

/// The server's logs: quiet, and never rmcp's debug lines, which hold whole prompts.
pub const SERVER_LOG: &str = "warn,llm_gateway=info,rmcp=warn";

/// Sends logs to stderr: by `filter`, else by `RUST_LOG`, else by `default`. stdout belongs
/// to the result. A filter is a level, or levels by target such as `warn,llm_gateway=debug`;
/// one that cannot be read counts as none.
pub fn log_to_stderr(filter: Option<&str>, environment: &Environment, default: &str) {
    let parsed = |filter: &str| filter.parse::<Targets>().ok();
    let filter = filter
        .or_else(|| environment.get("RUST_LOG"))
        .and_then(parsed)
        .or_else(|| parsed(default))
        .unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time();
    // A second call, as in tests, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).with(filter).try_init();
}
