//! Keeps a call on the runtime on which it began.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use crate::error::{Category, Error};

use super::drivers::{current, with_timers};

/// Runs `work` on the runtime on which it is polled first. `refuse` makes a failure of an error.
///
/// # Errors
/// [`Category::Internal`] if there is no runtime or one without timers, and if the work is polled
/// on another runtime than the one on which it began: its timers and connections are that one's,
/// and tokio panics or never wakes it where that runtime has ended or rests. The work is then
/// dropped, as if its caller had left.
pub(crate) async fn on_one_runtime<T, F>(
    work: impl Future<Output = Result<T, F>>,
    refuse: impl Fn(Error) -> F,
) -> Result<T, F> {
    let mut work = pin!(work);
    let mut began = None;
    poll_fn(|context| {
        match began {
            None => match with_timers() {
                Ok(id) => began = Some(id),
                Err(error) => return Poll::Ready(Err(refuse(error))),
            },
            Some(_) if current() == began => {}
            Some(_) => return Poll::Ready(Err(refuse(moved()))),
        }
        work.as_mut().poll(context)
    })
    .await
}

fn moved() -> Error {
    let message = "a call that had begun on one tokio runtime was polled on another";
    Error::new(Category::Internal, message)
        .with_hint("await a call to its end on the runtime on which it was polled first")
}
