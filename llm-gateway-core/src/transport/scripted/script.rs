//! The steps of a script, and which of them a call begins.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::Scripted;
use crate::transport::HttpRequest;

/// The largest number of steps in a script. It is more than the calls of a recorded day, and bounds
/// a loop that never stops. A script that is longer is refused.
pub(super) const MAX_STEPS: usize = 100_000;

/// The number of newest requests that a script keeps. The memory of a server that runs offline for
/// days must not grow.
pub(super) const MAX_REQUESTS: usize = 64;

/// A script, as far as it is not played.
#[derive(Default)]
pub(super) struct Script {
    pub(super) steps: VecDeque<ScriptStep>,
    /// The scripts of single targets, in the order in which they were added.
    pub(super) targets: Vec<(String, Scripted)>,
    pub(super) requests: VecDeque<HttpRequest>,
    pub(super) is_strict: bool,
    /// The number of steps that were used.
    pub(super) played: usize,
    /// The number of calls for which no step was left, by their target; the empty text where that
    /// is not known.
    pub(super) refused: BTreeMap<String, u64>,
    /// The number of steps that are too many.
    too_many: usize,
}

/// One step of a script.
pub(super) enum ScriptStep {
    Answer(String),
    Revise(String),
    /// No step is left, as this message says.
    UsedUp(String),
    Status {
        status: u16,
        retry_after: Option<Duration>,
    },
    Raw {
        status: u16,
        body: Bytes,
    },
    Events(Bytes),
    ErrorEvent(u16),
    EchoCredential,
    Cut,
    Stall,
    Refuse,
    Unreachable,
    Exhausted,
    Reset,
    Hang,
    Delay(Duration),
}

impl ScriptStep {
    /// Returns whether a request is sent in this step.
    pub(super) fn is_sent(&self) -> bool {
        !matches!(self, Self::Refuse | Self::Unreachable | Self::Exhausted)
    }

    /// Returns the name of the method that added the step, with its number if it has one.
    pub(super) fn name(&self) -> String {
        let name = match self {
            Self::Status { status, .. } => return format!("status({status})"),
            Self::Raw { status, .. } => return format!("raw({status})"),
            Self::ErrorEvent(status) => return format!("error_event({status})"),
            Self::Answer(_) => "answer",
            Self::Revise(_) => "revise",
            Self::UsedUp(_) => "used up",
            Self::Events(_) => "events",
            Self::EchoCredential => "echo_credential",
            Self::Cut => "cut",
            Self::Stall => "stall",
            Self::Refuse => "refuse",
            Self::Unreachable => "unreachable",
            Self::Exhausted => "out_of_resources",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Delay(_) => "delay",
        };
        name.to_owned()
    }
}

/// The step that a call has begun; `None` = it is answered as without a script.
pub(super) struct BegunStep {
    /// The wait before the step.
    pub(super) wait: Duration,
    pub(super) step: Option<ScriptStep>,
}

impl Script {
    /// Adds a step, and counts one that is too many.
    pub(super) fn add(&mut self, step: ScriptStep) {
        if self.steps.len() < MAX_STEPS {
            self.steps.push_back(step);
        } else {
            self.too_many = self.too_many.saturating_add(1);
        }
    }

    /// Records a request.
    pub(super) fn record(&mut self, request: &HttpRequest) {
        if self.requests.len() == MAX_REQUESTS {
            self.requests.pop_front();
        }
        self.requests.push_back(request.clone());
    }

    /// Takes the next step and the wait before it.
    pub(super) fn take(&mut self) -> BegunStep {
        let mut wait = Duration::ZERO;
        loop {
            let step = self.steps.pop_front();
            self.played = self.played.saturating_add(usize::from(step.is_some()));
            match step {
                Some(ScriptStep::Delay(more)) => wait = wait.saturating_add(more),
                step => return BegunStep { wait, step },
            }
        }
    }

    /// Returns what is wrong with the script itself, as far as `name` it.
    pub(super) fn fault(&self, name: &str) -> Option<String> {
        let steps = MAX_STEPS.saturating_add(self.too_many);
        (self.too_many > 0)
            .then(|| format!("the script{name} has {steps} steps, and {MAX_STEPS} is the most"))
    }
}
