//! Wraps the answer of a model for a terminal, and leaves code as it is.

use super::measure::columns;
use super::wrap::{HANG, wrapped};

/// Returns a harmless text of a model for a terminal of this width. Sentences are wrapped between
/// words. Code, tables and other lines whose form has a meaning stay as they are.
pub(crate) fn prose(text: &str, width: usize) -> String {
    let mut fence: Option<&str> = None;
    let lines = text.split('\n').map(|line| {
        let mark = ["```", "~~~"].into_iter().find(|mark| line.trim_start().starts_with(mark));
        let was_code = fence.is_some();
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            _ => {}
        }
        let is_formed = was_code || mark.is_some() || has_a_form(line);
        match is_formed || columns(line) <= width {
            true => line.to_owned(),
            false => wrapped(&marked(line), width),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns whether the form of a line has a meaning: it is indented like code, or a row of a table.
fn has_a_form(line: &str) -> bool {
    line.starts_with("    ") || line.starts_with('\t') || line.trim_start().starts_with('|')
}

/// Returns a line with the mark where its continuation begins: below the words of a list's item.
fn marked(line: &str) -> String {
    let words = line.trim_start();
    let indent = line.len() - words.len();
    let bullet = words.split_once(' ').filter(|(first, _)| is_bullet(first));
    let at = indent + bullet.map_or(0, |(first, _)| first.len() + 1);
    let (before, after) = line.split_at_checked(at).unwrap_or((line, ""));
    format!("{before}{HANG}{after}")
}

fn is_bullet(word: &str) -> bool {
    let is_number =
        |it: &str| (1..=3).contains(&it.len()) && it.bytes().all(|b| b.is_ascii_digit());
    matches!(word, "-" | "*" | "+" | "•") || word.strip_suffix(['.', ')']).is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_wrapped_and_code_is_not() {
        let code = "    let long = \"an indented line of code\";";
        for same in [code, "| a | table that is wide |", "\ta b c d e f g h i j k l m n"] {
            assert_eq!(prose(same, 10), same);
        }
        let fenced = "```\na long line of code here\n```\nand words behind it";
        assert_eq!(prose(fenced, 12), "```\na long line of code here\n```\nand words\nbehind it");
        assert_eq!(prose("- one two three", 9), "- one two\n  three");
        assert_eq!(prose("1. one two three", 9), "1. one\n   two\n   three");
        assert_eq!(prose("一二三四五六", 8), "一二三四\n五六");
        assert_eq!(prose("~~~\n```\nlong long long\n~~~", 6), "~~~\n```\nlong long long\n~~~");
    }
}
