//! Removes keys from a text that arrives in pieces, before the rest of it is known.
//!
//! What is written of a stream cannot be taken back. So the end of what has arrived is held back
//! for as long as it may be the beginning of a key: as many letters as the longest spelling of a
//! key has at most, and none of a text that begins no key. The joined pieces are what
//! [`Scrubber::scrub`](super::Scrubber::scrub) makes of the whole text, wherever the text was split.

use std::ops::Range;
use std::sync::Arc;

use super::letters::{DROPPED, Units};
use super::unfinished::is_unfinished;
use super::windows::Spellings;
use super::{REDACTED, Scrubber};

/// The fewest letters of a key that tell anything of it. Many words begin with one or two of them.
const TELLING: usize = 3;

/// A scrubber for a text that arrives in pieces.
///
/// ```
/// use llm_gateway_core::credential::Secret;
/// use llm_gateway_core::transport::Scrubber;
///
/// let scrubber = Scrubber::new(vec![Secret::new("sk-0123456789abcdef".to_owned())]);
/// let mut stream = scrubber.stream();
/// assert_eq!(stream.push("the key is sk-0123"), "the key is ");
/// assert_eq!(stream.push("456789abcdef!"), "[redacted]!");
/// assert_eq!(stream.finish(), "");
/// ```
pub struct StreamScrubber {
    /// The scrubber of whole texts, which knows the keys.
    scrubber: Scrubber,
    /// The spellings of the keys that were known at the last piece; `None` if there were none.
    spellings: Option<Arc<Spellings>>,
    /// The text that is held back.
    held: Vec<u8>,
    /// The number of bytes of the held text that are read as letters.
    read: usize,
    /// The letters that were read in the held text.
    letters: Vec<u8>,
    /// The place of each letter in the held text.
    places: Vec<Range<usize>>,
    /// The number of bytes of the held text for which a [`REDACTED`] was written already.
    covered: usize,
    /// The length of the held text from which an unfinished escape at its end is read again.
    read_from: usize,
    /// The length of the held text from which it is looked at again without a new letter.
    decide_from: usize,
}

impl StreamScrubber {
    /// Creates a scrubber of a text that has not begun yet.
    pub(super) fn new(scrubber: Scrubber) -> Self {
        Self {
            scrubber,
            spellings: None,
            held: Vec::new(),
            read: 0,
            letters: Vec::new(),
            places: Vec::new(),
            covered: 0,
            read_from: 0,
            decide_from: 0,
        }
    }

    /// Adds a piece of the text, and returns the text that is now certain to be free of keys.
    pub fn push(&mut self, piece: &str) -> String {
        let Some(spellings) = self.known_now() else { return piece.to_owned() };
        self.held.extend_from_slice(piece.as_bytes());
        let before = self.letters.len();
        if self.held.len() >= self.read_from {
            self.read(TextEnd::Open);
        }
        if before > 0 && self.letters.len() == before && self.held.len() < self.decide_from {
            return String::new();
        }
        let undecided = self.undecided(&spellings);
        let until = self.places.get(undecided).map_or(self.read, |place| place.start);
        let released = self.release(&spellings, undecided, until);
        self.decide_from = later(self.held.len());
        released
    }

    /// Ends the text, and returns its rest.
    pub fn finish(mut self) -> String {
        let Some(spellings) = self.known_now() else { return String::new() };
        self.read(TextEnd::Final);
        let (letters, bytes) = (self.letters.len(), self.held.len());
        self.release(&spellings, letters, bytes)
    }

    /// Ends a text that was cut off, of which more was to come, and returns its rest. A rest that may
    /// be the beginning of a key is left out if it tells anything of it.
    pub(crate) fn finish_cut(mut self) -> String {
        self.read(TextEnd::Final);
        match self.letters.len() < TELLING {
            true => self.finish(),
            false => String::new(),
        }
    }

    /// Returns the spellings of the keys that are known now. What is held back was held for the
    /// sake of keys, so those of before stay if the list has none any more.
    fn known_now(&mut self) -> Option<Arc<Spellings>> {
        self.spellings = self.scrubber.spellings().or_else(|| self.spellings.take());
        self.spellings.clone()
    }

    /// Reads the letters of what is held, up to an escape that more text could change.
    fn read(&mut self, end: TextEnd) {
        while let Some((&first, after)) = self.held.get(self.read..).and_then(<[u8]>::split_first) {
            if end == TextEnd::Open && is_unfinished(first, after) {
                self.read_from = self.held.len() - after.len() + later(after.len());
                return;
            }
            let rest = self.held.get(self.read..).unwrap_or_default();
            let Some(unit) = Units(rest).next() else { return };
            let place = self.read..self.read + unit.length;
            self.read = place.end;
            if unit.letter != DROPPED {
                self.letters.push(unit.letter);
                self.places.push(place);
            }
        }
        self.read_from = 0;
    }

    /// Returns the index of the first letter at which a key may begin that has not arrived whole.
    fn undecided(&self, spellings: &Spellings) -> usize {
        let begins_a_key = |(index, place): (usize, &Range<usize>)| {
            let letters = self.letters.get(index..).unwrap_or_default();
            let written = self.held.get(place.start..self.read).unwrap_or_default();
            spellings.could_begin(letters, written).then_some(index)
        };
        // Before them, even the longest spelling would have arrived whole.
        let whole = self.letters.len().saturating_sub(spellings.longest());
        let begins = self.places.iter().enumerate().skip(whole).find_map(begins_a_key);
        begins.unwrap_or(self.letters.len())
    }

    /// Returns the held text up to the byte `until`, without keys, and forgets it. No key that has
    /// not arrived whole begins before the letter `undecided`, which stands there.
    fn release(&mut self, spellings: &Spellings, undecided: usize, until: usize) -> String {
        let mut released = Vec::new();
        for key in self.keys(spellings).iter().take_while(|key| key.start < until) {
            if key.start >= self.covered {
                released.extend_from_slice(self.held.get(self.covered..key.start).unwrap_or(&[]));
                released.extend_from_slice(REDACTED.as_bytes());
            }
            self.covered = self.covered.max(key.end);
        }
        released.extend_from_slice(self.held.get(self.covered..until).unwrap_or(&[]));
        self.forget(undecided, until);
        // Keys and escapes begin and end at characters, and pieces hold whole ones.
        String::from_utf8(released)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }

    /// Returns the places of all keys that are held whole, in the order of their first bytes.
    fn keys(&self, spellings: &Spellings) -> Vec<Range<usize>> {
        let found = spellings.find(&self.letters).into_iter().filter_map(|(spelling, letters)| {
            let (first, last) =
                (self.places.get(letters.start)?, self.places.get(letters.end - 1)?);
            let place = first.start..last.end;
            spelling.fits(self.held.get(place.clone())?).then_some(place)
        });
        let mut found: Vec<_> = found.collect();
        found.sort_unstable_by_key(|place| place.start);
        found
    }

    /// Forgets the first letters and bytes of the held text.
    fn forget(&mut self, letters: usize, bytes: usize) {
        self.held.drain(..bytes);
        self.letters.drain(..letters);
        self.places.drain(..letters);
        for place in &mut self.places {
            *place = place.start - bytes..place.end - bytes;
        }
        self.read -= bytes;
        self.covered = self.covered.saturating_sub(bytes);
        self.read_from = self.read_from.saturating_sub(bytes);
    }
}

// Without the text that is held back, which may be the beginning of a key.
impl std::fmt::Debug for StreamScrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamScrubber").field("held", &self.held.len()).finish_non_exhaustive()
    }
}

/// Returns the length at which a text that is this long is looked at again. A long one is not
/// looked at with each piece, or the time for it would grow with the square of its length.
fn later(length: usize) -> usize {
    length + 1 + length / 8
}

/// Whether more text may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextEnd {
    /// More text may follow.
    Open,
    /// No more text follows.
    Final,
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;
    use crate::credential::Secret;

    const KEYS: [&str; 5] = [
        "sk-canary/\"0123456789+abcdef",
        "sk-canary/\"0123456789+abcdef-and-more",
        "nvapi-%41b%7Qx-0123456789",
        "aaaaaaaabaaaaaaaaaaaa",
        "two words1",
    ];

    fn scrubber() -> Scrubber {
        Scrubber::new(KEYS.map(|key| Secret::new(key.to_owned())).to_vec())
    }

    /// Scrubs the pieces of a text, checks the invariants after each, and returns what came of all.
    fn streamed<'t>(scrubber: &Scrubber, pieces: impl IntoIterator<Item = &'t str>) -> String {
        let (mut stream, mut written) = (scrubber.stream(), String::new());
        for piece in pieces {
            written.push_str(&stream.push(piece));
            assert!(!scrubber.finds_key(written.as_bytes()), "{written}");
            let spellings = stream.spellings.clone().unwrap();
            let longest = spellings.longest();
            assert!(stream.letters.len() < longest, "{} of {longest}", stream.letters.len());
            assert_eq!(stream.letters.len(), stream.places.len());
            if let Some(first) = stream.places.first() {
                assert_eq!(first.start, 0, "what is held begins where a key may");
                assert!(spellings.could_begin(&stream.letters, b""));
            } else {
                assert_eq!(stream.read, 0, "without a letter nothing is held but an escape");
            }
        }
        written + &stream.finish()
    }

    /// Returns the pieces of a text that ends at each of these places, taken modulo its length.
    fn split<'t>(text: &'t str, cuts: &[usize]) -> Vec<&'t str> {
        let mut ends: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        ends.retain(|end| text.is_char_boundary(*end));
        ends.extend([0, text.len()]);
        ends.sort_unstable();
        ends.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
    }

    fn characters(text: &str) -> impl Iterator<Item = &str> {
        text.split_inclusive(|_: char| true)
    }

    /// Writes a key, or a part of it, in one of many ways.
    fn written(key: &str, way: usize) -> String {
        let each = |write: fn(u8) -> String| key.bytes().map(write).collect::<String>();
        match way % 12 {
            0 => key.to_owned(),
            1 => serde_json::json!({ "text": key }).to_string(),
            2 => each(|byte| format!("\\\\u{byte:04X}")),
            3 => each(|byte| format!("%25{byte:02x}")),
            4 => STANDARD.encode(format!("x{key}")).replace('/', "\\/"),
            5 => STANDARD.encode(key),
            6 => each(|byte| format!("{byte:02x} ")),
            7 => key.chars().map(|c| format!("{c}\u{200b}")).collect(),
            8 => each(|byte| format!("&amp;#x{byte:x};")),
            9 => key.chars().map(|c| format!("{c}\u{1b}[31m")).collect(),
            10 => key.to_uppercase(),
            _ => key.chars().map(|c| format!("{c}\n")).collect(),
        }
    }

    /// A piece of a text: a key, the beginning or the end of one, or other text.
    fn part() -> impl Strategy<Value = String> {
        let key = (0..KEYS.len(), 0..12_usize);
        let cut = (key.clone(), 0..40_usize, any::<bool>());
        prop_oneof![
            key.prop_map(|(key, way)| written(KEYS[key], way)),
            cut.prop_map(|((key, way), at, is_head)| {
                let text = written(KEYS[key], way);
                let at = (at..).find(|at| text.is_char_boundary((*at).min(text.len())));
                let (head, tail) = text.split_at(at.unwrap().min(text.len()));
                if is_head { head.to_owned() } else { tail.to_owned() }
            }),
            "[a ]{0,30}".prop_map(|text| text),
            "[%\\\\&#;u 0125bampé\u{1b}\\[]{0,12}".prop_map(|text| text),
            "\\PC{0,12}".prop_map(|text| text),
        ]
    }

    proptest! {
        #[test]
        fn any_split_of_any_text_is_scrubbed_like_the_whole(
            parts in prop::collection::vec(part(), 0..6), cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            let (scrubber, text) = (scrubber(), parts.concat());
            let whole = scrubber.scrub(&text);
            prop_assert_eq!(&streamed(&scrubber, split(&text, &cuts)), &whole, "{:?}", cuts);
            prop_assert_eq!(streamed(&scrubber, characters(&text)), whole);
        }
    }

    #[test]
    fn a_key_that_is_split_anywhere_never_appears() {
        let scrubber = scrubber();
        for way in 0..12 {
            let text = format!("before {} after", written(KEYS[0], way));
            let whole = scrubber.scrub(&text);
            assert!(whole.contains(REDACTED), "{text}");
            for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                let (head, tail) = text.split_at(at);
                assert_eq!(streamed(&scrubber, [head, tail]), whole, "{head:?} {tail:?}");
            }
        }
    }

    #[test]
    fn nothing_is_held_back_that_begins_no_key() {
        let mut stream = scrubber().stream();
        for (piece, released) in [
            ("", ""),
            ("Ω~", "Ω~"),
            ("100% ", "100% "),
            ("of \\q & ", "of \\q & "),
            ("~sk-can", "~"),
            ("~", "sk-can~"),
            ("two ", ""),
            (" ", "two  "),
            ("\u{1b}[3", ""),
            ("1m", "\u{1b}[31m"),
            ("&am", ""),
            ("p~", "&amp~"),
        ] {
            assert_eq!(stream.push(piece), released, "{piece:?}");
        }
        assert_eq!(stream.push("sk-canary"), "");
        assert_eq!(stream.finish(), "sk-canary", "the end of a text is the end of what may come");
    }

    #[test]
    fn the_end_of_a_cut_text_is_kept_unless_it_tells_of_a_key() {
        let cjk = "\u{7b54}\u{6848}".repeat(200);
        let (word, list, key) = (format!("s{cjk}"), format!("2s, {cjk}n"), format!("~sk-{cjk}"));
        for (text, kept) in [
            ("", ""),
            ("So far", "So far"),
            ("a sk-", "a "),
            ("a sk-canary/\"0123456789+abcde", "a "),
            ("100%", "100%"),
            ("\u{1b}[3", "\u{1b}[3"),
            (&word, &word),
            (&list, &list),
            (&key, "~"),
        ] {
            let cut = |pieces: &mut dyn Iterator<Item = &str>| {
                let mut stream = scrubber().stream();
                let said: String = pieces.map(|piece| stream.push(piece)).collect();
                said + &stream.finish_cut()
            };
            assert_eq!(cut(&mut [text].into_iter()), kept, "{text:?}");
            assert_eq!(cut(&mut characters(text)), kept, "{text:?} by characters");
        }
    }

    #[test]
    fn without_keys_a_text_goes_through_as_it_is() {
        let mut stream = Scrubber::default().stream();
        assert_eq!(stream.push("sk-"), "sk-");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn a_hostile_text_is_read_in_little_time() {
        let scrubber = scrubber();
        let escapes = ["\\", "%25", "&amp;", "\u{1b}[1;", "a", "sk-canary", "s\u{200b}", "s汉"];
        for run in escapes {
            let text = run.repeat(60_000 / run.len());
            let mut stream = scrubber.stream();
            let pieces: String = characters(&text).map(|piece| stream.push(piece)).collect();
            assert_eq!(pieces + &stream.finish(), scrubber.scrub(&text), "{run:?}");
        }
    }

    #[test]
    fn what_is_held_back_is_not_printed() {
        let mut stream = scrubber().stream();
        stream.push("sk-canary");
        assert_eq!(format!("{stream:?}"), "StreamScrubber { held: 9, .. }");
    }
}
