//! Keeps an envelope within a number of characters, and its JSON whole.

use serde_json::{Value, json};

use super::Envelope;

/// Of a text that is cut, two thirds of the room go to its head: that is where an answer
/// says what it is.
const HEAD_SHARE: (usize, usize) = (2, 3);

/// Room that the marker of the gap and `meta.truncated` take.
const MARKER_ROOM: usize = 160;

/// What is tried in turn where cutting the text is not enough: the longest string and the
/// longest list that may stay.
const STEPS: [(usize, usize); 5] = [(2_000, 200), (500, 100), (160, 40), (60, 15), (20, 4)];

pub(super) fn bounded(mut envelope: Envelope, max_chars: usize) -> Envelope {
    let size = json_chars(&envelope);
    if size <= max_chars {
        return envelope;
    }
    envelope.meta.insert("truncated".to_owned(), json!(true));
    let mut texts = texts(&mut envelope);
    let others = size - texts.iter().map(|text| escaped_chars(text)).sum::<usize>();
    let marked = texts.len() * MARKER_ROOM;
    let mut room = max_chars.saturating_sub(others + marked);
    // The shortest first: what it leaves of its share is the others'.
    texts.sort_by_key(|text| text.len());
    let mut left = texts.len();
    for text in texts {
        let share = room / left.max(1);
        room -= share.min(escaped_chars(text));
        left -= 1;
        *text = head_and_tail(text, share);
    }
    for (longest_string, longest_list) in STEPS {
        if json_chars(&envelope) <= max_chars {
            break;
        }
        if let Some(error) = &mut envelope.error {
            shorten_text(error, longest_string);
        }
        let data = envelope.data.iter_mut();
        for value in data.chain(envelope.meta.values_mut()) {
            shorten(value, longest_string, longest_list);
        }
    }
    envelope
}

/// What models wrote: the text of an answer, those of a panel's members, artifact and plan.
fn texts(envelope: &mut Envelope) -> Vec<&mut String> {
    let Some(Value::Object(data)) = &mut envelope.data else { return Vec::new() };
    let mut texts = Vec::new();
    for (key, value) in data {
        match (key.as_str(), value) {
            ("text" | "artifact" | "plan", Value::String(text)) => texts.push(text),
            ("members", Value::Array(members)) => {
                texts.extend(members.iter_mut().filter_map(|member| {
                    match member.pointer_mut("/data/text")? {
                        Value::String(text) => Some(text),
                        _ => None,
                    }
                }));
            }
            _ => {}
        }
    }
    texts
}

/// The head and the tail of `text`, in at most `room` characters once escaped, with what
/// was left out marked between them.
fn head_and_tail(text: &str, room: usize) -> String {
    let head_room = room * HEAD_SHARE.0 / HEAD_SHARE.1;
    let head = fitting(text.chars(), head_room);
    let tail = fitting(text.chars().rev(), room - head_room);
    let (head_end, tail_start) = (head, text.len() - tail);
    if head_end >= tail_start {
        return text.to_owned();
    }
    let (start, rest) = text.split_at(head_end);
    let (middle, end) = rest.split_at(tail_start - head_end);
    let omitted = middle.chars().count();
    format!("{start}\n\n[... {omitted} characters left out ...]\n\n{end}")
}

/// Bytes of the longest run of characters that escapes to at most `room` characters.
fn fitting(characters: impl Iterator<Item = char>, room: usize) -> usize {
    let mut used = 0;
    characters
        .take_while(|c| {
            used += escaped_width(*c);
            used <= room
        })
        .map(char::len_utf8)
        .sum()
}

/// Characters that `c` takes in a JSON string as `serde_json` writes it.
fn escaped_width(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if (c as u32) < 0x20 => 6,
        _ => 1,
    }
}

fn escaped_chars(text: &str) -> usize {
    text.chars().map(escaped_width).sum()
}

fn json_chars(envelope: &Envelope) -> usize {
    serde_json::to_string(envelope).map_or(0, |json| json.chars().count())
}

/// Cuts every string and list below `value`, and says how much is gone.
fn shorten(value: &mut Value, longest_string: usize, longest_list: usize) {
    match value {
        Value::String(text) => shorten_text(text, longest_string),
        Value::Array(items) => {
            let more = items.len().saturating_sub(longest_list);
            items.truncate(longest_list);
            items.iter_mut().for_each(|item| shorten(item, longest_string, longest_list));
            if more > 0 {
                items.push(json!(format!("… and {more} more")));
            }
        }
        Value::Object(fields) => {
            let more: Vec<String> = fields.keys().skip(longest_list.max(20)).cloned().collect();
            more.iter().for_each(|key| drop(fields.remove(key)));
            fields.values_mut().for_each(|field| shorten(field, longest_string, longest_list));
            if !more.is_empty() {
                fields.insert("…".to_owned(), json!(format!("and {} more", more.len())));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn shorten_text(text: &mut String, longest: usize) {
    if text.chars().count() > longest {
        *text = text.chars().take(longest).chain(['…']).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(envelope: &Envelope) -> usize {
        serde_json::to_string(envelope).unwrap().chars().count()
    }

    #[test]
    fn a_short_envelope_stays_as_it_is() {
        let envelope = Envelope::success(json!({ "text": "hi" }));
        assert_eq!(envelope.clone().bounded(2_000), envelope);
    }

    #[test]
    fn a_long_text_keeps_head_and_tail() {
        let text = format!("first {} last", "x".repeat(100_000));
        let bounded = Envelope::success(json!({ "text": text })).bounded(3_000);
        let text = bounded.data.as_ref().unwrap()["text"].as_str().unwrap().to_owned();
        assert!(text.starts_with("first ") && text.ends_with(" last"), "{text}");
        assert!(text.contains("characters left out"));
        assert_eq!(bounded.meta["truncated"], true);
        assert!(sized(&bounded) <= 3_000);
    }

    #[test]
    fn a_long_list_is_cut_and_says_so() {
        let classes: Vec<Value> =
            (0..5_000).map(|n| json!({ "name": format!("class_{n}") })).collect();
        let bounded = Envelope::success(json!({ "task_classes": classes })).bounded(5_000);
        assert!(sized(&bounded) <= 5_000);
        let list = bounded.data.as_ref().unwrap()["task_classes"].as_array().unwrap().clone();
        assert!(list.last().unwrap().as_str().unwrap().starts_with("… and "));
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_bound_or_the_json(text in "[\\PC\u{0}-\u{1f}\"\\\\]{0,4000}", max in 2_000usize..6_000) {
            let mut envelope = Envelope::success(json!({ "text": text }));
            envelope.error = Some(text);
            let bounded = envelope.bounded(max);
            let written = serde_json::to_string(&bounded).unwrap();
            proptest::prop_assert!(written.chars().count() <= max);
            let read: Value = serde_json::from_str(&written).unwrap();
            proptest::prop_assert_eq!(&read["status"], "success");
        }
    }
}
