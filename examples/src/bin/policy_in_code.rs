//! Builds the policy in the program, and shows what the gateway makes of it.
//!
//!     cargo run --bin policy_in_code
//!
//! An invalid policy is refused with every problem at once.
#![allow(clippy::print_stdout)] // an example shows its result

use anyhow::Context;
use llm_gateway_core::{Environment, Gateway};
use serde_json::json;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let policy = json!({
        "defaults": {
            "private": {
                "provider": "ollama",
                "model": "llama3.3",
                "rationale": "Anything that must not leave this machine.",
            },
            "coding": { "provider": "anthropic", "model": "claude-sonnet-5-5" },
        },
        "providers": {
            "ollama": {
                "kind": "openai",
                "base_url": "http://127.0.0.1:11434/v1",
                "api_key_env": null,
                "models": { "llama3.3": { "in": 0, "out": 0 } },
            },
        },
    });
    let gateway =
        Gateway::builder().policy_value(&policy).environment(Environment::empty()).build()?;
    for class in gateway.describe()?.task_classes {
        let state = class.unavailable_because.unwrap_or_else(|| "can run".to_owned());
        println!("{}: {state}", class.name);
    }

    let broken = json!({
        "defaults": { "coding": { "provider": "antropic", "model": "claude-sonnet-5-5" } },
        "fallback": { "codign": [] },
    });
    let built = Gateway::builder().policy_value(&broken).build();
    println!("\n{}", built.err().context("the broken policy was taken")?);
    Ok(())
}
