//! Many gateways that share one ledger.

use std::sync::Arc;

use llm_gateway_core::ledger::{Ledger, Per, SpendBy, SqliteLedger};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::policy::Caps;
use llm_gateway_core::{Environment, Gateway, Scripted};

use crate::support::{NOW, WORST_CASE, ask, obeying};

const POLICY: &str = "
providers: {openai: {models: {m: {in: 1, out: 10}}}}
defaults: {quick: {provider: openai, model: m, max_tokens: 100}}
reliability: {retry: {max_retries: 0}}
";

/// Returns the number of threads of this process that belong to a ledger.
#[cfg(target_os = "linux")]
fn ledger_threads() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |thread: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(thread.ok()?.path().join("comm")).ok()
    };
    // The kernel shows the first 15 bytes of a thread's name.
    threads.filter_map(name).filter(|name| "llm-gateway-ledger".starts_with(name.trim())).count()
}

#[tokio::test]
async fn a_hundred_gateways_share_one_ledger_and_its_caps() {
    let directory = tempfile::tempdir().unwrap();
    let ledger: Arc<dyn Ledger> = Arc::new(SqliteLedger::at(directory.path().join("ledger.db")));
    let gateway = || {
        let caps = Caps::new().everything(Per::Day, NanoUsd::from_nanos(10 * WORST_CASE));
        let home = Environment::empty().with("LLM_GATEWAY_LEDGER_PATH", "/nowhere/ledger.db");
        let builder = obeying(POLICY).environment(home).scripted(Scripted::new().hang());
        builder.caps(caps).ledger(Arc::clone(&ledger)).build().unwrap()
    };
    let gateways: Vec<Gateway> = (0..100).map(|_| gateway()).collect();
    assert!(!directory.path().join("ledger.db").exists(), "nothing is opened before its first use");
    let calls = gateways.iter().map(|gateway| {
        let gateway = gateway.clone();
        tokio::spawn(async move { ask(&gateway, "quick").await })
    });
    let calls: Vec<_> = calls.collect();
    // Ten calls hang under the cap, and ninety have been refused by then.
    let mut refused = 0;
    let mut waiting = calls;
    while refused < 90 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let (done, rest): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(tokio::task::JoinHandle::is_finished);
        waiting = rest;
        for call in done {
            assert!(call.await.unwrap().is_err());
            refused += 1;
        }
    }
    let day = llm_gateway_core::ledger::Day::of(NOW);
    let spent = ledger.spent(day.into(), SpendBy::Model).await.unwrap();
    assert_eq!(spent.held, NanoUsd::from_nanos(10 * WORST_CASE));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    let shared = gateways.first().and_then(Gateway::ledger).unwrap();
    assert!(Arc::ptr_eq(&shared, &ledger), "what needs no isolation is used as it is");
}

#[cfg(target_os = "linux")]
#[test]
fn a_ledger_has_no_thread_and_no_file_before_its_first_use() {
    let directory = tempfile::tempdir().unwrap();
    let ledgers: Vec<SqliteLedger> = (0..200)
        .map(|number| SqliteLedger::at(directory.path().join(format!("{number}"))))
        .collect();
    // Other tests have ledgers at the same time, but never hundreds.
    assert!(ledger_threads() < 100);
    drop(ledgers);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
