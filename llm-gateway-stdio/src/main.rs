//! `llm-gateway-stdio`: the MCP server on stdin and stdout.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures_util::FutureExt;
use llm_gateway_core::Environment;
use llm_gateway_process::{
    GatewayFlags, PolicyWatch, Signal, client_left, log_to_stderr, stopped_by_signal,
    write_last_bookings,
};
use llm_gateway_stdio::StopReason;
use tokio::time::sleep;

/// Routes an agent's questions to language models by a policy, over MCP on stdin and stdout.
#[derive(Parser)]
#[command(name = "llm-gateway-stdio", version)]
struct Options {
    #[command(flatten)]
    flags: GatewayFlags,
}

/// The server's default log filter: little, and never rmcp's debug lines, which hold whole prompts.
const SERVER_LOG: &str = "warn,llm_gateway=info,rmcp=warn";

/// The time that the ledger may take to write its last bookings, after the 1.4 s that
/// [`serve`](llm_gateway_stdio::serve) takes to end at most.
const LAST_BOOKINGS: Duration = Duration::from_millis(300);

/// The time after which a client that closed its end of a stream is gone for good. It is a little
/// longer than the second that calls have after the end of stdin, which is usually noticed first.
/// The end is not noticed while nothing is read because answers wait, or if only stdout was closed.
const GRACE_AFTER_LEAVING: Duration = Duration::from_millis(1_050);

fn main() -> ExitCode {
    let flags = Options::parse().flags;
    let environment = Environment::from_process();
    let _logs = log_to_stderr(flags.log.as_deref(), &environment, SERVER_LOG);
    run(flags.watched_gateway(environment))
}

fn run(policy: PolicyWatch) -> ExitCode {
    // With two workers, a slow encoding of a request never delays a ping. More would only cost
    // memory.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let Ok(runtime) = runtime.inspect_err(|error| tracing::error!(%error, "no runtime")) else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(async {
        let (reader, writer) = rmcp::transport::stdio_pipes();
        let stop = stop_reason(stopped_by_signal());
        let live = policy.live();
        // The watch ends with the runtime.
        tokio::spawn(policy.run());
        llm_gateway_stdio::serve(live.clone(), reader, writer, stop).await;
        write_last_bookings(&live.now(), LAST_BOOKINGS).await;
    });
    // A blocking read of a terminal's stdin never ends, and must not keep the process alive.
    runtime.shutdown_timeout(Duration::from_millis(100));
    ExitCode::SUCCESS
}

/// Waits for a signal or for the client to be gone. A client that has left before the signal wants
/// no answers either. A server that a signal ends exits with 0, whichever signal it was.
async fn stop_reason(signal: impl Future<Output = Signal>) -> StopReason {
    let left = client_left().shared();
    tokio::select! {
        _ = signal => {}
        () = async { left.clone().await; sleep(GRACE_AFTER_LEAVING).await } => {}
    }
    match left.now_or_never() {
        Some(()) => StopReason::ClientLeft,
        None => StopReason::Asked,
    }
}
