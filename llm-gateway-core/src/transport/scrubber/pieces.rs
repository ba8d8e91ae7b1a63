//! Joins the strings of a body, to find a key whose pieces lie in several of them.
//!
//! An answer comes in pieces: the events of a stream, the parts of a message, reasoning before
//! text. This module joins them as a reader would, without knowing the dialect: the strings under
//! one name in their order, then all strings that may be content whatever their name, and all that
//! name something. The body need not be well formed.

use std::collections::HashMap;

/// Members whose values are labels: a few fixed words for the kind of what is beside them, or
/// padding. They come between the pieces of an answer and belong to none.
const LABELS: [&[u8]; 11] = [
    b"type",
    b"object",
    b"role",
    b"index",
    b"status",
    b"finish_reason",
    b"finishReason",
    b"native_finish_reason",
    b"stop_reason",
    b"service_tier",
    b"obfuscation",
];

/// Members whose values are names. Most of them are repeated in each event.
const NAMES: [&[u8]; 8] = [
    b"id",
    b"model",
    b"responseId",
    b"modelVersion",
    b"system_fingerprint",
    b"provider",
    b"name",
    b"created",
];

/// The largest number of bytes of a single value that are searched beside its name. Tokens that are
/// keys have up to 2 KiB.
const LONGEST_KEY: usize = 4 * 1024;

/// Returns the strings of a body, joined in each way in which a reader might join them.
pub(super) fn joined(body: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Pieces::default();
    for line in body.split(|byte| *byte == b'\n') {
        let data = line.strip_prefix(b"data:").unwrap_or(line).trim_ascii_start();
        if data.len() < line.len() && !matches!(data.first(), Some(b'{' | b'[' | b'"')) {
            // An event of plain text.
            pieces.begin(b"");
            pieces.add(data);
        } else {
            pieces.read(line);
        }
    }
    pieces.joined()
}

/// The strings of a body, as far as it has been read.
#[derive(Default)]
struct Pieces<'a> {
    places: HashMap<&'a [u8], usize>,
    members: Vec<Member<'a>>,
    /// The index of the member whose value is being read.
    current: usize,
    /// The names of members, each once.
    member_names: Vec<u8>,
    content: Vec<u8>,
    names: Vec<u8>,
}

/// The kind of a member's values: content, names or labels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberKind {
    Label,
    Name,
    Content,
}

/// A member with all values of its name.
struct Member<'a> {
    kind: MemberKind,
    /// The name, which is the first piece, and the values.
    values: Vec<u8>,
    last: &'a [u8],
    count: usize,
}

impl<'a> Pieces<'a> {
    /// Reads the strings of a line. No JSON string spans several lines.
    fn read(&mut self, line: &'a [u8]) {
        let mut rest = line;
        while let Some(quote) = rest.iter().position(|byte| *byte == b'"') {
            let (string, after) = string(rest.get(quote + 1..).unwrap_or_default());
            rest = after;
            match rest.trim_ascii_start().first() {
                Some(b':') => self.begin(string),
                _ => self.add(string),
            }
        }
    }

    /// Begins the value of a member.
    fn begin(&mut self, name: &'a [u8]) {
        let next = self.members.len();
        self.current = *self.places.entry(name).or_insert(next);
        if self.current == next {
            let kind = match name {
                _ if LABELS.contains(&name) => MemberKind::Label,
                _ if NAMES.contains(&name) => MemberKind::Name,
                _ => MemberKind::Content,
            };
            self.members.push(Member { kind, values: name.to_vec(), last: b"", count: 0 });
            self.member_names.extend_from_slice(name);
        }
    }

    /// Adds a value of the current member.
    fn add(&mut self, value: &'a [u8]) {
        if self.members.is_empty() {
            self.begin(b"");
        }
        let Some(member) = self.members.get_mut(self.current) else { return };
        if member.kind != MemberKind::Content && member.last == value {
            return;
        }
        member.last = value;
        member.count += 1;
        member.values.extend_from_slice(value);
        match member.kind {
            MemberKind::Label => {}
            MemberKind::Name => self.names.extend_from_slice(value),
            MemberKind::Content => self.content.extend_from_slice(value),
        }
    }

    fn joined(self) -> Vec<Vec<u8>> {
        let members = self.members.into_iter().map(|mut member| {
            // A key within a single value shows without this.
            if member.count < 2 {
                member.values.truncate(LONGEST_KEY);
            }
            member.values
        });
        let around = [&self.names[..], &self.content, &self.names].concat();
        members.chain([self.member_names, around]).collect()
    }
}

/// Splits a text behind an opening quote into the string and what follows its closing quote.
fn string(text: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    loop {
        let rest = text.get(end..).unwrap_or_default();
        match rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
            None => return (text, &[]),
            Some(at) if rest.get(at) == Some(&b'\\') => end = (end + at + 2).min(text.len()),
            Some(at) => {
                let (string, after) = text.split_at(end + at);
                return (string, after.get(1..).unwrap_or_default());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(body: &str, joined: &str) -> bool {
        let found = |text: &Vec<u8>| text.windows(joined.len()).any(|it| it == joined.as_bytes());
        super::joined(body.as_bytes()).iter().any(found)
    }

    #[test]
    fn pieces_are_joined_wherever_they_stand() {
        for body in [
            r#"{"content": [{"type": "text", "text": "hal"}, {"type": "text", "text": "ves"}]}"#,
            "data: {\"id\": \"c\", \"d\": {\"t\": \"ha\"}}\n\ndata: {\"id\": \"c\", \"d\": {\"t\": \"lves\"}}",
            "data: {\"id\":\"c\",\"r\":\"hal\",\"type\":\"x\"}\n\ndata: {\"id\":\"c\",\"type\":\"y\",\"t\":\"ves\"}",
            "data: {\"id\":\"hal\"}\n\ndata: {\"id\":\"ves\"}\n\ndata: {\"id\":\"c\"}",
            r#"{"id": "hal", "object": "list", "model": "ves"}"#,
            r#"{"model": "hal", "content": "ves"}"#,
            r#"{"content": "hal", "model": "ves"}"#,
            r#"{"args": ["h", "al"], "more": ["ves"]}"#,
            r#"{"hal": 1, "ves": 2}"#,
            r#"{"hal": "ves"}"#,
            "data: hal\n\ndata: ves\n\n",
            r#"{"a": "hal", "b": "ves"#,
        ] {
            assert!(holds(body, "halves"), "{body}");
        }
    }

    #[test]
    fn a_string_ends_at_its_own_quote() {
        assert!(holds(r#"{"a": "one\"two\\", "b": "three"}"#, r#"one\"two\\three"#));
        assert_eq!(string(br"open\"), (&br"open\"[..], &b""[..]));
    }
}
