//! `--json`: exactly one document on stdout, whatever happens.

use serde_json::Value;

use crate::policies::SMALL;
use crate::program::{Ended, Home};

/// Returns the envelope on stdout, and asserts that it has only the keys of the contract.
#[track_caller]
fn envelope(ended: &Ended) -> Value {
    let document = ended.document();
    let object = document.as_object().expect("an object");
    for key in object.keys() {
        assert!(["status", "error", "data", "meta"].contains(&key.as_str()), "{key}: {document}");
    }
    match document["status"].as_str() {
        Some("success") => assert!(document.get("error").is_none(), "{document}"),
        Some("error") => {
            assert!(!document["error"].as_str().expect("a sentence").contains('\n'), "{document}");
            assert!(document["meta"]["error_category"].is_string(), "{document}");
            assert!(!document["meta"]["hint"].as_str().expect("a hint").is_empty(), "{document}");
        }
        other => panic!("{other:?} is no status here: {document}"),
    }
    document
}

#[test]
fn a_success_is_one_envelope_and_stderr_is_silent() {
    let home = Home::holding(SMALL);
    let commands: [&[&str]; 5] = [
        &["--json", "tour"],
        &["--json", "check"],
        &["--json", "info"],
        &["--json", "--offline", "spend"],
        &["--json", "--offline", "route", "quick_answer", "hello"],
    ];
    for arguments in commands {
        let ended = home.with_policy(arguments).env("LLM_GATEWAY_LEDGER", "1").ends().exits(0);
        assert_eq!(envelope(&ended)["status"], "success", "{arguments:?}");
        assert_eq!(ended.stderr, "", "{arguments:?}");
    }
}

#[test]
fn a_failure_is_one_envelope_too() {
    let home = Home::holding(SMALL);
    let failures: [(&[&str], &str); 5] = [
        (&["--json", "spend"], "ledger"),
        (&["--json", "route", "quick_anwser", "hello"], "unknown_task_class"),
        (&["--json", "route", "quick_answer", "hello"], "missing_key"),
        (&["--json", "route", "quick_answer", ""], "invalid_request"),
        (&["--json", "orchestrate", "hello"], "policy_invalid"),
    ];
    for (arguments, category) in failures {
        let ended = home.with_policy(arguments).ends().exits(1);
        assert_eq!(envelope(&ended)["meta"]["error_category"], category, "{arguments:?}");
    }
}

#[test]
fn a_broken_policy_is_one_envelope_that_names_the_place() {
    let home = Home::holding("defaults:\n  quick_answer: {provider: opnai, model: m}\n");
    let commands: [&[&str]; 4] = [
        &["--json", "check"],
        &["--json", "info"],
        &["--json", "spend"],
        &["--json", "route", "quick_answer", "hello"],
    ];
    for arguments in commands {
        let ended = home.with_policy(arguments).ends().exits(1);
        let envelope = envelope(&ended);
        assert_eq!(envelope["meta"]["error_category"], "policy_invalid", "{arguments:?}");
        let error = envelope["error"].as_str().unwrap();
        assert!(error.contains("policy.yaml:2:28: no provider is called `opnai`"), "{error}");
    }
}

#[test]
fn a_tour_that_cannot_begin_is_one_envelope_too() {
    let home = Home::holding("defaults: {}\n");
    let ended = home.with_policy(&["--json", "tour"]).ends().exits(1);
    assert_eq!(envelope(&ended)["meta"]["error_category"], "policy_invalid");
}

#[test]
fn a_prompt_that_is_no_text_is_one_envelope_too() {
    let home = Home::holding(SMALL);
    let run = home.with_policy(&["--json", "--offline", "route", "quick_answer", "-"]);
    let ended = run.stdin(*b"\xff\xfe\x00").ends().exits(1);
    assert_eq!(envelope(&ended)["meta"]["error_category"], "invalid_request");
}

#[test]
fn schema_and_client_config_print_the_document_itself() {
    let home = Home::holding(SMALL);
    let schema = home.with_policy(&["--json", "schema"]).ends().exits(0).document();
    assert!(schema.get("$schema").is_some() && schema.get("status").is_none(), "{schema}");
    let entry = home.with_policy(&["--json", "client-config", "cursor"]).ends().exits(0).document();
    assert!(entry.get("mcpServers").is_some() && entry.get("status").is_none(), "{entry}");
}

#[test]
fn json_is_never_coloured() {
    let home = Home::holding(SMALL);
    for command in ["check", "info", "tour", "schema"] {
        let run = home.with_policy(&["--json", "--color", "always", command]);
        assert!(!run.ends().exits(0).stdout.contains('\x1b'), "{command}");
    }
}
