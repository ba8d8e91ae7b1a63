//! Reads the names at the top of a message that is no JSON, or is too long to be held.
//!
//! An error must carry the id of its request, or the client waits for an answer that never comes.
//! This reader needs no whole message: it reads bytes as they arrive, stores only the id, and
//! ignores faults that a parser would refuse.

/// The most bytes of an id or of a name that are stored.
const LONGEST_TOKEN: usize = 64 * 1024;

/// The names and the id at the top of a message.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    depth: usize,
    /// Whether the message is an object, which its first byte shows.
    object: Option<bool>,
    in_text: bool,
    escaped: bool,
    /// Whether a name comes next at the top of the message.
    expects_name: bool,
    name: Vec<u8>,
    value: Vec<u8>,
    /// The values of all members called `id`.
    ids: Vec<Vec<u8>>,
    names: Names,
}

/// The names of a message that were seen.
#[derive(Debug, Default, Clone, Copy)]
struct Names {
    method: bool,
    answer: bool,
}

impl Glance {
    /// Returns the glance at a complete text.
    pub(crate) fn at(text: &[u8]) -> Self {
        let mut glance = Self::default();
        glance.look(text);
        glance
    }

    /// Reads the next bytes of the message.
    pub(crate) fn look(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    /// Returns the id as it was written, if the message has exactly one that an answer can carry: a
    /// text or a number.
    pub(crate) fn id(&self) -> Option<String> {
        let (first, others) = self.ids.split_first()?;
        if others.iter().any(|other| other != first) {
            return None;
        }
        let id = std::str::from_utf8(first).ok()?.trim();
        (is_number(id) || is_text(id)).then(|| id.to_owned())
    }

    /// Returns whether the message is an answer, which is never answered.
    pub(crate) fn is_answer(&self) -> bool {
        self.names.answer && !self.names.method
    }

    fn step(&mut self, byte: u8) {
        if self.object.is_none() {
            // A byte order mark may stand before the message.
            if matches!(byte, b' ' | b'\t' | b'\r' | 0xef | 0xbb | 0xbf) {
                return;
            }
            self.object = Some(byte == b'{');
            self.expects_name = true;
            self.depth = 1;
            return;
        }
        if self.object == Some(false) || self.depth == 0 {
            return;
        }
        if self.in_text {
            return self.text(byte);
        }
        match byte {
            b'"' => {
                self.in_text = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                self.keep(byte);
                self.depth += 1;
            }
            b'}' | b']' => self.close(byte),
            b':' if self.depth == 1 => self.expects_name = false,
            b',' if self.depth == 1 => self.end_member(),
            _ => self.keep(byte),
        }
    }

    fn text(&mut self, byte: u8) {
        self.keep(byte);
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.in_text = false;
        }
    }

    fn close(&mut self, byte: u8) {
        self.depth -= 1;
        if self.depth == 0 {
            self.end_member();
        } else {
            self.keep(byte);
        }
    }

    /// Stores a byte of a name, or of an id, at the top of the message.
    fn keep(&mut self, byte: u8) {
        if self.depth != 1 {
            return;
        }
        let token = if self.expects_name { &mut self.name } else { &mut self.value };
        if token.len() <= LONGEST_TOKEN {
            token.push(byte);
        }
    }

    fn end_member(&mut self) {
        let name: Option<String> = serde_json::from_slice(&self.name).ok();
        let value = std::mem::take(&mut self.value);
        self.name.clear();
        self.expects_name = true;
        match name.as_deref() {
            // More than a few say no more than two.
            Some("id") if self.ids.len() < 4 => self.ids.push(value),
            Some("method") => self.names.method = true,
            Some("result" | "error") => self.names.answer = true,
            _ => {}
        }
    }
}

/// Returns whether a text is a number by JSON's grammar, of any size.
pub(crate) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
        }
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits(whole) && (whole == "0" || !whole.starts_with('0'));
    text.len() <= LONGEST_TOKEN
        && plain
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Returns whether a text is a complete JSON string, lone surrogates included.
fn is_text(text: &str) -> bool {
    text.len() <= LONGEST_TOKEN
        && serde_json::from_str::<String>(&super::json::without_lone_escapes(text)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_wherever_it_stands_and_whatever_is_broken() {
        for (text, id) in [
            (r#"{"id":7,"method":"#, Some("7")),
            (r#"{"method":"a","params":{"id":1,"x":[{"id":2}]},"id":"q"}"#, Some("\"q\"")),
            (r#"{"id": "a\"b,}" ,"params":{"x":1e999}}"#, Some(r#""a\"b,}""#)),
            ("\u{feff}  {\"\\u0069d\":1.50}", Some("1.50")),
            (r#"{"id":9223372036854775808}"#, Some("9223372036854775808")),
            (r#"{"id":1e999}"#, Some("1e999")),
            (r#"{"id":"\ud83d"}"#, Some(r#""\ud83d""#)),
            (r#"{"id":7,"id":7}"#, Some("7")),
            (r#"{"id":7,"id":8}"#, None),
            (r#"{"id":null}"#, None),
            (r#"{"id":{"id":7}}"#, None),
            (r#"{"id":[7]}"#, None),
            (r#"{"id":true}"#, None),
            (r#"{"id":07}"#, None),
            (r#"{"id":"cut"#, None),
            (r#"{"params":{"id":7}}"#, None),
            (r#"[{"id":7}]"#, None),
            ("\"id\":7", None),
            ("id 7", None),
            ("", None),
        ] {
            assert_eq!(Glance::at(text.as_bytes()).id().as_deref(), id, "{text}");
        }
    }

    #[test]
    fn an_endless_id_or_nest_is_not_held() {
        let mut glance = Glance::at(b"{\"id\":\"");
        (0..100).for_each(|_| glance.look(&[b'x'; 10_000]));
        assert!(glance.value.len() <= LONGEST_TOKEN + 1);
        glance.look(b"\",\"method\":1}");
        assert_eq!(glance.id(), None);
        let glance = Glance::at(format!("{{\"a\":{}", "[".repeat(1_000_000)).as_bytes());
        assert!(glance.value.len() < 10);
    }
}
