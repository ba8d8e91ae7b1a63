//! The receipt of a panel: whether it holds, and where it is written.

use std::sync::Arc;

use llm_gateway_core::certificate::{Against, VerifyResult, verify};
use llm_gateway_core::{Request, Scripted};

use super::{POLICY, ask, gateway};

#[tokio::test]
async fn a_receipt_holds_with_its_bundle_and_is_undecided_without() {
    let panel = ask(POLICY, Scripted::new()).await.unwrap();
    let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
    assert_eq!(
        verify(&receipt, Against::default().with_bundle(&bundle)).result,
        VerifyResult::Holds
    );
    assert_eq!(verify(&receipt, Against::default()).result, VerifyResult::Undecided);
    let text = String::from_utf8(receipt).unwrap();
    assert!(text.contains("\"cost_nanos\""), "what each call cost: {text}");
    let other = ask(POLICY, Scripted::new().answer("another")).await.unwrap();
    let other = other.bundle.to_bytes();
    let mixed = verify(text.as_bytes(), Against::default().with_bundle(&other));
    assert_eq!(mixed.result, VerifyResult::Contradicted);
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
        verify(&receipt, Against::default().with_bundle(&bundle)).result,
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
