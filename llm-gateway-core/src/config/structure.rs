//! Checks a file's tree against the JSON Schema: unknown keys, wrong types, unknown words and
//! numbers out of bounds.
//!
//! A typed parse would stop at the first problem; this walk finds all of them. The JSON that it
//! returns leaves out what does not fit, so that the rest can still be compiled and checked.

use serde_json::{Map, Number, Value};

use crate::model::{did_you_mean, printable};

use super::diagnostic::Collector;
use super::node::{MapEntry, Node, NodeContent};

/// The lowest price above zero that is accepted, in US dollars per million tokens. No model on the
/// market costs less than five times as much; a lower price was meant per token, or per thousand.
const LEAST_PRICE: f64 = 0.001;

/// Advice for the author of a program whose provider speaks no wire format.
const WITHOUT_KIND: &str =
    "; leave `kind` out for a provider that the program adds by `GatewayBuilder::provider`";

/// Checks `node` and returns the part of it that fits `schema`; `None` if nothing does.
pub(super) fn fitting(node: &Node, schema: &Value, problems: &mut Collector<'_>) -> Option<Value> {
    let definitions = schema.get("$defs");
    SchemaWalk { definitions, problems, path: Vec::new() }.visit(node, schema)
}

/// The walk through a tree, with the definitions that the schema refers to.
struct SchemaWalk<'a, 'b, 'c> {
    definitions: Option<&'a Value>,
    problems: &'b mut Collector<'c>,
    /// The keys that lead to the value that is being checked.
    path: Vec<String>,
}

impl<'a> SchemaWalk<'a, '_, '_> {
    /// Checks one value and returns the part of it that fits.
    fn visit(&mut self, node: &Node, schema: &'a Value) -> Option<Value> {
        let (schema, nullable) = self.resolve(schema);
        if node.content == NodeContent::Null {
            return match nullable {
                true => Some(Value::Null),
                false => self.empty(node, schema),
            };
        }
        let (schema, other) = choice(node, schema);
        if let Some(words) = words_of(schema) {
            return self.word(node, &words, other);
        }
        let expected = type_of(schema);
        match (&node.content, expected) {
            (NodeContent::Map(entries), "object") => self.mapping(node, entries, schema),
            (NodeContent::List(items), "array") => {
                let item = schema.get("items").unwrap_or(&Value::Null);
                // A mapping that does not fit leaves a hole, so that those behind it keep their
                // places.
                let hole = (type_of(self.resolve(item).0) == "object").then_some(Value::Null);
                let fitting: Vec<Value> = items
                    .iter()
                    .filter_map(|node| self.visit(node, item).or_else(|| hole.clone()))
                    .collect();
                Some(Value::Array(fitting))
            }
            (NodeContent::Bool(value), "boolean") => Some(Value::Bool(*value)),
            (NodeContent::Text(value), "string") => Some(Value::String(value.clone())),
            (NodeContent::Number(number), "number") => self.bounded(node, number, schema),
            (NodeContent::Number(number), "integer") => match whole(number) {
                Some(number) => self.bounded(node, &number, schema),
                None => self.wrong_type(node, expected),
            },
            _ => self.wrong_type(node, expected),
        }
    }

    /// Returns the name that messages give the value that is being checked: its key in quotes.
    fn name(&self) -> String {
        self.path.last().map_or_else(|| "the file".to_owned(), |key| format!("`{key}`"))
    }

    /// Returns the schema behind `$ref` and behind the `anyOf [schema, null]` of an optional value,
    /// and whether null is allowed.
    fn resolve(&self, schema: &'a Value) -> (&'a Value, bool) {
        let mut nullable = schema
            .get("type")
            .and_then(Value::as_array)
            .is_some_and(|types| types.iter().any(|t| t == "null"));
        let mut schema = schema;
        if let Some(choices) = schema.get("anyOf").and_then(Value::as_array) {
            nullable |= choices.iter().any(|choice| choice.get("type") == Some(&"null".into()));
            schema =
                choices.iter().find(|c| c.get("type") != Some(&"null".into())).unwrap_or(schema);
        }
        let name =
            schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/$defs/"));
        match name.and_then(|name| self.definitions?.get(name)) {
            Some(definition) => (definition, nullable),
            None => (schema, nullable),
        }
    }

    /// Checks a mapping key by key.
    fn mapping(&mut self, node: &Node, entries: &[MapEntry], schema: &'a Value) -> Option<Value> {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties").filter(|schema| schema.is_object());
        let mut fitting = Map::new();
        for entry in entries {
            match (properties.and_then(|known| known.get(&entry.key)), others) {
                (Some(schema), _) | (None, Some(schema)) => {
                    self.path.push(entry.key.clone());
                    let value = self.visit(&entry.value, schema);
                    self.path.pop();
                    fitting.extend(value.map(|value| (entry.key.clone(), value)));
                }
                (None, None) => self.unknown_key(entry, properties),
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        let mut whole = true;
        for key in required.filter_map(Value::as_str).filter(|key| !fitting.contains_key(*key)) {
            whole = false;
            // A required key whose value is invalid has been reported already.
            if !entries.iter().any(|entry| entry.key == key) {
                self.problems.error(
                    node.place,
                    format!("{} has no `{key}`", self.name()),
                    format!("add `{key}:`"),
                );
            }
        }
        whole.then_some(Value::Object(fitting))
    }

    /// Reports a key that the schema does not have.
    fn unknown_key(&mut self, entry: &MapEntry, known: Option<&'a Map<String, Value>>) {
        let known: Vec<&str> =
            known.into_iter().flat_map(|known| known.keys()).map(String::as_str).collect();
        let hint = did_you_mean(&entry.key, known.iter().copied(), || {
            format!("known here: {}", known.join(", "))
        });
        self.problems.error(
            entry.key_place,
            format!("unknown key `{}` in {}", entry.key, self.name()),
            hint,
        );
    }

    /// Checks that a value is one of the allowed words. `other` is what may stand in place of a
    /// word.
    fn word(&mut self, node: &Node, words: &[&str], other: Option<&str>) -> Option<Value> {
        let text = match &node.content {
            NodeContent::Text(text) => text.as_str(),
            _ => return self.wrong_type(node, "string"),
        };
        if words.contains(&text) {
            return Some(Value::String(text.to_owned()));
        }
        let hint = did_you_mean(text, words.iter().copied(), || {
            let other = other.map(|other| format!(", or {other}")).unwrap_or_default();
            let own = match self.path.as_slice() {
                [first, _, last] if first == "providers" && last == "kind" => WITHOUT_KIND,
                _ => "",
            };
            format!("use one of: {}{other}{own}", words.join(", "))
        });
        let message = format!("{} cannot be `{}`", self.name(), shown(text));
        self.problems.error(node.place, message, hint);
        None
    }

    /// Checks that a number is within the bounds of its schema.
    fn bounded(&mut self, node: &Node, number: &Number, schema: &Value) -> Option<Value> {
        let (name, is_price) = (self.name(), self.path.last().is_some_and(|key| is_price(key)));
        let bound = |key| schema.get(key).and_then(Value::as_f64);
        let (value, lowest, highest) = (number.as_f64()?, bound("minimum"), bound("maximum"));
        if is_price && value > 0.0 && value < LEAST_PRICE {
            let message =
                format!("{name} is {number}, which can only be the price of another unit");
            let hint =
                "write US dollars per 1 000 000 tokens: 0.15 for 0.00000015 a token; 0 = free";
            self.problems.error(node.place, message, hint);
            return None;
        }
        if lowest.is_some_and(|lowest| value < lowest)
            || highest.is_some_and(|highest| value > highest)
        {
            let hint = match (lowest, highest) {
                (Some(lowest), Some(highest)) => format!("use a number from {lowest} to {highest}"),
                (Some(lowest), None) => format!("use a number of at least {lowest}"),
                (None, highest) => {
                    format!("use a number of at most {}", highest.unwrap_or_default())
                }
            };
            let unit = if is_price && value > 0.0 {
                "; prices are US dollars per 1 000 000 tokens"
            } else {
                ""
            };
            let message = format!("{name} is {number}, which is out of bounds");
            self.problems.error(node.place, message, hint + unit);
            return None;
        }
        Some(Value::Number(number.clone()))
    }

    /// Reports that a value is missing, with the keys that lead to it: the value alone would not
    /// say which task class or model it belongs to.
    fn empty(&mut self, node: &Node, schema: &Value) -> Option<Value> {
        let words = words_of(schema);
        let wanted = words.map_or_else(|| wanted(type_of(schema)).to_owned(), |it| it.join(" or "));
        let (name, way_out) = match self.path.is_empty() {
            true => ("the file".to_owned(), ""),
            false => (format!("`{}`", self.path.join(".")), ", or take the key away"),
        };
        let message = format!("{name} is empty, not {wanted}");
        self.problems.error(node.place, message, format!("write {wanted} here{way_out}"));
        None
    }

    /// Reports a value of the wrong type.
    fn wrong_type(&mut self, node: &Node, expected: &str) -> Option<Value> {
        let found = describe(&node.content);
        let wanted = wanted(expected);
        let hint = match (&node.content, expected) {
            (NodeContent::Number(number), "string") => format!("put it in quotes: \"{number}\""),
            (NodeContent::Bool(value), "string") => format!("put it in quotes: \"{value}\""),
            (NodeContent::Text(text), "number" | "integer")
                if text.trim().parse::<f64>().is_ok() =>
            {
                format!("take the quotes off: {text}")
            }
            (NodeContent::Text(text), "boolean")
                if matches!(text.as_str(), "yes" | "on" | "Yes" | "True") =>
            {
                "write true".to_owned()
            }
            (NodeContent::Text(text), "boolean")
                if matches!(text.as_str(), "no" | "off" | "No" | "False") =>
            {
                "write false".to_owned()
            }
            _ => format!("write {wanted} here"),
        };
        let message = format!("{} is {found}, not {wanted}", self.name());
        self.problems.error(node.place, message, hint);
        None
    }
}

/// Returns the schema that a value is checked against where a number or a word may stand, and what
/// else may stand there: the words for a text that is no number, else the number.
fn choice<'a>(node: &Node, schema: &'a Value) -> (&'a Value, Option<&'static str>) {
    let choices = schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice);
    let Some([number, words]) = choices else { return (schema, None) };
    match &node.content {
        NodeContent::Text(text) if text.trim().parse::<f64>().is_err() => {
            (words, Some(wanted(type_of(number))))
        }
        _ => (number, None),
    }
}

/// Returns a number as a whole one, however it is held; `None` if it has a fraction, or is too
/// large to be counted.
fn whole(number: &Number) -> Option<Number> {
    if number.is_u64() || number.is_i64() {
        return Some(number.clone());
    }
    let value = number.as_f64().filter(|value| value.is_finite() && value.fract() == 0.0)?;
    // Without `-0`, which is no integer of its own.
    let written = format!("{:.0}", value + 0.0);
    let positive = written.parse::<u64>().map(Number::from);
    positive.or_else(|_| written.parse::<i64>().map(Number::from)).ok()
}

/// Returns the name of a type in messages.
fn wanted(expected: &str) -> &'static str {
    match expected {
        "object" => "a mapping (`key: value` lines)",
        "array" => "a list (`- item` lines)",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "text",
    }
}

/// Returns whether a key is that of a price.
fn is_price(key: &str) -> bool {
    matches!(key, "in" | "out" | "cache_read" | "cache_write")
}

/// Describes a value for a message.
fn describe(content: &NodeContent) -> String {
    match content {
        NodeContent::Null => "empty".to_owned(),
        NodeContent::Bool(value) => format!("`{value}`"),
        NodeContent::Number(number) => format!("the number {number}"),
        NodeContent::Text(text) => format!("the text `{}`", shown(text)),
        NodeContent::List(_) => "a list".to_owned(),
        NodeContent::Map(_) => "a mapping".to_owned(),
    }
}

/// Returns the beginning of a text in a form that can be shown.
fn shown(text: &str) -> String {
    let mut shown = printable(text, 60);
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Returns the type that a schema requires, apart from `null`.
fn type_of(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("string")
        }
        _ => "object",
    }
}

/// Returns the words of an enum, in either of the two forms that the schema generator writes;
/// `None` if the schema is not an enum.
fn words_of(schema: &Value) -> Option<Vec<&str>> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return Some(words.iter().filter_map(Value::as_str).collect());
    }
    let choices = schema.get("oneOf").and_then(Value::as_array)?;
    Some(
        choices.iter().filter_map(|choice| choice.get("const")).filter_map(Value::as_str).collect(),
    )
}
