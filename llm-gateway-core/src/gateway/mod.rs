//! The only door: every front end and every embedding program comes in here.
//!
//! This is also the only place where adapters meet ports: the builder picks the transport,
//! makes a provider for each entry of the policy, and hands them to dispatch as traits.

mod adapters;
mod builder;
mod spend;

use std::sync::Arc;

use crate::config::{Diagnostic, PolicyProblems};
use crate::describe::{Description, Keys};
use crate::error::{Category, Error};
use crate::model::{RunId, TaskClass};
use crate::outcome::{
    Answer, CascadeAnswer, Failure, FailureParts, Orchestrated, PanelAnswer, Reply,
};
use crate::policy::Policy;
use crate::run::{self, Request, Run, SharedState, Task, Wanted};

pub use builder::GatewayBuilder;

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
    state: Arc<SharedState>,
}

impl Gateway {
    /// Starts with the embedded policy, the process's environment and the network; every
    /// part can be replaced.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    /// Asks the model that the policy names for a task class. [`panel`](Self::panel) asks
    /// several, [`cascade`](Self::cascade) cheap ones first; [`start`](Self::start) takes a class
    /// of any kind.
    ///
    /// # Errors
    /// [`Failure`] with the error's category and every try; [`Category::InvalidRequest`] for a
    /// class that is no single model's.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request: the connection is closed.
    pub async fn route(&self, request: Request) -> Result<Answer, Failure> {
        let run = run::start(&self.state, request, Wanted::Answer);
        let reply = run.outcome.await?;
        reply.into_answer().ok_or_else(|| unwanted(run.id, "a single model's answer"))
    }

    /// Asks every member of a panel the same question, none of them seeing another's answer,
    /// and certifies from the recorded bytes how independent the answers are.
    ///
    /// ```
    /// use llm_gateway_core::outcome::Consensus;
    /// use llm_gateway_core::{Gateway, Request, Scripted};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let script = Scripted::new().answer("42").answer("42.0").answer("41");
    /// let gateway = Gateway::builder().scripted(script).build()?;
    /// let panel = gateway.panel(Request::new("triple_review", "6 x 7 = ?")).await?;
    /// assert_eq!(panel.agreement.outcome, Consensus::Majority);
    /// assert!(panel.independence_certified());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure`]; [`Category::Quorum`] and [`Category::Independence`] with the answers that
    /// did come in [`Failure::panel`]; [`Category::InvalidRequest`] for a class that is no
    /// panel.
    ///
    /// # Cancel safety
    /// Dropping the future cancels every member.
    pub async fn panel(&self, request: Request) -> Result<PanelAnswer, Failure> {
        let run = run::start(&self.state, request, Wanted::Panel);
        match run.outcome.await? {
            Reply::Panel(panel) => Ok(*panel),
            _ => Err(unwanted(run.id, "a panel's answers")),
        }
    }

    /// Asks the cheap models of a cascade's gate, none of them seeing another's answer, and the
    /// strong model only where they do not agree, or their agreement cannot be certified.
    ///
    /// The gate is a panel, and a panel is asked one question: a conversation of several turns is
    /// never certified and always goes to the strong model.
    ///
    /// ```
    /// use llm_gateway_core::outcome::AnsweredBy;
    /// use llm_gateway_core::{Gateway, Request, Scripted};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = "
    /// defaults:
    ///   sums:
    ///     cascade:
    ///       gate:
    ///         - {provider: openai, model: gpt-6-luna}
    ///         - {provider: gemini, model: gemini-3.5-flash-lite}
    ///       else: {provider: anthropic, model: claude-opus-5-5}
    /// ";
    /// let script = Scripted::new().answer("42").answer("42.0").answer("17").answer("71").answer("17");
    /// let gateway = Gateway::builder().policy_yaml(policy).scripted(script).build()?;
    /// let agreed = gateway.cascade(Request::new("sums", "6 x 7 = ?")).await?;
    /// assert_eq!((agreed.text().as_str(), agreed.answered_by), ("42", AnsweredBy::Gate));
    /// let split = gateway.cascade(Request::new("sums", "8 + 9 = ?")).await?;
    /// assert_eq!((split.text().as_str(), split.answered_by), ("17", AnsweredBy::Else));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure`]; where the strong model gave no answer, what the gate said is in
    /// [`Failure::panel`]. [`Category::InvalidRequest`] for a class that is no cascade.
    ///
    /// # Cancel safety
    /// Dropping the future cancels every call that is under way.
    pub async fn cascade(&self, request: Request) -> Result<CascadeAnswer, Failure> {
        let run = run::start(&self.state, request, Wanted::Cascade);
        match run.outcome.await? {
            Reply::Cascade(cascade) => Ok(*cascade),
            _ => Err(unwanted(run.id, "a cascade's answer")),
        }
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
    /// let reply = run.outcome.await?;
    /// while let Some(event) = run.events.next().await {
    ///     println!("{event:?}");
    /// }
    /// # assert!(reply.text().contains("hello"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(&self, request: Request) -> Run {
        run::start(&self.state, request, Wanted::Anything)
    }

    /// Has a task planned, worked on and verified, as deep as it asks: the verifier sees the
    /// task and the artifact, and provably nothing of the plan.
    ///
    /// ```
    /// use llm_gateway_core::outcome::Ending;
    /// use llm_gateway_core::{Gateway, Task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = Gateway::builder().offline().build()?;
    /// let work = gateway.orchestrate(Task::new("Write a haiku about Rust").depth("complex")).await?;
    /// assert_eq!(work.ending, Ending::Success);
    /// assert!(work.is_accepted());
    /// println!("{}", work.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure`] where the whole is refused before its first step, or where planner or worker
    /// give nothing; what exists then is in [`Failure::orchestration`]. A refused artifact and
    /// a verifier that cannot be had are no errors: see [`Orchestrated::ending`].
    /// [`Category::Cancelled`] where [`Task::stopped_by`] ended it, with what exists as well.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the step under way, and what came before it is lost.
    pub async fn orchestrate(&self, task: Task) -> Result<Orchestrated, Failure> {
        let run = self.start_orchestration(task);
        match run.outcome.await? {
            Reply::Orchestration(work) => Ok(*work),
            _ => Err(unwanted(run.id, "an orchestration's")),
        }
    }

    /// Begins an orchestration, so that its steps can be watched while it works.
    pub fn start_orchestration(&self, task: Task) -> Run {
        run::start_orchestration(&self.state, task)
    }

    /// What the gateway is: task classes, providers, rules, whether keys are there.
    ///
    /// # Errors
    /// Every problem of a policy that cannot be used.
    pub fn describe(&self) -> Result<Description, PolicyProblems> {
        let keys = Keys { credentials: &*self.state.credentials, offline: self.state.offline };
        let escalations = |class: &TaskClass| self.state.escalation_counts.of(class);
        self.policy()
            .map(|policy| Description::of(policy, &keys, &self.state.targets, &escalations))
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

/// A reply of a kind that was not asked for, which a run never gives.
fn unwanted(run_id: RunId, wanted: &str) -> Failure {
    let error = Error::new(Category::Internal, format!("the reply is not {wanted}"));
    Failure::new(FailureParts::before(error, run_id))
}
