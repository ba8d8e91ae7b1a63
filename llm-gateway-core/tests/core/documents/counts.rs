//! Checks that the numbers of things in documents are the real numbers.

use std::collections::BTreeMap;

use llm_gateway_core::{Category, Environment, Gateway};

use super::page::{Page, files, pages, read, rows};

const NUMBERS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];

/// Returns the things that are counted, by their last word, and their numbers.
fn counted() -> BTreeMap<&'static str, usize> {
    let offline = Gateway::builder().environment(Environment::empty()).offline().build().unwrap();
    let description = offline.describe().unwrap();
    let tools = files("llm-gateway-stdio/src/tools", ".rs");
    let tools: String = tools.iter().map(|name| read(name)).collect();
    let dialects = std::fs::read_dir(super::page::root().join("llm-gateway-core/tests/fixtures"));
    let dialects =
        dialects.unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    BTreeMap::from([
        ("tools", tools.matches(": &str = \"llm_").count()),
        ("dialects", dialects),
        ("formats", dialects),
        ("categories", Category::ALL.len()),
        ("examples", files("examples/src/bin", ".rs").len()),
        ("providers", description.providers.len()),
        ("classes", description.task_classes.len()),
    ])
}

fn number(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    NUMBERS.iter().position(|number| *number == word).or_else(|| word.parse().ok())
}

/// Returns the counts in a text: a number, at most two words, and the thing.
fn counts(text: &str, things: &BTreeMap<&'static str, usize>) -> Vec<(usize, &'static str)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let thing = |word: &str| things.keys().find(|thing| plain(word) == **thing);
    let mut counts = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let Some(number) = number(word) else { continue };
        for word in words[at + 1..].iter().take(3) {
            if let Some(thing) = thing(word) {
                counts.push((number, *thing));
            }
            // As in "one of the tools" or "two, and tools": something else is counted.
            if *word == "of" || word.ends_with([',', '.', ';', ':']) {
                break;
            }
        }
    }
    counts
}

#[test]
fn every_count_in_a_page_is_true() {
    let things = counted();
    assert!(things.values().all(|count| *count > 2), "{things:?}");
    for page in pages() {
        for (number, thing) in counts(&page.prose_text(), &things) {
            assert_eq!(number, things[thing], "{} says {number} {thing}", page.name);
        }
    }
}

/// Returns the first number of a text, such as `3.6 ms`.
fn figure(text: &str) -> f64 {
    let words = text.split_whitespace();
    words.filter_map(|word| word.parse().ok()).next().unwrap_or_else(|| panic!("{text}: no number"))
}

/// Returns the first number after a phrase of the README.
fn claimed(phrase: &str) -> f64 {
    let readme = Page::at("README.md").prose_text();
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let (_, rest) = readme.split_once(phrase).unwrap_or_else(|| panic!("no `{phrase}`"));
    figure(rest)
}

#[test]
fn the_readme_says_what_was_measured() {
    let page = Page::at("docs/measurements.md");
    let calls = rows(page.section("## Calls").unwrap());
    let alone = calls.iter().find(|row| row[0] == "1" && row.len() == 5).unwrap();
    let added = figure(alone[2]) - figure(alone[4]);
    let rounded = |value: f64| (value * 10.0).round() / 10.0;
    assert_eq!(claimed("and adds about"), rounded(added), "one call adds {added} ms");
    let start = rows(&page.text);
    let of = |name: &str| figure(start.iter().find(|row| row[0].starts_with(name)).unwrap()[1]);
    assert_eq!(claimed("the server starts in"), of("exec to").round());
    assert_eq!(claimed("ms, uses"), of("resident after start").round());
}

#[test]
fn a_count_is_found_in_words_and_in_digits() {
    let things = BTreeMap::from([("tools", 3), ("dialects", 3)]);
    let found = counts("Three tools, 25 wire dialects. One of the tools; two, and tools", &things);
    assert_eq!(found, [(3, "tools"), (25, "dialects")]);
}
