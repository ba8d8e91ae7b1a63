//! What is recorded of one call: which model was asked, and the bytes sent and received.
//!
//! This is plain data. A run fills it from its recorders, and a bundle stores it as JSON. One
//! counter per run, starting at 1, numbers three kinds of moments: a request was committed, a
//! request was sent, a response was received. Nothing else takes a number, so a missing number
//! shows that a record is missing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::recorded::{RecordedRequest, RecordedResponse};
use crate::model::Dialect;

/// One call of a run, to a member of a panel or in a step of an orchestration: what was declared
/// about it, and what is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CallEvidence {
    /// Position of the member in its panel or of the step in its orchestration, counted from 1.
    pub position: u32,
    /// Name of the provider in the policy.
    pub provider: String,
    /// Id of the requested model, as the provider names it.
    pub model: String,
    /// Wire format of the bytes. Of [`Dialect::Own`] no bytes are recorded.
    pub dialect: Dialect,
    /// Base URL of the provider, as in the policy.
    pub base_url: String,
    /// The request that was fixed before anything was sent, and when it was fixed.
    pub committed: Option<Commitment>,
    /// The attempts of the call, oldest first.
    pub exchanges: Vec<RecordedExchange>,
    /// Whether the run took the last response as an answer.
    pub answered: bool,
}

impl CallEvidence {
    /// Declares a call of which nothing is recorded yet.
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

    /// Returns whether the provider's bytes are recorded at all.
    pub(super) fn records(&self) -> bool {
        self.dialect != Dialect::Own
    }

    /// Returns the last attempt's response: the answer, if the call was answered.
    pub(super) fn answer(&self) -> Option<&RecordedResponse> {
        self.exchanges.last()?.response.as_ref()
    }

    /// Says how attempt `n` deviates from the committed request, as the end of a sentence that
    /// begins with the member or step. `None` if it sent what was committed before.
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

/// Names the first part of a request that differs from the committed one.
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

/// A request that was fixed before it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Commitment {
    /// Moment of the commitment, by the run's counter.
    pub sequence: u64,
    /// The committed request.
    pub request: RecordedRequest,
}

impl Commitment {
    /// Records that `request` was fixed at moment `sequence`.
    pub fn new(sequence: u64, request: RecordedRequest) -> Self {
        Self { sequence, request }
    }
}

/// One attempt of a call: the request that was sent and the response to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordedExchange {
    /// Moment at which the request was sent, by the run's counter.
    pub sent: u64,
    /// The request as it was sent.
    pub request: RecordedRequest,
    /// The response as far as it was received; `None` if nothing was.
    pub response: Option<RecordedResponse>,
}

impl RecordedExchange {
    /// Records a request that was sent at moment `sent`, and the response to it.
    pub fn new(sent: u64, request: RecordedRequest, response: Option<RecordedResponse>) -> Self {
        Self { sent, request, response }
    }
}

/// Collects moments, which must be the numbers 1, 2, 3, … without a gap.
#[derive(Default)]
pub(super) struct Moments {
    seen: BTreeSet<u64>,
    problem: Option<String>,
}

impl Moments {
    /// Adds one moment.
    pub(super) fn add(&mut self, moment: u64) {
        if !self.seen.insert(moment) {
            self.problem.get_or_insert_with(|| format!("moment {moment} is there twice"));
        }
    }

    /// Adds all moments of one call.
    pub(super) fn add_all(&mut self, call: &CallEvidence) {
        if let Some(committed) = &call.committed {
            self.add(committed.sequence);
        }
        for exchange in &call.exchanges {
            let came = exchange.response.as_ref().map(|response| response.sequence);
            self.add_call(exchange.sent, came);
        }
    }

    /// Adds the moments of one attempt: its response must come after its request.
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

    /// Says what is wrong with the moments, if anything is.
    pub(super) fn disorder(self) -> Option<String> {
        let gap = || {
            let missing = (1..).zip(&self.seen).find(|(expected, seen)| expected != *seen);
            missing.map(|(expected, _)| format!("moment {expected} is missing"))
        };
        self.problem.clone().or_else(gap)
    }
}
