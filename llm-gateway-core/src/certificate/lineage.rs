//! The lineage of models: which ids name one model, who developed it, which families it descends
//! from.
//!
//! All lineages are data that is passed in; no lineage is guessed from a name. An id is known only
//! if a row contains exactly this id. A dated snapshot has the canonical id of its model.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::canonical;
use crate::model::naming::{self, NameMatch};
use crate::model::{ModelFacts, origin_name};

/// The origin of one model: its canonical id, its developer and its families.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Lineage {
    /// Undated id of the model, the same for all names of the model.
    pub canonical: String,
    /// Developer of the model, in lower case; `None` if unknown.
    pub developer: Option<String>,
    /// Families that the model descends from, in lower case; empty if unknown.
    #[serde(rename = "lineage")]
    pub families: BTreeSet<String>,
    /// Whether the model's id is a name that its provider moves from model to model. The model that
    /// the name means today may also be listed under a name of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moves: bool,
}

impl Lineage {
    /// Creates the lineage of the model with the id `canonical`. Developer and families are
    /// compared without case.
    pub fn new<'a>(
        canonical: impl Into<String>,
        developer: Option<&str>,
        families: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            canonical: canonical.into(),
            developer: developer.map(origin_name).filter(|name| !name.is_empty()),
            families: families
                .into_iter()
                .map(origin_name)
                .filter(|name| !name.is_empty())
                .collect(),
            moves: false,
        }
    }

    /// Returns whether the lineage states the model's developer or its families.
    pub(super) fn has_origin(&self) -> bool {
        self.developer.is_some() || !self.families.is_empty()
    }

    /// Returns whether two lineages certainly belong to two models: their developers are known and
    /// differ, or their families are known and have none in common.
    pub(super) fn is_stranger_to(&self, other: &Self) -> bool {
        let developers = self.developer.as_ref().zip(other.developer.as_ref());
        let are_known = !self.families.is_empty() && !other.families.is_empty();
        developers.is_some_and(|(one, other)| one != other)
            || are_known && self.families.is_disjoint(&other.families)
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { canonical, developer, families, moves } = self;
        let families: Vec<&str> = families.iter().map(String::as_str).collect();
        let families = if families.is_empty() { "unknown".to_owned() } else { families.join("+") };
        write!(f, "{canonical} of {}", developer.as_deref().unwrap_or("unknown"))?;
        write!(f, ", lineage {families}{}", if *moves { ", a name that moves" } else { "" })
    }
}

impl From<&ModelFacts> for Lineage {
    fn from(facts: &ModelFacts) -> Self {
        let families = facts.lineage.iter().map(String::as_str);
        let lineage = Self::new(facts.undated(), facts.developer.as_deref(), families);
        Self { moves: facts.moves, ..lineage }
    }
}

/// One row of a [`Kinship`]: the lineage of the model behind an id, at one provider or at any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct LineageRow {
    /// Name of the provider that uses the model id; `None` if the id means the same at every
    /// provider.
    pub provider: Option<String>,
    /// Id of the model, as a response names it.
    pub id: String,
    /// Lineage of the model that the id names.
    #[serde(rename = "kin")]
    pub lineage: Lineage,
}

impl LineageRow {
    /// Creates a row for `id`, which names the model of `lineage` at `provider`, or at any provider
    /// if `None`.
    pub fn new(provider: Option<&str>, id: impl Into<String>, lineage: Lineage) -> Self {
        Self { provider: provider.map(str::to_owned), id: id.into(), lineage }
    }
}

/// The key of a lineage row: a provider's name, or `None` for any provider, and a model id.
type LineageKey = (Option<String>, String);

/// The lineages of all known models, as rows that are looked up by provider and model id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kinship {
    version: String,
    rows: BTreeMap<LineageKey, Lineage>,
}

impl Kinship {
    /// Creates the lineage data from rows. If two rows are about one id, the last one counts. The
    /// version is the digest of all rows.
    ///
    /// One name means one model at every provider. If a row declares an id to be a name of another
    /// model, that model and every model that some provider serves under the id count as one.
    ///
    /// ```
    /// use llm_gateway_core::certificate::{Kinship, Lineage, LineageRow};
    ///
    /// let row = |provider, id, canonical: &str| {
    ///     LineageRow::new(Some(provider), id, Lineage::new(canonical, None, []))
    /// };
    /// let kinship = Kinship::new([row("a", "x", "x"), row("a", "y", "x"), row("b", "y", "y")]);
    /// assert_eq!(kinship.find("b", "y"), kinship.find("a", "x"));
    /// ```
    pub fn new(rows: impl IntoIterator<Item = LineageRow>) -> Self {
        let rows = Self::with_version(String::new(), rows).rows;
        let lines: Vec<_> = rows.iter().collect();
        Self { version: canonical::plain_digest(&lines), rows }
    }

    /// Creates the lineage data from the model data of a policy: the provider's name, the id as its
    /// API names it (aliases included), and the facts.
    ///
    /// An id that means the same model at all providers that list it counts for every other
    /// provider as well, because many servers offer each other's models under the same ids.
    ///
    /// ```
    /// use llm_gateway_core::certificate::Kinship;
    /// use llm_gateway_core::model::ModelFacts;
    ///
    /// let kinship = Kinship::from_facts([("openai", "gpt-4o", &ModelFacts::default())]);
    /// assert!(kinship.find("openai", "gpt-4o").is_some());
    /// assert!(kinship.find("a-proxy", "gpt-4o").is_some());
    /// assert!(kinship.find("openai", "gpt-4o-2099-01-01").is_none());
    /// ```
    pub fn from_facts<'a>(
        rows: impl IntoIterator<Item = (&'a str, &'a str, &'a ModelFacts)>,
    ) -> Self {
        let row = |(provider, id, facts): (&str, &str, &ModelFacts)| {
            LineageRow::new(Some(provider), id, Lineage::from(facts))
        };
        // Names are unified first, so that one model under two names is seen to be the same.
        let own = Self::with_version(String::new(), rows.into_iter().map(row)).rows;
        let mut meanings: BTreeMap<&str, Vec<&Lineage>> = BTreeMap::new();
        for ((_, id), lineage) in &own {
            meanings.entry(id).or_default().push(lineage);
        }
        let shared = meanings.into_iter().filter_map(|(id, kins)| match kins.as_slice() {
            [lineage, others @ ..] if others.iter().all(|other| other == lineage) => {
                Some(LineageRow::new(None, id, (*lineage).clone()))
            }
            _ => None,
        });
        let shared: Vec<LineageRow> = shared.collect();
        let own =
            own.into_iter().map(|((provider, id), lineage)| LineageRow { provider, id, lineage });
        Self::new(own.chain(shared))
    }

    /// Creates the lineage data from rows whose version is known, such as those of a receipt.
    pub(super) fn with_version(
        version: String,
        rows: impl IntoIterator<Item = LineageRow>,
    ) -> Self {
        let rows = rows.into_iter().map(|row| ((row.provider, row.id), row.lineage)).collect();
        Self { version, rows: with_unified_names(rows) }
    }

    /// Returns the version of the lineage data: the digest of all rows.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the lineage of the model that `answered` names in a response of `provider` to a
    /// request for `requested`, and how the requested id was used to read the answered one: `None`
    /// if a row has the answered id, or if the answered id does not match the requested one.
    pub(crate) fn read(
        &self,
        provider: &str,
        requested: &str,
        answered: &str,
    ) -> (Option<&Lineage>, Option<NameMatch>) {
        let own = self.find(provider, answered);
        if own.is_some_and(Lineage::has_origin) {
            return (own, None);
        }
        let reading = naming::read_as(requested, answered);
        match reading.filter(|reading| *reading != NameMatch::Same) {
            Some(reading) => (self.find(provider, requested).or(own), Some(reading)),
            None => (own, None),
        }
    }

    /// Returns the lineage of the model that `id` names in a response of `provider`.
    pub fn find(&self, provider: &str, id: &str) -> Option<&Lineage> {
        let row = |provider: Option<String>| self.rows.get(&(provider, id.to_owned()));
        row(Some(provider.to_owned())).or_else(|| row(None))
    }
}

/// Sets the same canonical id in all lineage rows of one model: the first one in the order of the
/// rows. Each row says that its id and its canonical id name one model, whichever provider the row
/// is about. An id that moves at one provider moves at all of them, because a row of a policy
/// cannot say that it does.
fn with_unified_names(rows: BTreeMap<LineageKey, Lineage>) -> BTreeMap<LineageKey, Lineage> {
    let mut names = Names::default();
    for ((_, id), lineage) in &rows {
        names.join(id, &lineage.canonical);
    }
    let mut chosen: BTreeMap<String, String> = BTreeMap::new();
    for lineage in rows.values() {
        let known =
            chosen.entry(names.root(&lineage.canonical)).or_insert(lineage.canonical.clone());
        if lineage.canonical < *known {
            known.clone_from(&lineage.canonical);
        }
    }
    let moving = rows.iter().filter(|(_, lineage)| lineage.moves).map(|((_, id), _)| id.clone());
    let moving: BTreeSet<String> = moving.collect();
    let told = rows.into_iter().map(|(key, lineage)| {
        let canonical = chosen.get(&names.root(&lineage.canonical)).cloned();
        let (canonical, moves) = (canonical.unwrap_or(lineage.canonical), moving.contains(&key.1));
        (key, Lineage { canonical, moves, ..lineage })
    });
    told.collect()
}

/// The model names in sets that mean one model each: a disjoint-set forest. Each name leads to
/// another name of its set; the last name, the root, leads to none.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    /// Returns the root of a model name's set. All names on the way then lead to the root directly,
    /// because the rows of a stranger may form one long chain.
    fn root(&mut self, name: &str) -> String {
        let mut root = name.to_owned();
        let mut path = Vec::new();
        while let Some(next) = self.0.get(&root).cloned() {
            path.push(std::mem::replace(&mut root, next));
        }
        for name in path {
            self.0.insert(name, root.clone());
        }
        root
    }

    /// Joins the sets of two model names, which then mean one model.
    fn join(&mut self, one: &str, other: &str) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            self.0.insert(one, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the work for a chain of aliases grows with the number of rows. If it grew with
    /// the square, the test would take minutes.
    #[test]
    fn a_long_chain_of_aliases_takes_linear_time() {
        const ROWS: usize = 40_000;
        let name = |n: usize| format!("{n:05}");
        let row = |n| LineageRow::new(None, name(n), Lineage::new(name(n + 1), None, []));
        for kinship in [Kinship::new((0..ROWS).map(row)), Kinship::new((0..ROWS).rev().map(row))] {
            assert_eq!(kinship.find("p", &name(0)), kinship.find("p", &name(ROWS - 1)));
        }
    }

    /// Checks that a name which its developer moves also moves at a proxy, which passes the name
    /// on.
    #[test]
    fn a_name_that_moves_at_one_provider_moves_at_all() {
        let row = |provider, id: &str, moves| {
            let lineage = Lineage::new(id, Some("maker"), ["family"]);
            LineageRow::new(Some(provider), id, Lineage { moves, ..lineage })
        };
        let rows = [("maker", "newest", true), ("proxy", "newest", false), ("proxy", "old", false)];
        let kinship = Kinship::new(rows.map(|(provider, id, moves)| row(provider, id, moves)));
        let moves = |id| kinship.find("proxy", id).map(|lineage| lineage.moves);
        assert_eq!((moves("newest"), moves("old")), (Some(true), Some(false)));
    }
}
