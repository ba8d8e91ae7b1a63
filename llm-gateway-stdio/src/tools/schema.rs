//! The JSON Schema of a tool's arguments, by the policy in force. It is flat, because clients drop
//! what is nested.

use llm_gateway_core::describe::Description;
use llm_gateway_core::policy::Orchestration;
use rmcp::model::JsonObject;
use serde_json::Value;

use crate::arguments::{Argument, Kind};

/// What a client is told of the arguments that a tool takes.
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

/// The schema of one argument.
fn property(argument: &Argument, gateway: Option<&Description>) -> JsonObject {
    let mut property = JsonObject::new();
    match argument.kind {
        Kind::Text => {
            property.insert("type".to_owned(), "string".into());
        }
        Kind::Integer => {
            property.insert("type".to_owned(), "integer".into());
            property.insert("minimum".to_owned(), 1.into());
        }
    }
    let mut description = argument.description.to_owned();
    if argument.name == "depth" && has_default_depth(gateway) {
        let default = Orchestration::DEFAULT_DEPTH;
        description = format!("{}; default: {default}.", description.trim_end_matches('.'));
    }
    property.insert("description".to_owned(), description.into());
    let names = choices(argument, gateway);
    // An enum without a word is no schema to some clients.
    if !names.is_empty() {
        property.insert("enum".to_owned(), names.into());
    }
    property
}

/// The words that an argument takes, where the policy names them.
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

/// Whether a call without a depth is refused for that. Where no depth can run, it is refused for
/// what keeps them from running.
fn must_name_depth(gateway: Option<&Description>) -> bool {
    !depths(gateway).is_empty() && !has_default_depth(gateway)
}
