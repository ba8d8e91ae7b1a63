//! Changes the texts of an error, those of its causes included.

use std::fmt;
use std::sync::Arc;

use super::Error;
use crate::isolation::caught;

/// The text that stands for that of a cause whose code panics.
const UNREADABLE: &str = "a cause that panicked when it was asked for its text";

/// The most causes of an error that are kept when one of them is changed. A longer chain is no help
/// to a reader, and may have no end.
const MOST_CAUSES: usize = 32;

impl Error {
    /// Changes every text of the error by `change`: its message and hint, the model that answered,
    /// and its causes. Causes that stay as they are keep their types.
    #[must_use]
    pub(crate) fn with_texts(mut self, change: impl Fn(&str) -> String) -> Self {
        let inner = &mut *self.0;
        inner.message = change(&inner.message);
        inner.hint = inner.hint.as_deref().map(&change);
        inner.answered_by = inner.answered_by.as_deref().map(&change);
        if let Some(changed) = inner.source.as_deref().and_then(|it| Cause::changed(it, &change)) {
            inner.source = Some(Arc::new(changed));
        }
        self
    }
}

/// The text of a cause, in place of the cause itself.
struct Cause {
    message: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    /// Returns the chain of causes with changed texts; `None` if no text of it changes.
    fn changed(
        first: &(dyn std::error::Error + 'static),
        change: impl Fn(&str) -> String,
    ) -> Option<Self> {
        let chain = std::iter::successors(Some(first), |cause| caught(|| cause.source()).ok()?);
        let chain: Vec<_> = chain.take(MOST_CAUSES).collect();
        let differs = |text: Option<String>| text.is_none_or(|text| change(&text) != text);
        let differs = |cause: &&(dyn std::error::Error + 'static)| {
            let debug = caught(|| format!("{cause:?}")).ok();
            differs(text_of(*cause))
                || differs(debug)
                || caught(|| cause.source().is_some()).is_err()
        };
        if !chain.iter().any(differs) {
            return None;
        }
        chain.iter().rev().fold(None, |source, cause| {
            let message = text_of(*cause).map_or_else(|| UNREADABLE.to_owned(), |it| change(&it));
            Some(Self { message, source: source.map(Box::new) })
        })
    }
}

/// Returns the text of a cause; `None` if its code panics. Whoever printed the cause would meet
/// that panic again.
fn text_of(cause: &dyn std::error::Error) -> Option<String> {
    caught(|| cause.to_string()).ok()
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cause").field(&self.message).finish()
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
