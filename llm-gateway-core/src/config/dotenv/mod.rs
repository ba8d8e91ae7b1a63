//! Splits the text of a `.env` file into assignments and faults.
//!
//! Readers of `.env` files differ. This one accepts what shells, containers and languages read
//! alike, and reports where they do not. A value may be bare or in quotes (`"`, `'` or `` ` ``),
//! and in quotes it may run over several lines. A comment begins with a `#` at the start or behind
//! a blank. Nothing is substituted, because a key may hold a `$`. Which names count is decided in
//! [`env_file`](super::env_file).
//!
//! `name` finds the name of a line, `value` finds where a value ends, and `loose` finds quotes that
//! only some readers take for the beginning of a value of several lines.

mod loose;
mod name;
mod value;

use crate::environment::OWN_PREFIX;

use loose::loose_quote;
use name::{LeftSide, Separator, assigned_names, first_line};
use value::value_and_rest;

/// One statement of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// A name with its value.
    Assignment(Assignment),
    /// A line that cannot be read.
    Fault(FaultyLine),
    /// A quote that may join the line with others, although it is read as one line.
    Loose(LooseQuote),
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
    /// The names that lines within its value would assign if they stood alone.
    pub(super) within: Vec<String>,
}

/// The kind of fault that a line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The line is not `NAME=value`.
    NoAssignment,
    /// A quote is not closed, so the meaning of the lines behind it is unknown.
    OpenQuote,
}

/// A quote that is open at the end of its line, and that a later line closes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LooseQuote {
    /// The number of the line that opens it, counted from 1.
    pub(super) line: usize,
    /// The name that the line assigns, if it assigns one.
    pub(super) name: Option<String>,
    /// The names that the lines between the two quotes assign, at least one.
    pub(super) within: Vec<String>,
    /// Whether the line that closes it has no other meaning.
    pub(super) is_certain: bool,
}

/// Splits the text of a file into statements. Nothing is read behind a quote that is not closed.
pub(super) fn statements(text: &str) -> Vec<Statement> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (mut statements, mut rest, mut line) = (Vec::new(), text.as_str(), 1);
    while !rest.is_empty() {
        let (statement, behind) = next(rest, line);
        let read = rest.get(..rest.len() - behind.len()).unwrap_or_default();
        let lines = read.matches('\n').count();
        if let (Some(statement), ..=1) = (&statement, lines) {
            statements.extend(loose_of(statement, read.trim_end_matches('\n'), behind));
        }
        statements.extend(statement);
        line += lines;
        rest = behind;
    }
    statements
}

/// Returns the loose quote of a statement that stands in one line.
fn loose_of(statement: &Statement, line: &str, behind: &str) -> Option<Statement> {
    let (number, name) = match statement {
        Statement::Assignment(it) => (it.line, Some(it.name.clone())),
        Statement::Fault(it) => (it.line, it.name.clone()),
        Statement::Loose(_) => return None,
    };
    let (within, is_certain) = loose_quote(line, behind)?;
    Some(Statement::Loose(LooseQuote { line: number, name, within, is_certain }))
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
    let text = text.get(line.len() - code.len()..).unwrap_or_default();
    let Some(LeftSide { name, separator, value }) = LeftSide::of(text) else {
        return (Some(fault(line, number, None, FaultKind::NoAssignment)), behind);
    };
    let (value, behind) = match (value_and_rest(value), separator) {
        (Some(read), _) => read,
        // Who reads such lines takes a quote that is not closed for a part of the value.
        (None, Separator::Colon) => (None, behind),
        (None, Separator::Equals) => {
            return (Some(fault(text, number, name, FaultKind::OpenQuote)), "");
        }
    };
    let read = text.get(..text.len() - behind.len()).unwrap_or_default();
    let statement = match (name, value, separator) {
        (Some(name), Some(value), Separator::Equals) => {
            let (name, within) = (name.to_owned(), assigned_names(first_line(read).1));
            Statement::Assignment(Assignment { line: number, name, value, within })
        }
        (name, ..) => fault(read, number, name, FaultKind::NoAssignment),
    };
    (Some(statement), behind)
}

/// Creates the fault of a line, or of several lines that are joined by a quote.
fn fault(text: &str, line: usize, name: Option<&str>, kind: FaultKind) -> Statement {
    let (first, others) = first_line(text);
    // The lines within a value are told by their names.
    let (about, within) = match kind {
        FaultKind::NoAssignment => (first, assigned_names(others)),
        FaultKind::OpenQuote => (text, Vec::new()),
    };
    let own = about.to_ascii_uppercase().find(OWN_PREFIX).and_then(|at| {
        let (before, rest) = about.split_at_checked(at)?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        // Behind a separator the name is part of a value, and values are not shown.
        let end = if before.contains(['=', ':']) { OWN_PREFIX.len() } else { end };
        rest.get(..end).map(str::to_owned)
    });
    Statement::Fault(FaultyLine { line, name: name.map(str::to_owned), own, kind, within })
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
                Statement::Loose(_) => {}
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
            ("A=\"\"\"k\"\"\"", "k"),
            ("A='''k''' # c", "k"),
            ("A='''it's k'''", "it's k"),
            ("A=\"\"\"\na\n\"\"\"", "\na\n"),
            ("A=\"\"\"\"\"\"", ""),
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
            "A:k",
            "A=$'k'",
            "A=\"k\"w\"x\"",
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
        for text in [
            "A='k",
            "A=\"k",
            "A=`k",
            "A=\"k\\\"",
            "A='tis\nB='k'",
            "A = 'k\n# it",
            "x y='",
            "A=\"\"\"k",
            "A='''\nB=c",
        ] {
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
                    Statement::Loose(it) => {
                        assert!(it.line > last && it.line < lines && !it.within.is_empty());
                        continue;
                    }
                };
                assert!(line > last && line <= lines);
                last = line;
            }
        }
    }
}
