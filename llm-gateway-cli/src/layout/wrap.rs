//! Ends lines between words, so that none is wider than the terminal.

use super::measure::{columns, escape_length, is_wide};

/// Marks the column in a line at which its continuation begins. It takes no room. Without it, the
/// continuation begins two columns behind the beginning of the line.
pub(crate) const HANG: char = '\u{3}';

/// Opens a name, which is never broken even if it holds blanks.
pub(super) const OPEN: char = '\u{1}';
/// Closes a name.
pub(super) const CLOSE: char = '\u{2}';

/// A part of a line that is not broken, and the blanks before it.
#[derive(Default)]
struct Word {
    blanks: usize,
    text: String,
    columns: usize,
}

/// Returns a text whose lines take no more than `width` columns.
///
/// A line ends between words, and goes on indented. A name of [`name`](super::name) is not broken,
/// nor is a text in backticks that fits one line. A word that is wider than a line stands alone;
/// only between wide characters, which are written without blanks, it may end before.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrapped_line(line, width)).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    let line = without_tabs(line);
    if columns(&line) <= width {
        return unmarked(&line);
    }
    let hang = hang(&line, width);
    let mut filled = Filled { text: String::new(), column: 0, has_word: false, width, hang };
    for word in words(&line, width.saturating_sub(hang)) {
        filled.push(&word);
    }
    filled.text
}

/// Returns the column at which the lines behind the first one begin: never beyond the middle.
fn hang(line: &str, width: usize) -> usize {
    let marked = line.split_once(HANG).map(|(before, _)| columns(before));
    let blanks = line.chars().take_while(|c| *c == ' ').count();
    match marked {
        Some(column) if column <= width / 2 => column,
        _ => (blanks + 2).min(width / 2),
    }
}

/// Returns a line in which blanks stand for each tab, up to the next column that 8 divides.
fn without_tabs(line: &str) -> String {
    let mut parts = line.split('\t');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    let mut column = columns(&shown);
    for part in parts {
        let blanks = 8 - column % 8;
        shown.push_str(&" ".repeat(blanks));
        shown.push_str(part);
        column += blanks + columns(part);
    }
    shown
}

fn unmarked(text: &str) -> String {
    text.replace([HANG, OPEN, CLOSE], "")
}

/// The lines that have been filled so far.
struct Filled {
    text: String,
    column: usize,
    has_word: bool,
    width: usize,
    hang: usize,
}

impl Filled {
    fn push(&mut self, word: &Word) {
        let mut blanks = word.blanks;
        if self.has_word && self.column + blanks + word.columns > self.width {
            self.text.push('\n');
            (self.column, self.has_word) = (0, false);
            blanks = self.hang;
        }
        if !self.has_word {
            // A name that fits only without its indent loses the indent.
            blanks = blanks.min(self.width.saturating_sub(word.columns));
        }
        self.text.push_str(&" ".repeat(blanks));
        self.text.push_str(&word.text);
        self.column += blanks + word.columns;
        self.has_word = true;
    }
}

/// Returns the words of a line. A word that is wider than `room` is split between wide characters.
fn words(line: &str, room: usize) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let blanks = rest.chars().take_while(|c| *c == ' ').count();
        rest = rest.get(blanks..).unwrap_or_default();
        let end = word_length(rest, room);
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        if word.is_empty() {
            continue;
        }
        let is_name = word.contains(OPEN) || quotes_a_path(word);
        let parts = match !is_name && columns(word) > room {
            true => split_between_wide(word),
            false => vec![word.to_owned()],
        };
        for (at, part) in parts.into_iter().enumerate() {
            let text = unmarked(&part);
            let columns = columns(&text);
            words.push(Word { blanks: if at == 0 { blanks } else { 0 }, text, columns });
        }
    }
    without_empty(words)
}

/// Returns words that all take room: an escape sequence alone becomes the beginning of the next one,
/// or the end of the last.
fn without_empty(words: Vec<Word>) -> Vec<Word> {
    let mut kept: Vec<Word> = Vec::new();
    let mut waiting = Word::default();
    for word in words {
        waiting.blanks += word.blanks;
        waiting.text.push_str(&word.text);
        waiting.columns = word.columns;
        if word.columns > 0 {
            kept.push(std::mem::take(&mut waiting));
        }
    }
    match kept.last_mut() {
        Some(last) => last.text.push_str(&waiting.text),
        None => kept.push(waiting),
    }
    kept
}

/// Returns the length in bytes of the word that a text begins with, up to the next blank that is
/// in no name. Backticks make a name where the word then fits, and of a path in any case.
fn word_length(text: &str, room: usize) -> usize {
    let quoted = word_end(text, Backticks::Quote);
    let whole = |word: &str| columns(word) <= room || quotes_a_path(word);
    match text.get(..quoted).is_some_and(whole) {
        true => quoted,
        false => word_end(text, Backticks::AreLetters),
    }
}

/// Returns whether a word is, in backticks, a path that does not begin with a bare name.
fn quotes_a_path(word: &str) -> bool {
    let quoted = word.split_once('`').map(|(_, quoted)| quoted).unwrap_or_default();
    ["/", "~/", "./", "../"].iter().any(|start| quoted.starts_with(start))
}

/// The longest word, in bytes, in which backticks are looked for. It bounds what is read more than
/// once of a line that somebody made of nothing else.
const LONGEST_QUOTE: usize = 4_096;

/// What backticks are taken for.
#[derive(Clone, Copy, PartialEq)]
enum Backticks {
    Quote,
    AreLetters,
}

fn word_end(text: &str, backticks: Backticks) -> usize {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            ' ' => break,
            '`' if text.len() - rest.len() > LONGEST_QUOTE => 1,
            OPEN => rest.find(CLOSE).map_or(rest.len(), |end| end + CLOSE.len_utf8()),
            '`' if backticks == Backticks::Quote => {
                let inside = rest.bytes().take(LONGEST_QUOTE).skip(1);
                inside.into_iter().position(|byte| byte == b'`').map_or(1, |end| end + 2)
            }
            _ => escape_length(rest).max(c.len_utf8()),
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    text.len() - rest.len()
}

/// Splits a word behind and before each wide character. What takes no column stays with the
/// character before it.
fn split_between_wide(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let (mut rest, mut was_wide) = (word, false);
    while let Some(c) = rest.chars().next() {
        let length = escape_length(rest).max(c.len_utf8());
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let takes_room = columns(piece) > 0;
        match parts.last_mut() {
            Some(part) if !takes_room || !(was_wide || is_wide(c)) || ends_a_line(c) => {
                part.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
        if takes_room {
            was_wide = is_wide(c);
        }
        rest = after;
    }
    parts
}

/// Returns whether a wide character belongs to the one before it: no line begins with it.
fn ends_a_line(c: char) -> bool {
    "、。，．！？：；）］｝」』】》〉〕…ー".contains(c)
}

#[cfg(test)]
mod tests {
    use super::super::{harmless, name};
    use super::*;

    #[test]
    fn lines_end_between_words_and_go_on_indented() {
        let cases = [
            ("one two three", 20, "one two three"),
            ("one two three", 8, "one two\n  three"),
            ("  - one two", 8, "  - one\n    two"),
            ("hint:  \u{3}one two three", 16, "hint:  one two\n       three"),
            ("a very-long-name-indeed b", 10, "a\nvery-long-name-indeed\n  b"),
            ("ab 0123456789", 10, "ab\n0123456789"),
            ("a\tb", 20, "a       b"),
            ("run `a b c` now", 12, "run `a b c`\n  now"),
            ("you run `a b c`", 12, "you run\n  `a b c`"),
            ("the `/a b/c d/e f` is", 10, "the\n`/a b/c d/e f`\n  is"),
            ("it's a ` alone here", 10, "it's a `\n  alone\n  here"),
            ("one\ntwo three", 9, "one\ntwo three"),
            ("字字字字字字", 8, "字字字字\n  字字"),
            ("字字字字，字", 8, "字字字\n  字，字"),
            ("字字字e\u{301}e\u{301}字", 8, "字字字e\u{301}e\u{301}\n  字"),
            ("\x1b[1mone two\x1b[0m three", 8, "\x1b[1mone two\x1b[0m\n  three"),
            ("trailing blanks            ", 18, "trailing blanks"),
        ];
        for (text, width, expected) in cases {
            assert_eq!(wrapped(text, width), expected, "{text:?} in {width}");
        }
    }

    #[test]
    fn a_name_is_whole_whatever_it_holds() {
        let path = "/home/my files/量子/a -b `c";
        for width in 1..60 {
            let text = format!("policy: {} (version 1.0.0)", name(path));
            assert!(wrapped(&text, width).contains(path), "{width}");
        }
    }

    /// Texts of people and of models that have broken layouts before.
    const HOSTILE: [&str; 12] = [
        "a name-that-is-rather-long/and-has-a-slash:and-a-tag and then some words behind it",
        "`unclosed and long and longer still, with no end at all in sight",
        "``` `` ` `a` ``b c`` `d e f g h i j k l m n o p q r s t u v w x y z`",
        "量子力学描述了微观世界的行为，而经典力学描述了宏观世界。Mixed with latin words，再混合。",
        "مرحبا بالعالم \u{202e}hidden\u{202c} text",
        "e\u{301}\u{301}\u{301}\u{301} zalgo \u{300}\u{300}",
        "👩\u{200d}👩\u{200d}👧👩\u{200d}👩\u{200d}👧👩\u{200d}👩\u{200d}👧 family",
        "\x1b[31mred\x1b[0m \x1b]0;title\x07 \u{9b}2J \x1b[",
        "tabs\tand\ttabs\t\t\tand more\ttabs",
        "          deeply indented words that go on and on and on",
        "\u{1}\u{2}\u{3} marks of the layout \u{1} in a text of somebody else",
        "                                                                                    ",
    ];

    #[test]
    fn no_line_is_wider_than_the_terminal_but_a_name_alone() {
        for text in HOSTILE {
            for lead in ["", "   x  \u{3}", "warning: "] {
                let text = format!("{lead}\x1b[2m{}\x1b[0m", harmless(text));
                for width in 1..100 {
                    for line in wrapped(&text, width).lines() {
                        let is_word = !line.trim().contains(' ');
                        assert!(columns(line) <= width || is_word, "{width}: {line:?} of {text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_but_blanks_is_lost() {
        let letters = |text: &str| text.replace([' ', '\n', '\t', HANG], "");
        for text in HOSTILE.map(harmless) {
            for width in 1..100 {
                assert_eq!(letters(&wrapped(&text, width)), letters(&text), "{width}");
            }
        }
    }
}
