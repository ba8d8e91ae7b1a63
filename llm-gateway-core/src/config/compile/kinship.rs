//! Finds what two models of the file have in common, by the declared data.
//!
//! The certificate judges the models that responses name. This file predicts its judgement for
//! responses that name the models that were asked.

use std::collections::BTreeSet;

use crate::model::{ModelFacts, Target, naming};

use super::RouteCompiler;

/// What two models have in common, the closest relation first.
pub(super) enum ModelRelation {
    /// Both are the same model.
    Model,
    /// Both may be the same model: their names differ only in what hosts add to a name.
    Name,
    /// Both have this developer.
    Developer(String),
    /// Both descend from these families, joined by `+`.
    Families(String),
}

/// What is declared about one model. Names are compared without case, as the certificate does.
#[derive(PartialEq)]
struct DeclaredLineage {
    undated: String,
    developer: Option<String>,
    families: BTreeSet<String>,
}

impl DeclaredLineage {
    /// Reads what is declared in a row.
    fn of(facts: &ModelFacts) -> Self {
        let plain = |name: &String| Some(name.trim().to_lowercase()).filter(|it| !it.is_empty());
        Self {
            undated: facts.undated().to_owned(),
            developer: facts.developer.as_ref().and_then(plain),
            families: facts.lineage.iter().filter_map(plain).collect(),
        }
    }

    /// Returns whether a developer or a family is declared.
    fn names_an_origin(&self) -> bool {
        self.developer.is_some() || !self.families.is_empty()
    }
}

impl RouteCompiler<'_, '_, '_> {
    /// Returns what `a` and `b` have in common; `None` if nothing is known to be.
    pub(super) fn shared(&self, a: &Target, b: &Target) -> Option<ModelRelation> {
        if !self.names(a).is_disjoint(&self.names(b)) {
            return Some(ModelRelation::Model);
        }
        if naming::may_be_one(a.model.as_str(), b.model.as_str()) {
            return Some(ModelRelation::Name);
        }
        let (a, b) = self.declared_lineage(a).zip(self.declared_lineage(b))?;
        if let Some(developer) = a.developer.filter(|it| Some(it) == b.developer.as_ref()) {
            return Some(ModelRelation::Developer(developer));
        }
        let families: Vec<_> = a.families.intersection(&b.families).map(String::as_str).collect();
        (!families.is_empty()).then(|| ModelRelation::Families(families.join("+")))
    }

    /// Returns the names of the model behind a target's id: the id, and what the row of any provider
    /// calls it. One name means one model at every provider.
    fn names(&self, target: &Target) -> BTreeSet<String> {
        let id = target.model.as_str();
        let rows = self.providers.values().filter_map(|spec| spec.model(id));
        rows.map(|facts| facts.undated().to_owned()).chain([id.to_owned()]).collect()
    }

    /// Returns whether a developer or a family is declared for a model. Without either it may be
    /// any other model.
    pub(super) fn has_declared_origin(&self, target: &Target) -> bool {
        self.declared_lineage(target).is_some_and(|lineage| lineage.names_an_origin())
    }

    /// Returns whether a developer is declared for a model.
    pub(super) fn has_declared_developer(&self, target: &Target) -> bool {
        self.declared_lineage(target).is_some_and(|lineage| lineage.developer.is_some())
    }

    /// Returns whether both developer and families are declared for a model.
    pub(super) fn has_whole_origin(&self, target: &Target) -> bool {
        let declared = self.declared_lineage(target);
        declared.is_some_and(|it| it.developer.is_some() && !it.families.is_empty())
    }

    /// Returns what is declared by the row of the target's own provider, else by the rows of the
    /// other providers if they all declare the same.
    fn declared_lineage(&self, target: &Target) -> Option<DeclaredLineage> {
        let id = target.model.as_str();
        let own = self.providers.get(&target.provider).and_then(|spec| spec.model(id));
        if let Some(facts) = own {
            return Some(DeclaredLineage::of(facts));
        }
        let mut rows =
            self.providers.values().filter_map(|spec| Some(DeclaredLineage::of(spec.model(id)?)));
        let first = rows.next()?;
        rows.all(|other| other == first).then_some(first)
    }
}
