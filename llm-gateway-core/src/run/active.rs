//! A run under way, with what every way of a request needs. It finds the policy, creates the
//! context of the calls, and turns their results into an answer or a failure.

use std::time::Duration;

use tokio::time::Instant;

use crate::credential;
use crate::describe::Keys;
use crate::dispatch::{Advice, AnsweredAttempt, Attempt, CapsLeft, Context, Refusal};
use crate::error::{Category, Error};
use crate::event::EventSender;
use crate::model::{RunId, Target, TaskClass};
use crate::observe::RunObserver;
use crate::outcome::{Answer, Failure, FailureParts};
use crate::policy::Policy;
use crate::random::Random;
use crate::reliability::Deadline;
use crate::stop::Stop;

use super::SharedState;
use super::begun::BegunRun;

/// A run under way, with everything that its steps need.
pub(super) struct ActiveRun<'a> {
    pub(super) state: &'a SharedState,
    pub(super) events: &'a EventSender,
    pub(super) observer: Option<&'a RunObserver>,
    pub(super) random: &'a Random,
    pub(super) task_class: String,
    pub(super) run_id: RunId,
    pub(super) started: Instant,
    /// What the caps of the day and the month leave, as far as this run has booked.
    pub(super) caps_left: CapsLeft,
    /// Ends the run if its caller stops it or the gateway shuts down.
    stop: &'a Stop,
}

impl<'a> ActiveRun<'a> {
    pub(super) fn new(begun: &'a BegunRun) -> Self {
        Self {
            state: &begun.state,
            events: &begun.events,
            observer: begun.observer.as_ref(),
            random: &begun.random,
            task_class: begun.task_class.clone(),
            run_id: begun.id,
            started: Instant::now(),
            caps_left: CapsLeft::default(),
            stop: &begun.stop,
        }
    }

    /// Returns the policy, or a failure with its problems.
    pub(super) fn policy(&self) -> Result<&'a Policy, Failure> {
        self.state.policy.as_deref().map_err(|problems| {
            let parts = self.parts(Error::from(problems));
            Failure::new(FailureParts { problems: Some(problems.clone()), ..parts })
        })
    }

    /// Returns the context of all calls of a request that must end within `time`, or within the
    /// caller's own `limit` if that is shorter.
    pub(super) fn context<'b>(
        &'b self,
        policy: &'b Policy,
        task_class: &'b TaskClass,
        time: Duration,
        limit: Option<Duration>,
    ) -> Context<'b> {
        Context {
            policy,
            providers: &self.state.providers,
            credentials: (!self.state.offline).then_some(&*self.state.credentials),
            events: self.events,
            observer: self.observer,
            deadline: Deadline::after(time, limit, self.started),
            targets: &self.state.lasting.targets,
            limiters: &self.state.limiters,
            random: self.random,
            ledger: self.state.ledger.as_deref(),
            clock: &*self.state.clock,
            session: &self.state.lasting.session,
            caps_left: &self.caps_left,
            allowance: None,
            stop: self.stop,
            task_class,
            advice: Advice::OfPrompt,
            scrubber: &self.state.scrubber,
        }
    }

    /// Returns an error that names the missing key variable, if the key of the target in `role` is
    /// missing. A run that returns this error at once does not pay for the calls that come before
    /// this target.
    pub(super) fn missing_key(
        &self,
        policy: &Policy,
        target: &Target,
        role: &str,
    ) -> Option<Error> {
        let keys = Keys { credentials: &*self.state.credentials, offline: self.state.offline };
        let variable = keys.missing(policy, target).first().copied()?;
        let missing = credential::missing(keys.credentials, &target.provider, variable);
        let message = format!("{missing}, and the {role} is {target}");
        let error = Error::new(Category::MissingKey, message).with_target(target.clone());
        Some(error.with_hint(format!("set {variable}, or name another {role} in the policy")))
    }

    /// Turns the result of one chain of targets, or of one member, into an answer or a failure.
    /// `instead` completes the hint of an error that says how another model can be asked.
    pub(super) fn outcome(
        &self,
        result: Result<AnsweredAttempt, Refusal>,
        attempts: Vec<Attempt>,
        latency: Duration,
        instead: &str,
    ) -> Result<Answer, Failure> {
        match result {
            Ok(AnsweredAttempt { target, completion, cost, preflight }) => {
                tracing::debug!(%target, ?latency, "answered");
                Ok(Answer {
                    task_class: self.task_class.clone(),
                    target,
                    completion,
                    cost,
                    preflight,
                    attempts,
                    fallback_from: None,
                    budget: None,
                    latency,
                    run_id: self.run_id,
                    offline: self.state.offline,
                })
            }
            Err(Refusal { error, preflight, partial, .. }) => {
                let preflight = preflight.map(|preflight| *preflight);
                let parts = self.parts(error.finish_hint(instead));
                let parts = FailureParts { preflight, partial, attempts, latency, ..parts };
                Err(Failure::new(parts))
            }
        }
    }

    /// Creates a failure of this run without attempts.
    pub(super) fn failure(&self, error: Error) -> Failure {
        Failure::new(self.parts(error))
    }

    /// Returns the parts of a failure of this run, without attempts, and logs the failure.
    pub(super) fn parts(&self, error: Error) -> FailureParts {
        let latency = self.started.elapsed();
        tracing::debug!(category = %error.category(), ?latency, "failed");
        FailureParts {
            task_class: self.task_class.clone(),
            latency,
            offline: self.state.offline,
            ..FailureParts::before(error, self.run_id)
        }
    }
}
