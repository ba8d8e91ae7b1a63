//! The serde mirror of the key `output` in `routing.yaml`, in which nothing is checked. An editor
//! shows the doc comments, so they speak to the person who edits the file.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// What results hold and how large they are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOutput {
    /// The largest result of an MCP tool, in characters of JSON; default: 30000. The tool
    /// `llm_result` has the rest of a longer text.
    #[schemars(range(min = 2_000, max = 10_000_000))]
    pub(super) max_chars: Option<usize>,
    /// The most bytes of answers that are being read at the same time, over all requests, in
    /// mebibytes; default: 128.
    #[schemars(range(min = 1, max = 65_536))]
    pub(super) max_bytes_in_flight_mb: Option<u32>,
    /// Seconds after which a call of an MCP tool that is not done is answered with the status
    /// `running`, and goes on; the tool `llm_result` collects the result. 0 = never; `auto` (the
    /// default) = 10 seconds before the client gives the call up, where that is known.
    pub(super) handoff_after_s: Option<RawHandOff>,
    /// How much the results of MCP tools say of how they came to be; default: full.
    pub(super) detail: Option<RawDetail>,
}

/// A number of seconds, or `auto`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
pub(super) enum RawHandOff {
    Seconds(f64),
    Word(RawAuto),
}

/// The word for a time that the gateway chooses.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawAuto {
    Auto,
}

/// How much a result says of how it came to be.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawDetail {
    /// Everything that is known.
    Full,
    /// What is as expected is left out: a single good attempt, a passed price check, why a claim
    /// passed.
    Brief,
}

impl JsonSchema for RawHandOff {
    fn schema_name() -> Cow<'static, str> {
        "RawHandOff".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of seconds, or `auto`.",
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 3_600 },
                { "type": "string", "enum": ["auto"] },
            ],
        })
    }
}
