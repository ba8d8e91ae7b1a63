//! Compiles the model data of a provider: the built-in rows, overridden by the file's rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;

use crate::config::catalog::ProviderCatalog;
use crate::config::diagnostic::Collector;
use crate::config::node::{Node, PathStep};
use crate::config::raw_model::{RawCapability, RawModel, RawServiceTier};
use crate::model::{Capability, LONGEST_RECEIPT_NAME, ModelFacts, ModelId, Prices, Rate};
use crate::policy::ModelNames;

/// Returns the facts about a provider's models, by id. `path` leads to the provider's rows in the
/// file. `names` decides what is assumed of a model without a row, by its name.
pub(super) fn models(
    rows: Option<&IndexMap<String, RawModel>>,
    (root, path): (&Node, &[PathStep<'_>]),
    built_in: ProviderCatalog,
    names: ModelNames,
    problems: &mut Collector<'_>,
) -> BTreeMap<String, Arc<ModelFacts>> {
    let mut models = built_in.models;
    for (id, row) in rows.into_iter().flatten() {
        check_row(id, row, (root, path), problems);
        let unknown = || ModelFacts { capabilities: names.capabilities(id), ..Default::default() };
        let base = models.get(id).map_or_else(unknown, |facts| (**facts).clone());
        let facts = Arc::new(merged(id, row, base));
        check_origin(id, &facts, (root, path), problems);
        for id in row.aliases.iter().flatten().chain([id]) {
            models.insert(id.clone(), Arc::clone(&facts));
        }
    }
    models
}

/// Checks the ids of a row, and that it sets both prices or neither.
fn check_row(
    id: &str,
    row: &RawModel,
    (root, path): (&Node, &[PathStep<'_>]),
    problems: &mut Collector<'_>,
) {
    let path = [path, &[PathStep::Key(id)]].concat();
    let place = root.key_place_of(&path);
    let ids = row.aliases.iter().flatten().map(String::as_str).chain([id]);
    for error in ids.filter_map(|id| ModelId::new(id).err()) {
        problems.error(place, error.to_string(), "write the id that the provider's API takes");
    }
    let written = |key| root.find(&[&path[..], &[PathStep::Key(key)]].concat()).is_some();
    let absent = match (written("in"), written("out")) {
        (true, false) => "out",
        (false, true) => "in",
        _ => return,
    };
    problems.error(
        place,
        format!("the row of `{id}` has one price, but no `{absent}`"),
        "a row that sets one price replaces all of them: write `in` and `out`",
    );
}

/// Checks that a receipt can hold what a row says about a model's developer and families.
fn check_origin(
    id: &str,
    facts: &ModelFacts,
    (root, path): (&Node, &[PathStep<'_>]),
    problems: &mut Collector<'_>,
) {
    let bytes = facts.origin_bytes();
    if bytes <= LONGEST_RECEIPT_NAME {
        return;
    }
    let path = [path, &[PathStep::Key(id)]].concat();
    let own = |key| [&path[..], &[PathStep::Key(key)]].concat();
    let written = ["lineage", "developer"].map(own).into_iter().find(|it| root.find(it).is_some());
    problems.error(
        root.key_place_of(written.as_ref().unwrap_or(&path)),
        format!(
            "developer and lineage of `{id}` have {bytes} bytes, and a receipt holds {LONGEST_RECEIPT_NAME}"
        ),
        "name fewer families, or shorter ones",
    );
}

fn capability(raw: RawCapability) -> Capability {
    match raw {
        RawCapability::Reasoning => Capability::Reasoning,
        RawCapability::Vision => Capability::Vision,
        RawCapability::JsonSchema => Capability::JsonSchema,
        RawCapability::MaxCompletionTokens => Capability::MaxCompletionTokens,
        RawCapability::ThinkTags => Capability::ThinkTags,
    }
}

/// Returns the name and the prices of a service tier.
fn service_tier((name, row): (&String, &RawServiceTier)) -> Option<(String, Prices)> {
    let rate = |usd: f64| Rate::from_usd_per_million(usd).ok();
    let prices = Prices {
        cache_read: row.cache_read.and_then(rate),
        cache_write: row.cache_write.and_then(rate),
        ..Prices::flat(rate(row.input)?, rate(row.output)?)
    };
    Some((name.to_ascii_lowercase(), prices))
}

/// Returns the facts of a row of the file, completed by those of the row that it overrides.
fn merged(id: &str, row: &RawModel, base: ModelFacts) -> ModelFacts {
    // The schema has the bounds of a rate, so a number out of bounds cannot arrive here.
    let rate = |usd: Option<f64>| usd.and_then(|usd| Rate::from_usd_per_million(usd).ok());
    let (read, write) = (rate(row.cache_read), rate(row.cache_write));
    let prices = match (rate(row.input), rate(row.output)) {
        (Some(input), Some(output)) => {
            Some(Prices { cache_read: read, cache_write: write, ..Prices::flat(input, output) })
        }
        _ => base.prices.map(|prices| Prices {
            cache_read: read.or(prices.cache_read),
            cache_write: write.or(prices.cache_write),
            ..prices
        }),
    };
    let has_own_prices = row.input.is_some() || row.output.is_some();
    let service_tiers = match &row.tiers {
        Some(tiers) => tiers.iter().filter_map(service_tier).collect(),
        None if has_own_prices => BTreeMap::new(),
        None => base.service_tiers,
    };
    // A row for an alias has its own prices, and a certificate counts it as the same model.
    let snapshot_of = base.snapshot_of.or_else(|| {
        let is_alias = !base.canonical.is_empty() && base.canonical != id;
        is_alias.then_some(base.canonical)
    });
    ModelFacts {
        canonical: id.to_owned(),
        snapshot_of,
        moves: base.moves,
        developer: row.developer.clone().or(base.developer),
        lineage: row.lineage.clone().unwrap_or(base.lineage),
        prices,
        service_tiers,
        context: row.context.or(base.context),
        max_output: row.max_output.or(base.max_output),
        capabilities: match &row.capabilities {
            Some(listed) => listed.iter().map(|raw| capability(*raw)).collect(),
            None => base.capabilities,
        },
    }
}
