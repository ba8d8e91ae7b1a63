//! What is recorded of one call: who was to be asked, and the bytes that left and came.
//!
//! Plain data. Each run fills it from its recorders; a bundle holds it as JSON.
//! One counter of the run, starting at 1, numbers three kinds of moments: a request was
//! committed, a request was sent, a response had come. Nothing else takes a number, so that a
//! missing one shows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::recorded::{RecordedRequest, RecordedResponse};
use crate::model::Dialect;

/// One member of the panel: what was declared of it, and what is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CallEvidence {
    /// Its place in the panel, from 1.
    pub position: u32,
    /// The provider's name in the policy.
    pub provider: String,
    /// The model that was asked for, as the provider names it.
    pub model: String,
    /// The wire format of its bytes; [`Dialect::Own`] records none.
    pub dialect: Dialect,
    /// Where its provider is reached, as in the policy.
    pub base_url: String,
    /// The request that was fixed for it, and when.
    pub committed: Option<Commitment>,
    /// Its attempts, oldest first.
    pub exchanges: Vec<RecordedExchange>,
    /// Whether the panel took its last response for an answer.
    pub answered: bool,
}

impl CallEvidence {
    /// A member that was declared, and of which nothing is recorded yet.
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
            committed: None,
            exchanges: Vec::new(),
            answered: false,
        }
    }

    /// Whether its provider is one whose bytes are recorded.
    pub(super) fn records(&self) -> bool {
        self.dialect != Dialect::Own
    }

    /// The response that the panel took for its answer.
    pub(super) fn answer(&self) -> Option<&RecordedResponse> {
        self.exchanges.last()?.response.as_ref()
    }

    /// How a try is not what was committed before it, as the end of a sentence that begins with
    /// who made it.
    pub(super) fn deviation(&self, n: usize, exchange: &RecordedExchange) -> Option<String> {
        let Some(committed) = &self.committed else {
            return Some("'s request was not committed".to_owned());
        };
        if committed.sequence > exchange.sent {
            return Some(" sent before it had committed".to_owned());
        }
        let what = difference(&committed.request, &exchange.request)?;
        Some(format!(": {what} of try {n} is not the committed one"))
    }
}

/// Which part of a request is not as it was committed.
fn difference(committed: &RecordedRequest, sent: &RecordedRequest) -> Option<&'static str> {
    if committed.url != sent.url {
        Some("the url")
    } else if committed.headers != sent.headers {
        Some("a header")
    } else if committed.body != sent.body {
        Some("the body")
    } else {
        None
    }
}

/// A request that was fixed before anything was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Commitment {
    /// When, by the panel's counter.
    pub sequence: u64,
    /// What was fixed.
    pub request: RecordedRequest,
}

impl Commitment {
    /// Notes that `request` was fixed at moment `sequence`.
    pub fn new(sequence: u64, request: RecordedRequest) -> Self {
        Self { sequence, request }
    }
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedExchange {
    /// When the request left, by the panel's counter.
    pub sent: u64,
    /// What left.
    pub request: RecordedRequest,
    /// What came back; `None` when nothing did.
    pub response: Option<RecordedResponse>,
}

impl RecordedExchange {
    /// A request that left at moment `sent`, and what came back for it.
    pub fn new(sent: u64, request: RecordedRequest, response: Option<RecordedResponse>) -> Self {
        Self { sent, request, response }
    }
}

/// Collects numbers that should be 1, 2, 3, … without a gap.
#[derive(Default)]
pub(super) struct Moments {
    seen: BTreeSet<u64>,
    problem: Option<String>,
}

impl Moments {
    pub(super) fn add(&mut self, moment: u64) {
        if !self.seen.insert(moment) {
            self.problem.get_or_insert_with(|| format!("moment {moment} is there twice"));
        }
    }

    /// The moments of one member or step.
    pub(super) fn add_all(&mut self, member: &CallEvidence) {
        if let Some(committed) = &member.committed {
            self.add(committed.sequence);
        }
        for exchange in &member.exchanges {
            let came = exchange.response.as_ref().map(|response| response.sequence);
            self.add_call(exchange.sent, came);
        }
    }

    /// A request that left, and the response to it: in that order.
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

    pub(super) fn disorder(self) -> Option<String> {
        let gap = || {
            let missing = (1..).zip(&self.seen).find(|(expected, seen)| expected != *seen);
            missing.map(|(expected, _)| format!("moment {expected} is missing"))
        };
        self.problem.clone().or_else(gap)
    }
}
