//! The attempt log: one entry per try, in order.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::{Category, Error};
use crate::model::{NanoUsd, Target};

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
        }
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

    pub(super) fn answered(
        target: &Target,
        latency: Duration,
        http_status: Option<u16>,
        cost: Option<NanoUsd>,
    ) -> Self {
        Self { latency, http_status, cost, ..Self::new(target, AttemptOutcome::Ok) }
    }

    pub(super) fn failed(
        target: &Target,
        latency: Duration,
        error: &Error,
        cost: Option<NanoUsd>,
    ) -> Self {
        let outcome = AttemptOutcome::Failed(error.category());
        Self { latency, http_status: error.http_status(), cost, ..Self::new(target, outcome) }
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Attempt", 7)?;
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
        fields.end()
    }
}
