//! `verify`, and the documents that `route` writes for it.

use std::path::Path;

use serde_json::Value;

use crate::panels::home_of;
use crate::policies::SMALL;
use crate::program::{Ended, Home, Run};
use crate::provider::Provider;

/// A home in which a panel left `receipt` and `bundle`.
fn asked() -> Home {
    let home = Home::new();
    offline(&home, "triple_review", &["--receipt", "receipt", "--bundle", "bundle"]).exits(0);
    home
}

/// Asks a class of the default policy, offline.
fn offline(home: &Home, class: &str, more: &[&str]) -> Ended {
    let arguments = ["--offline", "route", class, "Is it so?"];
    home.program(arguments.iter().chain(more)).ends()
}

/// What `verify` finds, for people and as JSON; both exit with `code`.
#[track_caller]
fn verified(home: &Home, arguments: &[&str], code: i32) -> (String, Value) {
    let run = |first: &[&str]| home.program(first.iter().chain(arguments)).ends().exits(code);
    let envelope = run(&["--json", "verify"]).document();
    assert_eq!(envelope["status"], "success", "the check was made: {envelope}");
    (run(&["verify"]).stdout, envelope["data"].clone())
}

/// Flips a bit of the first character after `before`.
fn flip_after(home: &Home, file: &str, before: &str) {
    let mut bytes = std::fs::read(home.path().join(file)).unwrap();
    let mut windows = bytes.windows(before.len());
    let at = windows.position(|window| window == before.as_bytes()).expect(before);
    bytes[at + before.len()] ^= 1;
    home.write(file, bytes);
}

const BOTH: [&str; 3] = ["receipt", "--bundle", "bundle"];

#[test]
fn a_receipt_with_its_bundle_holds() {
    let (told, data) = verified(&asked(), &BOTH, 0);
    assert!(told.starts_with("holds: "), "{told}");
    assert_eq!(data["result"], "holds");
    assert!(data["findings"][0].as_str().unwrap().contains("3 calls of 3 members"), "{data}");
    assert!(told.contains("self-issued"), "{told}");
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&told), "the README shows another output than: {told}");
}

#[test]
fn a_receipt_alone_is_undecided() {
    let (told, data) = verified(&asked(), &["receipt"], 2);
    assert!(told.starts_with("undecided: ") && told.contains("no bundle"), "{told}");
    assert_eq!(data["result"], "undecided");
}

#[test]
fn one_flipped_bit_in_either_document_contradicts() {
    for (file, before) in [
        ("receipt", "\"task_class\":\""),
        ("receipt", "\"because\":\""),
        ("receipt", "\"policy_digest\":\""),
        ("receipt", "\"digest\":\""),
        ("bundle", "\"user\":[\""),
        ("bundle", "\"body\":\""),
    ] {
        let home = asked();
        flip_after(&home, file, before);
        let (told, data) = verified(&home, &BOTH, 1);
        assert!(told.starts_with("contradicted: "), "{file} after {before}: {told}");
        assert_eq!(data["result"], "contradicted");
    }
}

#[test]
fn a_bundle_of_another_run_contradicts() {
    let (home, other) = (asked(), asked());
    home.write("bundle", std::fs::read(other.path().join("bundle")).unwrap());
    let (told, data) = verified(&home, &BOTH, 1);
    assert!(told.starts_with("contradicted: "), "{told}");
    assert_eq!(data["result"], "contradicted");
}

#[test]
fn what_is_no_receipt_is_said_to_be_none() {
    let home = asked();
    home.write("huge", vec![b' '; 5 * 1024 * 1024]);
    home.write("text", "not a receipt");
    for file in ["bundle", "huge", "text"] {
        let (told, data) = verified(&home, &[file], 3);
        assert!(told.starts_with("no receipt"), "{told}");
        assert_eq!(data["result"], "no receipt");
        assert!(!data["findings"].as_array().unwrap().is_empty());
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_that_names_it() {
    let home = asked();
    std::fs::create_dir(home.path().join("folder")).unwrap();
    let missing: [&[&str]; 3] = [&["absent"], &["receipt", "--bundle", "absent"], &["folder"]];
    for arguments in missing {
        let name = arguments.last().unwrap();
        let ended = home.program(["verify"].iter().chain(arguments)).ends().exits(1);
        assert!(
            ended.stderr.starts_with(&format!("error: `{name}` cannot be read")),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.stdout, "");
        let ended = home.program(["--json", "verify"].iter().chain(arguments)).ends().exits(1);
        let envelope = ended.document();
        assert_eq!(envelope["status"], "error");
        assert_eq!(envelope["meta"]["error_category"], "invalid_request");
    }
}

#[cfg(unix)]
#[test]
fn the_documents_are_closed_to_others_even_where_a_file_was_open() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let receipt = home.write("receipt", "old and longer than nothing");
    std::fs::set_permissions(&receipt, std::fs::Permissions::from_mode(0o644)).unwrap();
    offline(&home, "triple_review", &["--receipt", "receipt", "--bundle", "bundle"]).exits(0);
    assert_eq!((mode(&receipt), mode(&home.path().join("bundle"))), (0o600, 0o600));
}

#[test]
fn a_single_model_has_no_receipt_and_its_answer_is_shown() {
    let home = Home::holding(SMALL);
    let ask = |more: &[&str]| -> Run {
        let question = ["--offline", "route", "quick_answer", "hi", "--receipt", "receipt"];
        home.with_policy(&[&question, more].concat())
    };
    let ended = ask(&[]).ends().exits(1);
    assert!(ended.stdout.contains("offline answer"), "{}", ended.stdout);
    assert!(ended.stderr.contains("error: only a panel has a receipt"), "{}", ended.stderr);
    let ended = ask(&["--json"]).ends().exits(1);
    assert_eq!(ended.document()["status"], "success", "stdout is one envelope");
    assert!(ended.stderr.contains("only a panel"), "{}", ended.stderr);
    assert!(!home.path().join("receipt").exists());
}

#[test]
fn a_document_that_cannot_be_written_loses_neither_the_answer_nor_the_other() {
    let home = Home::new();
    let ended = offline(&home, "triple_review", &["--receipt", "no/receipt", "--bundle", "bundle"]);
    let ended = ended.exits(1);
    assert!(ended.stdout.contains("offline answer"), "{}", ended.stdout);
    let error = "error: the receipt cannot be written to `no/receipt`";
    assert!(ended.stderr.contains(error), "{}", ended.stderr);
    assert!(home.path().join("bundle").exists());
    let more = ["--json", "--receipt", "no/receipt"];
    let ended = offline(&home, "triple_review", &more).exits(1);
    assert_eq!(ended.document()["status"], "success", "stdout is one envelope");
}

#[test]
fn both_documents_in_one_file_are_refused_before_anything_is_asked() {
    let home = Home::new();
    let ended = offline(&home, "triple_review", &["--receipt", "one", "--bundle", "one"]).exits(2);
    assert!(ended.stderr.contains("the same file"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_panel_that_was_refused_has_its_receipt_too() {
    let members = [
        Provider::of_model("alpha", "yes"),
        Provider::failing(500, "down"),
        Provider::failing(500, "down"),
    ];
    let home = home_of(&members, "");
    let question = ["route", "review", "Is it so?", "--receipt", "receipt", "--bundle", "bundle"];
    home.with_policy(&question).ends().exits(1);
    let (told, _) = verified(&home, &BOTH, 0);
    assert!(told.contains("3 calls of 3 members"), "{told}");
}
