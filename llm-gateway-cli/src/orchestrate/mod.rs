//! `llm-gateway orchestrate`: has a task planned, executed and verified.
//!
//! stdout gets the artifact alone, so that it can be piped. stderr gets the steps and what the
//! verifier says of the artifact. A signal ends the steps but not the output, because the completed
//! steps were paid for.

mod live;
mod show;

use std::process::ExitCode;

use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Envelope, Failure, Gateway, Reply, Stop, Task};
use tokio::task::block_in_place;

use crate::options::{Orchestrate, USAGE};
use crate::terminal::Terminal;
use crate::{prompt, receipt};

/// Exit code of an orchestration whose artifact nobody accepted.
const NOT_ACCEPTED: u8 = 3;

pub(crate) async fn run(
    asked: Orchestrate,
    gateway: Gateway,
    mut terminal: Terminal,
    stop: Stop,
) -> anyhow::Result<ExitCode> {
    if let Err(why) = receipt::check(&asked.documents) {
        terminal.complain(&why);
        return Ok(ExitCode::from(USAGE));
    }
    let task = match prompt::read(asked.task.as_deref(), "TASK", &mut terminal, &stop).await? {
        Ok(task) => Task::new(task).depth(asked.depth.as_str()).stopped_by(&stop),
        Err(code) => return Ok(code),
    };
    let run = gateway.start_orchestration(task);
    let outcome = match terminal.json {
        true => run.outcome.await,
        false => live::watched(run.outcome, run.events, &mut terminal).await,
    };
    // A pipe that nobody reads must not block the one worker, which also listens for signals.
    let shown = block_in_place(|| match terminal.json {
        true => terminal.document(&Envelope::from(&outcome)),
        false => show::outcome(&outcome, &mut terminal),
    });
    // The artifact comes first, so that a file that cannot be written does not lose what was paid
    // for. The documents are written even if the terminal is gone.
    let is_written = block_in_place(|| receipt::write(&asked.documents, &outcome, &mut terminal));
    let is_written = shown.and(is_written)?;
    Ok(if is_written { exit_code(&outcome) } else { ExitCode::FAILURE })
}

fn exit_code(outcome: &Result<Reply, Failure>) -> ExitCode {
    match outcome {
        Ok(Reply::Orchestration(done)) => match done.ending {
            Ending::Success => ExitCode::SUCCESS,
            Ending::NeedsHumanReview | Ending::Unverified => ExitCode::from(NOT_ACCEPTED),
            _ => ExitCode::FAILURE,
        },
        _ => ExitCode::FAILURE,
    }
}
