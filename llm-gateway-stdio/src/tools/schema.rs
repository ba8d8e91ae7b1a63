//! Builds the JSON Schema of a tool's arguments, by the policy in force.
//!
//! The schema is flat, because some clients drop what is nested.

use llm_gateway_core::describe::Description;
use llm_gateway_core::policy::Orchestration;
use rmcp::model::JsonObject;
use serde_json::Value;

use crate::arguments::{Argument, Kind};

/// The pattern of a model id. A lookahead against `..` would be more than every client can read.
const MODEL_ID: &str = "^[A-Za-z0-9._:/@-]{1,128}$";

/// Returns the JSON Schema of the arguments that a tool takes.
pub(super) fn schema(arguments: &[Argument], gateway: Option<&Description>) -> JsonObject {
    let described = |argument: &Argument| {
        (argument.name.to_owned(), Value::Object(property(argument, gateway)))
    };
    let is_required = |argument: &&Argument| {
        argument.required || (argument.name == "depth" && must_name_depth(gateway))
    };
    let required: Vec<_> = arguments.iter().filter(is_required).map(|a| a.name).collect();
    let mut schema = JsonObject::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), arguments.iter().map(described).collect());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

/// Returns the JSON Schema of one argument of a tool.
fn property(argument: &Argument, gateway: Option<&Description>) -> JsonObject {
    let mut property = JsonObject::new();
    // What is refused is told here too: some clients check a call by the schema, and their models
    // then see no message of ours.
    let (kind, limit): (&str, Option<(&str, Value)>) = match argument.kind {
        Kind::Text => ("string", None),
        Kind::FullText => ("string", Some(("minLength", 1.into()))),
        Kind::ModelId => ("string", Some(("pattern", MODEL_ID.into()))),
        Kind::Integer => ("integer", Some(("minimum", 1.into()))),
    };
    property.insert("type".to_owned(), kind.into());
    property.extend(limit.map(|(name, limit)| (name.to_owned(), limit)));
    let mut description = argument.description.to_owned();
    if argument.name == "depth" && has_default_depth(gateway) {
        let default = Orchestration::DEFAULT_DEPTH;
        description = format!("{}; default: {default}.", description.trim_end_matches('.'));
    }
    property.insert("description".to_owned(), description.into());
    let names = choices(argument, gateway);
    // Some clients reject a schema with an empty enum.
    if !names.is_empty() {
        property.insert("enum".to_owned(), names.into());
    }
    property
}

/// Returns the values that a tool's argument may have, if the policy lists them; otherwise none.
fn choices<'a>(argument: &Argument, gateway: Option<&'a Description>) -> Vec<&'a str> {
    match (argument.name, gateway) {
        ("task_class", Some(gateway)) => {
            gateway.task_classes.iter().map(|class| class.name.as_str()).collect()
        }
        ("depth", gateway) => depths(gateway).iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn depths(gateway: Option<&Description>) -> &[String] {
    gateway.map(|gateway| gateway.orchestration_depths.as_slice()).unwrap_or_default()
}

fn has_default_depth(gateway: Option<&Description>) -> bool {
    depths(gateway).iter().any(|name| name == Orchestration::DEFAULT_DEPTH)
}

/// Returns whether a call must name a depth: the policy has depths, and none is the default.
///
/// Where no depth can run, a call without one is refused with the reason why.
fn must_name_depth(gateway: Option<&Description>) -> bool {
    !depths(gateway).is_empty() && !has_default_depth(gateway)
}
