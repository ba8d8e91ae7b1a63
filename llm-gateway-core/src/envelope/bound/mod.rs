//! Shortens an envelope to a number of characters, while its JSON stays valid.
//!
//! Texts that models wrote are cut first, each to a share of the room, then strings and lists of
//! the rest, step by step.

use serde_json::{Value, json};

use super::Envelope;

/// The share of a cut text's room that goes to its head: two thirds, because an answer says at its
/// beginning what it is.
const HEAD_SHARE: (usize, usize) = (2, 3);

/// The marker of a gap in a text, which counts what was left out.
pub(super) struct Gap {
    /// The words behind the count of characters.
    words: &'static str,
}

/// The marker of a gap whose text is nowhere else.
pub(super) const PLAIN_GAP: Gap = Gap { words: "characters left out" };

/// The marker of a gap whose text is on the result's pages.
pub(super) const PAGED_GAP: Gap = Gap { words: "characters left out; llm_result has them" };

impl Gap {
    /// Returns the marker for a number of characters.
    fn marker(&self, omitted: usize) -> String {
        format!("\n\n[... {omitted} {} ...]\n\n", self.words)
    }

    /// Returns the most characters that a gap in this text takes in JSON, or those of the text if
    /// they are fewer.
    fn least_room(&self, text: &str) -> usize {
        let marker = self.marker(text.chars().count());
        escaped_chars(&marker).min(escaped_chars(text))
    }
}

/// The steps of shortening: the longest string and the longest list that may stay. Each pair is
/// tried in turn until the envelope fits; the last leaves next to nothing of a list.
const SHORTENING_STEPS: [(usize, usize); 6] =
    [(2_000, 200), (500, 100), (160, 40), (60, 15), (20, 4), (20, 1)];

/// The keys below `data` whose strings are texts that models wrote, each with its weight if there
/// is not room for all. An answer or artifact weighs most, because it is what was asked for.
const TEXTS: [(&str, usize); 5] =
    [("text", 4), ("artifact", 4), ("plan", 1), ("raw", 1), ("first_raw", 1)];

/// The key of the rounds whose artifacts do not count. Their texts are not what was asked for, so
/// all of them together weigh as one text, as long as each has room for its marker.
const OTHER_ROUNDS: &str = "other_rounds";

/// Shortens an envelope to at most `max_chars` characters of JSON.
pub(super) fn bounded(mut envelope: Envelope, max_chars: usize, gap: &Gap) -> Envelope {
    if json_chars(&envelope) <= max_chars {
        return envelope;
    }
    envelope.meta.insert("truncated".to_owned(), json!(true));
    let wanted: usize = texts(&mut envelope).iter().map(|text| escaped_chars(text.text)).sum();
    // Half of the room belongs to the texts, as far as they need it.
    let rest = max_chars.saturating_sub(wanted.min(max_chars / 2));
    shorten_to(rest, &mut envelope, size_without_texts, Texts::Spared);
    let room = max_chars.saturating_sub(size_without_texts(&mut envelope));
    let texts = texts(&mut envelope);
    // Where there is next to no room, the words of a gap give way to the text.
    let of_gaps: usize = texts.iter().map(|text| gap.least_room(text.text)).sum();
    let gap = if room < 4 * of_gaps { &PLAIN_GAP } else { gap };
    share(room, texts, gap);
    shorten_to(max_chars, &mut envelope, |envelope| json_chars(envelope), Texts::Cut);
    envelope
}

/// A text in an envelope that a model wrote.
struct Text<'a> {
    text: &'a mut String,
    weight: usize,
    /// Whether the text is of a round whose artifact does not count.
    is_past: bool,
}

/// Returns every text in an envelope that a model wrote.
fn texts(envelope: &mut Envelope) -> Vec<Text<'_>> {
    let mut texts = Vec::new();
    if let Some(data) = &mut envelope.data {
        collect(data, false, &mut texts);
    }
    texts
}

fn collect<'a>(value: &'a mut Value, is_past: bool, texts: &mut Vec<Text<'a>>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| collect(item, is_past, texts)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (weight_of(key), value) {
                    (Some(weight), Value::String(text)) => {
                        let weight = if is_past { 1 } else { weight };
                        texts.push(Text { text, weight, is_past });
                    }
                    (_, value) => collect(value, is_past || key == OTHER_ROUNDS, texts),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn weight_of(key: &str) -> Option<usize> {
    TEXTS.iter().find(|(name, _)| *name == key).map(|(_, weight)| *weight)
}

fn size_without_texts(envelope: &mut Envelope) -> usize {
    let texts: usize = texts(envelope).iter().map(|text| escaped_chars(text.text)).sum();
    json_chars(envelope) - texts
}

/// Cuts the texts that models wrote to `room` characters together. Each has the room of a gap, and
/// a share of the rest by its weight.
fn share(room: usize, mut texts: Vec<Text<'_>>, gap: &Gap) {
    // All past rounds together weigh as one text.
    let past = texts.iter().filter(|text| text.is_past).count().max(1);
    texts.iter_mut().filter(|it| !it.is_past).for_each(|it| it.weight *= past);
    // Texts that need the smallest part of their share come first: what they leave goes to the
    // others.
    texts.sort_by_key(|text| escaped_chars(text.text) / text.weight);
    let mut weights: usize = texts.iter().map(|text| text.weight).sum();
    let of_gaps: usize = texts.iter().map(|text| gap.least_room(text.text)).sum();
    let mut spare = room.saturating_sub(of_gaps);
    for Text { text, weight, .. } in texts {
        let least = gap.least_room(text);
        let share = spare * weight / weights.max(1);
        weights -= weight;
        if escaped_chars(text) > least + share {
            *text = head_and_tail(text, share, gap);
        }
        spare -= escaped_chars(text).saturating_sub(least).min(spare);
    }
}

/// Whether texts that models wrote are shortened with the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Texts {
    Spared,
    Cut,
}

/// Cuts the strings and lists of an envelope step by step until its size is at most `most`.
fn shorten_to(
    most: usize,
    envelope: &mut Envelope,
    size: impl Fn(&mut Envelope) -> usize,
    texts: Texts,
) {
    for (longest_string, longest_list) in SHORTENING_STEPS {
        if size(envelope) <= most {
            break;
        }
        if let Some(error) = &mut envelope.error {
            shorten_text(error, longest_string);
        }
        let cut = ShorteningStep { longest_string, longest_list, texts };
        envelope.data.iter_mut().for_each(|data| cut.shorten(data));
        // An id that is cut identifies nothing.
        let meta = envelope.meta.iter_mut().filter(|(key, _)| *key != "run_id");
        meta.for_each(|(_, value)| cut.shorten(value));
    }
}

/// Returns the head and the tail of `text`, which take at most `room` characters in JSON, with a
/// marker between them that counts what was left out.
fn head_and_tail(text: &str, room: usize, gap: &Gap) -> String {
    let head_room = room * HEAD_SHARE.0 / HEAD_SHARE.1;
    let head = bytes_that_fit(text.chars(), head_room);
    let tail = bytes_that_fit(text.chars().rev(), room - head_room);
    let (head_end, tail_start) = (head, text.len() - tail);
    if head_end >= tail_start {
        return text.to_owned();
    }
    let (start, rest) = text.split_at(head_end);
    let (middle, end) = rest.split_at(tail_start - head_end);
    let omitted = middle.chars().count();
    format!("{start}{}{end}", gap.marker(omitted))
}

/// Returns the length in bytes of the longest beginning of `characters` that takes at most `room`
/// characters in JSON.
fn bytes_that_fit(characters: impl Iterator<Item = char>, room: usize) -> usize {
    let mut used = 0;
    characters
        .take_while(|c| {
            used += escaped_width(*c);
            used <= room
        })
        .map(char::len_utf8)
        .sum()
}

/// Returns the number of characters that `c` takes in a JSON string as `serde_json` writes it.
pub(super) fn escaped_width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if (c as u32) < 0x20 => 6,
        _ => 1,
    }
}

fn escaped_chars(text: &str) -> usize {
    text.chars().map(escaped_width).sum()
}

pub(super) fn json_chars(envelope: &Envelope) -> usize {
    serde_json::to_string(envelope).map_or(0, |json| json.chars().count())
}

/// One step of shortening: how much of strings and lists may stay.
struct ShorteningStep {
    longest_string: usize,
    longest_list: usize,
    texts: Texts,
}

impl ShorteningStep {
    /// Cuts every string and list below `value`, and notes in it how many entries were left out.
    fn shorten(&self, value: &mut Value) {
        match value {
            Value::String(text) => shorten_text(text, self.longest_string),
            Value::Array(items) => {
                let spared = self.texts == Texts::Spared && items.iter().any(holds_text);
                let kept = if spared { items.len() } else { self.longest_list };
                let more = items.len().saturating_sub(kept);
                items.truncate(kept);
                items.iter_mut().for_each(|item| self.shorten(item));
                if more > 0 {
                    items.push(json!(format!("… and {more} more")));
                }
            }
            Value::Object(fields) => {
                let more: Vec<String> =
                    fields.keys().skip(self.longest_list.max(20)).cloned().collect();
                more.iter().for_each(|key| drop(fields.remove(key)));
                let spared = |key: &str| self.texts == Texts::Spared && weight_of(key).is_some();
                let cut = fields.iter_mut().filter(|(key, it)| !(it.is_string() && spared(key)));
                cut.for_each(|(_, field)| self.shorten(field));
                if !more.is_empty() {
                    fields.insert("…".to_owned(), json!(format!("and {} more", more.len())));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn holds_text(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_text),
        Value::Object(fields) => fields
            .iter()
            .any(|(key, value)| weight_of(key).is_some() && value.is_string() || holds_text(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn shorten_text(text: &mut String, longest: usize) {
    if text.chars().count() > longest {
        *text = text.chars().take(longest).chain(['…']).collect();
    }
}

#[cfg(test)]
mod tests;
