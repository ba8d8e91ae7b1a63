//! The words of ARCHITECTURE.md and the types that carry them.

use std::collections::BTreeMap;

use super::page::{Page, files, named, read, rows};

/// How often core defines a type, by its name. Tests aside.
fn definitions() -> BTreeMap<String, usize> {
    let mut definitions = BTreeMap::new();
    for file in files("llm-gateway-core/src", ".rs") {
        if file.contains("/tests/") || file.ends_with("/tests.rs") {
            continue;
        }
        let text = read(&file);
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for name in code.lines().filter_map(defined) {
            *definitions.entry(name.to_owned()).or_insert(0) += 1;
        }
    }
    definitions
}

/// The type that a line defines.
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
