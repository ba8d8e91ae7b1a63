//! `llm-gateway orchestrate`: have a task done, and see whether to believe that it is.
//!
//! The artifact alone goes to stdout, so that it can be piped. What happens on the way, and what
//! the verifier says of the artifact, goes to stderr.

mod live;
mod show;

use std::process::ExitCode;

use llm_gateway_core::{Ending, Envelope, Failure, Gateway, Reply, Task};
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
) -> anyhow::Result<ExitCode> {
    if let Err(why) = receipt::check(&asked.documents) {
        terminal.complain(why);
        return Ok(ExitCode::from(USAGE));
    }
    let task = match prompt::read(asked.task.as_deref(), "TASK", &mut terminal).await? {
        Ok(task) => task,
        Err(code) => return Ok(code),
    };
    let run = gateway.start_orchestration(Task::new(task).depth(asked.depth.as_str()));
    let outcome = match terminal.json {
        true => run.outcome.await,
        false => live::watched(run.outcome, run.events, &mut terminal).await,
    };
    // A pipe that nobody reads must not keep the one worker, which also hears the signals.
    block_in_place(|| match terminal.json {
        true => terminal.document(&Envelope::from(&outcome)),
        false => show::outcome(&outcome, &mut terminal),
    })?;
    // After the artifact: what was paid for is not lost with a file that cannot be written.
    let is_written = block_in_place(|| receipt::write(&asked.documents, &outcome, &mut terminal))?;
    Ok(if is_written { exit_code(&outcome) } else { ExitCode::FAILURE })
}

fn exit_code(outcome: &Result<Reply, Failure>) -> ExitCode {
    match outcome {
        Ok(Reply::Orchestration(work)) => match work.ending {
            Ending::Success => ExitCode::SUCCESS,
            Ending::NeedsHumanReview | Ending::Unverified => ExitCode::from(NOT_ACCEPTED),
            _ => ExitCode::FAILURE,
        },
        _ => ExitCode::FAILURE,
    }
}
