//! The gateway, the entry point of the crate: every front end and every embedding program uses
//! [`Gateway`].
//!
//! This room decides which adapters stand behind the ports: [`GatewayBuilder`] picks the transport,
//! the ledger, the clock and the source of keys, and makes a provider for each entry of the policy.
//! It is the only room that names adapters. What happens between a request and its reply is decided
//! in the room `run`, which sees ports only; what a policy means, in [`config`](crate::config) and
//! [`policy`](crate::policy).

mod adapters;
mod builder;
mod for_tests;
mod lending;
mod origin;
mod own_ledger;
mod own_parts;
mod providers;
mod reload;
mod scripts;
mod secrets;
mod spend;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Diagnostic, PolicyProblems};
use crate::describe::{Description, Keys};
use crate::error::{Category, Error};
use crate::model::{RunId, TaskClass};
use crate::outcome::{
    Answer, CascadeAnswer, Failure, FailureParts, OrchestrationOutcome, PanelAnswer,
};
use crate::policy::Policy;
use crate::run::{self, AcceptedReply, Request, Run, SharedState, Task};

pub use builder::GatewayBuilder;
use origin::Origin;

/// A gateway, which answers requests as a policy says.
///
/// A gateway is built once, by [`Gateway::builder`], and shared: it is cheap to clone, its clones
/// share everything, and all its methods take `&self`. What must outlive a request (circuit
/// breakers, rate limits, the ledger of money spent) lives in it.
///
/// | to ask | call | result |
/// |---|---|---|
/// | one model, and its fallbacks | [`route`](Self::route) | [`Answer`] |
/// | several models that cannot see each other | [`panel`](Self::panel) | [`PanelAnswer`] |
/// | cheap models, and a strong one if they disagree | [`cascade`](Self::cascade) | [`CascadeAnswer`] |
/// | for a task to be planned, done and verified | [`orchestrate`](Self::orchestrate) | [`OrchestrationOutcome`] |
/// | whatever kind the policy gives a task class | [`start`](Self::start) | [`Run`], then [`Reply`](crate::Reply) |
///
/// Which models a task class asks, what it may cost and how long it may take is in the policy.
/// Every call that can fail returns a [`Failure`], which holds the category of the error, every
/// attempt, and whatever was paid for before the failure.
///
/// ```
/// use llm_gateway_core::{Gateway, Request};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // `offline` answers with a made-up text and needs no key.
/// let gateway = Gateway::builder().offline().build()?;
/// let answer = gateway.route(Request::new("quick_answer", "What is the capital of France?")).await?;
/// println!("{} ({:?})", answer.text(), answer.cost.amount);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
/// Every request can be cancelled by dropping its future. Connections are closed, and money that
/// was set aside is given back or, for an attempt already sent, booked at its worst case.
#[derive(Clone)]
pub struct Gateway {
    state: Arc<SharedState>,
    /// The choices that the gateway was built from.
    given: Arc<GatewayBuilder>,
    origin: Arc<Origin>,
    /// The problems of a newer policy, which could not take the place of this one.
    policy_error: Option<Arc<PolicyProblems>>,
}

impl Gateway {
    /// Returns a builder with the embedded policy, the process's environment and the network as
    /// defaults.
    pub fn builder() -> GatewayBuilder {
        GatewayBuilder::default()
    }

    /// Asks the model that the policy names for a task class, and its fallbacks if that model gives
    /// no answer.
    ///
    /// # Errors
    /// [`Failure`] with the category of the error and every attempt. [`Category::InvalidRequest`]
    /// if the task class is a panel or a cascade; [`start`](Self::start) takes a task class of any
    /// kind.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the request and closes its connection.
    pub async fn route(&self, request: Request) -> Result<Answer, Failure> {
        let run = run::start(&self.state, request, AcceptedReply::Answer);
        let reply = run.outcome.await?;
        reply.into_answer().ok_or_else(|| unwanted(run.id, "a single model's answer"))
    }

    /// Asks every member of a panel the same question, compares the answers, and certifies from the
    /// recorded bytes how independent they are.
    ///
    /// All members are asked at the same time, and none sees another's answer.
    ///
    /// ```
    /// use llm_gateway_core::outcome::Consensus;
    /// use llm_gateway_core::{Gateway, Request, Scripted};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let script = Scripted::new().answer("42").answer("**42**").answer("41");
    /// let gateway = Gateway::builder().scripted(script).build()?;
    /// let panel = gateway.panel(Request::new("triple_review", "6 x 7 = ?")).await?;
    /// assert_eq!(panel.agreement.outcome, Consensus::Majority);
    /// assert!(panel.independence_certified());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Category::Quorum`] if too few members answered, and [`Category::Independence`] if the
    /// policy demands a certificate that could not be issued; [`Failure::panel`] then holds the
    /// answers that came. They do so too after [`Category::Cancelled`], if
    /// [`Request::stopped_by`] ended the panel. [`Category::InvalidRequest`] if the task class is
    /// not a panel.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the calls of all members and loses their answers.
    /// [`Request::stopped_by`] ends a panel and keeps them.
    pub async fn panel(&self, request: Request) -> Result<PanelAnswer, Failure> {
        let run = run::start(&self.state, request, AcceptedReply::Panel);
        let reply = run.outcome.await?;
        reply.into_panel().ok_or_else(|| unwanted(run.id, "a panel's answers"))
    }

    /// Asks the cheap models of a cascade's gate, and the strong model only if the cheap ones
    /// disagree or their agreement cannot be certified.
    ///
    /// The gate is a panel, and a panel is asked one question: a conversation of several turns is
    /// never certified, so it always goes to the strong model.
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
    /// let script = Scripted::new().answer("42").answer("**42**").answer("17").answer("71").answer("17");
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
    /// [`Failure`] of the strong model, or [`Category::Cancelled`] if [`Request::stopped_by`] ended
    /// the cascade; [`Failure::panel`] then holds the answers of the gate.
    /// [`Category::InvalidRequest`] if the task class is not a cascade.
    ///
    /// # Cancel safety
    /// Dropping the future cancels every call that is under way and loses the gate's answers.
    /// [`Request::stopped_by`] ends a cascade and keeps them.
    pub async fn cascade(&self, request: Request) -> Result<CascadeAnswer, Failure> {
        let run = run::start(&self.state, request, AcceptedReply::Cascade);
        let reply = run.outcome.await?;
        reply.into_cascade().ok_or_else(|| unwanted(run.id, "a cascade's answer"))
    }

    /// Starts a request for a task class of any kind, and returns its [`Run`], whose events can be
    /// read while it works.
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
        run::start(&self.state, request, AcceptedReply::Anything)
    }

    /// Has a task planned, done and verified, as far as the task's depth asks for.
    ///
    /// The verifier is shown the task and the artifact, and the certificate shows from the recorded
    /// bytes that it saw nothing of the plan.
    ///
    /// ```
    /// use llm_gateway_core::outcome::Ending;
    /// use llm_gateway_core::{Gateway, Task};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = Gateway::builder().offline().build()?;
    /// let haiku = gateway.orchestrate(Task::new("Write a haiku about Rust").depth("complex")).await?;
    /// assert_eq!(haiku.ending, Ending::Success);
    /// assert!(haiku.is_accepted());
    /// println!("{}", haiku.text());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Failure`] if the whole task is refused before its first step, or if the planner or the
    /// worker gives no answer, and [`Category::Cancelled`] if [`Task::stopped_by`] ended the task.
    /// [`Failure::orchestration`] then holds what exists. A refused artifact and a verifier without
    /// an answer are not errors: [`OrchestrationOutcome::ending`] shows them.
    ///
    /// # Cancel safety
    /// Dropping the future cancels the step under way and loses the results of the steps before
    /// it. [`Task::stopped_by`] ends a task and keeps them.
    pub async fn orchestrate(&self, task: Task) -> Result<OrchestrationOutcome, Failure> {
        let run = self.start_orchestration(task);
        let reply = run.outcome.await?;
        reply.into_orchestration().ok_or_else(|| unwanted(run.id, "an orchestration's"))
    }

    /// Starts an orchestration, and returns its [`Run`], whose events show each step.
    pub fn start_orchestration(&self, task: Task) -> Run {
        run::start_orchestration(&self.state, task)
    }

    /// Describes the gateway: its task classes, providers and rules, which keys are set, and the
    /// state of its circuit breakers.
    ///
    /// # Errors
    /// [`PolicyProblems`] lists every problem of a policy that cannot be used.
    pub fn describe(&self) -> Result<Description, PolicyProblems> {
        let keys = Keys { credentials: &*self.state.credentials, offline: self.state.offline };
        let escalations = |class: &TaskClass| self.state.lasting.escalation_counts.of(class);
        let network = self.origin.network.as_deref();
        self.policy().map(|policy| {
            let description =
                Description::of(policy, &keys, &self.state.lasting.targets, &escalations);
            description.over(network).after_refusing(self.policy_error())
        })
    }

    /// Returns the policy that requests obey.
    ///
    /// # Errors
    /// [`PolicyProblems`] lists every problem of a policy that cannot be used.
    pub fn policy(&self) -> Result<&Policy, PolicyProblems> {
        self.state.policy.as_deref().map_err(Clone::clone)
    }

    /// Waits until the ledger has written everything that was spent. It is the last thing to do
    /// before a process ends. Without a ledger it returns at once.
    ///
    /// # Errors
    /// [`Category::Ledger`] if the end of a hold could not be written. The hold then stays counted
    /// at its worst case.
    pub async fn drain(&self) -> Result<(), Error> {
        // Requests that began under another policy may have counted although this one does not.
        let opened = self.origin.ledger_file.as_ref().map(|file| &file.ledger);
        match self.state.ledger.as_ref().or(opened) {
            Some(ledger) => Ok(ledger.drain().await?),
            None => Ok(()),
        }
    }

    /// Ends the gateway's work: it takes no new request, waits up to `grace` for those under way,
    /// stops the rest, and waits until the ledger has written everything that was spent. Returns
    /// the number of runs that had to be stopped.
    ///
    /// A run that is stopped fails with [`Category::Cancelled`] and keeps what exists by then, as
    /// after [`Request::stopped_by`]. All clones of the gateway are shut down, and those that took
    /// its place by [`with_policy`](Self::with_policy). A gateway that is shut down cannot be opened
    /// again. A run whose future nobody polls is waited for two seconds longer than `grace`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use llm_gateway_core::{Category, Gateway, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let gateway = Gateway::builder().offline().build()?;
    /// assert_eq!(gateway.shutdown(Duration::from_secs(10)).await?, 0);
    /// let failure = gateway.route(Request::new("quick_answer", "late")).await.unwrap_err();
    /// assert_eq!(failure.category(), Category::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Category::Ledger`], as with [`drain`](Self::drain). The runs have ended all the same.
    /// [`Category::Internal`] outside of a tokio runtime, and on one without timers; the gateway then
    /// works on.
    ///
    /// # Cancel safety
    /// If the future is dropped, the gateway takes no new request, and runs under way go on.
    pub async fn shutdown(&self, grace: Duration) -> Result<usize, Error> {
        let stopped = self.state.lasting.runs.close(grace).await?;
        self.drain().await.map(|()| stopped)
    }

    /// Reads the certificates that variables of the process name, and returns what is wrong with
    /// them. A pipe is waited for, so this may take seconds.
    pub fn certificate_problems(&self) -> Vec<Diagnostic> {
        self.origin.network.as_deref().map(adapters::certificate_problems).unwrap_or_default()
    }

    /// Returns every problem of the policy and of the network's variables, warnings included, in
    /// the order of the file.
    pub fn problems(&self) -> &[Diagnostic] {
        &self.state.problems
    }
}

/// Shows whether the gateway's policy can be used and whether answers are scripted; never a key, a
/// prompt or an answer.
impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("has_policy", &self.state.policy.is_ok())
            .field("problems", &self.state.problems.len())
            .field("providers", &self.state.providers.keys().collect::<Vec<_>>())
            .field("offline", &self.state.offline)
            .finish_non_exhaustive()
    }
}

/// Returns the failure for a reply that is not of the kind `wanted`. No run returns such a reply.
fn unwanted(run_id: RunId, wanted: &str) -> Failure {
    let error = Error::new(Category::Internal, format!("the reply is not {wanted}"));
    Failure::new(FailureParts::before(error, run_id))
}

#[cfg(test)]
mod tests;
