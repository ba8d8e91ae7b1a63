//! What a call is answered with: an envelope, or what is kept of a run.

use llm_gateway_core::Envelope;
use llm_gateway_core::kept::KeptRun;
use llm_gateway_core::policy::Detail;
use tokio::task::spawn_blocking;

use super::{panicked, running};

/// What a call is answered with.
pub(crate) enum Found {
    /// An envelope of its own.
    Envelope(Box<Envelope>),
    /// The result of a run, or a page of it.
    Run { run: KeptRun, page: Option<u64> },
}

impl From<Envelope> for Found {
    fn from(envelope: Envelope) -> Self {
        Self::Envelope(Box::new(envelope))
    }
}

impl Found {
    /// Returns the envelope in at most `max_chars` characters. What takes long does so on a thread
    /// of its own, because other calls go on meanwhile.
    pub(crate) async fn shown(self, tool: &str, detail: Detail, max_chars: usize) -> Envelope {
        match self {
            Self::Envelope(envelope) => match detail {
                Detail::Brief => envelope.brief().bounded_in_pages(max_chars),
                _ => envelope.bounded_in_pages(max_chars),
            },
            Self::Run { run, page } => {
                let shown = looked_at(run, move |run| of_run(run, page, detail, max_chars)).await;
                shown.unwrap_or_else(|| Envelope::from(&panicked(tool)))
            }
        }
    }
}

/// Looks at a run's result, on a thread of its own if the result is large. Returns `None` if that
/// thread panics.
pub(super) async fn looked_at<T: Send + 'static>(
    run: KeptRun,
    look: impl FnOnce(&KeptRun) -> T + Send + 'static,
) -> Option<T> {
    match run.is_large() {
        true => spawn_blocking(move || look(&run)).await.ok(),
        false => Some(look(&run)),
    }
}

fn of_run(run: &KeptRun, page: Option<u64>, detail: Detail, max_chars: usize) -> Envelope {
    let shown = match page {
        None if detail == Detail::Brief => run.shown_briefly(max_chars),
        None => run.shown(max_chars),
        Some(page) => {
            let page = run.page(page, max_chars);
            page.map(|page| page.unwrap_or_else(|error| Envelope::from(&error)))
        }
    };
    shown.unwrap_or_else(|| running(run))
}
