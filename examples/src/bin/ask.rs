//! Asks one question: a task class and a prompt in, an answer and its price out.
//!
//!     cargo run --bin ask
//!
//! The answer comes from a script. Without `.offline()` the gateway asks the model that the policy
//! names, with the keys of the environment.
#![allow(clippy::print_stdout)] // an example shows its result

use llm_gateway_core::{Envelope, Gateway, Request};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway = Gateway::builder().offline().build()?;
    let answer = gateway.route(Request::new("quick_answer", "What is a monad?")).await?;
    println!("{}", answer.text());
    println!("{:#}", serde_json::to_value(Envelope::from(&answer))?);
    Ok(())
}
