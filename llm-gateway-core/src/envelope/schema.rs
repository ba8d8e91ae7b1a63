//! The JSON Schema of the envelope, generated from the types that it is built from.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::Status;
use super::answer::{AnswerData, AnswerMeta};
use super::cascade::{CascadeData, CascadeMeta};
use super::description::DescriptionMeta;
use super::failure::{BegunMeta, ErrorMeta, FailureMeta, ProblemsData};
use super::orchestration::{OrchestrationData, OrchestrationMeta};
use super::pages::{PageData, PageMeta};
use super::panel::{PanelData, PanelMeta};
use super::partial::FailureData;
use super::running::RunningMeta;

/// One shape that an envelope can have, such as that of a panel.
struct EnvelopeShape {
    title: &'static str,
    description: &'static str,
    statuses: &'static [&'static str],
    data: Data,
    /// The JSON schema of the shape's `meta`.
    meta: Value,
}

/// The JSON schema of a shape's `data`, and whether the shape always has one, or never.
enum Data {
    Always(Value),
    Sometimes(Value),
    Never,
}

/// The only status of every envelope shape in which something failed.
const ERROR: &[&str] = &["error"];

pub(super) fn json_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let shapes: Vec<Value> =
        shapes(&mut generator).into_iter().map(EnvelopeShape::schema).collect();
    let mut status = of::<Status>(&mut generator);
    if let Value::Object(fields) = &mut status {
        fields.insert("description".to_owned(), "How the request ended.".into());
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Envelope",
        "description": "What every request, tool and command of llm-gateway returns.",
        "type": "object",
        "properties": {
            "status": status,
            "error": {
                "type": "string",
                "description": "One sentence for a person. Present where the status is `error`.",
            },
            "data": { "description": "The result. Absent where there is none." },
            "meta": {
                "type": "object",
                "description": "How the result came to be: cost, tokens, attempts, hints.",
                "properties": everywhere(),
            },
        },
        "required": ["status", "meta"],
        "anyOf": shapes,
        "$defs": generator.take_definitions(true),
    });
    join_lines(&mut schema);
    schema
}

/// Returns the JSON schema of those fields of `meta` that an envelope of any shape may have.
fn everywhere() -> Value {
    json!({
        "truncated": {
            "const": true,
            "description": "Present where the envelope was shortened to a bound on \
                its size. Texts, strings and lists may then be cut, and a list may \
                end with a string that counts the entries which were left out.",
        },
        "pages": {
            "type": "integer",
            "minimum": 1,
            "description": "The number of pages that the whole text of the result \
                has, which the tool `llm_result` returns one by one. Present in a \
                page, and where the envelope of a run was shortened.",
        },
        "member": {
            "type": "integer",
            "minimum": 1,
            "description": "The position of the member, from 1. Present in the \
                envelope of a panel's member.",
        },
    })
}

/// Joins the lines of every description in a JSON schema, which are broken where the source's lines
/// are.
fn join_lines(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(join_lines),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "description" => {
                        *text = text.replace("\n\n", " ").replace('\n', " ")
                    }
                    other => join_lines(other),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shapes(generator: &mut SchemaGenerator) -> Vec<EnvelopeShape> {
    let problems = of::<ProblemsData<'_>>(generator);
    let failure = json!({ "anyOf": [of::<FailureData<'_>>(generator), &problems] });
    let panel = of::<PanelData<'_>>(generator);
    let orchestration = of::<OrchestrationData<'_>>(generator);
    let mut shapes = reply_shapes(generator, &panel, &orchestration);
    let data = [failure, problems, panel, orchestration];
    shapes.extend(failure_shapes(generator, data));
    shapes.extend(run_shapes(generator));
    shapes.push(EnvelopeShape {
        title: "Description",
        description: "A gateway described what it can do, as `llm_routing_info` does.",
        statuses: &["success"],
        data: Data::Always(json!({})),
        meta: of::<DescriptionMeta>(generator),
    });
    shapes.push(EnvelopeShape {
        title: "Other",
        description: "A command returned something else, such as a spend report.",
        statuses: &["success"],
        data: Data::Always(json!({})),
        meta: json!({ "type": "object" }),
    });
    shapes
}

/// Returns the shapes of the envelopes of replies.
fn reply_shapes(
    generator: &mut SchemaGenerator,
    panel: &Value,
    orchestration: &Value,
) -> Vec<EnvelopeShape> {
    vec![
        EnvelopeShape {
            title: "Answer",
            description: "One model answered.",
            statuses: &["success"],
            data: Data::Always(of::<AnswerData>(generator)),
            meta: of::<AnswerMeta<'_>>(generator),
        },
        EnvelopeShape {
            title: "Panel",
            description: "The members of a panel answered.",
            statuses: &["success"],
            data: Data::Always(panel.clone()),
            meta: of::<PanelMeta<'_>>(generator),
        },
        EnvelopeShape {
            title: "Cascade",
            description: "The gate or the strong model of a cascade answered.",
            statuses: &["success"],
            data: Data::Always(of::<CascadeData<'_>>(generator)),
            meta: of::<CascadeMeta<'_>>(generator),
        },
        EnvelopeShape {
            title: "Orchestration",
            description: "An orchestration came to its end.",
            statuses: &["success", "needs_human_review", "unverified"],
            data: Data::Always(orchestration.clone()),
            meta: of::<OrchestrationMeta<'_>>(generator),
        },
    ]
}

/// Returns the shapes of the envelopes that the tool `llm_result` has of its own.
fn run_shapes(generator: &mut SchemaGenerator) -> Vec<EnvelopeShape> {
    vec![
        EnvelopeShape {
            title: "Running",
            description: "A run is not done and goes on.",
            statuses: &["running"],
            data: Data::Never,
            meta: of::<RunningMeta<'_>>(generator),
        },
        EnvelopeShape {
            title: "Page",
            description: "A slice of the whole text of a run, with the status of the run and, \
                where it failed, the beginning of its `error`.",
            statuses: &["success", "needs_human_review", "unverified", "error"],
            data: Data::Always(of::<PageData<'_>>(generator)),
            meta: of::<PageMeta<'_>>(generator),
        },
    ]
}

/// Returns the shapes of the envelopes in which something failed.
fn failure_shapes(
    generator: &mut SchemaGenerator,
    [failure, problems, panel, orchestration]: [Value; 4],
) -> Vec<EnvelopeShape> {
    vec![
        EnvelopeShape {
            title: "Failure",
            description: "A request failed or was stopped. `data` is present where the model had \
                written the beginning of an answer, where the gate of a cascade had answered, or \
                where the policy cannot be used.",
            statuses: ERROR,
            data: Data::Sometimes(failure),
            meta: of::<FailureMeta<'_>>(generator),
        },
        EnvelopeShape {
            title: "Failed panel",
            description: "A panel was asked and failed: the quorum, or the independence, is \
                missing.",
            statuses: ERROR,
            data: Data::Always(panel),
            meta: of::<BegunMeta<'_, PanelMeta<'_>>>(generator),
        },
        EnvelopeShape {
            title: "Failed orchestration",
            description: "An orchestration failed after its first step, or was stopped.",
            statuses: ERROR,
            data: Data::Always(orchestration),
            meta: of::<BegunMeta<'_, OrchestrationMeta<'_>>>(generator),
        },
        EnvelopeShape {
            title: "Error",
            description: "Something failed before there was a request, or a command failed.",
            statuses: ERROR,
            data: Data::Sometimes(problems),
            meta: of::<ErrorMeta<'_>>(generator),
        },
    ]
}

impl EnvelopeShape {
    fn schema(self) -> Value {
        let mut required = vec!["status", "meta"];
        let mut properties = serde_json::Map::new();
        properties.insert("status".to_owned(), json!({ "enum": self.statuses }));
        if self.statuses == ERROR {
            properties.insert("error".to_owned(), json!({ "type": "string" }));
            required.insert(1, "error");
        }
        let data = match self.data {
            Data::Always(schema) => {
                required.push("data");
                Some(schema)
            }
            Data::Sometimes(schema) => Some(schema),
            Data::Never => None,
        };
        properties.extend(data.map(|schema| ("data".to_owned(), schema)));
        properties.insert("meta".to_owned(), self.meta);
        json!({
            "title": self.title,
            "description": self.description,
            "properties": properties,
            "required": required,
        })
    }
}

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().into()
}
