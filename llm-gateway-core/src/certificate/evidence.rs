//! The evidence of one model call: which model was asked, and the bytes sent and received.
//!
//! This is plain data. A run fills it from its recorders, and a bundle stores it as JSON. One
//! counter per run, starting at 1, numbers three kinds of moments: a request was committed, a
//! request was sent, a response was received. Nothing else takes a number, so a missing number
//! shows that a record is missing.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::effort;
use super::recorded::{RecordedRequest, RecordedResponse};
use super::shared_request::SharedRequest;
use crate::model::Dialect;

/// The evidence of one model call: what the run declared about it, and the bytes that it recorded.
/// The call went to a member of a panel or belonged to a step of an orchestration. A bundle stores
/// each request of a call once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallEvidence {
    /// Position of the called member in its panel or of the step in its orchestration, counted from
    /// 1.
    pub position: u32,
    /// Name that the policy gives the called provider.
    pub provider: String,
    /// Id of the requested model, as the provider names it.
    pub model: String,
    /// Wire format of the recorded bytes. For [`Dialect::Own`] no bytes are recorded.
    pub dialect: Dialect,
    /// Base URL of the called provider, as in the policy.
    pub base_url: String,
    /// Name of the variable that the base URL comes from; `None` if it is the policy's own or the
    /// built-in one.
    pub base_url_variable: Option<String>,
    /// Whether the policy declares that the model writes its reasoning into its text, as a leading
    /// `<think>…</think>`, which is no part of the answer.
    pub think_tags: bool,
    /// The request that was fixed before anything was sent to the model, and when it was fixed.
    pub committed: Option<Commitment>,
    /// The attempts of the call, with request and response, oldest first.
    pub exchanges: Vec<RecordedExchange>,
    /// Whether the run accepted the last response as the call's answer.
    pub answered: bool,
    /// Whether the run answered with another text than the last response holds.
    pub differs: bool,
}

impl CallEvidence {
    /// Creates the evidence of a call of which no bytes are recorded yet.
    pub fn new(
        position: u32,
        provider: impl Into<String>,
        model: impl Into<String>,
        dialect: Dialect,
        base_url: impl Into<String>,
    ) -> Self {
        Self {
            position,
            provider: provider.into(),
            model: model.into(),
            dialect,
            base_url: base_url.into(),
            base_url_variable: None,
            think_tags: false,
            committed: None,
            exchanges: Vec::new(),
            answered: false,
            differs: false,
        }
    }

    /// Returns whether the called provider records bytes.
    pub(super) fn records(&self) -> bool {
        self.dialect != Dialect::Own
    }

    /// Stores equal requests of the call once, in memory and in a bundle. The requests of all
    /// attempts are equal, unless a server refused to stream.
    pub(super) fn share_requests(&mut self) {
        let committed = self.committed.as_ref().map(|it| &it.request);
        let mut kept: HashMap<usize, SharedRequest> = HashMap::new();
        let mut previous: Option<SharedRequest> = None;
        for exchange in &mut self.exchanges {
            let own = &exchange.request;
            let kept = kept.entry(own.address()).or_insert_with(|| {
                twin(own, committed, previous.as_ref()).unwrap_or_else(|| own.clone())
            });
            exchange.request = kept.clone();
            previous = Some(kept.clone());
        }
    }

    /// Returns whether equal requests of the call already share their bytes.
    pub(super) fn shares_requests(&self) -> bool {
        let committed = self.committed.as_ref().map(|it| &it.request);
        let mut seen = SeenRequests::default();
        let mut previous: Option<&SharedRequest> = None;
        self.exchanges.iter().all(|exchange| {
            let before = previous.replace(&exchange.request);
            !seen.is_new_address(&exchange.request)
                || twin(&exchange.request, committed, before).is_none()
        })
    }

    /// Returns whether no request of the call shares its bytes with another.
    pub(super) fn shares_nothing(&self) -> bool {
        let committed = self.committed.as_ref().map(|it| &it.request);
        let requests = committed.into_iter().chain(self.exchanges.iter().map(|it| &it.request));
        let mut seen = SeenRequests::default();
        requests.into_iter().all(|request| seen.is_new_address(request))
    }

    /// Returns the response to the last attempt: the answer, if the call was answered.
    pub(super) fn answer(&self) -> Option<&RecordedResponse> {
        self.exchanges.last()?.response.as_ref()
    }
}

/// Returns the first of two requests that is equal to `own` but does not share its bytes.
fn twin(
    own: &SharedRequest,
    committed: Option<&SharedRequest>,
    previous: Option<&SharedRequest>,
) -> Option<SharedRequest> {
    let mut others = [committed, previous].into_iter().flatten();
    let is_equal = |other: &SharedRequest| {
        effort::add(own.body.as_bytes().len());
        other == own
    };
    others.find(|other| !other.is_shared_with(own) && is_equal(other)).cloned()
}

/// The requests of a call that were checked already, so that each distinct request is checked once.
#[derive(Debug, Default)]
pub(super) struct SeenRequests<'a> {
    addresses: HashSet<usize>,
    requests: HashSet<&'a RecordedRequest>,
}

impl<'a> SeenRequests<'a> {
    /// Adds a request, and returns whether it was new. Requests are found by hash, because
    /// comparing many large ones with each other would take too long.
    pub(super) fn is_new(&mut self, request: &'a SharedRequest) -> bool {
        if !self.is_new_address(request) {
            return false;
        }
        effort::add(request.body.as_bytes().len());
        self.requests.insert(request)
    }

    /// Adds a request, and returns whether no earlier one shares its bytes.
    fn is_new_address(&mut self, request: &SharedRequest) -> bool {
        self.addresses.insert(request.address())
    }
}

/// A model request that was fixed before it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Commitment {
    /// Moment at which the request was committed, by the run's counter.
    pub sequence: u64,
    /// The request that was committed, as it must be sent.
    pub request: SharedRequest,
}

impl Commitment {
    /// Creates the record of `request`, which was committed at moment `sequence`.
    pub fn new(sequence: u64, request: impl Into<SharedRequest>) -> Self {
        Self { sequence, request: request.into() }
    }
}

/// One recorded attempt of a model call: the request that was sent and its response.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedExchange {
    /// Moment at which the attempt's request was sent, by the run's counter.
    pub sent: u64,
    /// The attempt's request, as it was sent.
    pub request: SharedRequest,
    /// The attempt's response as far as it was received; `None` if nothing was.
    pub response: Option<RecordedResponse>,
}

impl RecordedExchange {
    /// Creates the record of a request that was sent at moment `sent`, and of its response.
    pub fn new(
        sent: u64,
        request: impl Into<SharedRequest>,
        response: Option<RecordedResponse>,
    ) -> Self {
        Self { sent, request: request.into(), response }
    }
}

/// The numbered moments of a run, which must be 1, 2, 3, … without a gap.
#[derive(Default)]
pub(super) struct Moments {
    seen: BTreeSet<u64>,
    problem: Option<String>,
}

impl Moments {
    /// Adds one numbered moment; a moment that occurs twice is a problem.
    pub(super) fn add(&mut self, moment: u64) {
        if !self.seen.insert(moment) {
            self.problem.get_or_insert_with(|| format!("moment {moment} is there twice"));
        }
    }

    /// Adds the moments at which one call was committed, sent and answered.
    pub(super) fn add_all(&mut self, call: &CallEvidence) {
        if let Some(committed) = &call.committed {
            self.add(committed.sequence);
        }
        for exchange in &call.exchanges {
            let came = exchange.response.as_ref().map(|response| response.sequence);
            self.add_call(exchange.sent, came);
        }
    }

    /// Adds the moments of one attempt, whose response must come after its request.
    pub(super) fn add_call(&mut self, sent: u64, came: Option<u64>) {
        self.add(sent);
        let Some(came) = came else { return };
        self.add(came);
        if came <= sent {
            self.problem.get_or_insert_with(|| {
                format!("a response at moment {came} answers a request of moment {sent}")
            });
        }
    }

    /// Describes the first problem of the moments, such as a missing one; `None` if they are in
    /// order.
    pub(super) fn disorder(self) -> Option<String> {
        let gap = || {
            let missing = (1..).zip(&self.seen).find(|(expected, seen)| expected != *seen);
            missing.map(|(expected, _)| format!("moment {expected} is missing"))
        };
        self.problem.clone().or_else(gap)
    }
}
