//! Finds quotes that open within a line and are closed in a later one.
//!
//! Shells join the lines between such quotes, and most other readers do not, so that a line within
//! a note may set a key or a switch. A quote counts only if a line between the two assigns a name.

use super::name::{assigned_names, is_blank_in_line};

/// The number of lines in which the closing quote is looked for. A longer value than this is a
/// file.
const LONGEST_VALUE: usize = 200;

/// A quote that is open at the end of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct OpenQuote {
    quote: char,
    /// Whether it stands between letters, as in `it's`.
    is_apostrophe: bool,
}

/// Returns the names that are assigned between a quote that `line` leaves open and the one in the
/// text `behind` that closes it, and whether the line of the closing one has no other meaning.
/// `None` if no quote is open, none closes it, or no name is assigned.
pub(super) fn loose_quote(line: &str, behind: &str) -> Option<(Vec<String>, bool)> {
    // Shells know no escapes between single quotes; other readers do.
    let readings =
        [Escapes::OfShells, Escapes::Everywhere].map(|escapes| open_at_end(line, escapes));
    readings.into_iter().flatten().find_map(|open| {
        let (between, is_certain) = closing(open, behind)?;
        let names = assigned_names(between);
        (!names.is_empty()).then_some((names, is_certain))
    })
}

/// Where a backslash takes the meaning from the quote behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    OfShells,
    Everywhere,
}

/// Returns the quote that is open at the end of a line.
fn open_at_end(line: &str, escapes: Escapes) -> Option<OpenQuote> {
    let (mut open, mut apostrophes, mut before) = (None, 0, ' ');
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let is_escape = open.is_none_or(|quote| quote == '"') || escapes == Escapes::Everywhere;
        match (c, open) {
            ('\\', _) if is_escape => drop(rest.next()),
            ('#', None) if before.is_whitespace() => break,
            ('"' | '\'' | '`', None) => {
                match c == '\'' && is_between(before, rest.peek().copied()) {
                    true => apostrophes += 1,
                    false => open = Some(c),
                }
            }
            (_, Some(quote)) if c == quote => open = None,
            _ => {}
        }
        before = c;
    }
    let apostrophe = (apostrophes % 2 == 1).then_some('\'');
    let is_apostrophe = open.is_none();
    open.or(apostrophe).map(|quote| OpenQuote { quote, is_apostrophe })
}

/// Returns whether a sign stands between two letters or digits.
fn is_between(before: char, behind: Option<char>) -> bool {
    before.is_alphanumeric() && behind.is_some_and(char::is_alphanumeric)
}

/// Returns the text before the line that closes a quote, and whether that line has no other
/// meaning: it assigns nothing. The next quote closes it; an apostrophe is one only if that quote
/// is alone in its line.
fn closing(open: OpenQuote, behind: &str) -> Option<(&str, bool)> {
    let mut end = 0;
    for line in behind.split('\n').take(LONGEST_VALUE) {
        let code = line.trim();
        let rest = code.strip_prefix(open.quote);
        let is_alone = rest.is_some_and(|rest| {
            rest.is_empty() || rest.trim_start_matches(is_blank_in_line).starts_with('#')
        });
        if is_alone || (!code.starts_with('#') && has_quote(code, open.quote)) {
            let closes = is_alone || !open.is_apostrophe;
            return closes.then_some((behind.get(..end)?, assigned_names(code).is_empty()));
        }
        end += line.len() + 1;
    }
    None
}

/// Returns whether a line has a quote that is neither escaped nor an apostrophe.
fn has_quote(line: &str, quote: char) -> bool {
    let mut before = ' ';
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let is_apostrophe = c == '\'' && is_between(before, rest.peek().copied());
        if c == quote && before != '\\' && !is_apostrophe {
            return true;
        }
        before = c;
    }
    false
}
