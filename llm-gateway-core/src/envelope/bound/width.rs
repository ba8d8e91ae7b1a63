//! Measures texts and envelopes in the characters that their JSON has.

use crate::envelope::Envelope;

/// Returns the number of characters that `c` takes in a JSON string as `serde_json` writes it.
pub(in crate::envelope) fn escaped_width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if (c as u32) < 0x20 => 6,
        _ => 1,
    }
}

/// Returns the number of characters that `text` takes in a JSON string.
pub(super) fn escaped_chars(text: &str) -> usize {
    text.chars().map(escaped_width).sum()
}

/// Returns the length in bytes of the longest beginning of `characters` that takes at most `room`
/// characters in JSON.
pub(super) fn bytes_that_fit(characters: impl Iterator<Item = char>, room: usize) -> usize {
    let mut used = 0;
    characters
        .take_while(|c| {
            used += escaped_width(*c);
            used <= room
        })
        .map(char::len_utf8)
        .sum()
}

/// Returns the number of characters of an envelope's JSON.
pub(in crate::envelope) fn json_chars(envelope: &Envelope) -> usize {
    serde_json::to_string(envelope).map_or(0, |json| json.chars().count())
}
