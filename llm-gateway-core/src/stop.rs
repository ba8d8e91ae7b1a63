//! A caller's word that work is to end. Whoever does the work listens, and decides what that means.

use tokio::sync::watch;

/// Tells work under way to stop, and to hand over what there is. Clones are one and the same.
///
/// ```
/// use llm_gateway_core::{Category, Event, Gateway, Scripted, Stop, Task};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // The worker answers, and the verifier never does.
/// let gateway = Gateway::builder().scripted(Scripted::new().answer("Paris.").hang()).build()?;
/// let stop = Stop::new();
/// let task = Task::new("Name the capital of France").stopped_by(&stop);
/// let mut run = gateway.start_orchestration(task);
/// let impatient = async {
///     while let Some(event) = run.events.next().await {
///         if matches!(event, Event::Step { step, .. } if step == "verify") {
///             stop.stop();
///         }
///     }
/// };
/// let (outcome, ()) = tokio::join!(run.outcome, impatient);
/// let failure = outcome.unwrap_err();
/// assert_eq!((failure.category(), failure.failed_stage()), (Category::Cancelled, Some("verify")));
/// assert_eq!(failure.orchestration().unwrap().text(), "Paris.");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    /// Nobody is to stop yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says it, once and for all.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was said.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is said.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn stopped(&self) {
        // It cannot fail: the sender is here.
        let _ = self.0.subscribe().wait_for(|is_stopped| *is_stopped).await;
    }
}

impl PartialEq for Stop {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

impl Eq for Stop {}
