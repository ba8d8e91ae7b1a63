//! Finds a variable that stands within a longer text, such as `Bearer ${NAME}`.

/// The signs that no key holds, because they open a variable in some template.
const OPENINGS: [&str; 6] = ["${", "{$", "{env:", "{file:", "{input:", "{secret:"];

/// The signs around a name that is in a longer text. What stands between them is a name.
const AROUND_INNER_NAMES: [(&str, &str); 6] =
    [("$(", ")"), ("%(", ")s"), ("{{", "}}"), ("[[", "]]"), ("((", "))"), ("<<", ">>")];

/// The signs before and behind the name of a variable in capitals. A `$` needs none behind it.
const AROUND_INNER_CAPITALS: [(&str, &str); 7] =
    [("$", ""), ("%", "%"), ("@", "@"), ("{", "}"), ("<", ">"), ("[", "]"), ("__", "__")];

/// The length of the shortest name in capitals that is taken for a variable within a text. Random
/// passwords hold shorter ones by chance.
const SHORTEST_NAME: usize = 6;

/// Returns whether a text holds the name of a variable that was to be replaced by its value.
pub(super) fn holds_variable(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    OPENINGS.iter().any(|opening| lower.contains(opening))
        || AROUND_INNER_NAMES.iter().any(|(open, close)| surrounds(text, open, close, is_name))
        || AROUND_INNER_CAPITALS
            .iter()
            .any(|(open, close)| surrounds(text, open, close, is_in_capitals))
}

/// Returns whether `open` and `close` stand in a text around something that `fits`. Without a
/// `close` it ends with the last sign that a name can have.
fn surrounds(text: &str, open: &str, close: &str, fits: fn(&str) -> bool) -> bool {
    text.match_indices(open).any(|(at, _)| {
        let rest = text.get(at + open.len()..).unwrap_or_default();
        let end = match close {
            "" => rest.find(|c: char| !is_of_name(c)).or(Some(rest.len())),
            _ => rest.find(close),
        };
        end.and_then(|end| rest.get(..end)).is_some_and(fits)
    })
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns whether a text is a name, with a path, a filter or blanks around it.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    text.len() >= 3
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || "_.~".contains(c))
        && text.chars().all(|c| is_of_name(c) || " .:/-~|\"'".contains(c))
}

/// Returns whether a text is the name of a variable as most are written: words in capitals with `_`
/// between them.
fn is_in_capitals(text: &str) -> bool {
    text.len() >= SHORTEST_NAME
        && text.trim_matches('_').contains('_')
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
