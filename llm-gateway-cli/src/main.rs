//! `llm-gateway`: the gateway for people at a terminal.
//!
//! One file per subcommand; `terminal` is the way to stdout, `render` turns what the
//! gateway says into tables. No policy lives here.

mod check;
mod client_config;
mod info;
mod options;
mod render;
mod route;
mod schema;
mod spend;
mod terminal;
mod tour;

use std::process::ExitCode;

use clap::Parser;
use llm_gateway_core::{Category, Envelope, Environment, Error};
use llm_gateway_stdio::process::log_to_stderr;

use options::{Command, Options};
use terminal::Terminal;

fn main() -> ExitCode {
    let options = Options::parse();
    let environment = Environment::from_process();
    log_to_stderr(options.global.gateway.log.as_deref(), &environment, "error");
    let mut terminal = Terminal::new(options.global.color, options.global.json);
    match run(&options, environment, &mut terminal) {
        Ok(code) => code,
        Err(error) => {
            let error = Error::new(Category::Internal, format!("{error:#}"));
            // That a failure cannot be written is nobody's news.
            let _ = terminal.failure(&Envelope::from(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(
    options: &Options,
    environment: Environment,
    terminal: &mut Terminal,
) -> anyhow::Result<ExitCode> {
    let flags = &options.global.gateway;
    match &options.command {
        Command::Check(check) => check::run(check, &flags.gateway(environment), terminal),
        Command::Route(route) => block_on(route::run(route, &flags.gateway(environment), terminal)),
        Command::Info => block_on(info::run(&flags.gateway(environment), terminal)),
        Command::Spend(spend) => block_on(spend::run(spend, &flags.gateway(environment), terminal)),
        Command::Schema => schema::run(terminal),
        Command::ClientConfig(client) => client_config::run(client, flags, &environment, terminal),
        Command::Tour => block_on(tour::run(flags, terminal)),
    }
}

fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // A read of a terminal's stdin may still be under way.
    runtime.shutdown_background();
    result
}
