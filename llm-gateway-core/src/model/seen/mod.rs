//! Converts a text to what a reader sees: without invisible characters, and with one spelling for
//! each letter.
//!
//! Two texts that look the same to a reader may differ in their bytes: a soft hyphen in each word,
//! accents as marks of their own, letters of mathematics, letters as HTML entities. Whoever
//! compares what a model was shown with what it must not be shown compares the texts of this
//! module. This module changes no text that is sent, and decides nothing about one.
//!
//! [`as_seen`] is coarser than NFKC: two texts that NFKC makes equal are equal here as well.

mod look_alikes;
mod markup;
mod references;

use icu_normalizer::DecomposingNormalizer;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

pub(crate) use markup::without_markup;

/// Returns a text as a reader sees it. References and escapes are the characters that they stand
/// for, invisible characters and marks above and below letters are gone, and letters of every style
/// are plain ones, in the case that they have.
pub(crate) fn as_seen(text: &str) -> String {
    let resolved = references::resolved(text);
    // Most texts are these, and their normal form is their own.
    if resolved.chars().all(|c| c.is_ascii() && is_visible(c)) {
        return resolved.into_owned();
    }
    let normalizer = DecomposingNormalizer::new_nfkd();
    let decomposed = normalizer.normalize_iter(resolved.chars().map(look_alikes::plain));
    let shown = decomposed.filter(|c| is_visible(*c) && *c != ELONGATION);
    shown.map(look_alikes::plain).collect()
}

/// Characters that end a line.
pub(crate) const LINE_ENDS: [char; 7] =
    ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// The mark by which Arabic lengthens a word, which has no meaning.
const ELONGATION: char = '\u{640}';

/// Returns whether a reader sees a character that stands alone. Joiners, fillers, variation
/// selectors and tags (`Default_Ignorable_Code_Point`), control characters, directional marks, and
/// marks that only change the letter before them are not seen. Whitespace counts as seen.
pub(crate) fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_whitespace() || !c.is_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_hidden = matches!(
        category,
        GeneralCategory::NonspacingMark
            | GeneralCategory::EnclosingMark
            | GeneralCategory::Format
            | GeneralCategory::Control
    );
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    c.is_whitespace() || !(is_hidden || is_ignorable)
}

/// Returns whether a text stays blank with this character: whitespace, or a character without a
/// shape of its own, such as a joiner, a filler, a directional mark or a control character. A mark
/// above or below a letter is not blank.
pub(crate) fn is_blank(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_mark =
        matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark);
    c.is_whitespace() || !is_visible(c) && !is_mark
}

#[cfg(test)]
mod tests;
