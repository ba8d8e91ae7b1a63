//! Reads a text by its letters, so that a key is found however a writer has spelled it.
//!
//! A writer may escape any character, break a text into lines and put invisible characters between
//! its letters, so a list of all spellings of a key would have no end. Instead, text and key are
//! both reduced to their *letters*: the visible ASCII characters, without case, read through the
//! escapes of JSON, URLs, HTML and terminals. A match among the letters is replaced at its place in
//! the text. This module knows nothing about keys.
//!
//! Reading drops much and adds nothing: two texts with one meaning have the same letters. Some
//! texts with different meanings also have the same letters, so a key may be found in a text
//! without one. At the length of a key this does not happen by chance.

use std::ops::Range;

/// The class of a byte that is no letter.
pub(super) const DROPPED: u8 = 0;

/// The class of a byte that may begin an escape.
const SPECIAL: u8 = 1;

/// The class of each byte that is not part of an escape: a letter, dropped or special.
const CLASSES: [u8; 256] = classes();

// The compiler runs it, so that an index out of bounds would be an error.
#[allow(clippy::indexing_slicing)]
const fn classes() -> [u8; 256] {
    let mut classes = [DROPPED; 256];
    let mut byte: u8 = 0x21;
    while byte < 0x7f {
        classes[byte as usize] = match byte {
            b'\\' | b'%' | b'&' => SPECIAL,
            // Base64 pads with it, and quoted-printable ends broken lines with it.
            b'=' => DROPPED,
            // The two alphabets of base64 are one.
            b'-' => b'+',
            b'_' => b'/',
            byte => byte.to_ascii_lowercase(),
        };
        byte += 1;
    }
    classes[ESCAPE as usize] = SPECIAL;
    classes
}

/// The byte that begins a control sequence of a terminal.
pub(super) const ESCAPE: u8 = 0x1b;

/// The names of HTML entities that stand for a letter or for nothing visible.
pub(super) const ENTITIES: [(&[u8], u8); 11] = [
    (b"quot;", b'"'),
    (b"apos;", b'\''),
    (b"lt;", b'<'),
    (b"gt;", b'>'),
    (b"shy;", DROPPED),
    (b"nbsp;", DROPPED),
    (b"zwj;", DROPPED),
    (b"zwnj;", DROPPED),
    (b"ZeroWidthSpace;", DROPPED),
    (b"NewLine;", DROPPED),
    (b"Tab;", DROPPED),
];

/// Returns the letters of a text.
pub(super) fn letters(text: &[u8]) -> Vec<u8> {
    let mut letters = vec![DROPPED; text.len()];
    let mut end = 0;
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let mut letter = class(first);
        rest = after;
        if letter == SPECIAL {
            let unit = special(first, after);
            letter = unit.letter;
            rest = after.get(unit.length - 1..).unwrap_or_default();
        }
        // Without a branch, since dropped bytes come at no rate that a processor could foresee.
        if let Some(place) = letters.get_mut(end) {
            *place = letter;
        }
        end += usize::from(letter != DROPPED);
    }
    letters.truncate(end);
    letters
}

/// Returns the places in `text` of ranges of its letters.
pub(super) fn places(text: &[u8], found: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut wanted: Vec<_> = found.iter().flat_map(|it| [it.start, it.end - 1]).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut read = Vec::with_capacity(wanted.len());
    let (mut place, mut letters) = (0, 0);
    for Unit { letter, length } in Units(text) {
        if letter != DROPPED {
            if wanted.get(read.len()) == Some(&letters) {
                read.push(place..place + length);
            }
            letters += 1;
        }
        place += length;
    }
    let of = |letter| wanted.binary_search(&letter).ok().and_then(|index| read.get(index));
    let range = |it: &Range<usize>| Some(of(it.start)?.start..of(it.end - 1)?.end);
    found.iter().filter_map(range).collect()
}

/// A unit of a text, the smallest part that is read by itself: a byte or an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) letter: u8,
    pub(super) length: usize,
}

/// An iterator over the units of a text.
pub(super) struct Units<'a>(pub(super) &'a [u8]);

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let (&first, after) = self.0.split_first()?;
        let unit = match class(first) {
            SPECIAL => special(first, after),
            letter => Unit { letter, length: 1 },
        };
        self.0 = self.0.get(unit.length..).unwrap_or_default();
        Some(unit)
    }
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(DROPPED)
}

/// Reads the unit that begins with `first`, which may begin an escape. All bytes that are inspected
/// are consumed, so that reading takes time linear in the text.
fn special(first: u8, after: &[u8]) -> Unit {
    match first {
        b'%' => percent(after),
        b'\\' => backslash(after),
        b'&' => entity(after),
        _ => meaning(ESCAPE.into(), 1, after),
    }
}

/// Reads a percent escape, such as `%2b`, encoded any number of times: `%252b`.
fn percent(after: &[u8]) -> Unit {
    let (again, rest) = repeated(after, b"25");
    let (digits, more) = match rest.first() {
        Some(b'u') => (rest.get(1..5), 5),
        _ => (rest.get(..2), 2),
    };
    match digits.and_then(|digits| number(digits, 16)) {
        Some(value) => meaning(value, 1 + again + more, rest.get(more..).unwrap_or_default()),
        None => Unit { letter: b'%', length: 1 + again },
    }
}

/// Reads an escape with a backslash, such as `\u002b`, `\/` or `\n`, encoded any number of times:
/// each layer of JSON doubles the backslashes.
fn backslash(after: &[u8]) -> Unit {
    let (again, rest) = repeated(after, b"\\");
    let length = 1 + again;
    let Some((&named, rest)) = rest.split_first() else {
        return Unit { letter: DROPPED, length };
    };
    let digits = match named {
        b'n' | b'r' | b't' | b'b' | b'f' => return Unit { letter: DROPPED, length: length + 1 },
        b'u' => 4,
        b'x' => 2,
        b'U' => 8,
        _ => 0,
    };
    match rest.get(..digits).and_then(|digits| number(digits, 16)) {
        Some(value) => meaning(value, length + 1 + digits, rest.get(digits..).unwrap_or_default()),
        None if matches!(class(named), SPECIAL) => Unit { letter: DROPPED, length },
        None => Unit { letter: class(named), length: length + 1 },
    }
}

/// Reads an entity of HTML, such as `&#43;` or `&quot;`, encoded any number of times:
/// `&amp;quot;`.
fn entity(after: &[u8]) -> Unit {
    let (again, rest) = repeated(after, b"amp;");
    let length = 1 + again;
    if let Some(digits) = rest.strip_prefix(b"#") {
        let (radix, digits, before) = hex_or_decimal(digits);
        let end = digits.iter().take(8).position(|byte| *byte == b';');
        let value = end.and_then(|end| number(digits.get(..end)?, radix));
        if let (Some(value), Some(end)) = (value, end) {
            let length = length + before + end + 1;
            return meaning(value, length, digits.get(end + 1..).unwrap_or_default());
        }
    }
    match ENTITIES.iter().find(|(name, _)| rest.starts_with(name)) {
        Some((name, letter)) => Unit { letter: *letter, length: length + name.len() },
        None => Unit { letter: b'&', length },
    }
}

/// Returns in which radix the digits of an entity are written, the digits with what follows them,
/// and how many bytes stand before them.
pub(super) fn hex_or_decimal(digits: &[u8]) -> (u32, &[u8], usize) {
    match digits.first() {
        Some(b'x' | b'X') => (16, digits.get(1..).unwrap_or_default(), 2),
        _ => (10, digits, 1),
    }
}

/// Returns how many bytes at the start of a text are repetitions of `what`, and the rest of the
/// text.
pub(super) fn repeated<'a>(text: &'a [u8], what: &[u8]) -> (usize, &'a [u8]) {
    let mut rest = text;
    while let Some(more) = rest.strip_prefix(what) {
        rest = more;
    }
    (text.len() - rest.len(), rest)
}

/// Returns the number that digits write; `None` if they are no digits.
pub(super) fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let is_number = digits.iter().all(|digit| char::from(*digit).is_digit(radix));
    let digits = std::str::from_utf8(digits).ok().filter(|digits| is_number && !digits.is_empty());
    u32::from_str_radix(digits?, radix).ok()
}

/// Returns the unit of a character that was written in `length` bytes before `rest`. An escape
/// character forms one unit with the sequence that it begins: `ESC [ 3 1 m`.
fn meaning(character: u32, length: usize, rest: &[u8]) -> Unit {
    if character == u32::from(ESCAPE) {
        let sequence = rest.strip_prefix(b"[").map(|rest| {
            let parameters = rest.iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
            1 + parameters + usize::from(rest.get(parameters).is_some_and(u8::is_ascii_graphic))
        });
        return Unit { letter: DROPPED, length: length + sequence.unwrap_or(0) };
    }
    let letter = match u8::try_from(character).map(|byte| (byte, class(byte))) {
        Ok((byte @ (b'%' | b'&'), _)) => byte,
        Ok((_, SPECIAL)) | Err(_) => DROPPED,
        Ok((_, letter)) => letter,
    };
    Unit { letter, length }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        String::from_utf8(letters(text.as_bytes())).unwrap()
    }

    #[test]
    fn letters_are_read_whoever_wrote_them() {
        for (text, meant) in [
            ("Ab-c_d+e/f=", "ab+c/d+e/f"),
            (r"a\u002Bb", "a+b"),
            (r"a\u002bb\\u002b\\\\u002b", "a+b++"),
            (r"a\x2bb\U0000002bc", "a+b+c"),
            (r#"a\/b\"c\\d"#, "a/b\"cd"),
            ("a%2Bb%2b%252b%25252B%u002b", "a+b++++"),
            ("%5c\\u0022", "\""),
            ("a&#43;b&#x2B;&quot;&amp;quot;&amp;#43;&amp;", "a+b+\"\"+&"),
            ("a\u{200b}b\u{ad}c\u{feff}d\u{2060}é\u{7}f", "abcdf"),
            (r"a\u200bb\u00adc%E2%80%8Bd&#8203;e&shy;f", "abcdef"),
            ("a b\r\n\tc\\nd\\r\\n\\te%0Af=\nF", "abcdeff"),
            ("a\x1b[1;31mb\\u001b[0mc\x1b(", "abc("),
        ] {
            assert_eq!(read(text), meant, "{text}");
        }
    }

    #[test]
    fn what_is_no_escape_is_read_as_it_is() {
        for (text, meant) in [
            ("100 %, %+1, %é, %", "100%,%+1,%,%"),
            ("%zz%2", "%zz%2"),
            ("a & b &# &#; &#x; &#zz; &amp", "a&b&#&#;&#x;&#zz;&amp"),
            (r"\u00 \u12 \q", "u00u12q"),
            ("\\", ""),
            ("\\%41", "a"),
        ] {
            assert_eq!(read(text), meant, "{text}");
        }
    }

    #[test]
    fn what_is_found_has_its_place_in_the_text() {
        // Read as `+b+c+`.
        let text = r"é\u002Bb%2Bc%2b";
        let at = |start, end| {
            let range = Range { start, end };
            places(text.as_bytes(), std::slice::from_ref(&range)).pop().map(|it| &text[it])
        };
        assert_eq!(at(0, 1), Some(r"\u002B"));
        assert_eq!(at(1, 3), Some("b%2B"));
        assert_eq!(at(2, 5), Some("%2Bc%2b"));
        assert_eq!(at(0, 6), None);
        assert_eq!(places(b"a b", &[0..2, 1..2]), [0..3, 2..3]);
    }

    /// Checks that letters and places, which are read by two loops, agree.
    #[test]
    fn every_cut_of_a_text_has_a_place_for_each_letter() {
        let text =
            "a%2525b\\\\\\u002b\\n&amp;#43;\x1b[31;1m%u00e9&quot;%252\\U0000\\x4&amp;amp;#x2";
        for end in 0..=text.len() {
            let text = &text.as_bytes()[..end];
            let units: Vec<_> = Units(text).collect();
            assert_eq!(units.iter().map(|unit| unit.length).sum::<usize>(), text.len());
            let read = units.iter().map(|unit| unit.letter).filter(|letter| *letter != DROPPED);
            assert_eq!(read.collect::<Vec<_>>(), letters(text));
        }
    }

    #[test]
    fn a_long_run_is_read_once() {
        for run in ["\\", "%25", "&amp;", "%", "&", "\x1b[", "\x1b[1;", "&#", "\\u"] {
            letters(run.repeat(3_000_000 / run.len()).as_bytes());
        }
    }
}
