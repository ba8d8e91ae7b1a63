//! Removes every known key from what a provider sent, before anyone sees it.
//!
//! Providers echo keys: in 401 bodies, in debug headers, in the error pages of proxies. The
//! scrubber finds a key as it is, as JSON, a URL and base64 would write it, and through escapes.

mod escapes;

use std::fmt;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::credential::Secret;

/// The text that replaces a key.
pub const REDACTED: &str = "[redacted]";

/// The length of the shortest spelling that is looked for, in bytes. Fewer characters turn up by
/// chance.
const SHORTEST_SPELLING: usize = 7;

/// The length in bytes from which on every key counts as a secret. Keys that providers issue have
/// 30 and more.
const LONG: usize = 16;

/// How many times JSON may have escaped a key. Four times: an error quotes a body, a verdict
/// recites the error, the verdict is JSON within the text of an answer, and the answer is JSON
/// itself.
const DEEPEST_JSON: usize = 4;

/// Returns whether a key is a secret. Local servers ask for a key and accept any word: `ollama`,
/// `lm-studio`, `not-needed`. Such a word is short and has no digit, and replacing it would garble
/// answers that use it.
fn is_secret(key: &str) -> bool {
    let has_digit = key.chars().any(|c| c.is_ascii_digit());
    key.len() >= LONG || (key.len() >= SHORTEST_SPELLING && has_digit)
}

/// Replaces known keys in bytes and in text. Cheap to clone.
#[derive(Clone, Default)]
pub struct Scrubber {
    secrets: Vec<Secret>,
    patterns: Option<Arc<AhoCorasick>>,
}

// Without the keys.
impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrubber").field("keys", &self.secrets.len()).finish_non_exhaustive()
    }
}

impl Scrubber {
    /// Creates a scrubber for these keys.
    pub fn new(secrets: Vec<Secret>) -> Self {
        let mut spellings: Vec<Vec<u8>> = secrets
            .iter()
            .map(Secret::expose)
            .filter(|key| is_secret(key))
            .flat_map(spellings)
            .collect();
        // Longest first, so that a key which begins with another key is replaced as a whole.
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        let patterns = AhoCorasick::builder()
            .match_kind(aho_corasick::MatchKind::LeftmostFirst)
            .build(&spellings)
            .ok()
            .filter(|_| !spellings.is_empty())
            .map(Arc::new);
        Self { secrets, patterns }
    }

    /// Returns a scrubber that also knows `secret`.
    #[must_use]
    pub fn knowing(&self, secret: &Secret) -> Self {
        if self.secrets.iter().any(|known| known.expose() == secret.expose()) {
            return self.clone();
        }
        Self::new(self.secrets.iter().chain([secret]).cloned().collect())
    }

    /// Replaces known keys in bytes, and returns whether there were any.
    pub(crate) fn scrub_bytes(&self, bytes: Bytes) -> (Bytes, bool) {
        match self.scrubbed(&bytes) {
            Some(scrubbed) => (scrubbed.into(), true),
            None => (bytes, false),
        }
    }

    /// Replaces known keys in text.
    pub fn scrub(&self, text: &str) -> String {
        match self.scrubbed(text.as_bytes()) {
            Some(scrubbed) => String::from_utf8_lossy(&scrubbed).into_owned(),
            None => text.to_owned(),
        }
    }

    /// Returns the bytes without known keys; `None` if they hold none.
    fn scrubbed(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let patterns = self.patterns.as_ref()?;
        // Escapes come first, so that a key is replaced as a whole where another key is its
        // beginning.
        let read = through_escapes(patterns, bytes);
        let bytes = read.as_deref().unwrap_or(bytes);
        let plain = patterns.is_match(bytes).then(|| {
            let replacements = vec![REDACTED; patterns.patterns_len()];
            patterns.replace_all_bytes(bytes, &replacements)
        });
        plain.or(read)
    }
}

/// Returns the bytes without the keys that only show when escapes are read; `None` if there are
/// none.
fn through_escapes(patterns: &AhoCorasick, bytes: &[u8]) -> Option<Vec<u8>> {
    let view = escapes::unescaped(bytes)?;
    let found: Vec<_> = patterns.find_iter(&view).map(|found| found.range()).collect();
    (!found.is_empty()).then(|| escapes::replaced(bytes, &found, REDACTED.as_bytes()))
}

/// Returns a text as JSON writes it between quotes, without and with the escaped slash that some
/// writers use.
fn json_strings(text: &str) -> [String; 2] {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&quoted);
    [inner.to_owned(), inner.replace('/', "\\/")]
}

/// Returns the ways in which a key may be written.
fn spellings(key: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![
        key.to_owned(),
        utf8_percent_encode(key, NON_ALPHANUMERIC).to_string(),
        // Encoders differ in which characters they escape. A URL parser escapes the fewest.
        url::form_urlencoded::byte_serialize(key.as_bytes()).collect(),
    ];
    let mut written = vec![key.to_owned()];
    for _ in 0..DEEPEST_JSON {
        written = written.iter().flat_map(|text| json_strings(text)).collect();
        written.dedup();
        spellings.extend_from_slice(&written);
    }
    // Base64 of a text that holds the key depends on where in a group of three bytes the key
    // begins. The characters at its edges also hold bits of their neighbours, so they are left out.
    for lead in ["", " ", "  "] {
        let padded = [lead, key].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let encoded = engine.encode(&padded);
            let whole_groups = padded.len() / 3 * 4;
            let from = if lead.is_empty() { 0 } else { 4 };
            spellings.extend(encoded.get(from..whole_groups).map(str::to_owned));
        }
    }
    spellings.into_iter().filter(|s| s.len() >= SHORTEST_SPELLING).map(String::into_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::{EnvironmentCredentials, Lease};
    use crate::environment::Environment;
    use crate::transport::Credential;

    const KEY: &str = "sk-canary/\"0123456789+abcdef";

    fn scrubber() -> Scrubber {
        Scrubber::new(vec![Secret::new(KEY.to_owned())])
    }

    /// The key within JSON within JSON, `depth` times.
    fn within_json(depth: usize) -> String {
        let wrapped = |text: String, _| serde_json::json!({ "text": text }).to_string();
        (0..depth).fold(KEY.to_owned(), wrapped)
    }

    #[test]
    fn a_key_goes_however_it_is_spelled() {
        let scrubber = scrubber();
        let spelled = [
            KEY.to_owned(),
            serde_json::json!({ "key": KEY }).to_string(),
            within_json(2),
            within_json(DEEPEST_JSON),
            within_json(DEEPEST_JSON).replace('/', "\\/"),
            url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect(),
            utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string(),
        ];
        for text in spelled {
            let scrubbed = scrubber.scrub(&format!("before {text} after"));
            assert!(scrubbed.contains(REDACTED), "{text} survived as {scrubbed}");
            assert!(!scrubbed.contains("0123456789"), "{text} survived as {scrubbed}");
        }
    }

    /// Writers escape as they like: .NET escapes a plus in JSON, some URL encoders write lower
    /// case.
    #[test]
    fn a_key_goes_through_escapes_of_any_kind() {
        let scrubber = scrubber();
        let json = within_json(1);
        for text in [
            json.replace('+', "\\u002B"),
            json.replace('-', "\\u002d").replace('s', "\\u0073"),
            within_json(2).replace('+', "\\\\u002b"),
            KEY.replace('/', "%2f").replace('"', "%22").replace('+', "%2b"),
            KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        ] {
            let scrubbed = scrubber.scrub(&format!("before {text} after"));
            assert!(!scrubbed.contains("0123456789"), "{text} survived as {scrubbed}");
            assert!(!scrubbed.contains("\\u0030"), "{text} survived as {scrubbed}");
            assert!(scrubbed.contains(REDACTED), "{text} survived as {scrubbed}");
            assert!(scrubbed.starts_with("before ") && scrubbed.ends_with(" after"), "{scrubbed}");
            let (bytes, redacted) = scrubber.scrub_bytes(Bytes::from(text.clone()));
            assert!(redacted && !bytes.windows(10).any(|it| it == b"0123456789"), "{text}");
        }
        let escaped = "a \\u002B b, 100%25 of caf\\u00e9";
        assert_eq!(scrubber.scrub(escaped), escaped);
    }

    #[test]
    fn a_key_goes_from_base64_at_any_offset() {
        for lead in ["", "x", "xy", "Bearer "] {
            let encoded = STANDARD_NO_PAD.encode(format!("{lead}{KEY}"));
            let scrubbed = scrubber().scrub(&encoded);
            assert!(scrubbed.contains(REDACTED), "offset {} survived", lead.len());
        }
    }

    #[test]
    fn other_text_and_placeholders_stay() {
        for placeholder in ["ollama", "lm-studio", "not-needed"] {
            let scrubber = Scrubber::new(vec![Secret::new(placeholder.to_owned())]);
            let text = format!("ask {placeholder}");
            assert_eq!(scrubber.scrub(&text), text);
            let (bytes, redacted) = scrubber.scrub_bytes(Bytes::from(text.clone()));
            assert_eq!((&bytes[..], redacted), (text.as_bytes(), false));
        }
        let short = Scrubber::new(vec![Secret::new("sk-1234".to_owned())]);
        assert_eq!(short.scrub("ask sk-1234"), "ask [redacted]");
    }

    #[test]
    fn what_holds_a_key_shows_none_of_it() {
        let lease = Lease::new("OPENAI_API_KEY", Secret::new(KEY.to_owned()));
        let header = http::header::AUTHORIZATION;
        let credential = Credential::new(header, "Bearer ", lease.secret.clone());
        let environment = Environment::empty().with("OPENAI_API_KEY", KEY);
        let keys = EnvironmentCredentials::new(environment, ["OPENAI_API_KEY".to_owned()]);
        let shown = format!("{:?} {lease:?} {credential:?} {keys:?}", scrubber());
        assert!(shown.contains("OPENAI_API_KEY") && !shown.contains("canary"), "{shown}");
    }

    #[test]
    fn a_key_that_begins_with_another_goes_whole() {
        let keys = ["sk-short-key-1", "sk-short-key-1-and-more"].map(|k| Secret::new(k.to_owned()));
        let scrubbed =
            Scrubber::new(keys.to_vec()).scrub("a sk-short-key-1-and-more b sk-short-key-1");
        assert_eq!(scrubbed, "a [redacted] b [redacted]");
        let escaped = "a sk-short\\u002Dkey-1-and-more b sk-short-key-1-and%2dmore";
        assert_eq!(Scrubber::new(keys.to_vec()).scrub(escaped), "a [redacted] b [redacted]");
    }
}
