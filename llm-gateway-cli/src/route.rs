//! `llm-gateway route`: asks a question and shows the answer with its cost.
//!
//! A signal ends the question but not the output, because what had come by then was paid for.

use std::process::ExitCode;
use std::time::Duration;

use tokio::task::block_in_place;
use tokio::time::Instant;

use llm_gateway_core::front::Progress;
use llm_gateway_core::{
    Answer, Envelope, Events, Failure, Gateway, Reply, Request, RunFuture, Stop,
};

use crate::layout::harmless;
use crate::options::{Route, USAGE};
use crate::render::{begun_by, price, tried};
use crate::terminal::{DOUBTFUL, FAINT, Terminal};
use crate::{budget, cascade, panel, prompt, receipt};

pub(crate) async fn run(
    route: Route,
    gateway: Gateway,
    mut terminal: Terminal,
    stop: Stop,
) -> anyhow::Result<ExitCode> {
    if let Err(why) = receipt::check(&route.documents) {
        terminal.complain(&why);
        return Ok(ExitCode::from(USAGE));
    }
    if let Some(why) = receipt::unavailable_because(&route.documents, &gateway, &route.task_class) {
        terminal.complain(&why);
        return Ok(ExitCode::from(USAGE));
    }
    let asked = prompt::read(route.prompt.as_deref(), "PROMPT", &mut terminal, &stop).await?;
    let prompt = match asked {
        Ok(prompt) => prompt,
        Err(code) => return Ok(code),
    };
    let mut request = Request::new(&route.task_class, prompt).stopped_by(&stop);
    if let Some(system) = &route.system {
        request = request.system(system);
    }
    if let Some(max_tokens) = route.max_tokens {
        request = request.max_tokens(max_tokens);
    }
    if let Some(model) = &route.override_model {
        request = request.override_model(model);
    }
    let run = gateway.start(request);
    let outcome = match terminal.shows_progress() && !terminal.json {
        true => watched(run.outcome, run.events, &mut terminal).await,
        false => run.outcome.await,
    };
    // A pipe that nobody reads must not block the one worker, which also listens for signals.
    block_in_place(|| show(&outcome, &mut terminal))?;
    // The answer comes first, so that a file that cannot be written does not lose what was paid
    // for.
    let is_written = block_in_place(|| receipt::write(&route.documents, &outcome, &mut terminal))?;
    let is_well = outcome.is_ok() && is_written;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits for the outcome of a question while one line on stderr shows what happens.
async fn watched(
    mut outcome: RunFuture,
    mut events: Events,
    terminal: &mut Terminal,
) -> Result<Reply, Failure> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let began = Instant::now();
    let (mut progress, mut step) = (Progress::default(), String::new());
    let outcome = loop {
        tokio::select! {
            outcome = &mut outcome => break outcome,
            Some(event) = events.next() => {
                progress.take(&event);
                step = step_of(&progress);
            }
            _ = seconds.tick() => {}
        }
        let elapsed = began.elapsed().as_secs();
        // An answer that is being paid for is kept, even if the progress cannot be written.
        let _ = terminal.progress(&step, &format!(" · {elapsed} s"));
    };
    let _ = terminal.progress("", "");
    outcome
}

/// The longest text about a step that a live line may have, which is cut to the terminal's width.
const LONGEST_STEP: usize = 200;

/// Returns what happens now, as a live line may show it.
pub(crate) fn step_of(progress: &Progress) -> String {
    harmless(&progress.line(LONGEST_STEP))
}

fn show(outcome: &Result<Reply, Failure>, terminal: &mut Terminal) -> std::io::Result<()> {
    if terminal.json {
        return terminal.document(&Envelope::from(outcome));
    }
    show_outcome(outcome, terminal)?;
    match outcome {
        Ok(reply) => budget::warn(reply.budget(), terminal),
        Err(failure) => budget::after_failure(failure, terminal),
    }
}

fn show_outcome(outcome: &Result<Reply, Failure>, terminal: &mut Terminal) -> std::io::Result<()> {
    match outcome {
        Ok(Reply::Single(answer)) => {
            terminal.answer(&answer.text())?;
            terminal.note(&format!("{FAINT}{}{FAINT:#}", summary(answer)))
        }
        Ok(Reply::Panel(panel)) => panel::show(panel, terminal),
        Ok(Reply::Cascade(cascade)) => cascade::show(cascade, terminal),
        Ok(reply) => terminal.answer(&reply.text()),
        Err(failure) => show_failure(failure, terminal),
    }
}

/// Shows why there is no answer, and what was paid for all the same.
fn show_failure(failure: &Failure, terminal: &mut Terminal) -> std::io::Result<()> {
    // What was paid for is shown even if stderr cannot be written.
    let mut told = terminal.failure(&Envelope::from(failure));
    told = told.and(match failure.panel() {
        Some(panel) => panel::show(panel, terminal),
        None => failure.attempts().iter().try_for_each(|attempt| {
            terminal.note(&format!("{FAINT}tried  {}{FAINT:#}", tried(attempt)))
        }),
    });
    if let Some(partial) = failure.partial() {
        let line = format!("{DOUBTFUL}{}{DOUBTFUL:#}", begun_by(partial));
        told = told.and(terminal.note(&line)).and(terminal.answer(&partial.text));
    }
    told
}

/// Returns a summary of an answer in one line: its target, its tokens, its cost, and how long it
/// took.
pub(crate) fn summary(answer: &Answer) -> String {
    let usage = &answer.cost.usage;
    let cost = price(answer.cost.amount);
    let fallback = answer.fallback_from.as_ref().map(|from| format!(" · in place of {from}"));
    let retries = match answer.retries() {
        0 => String::new(),
        n => format!(" · at try {}", n + 1),
    };
    format!(
        "{} · {} tokens in, {} out · {cost}{} · {:.1} s{retries}{}",
        answer.target,
        usage.input(),
        usage.output,
        budget::left(answer.budget.as_ref()),
        answer.latency.as_secs_f64(),
        fallback.unwrap_or_default(),
    )
}
