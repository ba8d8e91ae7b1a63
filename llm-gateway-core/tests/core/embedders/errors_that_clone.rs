//! Every public error can be cloned, so that several readers can keep it.

use llm_gateway_core::Error;
use llm_gateway_core::config::PolicyProblems;
use llm_gateway_core::ledger::ReserveError;
use llm_gateway_core::transport::{TransportError, UnfinishedScript};

use crate::source::{sources, without_tests};

/// Checks at compile time what [`every_public_error_derives_clone`] cannot see.
#[test]
fn errors_can_be_compared_and_handed_to_any_task() {
    fn can_be_kept<T: std::error::Error + Clone + Send + Sync + 'static>() {}
    can_be_kept::<Error>();
    can_be_kept::<PolicyProblems>();
    can_be_kept::<ReserveError>();
    can_be_kept::<TransportError>();
    can_be_kept::<UnfinishedScript>();
}

#[test]
fn every_public_error_derives_clone() {
    let mut seen = 0;
    for (path, text) in sources("llm-gateway-core/src") {
        let text = without_tests(&text);
        for (at, _) in text.match_indices("thiserror::Error)]") {
            let derives = text[..at].rsplit("#[derive(").next().unwrap();
            let mut lines = text[at..].lines();
            let item = lines.find(|line| line.contains("struct ") || line.contains("enum "));
            if item.is_some_and(|item| item.starts_with("pub ")) {
                seen += 1;
                assert!(derives.contains("Clone"), "{path}: {item:?}");
            }
        }
    }
    assert!(seen >= 7, "{seen} errors");
}
