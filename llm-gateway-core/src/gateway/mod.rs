//! The only door: every front end and every embedding program comes in here.
//!
//! This is also the only place where adapters meet ports: the builder picks the transport,
//! makes a provider for each entry of the policy, and hands them to dispatch as traits.

mod builder;
mod request;
mod spend;

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use tokio::time::Instant;
use tracing::Instrument;

use crate::clock::Clock;
use crate::config::{Diagnostic, PolicyProblems};
use crate::credential::CredentialSource;
use crate::describe::{Description, Keys};
use crate::dispatch::{self, Context};
use crate::error::{Category, Error};
use crate::event::{self, EventSender, Events};
use crate::ledger::Ledger;
use crate::model::{Prompt, ProviderName, RunId};
use crate::outcome::{Answer, Failure, FailureParts};
use crate::policy::{Plan, PlanShape, Policy};
use crate::provider::Provider;
use crate::random::Random;
use crate::reliability::{Deadline, Limiter, Targets};

pub use builder::GatewayBuilder;
pub use request::Request;

/// Answers requests by a policy. Cheap to clone; clones share everything.
///
/// ```
/// use llm_gateway_core::{Gateway, Request};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = Gateway::builder().offline().build()?;
/// let answer = gateway.route(Request::new("quick_answer", "What is the capital of France?")).await?;
/// println!("{} ({:?})", answer.text(), answer.cost.amount);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Gateway {
    state: Arc<State>,
}

/// What outlives a request.
struct State {
    /// Without a policy every request is answered by what is wrong with it.
    policy: Result<Arc<Policy>, PolicyProblems>,
    problems: Vec<Diagnostic>,
    providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    credentials: Arc<dyn CredentialSource>,
    ledger: Option<Arc<dyn Ledger>>,
    clock: Arc<dyn Clock>,
    random: Random,
    targets: Targets,
    limiters: BTreeMap<ProviderName, Limiter>,
    offline: bool,
}

/// One request under way: its events, and its outcome.
///
/// Awaiting the run awaits the outcome. Nothing happens before it is polled.
///
/// # Cancel safety
/// Dropping it cancels the request: the connection is closed.
#[must_use = "a run does nothing until it is awaited"]
#[non_exhaustive]
pub struct Run {
    /// Names this run.
    pub id: RunId,
    /// What the run tells while it works. Nobody has to read it.
    pub events: Events,
    /// What it gives in the end.
    pub outcome: Outcome,
}

/// The future of a run's result.
pub type Outcome = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + Send>>;

impl IntoFuture for Run {
    type Output = Result<Answer, Failure>;
    type IntoFuture = Outcome;

    fn into_future(self) -> Outcome {
        self.outcome
    }
}

impl Gateway {
    /// Starts with the embedded policy, the process's environment and the network; every
    /// part can be replaced.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    /// Answers a request: [`start`](Self::start), and wait for the outcome.
    ///
    /// # Errors
    /// [`Failure`] with the error's category and every try.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request: the connection is closed.
    pub async fn route(&self, request: Request) -> Result<Answer, Failure> {
        self.start(request).outcome.await
    }

    /// Begins a request, so that its events can be read while it works.
    ///
    /// ```
    /// use llm_gateway_core::{Gateway, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = Gateway::builder().offline().build()?;
    /// let mut run = gateway.start(Request::new("quick_answer", "hello"));
    /// let answer = run.outcome.await?;
    /// while let Some(event) = run.events.next().await {
    ///     println!("{event:?}");
    /// }
    /// # assert_eq!(answer.attempts.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(&self, request: Request) -> Run {
        let id = RunId::from_bits(self.state.random.bits());
        let (sender, events) = event::channel();
        let state = Arc::clone(&self.state);
        let span = tracing::info_span!("run", run_id = %id, task_class = %request.task_class);
        let outcome = async move { state.answer(request, id, &sender).await };
        Run { id, events, outcome: Box::pin(outcome.instrument(span)) }
    }

    /// What the gateway is: task classes, providers, rules, whether keys are there.
    ///
    /// # Errors
    /// Every problem of a policy that cannot be used.
    pub fn describe(&self) -> Result<Description, PolicyProblems> {
        let keys = Keys { credentials: &*self.state.credentials, offline: self.state.offline };
        self.policy().map(|policy| Description::of(policy, &keys, &self.state.targets))
    }

    /// The policy in force.
    ///
    /// # Errors
    /// Every problem of a policy that cannot be used.
    pub fn policy(&self) -> Result<&Policy, PolicyProblems> {
        self.state.policy.as_deref().map_err(Clone::clone)
    }

    /// Waits until everything that was spent is written: the last thing to do before a process
    /// ends. Without a ledger there is nothing to wait for.
    ///
    /// # Errors
    /// [`Category::Ledger`] where something could not be written. It stays counted at its
    /// worst case.
    pub async fn drain(&self) -> Result<(), Error> {
        match &self.state.ledger {
            Some(ledger) => Ok(ledger.drain().await?),
            None => Ok(()),
        }
    }

    /// Every problem of the policy file, warnings included, in the order of the file.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.state.problems
    }
}

impl State {
    async fn answer(
        &self,
        request: Request,
        run_id: RunId,
        events: &EventSender,
    ) -> Result<Answer, Failure> {
        let started = Instant::now();
        let task_class = request.task_class.clone();
        let mut attempts = Vec::new();
        let outcome = self.answer_single(request, events, started, &mut attempts).await;
        let latency = started.elapsed();
        match outcome {
            Ok((answered, plan)) => {
                let fallback_from = first_target(&plan).filter(|first| *first != answered.target);
                tracing::debug!(target = %answered.target, ?latency, "answered");
                Ok(Answer {
                    task_class,
                    target: answered.target,
                    completion: answered.completion,
                    cost: answered.cost,
                    preflight: answered.preflight,
                    attempts,
                    fallback_from,
                    latency,
                    run_id,
                    offline: self.offline,
                })
            }
            Err((error, preflight)) => {
                tracing::debug!(category = %error.category(), ?latency, "failed");
                let offline = self.offline;
                let problems = self.policy.as_ref().err().cloned();
                Err(Failure::new(FailureParts {
                    error,
                    problems,
                    task_class,
                    preflight,
                    attempts,
                    latency,
                    run_id,
                    offline,
                }))
            }
        }
    }

    async fn answer_single(
        &self,
        request: Request,
        events: &EventSender,
        started: Instant,
        attempts: &mut Vec<dispatch::Attempt>,
    ) -> Result<(dispatch::Answered, Plan), (Error, Option<crate::policy::Preflight>)> {
        let before = |error: Error| (error, None);
        let policy = self.policy.as_ref().map_err(|problems| before(Error::from(problems)))?;
        let plan = policy.plan(request.as_plan_request()).map_err(before)?;
        let PlanShape::Single(chain) = &plan.shape else {
            return Err(before(cannot_run(&plan)));
        };
        request.check().map_err(before)?;
        let prompt = Prompt::from_caller(request.system, request.messages).into();
        let context = Context {
            policy,
            providers: &self.providers,
            events,
            deadline: Deadline::after(plan.deadline, started),
            targets: &self.targets,
            limiters: &self.limiters,
            random: &self.random,
            ledger: self.ledger.as_deref(),
            clock: &*self.clock,
            task_class: &plan.task_class,
        };
        match dispatch::dispatch(&context, chain, &prompt, attempts).await {
            Ok(answered) => Ok((answered, plan)),
            Err(refusal) => Err((refusal.error, refusal.preflight.map(|preflight| *preflight))),
        }
    }
}

fn first_target(plan: &Plan) -> Option<crate::model::Target> {
    match &plan.shape {
        PlanShape::Single(chain) => chain.first().map(|planned| planned.target.clone()),
        PlanShape::Panel(_) | PlanShape::Cascade { .. } => None,
    }
}

/// Panels and cascades parse and plan, so that a policy with them loads; running them is
/// not built yet.
fn cannot_run(plan: &Plan) -> Error {
    let message = format!(
        "task class `{}` asks several models, which this version cannot run",
        plan.task_class
    );
    Error::new(Category::UnknownTaskClass, message).with_hint("name a task class of kind `single`")
}
