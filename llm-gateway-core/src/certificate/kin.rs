//! What is known of models' kinship: which ids are one model, who made it, what it descends from.
//!
//! Data that is passed in, never a guess from a name: an id resolves where a row stands for it,
//! exactly, or not at all. A dated snapshot shares the canonical id of its model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::canonical;
use crate::model::ModelFacts;

/// What is known of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Kin {
    /// The undated id: equal for all names of one model.
    pub canonical: String,
    /// Who made it, in lower case; `None` = unknown.
    pub developer: Option<String>,
    /// The families it descends from, in lower case; empty = unknown.
    pub lineage: BTreeSet<String>,
}

impl Kin {
    /// Kinship of the model `canonical`. Developer and families are compared without case.
    pub fn new<'a>(
        canonical: impl Into<String>,
        developer: Option<&str>,
        lineage: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let plain = |name: &str| name.trim().to_lowercase();
        Self {
            canonical: canonical.into(),
            developer: developer.map(plain).filter(|name| !name.is_empty()),
            lineage: lineage.into_iter().map(plain).filter(|name| !name.is_empty()).collect(),
        }
    }
}

impl fmt::Display for Kin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { canonical, developer, lineage } = self;
        let families: Vec<&str> = lineage.iter().map(String::as_str).collect();
        let families = if families.is_empty() { "unknown".to_owned() } else { families.join("+") };
        write!(f, "{canonical} of {}", developer.as_deref().unwrap_or("unknown"))?;
        write!(f, ", lineage {families}")
    }
}

impl From<&ModelFacts> for Kin {
    fn from(facts: &ModelFacts) -> Self {
        let canonical = facts.snapshot_of.as_ref().unwrap_or(&facts.canonical);
        let lineage = facts.lineage.iter().map(String::as_str);
        Self::new(canonical, facts.developer.as_deref(), lineage)
    }
}

/// One line of what is known: an id, at one provider or at any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KinRow {
    /// Whose id it is; `None` = whoever returns it.
    pub provider: Option<String>,
    /// The id as a response names it.
    pub id: String,
    /// The model behind it.
    pub kin: Kin,
}

impl KinRow {
    /// `id` at `provider`, or at any provider, is the model `kin`.
    pub fn new(provider: Option<&str>, id: impl Into<String>, kin: Kin) -> Self {
        Self { provider: provider.map(str::to_owned), id: id.into(), kin }
    }
}

/// All that is known, under a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinship {
    version: String,
    rows: BTreeMap<(Option<String>, String), Kin>,
}

impl Kinship {
    /// Takes the rows; the last of two for one id counts. The version is the digest of them all.
    pub fn new(rows: impl IntoIterator<Item = KinRow>) -> Self {
        let rows = Self::under(String::new(), rows).rows;
        let lines: Vec<_> = rows.iter().collect();
        Self { version: canonical::plain_digest(&lines), rows }
    }

    /// Takes the model data of a policy: provider, id as its API names it (aliases too), facts.
    ///
    /// An id of one provider also counts for the others where it means the same everywhere:
    /// many servers pass on each other's models under their names.
    ///
    /// ```
    /// use llm_gateway_core::ModelFacts;
    /// use llm_gateway_core::certificate::Kinship;
    ///
    /// let kinship = Kinship::from_facts([("openai", "gpt-4o", &ModelFacts::default())]);
    /// assert!(kinship.find("openai", "gpt-4o").is_some());
    /// assert!(kinship.find("a-proxy", "gpt-4o").is_some());
    /// assert!(kinship.find("openai", "gpt-4o-2099-01-01").is_none());
    /// ```
    pub fn from_facts<'a>(
        rows: impl IntoIterator<Item = (&'a str, &'a str, &'a ModelFacts)>,
    ) -> Self {
        let mut own = Vec::new();
        let mut meanings: BTreeMap<&str, Vec<Kin>> = BTreeMap::new();
        for (provider, id, facts) in rows {
            let kin = Kin::from(facts);
            own.push(KinRow::new(Some(provider), id, kin.clone()));
            meanings.entry(id).or_default().push(kin);
        }
        let shared = meanings.into_iter().filter_map(|(id, kins)| match kins.as_slice() {
            [kin, others @ ..] if others.iter().all(|other| other == kin) => {
                Some(KinRow::new(None, id, kin.clone()))
            }
            _ => None,
        });
        Self::new(own.into_iter().chain(shared))
    }

    /// Takes rows whose version is known, as those of a receipt.
    pub(super) fn under(version: String, rows: impl IntoIterator<Item = KinRow>) -> Self {
        let rows = rows.into_iter().map(|row| ((row.provider, row.id), row.kin)).collect();
        Self { version, rows }
    }

    /// The digest of all rows.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The model that `id` names when `provider` returns it.
    pub fn find(&self, provider: &str, id: &str) -> Option<&Kin> {
        let row = |provider: Option<String>| self.rows.get(&(provider, id.to_owned()));
        row(Some(provider.to_owned())).or_else(|| row(None))
    }
}
