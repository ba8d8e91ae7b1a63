//! Finds the name of a line and the separator behind it.

/// The part of an assignment before its value, and the text that begins with the value.
pub(super) struct LeftSide<'a> {
    /// The name; `None` if what stands before the separator is no name.
    pub(super) name: Option<&'a str>,
    pub(super) separator: Separator,
    /// The text behind the separator, with the lines that follow.
    pub(super) value: &'a str,
}

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// `NAME=value`, which every reader knows.
    Equals,
    /// `NAME: value`, which only the `dotenv` of JavaScript reads. Its quotes join lines, but it
    /// is reported in place of being read.
    Colon,
}

impl<'a> LeftSide<'a> {
    /// Splits a text at the separator in its first line; `None` if that line has none.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let (line, _) = first_line(text);
        let equals = line.find('=');
        if let Some((before, behind)) = line.split_once(':') {
            let is_first = equals
                .is_none_or(|equals| before.len() < equals && behind.starts_with(is_blank_in_line));
            if let Some(name) = assigned_name(before).filter(|_| is_first) {
                let value = text.get(before.len() + 1..)?;
                return Some(Self { name: Some(name), separator: Separator::Colon, value });
            }
        }
        let (before, value) = text.split_at_checked(equals?)?;
        let value = value.strip_prefix('=')?;
        Some(Self { name: assigned_name(before), separator: Separator::Equals, value })
    }
}

/// Returns the names that the lines of a text assign.
pub(super) fn assigned_names(text: &str) -> Vec<String> {
    let left_sides = text.split('\n').filter_map(|line| line.split_once('='));
    left_sides.filter_map(|(left, _)| assigned_name(left)).map(str::to_owned).collect()
}

/// Returns the first line of a text, and the text behind it.
pub(super) fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

pub(super) fn is_blank_in_line(c: char) -> bool {
    c.is_whitespace() && c != '\n'
}

/// Returns the name on the left of a separator, with or without `export`; `None` if the text is no
/// name.
fn assigned_name(left: &str) -> Option<&str> {
    let left = left.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').trim_end();
    let exported = left.strip_prefix("export").filter(|rest| rest.starts_with(is_blank_in_line));
    let name = exported.map_or(left, str::trim_start);
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (starts_well && name.chars().all(is_of_name)).then_some(name)
}
