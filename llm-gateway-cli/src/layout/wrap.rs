//! Ends lines between words, so that none is wider than the terminal.

use std::iter::{once, repeat};

use textwrap::core::Word;
use textwrap::{WordSeparator, WrapAlgorithm};
use unicode_width::UnicodeWidthChar;

use super::measure::columns;

/// Marks the column in a line at which its continuation begins. It takes no room. Without it, the
/// continuation begins two columns behind the beginning of the line.
pub(crate) const HANG: char = '\u{3}';

/// Marks a word as a name, which is never broken. It takes no room.
const NAME: char = '\u{1}';

/// Stands for a blank in a name. Unicode keeps this character for the use inside of a program.
const NAME_BLANK: &str = "\u{fdd0}";

/// Stands for a blank in backticks, at which a line ends only where the word does not fit.
const QUOTED_BLANK: &str = "\u{fdd1}";

/// Wide characters that belong to the one before them: no line begins with one.
const CLOSING: &str = "、。，．！？：；）］｝」』】》〉〕…ー";

/// Returns a text whose lines take no more than `width` columns.
///
/// A line ends between words, and goes on indented. A name of [`name`](super::name) is not broken,
/// nor is a text in backticks that fits one line. A word that is wider than a line stands alone;
/// only between wide characters, which are written without blanks, it may end before.
pub(crate) fn wrapped(text: &str, width: usize) -> String {
    text.split('\n').map(|line| wrapped_line(line, width)).collect::<Vec<_>>().join("\n")
}

/// Returns a text as one word that is never broken.
pub(super) fn unbroken(text: &str) -> String {
    format!("{NAME}{}", text.replace(' ', NAME_BLANK))
}

fn wrapped_line(line: &str, width: usize) -> String {
    // Where a tab leads depends on the terminal.
    let line = line.replace('\t', "    ");
    if columns(&line) <= width {
        return unmarked(&line);
    }
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    // A continuation never begins behind the middle.
    let hang = line.split_once(HANG).map(|(before, _)| columns(before));
    let hang = hang.filter(|column| *column <= width / 2).unwrap_or(indent + 2).min(width / 2);
    filled(&with_quotes(text, width - hang), indent, hang, width)
}

/// Returns the lines that the words of a line fill. The first one begins at `indent`, and the
/// others at `hang`.
fn filled(line: &str, indent: usize, hang: usize, width: usize) -> String {
    let rooms = [indent, hang].map(|column| width.saturating_sub(column));
    let words = WordSeparator::AsciiSpace.find_words(line);
    let words: Vec<Word<'_>> = words.flat_map(|word| parts(word, width - hang)).collect();
    let lines = WrapAlgorithm::FirstFit.wrap(&words, &rooms).into_iter();
    let mut end = "";
    let shown = lines.zip(once(indent).chain(repeat(hang))).map(|(words, indent)| {
        let words: String = words.iter().flat_map(|it| [it.word, it.whitespace]).collect();
        let words = unmarked(words.trim_end_matches(' '));
        match columns(&words) {
            // An escape sequence alone is no line.
            0 => words,
            // A name that fits only without its indent loses the indent.
            columns => {
                let indent = indent.min(width.saturating_sub(columns));
                format!("{}{:indent$}{words}", std::mem::replace(&mut end, "\n"), "")
            }
        }
    });
    shown.collect()
}

fn unmarked(text: &str) -> String {
    text.replace([HANG, NAME], "").replace(NAME_BLANK, " ").replace(QUOTED_BLANK, " ")
}

/// Returns a line in which what stands in backticks is one word: a path in any case, and another
/// text where the word then fits.
fn with_quotes(line: &str, room: usize) -> String {
    let last = line.matches('`').count();
    let parts = line.split('`').enumerate().map(|(at, part)| match at % 2 == 1 && at < last {
        true if ["/", "~/", "./", "../"].iter().any(|it| part.starts_with(it)) => unbroken(part),
        true => part.replace(' ', QUOTED_BLANK),
        false => part.to_owned(),
    });
    let line = parts.collect::<Vec<_>>().join("`");
    let words = line.split(' ').map(|word| match columns(word) > room {
        true => word.replace(QUOTED_BLANK, " "),
        false => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns the parts of a word: it may end between wide characters where it is wider than `room`.
fn parts(word: Word<'_>, room: usize) -> Vec<Word<'_>> {
    let is_parted = columns(word.word) > room && !word.contains(NAME);
    let mut behind = word.word.chars().skip(1);
    let ends = |c| behind.next().is_some_and(|next| is_parted && may_part(c, next));
    let part = |text| Word { width: columns(text), ..Word::from(text) };
    let mut parts: Vec<Word<'_>> = word.word.split_inclusive(ends).map(part).collect();
    if let Some(last) = parts.last_mut() {
        last.whitespace = word.whitespace;
    }
    parts
}

/// Returns whether a line may end between two characters of a word. What takes no column stays with
/// the character before it.
fn may_part(before: char, next: char) -> bool {
    let width = |c: char| c.width().unwrap_or_default();
    width(before).max(width(next)) == 2 && width(next) > 0 && !CLOSING.contains(next)
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
            ("a\tb", 20, "a    b"),
            ("run `a b c` now", 12, "run `a b c`\n  now"),
            ("you run `a b c`", 12, "you run\n  `a b c`"),
            ("the `/a b/c d/e f` is", 10, "the\n`/a b/c d/e f`\n  is"),
            ("it's a ` alone here", 10, "it's a `\n  alone\n  here"),
            ("one\ntwo three", 9, "one\ntwo three"),
            ("字字字字字字", 8, "字字字字\n  字字"),
            ("字字字字，字", 8, "字字字\n  字，字"),
            ("一二三`/密 钥/密钥`，四五", 8, "一二三`/密 钥/密钥`，四五"),
            ("字字字e\u{301}e\u{301}字", 8, "字字字e\u{301}e\u{301}\n  字"),
            ("\x1b[1mone two\x1b[0m three", 8, "\x1b[1mone two\x1b[0m\n  three"),
            ("\x1b[1m one two \x1b[0m", 4, "\x1b[1m one\n two\x1b[0m"),
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
        "\u{1}\u{fdd0}\u{3} marks of the layout \u{fdd1} in a text of somebody else",
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

    /// A look that starts again at each letter would take minutes here.
    #[test]
    fn a_line_of_150_kb_is_read_once() {
        for part in ["`", "` ", "`a b", "a`b ", "字，", "字 字", "\u{200b}", "e\u{301}", "\t", " "]
        {
            let text = harmless(&part.repeat(150_000 / part.len()));
            for line in wrapped(&text, 80).lines() {
                assert!(columns(line) <= 80 || !line.trim().contains(' '), "{part:?}");
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
