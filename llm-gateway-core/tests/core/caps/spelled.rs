//! The names of caps: what was meant by one that is none.

use llm_gateway_core::Environment;
use llm_gateway_core::config::{Loaded, PolicySource};

use crate::support::loaded_from;

/// Returns all problems with their hints.
fn messages(loaded: &Loaded) -> String {
    loaded.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Providers whose names are spelled alike in variables, or as the words of other caps.
const ALIKE: &str = "providers:
  my.lab: {kind: openai, base_url: 'http://127.0.0.1:9/v1', models: {m: {in: 1, out: 1}}}
  my-lab: {kind: openai, base_url: 'http://127.0.0.1:9/v1', models: {m: {in: 1, out: 1}}}
  my_lab: {kind: openai, base_url: 'http://127.0.0.1:9/v1', models: {m: {in: 1, out: 1}}}
  total: {kind: openai, base_url: 'http://127.0.0.1:9/v1', models: {m: {in: 1, out: 1}}}
  session: {kind: openai, base_url: 'http://127.0.0.1:9/v1', models: {m: {in: 1, out: 1}}}
defaults: {quick: {provider: my.lab, model: m}}
";

#[test]
fn providers_that_are_spelled_alike_are_listed_once_and_hide_no_other_cap() {
    let session = "LLM_GATEWAY_CAP_SESSION";
    for (name, meant) in [
        ("LLM_GATEWAY_CAP_TOTAL_SESSION", session),
        ("LLM_GATEWAY_CAP_MY_LAB_SESSION", session),
        ("LLM_GATEWAY_CAP_SESSION_USD", session),
        ("LLM_GATEWAY_SESSION_CAP", session),
        ("LLM_GATEWAY_TOTAL_SESSION", session),
        ("LLM_GATEWAY_CAP_MYLAB_DAILY", "LLM_GATEWAY_CAP_MY_LAB_DAILY"),
        ("LLM_GATEWAY_CAP_MY_LABS_MONTHLY", "LLM_GATEWAY_CAP_MY_LAB_MONTHLY"),
        ("LLM_GATEWAY_CAP_TOTALS_DAILY", "LLM_GATEWAY_CAP_TOTAL_DAILY"),
    ] {
        let environment = Environment::empty().with("HOME", "/home/a").with(name, "1");
        let loaded = loaded_from(&PolicySource::Text(ALIKE.to_owned()), environment);
        let said = messages(&loaded);
        assert!(said.contains(&format!("did you mean `{meant}`?")), "{name}: {said}");
        let words = said.split([' ', ',', '`', ':', '?']).filter(|word| !word.is_empty());
        let parts: Vec<_> = words.filter(|word| ["MY_LAB", "TOTAL"].contains(word)).collect();
        assert!(parts.is_empty() || parts == ["TOTAL", "MY_LAB"], "{name}: {said}");
    }
    for name in ["LLM_GATEWAY_CAP_SESSION_DAILY", "LLM_GATEWAY_CAP_MY_LAB_MONTHLY", session] {
        let environment = Environment::empty().with("HOME", "/home/a").with(name, "1");
        let loaded = loaded_from(&PolicySource::Text(ALIKE.to_owned()), environment);
        assert!(loaded.policy.is_ok(), "{name}");
    }
}
