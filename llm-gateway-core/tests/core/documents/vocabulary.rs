//! The words of ARCHITECTURE.md and the types that carry them.

use std::collections::BTreeMap;

use super::page::{Page, files, named, pages, read, rows};
use crate::source::without_tests;

/// Returns the code of core without tests, file by file.
fn sources() -> Vec<String> {
    let files = files("llm-gateway-core/src", ".rs").into_iter();
    let files = files.filter(|file| !file.contains("/tests/") && !file.ends_with("/tests.rs"));
    files.map(|file| without_tests(&read(&file))).collect()
}

/// Returns how often core defines each type, by its name.
fn definitions() -> BTreeMap<String, usize> {
    let mut definitions = BTreeMap::new();
    for code in sources() {
        for name in code.lines().filter_map(defined) {
            *definitions.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    definitions
}

/// Returns the type that a line defines.
fn defined(line: &str) -> Option<&str> {
    let line = line.trim_start();
    // `name_type! { TaskClass, "task class", ...`: the names of model/ids.rs.
    if let Some((name, _)) = line.split_once(", \"").filter(|(name, _)| is_type_name(name)) {
        return Some(name);
    }
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(") ")?.1,
        Some(rest) => rest.trim_start(),
        None => line,
    };
    let (keyword, rest) = line.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
    ["struct", "enum", "trait", "union"].contains(&keyword).then_some(name)
}

fn is_type_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

#[test]
fn every_type_of_the_vocabulary_is_defined_once() {
    let page = Page::at("ARCHITECTURE.md");
    let table = rows(page.section("## Names that mean one thing").unwrap());
    assert!(table.len() > 30, "{} words", table.len());
    let definitions = definitions();
    let mut wrong = Vec::new();
    for row in &table {
        for name in named(row[2]) {
            let times = definitions.get(name).copied().unwrap_or(0);
            if times != 1 {
                wrong.push(format!("{}: `{name}` is defined {times} times", row[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Splits a name in backticks such as `Gateway::route` into the type and its item.
fn item(span: &str) -> Option<(&str, &str)> {
    let (owner, item) = span.split_once("::")?;
    let is_word = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_type_name(owner) && is_word(item)).then_some((owner, item))
}

/// Returns whether a line of code defines the method, constant, field or variant.
fn defines(line: &str, item: &str) -> bool {
    let line = line.trim_start();
    let after = |rest: &str| rest.strip_prefix(item).map(|rest| rest.chars().next());
    let is_field = after(line.trim_start_matches("pub ")) == Some(Some(':'));
    let is_variant = matches!(after(line), Some(None | Some(',' | ' ' | '(')));
    let is_named_by = |keyword: &str| {
        let ends = |next: Option<char>| next.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        line.split(keyword).skip(1).any(|rest| after(rest).is_some_and(ends))
    };
    is_field || is_variant || is_named_by("fn ") || is_named_by("const ")
}

#[test]
fn every_method_field_and_variant_that_a_page_names_is_there() {
    let (sources, definitions) = (sources(), definitions());
    let mut seen = 0;
    for page in pages() {
        let old = page.old_names();
        for span in page.code_spans().iter().filter(|span| !old.contains(*span)) {
            let Some((owner, item)) = item(span) else { continue };
            seen += 1;
            assert!(definitions.contains_key(owner), "{} names {span}", page.name);
            // In a file that speaks of the type.
            let files = sources.iter().filter(|code| code.contains(owner));
            let is_there = files.flat_map(|code| code.lines()).any(|line| defines(line, item));
            assert!(is_there, "{} names {span}", page.name);
        }
    }
    assert!(seen > 25, "{seen} names");
}

#[test]
fn a_word_stands_in_the_vocabulary_once() {
    let page = Page::at("ARCHITECTURE.md");
    let table = rows(page.section("## Names that mean one thing").unwrap());
    let mut words: Vec<&str> = table.iter().flat_map(|row| row[0].split(", ")).collect();
    words.sort_unstable();
    let all = words.len();
    words.dedup();
    assert_eq!(words.len(), all, "{words:?}");
}

#[test]
fn a_definition_is_found_however_wide_it_is() {
    for line in [
        "pub struct A<'a> {",
        "    pub(in crate::b) enum A {",
        "trait A: B {",
        "    A, \"an a\", c",
    ] {
        assert_eq!(defined(line), Some("A"), "{line}");
    }
    for line in ["pub fn a() {", "impl A for B {", "a, \"b\"", "pub use self::A;"] {
        assert_eq!(defined(line), None, "{line}");
    }
}
