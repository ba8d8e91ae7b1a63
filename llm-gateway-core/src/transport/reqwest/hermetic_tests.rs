//! The certificates that are trusted, in a process whose variables name others.

use std::process::Command;

use super::network_tests::pem;
use super::*;

/// The variable with the number of roots that the process within has to find.
const WITHIN: &str = "ROOTS_WITHIN";

#[tokio::test]
async fn certificates_of_the_process_are_not_read() {
    let transport = ReqwestTransport::with_environment(&Environment::empty());
    let roots = transport.roots.get(&transport.network).await.unwrap().len();
    if let Some(without) = Environment::from_process().get(WITHIN) {
        assert_eq!(roots.to_string(), without);
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("ca.pem");
    std::fs::write(&file, pem()).unwrap();
    let name = "transport::reqwest::hermetic_tests::certificates_of_the_process_are_not_read";
    let mut within = Command::new(std::env::current_exe().unwrap());
    within.args(["--exact", name]).env(WITHIN, roots.to_string());
    within.env("SSL_CERT_FILE", &file).env("SSL_CERT_DIR", place.path());
    let said = String::from_utf8(within.output().unwrap().stdout).unwrap();
    assert!(said.contains("1 passed"), "{said}");
}
