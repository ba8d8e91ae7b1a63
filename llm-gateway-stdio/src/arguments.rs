//! Reads the arguments of a tool call as a model wrote them.
//!
//! One error names everything that is wrong with the arguments, so that the model needs one more
//! try and not four. `server` decides what an argument means.

use llm_gateway_core::front::closest_name;
use llm_gateway_core::{Category, Error};
use rmcp::model::JsonObject;
use serde_json::{Number, Value};

/// The largest number of problems that one error names. No tool has as many arguments.
const MOST_PROBLEMS: usize = 10;

/// The JSON type of a tool's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An argument that is a text.
    Text,
    /// An argument that is a whole number of at least 1.
    Integer,
}

/// The definition of one argument of a tool.
pub(crate) struct Argument {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) description: &'static str,
}

/// The arguments of a tool call that passed every check.
pub(crate) struct Arguments(JsonObject);

impl Arguments {
    /// Checks the arguments of a call against those that the tool takes. A null counts as absent.
    ///
    /// # Errors
    /// Fails with [`Category::InvalidRequest`] and a message that names every unknown, missing and
    /// wrong argument.
    pub(crate) fn read(mut given: JsonObject, known: &[Argument]) -> Result<Self, Error> {
        given.retain(|_, value| !value.is_null());
        let unknown =
            given.keys().filter(|name| known.iter().all(|argument| argument.name != *name));
        let mut problems: Vec<String> = unknown.map(|name| unknown_argument(name, known)).collect();
        for argument in known {
            match given.get(argument.name) {
                Some(value) => problems.extend(type_problem(argument, value)),
                None if argument.required => {
                    problems.push(format!("`{}` is missing", argument.name))
                }
                None => {}
            }
        }
        if problems.is_empty() {
            return Ok(Self(given));
        }
        let names: Vec<&str> = known.iter().map(|argument| argument.name).collect();
        let hint = match names.as_slice() {
            [] => "this tool takes no arguments".to_owned(),
            names => format!("the arguments are: {}", names.join(", ")),
        };
        let more = problems.len().saturating_sub(MOST_PROBLEMS);
        problems.truncate(MOST_PROBLEMS);
        if more > 0 {
            problems.push(format!("and {more} more"));
        }
        Err(Error::new(Category::InvalidRequest, problems.join("; ")).with_hint(hint))
    }

    /// Removes and returns the text argument `name`; `None` if the call did not give it.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.0.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// Returns the integer argument `name`; `None` if the call did not give it.
    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(whole_number)
    }
}

/// Returns a name that a client invented as an error may show it: short and without control
/// characters.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn unknown_argument(name: &str, known: &[Argument]) -> String {
    let shown = shown(name);
    match closest_name(name, known.iter().map(|argument| argument.name)) {
        Some(meant) => format!("`{shown}` is unknown, did you mean `{meant}`?"),
        None => format!("`{shown}` is unknown"),
    }
}

/// Returns the problem with the type of an argument's value; `None` if the type is right.
fn type_problem(argument: &Argument, value: &Value) -> Option<String> {
    let fits = match argument.kind {
        Kind::Text => value.is_string(),
        Kind::Integer => whole_number(value).is_some_and(|number| number >= 1),
    };
    let wanted = match argument.kind {
        Kind::Text => "text",
        Kind::Integer => "a whole number of at least 1",
    };
    (!fits).then(|| format!("`{}` must be {wanted}, not {}", argument.name, kind(value)))
}

/// Returns the kind of a value, for a sentence that says which kind was expected.
pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Reads a whole number, also if a client wrote it as `64.0` or `"64"`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole_number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64()?;
            (float.fract() == 0.0 && (0.0..9e15).contains(&float)).then_some(float as u64)
        }),
        _ => None,
    }
}

/// Returns whether a number can be written again as it came. A float has lost digits of a whole
/// number from 2^53 on.
pub(crate) fn is_exact(number: &Number) -> bool {
    let is_small = |float: f64| float.fract() != 0.0 || float.abs() < 9_007_199_254_740_992.0;
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(is_small)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::LLM_ROUTE_ARGUMENTS;
    use serde_json::json;

    fn read(arguments: Value) -> Result<Arguments, String> {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        Arguments::read(arguments, &LLM_ROUTE_ARGUMENTS).map_err(|error| error.to_string())
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let error = read(json!({ "promt": "hi", "task_class": 3, "max_tokens": 0 })).err().unwrap();
        insta::assert_snapshot!(error, @"`promt` is unknown, did you mean `prompt`?; `task_class` must be text, not 3; `prompt` is missing; `max_tokens` must be a whole number of at least 1, not 0");
    }

    #[test]
    fn a_null_counts_as_absent_and_a_number_may_be_written_as_text() {
        let arguments = read(json!({
            "task_class": "quick_answer", "prompt": "hi", "system": null, "max_tokens": "64"
        }));
        let mut arguments = arguments.unwrap();
        assert_eq!(arguments.text("system"), None);
        assert_eq!(arguments.integer("max_tokens"), Some(64));
    }

    #[test]
    fn huge_and_hostile_values_are_refused_without_echo() {
        for bad in
            [json!(-1), json!(1.5), json!(1e300), json!([1]), json!({"a": "b"}), json!("many")]
        {
            let error =
                read(json!({ "task_class": "a", "prompt": "b", "max_tokens": bad })).err().unwrap();
            assert!(error.contains("`max_tokens` must be"), "{error}");
        }
        let long = "x".repeat(100_000);
        let error = read(json!({ "task_class": "a", "prompt": "b", long: 1 })).err().unwrap();
        assert!(error.len() < 300);
        let flood: JsonObject = (0..3_000).map(|n| (format!("a{n}"), json!(n))).collect();
        let error = read(Value::Object(flood)).err().unwrap();
        assert!(error.ends_with("and 2992 more"), "{error}");
    }
}
