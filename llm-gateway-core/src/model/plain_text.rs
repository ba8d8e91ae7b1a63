//! The plain forms of short texts: on one line, without control characters, or as a name that is
//! compared with others.
//!
//! What a reader sees of a long text is in [`seen`](super::seen).

/// Returns a text in which every run of whitespace is one space, without whitespace around it.
pub(crate) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns at most `most` characters of a text, without control characters, which a terminal would
/// obey. A message may show the result although a stranger wrote the text.
pub(crate) fn printable(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// Returns the name of a developer or a family in the form in which such names are compared: in
/// lower case, without whitespace around it.
pub(crate) fn origin_name(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_put_on_one_line() {
        for (text, line) in
            [("a", "a"), (" a\n\tb  c\u{a0}", "a b c"), ("\u{2028}a\r\n", "a"), ("", "")]
        {
            assert_eq!(single_spaced(text), line, "{text:?}");
        }
    }

    #[test]
    fn no_terminal_obeys_a_printable_text() {
        assert_eq!(printable("a\u{1b}[31m\nb\u{9b}\tc", 60), "a[31mbc");
        assert_eq!(printable("é\u{7}éé", 2), "éé", "control characters are not counted");
    }

    #[test]
    fn names_that_differ_in_case_alone_are_one() {
        assert_eq!(origin_name(" Meta\n"), origin_name("META"));
        assert_ne!(origin_name("meta ai"), origin_name("meta"));
    }
}
