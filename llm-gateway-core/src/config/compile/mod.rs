//! Compiles the raw file into a policy, and checks everything that a schema cannot express.
//!
//! Names must exist, numbers must make sense together, and URLs must be safe. Each part adds its
//! problems to the same list and goes on. The compiled policy is used only if the list holds no
//! error.

mod address;
mod base_url;
mod budgets;
mod built_in;
mod certifiable;
mod depths;
mod header_value;
mod headers;
mod keys;
mod kinship;
mod members;
mod models;
mod orchestration;
mod providers;
mod routes;
mod rules;
mod spending;
mod switches;
mod variables;

use std::collections::BTreeMap;
use std::path::Path;

use crate::environment::Environment;
use crate::model::{ModelId, ProviderName, Target, closest_name, did_you_mean};
use crate::policy::{Caps, Policy, ProviderSpec, price_hint};

use super::catalog::Catalog;
use super::diagnostic::Collector;
use super::node::{Node, PathStep};
use super::raw::RawPolicy;

pub use built_in::base_url_variables;
use providers::brought_by_program;
pub(super) use providers::key_variables;
pub use variables::guard_variables;

/// The place where money is counted, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Counting {
    /// Money is counted in a file, whose place the environment says.
    #[default]
    InFile,
    /// Money is counted in a ledger of the program's own, or in memory.
    Elsewhere,
}

/// The inputs of a compilation: the file's tree, the environment, the program's own providers and
/// the date.
pub(super) struct Compilation<'a> {
    /// The file's tree, for the positions of problems.
    pub(super) root: &'a Node,
    /// The variables that override base URLs and hold caps and switches.
    pub(super) environment: &'a Environment,
    /// The providers that the embedding program brings.
    pub(super) own_providers: &'a [ProviderName],
    /// The caps and switches that the embedding program sets.
    pub(super) caps: &'a Caps,
    /// Where money is counted, if it is.
    pub(super) counting: Counting,
    /// The directory where relative paths start.
    pub(super) directory: Option<&'a Path>,
    /// The date in UTC as `YYYY-MM-DD`, which decides which models are retired.
    pub(super) today: String,
}

impl Compilation<'_> {
    /// Compiles `raw`. The loader fills in `source` and `digest` of the policy.
    pub(super) fn run(&self, raw: &RawPolicy, problems: &mut Collector<'_>) -> Policy {
        let catalog = Catalog::built_in();
        self.version(raw, problems);
        let providers = self.providers(raw, &catalog, problems);
        let mut compiler =
            RouteCompiler { compilation: self, providers: &providers, catalog: &catalog, problems };
        let routes = compiler.routes(raw);
        let orchestration = raw.orchestration.as_ref().map(|raw| compiler.orchestration(raw));
        compiler.warn_of_idle_orchestration(raw.orchestration.as_ref());
        spending::check_scopes(self.caps, &providers, &routes, problems);
        let others = self.budget_caps(raw).into_iter().chain(self.caps.settings()).collect();
        let (environment, counting) = (self.environment, self.counting);
        let spending = spending::spending(environment, counting, others, &providers, problems);
        let keys = key_variables(raw);
        keys::warn_of_unusable(self.environment, &keys, problems);
        keys::warn_of_unguarded(self.environment, &providers, problems);
        switches::unknown_names(self.environment, &keys, &providers, problems);
        let policy = Policy {
            version: raw.version.clone().unwrap_or_else(|| FORM_VERSION.to_owned()),
            source: String::new(),
            absent: None,
            digest: String::new(),
            preflight: self.preflight(raw, problems),
            switches: switches::switches(self.environment, self.caps, problems),
            spending,
            reliability: rules::reliability(raw),
            receipts: self.receipts(raw),
            output: rules::output(raw),
            routes,
            orchestration,
            providers,
        };
        self.warn_of_unreachable_max_usd(&policy, problems);
        self.warn_of_narrow_budgets(raw, &policy, problems);
        policy
    }

    /// Warns of a `max_usd` under which no task of a depth can run, however short it is.
    fn warn_of_unreachable_max_usd(&self, policy: &Policy, problems: &mut Collector<'_>) {
        let max_cost = policy.orchestration().and_then(|orchestration| orchestration.max_cost);
        let Some(max_cost) = max_cost else { return };
        for (plan, least) in policy.least_costs_of_depths().filter(|(_, least)| *least > max_cost) {
            problems.warning(
                self.root.place_of(&["orchestration".into(), "max_usd".into()]),
                format!(
                    "`max_usd` is {max_cost}, and every task of depth `{}` may cost {least} or \
                     more, so none is let through",
                    plan.depth
                ),
                "raise it, or lower max_tokens of the roles",
            );
        }
    }

    /// Checks the version of the file's format.
    fn version(&self, raw: &RawPolicy, problems: &mut Collector<'_>) {
        if let Some(version) = raw.version.as_deref().filter(|version| *version != FORM_VERSION) {
            problems.error(
                self.root.place_of(&["version".into()]),
                format!("`version` is `{version}`, which this gateway cannot read"),
                format!("write version: \"{FORM_VERSION}\""),
            );
        }
    }
}

/// The only version of the file's format.
const FORM_VERSION: &str = "1.0.0";

/// Compiles routes and roles, once the providers are known.
struct RouteCompiler<'a, 'b, 'c> {
    compilation: &'a Compilation<'a>,
    providers: &'a BTreeMap<ProviderName, ProviderSpec>,
    catalog: &'a Catalog,
    problems: &'b mut Collector<'c>,
}

impl RouteCompiler<'_, '_, '_> {
    /// Checks a target: its provider must exist and its model must have a valid id. Warns of a
    /// model that is retired or has no price. `path` leads to the mapping that holds provider and
    /// model.
    fn target(&mut self, provider: &str, model: &str, path: &[PathStep<'_>]) -> Option<Target> {
        let root = self.compilation.root;
        let at = |key| root.place_of(&[path, &[PathStep::Key(key)]].concat());
        let known = self.providers.get(provider).map(|spec| &spec.endpoint.provider);
        let id = ModelId::new(model).map_err(|error| {
            self.problems.error(
                at("model"),
                error.to_string(),
                "write the id that the provider's API takes",
            );
        });
        let Some(name) = known else {
            // A provider that is declared but invalid has been reported at its own entry.
            if !self.compilation.declares_provider(provider) {
                let names = self.providers.keys().map(ProviderName::as_str);
                let hint = did_you_mean(provider, names.clone(), || {
                    let known = names.collect::<Vec<_>>().join(", ");
                    let own = brought_by_program(provider);
                    format!("known: {known}; add others under `providers:`; {own}")
                });
                self.problems.error(
                    at("provider"),
                    format!("no provider is called `{provider}`"),
                    hint,
                );
            }
            return None;
        };
        let target = Target::new(name.clone(), id.ok()?);
        self.warn_of_doubtful_model(&target, at("model"));
        Some(target)
    }

    /// Warns of a model that is retired or has no price.
    fn warn_of_doubtful_model(&mut self, target: &Target, place: super::diagnostic::FilePosition) {
        let model = target.model.as_str();
        let Some(spec) = self.providers.get(&target.provider) else { return };
        if let Some(date) = self.catalog.retires(target.provider.as_str(), model) {
            let today = &self.compilation.today;
            if date <= today.as_str() {
                self.problems.warning(
                    place,
                    format!("`{model}` was retired on {date}"),
                    "its provider may answer `model_not_found`; pick a current model",
                );
            }
        }
        if spec.model(model).is_none_or(|facts| facts.prices.is_none()) {
            let add = price_hint(&target.provider);
            let others = spec.models.keys().map(String::as_str).filter(|name| *name != model);
            let hint = match closest_name(model, others) {
                Some(meant) => format!("did you mean `{meant}`? else {add}"),
                None => add,
            };
            self.problems.warning(
                place,
                format!("no price is known for `{model}`; its cost will read `unknown`"),
                hint,
            );
        }
    }
}
