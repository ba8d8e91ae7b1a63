//! The way of an answer's text out of the task in which an attempt is made.
//!
//! The text is passed on by whoever waits for the attempt, piece by piece. When nobody waits any
//! more, the way is closed: what the task goes on to say reaches nobody.

use tokio::sync::{mpsc, oneshot};

/// A piece of text, and who waits until it is passed on.
pub(super) struct HeardText {
    pub(super) text: String,
    pub(super) passed_on: oneshot::Sender<()>,
}

/// The end of the way at which text is heard.
#[derive(Debug, Clone)]
pub(super) struct TextRelay(mpsc::Sender<HeardText>);

impl TextRelay {
    /// Hands on a text, and waits until it is passed on, or until nobody wants it any more.
    pub(super) async fn heard(&self, text: &str) {
        let (passed_on, is_passed_on) = oneshot::channel();
        let heard = HeardText { text: text.to_owned(), passed_on };
        if self.0.send(heard).await.is_ok() {
            is_passed_on.await.ok();
        }
    }
}

/// Creates the way of one attempt's text.
pub(super) fn relay() -> (TextRelay, mpsc::Receiver<HeardText>) {
    let (sender, receiver) = mpsc::channel(1);
    (TextRelay(sender), receiver)
}
