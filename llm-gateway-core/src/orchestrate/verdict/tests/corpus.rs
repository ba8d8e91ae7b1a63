//! Measures how often the plain form suspects a harmless artifact.
//!
//! `harmless.txt` has one artifact a line, behind its kind: programs, data, licences, manuals,
//! prose, and short texts in more than forty languages. `⏎` stands for the end of a line. Some of
//! the artifacts are about acceptance, and some contain the word in capitals for other reasons.

use std::collections::BTreeSet;

use super::*;

/// The smallest number of artifacts that makes a share worth stating.
const FEWEST_ARTIFACTS: usize = 300;

/// The largest share of harmless artifacts that the plain form may suspect, in percent.
const MOST_PERCENT: usize = 5;

/// Returns the kind and the text of each artifact.
fn artifacts() -> Vec<(&'static str, String)> {
    let lines = include_str!("harmless.txt").lines();
    let artifacts = lines.filter_map(|line| line.split_once("| "));
    artifacts.map(|(kind, text)| (kind, text.replace('⏎', "\n"))).collect()
}

#[test]
fn few_harmless_artifacts_are_suspected() {
    let artifacts = artifacts();
    let different: BTreeSet<&str> = artifacts.iter().map(|(_, text)| text.as_str()).collect();
    let kinds: BTreeSet<&str> = artifacts.iter().map(|(kind, _)| *kind).collect();
    assert!(
        different.len() >= FEWEST_ARTIFACTS && different.len() == artifacts.len(),
        "{}",
        different.len()
    );
    assert!(kinds.len() >= 100, "{}", kinds.len());
    let suspected: Vec<_> =
        artifacts.iter().filter(|(_, text)| brings_a_verdict(text, "")).collect();
    let (count, of) = (suspected.len(), artifacts.len());
    println!("{count} of {of} harmless artifacts are suspected in the plain form");
    assert!(count * 100 <= of * MOST_PERCENT, "{count} of {of}: {suspected:#?}");
    // Each of them holds the word in capitals, or begins a line with it and a colon.
    let is_line = |text: &str| text.lines().any(|line| line.to_lowercase().starts_with("accept:"));
    for (kind, text) in &suspected {
        assert!(text.contains("ACCEPT") || is_line(text), "{kind}: {text}");
    }
    // A task that holds the word itself excuses them all.
    assert!(!suspected.iter().any(|(_, text)| brings_a_verdict(text, "Say ACCEPT.")));
    // The manual states the count.
    let root = env!("CARGO_MANIFEST_DIR");
    let manual = std::fs::read_to_string(format!("{root}/../docs/orchestration.md")).unwrap();
    let manual = manual.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = format!("Of the {of} harmless artifacts that the tests keep, {count} are suspected");
    assert!(manual.contains(&told), "docs/orchestration.md does not say: {told}");
}
