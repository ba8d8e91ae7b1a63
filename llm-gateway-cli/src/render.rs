//! What the gateway says, as tables for people.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use llm_gateway_core::{Description, KeyState, RouteKind, TaskClassDescription};

use crate::terminal::harmless;

/// Task classes: name, who answers, whether it can run.
pub(crate) fn task_classes(classes: &[TaskClassDescription]) -> String {
    let mut table = table(&["task class", "answered by", "can run"]);
    for class in classes {
        let targets: Vec<String> = class.targets.iter().map(ToString::to_string).collect();
        let targets = match class.kind {
            RouteKind::Single => targets.join("\nelse "),
            _ => targets.join("\nand "),
        };
        let state = match &class.unavailable_because {
            None => Cell::new("yes").fg(Color::Green),
            Some(why) => Cell::new(format!("no: {why}")).fg(Color::Yellow),
        };
        table.add_row([
            Cell::new(&class.name),
            Cell::new(class.kind.as_str()),
            Cell::new(targets),
            state,
        ]);
    }
    // A model id that is broken over two lines cannot be copied; only the last column may wrap.
    let whole = ColumnConstraint::ContentWidth;
    table.set_constraints([whole, whole]);
    table.to_string()
}

/// Providers: name, wire format, key, base URL.
pub(crate) fn providers(description: &Description) -> String {
    let mut table = table(&["provider", "speaks", "key", "base URL"]);
    for provider in &description.providers {
        let variable = provider.key_variable.as_deref().unwrap_or_default();
        let key = match provider.key {
            KeyState::Set => Cell::new(format!("{variable} is set")).fg(Color::Green),
            KeyState::Missing => Cell::new(format!("{variable} is missing")).fg(Color::Yellow),
            _ => Cell::new("not needed"),
        };
        table.add_row([
            Cell::new(&provider.name),
            Cell::new(provider.kind.as_str()),
            key,
            Cell::new(harmless(&provider.base_url)),
        ]);
    }
    table.to_string()
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    // Styled always: the terminal takes colour out where none is wanted.
    table.enforce_styling();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    table
}
