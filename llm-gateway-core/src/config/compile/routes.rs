//! Compiles the task classes: single models with their fallbacks, panels and cascades.

use std::time::Duration;

use crate::config::node::{NodeContent, PathStep};
use crate::config::raw::{
    RawAgree, RawCascade, RawEnforce, RawLevel, RawPolicy, RawRoute, RawTarget, RawVisibility,
};
use crate::model::{NanoUsd, Target, TaskClass, did_you_mean};
use crate::policy::{Agree, Cascade, Enforce, Level, Panel, Route, Shape, Visibility};

use super::RouteCompiler;

impl RouteCompiler<'_, '_, '_> {
    /// Compiles all task classes. A task class with an error is left out.
    pub(super) fn routes(&mut self, raw: &RawPolicy) -> Vec<Route> {
        let root = self.compilation.root;
        let declared = root.find(&["defaults".into()]).map(|node| &node.content);
        if declared.is_some_and(|content| *content == NodeContent::Map(Vec::new())) {
            self.problems.error(
                root.key_place_of(&["defaults".into()]),
                "`defaults` has no task class",
                "add one, such as quick_answer: {provider: openai, model: gpt-4o-mini}",
            );
        }
        self.check_references(raw);
        raw.defaults.iter().filter_map(|(name, route)| self.route(name, route, raw)).collect()
    }

    /// Checks that `fallback` and `visibility` name task classes that exist and can use them.
    fn check_references(&mut self, raw: &RawPolicy) {
        let root = self.compilation.root;
        let declared = root.find(&["defaults".into()]);
        let fallbacks =
            raw.fallback.iter().flat_map(|map| map.keys()).map(|name| ("fallback", name));
        let visible =
            raw.visibility.iter().flat_map(|map| map.keys()).map(|name| ("visibility", name));
        for (section, name) in fallbacks.chain(visible) {
            let place = root.key_place_of(&[section.into(), name.as_str().into()]);
            if declared.is_some_and(|classes| classes.entry(name).is_none()) {
                let hint = did_you_mean(name, raw.defaults.keys().map(String::as_str), || {
                    "add it under `defaults:`, or take this entry out".to_owned()
                });
                self.problems.error(
                    place,
                    format!("`{section}` names the unknown task class `{name}`"),
                    hint,
                );
                continue;
            }
            let Some(route) = raw.defaults.get(name) else { continue };
            let single = route.members.is_none() && route.cascade.is_none();
            match section {
                "fallback" if !single => self.problems.warning(
                    place,
                    format!("`{name}` asks several models and never falls back"),
                    "take this entry out",
                ),
                "visibility" if route.cascade.is_some() => self.problems.warning(
                    place,
                    format!("the gate of `{name}` always needs `model_distinct` of all its models"),
                    "take this entry out",
                ),
                "visibility" if single => self.problems.warning(
                    place,
                    format!("`{name}` asks a single model and has no members to keep apart"),
                    "take this entry out",
                ),
                _ => {}
            }
        }
    }

    /// Compiles one task class.
    fn route(&mut self, name: &str, route: &RawRoute, raw: &RawPolicy) -> Option<Route> {
        let path = [PathStep::Key("defaults"), PathStep::Key(name)];
        let place = self.compilation.root.key_place_of(&path);
        let task_class = TaskClass::new(name)
            .map_err(|error| self.problems.error(place, error.to_string(), "rename it"))
            .ok()?;
        let shape = self.shape(name, route, raw)?;
        self.warn_of_what_only_panels_heed(route, &shape, &path);
        let route = Route {
            task_class,
            rationale: route.rationale.clone().unwrap_or_default(),
            shape,
            max_tokens: route.max_tokens,
            deadline: route.deadline_s.map(Duration::from_secs_f64),
            allow_override: route.allow_override.unwrap_or(true),
        };
        self.warn_of_bound_above_limit(&route, &path);
        Some(route)
    }

    /// Warns of keys that only panels use, in a task class that is no panel.
    fn warn_of_what_only_panels_heed(
        &mut self,
        route: &RawRoute,
        shape: &Shape,
        path: &[PathStep<'_>],
    ) {
        if matches!(shape, Shape::Panel(_)) {
            return;
        }
        let mut warn = |key: &'static str, message, hint| {
            let place = self.compilation.root.key_place_of(&[path, &[key.into()]].concat());
            self.problems.warning(place, message, hint);
        };
        if route.cost_cap_usd.is_some() {
            let hint = "for every class there is cost_preflight.block_usd";
            warn("cost_cap_usd", "`cost_cap_usd` holds for panels only", hint);
        }
        if route.agree.is_some() {
            let hint = "a cascade has `agree` within `cascade:`; a single model has nothing to \
                compare";
            warn("agree", "`agree` beside the class's own keys holds for panels only", hint);
        }
    }

    /// Compiles the targets that answer a task class: a single model, a panel or a cascade.
    fn shape(&mut self, name: &str, route: &RawRoute, raw: &RawPolicy) -> Option<Shape> {
        let path = [PathStep::Key("defaults"), PathStep::Key(name)];
        let root = self.compilation.root;
        // The file counts, not what fits the schema, so that an invalid part is not reported as
        // missing.
        let has = |key| root.find(&[path[0], path[1], PathStep::Key(key)]).is_some();
        let ways = [has("provider") || has("model"), has("members"), has("cascade")];
        let ways = ways.iter().filter(|way| **way).count();
        if ways != 1 {
            self.problems.error(
                root.key_place_of(&path),
                format!("task class `{name}` says in {ways} ways who answers"),
                "write either `provider` and `model`, or `members`, or `cascade`",
            );
            return None;
        }
        if let Some(members) = &route.members {
            let members = self.targets(members, &[path[0], path[1], "members".into()]);
            let visibility = raw.visibility.as_ref().and_then(|map| map.get(name));
            return self.panel(name, members, route, visibility);
        }
        if let Some(cascade) = &route.cascade {
            return self.cascade(name, cascade);
        }
        if has("members") || has("cascade") {
            // The section is invalid as a whole and has been reported.
            return None;
        }
        for key in ["provider", "model"].into_iter().filter(|key| !has(key)) {
            self.problems.error(
                root.key_place_of(&path),
                format!("task class `{name}` has no `{key}`"),
                format!("add `{key}:`"),
            );
        }
        let first = self.target(route.provider.as_deref()?, route.model.as_deref()?, &path)?;
        let alternates = raw.fallback.as_ref().and_then(|map| map.get(name)?.as_ref());
        Some(Shape::Single(self.with_fallbacks(name, first, alternates.map_or(&[], Vec::as_slice))))
    }

    /// Compiles a cascade: a gate that can agree, and the model that it escalates to.
    fn cascade(&mut self, name: &str, raw: &RawCascade) -> Option<Shape> {
        let at = |key| {
            [PathStep::Key("defaults"), PathStep::Key(name), "cascade".into(), PathStep::Key(key)]
        };
        let gate = self.targets(&raw.gate, &at("gate"));
        let RawTarget { provider, model } = &raw.otherwise;
        let otherwise = self.target(provider, model, &at("else"))?;
        self.check_count(&gate, &at("gate"), "gate")?;
        self.warn_of_repeated_members(name, &gate, &at("gate"));
        self.warn_of_uncertifiable_gate(name, &gate, &at("gate"));
        self.warn_of_repeated_strong_model(name, &gate, &otherwise, &at("gate"));
        Some(Shape::Cascade(Cascade { gate, otherwise, agree: agree_of(raw.agree) }))
    }

    /// Returns a target and its alternates. A target that is listed twice is asked once.
    fn with_fallbacks(
        &mut self,
        name: &str,
        first: Target,
        alternates: &[Option<RawTarget>],
    ) -> Vec<Target> {
        let path = [PathStep::Key("fallback"), PathStep::Key(name)];
        let mut chain = vec![first];
        for (index, target) in self.numbered_targets(alternates, &path) {
            if chain.contains(&target) {
                self.problems.warning(
                    self.compilation.root.place_of(&[path[0], path[1], index.into()]),
                    format!("`{name}` would fall back to {target} twice"),
                    "a target is asked once; take this entry out",
                );
            } else {
                chain.push(target);
            }
        }
        chain
    }

    /// Compiles a panel.
    fn panel(
        &mut self,
        name: &str,
        members: Vec<Target>,
        route: &RawRoute,
        visibility: Option<&RawVisibility>,
    ) -> Option<Shape> {
        let path = ["defaults".into(), name.into(), "members".into()];
        self.check_count(&members, &path, "panel")?;
        self.warn_of_repeated_members(name, &members, &path);
        let quorum = visibility.and_then(|visibility| visibility.quorum);
        if quorum.is_some_and(|quorum| quorum as usize > members.len()) {
            self.problems.error(
                self.compilation.root.place_of(&[
                    "visibility".into(),
                    name.into(),
                    "quorum".into(),
                ]),
                format!(
                    "`quorum` is {}, but `{name}` has {} members",
                    quorum.unwrap_or_default(),
                    members.len()
                ),
                "lower it, or leave it out: all members must then answer",
            );
        }
        let visibility = visibility.map(visibility_of).unwrap_or_default();
        let never_certified = self.warn_of_uncertifiable_panel(name, &members, visibility, &path);
        Some(Shape::Panel(Panel {
            members,
            cost_cap: route.cost_cap_usd.and_then(usd),
            visibility,
            never_certified,
            agree: agree_of(route.agree),
        }))
    }

    /// Returns the valid targets of a list.
    fn targets(&mut self, raw: &[Option<RawTarget>], path: &[PathStep<'_>]) -> Vec<Target> {
        self.numbered_targets(raw, path).into_iter().map(|(_, target)| target).collect()
    }

    /// Returns the valid targets of a list, each with its index in the file.
    fn numbered_targets(
        &mut self,
        raw: &[Option<RawTarget>],
        path: &[PathStep<'_>],
    ) -> Vec<(usize, Target)> {
        let there = raw.iter().enumerate().filter_map(|(n, raw)| Some((n, raw.as_ref()?)));
        let checked = there.filter_map(|(index, raw)| {
            let path = [path, &[PathStep::Index(index)]].concat();
            Some((index, self.target(&raw.provider, &raw.model, &path)?))
        });
        checked.collect()
    }

    /// Warns of a bound on output that exceeds the limit of a model. The lower of the two is sent.
    fn warn_of_bound_above_limit(&mut self, route: &Route, path: &[PathStep<'_>]) {
        let Some(bound) = route.max_tokens else { return };
        let limit = |target: &&Target| {
            let facts = self.providers.get(&target.provider)?.model(target.model.as_str())?;
            facts.max_output.filter(|limit| *limit < bound)
        };
        if let Some((target, limit)) = route.targets().iter().find_map(|t| Some((*t, limit(t)?))) {
            self.problems.warning(
                self.compilation.root.place_of(&[path, &["max_tokens".into()]].concat()),
                format!("`max_tokens` is {bound}, but {target} gives at most {limit}"),
                "the lower bound is what is sent",
            );
        }
    }
}

/// Converts a threshold in dollars. The schema's bounds ensure that none is lost.
pub(super) fn usd(amount: f64) -> Option<NanoUsd> {
    NanoUsd::from_usd_rounded_down(amount)
}

/// Compiles the way in which answers are compared.
fn agree_of(raw: Option<RawAgree>) -> Agree {
    match raw {
        Some(RawAgree::ByValue) => Agree::ByValue,
        Some(RawAgree::NormalizedExact) | None => Agree::NormalizedExact,
    }
}

/// Compiles the independence that a panel must reach.
fn visibility_of(raw: &RawVisibility) -> Visibility {
    let default = Visibility::default();
    Visibility {
        enforce: match raw.enforce {
            Some(RawEnforce::Hard) => Enforce::Hard,
            Some(RawEnforce::Soft) => Enforce::Soft,
            None => default.enforce,
        },
        require: match raw.require {
            Some(RawLevel::None) => Level::None,
            Some(RawLevel::ContextBlind) => Level::ContextBlind,
            Some(RawLevel::ModelDistinct) => Level::ModelDistinct,
            Some(RawLevel::VendorDistinct) => Level::VendorDistinct,
            Some(RawLevel::LineageDistinct) => Level::LineageDistinct,
            None => default.require,
        },
        quorum: raw.quorum,
    }
}
