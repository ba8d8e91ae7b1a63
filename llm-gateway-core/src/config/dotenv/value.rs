//! Finds where the value of an assignment ends, and what it is.
//!
//! A value that begins with a quote runs to the quote that closes it, whatever lines it joins. A
//! quote directly behind the closing one continues the value, as in shells, so that `"""` opens a
//! value as well as `"` does; three quotes also run to the next three, as in Python. `$'` and `$"`
//! open a quote, as in bash.

use super::name::{first_line, is_blank_in_line};

/// A value in quotes, and the text behind it.
struct Quoted<'a> {
    parts: Vec<String>,
    /// Whether only one shell has this form of quote, so that the value is not taken.
    is_of_one_shell: bool,
    behind: &'a str,
}

/// Returns the value that stands behind a separator and the text behind its line; `None` if a quote
/// is not closed. The value is `None` if readers disagree about it.
pub(super) fn value_and_rest(text: &str) -> Option<(Option<String>, &str)> {
    let start = text.trim_start_matches(is_blank_in_line);
    let (line, behind) = first_line(text);
    let Some(first) = one_quoted(start) else {
        // A `$'` that nobody closes is a part of the value for all but bash.
        return (!start.starts_with(['"', '\'', '`'])).then(|| (bare_value(line), behind));
    };
    let has_lines = first.reaches_over_lines(start);
    if let Some(whole) = whole_value(start, first) {
        let (_, behind) = first_line(whole.behind);
        return Some((whole.value(), behind));
    }
    // Where another line's quote closed this one, it was open; so are three that nothing closes.
    (!has_lines && !is_open_triple(start)).then_some((None, behind))
}

impl Quoted<'_> {
    fn reaches_over_lines(&self, start: &str) -> bool {
        start.get(..start.len() - self.behind.len()).is_some_and(|read| read.contains('\n'))
    }

    /// Returns whether nothing but a comment follows in the line.
    fn ends_its_line(&self) -> bool {
        let (rest, _) = first_line(self.behind);
        rest.trim_start().is_empty() || rest.trim_start().starts_with('#')
    }

    /// Returns the value; `None` if readers disagree about it. They agree if no more than one part
    /// has text, as in three quotes around it.
    fn value(&self) -> Option<String> {
        let with_text = self.parts.iter().filter(|part| !part.is_empty()).count();
        (with_text <= 1 && !self.is_of_one_shell).then(|| self.parts.concat())
    }
}

/// Returns the value in quotes at the start of a text with all that continues it, if it ends its
/// line. `first` is its first part.
fn whole_value<'a>(start: &'a str, first: Quoted<'a>) -> Option<Quoted<'a>> {
    if let Some(value) = triple_quoted(start).filter(Quoted::ends_its_line) {
        return Some(value);
    }
    let mut value = first;
    while !value.ends_its_line() {
        let next = one_quoted(value.behind)?;
        value.parts.extend(next.parts);
        value.is_of_one_shell |= next.is_of_one_shell;
        value.behind = next.behind;
    }
    Some(value)
}

/// Returns the quote that opens at the start of a text, with the `$` before it, and the text
/// behind it.
fn opened(text: &str) -> Option<(Option<char>, char, &str)> {
    let (dollar, quoted) = match text.strip_prefix('$') {
        Some(rest) if rest.starts_with(['"', '\'']) => (Some('$'), rest),
        _ => (None, text),
    };
    let quote = quoted.chars().next().filter(|c| "\"'`".contains(*c))?;
    Some((dollar, quote, quoted.strip_prefix(quote)?))
}

/// Returns the value between two single quotes at the start of a text; `None` if there is none, or
/// it is not closed.
fn one_quoted(text: &str) -> Option<Quoted<'_>> {
    let (dollar, quote, inner) = opened(text)?;
    let (value, behind) = quoted_value(inner, quote, quote == '"' || dollar.is_some())?;
    Some(Quoted { parts: vec![value], is_of_one_shell: dollar.is_some(), behind })
}

/// Returns whether a text begins with three quotes and no other three follow.
fn is_open_triple(text: &str) -> bool {
    let opens = ["\"\"\"", "'''", "```"].iter().any(|quotes| text.starts_with(quotes));
    opens && triple_quoted(text).is_none()
}

/// Returns the value between three quotes and the next three at the start of a text.
fn triple_quoted(text: &str) -> Option<Quoted<'_>> {
    let (None, quote, _) = opened(text)? else { return None };
    let quotes = quote.to_string().repeat(3);
    let (value, behind) = text.strip_prefix(&quotes)?.split_once(&quotes)?;
    let behind = behind.trim_start_matches(quote);
    Some(Quoted { parts: vec![value.to_owned()], is_of_one_shell: false, behind })
}

/// Returns the text up to the closing quote, and the text behind it; `None` if the quote is not
/// closed.
fn quoted_value(inner: &str, quote: char, has_escapes: bool) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, c) in inner.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                match c {
                    'n' => value.push('\n'),
                    'r' => value.push('\r'),
                    't' => value.push('\t'),
                    '\\' | '"' | '\'' | '`' | '$' | ' ' => value.push(c),
                    _ => value.extend(['\\', c]),
                }
            }
            '\\' if has_escapes => escaped = true,
            _ if c == quote => return Some((value, inner.get(at + c.len_utf8()..)?)),
            _ => value.push(c),
        }
    }
    None
}

/// Returns a value without quotes; `None` if it has a blank or a quote inside, because readers
/// disagree about such values.
fn bare_value(text: &str) -> Option<String> {
    let mut before = '=';
    let comment = text.char_indices().find(|(_, c)| {
        let begins = *c == '#' && before.is_whitespace();
        before = *c;
        begins
    });
    let end = comment.map_or(text.len(), |(at, _)| at);
    let value = text.get(..end).unwrap_or_default().trim();
    let is_split = value.contains(|c: char| c.is_whitespace() || "\"'`".contains(c));
    (!is_split).then(|| value.replace("\\$", "$"))
}
