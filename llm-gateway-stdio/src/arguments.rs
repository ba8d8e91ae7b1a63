//! Reads the arguments of a tool call as a model wrote them.
//!
//! Everything that is wrong with the arguments is found at once, so that the model needs one more
//! try and not four. `faults` adds what the policy says, and `server` decides what an argument
//! means.

use llm_gateway_core::front::closest_name;
use llm_gateway_core::{Category, Error};
use rmcp::model::JsonObject;
use serde_json::{Number, Value};

/// The largest number of unknown arguments that one error names. No tool has as many arguments.
const MOST_UNKNOWN: usize = 8;

/// The JSON type of a tool's argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An argument that is a text.
    Text,
    /// An argument that is a text and must say something.
    FullText,
    /// An argument that is the id of a model.
    ModelId,
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

/// The arguments of a tool call, as far as they could be read.
pub(crate) struct Arguments(JsonObject);

impl Arguments {
    /// Reads the arguments of a call by those that the tool takes. A null counts as absent, and a
    /// number or a boolean as its text where text belongs.
    ///
    /// Returns the arguments that could be read, and one error for each that is unknown, missing or
    /// of a wrong kind.
    pub(crate) fn read(mut given: JsonObject, known: &[Argument]) -> (Self, Vec<Error>) {
        given.retain(|_, value| !value.is_null());
        let mut faults = unknown_arguments(&given, known);
        let mut read = JsonObject::new();
        for argument in known {
            match given.remove(argument.name).map(|value| value_of(argument, value)) {
                Some(Ok(value)) => {
                    read.insert(argument.name.to_owned(), value);
                }
                Some(Err(fault)) => faults.push(fault),
                None if argument.required => faults.push(format!("`{}` is missing", argument.name)),
                None => {}
            }
        }
        let names: Vec<&str> = known.iter().map(|argument| argument.name).collect();
        let hint = match names.as_slice() {
            [] => "this tool takes no arguments".to_owned(),
            names => format!("the arguments are: {}", names.join(", ")),
        };
        let error = |fault| Error::new(Category::InvalidRequest, fault).with_hint(hint.clone());
        (Self(read), faults.into_iter().map(error).collect())
    }

    /// Returns the text argument `name`; `None` if it was not given, or could not be read.
    pub(crate) fn get_text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
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

/// Returns what is wrong with the names of the arguments: those that the tool does not take.
fn unknown_arguments(given: &JsonObject, known: &[Argument]) -> Vec<String> {
    let is_unknown = |name: &&String| known.iter().all(|argument| argument.name != *name);
    let unknown: Vec<&String> = given.keys().filter(is_unknown).collect();
    let mut faults: Vec<String> =
        unknown.iter().take(MOST_UNKNOWN).map(|name| unknown_argument(name, known)).collect();
    if let more @ 1.. = unknown.len().saturating_sub(MOST_UNKNOWN) {
        faults.push(format!("{more} more are unknown"));
    }
    faults
}

fn unknown_argument(name: &str, known: &[Argument]) -> String {
    let shown = shown(name);
    match closest_name(name, known.iter().map(|argument| argument.name)) {
        Some(meant) => format!("`{shown}` is unknown, did you mean `{meant}`?"),
        None => format!("`{shown}` is unknown"),
    }
}

/// Returns the value of an argument in the kind that the tool takes.
///
/// # Errors
/// Fails with a sentence if the value is of another kind. What it may have meant is not guessed.
fn value_of(argument: &Argument, value: Value) -> Result<Value, String> {
    let name = argument.name;
    let wanted = match (argument.kind, &value) {
        (Kind::Integer, _) => match whole_number(&value) {
            Some(number @ 1..) => return Ok(number.into()),
            _ => "a whole number of at least 1",
        },
        (_, Value::String(_)) => return Ok(value),
        (_, Value::Bool(value)) => return Ok(value.to_string().into()),
        (_, Value::Number(number)) if is_exact(number) => return Ok(number.to_string().into()),
        (_, Value::Number(_)) => {
            return Err(format!("`{name}` must be text; a number this large loses its digits"));
        }
        _ => "text",
    };
    Err(format!("`{name}` must be {wanted}, not {}", kind(&value)))
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
        let (arguments, faults) = Arguments::read(arguments, &LLM_ROUTE_ARGUMENTS);
        Error::of_all(faults).map_or(Ok(arguments), |error| Err(error.to_string()))
    }

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let error =
            read(json!({ "promt": "hi", "task_class": [], "max_tokens": 0 })).err().unwrap();
        insta::assert_snapshot!(error, @"`promt` is unknown, did you mean `prompt`?; `task_class` must be text, not a list; `prompt` is missing; `max_tokens` must be a whole number of at least 1, not 0");
    }

    #[test]
    fn the_argument_that_was_meant_is_named_whatever_its_case() {
        for written in ["TASK_CLASS", "Task_Class", "task_clas", "TASK_CLAS"] {
            let error = read(json!({ "prompt": "hi", written: "a" })).err().unwrap();
            let told = format!("`{written}` is unknown, did you mean `task_class`?");
            assert!(error.starts_with(&told), "{error}");
        }
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
    fn a_number_or_a_boolean_is_its_text_where_text_belongs() {
        for (value, text) in [
            ("2026", "2026"),
            ("-7", "-7"),
            ("0", "0"),
            ("1.5", "1.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("true", "true"),
            ("false", "false"),
            ("\"2026\"", "2026"),
        ] {
            let value: Value = serde_json::from_str(value).unwrap();
            let mut read = read(json!({ "task_class": "a", "prompt": value })).unwrap();
            assert_eq!(read.text("prompt").as_deref(), Some(text));
        }
        for bad in [json!([]), json!(["hi"]), json!({}), json!({ "text": "hi" }), json!(1e300)] {
            let error = read(json!({ "task_class": "a", "prompt": bad })).err().unwrap();
            assert!(error.starts_with("`prompt` must be text"), "{error}");
        }
    }

    #[test]
    fn huge_and_hostile_values_are_refused_without_echo() {
        for bad in [
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(true),
            json!([1]),
            json!({"a": "b"}),
            json!("many"),
            json!(""),
            json!("99999999999999999999"),
            json!("0"),
        ] {
            let error =
                read(json!({ "task_class": "a", "prompt": "b", "max_tokens": bad })).err().unwrap();
            assert!(error.contains("`max_tokens` must be"), "{error}");
        }
        let long = "x".repeat(100_000);
        let error = read(json!({ "task_class": "a", "prompt": "b", long: 1 })).err().unwrap();
        assert!(error.len() < 300);
        let mut flood: JsonObject = (0..3_000).map(|n| (format!("a{n}"), json!(n))).collect();
        flood.insert("prompt".to_owned(), json!([]));
        let error = read(Value::Object(flood)).err().unwrap();
        let end =
            "2992 more are unknown; `task_class` is missing; `prompt` must be text, not a list";
        assert!(error.ends_with(end), "a flood hides nothing: {error}");
    }
}
