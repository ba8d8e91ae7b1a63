//! `schema`: the schema that an editor checks a policy against.

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::program::Home;

fn validator() -> Validator {
    let schema = Home::new().program(["schema"]).ends().exits(0).document();
    jsonschema::meta::validate(&schema).expect("a schema by its own rules");
    jsonschema::validator_for(&schema).expect("a schema that can be used")
}

/// Returns every key of section 4 of the contract. JSON is YAML, so this is a policy file, too.
fn everything() -> Value {
    let target = json!({"provider": "openai", "model": "gpt-6-luna"});
    let other = json!({"provider": "ollama", "model": "llama3.3"});
    let strong = json!({"provider": "openai", "model": "gpt-6.1-sol"});
    json!({
        "version": "1.0.0",
        "defaults": {
            "quick_answer": {"provider": "openai", "model": "gpt-6-luna", "max_tokens": 1024,
                "rationale": "r", "deadline_s": 60, "allow_override": true},
            "panel": {"members": [target, other], "max_tokens": 4000, "cost_cap_usd": 1.0,
                "agree": "by_value"},
            "steps": {"cascade": {"gate": [target, other], "else": strong,
                "agree": "normalized_exact"}, "max_tokens": 100, "rationale": "r"},
        },
        "cost_preflight":
            {"enabled": true, "chars_per_token": 4, "warn_usd": 0.5, "block_usd": 15.0},
        "visibility": {"panel": {"mode": "blind", "members_see": "original_prompt_only",
            "enforce": "soft", "require": "model_distinct", "quorum": 2}},
        "fallback": {"quick_answer": [other]},
        "orchestration": {
            "roles": {
                "planner": {"provider": "openai", "model": "gpt-6-luna", "max_tokens": 100},
                "worker": {"provider": "openai", "model": "gpt-6-luna", "max_tokens": 100},
                "verifier": {"provider": "ollama", "model": "llama3.3", "max_tokens": 100},
            },
            "instructions": {"planner": "p", "worker": "w", "verifier": "v"},
            "depth": {
                "trivial": {"plan": false, "verify": false},
                "standard": {"plan": false, "verify": true},
                "complex":
                    {"plan": true, "verify": true, "replan_on_fail": true, "max_replans": 1},
            },
            "max_usd": 2.0, "deadline_s": 600, "verdict": "structured",
        },
        "providers": {"ollama": {
            "kind": "openai", "base_url": "http://127.0.0.1:11434/v1", "api_key_env": null,
            "timeout_s": 300, "idle_timeout_s": 120, "stream": false, "insecure_http": false,
            "limits": {"requests_per_minute": 60, "tokens_per_minute": 100_000, "concurrent": 8},
            "models": {"llama3.3": {"in": 0, "out": 0, "cache_read": 0, "cache_write": 0,
                "context": 131_072, "max_output": 8192, "developer": "meta",
                "lineage": ["llama"], "aliases": []}},
        }},
        "reliability": {
            "deadline_s": 300,
            "retry": {"max_retries": 3, "base_delay_s": 0.5, "max_delay_s": 30},
            "breaker": {"failure_threshold": 5, "cooldown_s": 60},
        },
        "receipts": {"dir": "receipts", "bundle": true, "keep": 256},
        "output": {"max_chars": 30_000, "handoff_after_s": 0},
    })
}

#[test]
fn it_accepts_every_key_of_the_contract_and_so_does_check() {
    let policy = everything();
    let validator = validator();
    let errors: Vec<String> =
        validator.iter_errors(&policy).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, [""; 0]);
    let home = Home::holding(&policy.to_string());
    home.with_policy(&["check", "--strict"]).env("OPENAI_API_KEY", "key-of-openai").ends().exits(0);
}

#[test]
fn it_refuses_what_check_refuses() {
    let validator = validator();
    let breakages: [(&str, &str, Value); 7] = [
        ("", "falback", json!({})),
        ("/defaults/quick_answer", "modle", json!("m")),
        ("/defaults/quick_answer", "max_tokens", json!("many")),
        ("/cost_preflight", "block_usd", json!(-1)),
        ("/providers/ollama/models/llama3.3", "in", json!(-1)),
        ("/providers/ollama/models/llama3.3", "out", json!(2_500_000)),
        ("/reliability/retry", "max_retry", json!(1)),
    ];
    for (place, key, value) in breakages {
        let mut policy = everything();
        policy.pointer_mut(place).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
        assert!(!validator.is_valid(&policy), "the schema lets {place}/{key} pass");
        Home::holding(&policy.to_string()).with_policy(&["check"]).ends().exits(1);
    }
}

#[test]
fn it_needs_neither_policy_nor_home() {
    let run = Home::new().program(["--routing", "absent.yaml", "schema"]).without("HOME");
    assert!(run.ends().exits(0).document()["properties"]["defaults"].is_object());
}
