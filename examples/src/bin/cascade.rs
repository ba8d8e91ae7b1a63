//! Asks a cascade: two cheap models first, and a strong one only where they do not agree.
//!
//!     cargo run --bin cascade
//!
//! The answers are scripted: the gate agrees on the first question and splits on the second.
#![allow(clippy::print_stdout)] // an example shows its result

use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::outcome::AnsweredBy;
use llm_gateway_core::{Gateway, Request, Scripted};

const POLICY: &str = "
defaults:
  exam_question:
    cascade:
      gate:
        - {provider: openai, model: gpt-6-luna}
        - {provider: gemini, model: gemini-3.8-flash}
      else: {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Scripted::new().answer("42").answer("**42**").answer("B").answer("C").answer("C");
    let gateway = Gateway::builder().policy_yaml(POLICY).scripted(script.strict()).build()?;

    let agreed = gateway.cascade(Request::new("exam_question", "What is 6 x 7?")).await?;
    assert_eq!((agreed.answered_by, agreed.text()), (AnsweredBy::Gate, "42".to_owned()));
    println!("{}: {}", agreed.text(), agreed.because);

    let split = gateway.cascade(Request::new("exam_question", "A, B or C? One letter.")).await?;
    assert_eq!((split.answered_by, split.text()), (AnsweredBy::Else, "C".to_owned()));
    println!("{}: {}", split.text(), split.because);

    // Both ways were priced before the first request.
    let price = &split.preflight;
    let shown = |usd: Option<NanoUsd>| usd.map_or("unknown".to_owned(), |usd| usd.to_string());
    println!("{} at least, {} at most", shown(price.min_usd), shown(price.max_usd));
    println!("{} for all tries", shown(split.total_cost()));
    Ok(())
}
