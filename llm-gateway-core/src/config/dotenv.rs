//! Splits the text of a `.env` file into assignments and faults.
//!
//! Readers of `.env` files differ. This one accepts what shells, containers and languages read
//! alike, and reports where they do not. A value may be bare or in quotes (`"`, `'` or `` ` ``),
//! and in quotes it may run over several lines. A comment begins with a `#` at the start or behind
//! a blank. Nothing is substituted, because a key may hold a `$`. Which names count is decided in
//! [`env_file`](super::env_file).

use crate::environment::OWN_PREFIX;

/// One statement of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// A name with its value.
    Assignment(Assignment),
    /// A line that cannot be read.
    Fault(FaultyLine),
}

/// A name with its value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The number of the line, counted from 1.
    pub(super) line: usize,
    pub(super) name: String,
    /// The value without its quotes.
    pub(super) value: String,
    /// The names that lines within the value would assign if they stood alone.
    pub(super) within: Vec<String>,
}

/// A line that cannot be read. Its content is not kept, because it may contain a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FaultyLine {
    /// The number of the line, counted from 1.
    pub(super) line: usize,
    /// The name that the line would assign.
    pub(super) name: Option<String>,
    /// The gateway's variable that the line is about, or the beginning of its name.
    pub(super) own: Option<String>,
    pub(super) kind: FaultKind,
}

/// The kind of fault that a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The line is not `NAME=value`.
    NoAssignment,
    /// A quote is not closed, so the meaning of the lines behind it is unknown.
    OpenQuote,
}

/// Splits the text of a file into statements. Nothing is read behind a quote that is not closed.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (mut statements, mut rest, mut line) = (Vec::new(), text.as_str(), 1);
    while !rest.is_empty() {
        let (statement, behind) = next(rest, line);
        let read = rest.len() - behind.len();
        line += rest.get(..read).unwrap_or_default().matches('\n').count();
        let is_open = matches!(&statement, Some(Statement::Fault(fault)) if fault.kind == FaultKind::OpenQuote);
        statements.extend(statement);
        rest = if is_open { "" } else { behind };
    }
    statements
}

/// Reads the first statement of a text, which begins at line `number`. Returns it, and the text
/// behind it.
fn next(text: &str, number: usize) -> (Option<Statement>, &str) {
    let (line, behind) = first_line(text);
    // Windows editors begin a file with a byte order mark, and files are joined.
    let code = line.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if code.trim_end().is_empty() || code.starts_with('#') {
        return (None, behind);
    }
    let (Some((left, _)), Some((_, value))) = (code.split_once('='), text.split_once('=')) else {
        return (Some(fault(line, number, None, FaultKind::NoAssignment)), behind);
    };
    let name = assigned_name(left);
    let Some((value, behind)) = value_and_rest(value) else {
        return (Some(fault(text, number, name, FaultKind::OpenQuote)), "");
    };
    let read = text.get(..text.len() - behind.len()).unwrap_or_default();
    let statement = match (name, value) {
        (Some(name), Some(value)) => {
            let inner = read.split('\n').skip(1).filter_map(|line| line.split_once('='));
            let within = inner.filter_map(|(left, _)| assigned_name(left)).map(str::to_owned);
            let (name, within) = (name.to_owned(), within.collect());
            Statement::Assignment(Assignment { line: number, name, value, within })
        }
        (name, _) => fault(read, number, name, FaultKind::NoAssignment),
    };
    (Some(statement), behind)
}

/// Returns the value that stands behind a `=` and the text behind its line; `None` if a quote is not
/// closed. The value is `None` if readers disagree about it.
fn value_and_rest(text: &str) -> Option<(Option<String>, &str)> {
    let start = text.trim_start_matches(is_blank_in_line);
    let Some(quote) = start.chars().next().filter(|c| "\"'`".contains(*c)) else {
        let (line, behind) = first_line(text);
        return Some((bare_value(line), behind));
    };
    let (value, after) = quoted_value(start, quote)?;
    let (rest, behind) = first_line(after);
    let is_end = rest.trim_start().is_empty() || rest.trim_start().starts_with('#');
    let has_lines = start.get(..start.len() - after.len()).is_some_and(|read| read.contains('\n'));
    // Where another line's quote closed this one, it was open.
    (is_end || !has_lines).then(|| (is_end.then_some(value), behind))
}

/// Returns the first line of a text, and the text behind it.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

fn is_blank_in_line(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

/// Returns the name on the left of a `=`, with or without `export`; `None` if the text is no name.
fn assigned_name(left: &str) -> Option<&str> {
    let left = left.trim();
    let exported = left.strip_prefix("export").filter(|rest| rest.starts_with(is_blank_in_line));
    let name = exported.map_or(left, str::trim_start);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (starts_well && name.chars().all(is_of_name)).then_some(name)
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

/// Returns the quoted value at the start of a text, and the text behind it; `None` if the quote is
/// not closed. Only `"` has escapes.
fn quoted_value(text: &str, quote: char) -> Option<(String, &str)> {
    let (mut value, mut escaped) = (String::new(), false);
    let inner = text.strip_prefix(quote)?;
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
            '\\' if quote == '"' => escaped = true,
            _ if c == quote => return Some((value, inner.get(at + c.len_utf8()..)?)),
            _ => value.push(c),
        }
    }
    None
}

/// Creates the fault of a line, or of several lines that are joined by a quote.
fn fault(text: &str, line: usize, name: Option<&str>, kind: FaultKind) -> Statement {
    let own = text.to_ascii_uppercase().find(OWN_PREFIX).and_then(|at| {
        let (before, rest) = text.split_at_checked(at)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        // Behind a `=` the name is part of a value, and values are not shown.
        let end = if before.contains('=') { OWN_PREFIX.len() } else { end };
        rest.get(..end).map(str::to_owned)
    });
    Statement::Fault(FaultyLine { line, name: name.map(str::to_owned), own, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Assigned = Vec<(String, String)>;

    /// Returns the assignments of a text, and its faults by line.
    fn read(text: &str) -> (Assigned, Vec<(usize, FaultKind)>) {
        let (mut assignments, mut faults) = (Vec::new(), Vec::new());
        for statement in statements(text) {
            match statement {
                Statement::Assignment(it) => assignments.push((it.name, it.value)),
                Statement::Fault(it) => faults.push((it.line, it.kind)),
            }
        }
        (assignments, faults)
    }

    #[track_caller]
    fn value_of_a(text: &str) -> String {
        let (assignments, faults) = read(text);
        assert_eq!(faults, [], "{text:?}");
        let of_a = assignments.into_iter().rfind(|(name, _)| name == "A");
        of_a.unwrap_or_else(|| panic!("no A in {text:?}")).1
    }

    #[test]
    fn however_a_value_is_written_it_is_read() {
        for text in [
            "A=k",
            "A=k\n",
            "A=k ",
            "A=k   ",
            "A=k\t",
            "A=k \t \n",
            "A=k\r\n",
            "A=k \r\n",
            "A=k\r",
            "A=k\u{a0}",
            "A = k",
            "A= k",
            "A =k",
            "  A=k",
            "\tA=k",
            "export A=k",
            "export\tA = k ",
            "\u{feff}A=k",
            "\u{feff}export A=k",
            "B=1\n\u{feff}A=k",
            "A=\"k\"",
            "A='k'",
            "A=`k`",
            "A=\"k\" ",
            "A='k'\t \r\n",
            "A= \"k\" # it's a comment",
            "A='k' # don't",
            "A=\"k\"#c",
            "A=k # it's mine",
            "A=k # \"open",
            "A=k\t# c",
            "# it's\nA=k",
            "#A=no\nA=k",
            "  # 'open \nA=k",
            "B=1\rA=k\rC=2",
            "B=\nA=k",
            "B= # empty\nA=k",
            "N=\"two\nlines\"\nA=k",
            "N='two\nA=no\n'\nA=k",
            "N=\"\nA=no\n\" # c\r\nA=k",
            "N=\"it \\\" A=no\n\"\nA=k",
            "N='# no comment\nA=no'\nA=k",
            "N=`A=no\n`\nA=k",
            "A=no\nA=k",
            "N=\"-----BEGIN-----\nab==\n-----END-----\"\nA=k",
            "my-n=\"\nA=no\n\"\nA=k",
        ] {
            assert_eq!(value_of_a(text), "k", "{text:?}");
        }
    }

    #[test]
    fn a_value_keeps_what_belongs_to_it() {
        for (text, value) in [
            ("A=", ""),
            ("A=\"\"", ""),
            ("A= # c", ""),
            ("A=#c", "#c"),
            ("A=a#b", "a#b"),
            ("A=ab$HOME$$x", "ab$HOME$$x"),
            ("A=a\\$b", "a$b"),
            ("A=\"a\\$b\"", "a$b"),
            ("A='a\\$b'", "a\\$b"),
            ("A=a=b==", "a=b=="),
            ("A=C:\\dir\\new", "C:\\dir\\new"),
            ("A=\"a b # c\"", "a b # c"),
            ("A=\"a'b\"", "a'b"),
            ("A='a\"b'", "a\"b"),
            ("A=\"a\\nb\\x\"", "a\nb\\x"),
            ("A=\"a\r\nb\"", "a\nb"),
            ("A=\"'k'\"", "'k'"),
            ("A=“k”", "“k”"),
            ("A=ключ", "ключ"),
        ] {
            assert_eq!(value_of_a(text), value, "{text:?}");
        }
    }

    #[test]
    fn what_readers_take_for_different_things_is_a_fault_of_its_line() {
        for text in [
            "A",
            "just words",
            "A: k",
            "A k",
            "set A=k",
            "\u{200b}A=k",
            "A=k w",
            "A=a\"b c\"",
            "A=it's",
            "A='k'w",
            "A=\"k\" w",
            "=k",
            "1A=k",
            "\"A\"=k",
            "A B=k",
            "export A",
            "A=a'b'",
            "$A=k",
        ] {
            let (assignments, faults) = read(&format!("B=1\n{text}\nC=2\n"));
            assert_eq!(faults, [(2, FaultKind::NoAssignment)], "{text:?}");
            assert_eq!(assignments.len(), 2, "{text:?}: {assignments:?}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_is_a_fault_and_nothing_behind_it_is_read() {
        for text in ["A='k", "A=\"k", "A=`k", "A=\"k\\\"", "A='tis\nB='k'", "A = 'k\n# it", "x y='"]
        {
            let (assignments, faults) = read(&format!("Z=1\n{text}\nC=2\n"));
            assert_eq!(faults, [(2, FaultKind::OpenQuote)], "{text:?}");
            assert_eq!(assignments.len(), 1, "{text:?}: {assignments:?}");
        }
    }

    #[test]
    fn the_names_within_a_value_are_told_and_the_lines_behind_it_keep_their_numbers() {
        let statements = statements("N=\"a\nB=1\nexport C=2\nd\n\"\r\n\nE=3\n");
        let [Statement::Assignment(note), Statement::Assignment(last)] = &statements[..] else {
            panic!("{statements:?}")
        };
        assert_eq!((note.line, &note.within[..]), (1, &["B".to_owned(), "C".to_owned()][..]));
        assert_eq!((last.line, last.name.as_str()), (7, "E"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[ \\t\\r\\nA-C=\"'`#\\\\$\u{feff}é]{0,60}") {
            let lines = text.replace("\r\n", "\n").replace('\r', "\n").split('\n').count();
            let mut last = 0;
            for statement in statements(&text) {
                let line = match statement {
                    Statement::Assignment(it) => it.line,
                    Statement::Fault(it) => it.line,
                };
                assert!(line > last && line <= lines);
                last = line;
            }
        }
    }
}
