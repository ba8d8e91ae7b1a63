//! `llm-gateway-stdio`: the MCP server on stdin and stdout.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use llm_gateway_core::{Environment, Gateway, PolicySource};
use llm_gateway_stdio::process::{SERVER_LOG, log_to_stderr, stop_on_signal};
use tokio_util::sync::CancellationToken;

/// Routes an agent's questions to language models by a policy, over MCP on stdin and stdout.
#[derive(Parser)]
#[command(name = "llm-gateway-stdio", version)]
struct Options {
    /// The policy file; else $LLM_GATEWAY_ROUTING, else routing.yaml in the user's
    /// configuration directory, else the built-in policy.
    #[arg(long, value_name = "FILE")]
    routing: Option<PathBuf>,
    /// Read variables from this file in place of .env beside the policy.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Answer from a script: nothing leaves the machine, no key is needed.
    #[arg(long)]
    offline: bool,
    /// What is logged to stderr: error, warn, info, debug, trace, or levels by
    /// target such as warn,llm_gateway=debug; else $RUST_LOG.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let environment = Environment::from_process();
    log_to_stderr(options.log.as_deref(), &environment, SERVER_LOG);
    let source = match &options.routing {
        Some(path) => PolicySource::File(path.clone()),
        None => PolicySource::discover(&environment),
    };
    let mut builder = Gateway::builder().policy(source).environment(environment);
    if let Some(path) = &options.env_file {
        builder = builder.env_file(path);
    }
    if options.offline {
        builder = builder.offline();
    }
    let gateway = builder.build_always();
    for problem in gateway.problems() {
        tracing::warn!("{problem}");
    }
    run(gateway)
}

fn run(gateway: Gateway) -> ExitCode {
    // Two workers: one slow encoding never delays a ping. More would only cost memory.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let Ok(runtime) = runtime.inspect_err(|error| tracing::error!(%error, "no runtime")) else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(async {
        let stop = CancellationToken::new();
        tokio::spawn(stop_on_signal(stop.clone()));
        let (reader, writer) = rmcp::transport::stdio_pipes();
        llm_gateway_stdio::serve(gateway, reader, writer, stop).await;
    });
    // A blocking read of a terminal's stdin never ends, and must not keep the process.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ExitCode::SUCCESS
}
