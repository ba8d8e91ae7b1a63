//! `llm-gateway route`: ask, and see what it cost.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::time::Duration;

use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::Instant;

use llm_gateway_core::{
    Answer, Attempt, Category, Envelope, Error, Event, Events, Failure, Gateway, Outcome, Reply,
    Request,
};

use crate::options::{Route, USAGE};
use crate::terminal::{FAINT, Terminal, harmless};
use crate::{cascade, panel, receipt};

/// The largest prompt that is read from stdin: what the largest context takes, and more.
const LARGEST_PROMPT: u64 = 64 * 1024 * 1024;

pub(crate) async fn run(
    route: Route,
    gateway: Gateway,
    mut terminal: Terminal,
) -> anyhow::Result<ExitCode> {
    if let Err(why) = receipt::check(&route.documents) {
        terminal.complain(why);
        return Ok(ExitCode::from(USAGE));
    }
    let prompt = match route.prompt.as_deref() {
        Some(prompt) if prompt != "-" => prompt.to_owned(),
        None if std::io::stdin().is_terminal() => {
            terminal
                .complain("there is nothing to ask: give a PROMPT, or `-` and the text on stdin");
            return Ok(ExitCode::from(USAGE));
        }
        // On a thread that nothing waits for, so that Ctrl-C ends also this.
        _ => match spawn_blocking(|| prompt_from(std::io::stdin())).await? {
            Ok(prompt) => prompt,
            Err(error) => {
                terminal.failure(&Envelope::from(&error))?;
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let mut request = Request::new(&route.task_class, prompt);
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
    // A pipe that nobody reads must not keep the one worker, which also hears the signals.
    block_in_place(|| show(&outcome, &mut terminal))?;
    // After the answer: what was paid for is not lost with a file that cannot be written.
    let is_written = block_in_place(|| receipt::write(&route.documents, &outcome, &mut terminal))?;
    let is_well = outcome.is_ok() && is_written;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole of a reader, never a part of it: half a prompt would be billed and answered.
fn prompt_from(reader: impl Read) -> Result<String, Error> {
    let invalid = |message: String| Error::new(Category::InvalidRequest, message);
    let mut bytes = Vec::new();
    reader
        .take(LARGEST_PROMPT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| invalid(format!("the prompt cannot be read from stdin: {error}")))?;
    if bytes.len() as u64 > LARGEST_PROMPT {
        return Err(invalid(format!("the prompt on stdin is longer than {LARGEST_PROMPT} bytes"))
            .with_hint("no model takes so much; send a part of it"));
    }
    String::from_utf8(bytes).map_err(|error| {
        invalid("the prompt on stdin is not UTF-8 text".to_owned())
            .with_hint("convert it to UTF-8")
            .with_source(error)
    })
}

/// Waits for the outcome while one line on stderr tells what is going on.
async fn watched(
    mut outcome: Outcome,
    mut events: Events,
    terminal: &mut Terminal,
) -> Result<Reply, Failure> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let began = Instant::now();
    let mut step = String::new();
    let outcome = loop {
        tokio::select! {
            outcome = &mut outcome => break outcome,
            Some(event) = events.next() => step = told(&event),
            _ = seconds.tick() => {}
        }
        let elapsed = began.elapsed().as_secs();
        // An answer that is being paid for is not dropped because nobody can watch it come.
        let _ = terminal.progress(&format!("{FAINT}{step} · {elapsed} s{FAINT:#}"));
    };
    let _ = terminal.progress("");
    outcome
}

fn told(event: &Event) -> String {
    match event {
        Event::Attempt { target, number: 1 } => format!("asking {target}"),
        Event::Attempt { target, number } => format!("asking {target} (try {number})"),
        Event::Writing { target, tokens } => {
            format!("{target} is writing, about {tokens} tokens so far")
        }
        Event::Waiting { target, wait } => {
            format!("{target} failed, waiting {:.1} s to try again", wait.as_secs_f64())
        }
        Event::Member { member, of, answered: true } => {
            format!("member {member} of {of} has answered,")
        }
        Event::Member { member, of, answered: false } => {
            format!("member {member} of {of} gave no answer,")
        }
        Event::Escalating { to, because } => harmless(&format!("{because}, asking {to}")),
        Event::Fallback { from, to } => format!("{from} gave no answer, asking {to}"),
        _ => String::new(),
    }
}

fn show(outcome: &Result<Reply, Failure>, terminal: &mut Terminal) -> std::io::Result<()> {
    if terminal.json {
        return terminal.document(&Envelope::from(outcome));
    }
    match outcome {
        Ok(Reply::Single(answer)) => {
            terminal.answer(&answer.text())?;
            terminal.note(&format!("{FAINT}{}{FAINT:#}", summary(answer)))
        }
        Ok(Reply::Panel(panel)) => panel::show(panel, terminal),
        Ok(Reply::Cascade(cascade)) => cascade::show(cascade, terminal),
        Ok(reply) => terminal.answer(&reply.text()),
        Err(failure) => {
            terminal.failure(&Envelope::from(failure))?;
            if let Some(panel) = failure.panel() {
                return panel::show(panel, terminal);
            }
            for attempt in failure.attempts() {
                terminal.note(&format!("{FAINT}tried  {}{FAINT:#}", tried(attempt)))?;
            }
            Ok(())
        }
    }
}

/// One try: who, how it ended, and how long that took.
pub(crate) fn tried(attempt: &Attempt) -> String {
    let (target, outcome) = (&attempt.target, attempt.outcome.as_str());
    let (took, waited) = (attempt.latency.as_secs_f64(), attempt.waited.as_secs_f64());
    match waited < 0.05 {
        true => format!("{target}: {outcome} after {took:.1} s"),
        false => format!("{target}: {outcome} after {took:.1} s, and {waited:.1} s of waiting"),
    }
}

/// Who answered, for how much, how fast, and why them.
pub(crate) fn summary(answer: &Answer) -> String {
    let usage = &answer.cost.usage;
    let cost = match answer.cost.amount {
        Some(amount) => amount.to_string(),
        None => "price unknown".to_owned(),
    };
    let fallback = answer.fallback_from.as_ref().map(|from| format!(" · in place of {from}"));
    let retries = match answer.retries() {
        0 => String::new(),
        n => format!(" · at try {}", n + 1),
    };
    format!(
        "{} · {} tokens in, {} out · {cost} · {:.1} s{retries}{}",
        answer.target,
        usage.input(),
        usage.output,
        answer.latency.as_secs_f64(),
        fallback.unwrap_or_default(),
    )
}
