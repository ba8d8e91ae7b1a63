//! A policy that a program holds as a JSON value.
//!
//! The value becomes the tree that is compiled without becoming YAML, which forbids some characters
//! that JSON texts may hold, and reads some keys in its own way. So that problems can name a line,
//! the value is written over several lines, and each part of the tree knows its place there.

use serde_json::{Map, Value};

use super::diagnostic::FilePosition;
use super::node::{DEEPEST, MapEntry, Node, NodeContent, SyntaxError};

/// A policy as a JSON value, with the text in which its problems have their places.
///
/// ```
/// use llm_gateway_core::Gateway;
/// use llm_gateway_core::config::{JsonPolicy, PolicySource};
/// use serde_json::json;
///
/// let policy = json!({"defaults": {"ask": {"provider": "openai", "model": "gpt-6-luna"}}});
/// let source = PolicySource::Value(JsonPolicy::new(&policy));
/// let gateway = Gateway::builder().policy(source).offline().build()?;
/// assert!(gateway.policy().is_ok());
/// # Ok::<(), llm_gateway_core::config::PolicyProblems>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPolicy {
    text: String,
    root: Result<Node, SyntaxError>,
}

impl JsonPolicy {
    /// Creates a policy from a JSON value of the same shape as the policy file. Parts that are
    /// nested too deep are a problem of the policy, which building a gateway reports.
    pub fn new(value: &Value) -> Self {
        let mut writer = Writer::default();
        let root = writer.node(value, 0);
        Self { text: writer.text, root }
    }

    /// Returns the text of the policy, over several lines.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the tree of the policy.
    ///
    /// # Errors
    /// Fails if parts are nested too deep.
    pub(super) fn root(&self) -> Result<Node, SyntaxError> {
        self.root.clone()
    }
}

/// Writes a value as text, and notes where each of its parts begins.
#[derive(Default)]
struct Writer {
    text: String,
    /// The lines that are written.
    lines: u32,
    /// The characters of the current line that are written.
    columns: u32,
}

impl Writer {
    /// Returns the place of what is written next.
    fn place(&self) -> FilePosition {
        let next = |written: u32| written.saturating_add(1);
        FilePosition { line: next(self.lines), column: next(self.columns) }
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        self.columns = self.columns.saturating_add(characters);
    }

    /// Begins a line of a part that is `depth` deep.
    fn begin_line(&mut self, depth: usize) {
        self.text.push('\n');
        self.lines = self.lines.saturating_add(1);
        self.columns = 0;
        self.write(&"  ".repeat(depth));
    }

    /// Writes a value that is `depth` deep, and returns its node.
    fn node(&mut self, value: &Value, depth: usize) -> Result<Node, SyntaxError> {
        let place = self.place();
        let content = match value {
            Value::Array(_) | Value::Object(_) if depth >= DEEPEST => {
                return Err(SyntaxError::too_deep(place));
            }
            Value::Array(items) => self.list(items, depth)?,
            Value::Object(entries) => self.map(entries, depth)?,
            scalar => {
                self.write(&scalar.to_string());
                scalar_content(scalar)
            }
        };
        Ok(Node { place, content })
    }

    fn list(&mut self, items: &[Value], depth: usize) -> Result<NodeContent, SyntaxError> {
        let mut list = Vec::with_capacity(items.len());
        self.write("[");
        for item in items {
            self.begin_part(list.is_empty(), depth);
            list.push(self.node(item, depth + 1)?);
        }
        self.end(list.is_empty(), depth, "]");
        Ok(NodeContent::List(list))
    }

    fn map(
        &mut self,
        entries: &Map<String, Value>,
        depth: usize,
    ) -> Result<NodeContent, SyntaxError> {
        let mut map = Vec::with_capacity(entries.len());
        self.write("{");
        for (key, value) in entries {
            self.begin_part(map.is_empty(), depth);
            let key_place = self.place();
            self.write(&Value::from(key.as_str()).to_string());
            self.write(": ");
            let value = self.node(value, depth + 1)?;
            map.push(MapEntry { key: key.clone(), key_place, value });
        }
        self.end(map.is_empty(), depth, "}");
        Ok(NodeContent::Map(map))
    }

    /// Begins an item or an entry on a line of its own.
    fn begin_part(&mut self, is_first: bool, depth: usize) {
        if !is_first {
            self.write(",");
        }
        self.begin_line(depth + 1);
    }

    /// Ends a list or a mapping.
    fn end(&mut self, is_empty: bool, depth: usize, bracket: &str) {
        if !is_empty {
            self.begin_line(depth);
        }
        self.write(bracket);
    }
}

/// Returns the content of a value that has no parts.
fn scalar_content(value: &Value) -> NodeContent {
    match value {
        Value::Bool(value) => NodeContent::Bool(*value),
        Value::Number(number) => NodeContent::Number(number.clone()),
        Value::String(text) => NodeContent::Text(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => NodeContent::Null,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Number, json};

    use super::*;
    use crate::config::node;

    /// Returns the value that a node holds.
    fn value_of(node: &Node) -> Value {
        match &node.content {
            NodeContent::Null => Value::Null,
            NodeContent::Bool(value) => Value::Bool(*value),
            NodeContent::Number(number) => Value::Number(number.clone()),
            NodeContent::Text(text) => Value::String(text.clone()),
            NodeContent::List(items) => items.iter().map(value_of).collect(),
            NodeContent::Map(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), value_of(&entry.value))).collect()
            }
        }
    }

    fn values(texts: &'static str) -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i64>().prop_map(Number::from),
            any::<u64>().prop_map(Number::from),
            any::<f64>().prop_filter_map("finite", Number::from_f64),
        ];
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            number.prop_map(Value::Number),
            texts.prop_map(Value::String),
        ];
        scalar.prop_recursive(6, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((texts, inner), 0..6)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_held_whole(value in values("\\PC{0,8}|[\\u{0}-\\u{a0}\\u{2028}\\u{fffe}]{0,8}")) {
            let policy = JsonPolicy::new(&value);
            prop_assert_eq!(policy.text(), format!("{value:#}"));
            prop_assert_eq!(value_of(&policy.root().unwrap()), value);
        }

        /// Compares the places with those that the reader of files finds in the same text.
        #[test]
        fn every_part_has_the_place_that_it_has_in_a_file(value in values("[a-z é€]{1,8}")) {
            let policy = JsonPolicy::new(&value);
            let read = node::parse(policy.text()).unwrap();
            prop_assert_eq!(places(&policy.root().unwrap()), places(&read));
        }
    }

    /// Returns the places of a node's parts and of their keys, in order.
    fn places(node: &Node) -> Vec<FilePosition> {
        let mut all = vec![node.place];
        match &node.content {
            NodeContent::List(items) => all.extend(items.iter().flat_map(places)),
            NodeContent::Map(entries) => {
                for entry in entries {
                    all.push(entry.key_place);
                    all.extend(places(&entry.value));
                }
            }
            _ => {}
        }
        all
    }

    #[test]
    fn what_is_nested_too_deep_is_a_problem_like_that_of_a_file() {
        let nested = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        assert!(JsonPolicy::new(&nested(DEEPEST)).root().is_ok());
        assert!(node::parse(&format!("{:#}", nested(DEEPEST))).is_ok());
        let value = nested(DEEPEST + 1);
        let own = JsonPolicy::new(&value).root().unwrap_err();
        let read = node::parse(&format!("{value:#}")).unwrap_err();
        assert_eq!(own.message, read.message);
        assert_eq!(own.place.line, read.place.line);
    }

    #[test]
    fn a_key_is_a_key_whatever_yaml_makes_of_it() {
        let value = json!({"<<": {"a": 1}, "~": 2, "&a": 3, "*a": 4, "": 5, "null": 6});
        assert_eq!(value_of(&JsonPolicy::new(&value).root().unwrap()), value);
    }
}
