//! Removes from a text the characters that a terminal would obey.

use std::path::Path;

use super::wrap::unbroken;

/// Removes from a text the characters that a terminal would obey: control characters except line
/// feed and tab, and the marks that change the direction of writing. Every other end of a line
/// becomes a line feed.
pub(crate) fn harmless(text: &str) -> String {
    let ended = |c| if matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}') { '\n' } else { c };
    text.chars().map(ended).filter(|c| !is_obeyed(*c)).collect()
}

/// Returns a text as a name: harmless, on one line, and never broken where lines are wrapped. What
/// cannot be seen of it is written out.
pub(crate) fn name(text: &str) -> String {
    let visible = |c: char| match is_shown_in_place(c) {
        true => c.to_string(),
        false => format!("<U+{:04X}>", u32::from(c)),
    };
    unbroken(&text.chars().map(visible).collect::<String>())
}

/// Returns the path of a file as a name.
pub(crate) fn path_name(path: &Path) -> String {
    name(&path.display().to_string())
}

/// Returns whether a terminal shows a character where it stands: it neither obeys the character nor
/// begins a new line with it, and a tab would lead elsewhere.
pub(crate) fn is_shown_in_place(c: char) -> bool {
    !(c.is_control() || is_obeyed(c) || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Returns a harmless text in which none of these names is broken where lines are wrapped.
pub(crate) fn with_names(text: &str, names: &[String]) -> String {
    // Of two names at one place, the longer one counts.
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.iter().fold(harmless(text), |text, name| text.replace(*name, &unbroken(name)))
}

/// Returns a JSON document that means the same, with what a terminal would obey written as an
/// escape of JSON. Such characters are only in the texts of a document.
pub(crate) fn harmless_json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for c in document.chars() {
        match is_obeyed(c) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => shown.push(c),
        }
    }
    shown
}

/// Returns whether a terminal obeys a character in place of showing it, or the layout does.
fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_escape_sequences_do_nothing() {
        assert_eq!(harmless("a\x1b[31mred\x1b]0;title\x07\r\nb\tc"), "a[31mred]0;title\nb\tc");
        assert_eq!(harmless("abc\u{202e}def\u{9b}2J"), "abcdef2J");
        assert_eq!(harmless("a\u{61c}b\u{2067}c\u{2028}d\u{85}e\u{7f}"), "abc\nd\ne");
        assert_eq!(
            harmless("\u{1}\u{3}\u{fdd0}\u{fdd1}"),
            "",
            "marks of the layout are not for others"
        );
    }

    #[test]
    fn a_name_stays_on_its_line() {
        let shown = name("/my files/a\nb\t\u{202e}c");
        assert_eq!(shown, unbroken("/my files/a<U+000A>b<U+0009><U+202E>c"));
    }

    #[test]
    fn names_are_found_in_a_text() {
        let names = ["/my home".to_owned(), "/my home/a b".to_owned()];
        let shown = with_names("in /my home/a b/c: \u{1b}x, /my home.", &names);
        let expected = format!("in {}/c: x, {}.", unbroken("/my home/a b"), unbroken("/my home"));
        assert_eq!(shown, expected);
        assert_eq!(with_names("nothing", &[]), "nothing");
    }

    #[test]
    fn a_document_for_a_terminal_means_the_same() {
        let value = serde_json::json!({ "text": "a\u{9b}2J\u{202e}\x7f\x1b\n密" });
        let shown = harmless_json(&format!("{value:#}"));
        assert!(shown.chars().all(|c| !is_obeyed(c)), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
