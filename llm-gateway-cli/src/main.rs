//! `llm-gateway`: the gateway for people at a terminal.
//!
//! Each subcommand has a file of its own. `terminal` writes to stdout and stderr, `render` turns
//! values into tables. No policy lives here.

mod budget;
mod cascade;
mod check;
mod client_config;
mod ending;
mod glance;
mod info;
mod layout;
mod options;
mod orchestrate;
mod panel;
mod prompt;
mod receipt;
mod render;
mod route;
mod schema;
mod spend;
mod stdin;
mod terminal;
mod tour;
mod verify;

use std::process::ExitCode;

use llm_gateway_core::{Category, Envelope, Environment, Error, Stop};
use llm_gateway_process::log_to_stderr;

use options::{Command, Options};
use terminal::Terminal;

fn main() -> ExitCode {
    let environment = Environment::from_process();
    let options = match Options::read(&environment) {
        Ok(options) => options,
        Err(code) => return code,
    };
    let _logs = log_to_stderr(options.global.gateway.log.as_deref(), &environment, "error");
    let terminal = Terminal::new(&options.global, &environment);
    // `route` and `orchestrate` move the first terminal to another thread.
    let mut last_words = Terminal::new(&options.global, &environment);
    match run(&options, environment, terminal) {
        Ok(code) => code,
        Err(error) => {
            let error = Error::new(Category::Internal, format!("{error:#}"));
            // An error that cannot be written cannot be reported either.
            let _ = last_words.failure(&Envelope::from(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(
    options: &Options,
    environment: Environment,
    mut terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    let flags = &options.global.gateway;
    match &options.command {
        Command::Check(check) => {
            check::run(check, &flags.gateway(environment.clone()), &environment, &mut terminal)
        }
        Command::Route(route) => {
            let gateway = flags.gateway(environment);
            let stop = Stop::new();
            let command = route::run(route.clone(), gateway.clone(), terminal, stop.clone());
            ending::run_or_stop(&gateway, command, &stop)
        }
        Command::Orchestrate(task) => {
            let gateway = flags.gateway(environment);
            let stop = Stop::new();
            let command = orchestrate::run(task.clone(), gateway.clone(), terminal, stop.clone());
            ending::run_or_stop(&gateway, command, &stop)
        }
        Command::Info => block_on(info::run(&flags.gateway(environment), &mut terminal)),
        Command::Spend(spend) => {
            block_on(spend::run(spend, &flags.gateway(environment), &mut terminal))
        }
        Command::Schema => schema::run(&mut terminal),
        Command::ClientConfig(client) => {
            client_config::run(client, flags, &environment, &mut terminal)
        }
        Command::Verify(verify) => verify::run(verify, &mut terminal),
        Command::Tour => block_on(tour::run(flags, &mut terminal)),
    }
}

fn block_on<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(command);
    // A read of a terminal's stdin may still block a thread.
    runtime.shutdown_background();
    result
}
