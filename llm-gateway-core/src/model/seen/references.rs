//! Resolves the ways in which a text writes a character by its number or its name: the character
//! references of HTML, and the escapes of JSON and of programming languages.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The named character references of HTML: names with `;`, and those that are read without it.
static NAMED_REFERENCES: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let lines = include_str!("../../../data/entities.txt").lines();
    let entry = |line: &'static str| {
        let (name, codes) = line.split_once(' ')?;
        let codes = codes.split(' ').map(|code| u32::from_str_radix(code, 16).ok());
        Some((name, codes.map(|code| char::from_u32(code?)).collect::<Option<String>>()?))
    };
    lines.filter(|line| !line.starts_with('#')).filter_map(entry).collect()
});

/// The largest number of bytes in the name of a reference: `CounterClockwiseContourIntegral;`.
const LONGEST_REFERENCE: usize = 32;

/// The largest number of digits that the number of a character may have, after the zeros in front.
const MOST_DIGITS: usize = 7;

/// Returns a text in which each reference and each escape is replaced by its character.
pub(super) fn resolved(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '\\']) {
        return Cow::Borrowed(text);
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\\']) {
        let (before, marked) = rest.split_at(at);
        resolved.push_str(before);
        let found = reference(marked).or_else(|| escape(marked));
        let (found, length) = found.unwrap_or_else(|| {
            let mark = marked.chars().next().unwrap_or_default();
            (mark.to_string(), mark.len_utf8())
        });
        resolved.push_str(&found);
        rest = marked.get(length..).unwrap_or_default();
    }
    resolved.push_str(rest);
    Cow::Owned(resolved)
}

/// Returns the text that a character reference at the beginning of `text` stands for, and the
/// length of the reference. A reference whose `&` is itself written as a reference (`&amp;shy;`) is
/// resolved too.
fn reference(text: &str) -> Option<(String, usize)> {
    let mut body = text.strip_prefix('&')?;
    let deeper = |body: &'_ str| {
        let rest = body.get(4..)?;
        let is_followed = rest.starts_with(|c: char| c == '#' || c.is_ascii_alphabetic());
        (body.starts_with("amp;") && is_followed).then_some(4)
    };
    while let Some(length) = deeper(body) {
        body = body.get(length..)?;
    }
    let before = text.len() - body.len();
    let (found, length) = match body.strip_prefix('#') {
        Some(number) => numbered(number).map(|(c, length)| (c.to_string(), length + 1))?,
        None => named(body)?,
    };
    Some((found, before + length))
}

/// Returns the character of a reference by number, `8203;` or `x200b;`, and the length of both.
fn numbered(text: &str) -> Option<(char, usize)> {
    let (digits, radix) = match text.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let count = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let c = char::from_u32(number(digits.get(..count)?, radix)?)?;
    let end = text.len() - digits.len() + count;
    let is_closed = text.get(end..).is_some_and(|rest| rest.starts_with(';'));
    Some((c, end + usize::from(is_closed)))
}

/// Returns the number that digits stand for. Any number of zeros may precede it.
fn number(digits: &str, radix: u32) -> Option<u32> {
    let value = digits.trim_start_matches('0');
    let is_zero = value.is_empty() && !digits.is_empty();
    let value = if is_zero { "0" } else { value };
    u32::from_str_radix(value, radix).ok().filter(|_| value.len() <= MOST_DIGITS)
}

/// Returns the text of a reference by name, `eacute;`, and the length of the name.
fn named(text: &str) -> Option<(String, usize)> {
    let count = text.bytes().take(LONGEST_REFERENCE).take_while(u8::is_ascii_alphanumeric).count();
    let whole =
        text.get(..count + 1).and_then(|name| NAMED_REFERENCES.get(name).map(|it| (it, count + 1)));
    let shorter = || {
        let lengths = (2..=count).rev();
        lengths
            .filter_map(|length| Some((NAMED_REFERENCES.get(text.get(..length)?)?, length)))
            .next()
    };
    let (found, length) = whole.or_else(shorter)?;
    Some((found.clone(), length))
}

/// Returns the character that an escape at the beginning of `text` stands for, and the length of
/// the escape: `\u0041`, two of them for one character, `\u{41}`, `\U00000041`, `\x41`, or
/// whitespace such as `\n`, without which two words would be one.
fn escape(text: &str) -> Option<(String, usize)> {
    let code = |from: usize, digits: usize| {
        let digits = text.get(from..from + digits)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|_| is_number)
    };
    if ["\\n", "\\r", "\\t"].into_iter().any(|space| text.starts_with(space)) {
        return Some((" ".to_owned(), 2));
    }
    let (code, length) = if let Some(braced) = text.strip_prefix("\\u{") {
        let count = braced.bytes().take_while(u8::is_ascii_hexdigit).count();
        braced.get(count..)?.strip_prefix('}')?;
        (number(braced.get(..count)?, 16)?, count + 4)
    } else if text.starts_with("\\u") {
        let first = code(2, 4)?;
        let second = text.get(6..8).filter(|it| *it == "\\u").and_then(|_| code(8, 4));
        match (first, second) {
            (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
                (0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12)
            }
            _ => (first, 6),
        }
    } else if text.starts_with("\\U") {
        (code(2, 8)?, 10)
    } else if text.starts_with("\\x") {
        (code(2, 2)?, 4)
    } else {
        return None;
    };
    Some((char::from_u32(code)?.to_string(), length))
}
