//! Every problem of a policy file is shown with its place, what is wrong, and what would be right.

use llm_gateway_core::Environment;
use llm_gateway_core::config::{Loaded, PolicySource, Severity};

use crate::support::loaded_from;

fn loaded(yaml: &str, environment: Environment) -> Loaded {
    loaded_from(&PolicySource::Text(yaml.to_owned()), environment)
}

/// Returns what a person is shown about `yaml`.
fn shown(yaml: &str) -> String {
    let problems = loaded(yaml, Environment::empty()).problems;
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A sound policy, to which a test adds what must be refused.
const SOUND: &str = "defaults:\n  quick: {provider: openai, model: gpt-6-luna}\n";

#[test]
fn a_sound_policy_has_no_problems() {
    assert_eq!(shown(SOUND), "");
    assert!(loaded(SOUND, Environment::empty()).policy.is_ok());
}

#[test]
fn all_problems_of_a_file_are_shown_in_one_pass() {
    let yaml = r#"version: 1.0
defaults:
  quick: {provder: openai, model: gpt-6-luna, max_tokens: "1024"}
  typo: {provider: opnai, model: gpt-6-luna}
  unpriced: {provider: openai, model: gpt-6-lunar}
  retired: {provider: openai, model: o1, max_tokens: -5}
  lonely: {members: [{provider: openai, model: gpt-6-luna}]}
  torn: {provider: openai, model: gpt-6-luna, members: []}
  nothing:
fallback:
  qick: [{provider: openai, model: gpt-6-luna}]
  quick: [{provider: gemini, model: gemini-3.8-flash, wieght: 2}]
visibility:
  panel: {mode: blnd}
cost_preflight: {enabled: yes, warn_usd: 20, block_usd: 3}
relability: {deadline_s: 3}
"#;
    insta::assert_snapshot!(shown(yaml));
}

#[test]
fn problems_of_providers_are_shown_in_one_pass() {
    let yaml = r#"defaults:
  quick: {provider: ollama, model: llama}
providers:
  ollama:
    kind: opnai
    base_url: http://example.com/v1
    api_key_env: sk-proj-abcdefghijklmnopqrstuvwx
    limits: {requests_per_minute: 0}
  bare: {}
  secret: {kind: openai, base_url: "https://user:hunter2hunter2@host/v1?key=hunter2"}
  openai:
    models:
      gpt-4o: {in: 2000, out: 1}
      half: {in: 1}
      minus: {in: -1, out: 3}
      "bad id": {in: 1, out: 1}
"#;
    let shown = shown(yaml);
    assert!(!shown.contains("sk-proj") && !shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_bad_item_of_a_list_does_not_shift_the_places_of_those_behind_it() {
    let yaml = "defaults:
  quick: {provider: openai, model: gpt-6-luna}
fallback:
  quick:
    - {provider: openai}
    - {provider: opnai, model: gpt-6-luna}
";
    let problems = loaded(yaml, Environment::empty()).problems;
    let places: Vec<(u32, &str)> = problems.iter().map(|p| (p.line, p.message.as_str())).collect();
    assert_eq!(places, [(5, "`quick` has no `model`"), (6, "no provider is called `opnai`")]);
}

#[test]
fn a_number_that_is_finer_than_money_never_lets_more_through() {
    let yaml = format!("{SOUND}cost_preflight: {{block_usd: 0.00010000000000001}}\n");
    let policy = loaded(&yaml, Environment::empty()).policy.unwrap();
    let block = policy.preflight().block.unwrap();
    assert_eq!(block.as_nanos(), 100_000);
}

#[test]
fn a_row_without_prices_is_a_warning_like_no_row() {
    let yaml = "defaults: {quick: {provider: openai, model: mine}}
providers: {openai: {models: {mine: {context: 1000}}}}";
    assert!(shown(yaml).contains("no price is known for `mine`"), "{}", shown(yaml));
}

#[test]
fn bad_yaml_is_an_error_with_its_place() {
    let shown = [
        "defaults: {quick: {provider: openai, model: gpt-6-luna}\n",
        "defaults:\n\tquick: {provider: openai, model: gpt-6-luna}\n",
        "defaults:\n  quick: {provider: openai, model: a}\n  quick: {provider: openai, model: b}\n",
        "- a list\n",
        "",
        "just text",
        "defaults: {}",
        "defaults: *unknown",
    ]
    .map(shown)
    .join("----\n");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_base_url_of_the_environment_obeys_the_same_rules() {
    let url = "http://user:hunter2hunter2@example.com/v1";
    let loaded = loaded(SOUND, Environment::empty().with("OPENAI_BASE_URL", url));
    let shown = loaded.policy.unwrap_err().to_string();
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn an_unreadable_file_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let huge = directory.path().join("huge.yaml");
    std::fs::write(&huge, "#".repeat(5 * 1024 * 1024)).unwrap();
    let binary = directory.path().join("binary.yaml");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    for path in [directory.path().join("absent.yaml"), directory.path().to_path_buf(), huge, binary]
    {
        let source = PolicySource::File(path.clone());
        let loaded = loaded_from(&source, Environment::empty());
        let problems = loaded.policy.unwrap_err();
        let text = problems.to_string();
        assert!(text.contains(&path.display().to_string()), "{text}");
        assert!(text.contains("the policy file cannot be read"), "{text}");
    }
}

#[test]
fn a_flood_of_problems_is_cut_and_keeps_the_errors() {
    let retired =
        (0..300).map(|n| format!("  c{n}: {{provider: openai, model: o1}}\n")).collect::<String>();
    let yaml = format!("defaults:\n{retired}  last: {{provider: nobody, model: m}}\n");
    let loaded = loaded(&yaml, Environment::empty());
    assert!(loaded.problems.len() <= 100);
    assert!(loaded.problems.iter().any(|problem| problem.severity == Severity::Error));
    assert!(loaded.policy.is_err());
}

#[test]
fn a_problem_serialises_in_the_shape_of_check_json() {
    let problem = loaded("defaults: {a: {provider: opnai, model: m}}", Environment::empty())
        .problems
        .remove(0);
    insta::assert_json_snapshot!(problem);
}
