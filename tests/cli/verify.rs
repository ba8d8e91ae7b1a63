//! `verify`, and the documents that `route` writes for it.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::Value;
use test_support::BlockingProvider;

use crate::panels::home_of;
use crate::policies::{SMALL, reviewed_by};
use crate::program::{Ended, Home, flowing};

/// The receipt and the bundle of a panel that was asked offline.
static DOCUMENTS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let home = asked_anew();
    ["receipt", "bundle"].map(|name| std::fs::read(home.path().join(name)).expect(name))
});

/// Creates a home with a `receipt` and a `bundle`, which are the same in each test.
pub(crate) fn asked() -> Home {
    let home = Home::new();
    for (name, bytes) in ["receipt", "bundle"].iter().zip(&*DOCUMENTS) {
        home.write(name, bytes);
    }
    home
}

/// Creates a home in which a panel has written its own `receipt` and `bundle`.
fn asked_anew() -> Home {
    let home = Home::new();
    offline(&home, "triple_review", &["--receipt", "receipt", "--bundle", "bundle"]).exits(0);
    home
}

/// Asks a class of the default policy, offline.
pub(crate) fn offline(home: &Home, class: &str, more: &[&str]) -> Ended {
    let arguments = ["--offline", "route", class, "Is it so?"];
    home.program(arguments.iter().chain(more)).ends()
}

/// Returns the output of `verify`, for people and as JSON, and asserts on both exit codes.
#[track_caller]
pub(crate) fn verified(home: &Home, arguments: &[&str], code: i32) -> (String, Value) {
    let run = |first: &[&str]| home.program(first.iter().chain(arguments)).ends().exits(code);
    let envelope = run(&["--json", "verify"]).document();
    assert_eq!(envelope["status"], "success", "the check was made: {envelope}");
    (run(&["verify"]).stdout, envelope["data"].clone())
}

/// Flips a bit of the first character after `before`.
pub(crate) fn flip_after(home: &Home, file: &str, before: &str) {
    let mut bytes = std::fs::read(home.path().join(file)).unwrap();
    let mut windows = bytes.windows(before.len());
    let at = windows.position(|window| window == before.as_bytes()).expect(before);
    bytes[at + before.len()] ^= 1;
    home.write(file, bytes);
}

const BOTH: [&str; 3] = ["receipt", "--bundle", "bundle"];

/// The digest of the example in the manual. Each receipt has a random salt, so its digest differs.
const SHOWN_DIGEST: &str = "9ac1d4e86fe5f1b7a5ad24ad2ba1ae5bd4e4ddbee5b7bd5f3cbfe3b0c7a90b6e";

#[test]
fn a_receipt_with_its_bundle_holds() {
    let (told, data) = verified(&asked(), &BOTH, 0);
    assert!(told.starts_with("holds: "), "{told}");
    assert_eq!(data["result"], "holds");
    assert!(data["findings"][0].as_str().unwrap().contains("3 calls of 3 members"), "{data}");
    assert!(told.contains("self-issued"), "{told}");
    let page = include_str!("../../docs/panels.md");
    let told = told.replace(data["digest"].as_str().unwrap(), SHOWN_DIGEST);
    assert!(page.contains(&told), "the manual shows another output than: {told}");
}

#[test]
fn a_receipt_alone_is_undecided() {
    let (told, data) = verified(&asked(), &["receipt"], 2);
    assert!(told.starts_with("undecided: ") && told.contains("no bundle"), "{told}");
    assert!(told.contains("\n  certified by its own word: level "), "{told}");
    assert_eq!(data["result"], "undecided");
}

#[test]
fn what_the_receipt_certifies_is_told() {
    let home = asked();
    let (told, data) = verified(&home, &BOTH, 0);
    let written: Value =
        serde_json::from_slice(&std::fs::read(home.path().join("receipt")).unwrap()).unwrap();
    assert_eq!(data["digest"], written["digest"]);
    assert_eq!((&data["kind"], &written["kind"]), (&"panel".into(), &"panel".into()));
    assert_eq!(data["level"], written["subject"]["certificate"]["level"]);
    assert_eq!(data["required"], written["subject"]["certificate"]["required"]);
    assert_eq!(data["independence_certified"], true);
    let line = "\n  certified: level lineage_distinct reached, vendor_distinct required\n";
    assert!(told.contains(line), "{told}");
    let (told, data) = verified(&home, &["bundle"], 3);
    assert!(!told.contains("certified") && data.get("digest").is_none(), "{told}");
}

/// Checks a forged pair of receipt and bundle, which holds, but not under the digest that was
/// issued.
#[test]
fn another_receipt_than_the_one_that_was_given_is_contradicted() {
    let (home, other) = (asked(), asked_anew());
    let given = |home: &Home| verified(home, &BOTH, 0).1["digest"].as_str().unwrap().to_owned();
    let (own, others) = (given(&home), given(&other));
    let against = |digest| [&BOTH[..], &["--digest", digest]].concat();
    let loud = own.to_uppercase();
    let (told, _) = verified(&home, &against(&loud), 0);
    assert!(told.contains("the digest that was expected pins them"), "{told}");
    let (told, data) = verified(&home, &against(&others), 1);
    assert!(told.starts_with("contradicted: "), "{told}");
    assert!(told.contains("\n  not certified: level "), "{told}");
    let finding = data["findings"][0].as_str().unwrap();
    assert!(finding.contains(&own) && finding.contains(&others), "{finding}");
    verified(&home, &["receipt", "--digest", &own], 2);
}

/// Checks that a difference from the built-in model data is reported but contradicts nothing,
/// because a policy may declare anything about a model.
#[test]
fn model_rows_that_the_built_in_data_contradicts_are_told() {
    let (told, _) = verified(&asked(), &BOTH, 0);
    assert!(!told.contains("known is"), "{told}");
    let members =
        ["gpt-4o", "beta", "gamma"].map(|model| BlockingProvider::answering(model, "yes"));
    let urls = members.each_ref().map(BlockingProvider::address);
    let policy = reviewed_by(urls.each_ref().map(String::as_str), "");
    let home = Home::holding(&policy.replace("alpha", "gpt-4o"));
    let question = ["route", "review", "Is it so?", "--receipt", "receipt", "--bundle", "bundle"];
    home.with_policy(&question).ends().exits(0);
    let (told, data) = verified(&home, &BOTH, 0);
    assert!(flowing(&told).contains("known is: gpt-4o of openai, lineage"), "{told}");
    assert_eq!(data["result"], "holds");
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
    let (home, other) = (asked(), asked_anew());
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
    let (_, data) = verified(&home, &["text"], 3);
    assert!(data["findings"][0].as_str().unwrap().starts_with("it is not JSON"), "{data}");
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
        assert!(ended.stderr.contains("`orchestrate --receipt FILE`"), "{}", ended.stderr);
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
    let home = asked();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let receipt = home.path().join("receipt");
    std::fs::set_permissions(&receipt, std::fs::Permissions::from_mode(0o644)).unwrap();
    offline(&home, "triple_review", &["--receipt", "receipt", "--bundle", "bundle"]).exits(0);
    assert_eq!((mode(&receipt), mode(&home.path().join("bundle"))), (0o600, 0o600));
}

#[test]
fn a_single_model_has_no_receipt_and_is_not_asked_for_one() {
    let home = Home::holding(SMALL);
    for more in [&["--receipt", "receipt"][..], &["--json", "--bundle", "bundle"]] {
        let question = ["--offline", "route", "quick_answer", "hi"];
        let ended = home.with_policy(&[&question, more].concat()).ends().exits(2);
        assert_eq!(ended.stdout, "", "nobody was asked");
        let told = "error: `quick_answer` asks one model, and one alone has no receipt";
        assert!(ended.stderr.starts_with(told), "{}", ended.stderr);
    }
    assert!(!home.path().join("receipt").exists() && !home.path().join("bundle").exists());
}

/// Returns a file name that is too long for any folder.
pub(crate) fn too_long() -> String {
    "r".repeat(300)
}

#[test]
fn a_document_that_cannot_be_written_loses_neither_the_answer_nor_the_other() {
    let home = Home::new();
    let ended = offline(&home, "triple_review", &["--receipt", &too_long(), "--bundle", "bundle"]);
    let ended = ended.exits(1);
    assert!(ended.stdout.contains("offline answer"), "{}", ended.stdout);
    let error = "error: the receipt cannot be written to `rrr";
    assert!(ended.told().contains(error), "{}", ended.stderr);
    assert!(home.path().join("bundle").exists());
    let more = ["--json", "--receipt", &too_long()];
    let ended = offline(&home, "triple_review", &more).exits(1);
    assert_eq!(ended.document()["status"], "success", "stdout is one envelope");
}

#[test]
fn a_document_that_has_no_place_is_told_of_before_anybody_is_asked() {
    let home = Home::new();
    home.write("folder/file", "");
    for (path, told) in [
        ("no/receipt", "names `no/receipt`, whose folder is not there: create it first"),
        ("folder/file/receipt", "names `folder/file/receipt`, whose folder is not there"),
        ("folder", "names a folder, `folder`: name a file in it"),
    ] {
        for flag in ["--receipt", "--bundle"] {
            let ended = offline(&home, "triple_review", &[flag, path]).exits(2);
            assert_eq!(ended.stdout, "", "nobody was asked");
            assert!(ended.stderr.contains(&format!("error: {flag} {told}")), "{}", ended.stderr);
        }
    }
}

/// Checks links that lead to a place where nothing exists yet.
#[cfg(unix)]
#[test]
fn a_link_that_leads_to_no_place_is_told_of_before_anybody_is_asked() {
    let home = Home::new();
    for (link, target) in [("away", "no/receipt"), ("odd", "even"), ("even", "odd"), ("to", "new")]
    {
        std::os::unix::fs::symlink(target, home.path().join(link)).unwrap();
    }
    for (paths, told) in [
        (["away", "bundle"], "--receipt names `away`, whose folder is not there"),
        (["odd", "bundle"], "--receipt names `odd`: its links lead in a circle"),
        (["to", "new"], "--receipt and --bundle name the same file"),
        (["new", "to"], "--receipt and --bundle name the same file"),
    ] {
        let more = ["--receipt", paths[0], "--bundle", paths[1]];
        let ended = offline(&home, "triple_review", &more).exits(2);
        assert_eq!(ended.stdout, "", "nobody was asked");
        assert!(ended.stderr.contains(told), "{}", ended.stderr);
    }
}

#[test]
fn a_receipt_of_the_policy_that_cannot_be_written_is_told_of() {
    let home = Home::new();
    home.write("taken", "a file where a folder should be");
    let member =
        "{provider: openai, model: gpt-6-luna}, {provider: gemini, model: gemini-3.8-flash}";
    home.write(
        "policy.yaml",
        format!("defaults: {{two: {{members: [{member}]}}}}\nreceipts: {{dir: taken}}\n"),
    );
    for more in [&[][..], &["--json"]] {
        let asked = ["--offline", "--routing", "policy.yaml", "route", "two", "Is it so?"];
        let ended = home.program(asked.iter().chain(more)).ends().exits(0);
        let told = &ended.stderr;
        assert!(told.contains("a receipt cannot be written") && told.contains("taken"), "{told}");
    }
}

#[test]
fn both_documents_in_one_file_are_refused_before_anything_is_asked() {
    let home = Home::new();
    let here = home.path().join("one");
    for again in ["one", "./one", here.to_str().unwrap()] {
        let both = ["--receipt", "one", "--bundle", again];
        let ended = offline(&home, "triple_review", &both).exits(2);
        assert!(ended.stderr.contains("the same file"), "{again}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_the_other_document_is_that_document() {
    let home = Home::new();
    std::fs::write(home.path().join("one"), "kept").unwrap();
    std::os::unix::fs::symlink("one", home.path().join("link")).unwrap();
    let ended = offline(&home, "triple_review", &["--receipt", "one", "--bundle", "link"]).exits(2);
    assert!(ended.stderr.contains("the same file"), "{}", ended.stderr);
    assert_eq!(std::fs::read(home.path().join("one")).unwrap(), b"kept");
}

#[test]
fn a_panel_that_was_refused_has_its_receipt_too() {
    let members = [
        BlockingProvider::answering("alpha", "yes"),
        BlockingProvider::refusing(500, "down"),
        BlockingProvider::refusing(500, "down"),
    ];
    let home = home_of(&members, "");
    let question = ["route", "review", "Is it so?", "--receipt", "receipt", "--bundle", "bundle"];
    home.with_policy(&question).ends().exits(1);
    let (told, _) = verified(&home, &BOTH, 0);
    assert!(told.contains("3 calls of 3 members"), "{told}");
}
