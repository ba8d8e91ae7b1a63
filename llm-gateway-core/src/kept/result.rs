//! The result of a run as it is kept: one envelope for all who ask for it, and the count of its
//! pages.

use std::mem::size_of;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};

use crate::envelope::{Envelope, Pages};
use crate::error::{Category, Error};

/// The part of a result, as a divisor, that may be held beside it so that it need not be made
/// again: the form in which it was shown last, and where its pages end.
const PART_BESIDE: usize = 8;

/// The result of a run, and what was made of it for those who asked.
pub(super) struct KeptResult {
    envelope: Arc<Envelope>,
    bytes: usize,
    made: Mutex<Made>,
}

/// What was made of a result.
#[derive(Default)]
struct Made {
    /// The size of a page, in characters, once pages were counted.
    page_chars: Option<usize>,
    /// The pages of that size.
    pages: Option<Arc<Pages>>,
    /// The form in which the result was shown last.
    shown: Option<Shown>,
}

/// A shortened form of a result.
struct Shown {
    is_brief: bool,
    max_chars: usize,
    page_chars: usize,
    envelope: Envelope,
}

impl KeptResult {
    pub(super) fn new(envelope: Envelope) -> Self {
        let bytes = held(&envelope);
        Self { envelope: Arc::new(envelope), bytes, made: Mutex::default() }
    }

    /// Returns the whole result.
    pub(super) fn envelope(&self) -> Arc<Envelope> {
        Arc::clone(&self.envelope)
    }

    /// Returns the bytes that the result takes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the result in at most `max_chars` characters, in full or briefly.
    pub(super) fn shown(&self, is_brief: bool, max_chars: usize) -> Envelope {
        // Those who ask at once wait for the first, and have what it made.
        let mut made = self.made();
        if let Some(shown) = &made.shown
            && (shown.is_brief, shown.max_chars) == (is_brief, max_chars)
            && Some(shown.page_chars) == made.page_chars
        {
            return shown.envelope.clone();
        }
        let whole = Envelope::clone(&self.envelope);
        let whole = if is_brief { whole.brief() } else { whole };
        if whole.fits(max_chars) {
            return whole;
        }
        // Whoever is told a number of pages begins with them.
        let page_chars = made.begin(max_chars);
        let pages = made.pages(&self.envelope, page_chars).count();
        let envelope = whole.bounded_with_pages(max_chars, pages);
        if max_chars.saturating_mul(PART_BESIDE) <= self.bytes {
            let envelope = envelope.clone();
            made.shown = Some(Shown { is_brief, max_chars, page_chars, envelope });
        }
        made.forget_large(self.bytes);
        envelope
    }

    /// Returns a page of the result.
    pub(super) fn page(&self, number: u64, max_chars: usize) -> Result<Envelope, Error> {
        let pages = {
            let mut made = self.made();
            if number != 1 && made.page_chars.is_some_and(|size| size > max_chars) {
                let pages = Pages::of(&self.envelope, max_chars);
                return Err(counted_anew(number, pages.count()));
            }
            let page_chars = made.begin(max_chars);
            let pages = made.pages(&self.envelope, page_chars);
            made.forget_large(self.bytes);
            pages
        };
        pages.page(&self.envelope, number)
    }

    /// Returns the number of pages of the result.
    pub(super) fn page_count(&self, max_chars: usize) -> u64 {
        let mut made = self.made();
        let page_chars = made.fitting_page(max_chars);
        made.pages(&self.envelope, page_chars).count()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        // What was made is whole, or not there.
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    /// Returns the size in which pages are counted, or `max_chars` if that is smaller.
    fn fitting_page(&self, max_chars: usize) -> usize {
        self.page_chars.unwrap_or(max_chars).min(max_chars)
    }

    /// Begins to count pages, unless they are counted in a size that fits. Returns their size.
    fn begin(&mut self, max_chars: usize) -> usize {
        let page_chars = self.fitting_page(max_chars);
        if self.page_chars != Some(page_chars) {
            (self.page_chars, self.pages) = (Some(page_chars), None);
        }
        page_chars
    }

    /// Returns the pages of a size; those of the size in force are counted once.
    fn pages(&mut self, envelope: &Envelope, page_chars: usize) -> Arc<Pages> {
        match &self.pages {
            Some(pages) if self.page_chars == Some(page_chars) => Arc::clone(pages),
            _ => {
                let pages = Arc::new(Pages::of(envelope, page_chars));
                if self.page_chars == Some(page_chars) {
                    self.pages = Some(Arc::clone(&pages));
                }
                pages
            }
        }
    }

    /// Forgets where pages end if they are so many that this takes much room.
    fn forget_large(&mut self, bytes: usize) {
        let room = u64::try_from(bytes / PART_BESIDE / size_of::<usize>()).unwrap_or(u64::MAX);
        if self.pages.as_ref().is_some_and(|pages| pages.count() > room) {
            self.pages = None;
        }
    }
}

/// Returns the error of a page other than the first where the pages have to be counted anew.
fn counted_anew(number: u64, pages: u64) -> Error {
    let message = format!(
        "`page` is {number}, but the pages of this run have to be smaller now (`output.max_chars` \
         has changed): there are {pages}, and they do not join with those before"
    );
    Error::new(Category::InvalidRequest, message).with_hint("begin again with page 1")
}

/// Returns the bytes that an envelope takes in memory, near enough.
fn held(envelope: &Envelope) -> usize {
    let error = envelope.error.as_ref().map_or(0, String::capacity);
    size_of::<Envelope>()
        + error
        + envelope.data.as_ref().map_or(0, held_below)
        + held_by_fields(&envelope.meta)
}

/// Returns the bytes that a value takes beside its own place.
fn held_below(value: &Value) -> usize {
    match value {
        Value::String(text) => text.capacity(),
        Value::Array(items) => {
            let below: usize = items.iter().map(held_below).sum();
            items.capacity() * size_of::<Value>() + below
        }
        Value::Object(fields) => held_by_fields(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn held_by_fields(fields: &Map<String, Value>) -> usize {
    // A field has its place in the list, with its hash, and a number in the table of hashes.
    const PLACE: usize = size_of::<(String, Value)>() + 3 * size_of::<usize>();
    fields.iter().map(|(key, value)| PLACE + key.capacity() + held_below(value)).sum()
}
