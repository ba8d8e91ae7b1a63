//! Removes the markup from a text: tags of HTML, marks of Markdown within a word, and the hyphens
//! that a word is broken at.
//!
//! What looks like markup may be none: `a < b` in a program, `snake_case` in a name. So this is a
//! second view of a text beside the first, never in place of it.

/// Marks that a word may have in its middle without becoming another word: emphasis and code of
/// Markdown, the backslash of an escape, and hyphens.
const JOINTS: [char; 10] =
    ['*', '_', '~', '`', '\\', '-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{b7}'];

/// Elements of HTML that begin a new line or cell. A tag of any other element is set within a line.
const BLOCKS: [&str; 48] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// The largest number of bytes of a tag whose values are read. Without the bound, a text of many
/// beginnings of tags would be read once for each of them.
const LONGEST_TAG: usize = 512;

/// Returns a text without its markup, or `None` if it has none.
pub(crate) fn without_markup(text: &str) -> Option<String> {
    let untagged = without_tags(text);
    let joined = joined(untagged.as_deref().unwrap_or(text));
    joined.or(untagged)
}

/// Returns a text without tags and comments, or `None` if it has none. A tag that begins a new line
/// leaves a space.
fn without_tags(text: &str) -> Option<String> {
    // Looked up once, so that many comments without an end are not searched for one each.
    let last_end = text.rfind("-->");
    let mut left = String::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find('<')) {
        let start = at + next;
        let tagged = text.get(start..).unwrap_or_default();
        let may_end = last_end.is_some_and(|end| start < end);
        let Some((length, gap)) = comment(tagged, may_end).or_else(|| tag(tagged)) else {
            at = start + 1;
            continue;
        };
        left.push_str(text.get(from..start).unwrap_or_default());
        left.push_str(gap);
        at = start + length;
        from = at;
    }
    left.push_str(text.get(from..).unwrap_or_default());
    (from > 0).then_some(left)
}

/// Returns the length of a comment at the beginning of a text, and what is left in its place.
fn comment(text: &str, may_end: bool) -> Option<(usize, &'static str)> {
    let body = text.strip_prefix("<!--").filter(|_| may_end)?;
    Some((body.find("-->")? + 7, ""))
}

/// Returns the length of a tag at the beginning of a text, and what is left in its place.
fn tag(text: &str) -> Option<(usize, &'static str)> {
    let inner = text.strip_prefix('<')?;
    // Outside of values a tag has no further `<` in it, so each part of a text is searched once.
    let plain_end =
        || inner.find(['<', '>']).filter(|end| inner.as_bytes().get(*end) == Some(&b'>'));
    let end = end_behind_values(inner).or_else(plain_end)?;
    let inner = inner.get(..end)?;
    let named = inner.strip_prefix('/').unwrap_or(inner);
    if !named.is_empty()
        && !named.starts_with(|c: char| c.is_ascii_alphabetic() || "!?".contains(c))
    {
        return None;
    }
    let count = named.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let name = named.get(..count).unwrap_or_default().to_ascii_lowercase();
    let is_block = BLOCKS.contains(&&*name);
    Some((end + 2, if is_block { " " } else { "" }))
}

/// Returns the end of a tag whose quoted values may hold `<` and `>`; `None` if no value has
/// quotes, or a value does not end.
fn end_behind_values(inner: &str) -> Option<usize> {
    let (mut quote, mut before, mut has_value) = (None, b' ', false);
    for (at, byte) in inner.bytes().enumerate().take(LONGEST_TAG) {
        match (quote, byte) {
            (Some(mark), _) if mark == byte => quote = None,
            (Some(_), _) => {}
            (None, b'>') => return Some(at).filter(|_| has_value),
            (None, b'<') => return None,
            (None, b'"' | b'\'') if before == b'=' => (quote, has_value) = (Some(byte), true),
            (None, _) => {}
        }
        before = if byte.is_ascii_whitespace() { before } else { byte };
    }
    None
}

/// Returns a text whose words have no joints in their middle, or `None` if no word has one. A
/// hyphen at the end of a line is a joint together with the line's end.
fn joined(text: &str) -> Option<String> {
    if !text.contains(JOINTS) {
        return None;
    }
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(JOINTS) {
        let (before, marked) = rest.split_at(at);
        left.push_str(before);
        let behind = marked.trim_start_matches(JOINTS);
        let behind = behind.strip_prefix('\r').unwrap_or(behind);
        let behind = behind.strip_prefix('\n').map_or(behind, str::trim_start);
        let is_within =
            left.ends_with(char::is_alphanumeric) && behind.starts_with(char::is_alphanumeric);
        if !is_within {
            left.push_str(marked.get(..marked.len() - behind.len()).unwrap_or_default());
        }
        rest = behind;
    }
    left.push_str(rest);
    (left.len() < text.len()).then_some(left)
}
