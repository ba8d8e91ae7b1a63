//! Adds a provider of its own: anything that can answer a prompt, with or without HTTP.
//!
//!     cargo run --bin own_provider
//!
//! The policy names it like any other provider and gives its model a price.
#![allow(clippy::print_stdout)] // an example shows its result

use std::sync::Arc;

use async_trait::async_trait;
use llm_gateway_core::model::{Completion, Usage};
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::Recorder;
use llm_gateway_core::{Error, Gateway, Request};

const POLICY: &str = r"
defaults:
  shout: {provider: in_house, model: megaphone, max_tokens: 100}
providers:
  in_house:
    models:
      megaphone: {in: 1.00, out: 2.00} # US dollars per 1 000 000 tokens
";

/// A model that runs in this process and repeats the prompt in capitals.
struct InHouse;

#[async_trait]
impl Provider for InHouse {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        // Nothing goes over the wire, so there are no bytes to record.
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, _: &Recorder) -> Result<Completion, Error> {
        let heard: Vec<&str> = prepared.call.prompt.texts().collect();
        let mut completion = Completion::text(heard.join("\n").to_uppercase());
        // Without usage the cost would be an estimate.
        let words = heard.iter().map(|text| text.split_whitespace().count() as u64).sum();
        completion.usage = Some(Usage::new(words, words));
        Ok(completion)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway =
        Gateway::builder().policy_yaml(POLICY).provider("in_house", Arc::new(InHouse)).build()?;
    let answer = gateway.route(Request::new("shout", "is anybody there?")).await?;
    println!("{}", answer.text());
    if let Some(cost) = answer.cost.amount {
        println!("{} tokens, {cost}", answer.cost.usage.total());
    }
    Ok(())
}
