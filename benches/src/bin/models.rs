//! Compares `llm-gateway-core/data/models.json` with a newer table of facts, and prints what moved.
//!
//! A person decides what of it goes into the data, and looks it up at the row's `source`: a table
//! of facts may be wrong or incomplete.
//!
//!     cargo run -p llm-gateway-benches --bin models -- FACTS.json
//!
//! The table is JSON: `providers.NAME.ID` with `in`, `out`, `cache_read` and `cache_write` in US
//! dollars per million tokens, `context` and `max_output` in tokens, `deprecation_date` as
//! `YYYY-MM-DD`, and `api`, of which only `chat` concerns the provider `openai`.

#![allow(clippy::print_stdout)] // what moved is what it is asked for

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::{Map, Value};

/// The data that the library is built with.
const MODELS: &str = include_str!("../../../llm-gateway-core/data/models.json");

/// The fields that are compared: the name in the data, and the name in the table.
const FIELDS: &[(&str, &str)] = &[
    ("in", "in"),
    ("out", "out"),
    ("cache_read", "cache_read"),
    ("cache_write", "cache_write"),
    ("context", "context"),
    ("max_output", "max_output"),
    ("retires", "deprecation_date"),
];

fn main() -> anyhow::Result<()> {
    let path = std::env::args().nth(1).context("name the table of facts: models FACTS.json")?;
    let facts = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let facts: Value = serde_json::from_str(&facts).with_context(|| path.clone())?;
    let data: Value = serde_json::from_str(MODELS)?;
    let moved = moved(&data, &facts);
    for line in &moved {
        println!("{line}");
    }
    println!("{} differences", moved.len());
    Ok(())
}

/// Returns what differs between the data and the table, one line for each difference, in order.
fn moved(data: &Value, facts: &Value) -> Vec<String> {
    let rows = rows(data);
    let mut lines = Vec::new();
    let providers = facts.get("providers").and_then(Value::as_object);
    for (provider, table) in providers.into_iter().flatten() {
        for (id, told) in table.as_object().into_iter().flatten() {
            let is_other_api =
                told.get("api").and_then(Value::as_str).is_some_and(|api| api != "chat");
            match rows.get(&(provider.as_str(), id.as_str())) {
                Some(row) => lines.extend(changes(&format!("{provider}/{id}"), row, id, told)),
                None if is_other_api => {}
                None => lines.push(format!("{provider}/{id}: no row; the table has {told}")),
            }
        }
    }
    let table = |provider: &str| facts.get("providers").and_then(|all| all.get(provider));
    let known = |provider: &str, id: &str| table(provider).is_some_and(|it| it.get(id).is_some());
    let gone = rows.keys().filter(|(provider, id)| !known(provider, id));
    lines.extend(gone.map(|(provider, id)| format!("{provider}/{id}: not in the table")));
    lines.sort();
    lines
}

/// Returns the rows of the data by provider and id, aliases included.
fn rows(data: &Value) -> BTreeMap<(&str, &str), &Map<String, Value>> {
    let mut rows = BTreeMap::new();
    for row in data
        .get("models")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
    {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let aliases = row.get("aliases").and_then(Value::as_array).into_iter().flatten();
        for id in aliases.filter_map(Value::as_str).chain([text("id")]) {
            rows.insert((text("provider"), id), row);
        }
    }
    rows
}

/// Returns the differences between a row and what the table says of `id`.
fn changes(name: &str, row: &Map<String, Value>, id: &str, told: &Value) -> Vec<String> {
    let of_alias = row.get("alias_retires").and_then(|dates| dates.get(id));
    let is_alias = row.get("id").and_then(Value::as_str) != Some(id);
    let mut lines = Vec::new();
    for (ours, theirs) in FIELDS {
        let here = match *ours {
            "retires" if is_alias => of_alias,
            field => row.get(field),
        };
        let there = told.get(theirs);
        if !is_same(here, there) {
            let shown =
                |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
            lines.push(format!(
                "{name}: {ours} is {}, the table has {}",
                shown(here),
                shown(there)
            ));
        }
    }
    lines
}

/// Returns whether two values are equal, `1` and `1.0` included.
fn is_same(here: Option<&Value>, there: Option<&Value>) -> bool {
    match (here.and_then(Value::as_f64), there.and_then(Value::as_f64)) {
        (Some(here), Some(there)) => (here - there).abs() < 1e-9,
        _ => here == there,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_moved_is_told_and_what_did_not_is_not() {
        let data = json!({"models": [
            {"provider": "p", "id": "a", "aliases": ["a-1"], "in": 1, "out": 2, "context": 10},
            {"provider": "p", "id": "gone", "in": 1, "out": 2},
        ]});
        let facts = json!({"providers": {"p": {
            "a": {"in": 1.0, "out": 3, "context": 10},
            "a-1": {"in": 1, "out": 2, "context": 10, "deprecation_date": "2099-01-01"},
            "new": {"api": "chat"},
            "other": {"api": "responses"},
        }}});
        assert_eq!(
            moved(&data, &facts),
            [
                "p/a-1: retires is nothing, the table has \"2099-01-01\"",
                "p/a: out is 2, the table has 3",
                "p/gone: not in the table",
                "p/new: no row; the table has {\"api\":\"chat\"}",
            ]
        );
    }

    #[test]
    fn the_data_of_the_repository_can_be_compared() {
        let data: Value = serde_json::from_str(MODELS).unwrap();
        assert!(rows(&data).len() > 80);
        let said = moved(&data, &json!({"providers": {}}));
        assert_eq!(said.len(), rows(&data).len());
    }
}
