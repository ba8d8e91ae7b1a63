//! What two models of the file share, by the declared data.
//!
//! The certificate judges the models that responses name; this says beforehand what it will say
//! where they name those that were asked. It refuses nothing.

use std::collections::BTreeSet;

use crate::model::{ModelFacts, Target};

use super::RouteCompiler;

/// What two models have in common, nearest first.
pub(super) enum Shared {
    /// They are one model.
    Model,
    /// One developer made both.
    Developer(String),
    /// They descend from the same families.
    Families(String),
}

/// What is declared of one model; compared without case, as the certificate does.
#[derive(PartialEq)]
struct DeclaredLineage {
    undated: String,
    developer: Option<String>,
    families: BTreeSet<String>,
}

impl DeclaredLineage {
    fn of(facts: &ModelFacts) -> Self {
        let plain = |name: &String| Some(name.trim().to_lowercase()).filter(|it| !it.is_empty());
        Self {
            undated: facts.undated().to_owned(),
            developer: facts.developer.as_ref().and_then(plain),
            families: facts.lineage.iter().filter_map(plain).collect(),
        }
    }

    fn names_an_origin(&self) -> bool {
        self.developer.is_some() || !self.families.is_empty()
    }
}

impl RouteCompiler<'_, '_, '_> {
    /// What `a` and `b` have in common, if anything is known to be.
    pub(super) fn shared(&self, a: &Target, b: &Target) -> Option<Shared> {
        let kin = [self.kin(a), self.kin(b)];
        let undated = |target: &Target, kin: &Option<DeclaredLineage>| match kin {
            Some(kin) => kin.undated.clone(),
            None => target.model.to_string(),
        };
        if a.model == b.model || undated(a, &kin[0]) == undated(b, &kin[1]) {
            return Some(Shared::Model);
        }
        let [Some(a), Some(b)] = kin else { return None };
        if let Some(developer) = a.developer.filter(|it| Some(it) == b.developer.as_ref()) {
            return Some(Shared::Developer(developer));
        }
        let families: Vec<_> = a.families.intersection(&b.families).map(String::as_str).collect();
        (!families.is_empty()).then(|| Shared::Families(families.join("+")))
    }

    /// Whether anything but a price is declared of a model: without it, it may be any other one.
    pub(super) fn has_declared_origin(&self, target: &Target) -> bool {
        self.kin(target).is_some_and(|kin| kin.names_an_origin())
    }

    /// The row of its own provider, else the one that says the same at every other provider.
    fn kin(&self, target: &Target) -> Option<DeclaredLineage> {
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
