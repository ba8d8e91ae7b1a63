//! Finds the texts in an envelope that models wrote, and shares the room among them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::gap::Gap;
use super::width::escaped_chars;
use crate::envelope::Envelope;

/// The keys below `data` whose strings are texts that models wrote, each with its weight if there
/// is not room for all. An answer or artifact weighs most, because it is what was asked for.
const TEXTS: [(&str, usize); 5] =
    [("text", 4), ("artifact", 4), ("plan", 1), ("raw", 1), ("first_raw", 1)];

/// The key of the rounds whose artifacts do not count. Their texts are not what was asked for, so
/// all of them together weigh as one text, as long as each has room for its marker.
const OTHER_ROUNDS: &str = "other_rounds";

/// A text that a model wrote, taken out of its envelope.
pub(super) struct Text {
    text: String,
    /// The number of characters that the text takes in JSON.
    width: usize,
    weight: usize,
    /// Whether the text is of a round whose artifact does not count.
    is_past: bool,
}

/// The texts of an envelope, each by the number that stands in its place there.
pub(super) struct Texts(Vec<Text>);

impl Texts {
    /// Takes all texts that models wrote out of an envelope, and leaves the number of each.
    pub(super) fn taken_from(envelope: &mut Envelope) -> Self {
        let mut texts = Vec::new();
        visit(envelope, &mut |place, weight, is_past| {
            let text = std::mem::replace(place, texts.len().to_string());
            let width = escaped_chars(&text);
            texts.push(Text { text, width, weight: if is_past { 1 } else { weight }, is_past });
        });
        Self(texts)
    }

    /// Returns the number of characters that all texts take in JSON.
    pub(super) fn width(&self) -> usize {
        self.0.iter().map(|text| text.width).sum()
    }

    /// Returns the least room in which each text that has a place in `envelope` is there with the
    /// marker of a gap, and the room that the numbers in their places take.
    pub(super) fn least_room(&self, envelope: &mut Envelope, gap: &Gap) -> (usize, usize) {
        let (mut least, mut of_numbers) = (0, 0);
        visit(envelope, &mut |place, _, _| {
            of_numbers += place.len();
            let text = place.parse().ok().and_then(|number: usize| self.0.get(number));
            least += text.map_or(0, |text| gap.least_room(text.width));
        });
        (least, of_numbers)
    }

    /// Puts the texts that have a place in `envelope` there, cut to `room` characters together.
    pub(super) fn put_back(mut self, envelope: &mut Envelope, room: usize, gap: &Gap) {
        let mut shown = BTreeSet::new();
        visit(envelope, &mut |place, _, _| shown.extend(place.parse::<usize>()));
        let in_place = self.0.iter_mut().enumerate().filter(|(number, _)| shown.contains(number));
        share(room, in_place.map(|(_, text)| text).collect(), gap);
        visit(envelope, &mut |place, _, _| {
            let text = place.parse().ok().and_then(|number: usize| self.0.get_mut(number));
            *place = text.map(|text| std::mem::take(&mut text.text)).unwrap_or_default();
        });
    }
}

/// Shows every text in an envelope that a model wrote to `see`, with its weight and whether it is
/// of a round whose artifact does not count.
fn visit(envelope: &mut Envelope, see: &mut impl FnMut(&mut String, usize, bool)) {
    envelope.data.iter_mut().for_each(|data| visit_below(data, false, see));
}

fn visit_below(value: &mut Value, is_past: bool, see: &mut impl FnMut(&mut String, usize, bool)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit_below(item, is_past, see)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (weight_of(key), value) {
                    (Some(weight), Value::String(text)) => see(text, weight, is_past),
                    (_, value) => visit_below(value, is_past || key == OTHER_ROUNDS, see),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn weight_of(key: &str) -> Option<usize> {
    TEXTS.iter().find(|(name, _)| *name == key).map(|(_, weight)| *weight)
}

/// Returns whether a field holds a text that a model wrote.
pub(super) fn is_text(key: &str, value: &Value) -> bool {
    weight_of(key).is_some() && value.is_string()
}

/// Returns whether there is a text that a model wrote below a value.
pub(super) fn holds_text(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_text),
        Value::Object(fields) => {
            fields.iter().any(|(key, value)| is_text(key, value) || holds_text(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Cuts the texts that models wrote to `room` characters together. Each has the room of a gap, and
/// a share of the rest by its weight.
fn share(room: usize, mut texts: Vec<&mut Text>, gap: &Gap) {
    // All past rounds together weigh as one text.
    let past = texts.iter().filter(|text| text.is_past).count().max(1);
    texts.iter_mut().filter(|it| !it.is_past).for_each(|it| it.weight *= past);
    // Texts that need the smallest part of their share come first: what they leave goes to the
    // others.
    texts.sort_by_key(|text| text.width / text.weight);
    let mut weights: usize = texts.iter().map(|text| text.weight).sum();
    let of_gaps: usize = texts.iter().map(|text| gap.least_room(text.width)).sum();
    let mut spare = room.saturating_sub(of_gaps);
    for text in texts {
        let least = gap.least_room(text.width);
        let share = spare * text.weight / weights.max(1);
        weights -= text.weight;
        let mut taken = text.width;
        if text.width > least + share {
            text.text = gap.head_and_tail(&text.text, share);
            taken = escaped_chars(&text.text);
        }
        spare -= taken.saturating_sub(least).min(spare);
    }
}
