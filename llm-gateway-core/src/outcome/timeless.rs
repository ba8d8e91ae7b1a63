//! Takes the measured times out of results, which differ from one run to the next.
//!
//! A gateway for tests returns results without them, so that two runs of a test return the same.

use std::time::Duration;

use crate::dispatch::Attempt;

use super::{
    Answer, CascadeAnswer, Failure, FailureParts, OrchestrationOutcome, PanelAnswer, Reply,
};

impl Reply {
    /// Sets every measured time to zero.
    pub(crate) fn without_times(mut self) -> Self {
        match &mut self {
            Self::Single(answer) => of_answer(answer),
            Self::Panel(panel) => of_panel(panel),
            Self::Cascade(cascade) => of_cascade(cascade),
            Self::Orchestration(orchestrated) => of_orchestration(orchestrated),
        }
        self
    }
}

impl Failure {
    /// Sets every measured time to zero.
    pub(crate) fn without_times(mut self) -> Self {
        of_failure(&mut self);
        self
    }
}

fn of_failure(failure: &mut Failure) {
    let FailureParts { latency, attempts, panel, orchestration, .. } = &mut *failure.0;
    *latency = Duration::ZERO;
    of_attempts(attempts);
    panel.iter_mut().for_each(|panel| of_panel(panel));
    orchestration.iter_mut().for_each(|orchestrated| of_orchestration(orchestrated));
}

fn of_answer(answer: &mut Answer) {
    answer.latency = Duration::ZERO;
    of_attempts(&mut answer.attempts);
}

fn of_panel(panel: &mut PanelAnswer) {
    panel.latency = Duration::ZERO;
    panel.members.iter_mut().for_each(of_result);
}

fn of_cascade(cascade: &mut CascadeAnswer) {
    cascade.latency = Duration::ZERO;
    of_answer(&mut cascade.answer);
    of_panel(&mut cascade.gate);
}

fn of_orchestration(orchestrated: &mut OrchestrationOutcome) {
    orchestrated.latency = Duration::ZERO;
    orchestrated.steps.iter_mut().for_each(|step| of_result(&mut step.result));
}

fn of_result(result: &mut Result<Answer, Failure>) {
    match result {
        Ok(answer) => of_answer(answer),
        Err(failure) => of_failure(failure),
    }
}

fn of_attempts(attempts: &mut [Attempt]) {
    for attempt in attempts {
        (attempt.latency, attempt.waited) = (Duration::ZERO, Duration::ZERO);
    }
}
