//! Has a task planned, executed and verified, by a verifier that never sees the plan.
//!
//!     cargo run --bin orchestrate
//!
//! The answers are scripted. The first artifact is refused. The second is accepted, because a
//! verifier without a script accepts every artifact.
#![allow(clippy::print_stdout)] // an example shows its result

use llm_gateway_core::outcome::Ending;
use llm_gateway_core::{Event, Gateway, Reply, Run, Scripted, Task};

const POLICY: &str = "
defaults:
  quick_answer: {provider: openai, model: gpt-6-luna}
orchestration:
  roles:
    planner: {provider: gemini, model: gemini-3.8-flash, max_tokens: 500}
    worker: {provider: openai, model: gpt-6-luna, max_tokens: 500}
    verifier: {provider: anthropic, model: claude-haiku-5-5, max_tokens: 500}
  max_usd: 0.50
reliability: {retry: {max_retries: 0}}
";

fn task() -> Task {
    Task::new("Write a haiku about the sea.").depth("complex")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let gateway =
        |script: Scripted| Gateway::builder().policy_yaml(POLICY).scripted(script).build();

    let script = Scripted::new()
        .answer("Three lines of 5, 7 and 5 syllables; one picture; no rhyme.")
        .answer("The sea is big and blue and wet.")
        .revise("one line, where a haiku has three")
        .answer("Break it into three lines of 5, 7 and 5 syllables.")
        .answer("Grey waves come and go\nfootprints fill with evening light\na gull walks alone");
    let Run { mut events, outcome, .. } = gateway(script)?.start_orchestration(task());
    let watching = async {
        while let Some(event) = events.next().await {
            if let Event::Step { step, round, target, .. } = event {
                println!("round {round}: {target} is to {step}");
            }
        }
    };
    let (outcome, ()) = tokio::join!(outcome, watching);
    let Reply::Orchestration(done) = outcome? else {
        anyhow::bail!("a task is answered with what became of it")
    };
    assert_eq!(done.ending, Ending::Success);
    println!("\n{}\n", done.text());
    for (round, before) in done.other_rounds() {
        let reasons = before.verdict.iter().flat_map(|verdict| &verdict.reasons);
        println!("round {round} was refused: {}", reasons.cloned().collect::<String>());
    }

    // The certificate says who saw what, from the recorded bytes.
    for (name, claim) in done.certificate().claims.named() {
        println!("{name}: {}, {}", claim.result, claim.because);
    }
    assert!(done.independence_certified());

    // Without a verifier there is an artifact, and the ending says that nobody judged it.
    let script = Scripted::new().answer("a plan").answer("a haiku").status(500).strict();
    let done = gateway(script)?.orchestrate(task()).await?;
    assert_eq!((&done.ending, done.artifact()), (&Ending::Unverified, Some("a haiku")));

    // Without a worker there is an error that names the step, and the plan is kept.
    let Err(failure) =
        gateway(Scripted::new().answer("a plan").status(500))?.orchestrate(task()).await
    else {
        anyhow::bail!("without a worker there is no work")
    };
    let plan = failure.orchestration().and_then(|done| done.plan());
    println!("{failure}; the plan is kept: {}", plan.unwrap_or_default());
    Ok(())
}
