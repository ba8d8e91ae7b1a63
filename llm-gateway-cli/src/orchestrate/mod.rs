//! `llm-gateway orchestrate`: have a task done, and see whether to believe that it is.
//!
//! The artifact alone goes to stdout, so that it can be piped. What happens on the way, and what
//! the verifier says of the artifact, goes to stderr. A signal ends the work and not the telling:
//! what there is until then was paid for.

mod live;
mod show;

use std::process::ExitCode;

use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Category, Envelope, Error, Failure, Gateway, Reply, Stop, Task};
use tokio::task::block_in_place;

use crate::options::{Orchestrate, USAGE};
use crate::terminal::Terminal;
use crate::{prompt, receipt};

/// Exit code of work that is there, and that nobody vouches for.
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
    let read = tokio::select! {
        read = prompt::read(asked.task.as_deref(), "TASK", &mut terminal) => Some(read?),
        () = stop.stopped() => None,
    };
    let task = match read {
        Some(Ok(task)) => Task::new(task).depth(asked.depth.as_str()).stopped_by(&stop),
        Some(Err(code)) => return Ok(code),
        None => {
            let error = Error::new(Category::Cancelled, "stopped before the task was read");
            terminal.failure(&Envelope::from(&error))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let run = gateway.start_orchestration(task);
    let outcome = match terminal.json {
        true => run.outcome.await,
        false => live::watched(run.outcome, run.events, &mut terminal).await,
    };
    // A pipe that nobody reads must not keep the one worker, which also hears the signals.
    let shown = block_in_place(|| match terminal.json {
        true => terminal.document(&Envelope::from(&outcome)),
        false => show::outcome(&outcome, &mut terminal),
    });
    // After the artifact: what was paid for is not lost with a file that cannot be written, nor
    // with a terminal that is gone.
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
