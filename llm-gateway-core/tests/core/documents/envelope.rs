//! The reference of the envelope, generated from the schema of its types.

use std::fmt::Write;

use llm_gateway_core::Envelope;
use serde_json::Value;

use super::generated;
use super::page::Page;

const PAGE: &str = "docs/envelope.md";

/// The line of the page below which everything is generated.
const MARK: &str = "<!-- Generated from the types: everything below this line. -->\n\n";

#[test]
fn the_schema_of_the_envelope_in_the_repository_is_the_generated_one() {
    generated("docs/envelope.schema.json", &format!("{:#}\n", Envelope::json_schema()));
}

#[test]
fn the_reference_of_the_envelope_is_the_generated_one() {
    let page = Page::at(PAGE);
    let (written, _) = page.text.split_once(MARK).expect("the page has the mark");
    let reference = reference(&Envelope::json_schema());
    generated(PAGE, &format!("{written}{MARK}{reference}"));
}

/// Returns the schema as a table of shapes, and a table of fields or values for each type.
fn reference(schema: &Value) -> String {
    let mut page = String::new();
    table(&mut page, ["field", "type", "meaning"]);
    for (name, field) in fields(&schema["properties"]) {
        field_row(&mut page, name, field, &schema["required"]);
    }
    page.push_str(
        "\n## Shapes\n\n`data` and `meta` depend on what was asked for and how it ended.\n\n",
    );
    table(&mut page, ["shape", "`status`", "`data`", "`meta`"]);
    for shape in schema["anyOf"].as_array().unwrap() {
        let properties = &shape["properties"];
        let statuses = properties["status"]["enum"].as_array().unwrap();
        let statuses: Vec<String> =
            statuses.iter().map(|status| format!("`{}`", text(status))).collect();
        let about = format!("**{}**: {}", text(&shape["title"]), text(&shape["description"]));
        let (data, meta) = (kind(&properties["data"]), kind(&properties["meta"]));
        row(&mut page, [&about, &statuses.join(", "), &data, &meta]);
    }
    page.push_str("\n## Types\n");
    for (name, definition) in fields(&schema["$defs"]) {
        write!(
            page,
            "\n### {name}\n\n{}\n\n",
            plain(definition["description"].as_str().unwrap_or(""))
        )
        .unwrap();
        match definition["oneOf"].as_array() {
            Some(values) => {
                table(&mut page, ["value", "meaning"]);
                for value in values {
                    let name = format!("`{}`", text(&value["const"]));
                    row(&mut page, [&name, &plain(text(&value["description"]))]);
                }
            }
            None => {
                table(&mut page, ["field", "type", "meaning"]);
                for (name, field) in fields(&definition["properties"]) {
                    field_row(&mut page, name, field, &definition["required"]);
                }
            }
        }
    }
    page
}

fn fields(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().unwrap().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn table<const N: usize>(page: &mut String, head: [&str; N]) {
    row(page, head);
    writeln!(page, "|{}", "---|".repeat(N)).unwrap();
}

fn row<const N: usize>(page: &mut String, cells: [&str; N]) {
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

fn field_row(page: &mut String, name: &str, field: &Value, required: &Value) {
    let is_required = required.as_array().is_some_and(|names| names.iter().any(|it| it == name));
    let optional = if is_required { "" } else { ", optional" };
    let name = format!("`{name}`{optional}");
    row(page, [&name, &kind(field), &plain(field["description"].as_str().unwrap_or(""))]);
}

/// Returns the kind of a schema's value, with links to the types.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/$defs/");
        return match name {
            "#" => "[envelope](#the-envelope)".to_owned(),
            name => format!("[{name}](#{})", name.to_lowercase()),
        };
    }
    if let Some(either) = schema["anyOf"].as_array() {
        return either.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(&schema["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ if schema["const"].is_boolean() => "boolean".to_owned(),
        _ => "any".to_owned(),
    }
}

/// Returns a description without links of rustdoc: ``[`A`](b::A)`` reads `A`.
fn plain(description: &str) -> String {
    let mut parts = description.split("[`");
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (name, rest) = part.split_once("`]").unwrap();
        let rest = match rest.strip_prefix('(') {
            Some(target) => target.split_once(')').unwrap().1,
            None => rest,
        };
        write!(plain, "`{name}`{rest}").unwrap();
    }
    plain
}

#[test]
fn a_description_is_shown_without_the_links_of_rustdoc() {
    assert_eq!(plain("as [`A`](super::A) and [`B`] (c) have it"), "as `A` and `B` (c) have it");
}
