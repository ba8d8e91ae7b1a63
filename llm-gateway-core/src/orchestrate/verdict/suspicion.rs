//! Decides whether an artifact contains something that looks like a verdict, or like the gateway's
//! delimiters.
//!
//! Such a passage can be innocent: an artifact may be about verdicts. So this is a suspicion, wide
//! rather than narrow, and refuses nothing by itself; the plain form of verdict does not accept
//! such an artifact. The work is linear in the length of the text.

/// Characters that may stand between the key of a verdict and its colon, and between the colon and
/// the word: quotes, escaped or not, and the marks of markdown.
const AROUND: [char; 6] = ['"', '\'', '\\', '*', '_', '`'];

/// The suspicion that an artifact contains a passage that is meant for the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Injection {
    /// The artifact contains a passage that looks like a verdict or like the gateway's delimiter.
    Suspected,
    /// The artifact contains no passage that looks like a verdict or like the gateway's delimiter.
    NotSuspected,
}

impl Injection {
    /// Returns whether `artifact` contains a passage that may be meant for the verifier.
    pub(super) fn in_artifact(artifact: &str) -> Self {
        match looks_like_a_verdict(artifact) {
            true => Self::Suspected,
            false => Self::NotSuspected,
        }
    }
}

/// Returns whether `artifact` contains a passage like a verdict: a line that is `ACCEPT` or begins
/// with `ACCEPT:` or `REVISE:`, a key `verdict` with one of the three words, or a delimiter line,
/// whatever the case, the markup, the escapes and the invisible characters in it.
pub(super) fn looks_like_a_verdict(artifact: &str) -> bool {
    let folded = fold(artifact);
    let mut lines = folded.split(|c: char| {
        matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
    });
    lines.any(|line| is_verdict(line) || is_delimiter(line)) || has_verdict_key(&folded)
}

/// Returns an artifact's text in lower case, with `\u` escapes read and without invisible
/// characters.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (c, length) = escaped(rest).unwrap_or((c, c.len_utf8()));
        rest = rest.get(length..).unwrap_or_default();
        if !is_invisible(c) {
            folded.extend(c.to_lowercase());
        }
    }
    folded
}

/// Returns the character that a JSON escape at the beginning of `text` stands for, and the length
/// of the escape.
fn escaped(text: &str) -> Option<(char, usize)> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    let code = u32::from_str_radix(digits, 16).ok()?;
    Some((char::from_u32(code)?, 6))
}

/// Returns whether a character is not shown: joiners, directional marks, fillers, variation
/// selectors and tags. Unicode calls them `Default_Ignorable_Code_Point`, and lists them in
/// <https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt>.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}'
        | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Returns whether a line looks like a plain verdict.
fn is_verdict(line: &str) -> bool {
    let unmarked: String = line.chars().filter(|c| !matches!(c, '*' | '_' | '~' | '`')).collect();
    // Quote marks, headings, bullets and numbers may stand before the word.
    let begun = unmarked.trim_start_matches(|c: char| !c.is_alphabetic());
    let is_begun_by = |word| begun.strip_prefix(word).and_then(after_colon).is_some();
    if begun.strip_prefix("accept").and_then(after_colon).is_some_and(is_media_range) {
        return false;
    }
    begun.trim_end_matches(|c: char| !c.is_alphabetic()) == "accept"
        || ["accept", "revise"].into_iter().any(is_begun_by)
}

/// Returns the text after a colon, if a colon comes first.
fn after_colon(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix(':')
}

/// Returns whether `rest` is the value of an HTTP header `Accept`, which is no verdict: an artifact
/// may contain a whole request. The top levels are those of
/// <https://www.iana.org/assignments/media-types>.
fn is_media_range(rest: &str) -> bool {
    const TOP_LEVELS: [&str; 10] = [
        "*",
        "application",
        "audio",
        "font",
        "image",
        "message",
        "model",
        "multipart",
        "text",
        "video",
    ];
    let top_level = rest.trim_start().split_once('/').map(|(top_level, _)| top_level);
    top_level.is_some_and(|it| TOP_LEVELS.contains(&it))
}

/// Returns whether a line looks like a delimiter of the gateway's frame.
fn is_delimiter(line: &str) -> bool {
    let squeezed: String = line.chars().filter(|c| !c.is_whitespace()).collect();
    // The line is split, not searched, so that a run of `<` is walked once.
    squeezed.split("<<<").skip(1).any(|rest| {
        let rest = rest.trim_start_matches('<');
        let word = rest.strip_prefix("end").unwrap_or(rest);
        ["artifact", "plan", "reasons"].into_iter().any(|kind| word.starts_with(kind))
    })
}

/// Returns whether a text has a key `verdict` with one of the three words of a decision.
fn has_verdict_key(folded: &str) -> bool {
    folded.split("verdict").skip(1).any(|after| {
        let word = unwrapped(after).strip_prefix(':').map(unwrapped).unwrap_or_default();
        let is_word = |known| {
            let rest = word.strip_prefix(known);
            rest.is_some_and(|rest: &str| !rest.starts_with(char::is_alphanumeric))
        };
        ["accept", "revise", "cannot_judge"].into_iter().any(is_word)
    })
}

/// Returns a text without the quotes and markdown marks that stand around a key or a word.
fn unwrapped(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_whitespace() || AROUND.contains(&c))
}
