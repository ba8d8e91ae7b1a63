//! Shows the steps of an orchestration as they happen: a line on stderr for each step that has
//! ended, and a progress line for the current one if a person watches.

use std::time::Duration;

use anstyle::Style;
use llm_gateway_core::front::Progress;
use llm_gateway_core::model::Target;
use llm_gateway_core::{Event, Events, Failure, Reply, RunFuture};
use tokio::time::Instant;

use crate::route::step_of;
use crate::terminal::{BAD, FAINT, GOOD, Terminal};

/// Waits for the outcome of an orchestration and shows each of its steps meanwhile.
pub(super) async fn watched(
    mut outcome: RunFuture,
    mut events: Events,
    terminal: &mut Terminal,
) -> Result<Reply, Failure> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut steps =
        Steps { began: Instant::now(), underway: None, ended: None, progress: Progress::default() };
    let outcome = loop {
        tokio::select! {
            // Events are shown before the outcome that they led to.
            biased;
            Some(event) = events.next() => steps.handle(&event, terminal),
            outcome = &mut outcome => break outcome,
            _ = seconds.tick() => {}
        }
        steps.progress(terminal);
    };
    while let Some(event) = events.next().await {
        steps.handle(&event, terminal);
    }
    clear_progress(terminal);
    outcome
}

/// The steps of an orchestration so far.
struct Steps {
    began: Instant,
    underway: Option<Step>,
    /// The name and the round of the step that ended last.
    ended: Option<(String, u32)>,
    progress: Progress,
}

/// The step of an orchestration that is running now.
struct Step {
    name: String,
    round: u32,
    target: Target,
    began: Instant,
}

impl Steps {
    fn handle(&mut self, event: &Event, terminal: &mut Terminal) {
        self.progress.take(event);
        match event {
            Event::Step { step, round, target, .. } => {
                let (name, target, began) = (step.clone(), target.clone(), Instant::now());
                self.underway = Some(Step { name, round: *round, target, began });
            }
            Event::StepEnded { answered, .. } => {
                if let Some(step) = self.underway.take() {
                    let result = if *answered { (GOOD, "ok") } else { (BAD, "failed") };
                    let line = self.line(&step, result);
                    clear_progress(terminal);
                    // Steps that are being paid for go on, even if nobody can watch them.
                    let _ = terminal.note(&line);
                    self.ended = Some((step.name, step.round));
                }
            }
            _ => {}
        }
    }

    fn line(&self, step: &Step, (style, result): (Style, &str)) -> String {
        let Step { name, round, target, began } = step;
        let seconds = began.elapsed().as_secs_f64();
        let is_repair = self.ended.as_ref().is_some_and(|(last, of)| last == name && of == round);
        let again = if is_repair { ", asked again" } else { "" };
        format!(
            "{FAINT}round {round}{FAINT:#}  {name:<8} {style}{result:<6}{style:#}  {target}{again}  \
             {FAINT}{seconds:.1} s{FAINT:#}"
        )
    }

    fn progress(&self, terminal: &mut Terminal) {
        if terminal.shows_progress() && self.underway.is_some() {
            let elapsed = self.began.elapsed().as_secs();
            let _ = terminal.progress(&step_of(&self.progress), &format!(" · {elapsed} s"));
        }
    }
}

fn clear_progress(terminal: &mut Terminal) {
    if terminal.shows_progress() {
        let _ = terminal.progress("", "");
    }
}
