//! Removes emphasis and the closing full stop from a line.

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;

/// The marks that emphasise a short answer. In a longer line a single `*` may belong to a pattern
/// and `__` to a name, so only `**` counts.
const EMPHASIS: [&str; 5] = ["***", "**", "*", "__", "_"];

/// The marks that begin and end a formula.
const FORMULA: [(&str, &str); 4] = [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")];

/// Characters of code, patterns, paths and addresses. The last point of a line that has one of them
/// may be a part of it.
const CODE: [char; 21] = [
    '\\', '/', '^', '$', '[', ']', '{', '}', '|', '*', '+', '=', '<', '>', '~', '#', '@', '&', '_',
    ';', '?',
];

/// The marks that close a sentence: the full stop, and those of Chinese and Japanese, of Hindi and
/// its neighbours, of Urdu, of Amharic and of Armenian.
const FULL_STOPS: [char; 8] = ['.', '。', '．', '｡', '\u{964}', '\u{6d4}', '\u{1362}', '\u{589}'];

/// Returns a short answer without emphasis, the box of a formula, and a closing full stop.
pub(super) fn short(line: &str) -> &str {
    unemphasised(without_full_stop(unemphasised(line)))
}

/// Returns a line without strong emphasis around the whole of it, and without the full stop that
/// closes a sentence, which may stand within the emphasis or after it.
pub(super) fn sentence(line: &str) -> &str {
    let inside = strong(line);
    let words = strong(without_full_stop(inside));
    if is_sentence(words) { words } else { inside }
}

/// Returns a line without the marks of emphasis, or the box of a formula, on both sides of it.
fn unemphasised(line: &str) -> &str {
    let marked = || EMPHASIS.iter().find_map(|mark| within(line, mark));
    boxed(line).or_else(marked).unwrap_or(line)
}

/// Returns the inside of `\boxed{}`, in which formulas show their result, alone or as a formula.
fn boxed(line: &str) -> Option<&str> {
    let between = |(open, close): &(&str, &str)| line.strip_prefix(open)?.strip_suffix(close);
    let formula = FORMULA.iter().find_map(between).unwrap_or(line);
    let inside = formula.strip_prefix("\\boxed{")?.strip_suffix('}')?;
    let text = inside.strip_prefix("\\text{").or_else(|| inside.strip_prefix("\\textbf{"));
    Some(text.and_then(|text| text.strip_suffix('}')).unwrap_or(inside))
}

/// Returns the inside of strong emphasis if the whole line is emphasised, else the line.
fn strong(line: &str) -> &str {
    within(line, "**").unwrap_or(line)
}

/// Returns the text between a mark at the beginning of a line and the same mark at its end. Marks
/// with space inside them, or with another mark between them, are no emphasis.
fn within<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let inside = line.strip_prefix(mark)?.strip_suffix(mark)?;
    let has_another = mark.chars().next().is_none_or(|mark| inside.contains(mark));
    let is_emphasis = !inside.is_empty() && inside.trim() == inside && !has_another;
    is_emphasis.then_some(inside)
}

/// Returns a line without one full stop at its end.
fn without_full_stop(line: &str) -> &str {
    match line.strip_suffix(FULL_STOPS) {
        Some(rest)
            if !rest.is_empty() && !rest.ends_with(FULL_STOPS) && !rest.ends_with(['…', ' ']) =>
        {
            rest
        }
        _ => line,
    }
}

/// Returns whether a full stop after a line closes it. A sentence begins with a capital, a digit or
/// a letter that has no case, and ends with a word. After anything else the last point may belong
/// to the name of a host, to a pattern, to a command or to an abbreviation.
fn is_sentence(words: &str) -> bool {
    let begins = words.chars().next().is_some_and(|c| c.is_alphanumeric() && !c.is_lowercase());
    let last = words.split(' ').next_back().unwrap_or_default();
    let is_letter = |c: char| is_of_word(c) || matches!(c, '-' | '\'' | '’');
    let ends = last.ends_with(is_of_word) && last.chars().all(is_letter);
    begins && ends && !words.contains(CODE) && (words.contains(' ') || is_long_word(words))
}

/// Returns whether a character is a letter, a digit, or a mark that belongs to one, such as an
/// accent or the virama of Hindi.
fn is_of_word(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    c.is_alphanumeric()
        || matches!(category, GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark)
}

/// Returns whether a line of one word is certainly no abbreviation: `Co` and `Co.` are cobalt and a
/// company.
fn is_long_word(word: &str) -> bool {
    let has_case = word.chars().any(|c| c.is_lowercase() || c.is_uppercase());
    !has_case || (word.chars().nth(2).is_some() && word.chars().any(char::is_lowercase))
}
