//! Removes every known key from what a provider sent, before anyone sees it.
//!
//! Providers echo keys: in 401 bodies, in debug headers, in the error pages of proxies. The
//! scrubber compares [letters](mod@letters), so it finds a key as it is, in base64 and in hex digits, through
//! escapes, line breaks and invisible characters, and in [pieces].
//!
//! Scrubbing is the last step before a text is stored, shown or sent on: joining, cutting, decoding
//! or cleaning a text afterwards could restore a key, or leave a part of one that is no longer
//! found.

mod known;
mod letters;
mod pieces;
mod spellings;
mod stream;
mod unfinished;
mod windows;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) use self::known::KnownSecrets;
use self::known::{OwnKeys, holds};
use self::letters::{letters, places};
pub use self::stream::StreamScrubber;
use self::windows::Spellings;
use crate::credential::Secret;

/// The text that replaces a key.
pub const REDACTED: &str = "[redacted]";

/// A scrubber, which replaces known keys in bytes and in text. It is cheap to clone.
#[derive(Clone, Default)]
pub struct Scrubber {
    /// The keys that scrubbers share. They may become more at any time.
    shared: Arc<KnownSecrets>,
    /// The keys that only this scrubber and its clones know.
    own: Arc<OwnKeys>,
}

// Without the keys.
impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shared = self.shared.keys();
        let own = self.own.secrets.iter().filter(|own| !shared.hold(own)).count();
        let keys = shared.secrets.len() + own;
        f.debug_struct("Scrubber").field("keys", &keys).finish_non_exhaustive()
    }
}

impl Scrubber {
    /// Creates a scrubber for these keys. Keys that are no secret are not replaced: the documented
    /// placeholders, and keys of fewer than 7 bytes.
    pub fn new(secrets: Vec<Secret>) -> Self {
        Self::sharing(Arc::new(KnownSecrets::of(secrets)))
    }

    /// Creates a scrubber for the keys of a list, those included that the list learns later.
    pub(crate) fn sharing(shared: Arc<KnownSecrets>) -> Self {
        Self { shared, own: Arc::default() }
    }

    /// Returns a scrubber that also knows `secret`.
    #[must_use]
    pub fn knowing(&self, secret: &Secret) -> Self {
        if holds(&self.own.secrets, secret) {
            return self.clone();
        }
        let own = self.own.secrets.iter().chain([secret]).cloned().collect();
        Self { shared: Arc::clone(&self.shared), own: Arc::new(OwnKeys::new(own)) }
    }

    /// Returns a scrubber of the keys that are known now, so that equal texts stay equal.
    pub(crate) fn fixed(&self) -> Self {
        Self { shared: Arc::new(self.shared.fixed()), own: Arc::clone(&self.own) }
    }

    /// Returns a scrubber of the keys that are known now and do not occur in `texts`.
    pub(crate) fn except_keys_in<'t>(&self, texts: impl Iterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = texts.collect();
        let shared = self.shared.keys();
        let all = shared.secrets.iter().chain(&self.own.secrets);
        let occurs = |secret: &&Secret| {
            let alone = Self::new(vec![(*secret).clone()]);
            texts.iter().any(|text| alone.finds_key(text.as_bytes()))
        };
        Self::new(all.filter(|secret| !occurs(secret)).cloned().collect())
    }

    /// Returns the spellings of the keys that are known now; `None` if there are none.
    fn spellings(&self) -> Option<Arc<Spellings>> {
        self.own.spellings_with(&self.shared.keys())
    }

    /// Replaces known keys in bytes, and returns whether there were any.
    pub(crate) fn scrub_bytes(&self, bytes: Bytes) -> (Bytes, bool) {
        match self.scrubbed(&bytes) {
            Some(scrubbed) => (scrubbed.into(), true),
            None => (bytes, false),
        }
    }

    /// Replaces known keys in the values and names of headers, and returns whether there were any.
    /// If several values hold one key in pieces, all of these values are replaced.
    pub(crate) fn scrub_headers(&self, headers: HeaderMap) -> (HeaderMap, bool) {
        let values: Vec<u8> = headers.values().flat_map(HeaderValue::as_bytes).copied().collect();
        let names = headers.keys().any(|name| self.finds_key(name.as_str().as_bytes()));
        if !names && !self.finds_key(&values) {
            return (headers, false);
        }
        let mut scrubbed: HeaderMap =
            headers.iter().map(|(name, value)| self.scrub_header(name, value)).collect();
        let values: Vec<u8> = scrubbed.values().flat_map(HeaderValue::as_bytes).copied().collect();
        if self.finds_key(&values) {
            scrubbed.values_mut().for_each(|value| *value = HeaderValue::from_static(REDACTED));
        }
        (scrubbed, true)
    }

    fn scrub_header(&self, name: &HeaderName, value: &HeaderValue) -> (HeaderName, HeaderValue) {
        let name = match self.finds_key(name.as_str().as_bytes()) {
            // No name may have brackets.
            true => HeaderName::from_static("redacted"),
            false => name.clone(),
        };
        let scrubbed = self.scrubbed(value.as_bytes());
        let scrubbed = scrubbed.and_then(|value| HeaderValue::from_bytes(&value).ok());
        (name, scrubbed.unwrap_or_else(|| value.clone()))
    }

    /// Replaces known keys in text.
    pub fn scrub(&self, text: &str) -> String {
        match self.scrubbed(text.as_bytes()) {
            Some(scrubbed) => String::from_utf8_lossy(&scrubbed).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Returns a scrubber for a text that arrives in pieces.
    pub fn stream(&self) -> StreamScrubber {
        StreamScrubber::new(self.clone())
    }

    /// Returns whether a text holds a known key.
    pub(crate) fn finds_key(&self, text: &[u8]) -> bool {
        !self.find(text).is_empty()
    }

    /// Returns whether the strings of a body hold a known key in pieces that lie apart in the body.
    pub(crate) fn finds_pieces(&self, body: &[u8]) -> bool {
        self.spellings().is_some() && pieces::joined(body).iter().any(|text| self.finds_key(text))
    }

    /// Returns the bytes without known keys; `None` if they hold none.
    pub(crate) fn scrubbed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let found = self.find(bytes);
        (!found.is_empty()).then(|| replaced(bytes, &found))
    }

    /// Returns the places of keys in a text, in order and without overlap.
    fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(spellings) = self.spellings() else { return Vec::new() };
        let letters = letters(text);
        let found = spellings.find(&letters);
        if found.is_empty() {
            return Vec::new();
        }
        let ranges: Vec<_> = found.iter().map(|(_, range)| range.clone()).collect();
        let places = found.iter().zip(places(text, &ranges)).filter(|((spelling, _), place)| {
            spelling.fits(text.get(place.clone()).unwrap_or_default())
        });
        apart(places.map(|(_, place)| place).collect())
    }
}

/// Returns ranges in order, with overlapping ones joined, because one key may begin with another.
fn apart(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.start);
    let mut apart: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}

/// Returns a text with [`REDACTED`] in place of these ranges.
fn replaced(text: &[u8], ranges: &[Range<usize>]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut end = 0;
    for range in ranges {
        result.extend_from_slice(text.get(end..range.start).unwrap_or_default());
        result.extend_from_slice(REDACTED.as_bytes());
        end = range.end;
    }
    result.extend_from_slice(text.get(end..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests;
