//! Reads YAML into a tree in which every key and every value knows its position.
//!
//! Syntax is checked here; what the keys and values mean is not.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_yaml::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use super::diagnostic::FilePosition;
use crate::model::printable;

/// A value with its position in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: FilePosition,
    pub(super) content: NodeContent,
}

/// The content of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NodeContent {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<MapEntry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MapEntry {
    pub(super) key: String,
    pub(super) key_place: FilePosition,
    pub(super) value: Node,
}

/// The error of a file that cannot be parsed: it is not YAML, or has a key twice. The parser stops
/// at the first error of this kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) place: FilePosition,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// The deepest nesting that is read. The format needs eight levels, and each level takes room on
/// the stack.
pub(super) const DEEPEST: usize = 24;

/// The most parts of a file that aliases may repeat. A file has at most one part a byte, and its
/// bytes are bounded where it is read; aliases repeat parts without adding bytes.
const MOST_REPEATED: usize = 50_000;

/// Parses a document. An empty document is a null node.
///
/// # Errors
/// Fails at the first syntax error.
pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let parts = text.len().saturating_add(MOST_REPEATED);
    let mut options = serde_yaml::options! {
        strict_booleans: true,
        strict_indentation: true,
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_nodes: parts,
            max_events: parts.saturating_mul(2),
            max_depth: DEEPEST,
        },
    };
    options.alias_limits.max_total_replayed_events = MOST_REPEATED;
    let parsed = serde_yaml::from_str_with_options::<Spanned<NodeContent>>(text, options);
    parsed.map(Node::from).map_err(|error| SyntaxError::from(error.without_snippet()))
}

impl SyntaxError {
    /// Creates the error of parts that are nested too deep, at `place`.
    pub(super) fn too_deep(place: FilePosition) -> Self {
        let message = format!("mappings and lists are nested more than {DEEPEST} deep");
        Self { place, message, hint: "close brackets, and indent what belongs together alike" }
    }
}

impl From<&serde_yaml::Error> for SyntaxError {
    fn from(error: &serde_yaml::Error) -> Self {
        let place = error.location().map(FilePosition::from).unwrap_or_default();
        if let serde_yaml::Error::DuplicateMappingKey { key, .. } = error {
            let key = key.as_deref().unwrap_or("a key");
            let message = format!("`{key}` stands twice in the same mapping");
            return Self { place, message, hint: "keep one of the two" };
        }
        if let Some((message, hint)) = breach(error) {
            return Self { place, message, hint };
        }
        let message = UserMessageFormatter.format_message(error);
        let message = printable(&message, usize::MAX);
        Self { place, message, hint: "see the line above as well; indent by spaces, not tabs" }
    }
}

/// Returns which bound a file exceeds, with advice; `None` if the error is of another kind.
fn breach(error: &serde_yaml::Error) -> Option<(String, &'static str)> {
    use serde_yaml::{Error, budget::BudgetBreach};
    Some(match error {
        Error::AliasError { error, .. } => return breach(error),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            let SyntaxError { message, hint, .. } = SyntaxError::too_deep(FilePosition::default());
            (message, hint)
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. } => {
            let message = format!("aliases (`*name`) repeat more than {MOST_REPEATED} parts");
            (message, "write out what they repeat, or repeat less")
        }
        Error::Budget { .. } => {
            let message = "the file has more of one kind of part than can be read".to_owned();
            (
                message,
                "use fewer anchors, aliases, merge keys and documents: the rest is not bounded",
            )
        }
        _ => return None,
    })
}

impl Node {
    /// Returns the entry with this key; `None` if the node is not a mapping that has it.
    pub(super) fn entry(&self, key: &str) -> Option<&MapEntry> {
        match &self.content {
            NodeContent::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Returns the node that `path` leads to; `None` if there is none.
    pub(super) fn find(&self, path: &[PathStep<'_>]) -> Option<&Node> {
        path.iter().try_fold(self, |node, step| match (step, &node.content) {
            (PathStep::Key(key), _) => node.entry(key).map(|entry| &entry.value),
            (PathStep::Index(index), NodeContent::List(items)) => items.get(*index),
            (PathStep::Index(_), _) => None,
        })
    }

    /// Returns the position of the value that `path` leads to, else of its closest ancestor's key.
    pub(super) fn place_of(&self, path: &[PathStep<'_>]) -> FilePosition {
        self.find(path).map_or_else(|| self.key_place_of(path), |node| node.place)
    }

    /// Returns the position of the key that `path` ends in, else of its closest ancestor's key.
    pub(super) fn key_place_of(&self, path: &[PathStep<'_>]) -> FilePosition {
        let Some((last, parents)) = path.split_last() else { return self.place };
        let found = self.find(parents).and_then(|parent| match (last, &parent.content) {
            (PathStep::Key(key), _) => parent.entry(key).map(|entry| entry.key_place),
            (PathStep::Index(index), NodeContent::List(items)) => {
                items.get(*index).map(|item| item.place)
            }
            (PathStep::Index(_), _) => None,
        });
        found.unwrap_or_else(|| self.key_place_of(parents))
    }
}

/// One step of a path through a tree: a key of a mapping or an index of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathStep<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> From<&'a str> for PathStep<'a> {
    fn from(key: &'a str) -> Self {
        Self::Key(key)
    }
}

impl From<usize> for PathStep<'_> {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

impl From<Location> for FilePosition {
    fn from(location: Location) -> Self {
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
        Self { line: number(location.line()), column: number(location.column()) }
    }
}

impl From<Spanned<NodeContent>> for Node {
    fn from(spanned: Spanned<NodeContent>) -> Self {
        Self { place: spanned.referenced.into(), content: spanned.value }
    }
}

impl<'de> Deserialize<'de> for NodeContent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

/// A visitor that deserializes any YAML value.
struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = NodeContent;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<NodeContent, E> {
        Ok(NodeContent::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeContent, E> {
        Ok(NodeContent::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeContent, E> {
        Ok(NodeContent::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeContent, E> {
        Ok(NodeContent::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<NodeContent, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number without end"))?;
        Ok(NodeContent::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<NodeContent, E> {
        Ok(NodeContent::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<NodeContent, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<NodeContent>>()? {
            list.push(item.into());
        }
        Ok(NodeContent::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<NodeContent, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value::<Spanned<NodeContent>>()?.into();
            map.push(MapEntry { key: key.value, key_place: key.referenced.into(), value });
        }
        Ok(NodeContent::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_value_knows_its_place() {
        let root = parse("a: 1\nb:\n  - x\n  - {c: true}\n").unwrap();
        let b = root.entry("b").unwrap();
        assert_eq!(b.key_place, FilePosition { line: 2, column: 1 });
        let c = [PathStep::from("b"), 1.into(), "c".into()];
        assert_eq!(root.key_place_of(&c), FilePosition { line: 4, column: 6 });
        assert_eq!(root.place_of(&c), FilePosition { line: 4, column: 9 });
    }

    #[test]
    fn scalars_keep_their_kind() {
        let NodeContent::List(items) = parse("[1, true, 'true', ~, 1.0.0, yes]").unwrap().content
        else {
            panic!("no list")
        };
        let text = |text: &str| NodeContent::Text(text.to_owned());
        let kinds: Vec<NodeContent> = items.into_iter().map(|item| item.content).collect();
        let expected = [
            NodeContent::Number(1.into()),
            NodeContent::Bool(true),
            text("true"),
            NodeContent::Null,
            text("1.0.0"),
            text("yes"),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_with_its_place() {
        let error = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(error.place, FilePosition { line: 3, column: 1 });
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let of = format!("*a{}", level - 1);
            let copies = vec![of; 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{copies}]\n"));
        }
        assert!(parse(&text).is_err());
    }
}
