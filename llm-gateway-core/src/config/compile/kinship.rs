//! Finds what two models of the file have in common, by the declared data.
//!
//! The certificate judges the models that responses name. This module predicts that judgement for
//! responses that name the models that were asked.

use std::collections::BTreeSet;

use crate::model::{ModelFacts, Target, naming, origin_name};

use super::RouteCompiler;

/// The relation of two models, the closest one first.
pub(super) enum ModelRelation {
    /// Both targets are the same model.
    Model,
    /// Both targets may be the same model: their names differ only in what hosts add to a name.
    Name,
    /// Both models have this developer.
    Developer(String),
    /// Both models descend from these families, joined by `+`.
    Families(String),
}

/// The declared developer and families of one model. Names are compared without case, as in the
/// certificate.
#[derive(PartialEq)]
struct DeclaredLineage {
    undated: String,
    developer: Option<String>,
    families: BTreeSet<String>,
}

impl DeclaredLineage {
    /// Reads the developer and the families that a row declares.
    fn of(facts: &ModelFacts) -> Self {
        let plain = |name: &String| Some(origin_name(name)).filter(|it| !it.is_empty());
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
    /// Returns the closest relation between `a` and `b`; `None` if no relation is known.
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

    /// Returns the names of the model behind a target's id: the id, and what the row of any
    /// provider calls it. One name means one model at every provider.
    fn names(&self, target: &Target) -> BTreeSet<String> {
        let id = target.model.as_str();
        let rows = self.providers.values().filter_map(|spec| spec.model(id));
        rows.map(|facts| facts.undated().to_owned()).chain([id.to_owned()]).collect()
    }

    /// Returns whether a developer or a family is declared for a model. Without either, the model
    /// may be any other model.
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

    /// Returns the declared lineage of a target: by the row of its own provider, else by the rows
    /// of the other providers if they all declare the same.
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
