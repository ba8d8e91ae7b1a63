//! Splits the value of a header into text and variables of the environment, written as `${NAME}`.

use crate::config::diagnostic::looks_like_key;
use crate::config::raw::RawProvider;
use crate::model::HeaderPart;

/// Returns every variable that a header of the provider names, including headers with an error.
pub(super) fn variables(raw: &RawProvider) -> impl Iterator<Item = String> {
    let values = raw.headers.iter().flat_map(|headers| headers.values());
    let parts = values.filter_map(|value| parts(value).ok()).flatten();
    parts.filter_map(|part| match part {
        HeaderPart::Variable(name) => Some(name),
        HeaderPart::Text(_) => None,
    })
}

/// Splits a value into text and variables.
///
/// # Errors
/// Fails with what is wrong with the value and what would be right. Neither shows the value.
pub(super) fn parts(value: &str) -> Result<Vec<HeaderPart>, (&'static str, &'static str)> {
    let hint = "write text and ${NAME}, where NAME is a variable of the environment";
    let (mut parts, mut rest) = (Vec::new(), value);
    while let Some((text, behind)) = rest.split_once("${") {
        let (name, behind) = behind.split_once('}').ok_or(("has a ${ without its }", hint))?;
        if !is_variable(name) {
            return Err(("has a ${…} that is not the name of a variable", hint));
        }
        parts.push(HeaderPart::Text(text.to_owned()));
        parts.push(HeaderPart::Variable(name.to_owned()));
        rest = behind;
    }
    parts.push(HeaderPart::Text(rest.to_owned()));
    parts.retain(|part| *part != HeaderPart::Text(String::new()));
    for part in &parts {
        let HeaderPart::Text(text) = part else { continue };
        if text.split_whitespace().any(|word| word.strip_prefix('$').is_some_and(is_variable)) {
            return Err(("has a variable without braces", hint));
        }
        if text.split_whitespace().any(looks_like_key) {
            return Err(("looks like a key", "put it into a variable and write ${NAME}"));
        }
        if !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
            return Err(("has a character that no header can carry", "write printable ASCII"));
        }
    }
    Ok(parts)
}

/// Returns whether a text is the name of a variable.
pub(super) fn is_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 64
        && !looks_like_key(name)
}
