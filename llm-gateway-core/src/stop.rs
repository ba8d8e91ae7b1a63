//! The handle by which a caller stops a request or a task and keeps its results so far. What
//! stopping means is decided by the code that does the work.

use tokio::sync::watch;

/// A handle that stops requests and tasks under way, so that their runs end at once and return
/// their results so far. All clones are one handle.
///
/// [`Request::stopped_by`](crate::Request::stopped_by) and
/// [`Task::stopped_by`](crate::Task::stopped_by) tie work to a handle; one handle may stop many.
/// [`Gateway::shutdown`](crate::Gateway::shutdown) stops everything that a gateway does.
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
pub struct Stop {
    own: watch::Sender<bool>,
    /// What else stops the work of this handle.
    other: Option<watch::Sender<bool>>,
}

impl Stop {
    /// Creates a handle that has not stopped anything yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops every request and every task that was given this handle. This cannot be undone.
    pub fn stop(&self) {
        self.own.send_replace(true);
    }

    /// Returns whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        *self.own.borrow() || self.other.as_ref().is_some_and(|other| *other.borrow())
    }

    /// Waits until [`stop`](Self::stop) is called.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn stopped(&self) {
        match &self.other {
            None => stopped(&self.own).await,
            Some(other) => tokio::select! {
                () = stopped(&self.own) => {}
                () = stopped(other) => {}
            },
        }
    }

    /// Returns this handle, whose work `other` stops too.
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self { own: self.own.clone(), other: Some(other.own.clone()) }
    }
}

/// Waits until a handle is told to stop.
async fn stopped(handle: &watch::Sender<bool>) {
    // Waiting cannot fail, because the caller keeps the sender alive.
    let _ = handle.subscribe().wait_for(|is_stopped| *is_stopped).await;
}

impl PartialEq for Stop {
    fn eq(&self, other: &Self) -> bool {
        self.own.same_channel(&other.own)
    }
}

impl Eq for Stop {}
