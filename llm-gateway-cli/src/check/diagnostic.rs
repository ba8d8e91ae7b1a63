//! Shows one problem of a policy: what is wrong, where, its line, and what would be right.

use llm_gateway_core::config::Diagnostic;

use super::told;
use crate::layout::{HANG, columns, harmless, is_shown_in_place, name, wrapped};

/// Returns a problem in lines of this width, with an empty line behind them.
pub(super) fn shown(problem: &Diagnostic, width: usize) -> String {
    let (style, severity) = told(problem.severity);
    let margin = problem.line.to_string().len();
    let place = match problem.line {
        0 => problem.file.clone(),
        line => format!("{}:{line}:{}", problem.file, problem.column),
    };
    let message = harmless(&problem.message);
    let mut lines = vec![
        wrapped(&format!("{style}{severity}{style:#}: {HANG}{message}"), width),
        wrapped(&format!("{:margin$}--> {HANG}{}", "", name(&place)), width),
    ];
    if let Some(snippet) = problem.snippet() {
        let room = width.saturating_sub(margin + " | ".len());
        let (part, caret) = window(snippet, problem.column.saturating_sub(1) as usize, room);
        lines.push(format!("{:margin$} |", ""));
        lines.push(format!("{} | {part}", problem.line));
        lines.push(format!("{:margin$} | {:caret$}^", "", ""));
    }
    if !problem.hint.is_empty() {
        let hint = harmless(&problem.hint);
        lines.push(wrapped(&format!("{:margin$} = {HANG}{hint}", ""), width));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Returns the part of a line around the character at `position` that fits into `room` columns, and
/// the column of that character in the part.
fn window(line: &str, position: usize, room: usize) -> (String, usize) {
    let letters: Vec<char> = line.chars().map(visible).collect();
    let width = |letters: &[char]| columns(&letters.iter().collect::<String>());
    let (before, after) = letters.split_at_checked(position).unwrap_or((&letters, &[]));
    if width(&letters).max(width(before) + 1) <= room {
        return (letters.iter().collect(), width(before));
    }
    let kept = fitting(before.iter().rev(), room.saturating_sub(4) / 2);
    let mut part: String = before.iter().skip(before.len() - kept).collect();
    if kept < before.len() {
        part.insert(0, '…');
    }
    let caret = columns(&part);
    let taken = fitting(after.iter(), room.saturating_sub(caret + 1));
    part.extend(after.iter().take(taken));
    if taken < after.len() {
        part.push('…');
    }
    (part, caret)
}

/// Returns how many characters fit into `room` columns.
fn fitting<'a>(letters: impl Iterator<Item = &'a char>, room: usize) -> usize {
    let mut text = String::new();
    let fits = |letter: &&char| {
        text.push(**letter);
        columns(&text) <= room
    };
    // Combining characters fit in any number, and nobody reads so many.
    letters.take(4 * room).take_while(fits).count()
}

/// Returns a character that takes one place, for one that a terminal would obey or not show.
fn visible(c: char) -> char {
    match c {
        '\t' => ' ',
        _ if is_shown_in_place(c) && c != '\u{feff}' => c,
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_shown_around_the_problem() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        for room in 4..120 {
            let (part, caret) = window(&line, 300, room);
            assert_eq!(part.chars().nth(caret), Some('X'), "{room}: {part}");
            assert!(columns(&part) <= room, "{room}: {part}");
        }
        assert_eq!(window("short", 2, 20), ("short".to_owned(), 2));
        assert_eq!(window("short", 5, 20), ("short".to_owned(), 5));
        assert_eq!(window("short", 99, 20), ("short".to_owned(), 5));
        assert_eq!(window("", 0, 0).1, 0);
    }

    #[test]
    fn the_caret_stands_below_a_letter_behind_wide_ones() {
        let line = format!("rationale: \"{}\", provder: x", "量子".repeat(30));
        let position = line.chars().position(|c| c == 'p').unwrap();
        for room in 10..200 {
            let (part, caret) = window(&line, position, room);
            let before: String = part.chars().take_while(|c| *c != 'p').collect();
            assert_eq!(columns(&before), caret, "{room}: {part}");
            assert!(columns(&part) <= room, "{room}: {part}");
        }
    }

    #[test]
    fn a_line_cannot_take_the_terminal_over() {
        let (part, caret) = window("a\t\u{1b}[2J\u{202e}b: x", 7, 80);
        assert_eq!((part.as_str(), caret), ("a \u{fffd}[2J\u{fffd}b: x", 7));
        for ending in ['\u{85}', '\u{2028}', '\u{2029}', '\u{9b}'] {
            let line = format!("a{ending}b");
            assert_eq!(window(&line, 2, 80), ("a\u{fffd}b".to_owned(), 2), "{ending:?}");
        }
    }
}
