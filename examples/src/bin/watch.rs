//! Watches a request while it runs: `start` returns its events and its outcome apart.
//!
//!     cargo run --bin watch
//!
//! The first provider refuses the key, so a fallback of the embedded policy answers.
#![allow(clippy::print_stdout)] // an example shows its result

use llm_gateway_core::{Event, Gateway, Request, Run, Scripted};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let script = Scripted::new().status(401).answer("Canberra");
    let gateway = Gateway::builder().scripted(script).build()?;

    let request = Request::new("quick_answer", "What is the capital of Australia?");
    let Run { id, mut events, outcome, .. } = gateway.start(request);
    println!("run {id}");

    let watching = async {
        // `next` returns `None` when the run is over.
        while let Some(event) = events.next().await {
            match event {
                Event::Attempt { target, number, .. } => println!("attempt {number}: {target}"),
                Event::Fallback { from, to, .. } => println!("{from} gave no answer, now {to}"),
                other => println!("{other:?}"), // later versions have more events
            }
        }
    };
    // The request works while its events are read or its outcome is polled; a run that was spawned
    // (`Run::spawn`) works in any case. Dropping the outcome cancels the request.
    watching.await;
    let outcome = outcome.await;

    // `start` takes a class of any kind. This class asks a single model.
    let Some(answer) = outcome?.into_answer() else { return Ok(()) };
    println!("{}, by {}", answer.text(), answer.target);
    for attempt in &answer.attempts {
        println!("  {} {}", attempt.target, attempt.outcome.as_str());
    }
    Ok(())
}
