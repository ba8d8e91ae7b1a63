//! What happens between a request and its reply: resolve, shape, hand on, put the outcome
//! together. Which adapters are behind the ports that it works with, the gateway has decided.

mod cascade;
mod orchestration;
mod panel;
mod passage;
mod realised;
mod receipts;
mod recent;
mod request;
mod task;

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use tracing::Instrument;

use crate::certificate::Kinship;
use crate::clock::Clock;
use crate::config::{Diagnostic, PolicyProblems};
use crate::credential::CredentialSource;
use crate::event::{self, Events};
use crate::ledger::Ledger;
use crate::model::{ProviderName, RunId};
use crate::outcome::{Failure, Reply};
use crate::policy::Policy;
use crate::provider::Provider;
use crate::random::Random;
use crate::reliability::{Limiter, Targets};

use orchestration::ORCHESTRATE;
use passage::Passage;

pub(crate) use passage::Wanted;
pub(crate) use realised::Realised;
pub(crate) use recent::Recent;
pub use request::Request;
pub use task::Task;

/// What outlives a request.
pub(crate) struct State {
    /// Without a policy every request is answered by what is wrong with it.
    pub(crate) policy: Result<Arc<Policy>, PolicyProblems>,
    pub(crate) problems: Vec<Diagnostic>,
    pub(crate) providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    pub(crate) credentials: Arc<dyn CredentialSource>,
    pub(crate) ledger: Option<Arc<dyn Ledger>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Random,
    pub(crate) targets: Targets,
    pub(crate) limiters: BTreeMap<ProviderName, Limiter>,
    /// What is known of models' kinship; made when the first panel is certified.
    pub(crate) kinship: OnceLock<Kinship>,
    pub(crate) recent: Recent,
    /// How often the gates of cascades have escalated.
    pub(crate) realised: Realised,
    pub(crate) offline: bool,
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
pub type Outcome = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

impl IntoFuture for Run {
    type Output = Result<Reply, Failure>;
    type IntoFuture = Outcome;

    fn into_future(self) -> Outcome {
        self.outcome
    }
}

/// Begins a request whose caller can take a reply of the kind that is `wanted`.
pub(crate) fn start(state: &Arc<State>, request: Request, wanted: Wanted) -> Run {
    let id = RunId::from_bits(state.random.bits());
    let (events, told) = event::channel();
    let state = Arc::clone(state);
    let span = tracing::info_span!("run", run_id = %id, task_class = %request.task_class);
    let outcome = async move {
        Passage::new(&state, &events, request.task_class.clone(), id).reply(request, wanted).await
    };
    Run { id, events: told, outcome: Box::pin(outcome.instrument(span)) }
}

/// Begins an orchestration.
pub(crate) fn start_orchestration(state: &Arc<State>, task: Task) -> Run {
    let id = RunId::from_bits(state.random.bits());
    let (events, told) = event::channel();
    let state = Arc::clone(state);
    let span = tracing::info_span!("run", run_id = %id, task_class = ORCHESTRATE);
    let outcome = async move {
        Passage::new(&state, &events, ORCHESTRATE.to_owned(), id).orchestration(task).await
    };
    Run { id, events: told, outcome: Box::pin(outcome.instrument(span)) }
}
