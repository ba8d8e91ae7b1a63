//! Files and functions stay small: a ratchet.
//!
//! Every line counts, comments and blank lines included, because a reader scrolls past all of
//! them. A function is counted from the line with its `fn` to the line with its closing brace,
//! which rustfmt puts at the indentation of the first. Functions of tests are not counted: some
//! are tables, whose length is the number of their cases.
//!
//! Whatever is larger already is listed with its bound, which may only shrink.

use crate::source::{sources, without_tests};

/// The most lines of a source file.
const FILE: usize = 400;

/// The most lines of a function.
const FUNCTION: usize = 50;

/// The files that are longer, with the bound of each.
const LONG_FILES: &[(&str, usize)] = &[];

/// The functions that are longer, with the bound of each.
const LONG_FUNCTIONS: &[(&str, usize)] = &[];

/// The folders of the workspace that hold source.
const FOLDERS: &[&str] = &[
    "llm-gateway-core/src",
    "llm-gateway-core/tests",
    "llm-gateway-process/src",
    "llm-gateway-stdio/src",
    "llm-gateway-cli/src",
    "tests",
    "examples/src",
    "benches/src",
];

/// Returns every Rust file of the workspace, with its path from the root and its text.
fn files() -> Vec<(String, String)> {
    let files: Vec<_> = FOLDERS.iter().flat_map(|folder| sources(folder)).collect();
    assert!(files.len() > 200, "only {} files", files.len());
    files
}

/// Returns the name of the function that a line begins, if it begins one.
fn function(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("fn ")?;
    let is_qualifier = |word: &str| {
        matches!(word, "async" | "const" | "pub")
            || (word.starts_with("pub(") && word.ends_with(')'))
    };
    let name = after.split(['(', '<']).next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (is_name && before.split_whitespace().all(is_qualifier)).then_some(name)
}

/// Returns the name of each function in a text, with its number of lines.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let begun = lines.iter().enumerate().filter_map(|(at, line)| Some((at, function(line)?)));
    begun
        .map(|(at, name)| {
            let first = lines[at];
            let indentation = &first[..first.len() - first.trim_start().len()];
            // A definition ends with a brace, a declaration in a trait with a semicolon.
            let closes = |line: &&str| {
                line.strip_prefix(indentation).is_some_and(|rest| {
                    rest.starts_with('}') || (rest.starts_with(')') && rest.ends_with(';'))
                })
            };
            let is_one_line = first.ends_with('}') || first.ends_with(';');
            let below = lines[at + 1..].iter().position(closes).unwrap_or_default();
            (name, if is_one_line { 1 } else { below + 2 })
        })
        .collect()
}

/// Returns a file without its unit tests, or nothing if all of it is tests.
fn without_unit_tests(path: &str, text: &str) -> String {
    let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
    if (is_test || path.starts_with("tests/")) && !path.starts_with("tests/support/") {
        return String::new();
    }
    without_tests(text)
}

/// Returns a message for each length that passes its bound, and for each exception without need.
fn breaches(
    lengths: &[(String, usize)],
    limit: usize,
    exceptions: &[(&str, usize)],
) -> Vec<String> {
    let bound = |name: &str| {
        exceptions.iter().find(|(known, _)| *known == name).map_or(limit, |(_, bound)| *bound)
    };
    let grown = lengths.iter().filter(|(name, lines)| *lines > bound(name));
    let grown = grown.map(|(name, lines)| format!("{name} has {lines} lines of {}", bound(name)));
    let is_needed =
        |name: &str| lengths.iter().any(|(known, lines)| known == name && *lines > limit);
    let needless = exceptions.iter().filter(|(name, _)| !is_needed(name));
    grown.chain(needless.map(|(name, _)| format!("{name} needs no exception any more"))).collect()
}

#[test]
fn no_file_is_long() {
    let lengths = files().into_iter().map(|(path, text)| (path, text.lines().count()));
    let breaches = breaches(&lengths.collect::<Vec<_>>(), FILE, LONG_FILES);
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn no_function_is_long() {
    let mut lengths = Vec::new();
    for (path, text) in files() {
        for (name, lines) in functions(&without_unit_tests(&path, &text)) {
            lengths.push((format!("{path}: {name}"), lines));
        }
    }
    assert!(lengths.len() > 1_000, "only {} functions", lengths.len());
    let breaches = breaches(&lengths, FUNCTION, LONG_FUNCTIONS);
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn the_ratchet_sees_a_breach() {
    let text = "impl A {\n    pub(crate) async fn long(\n        &self,\n    ) -> u8 {\n        1\n    }\n}\nfn short() {}\n// fn none() {\n";
    assert_eq!(functions(text), [("long", 5), ("short", 1)]);
    assert_eq!(function("let f = |fn_name: &str| {"), None);
    let lengths = [("a".to_owned(), 7), ("b".to_owned(), 3)];
    assert_eq!(breaches(&lengths, 5, &[]), ["a has 7 lines of 5"]);
    assert_eq!(breaches(&lengths, 5, &[("a", 7), ("b", 4)]), ["b needs no exception any more"]);
    assert_eq!(breaches(&lengths, 5, &[("a", 6)]), ["a has 7 lines of 6"]);
}
