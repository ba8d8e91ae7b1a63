//! The built-in model data: one JSON file whose rows each have a date and a source.
//!
//! It supplies prices, limits and lineage to the compilation of a policy. The policy's own rows
//! override the data.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use crate::model::{Capability, InvalidAmount, ModelFacts, Prices, Rate, Tier};

/// The model data, taken from the providers' price pages. Each row names its page as `source`.
const MODEL_DATA: &str = include_str!("../../data/models.json");

/// Returns the built-in facts about models, whatever a policy says. Each entry holds the provider,
/// an id or alias as the provider's API names it, and the facts.
///
/// ```
/// let models = llm_gateway_core::config::built_in_models();
/// assert!(models.iter().any(|(provider, id, _)| provider == "openai" && id == "gpt-4o"));
/// ```
pub fn built_in_models() -> Vec<(String, String, Arc<ModelFacts>)> {
    let Catalog { rows } = Catalog::built_in();
    let known = rows.iter().filter_map(|row| Some((row, row.facts().map(Arc::new).ok()?)));
    let named = known.flat_map(|(row, facts)| {
        let ids = row.aliases.iter().chain([&row.id]);
        ids.map(move |id| (row.provider.clone(), id.clone(), Arc::clone(&facts)))
    });
    named.collect()
}

/// The rows of all built-in providers.
#[derive(Debug, Clone)]
pub(super) struct Catalog {
    rows: Vec<Row>,
}

/// The built-in data about one provider's models.
#[derive(Debug, Clone, Default)]
pub(super) struct ProviderCatalog {
    /// The facts by id, aliases included.
    pub(super) models: BTreeMap<String, Arc<ModelFacts>>,
}

/// The model data file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "units")]
    _units: String,
    models: Vec<Row>,
}

/// One row of the model data file as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    provider: String,
    developer: Option<String>,
    #[serde(default)]
    lineage: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    /// The model of which this row is a snapshot with another price, or an older name with facts of
    /// its own. A certificate counts both as one model, but their prices differ.
    snapshot_of: Option<String>,
    /// Whether the provider gives the id to one model after another.
    #[serde(default)]
    moves: bool,
    #[serde(rename = "in")]
    input: f64,
    #[serde(rename = "out")]
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    /// The price of a cache write that is kept for an hour. The gateway never asks for one.
    #[serde(rename = "cache_write_1h")]
    _cache_write_1h: Option<f64>,
    #[serde(default)]
    tiers: Vec<TierRow>,
    /// Prices at other service tiers, where the maker publishes them.
    #[serde(default)]
    service_tiers: BTreeMap<String, ServiceTierRow>,
    context: u64,
    max_output: u64,
    #[serde(default)]
    capabilities: Vec<Capability>,
    retires: Option<String>,
    #[serde(default)]
    alias_retires: BTreeMap<String, String>,
    /// The month in which the row was taken from `source`. People and this file's tests read both
    /// fields; the gateway does not.
    #[allow(dead_code)]
    as_of: String,
    #[allow(dead_code)]
    source: String,
}

/// The prices at one service tier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceTierRow {
    #[serde(rename = "in")]
    input: f64,
    #[serde(rename = "out")]
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

/// The prices of requests above a number of input tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TierRow {
    above_input: u64,
    #[serde(rename = "in")]
    input: f64,
    #[serde(rename = "out")]
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    #[serde(rename = "cache_write_1h")]
    _cache_write_1h: Option<f64>,
}

impl Catalog {
    /// Returns the model data that this version was built with.
    pub(super) fn built_in() -> Self {
        Self::parse(MODEL_DATA).unwrap_or_else(|error| {
            // The file's own test parses it, so this is unreachable in a build that passed. A
            // gateway without price data still runs, with unknown prices.
            tracing::error!(%error, "the built-in model data cannot be read");
            Self { rows: Vec::new() }
        })
    }

    fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        Ok(Self { rows: file.models })
    }

    /// Returns the data about one provider's models. A row whose prices are impossible is left out,
    /// so that its price is unknown rather than wrong.
    pub(super) fn of(&self, provider: &str) -> ProviderCatalog {
        let mut catalog = ProviderCatalog::default();
        for row in self.rows.iter().filter(|row| row.provider == provider) {
            let Ok(facts) = row.facts().map(Arc::new) else { continue };
            for id in row.aliases.iter().chain([&row.id]) {
                catalog.models.insert(id.clone(), Arc::clone(&facts));
            }
        }
        catalog
    }

    /// Returns the date on which a provider stops serving an id, as `YYYY-MM-DD`; `None` if no date
    /// is known.
    pub(super) fn retires(&self, provider: &str, id: &str) -> Option<&str> {
        let mut rows = self.rows.iter().filter(|row| row.provider == provider);
        rows.find_map(|row| match row.id == id {
            true => row.retires.as_deref(),
            false => row.alias_retires.get(id).map(String::as_str),
        })
    }
}

impl Row {
    /// Returns the facts about the model in the row.
    ///
    /// # Errors
    /// Fails if a price is impossible.
    fn facts(&self) -> Result<ModelFacts, InvalidAmount> {
        let optional = |usd: Option<f64>| usd.map(Rate::from_usd_per_million).transpose();
        let tier = |tier: &TierRow| {
            Ok(Tier {
                above_input: tier.above_input,
                input: Rate::from_usd_per_million(tier.input)?,
                output: Rate::from_usd_per_million(tier.output)?,
                cache_read: optional(tier.cache_read)?,
                cache_write: optional(tier.cache_write)?,
            })
        };
        let prices = Prices {
            input: Rate::from_usd_per_million(self.input)?,
            output: Rate::from_usd_per_million(self.output)?,
            cache_read: optional(self.cache_read)?,
            cache_write: optional(self.cache_write)?,
            tiers: self.tiers.iter().map(tier).collect::<Result<_, _>>()?,
        };
        let service_tier = |(name, row): (&String, &ServiceTierRow)| {
            let (input, output) =
                (Rate::from_usd_per_million(row.input)?, Rate::from_usd_per_million(row.output)?);
            let (cache_read, cache_write) = (optional(row.cache_read)?, optional(row.cache_write)?);
            Ok((name.clone(), Prices { cache_read, cache_write, ..Prices::flat(input, output) }))
        };
        Ok(ModelFacts {
            canonical: self.id.clone(),
            snapshot_of: self.snapshot_of.clone(),
            moves: self.moves,
            developer: self.developer.clone(),
            lineage: self.lineage.clone(),
            prices: Some(prices),
            service_tiers: self.service_tiers.iter().map(service_tier).collect::<Result<_, _>>()?,
            context: Some(self.context),
            max_output: Some(self.max_output),
            capabilities: self.capabilities.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Returns what is impossible about a row; empty for a valid row.
    fn faults(row: &Row) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, what: &str| {
            if !holds {
                faults.push(format!("{}: {what}", row.id));
            }
        };
        must(row.facts().is_ok(), "a price is negative, above 1000 or not a number");
        must(row.input > 0.0 && row.output > 0.0, "a hosted model is never free");
        must(row.input <= row.output, "output costs less than input");
        must(
            row.cache_read.is_none_or(|read| read <= row.input),
            "a cached read costs more than input",
        );
        must(
            row.cache_write.is_none_or(|write| write >= row.input),
            "a cache write costs less than input",
        );
        must(row.context >= 1_000, "a context below 1000 tokens");
        must(row.max_output <= row.context, "an output limit above the context");
        must(row.source.starts_with("https://"), "no source");
        must(is_month(&row.as_of), "as_of is no month");
        must(row.retires.as_deref().is_none_or(is_date), "retires is no date");
        must(row.alias_retires.values().all(|date| is_date(date)), "alias_retires holds no date");
        must(
            row.alias_retires.keys().all(|id| row.aliases.contains(id)),
            "alias_retires names no alias",
        );
        must(row.developer.is_some(), "no developer");
        must(crate::model::ModelId::new(&row.id).is_ok(), "an id that cannot be asked for");
        must(
            row.tiers.iter().all(|t| {
                t.above_input < row.context && t.input >= row.input && t.output >= row.output
            }),
            "a tier that is cheaper than the base price or lies above the context",
        );
        must(row.tiers.is_sorted_by_key(|tier| tier.above_input), "tiers out of order");
        faults
    }

    fn is_month(text: &str) -> bool {
        is_date(&format!("{text}-01"))
    }

    fn is_date(text: &str) -> bool {
        text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10
    }

    #[test]
    fn every_row_of_the_data_is_possible() {
        let catalog = Catalog::parse(MODEL_DATA).unwrap();
        assert!(catalog.rows.len() > 50);
        let faults: Vec<_> = catalog.rows.iter().flat_map(faults).collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    #[test]
    fn an_impossible_row_is_refused() {
        let sound = Catalog::parse(MODEL_DATA).unwrap().rows.swap_remove(0);
        let broken: [fn(&mut Row); 6] = [
            |row| row.input = -1.0,
            |row| row.output = 5_000.0,
            |row| row.max_output = row.context + 1,
            |row| row.source.clear(),
            |row| row.retires = Some("soon".to_owned()),
            |row| row.cache_read = Some(row.input * 2.0),
        ];
        for breaks in broken {
            let mut row = sound.clone();
            breaks(&mut row);
            assert!(!faults(&row).is_empty(), "{row:?}");
        }
    }

    #[test]
    fn an_id_means_one_row() {
        let catalog = Catalog::parse(MODEL_DATA).unwrap();
        let mut seen = BTreeSet::new();
        for row in &catalog.rows {
            for id in row.aliases.iter().chain([&row.id]) {
                assert!(seen.insert((&row.provider, id)), "{id} stands for two rows");
            }
        }
    }

    #[test]
    fn a_dated_id_is_an_alias_unless_it_costs_something_else() {
        let openai = Catalog::built_in().of("openai");
        let id = |id: &str| openai.models.get(id).map(|facts| facts.canonical.as_str());
        assert_eq!(id("gpt-4o-2024-08-06"), Some("gpt-4o"));
        assert_eq!(id("gpt-4o-2024-05-13"), Some("gpt-4o-2024-05-13"));
        assert_eq!(id("gpt-4o-2099-01-01"), None, "ids are never matched by prefix");
    }

    /// Checks that three ids of one model count as one, so that a panel of two of them is not
    /// distinct.
    #[test]
    fn gpt_3_5_turbo_and_its_snapshots_are_one_model() {
        let openai = Catalog::built_in().of("openai");
        for id in ["gpt-3.5-turbo", "gpt-3.5-turbo-0125", "gpt-3.5-turbo-1106"] {
            let undated = openai.models.get(id).map(|facts| facts.undated());
            assert_eq!(undated, Some("gpt-3.5-turbo"), "{id}");
        }
    }

    /// Checks the names that a provider gives to one model after another.
    #[test]
    fn the_newest_of_a_house_is_a_name_that_moves() {
        let moving = |(_, id, facts): &(String, String, Arc<ModelFacts>)| {
            assert_eq!(facts.moves, id.ends_with("-latest"), "{id}");
            facts.moves
        };
        assert_eq!(built_in_models().iter().filter(|it| moving(it)).count(), 8);
    }

    /// Checks the names of one model, by DeepSeek's price page: `deepseek-flash` answers to the
    /// older names, as `deepseek-v4-flash` did before
    /// (<https://api-docs.deepseek.com/quick_start/pricing>).
    #[test]
    fn the_names_of_one_model_of_deepseek_are_one_model() {
        let deepseek = Catalog::built_in().of("deepseek");
        let undated = |id: &str| deepseek.models.get(id).map(|facts| facts.undated());
        for older in ["v4-flash", "v4-flash-vision-exp", "chat", "reasoner"] {
            let older = format!("deepseek-{older}");
            assert_eq!(undated(&older), Some("deepseek-flash"), "{older}");
        }
        assert_eq!(undated("deepseek-v4-pro"), Some("deepseek-v4-pro"));
    }

    /// Checks that DeepSeek is sent no schema. Its Chat Completions accept `json_object` only, and
    /// answer a schema with 400, "This response_format type is unavailable now"
    /// (<https://api-docs.deepseek.com/api/create-chat-completion>).
    #[test]
    fn no_model_of_deepseek_is_sent_a_schema() {
        let deepseek = Catalog::built_in().of("deepseek");
        assert!(deepseek.models.len() > 3);
        for (id, facts) in &deepseek.models {
            assert!(!facts.capabilities.contains(&Capability::JsonSchema), "{id}");
        }
    }
}
