//! The receipt of a panel: whether it holds, and where it is written.

use std::sync::Arc;

use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
use llm_gateway_core::config::PolicySource;
use llm_gateway_core::{Environment, Request, Scripted};

use super::{POLICY, ask, gateway};
use crate::support::{gateway_in, loaded_from};

#[tokio::test]
async fn a_receipt_holds_with_its_bundle_and_is_undecided_without() {
    let panel = ask(POLICY, Scripted::new()).await.unwrap();
    let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
    assert_eq!(
        verify(&receipt, VerifyOptions::default().with_bundle(&bundle)).result,
        VerifyResult::Holds
    );
    assert_eq!(verify(&receipt, VerifyOptions::default()).result, VerifyResult::Undecided);
    let text = String::from_utf8(receipt).unwrap();
    assert!(text.contains("\"cost_nanos\""), "what each call cost: {text}");
    let other = ask(POLICY, Scripted::new().answer("another")).await.unwrap();
    let other = other.bundle.to_bytes();
    let mixed = verify(text.as_bytes(), VerifyOptions::default().with_bundle(&other));
    assert_eq!(mixed.result, VerifyResult::Contradicted);
}

/// Checks that a base URL from a variable, at which another than the provider may answer, is told
/// with the models and developers that were found distinct, and that `verify` finds the same
/// reasons.
#[tokio::test]
async fn a_base_url_from_a_variable_is_told_with_the_models() {
    for (variable, value, member) in [
        ("OPENAI_BASE_URL", "https://proxy.test/v1", 1),
        ("ANTHROPIC_BASE_URL", "https://proxy.test", 2),
        ("GEMINI_BASE_URL", "https://proxy.test/v1beta", 3),
    ] {
        let environment = Environment::empty().with(variable, value);
        let gateway = gateway_in(POLICY, Scripted::new(), Arc::default(), environment);
        let panel = gateway.panel(Request::new("three", "hi")).await.unwrap();
        let claims = &panel.certificate().claims;
        let note = format!("; member {member} answered at the base URL of {variable}");
        for (name, claim) in claims.named() {
            let is_told = ["model_distinct", "vendor_distinct"].contains(&name);
            assert_eq!(claim.because.contains(&note), is_told, "{name}: {}", claim.because);
        }
        assert!(panel.independence_certified());
        let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
        let with_bundle = VerifyOptions::default().with_bundle(&bundle);
        assert_eq!(verify(&receipt, with_bundle).result, VerifyResult::Holds);
        let text = String::from_utf8(receipt).unwrap();
        let without = text.replace(&format!("\"base_url_variable\":\"{variable}\","), "");
        assert_ne!(text, without);
        let with_bundle = VerifyOptions::default().with_bundle(&bundle);
        assert_eq!(verify(without.as_bytes(), with_bundle).result, VerifyResult::Contradicted);
    }
    let panel = ask(POLICY, Scripted::new()).await.unwrap();
    assert!(!panel.certificate().claims.model_distinct.because.contains("base URL"));
}

#[tokio::test]
async fn receipts_are_written_where_the_policy_says_and_the_newest_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("receipts");
    let policy = format!("{POLICY}\nreceipts: {{dir: {}, bundle: true, keep: 2}}", dir.display());
    let gateway = gateway(&policy, Scripted::new(), Arc::default());
    let mut last = None;
    for _ in 0..3 {
        last = gateway.panel(Request::new("three", "hi")).await.unwrap().receipt_path;
    }
    let receipt = last.unwrap();
    let bundle = receipt.to_str().unwrap().replace(".receipt.", ".bundle.");
    let (receipt, bundle) = (std::fs::read(receipt).unwrap(), std::fs::read(&bundle).unwrap());
    assert_eq!(
        verify(&receipt, VerifyOptions::default().with_bundle(&bundle)).result,
        VerifyResult::Holds
    );
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 4, "two receipts and their bundles");
    #[cfg(unix)]
    for entry in std::fs::read_dir(&dir).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_bundle_is_written_only_where_the_policy_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let receipts = format!("receipts: {{dir: {}, bundle: false}}", folder.path().display());
    let panel = ask(&format!("{POLICY}\n{receipts}"), Scripted::new()).await.unwrap();
    let written: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(written[0].as_ref().unwrap().path(), panel.receipt_path.unwrap());
}

#[tokio::test]
async fn a_receipt_that_cannot_be_written_loses_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let policy = format!("{POLICY}\nreceipts: {{dir: {}}}", file.display());
    let panel = ask(&policy, Scripted::new()).await.unwrap();
    assert_eq!((panel.answers().count(), panel.receipt_path), (3, None));
}

/// Checks that a policy which says more of a model's origin than a receipt can hold is refused with
/// the line, so that each receipt that is issued can be verified.
#[tokio::test]
async fn a_lineage_is_refused_with_its_line_or_its_receipt_holds() {
    let family = |length: usize| vec!["f".repeat(length)];
    let many = |count: usize| (0..count).map(|n| format!("family-{n:03}")).collect();
    let cases: [(Vec<String>, bool); 11] = [
        (family(1), true),
        (family(1_000), true),
        (family(1_021), true),
        (family(1_022), false),
        (many(102), true),
        (many(103), false),
        (many(1_000), false),
        // In lower case two families are one, and another is longer.
        (vec!["F".repeat(600), "f".repeat(600), format!(" {} ", "f".repeat(600))], true),
        (vec!["İ".repeat(340)], true),
        (vec!["İ".repeat(500)], false),
        (vec!["é".repeat(512)], false),
    ];
    for (families, is_held) in cases {
        let yaml = format!(
            "defaults:\n  two: {{members: [{{provider: own, model: a}}, {{provider: own, model: b}}]}}\n\
             providers:\n  own:\n    kind: openai\n    base_url: http://127.0.0.1:1/v1\n    api_key_env: null\n    \
             models:\n      a:\n        in: 1\n        out: 1\n        developer: dev\n        lineage: [{}]\n      \
             b: {{in: 1, out: 1, developer: other}}\n",
            families.join(", ")
        );
        let length = families.concat().len();
        if !is_held {
            let loaded = loaded_from(&PolicySource::Text(yaml), Environment::empty());
            let found: Vec<_> = loaded.problems.iter().map(|it| (it.line, &*it.message)).collect();
            let [(13, message)] = found[..] else { panic!("{length}: {found:?}") };
            assert!(message.starts_with("developer and lineage of `a` have "), "{message}");
            assert!(loaded.policy.is_err(), "{length}");
            continue;
        }
        let gateway = gateway(&yaml, Scripted::new(), Arc::default());
        let panel = gateway.panel(Request::new("two", "hi")).await.unwrap();
        let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
        let found = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
        assert_eq!(found.result, VerifyResult::Holds, "{length}: {:?}", found.findings);
    }
}
