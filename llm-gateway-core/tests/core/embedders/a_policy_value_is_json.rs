//! A policy value takes whatever JSON holds.

use llm_gateway_core::{Environment, Gateway};
use serde_json::json;

#[test]
fn every_json_text_is_taken() {
    for text in [
        "a\u{7f}b",
        "a\u{80}b",
        "a\u{9f}b",
        "a\u{0}b",
        "a\u{85}b",
        "a\u{2028}b",
        "a\u{fffe}b",
        "a\tb",
        "\u{feff}a",
        "\u{1f600}",
    ] {
        let policy = json!({"defaults": {"q": {"provider": "openai", "model": "gpt-6-luna", "rationale": text}}});
        let built = Gateway::builder()
            .environment(Environment::empty())
            .policy_value(&policy)
            .offline()
            .build();
        assert_eq!(built.err().map(|it| it.to_string()), None, "{text:?}");
    }
}

#[test]
fn a_whole_number_is_whole_however_it_is_held() {
    // What a JSON document from a database or a JavaScript client holds.
    let policy = json!({"defaults": {"q": {"provider": "openai", "model": "gpt-6-luna", "max_tokens": 1000.0}}});
    let built = Gateway::builder()
        .environment(Environment::empty())
        .policy_value(&policy)
        .offline()
        .build();
    assert_eq!(built.err().map(|it| it.to_string()), None);
}
