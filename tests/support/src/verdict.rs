//! Verdicts on an answer to "what is the capital of France", in the structured form.
//!
//! `@nonce@` stands for the nonce around the artifact that the verifier is asked about.

/// A verdict that accepts an artifact that says Paris.
pub const ACCEPTS: &str = r#"{"checklist": [{"requirement": "names the capital",
    "evidence_quote": "Paris", "met": "yes"}], "blocking": [], "verdict": "ACCEPT",
    "nonce": "@nonce@"}"#;

/// A verdict that refuses an artifact that says Lyon.
pub const REFUSES: &str = r#"{"checklist": [{"requirement": "names the capital",
    "evidence_quote": "Lyon", "met": "no"}], "blocking": [{"what": "another city is named",
    "where": "It is Lyon", "fix": "name the capital"}], "verdict": "REVISE",
    "nonce": "@nonce@"}"#;
