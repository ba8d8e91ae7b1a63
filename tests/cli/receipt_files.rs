//! The files of receipts and bundles: what is replaced, and what is read.

use crate::program::Home;
use crate::verify::{asked, offline, verified};

fn read(home: &Home, name: &str) -> Vec<u8> {
    std::fs::read(home.path().join(name)).unwrap()
}

/// Checks that a file which is no receipt is replaced only with `--force`, so that a mistyped path
/// costs no file.
#[test]
fn a_file_that_is_no_receipt_is_not_replaced() {
    let home = asked();
    let receipt = String::from_utf8(read(&home, "receipt")).unwrap();
    let contents: [(&str, Vec<u8>); 12] = [
        ("text", b"my notes".to_vec()),
        ("space", b" ".to_vec()),
        ("json", b"{}".to_vec()),
        ("list", format!("[{receipt}]").into_bytes()),
        ("two", format!("{receipt}{receipt}").into_bytes()),
        ("part", receipt.as_bytes()[..receipt.len() - 1].to_vec()),
        ("behind", format!("# {receipt}").into_bytes()),
        ("format", br#"{"format": "llm-gateway receipts"}"#.to_vec()),
        ("within", br#"{"a": {"format": "llm-gateway receipt"}}"#.to_vec()),
        ("word", br#""llm-gateway receipt""#.to_vec()),
        ("bytes", vec![0xff, 0xfe, 0x00]),
        ("policy", b"defaults: {}\n".to_vec()),
    ];
    for (name, content) in &contents {
        home.write(name, content);
        for flag in ["--receipt", "--bundle"] {
            let ended = offline(&home, "triple_review", &[flag, name]).exits(2);
            let what = &flag[2..];
            let told =
                format!("error: {flag} names `{name}`, which is no {what}: name another file");
            assert!(ended.stderr.contains(&told), "{}", ended.stderr);
            assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
            assert_eq!(ended.stdout, "", "nobody was asked");
            assert_eq!(read(&home, name), *content);
        }
    }
    // Each of the two documents is not the other, and neither is lost for the other.
    for (flag, name) in [("--receipt", "bundle"), ("--bundle", "receipt")] {
        let before = read(&home, name);
        offline(&home, "triple_review", &[flag, name]).exits(2);
        assert_eq!(read(&home, name), before);
    }
    offline(&home, "triple_review", &["--receipt", "text", "--bundle", "json", "--force"]).exits(0);
    verified(&home, &["text", "--bundle", "json"], 0);
}

/// Checks that an earlier receipt, however it is written, and an empty file are replaced.
#[test]
fn an_earlier_document_and_an_empty_file_are_replaced() {
    let home = asked();
    let indented = |name: &str| {
        let value: serde_json::Value = serde_json::from_slice(&read(&home, name)).unwrap();
        home.write(name, format!("\u{feff}{value:#}\n"));
    };
    let both = ["--receipt", "receipt", "--bundle", "bundle"];
    let before = read(&home, "receipt");
    offline(&home, "triple_review", &both).exits(0);
    assert_ne!(read(&home, "receipt"), before);
    ["receipt", "bundle"].into_iter().for_each(indented);
    offline(&home, "triple_review", &both).exits(0);
    // One of a later version is an earlier document too.
    home.write("receipt", r#"{"format":"llm-gateway receipt","version":9}"#);
    home.write("bundle", "");
    offline(&home, "triple_review", &both).exits(0);
    verified(&home, &["receipt", "--bundle", "bundle"], 0);
}

#[cfg(unix)]
#[test]
fn a_link_counts_as_the_file_that_it_leads_to() {
    use std::os::unix::fs::symlink;

    let home = asked();
    let link = |to: &str, name: &str| symlink(to, home.path().join(name)).unwrap();
    home.write("notes", "mine");
    link("notes", "to-notes");
    link("receipt", "to-receipt");
    link("nowhere-yet", "to-nothing");
    offline(&home, "triple_review", &["--receipt", "to-notes"]).exits(2);
    assert_eq!(read(&home, "notes"), b"mine");
    for name in ["to-receipt", "to-nothing", "/dev/null"] {
        offline(&home, "triple_review", &["--receipt", name]).exits(0);
    }
    verified(&home, &["nowhere-yet"], 2);
}

#[test]
fn a_dash_reads_stdin() {
    let home = asked();
    let (receipt, bundle) = (read(&home, "receipt"), read(&home, "bundle"));
    let ends = |arguments: &[&str], stdin: &[u8]| {
        let all = ["verify"].iter().chain(arguments);
        home.program(all).stdin(stdin).ends()
    };
    let ended = ends(&["-", "--bundle", "bundle"], &receipt).exits(0);
    assert!(ended.stdout.starts_with("holds: "), "{}", ended.stdout);
    ends(&["-"], &receipt).exits(2);
    ends(&["receipt", "--bundle", "-"], &bundle).exits(0);
    ends(&["-"], &bundle).exits(3);
    ends(&["-"], b"").exits(3);
    let ended = ends(&["-", "--bundle", "-"], &receipt).exits(2);
    assert!(ended.stderr.contains("only one of receipt and bundle"), "{}", ended.stderr);
    // A file of this name is still a file.
    home.write("-", &bundle);
    ends(&["./-"], &receipt).exits(3);
}

/// Checks that requests which alone exceed what `verify` reads are reported before anybody is
/// asked. The answer and the receipt are not lost.
#[test]
fn a_bundle_that_verify_would_not_read_is_foretold_and_not_written() {
    let members: Vec<String> = (0..20).map(|n| format!("{{provider: own, model: m{n}}}")).collect();
    let policy = format!(
        "defaults: {{many: {{members: [{}], max_tokens: 9}}}}\n\
         cost_preflight: {{enabled: false}}\n\
         providers: {{own: {{kind: openai, base_url: 'http://127.0.0.1:1/v1', api_key_env: null}}}}\n\
         receipts: {{dir: receipts, bundle: true}}\n",
        members.join(", ")
    );
    let home = Home::holding(&policy);
    let arguments = ["--offline", "route", "many", "-", "--receipt", "r", "--bundle", "b"];
    let ended = home.with_policy(&arguments).stdin("x".repeat(2_600_000)).ends().exits(1);
    let foretold = ended.stderr.find("will be larger than `verify` reads").unwrap();
    let told = ended.stderr.find("error: the bundle is not written: it has").unwrap();
    assert!(foretold < told, "{}", ended.stderr);
    assert!(ended.stdout.contains("offline answer"), "the answers are not lost");
    assert!(!home.path().join("b").exists());
    verified(&home, &["r"], 2);
    let kept: Vec<_> = std::fs::read_dir(home.path().join("receipts")).unwrap().collect();
    assert_eq!(kept.len(), 1, "the receipt alone: {kept:?}");
}

/// Checks documents that were rewritten by `jq .`, or by an editor that ends a file with a line
/// end.
#[test]
fn documents_that_were_only_written_anew_hold_and_say_so() {
    let home = asked();
    for name in ["receipt", "bundle"] {
        let value: serde_json::Value = serde_json::from_slice(&read(&home, name)).unwrap();
        home.write(&format!("{name}-anew"), format!("{value:#}\n"));
    }
    let (told, data) = verified(&home, &["receipt-anew", "--bundle", "bundle-anew"], 0);
    assert!(told.starts_with("holds: "), "{told}");
    let findings = data["findings"].to_string();
    for what in ["receipt", "bundle"] {
        let finding = format!("the {what} was reformatted");
        assert!(told.contains(&finding) && findings.contains(&finding), "{told}\n{findings}");
    }
}
