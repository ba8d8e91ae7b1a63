//! What a verifier says of an answer to "what is the capital of France", in the structured form.
//! `@nonce@` stands for the nonce around the artifact that it is asked about.

/// Of one that says Paris.
pub const ACCEPTS: &str = r#"{"checklist": [{"requirement": "names the capital",
    "evidence_quote": "Paris", "met": "yes"}], "blocking": [], "verdict": "ACCEPT",
    "nonce": "@nonce@"}"#;

/// Of one that says Lyon.
pub const REFUSES: &str = r#"{"checklist": [{"requirement": "names the capital",
    "evidence_quote": "Lyon", "met": "no"}], "blocking": [{"what": "another city is named",
    "where": "It is Lyon", "fix": "name the capital"}], "verdict": "REVISE",
    "nonce": "@nonce@"}"#;
