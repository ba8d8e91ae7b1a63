//! The attempt log: one entry per try, in order.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::{Category, Error};
use crate::model::{NanoUsd, Target};

use super::booking::Settlement;

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// With an answer.
    Ok,
    /// With this kind of failure.
    Failed(Category),
}

impl AttemptOutcome {
    /// `ok`, or the name of the category.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(category) => category.as_str(),
        }
    }
}

/// One try of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Where it went.
    pub target: Target,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// From the first byte out to the end.
    pub latency: Duration,
    /// The wait before it: for a retry, and for room within the provider's limits.
    pub waited: Duration,
    /// The HTTP status, where there was one.
    pub http_status: Option<u16>,
    /// What it cost; `None` = unknown.
    pub cost: Option<NanoUsd>,
    /// What was set aside for it; `None` where nothing is counted or the price is unknown.
    pub reserved: Option<NanoUsd>,
    /// Whether the ledger has its cost; `None` where nothing is counted.
    pub recorded: Option<bool>,
    /// When its request was sent, by the recorder's numbers; `None` where nothing was.
    pub(crate) sent: Option<u64>,
}

impl Attempt {
    fn new(target: &Target, outcome: AttemptOutcome) -> Self {
        Self {
            target: target.clone(),
            outcome,
            latency: Duration::ZERO,
            waited: Duration::ZERO,
            http_status: None,
            cost: None,
            reserved: None,
            recorded: None,
            sent: None,
        }
    }

    /// Whether it cost more than was set aside for it.
    pub fn is_above_hold(&self) -> bool {
        matches!((self.cost, self.reserved), (Some(cost), Some(reserved)) if cost > reserved)
    }

    /// The same, with the wait before it.
    #[must_use]
    pub(super) fn after(self, waited: Duration) -> Self {
        Self { waited, ..self }
    }

    /// A target that was refused before anything left.
    pub(super) fn refused(target: &Target, category: Category) -> Self {
        let outcome = AttemptOutcome::Failed(category);
        Self { cost: Some(NanoUsd::ZERO), ..Self::new(target, outcome) }
    }

    pub(super) fn answered(target: &Target, latency: Duration, http_status: Option<u16>) -> Self {
        Self { latency, http_status, ..Self::new(target, AttemptOutcome::Ok) }
    }

    pub(super) fn failed(target: &Target, latency: Duration, error: &Error) -> Self {
        let outcome = AttemptOutcome::Failed(error.category());
        Self { latency, http_status: error.http_status(), ..Self::new(target, outcome) }
    }

    /// The same, with the moment at which its request was sent.
    #[must_use]
    pub(super) fn sent_at(self, sent: Option<u64>) -> Self {
        Self { sent, ..self }
    }

    /// The same, with what became of its money.
    #[must_use]
    pub(super) fn booked(self, settlement: Settlement) -> Self {
        let Settlement { cost, reserved, recorded } = settlement;
        Self { cost, reserved, recorded, ..self }
    }
}

/// Whether the ledger has the cost of every try; `None` where nothing is counted.
pub(crate) fn all_recorded<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Option<bool> {
    let recorded = attempts.into_iter().filter_map(|attempt| attempt.recorded);
    recorded.reduce(|one, other| one && other)
}

/// What several tries cost together; `None` where the price of one is unknown.
pub(crate) fn total_cost<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Option<NanoUsd> {
    let mut costs = attempts.into_iter().map(|attempt| attempt.cost);
    costs.try_fold(NanoUsd::ZERO, |sum, cost| Some(sum.saturating_add(cost?)))
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Attempt", 8)?;
        fields.serialize_field("provider", &self.target.provider)?;
        fields.serialize_field("model", &self.target.model)?;
        fields.serialize_field("outcome", self.outcome.as_str())?;
        fields.serialize_field("latency_ms", &self.latency.as_millis())?;
        fields.serialize_field("waited_ms", &self.waited.as_millis())?;
        match self.http_status {
            Some(status) => fields.serialize_field("http_status", &status)?,
            None => fields.skip_field("http_status")?,
        }
        fields.serialize_field("cost_usd_approx", &self.cost)?;
        match self.is_above_hold() {
            true => fields.serialize_field("reserved_usd", &self.reserved)?,
            false => fields.skip_field("reserved_usd")?,
        }
        fields.end()
    }
}
