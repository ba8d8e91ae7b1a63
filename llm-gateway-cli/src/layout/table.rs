//! Lays out tables of names, and lists where a table does not fit.

use anstyle::Style;

use super::measure::columns;
use super::wrap::{HANG, wrapped};

/// The blanks between two columns.
const GAP: usize = 2;

/// The least width of the last column. In a narrower one, nobody reads sentences.
const NARROWEST: usize = 20;

/// A cell of a table: one line or several.
pub(crate) struct Cell {
    text: String,
    style: Style,
    is_number: bool,
}

impl Cell {
    pub(crate) fn new(text: impl ToString) -> Self {
        Self { text: text.to_string(), style: Style::new(), is_number: false }
    }

    pub(crate) fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// Makes the cell end where its column ends.
    pub(crate) fn number(mut self) -> Self {
        self.is_number = true;
        self
    }

    fn width(&self) -> usize {
        self.text.lines().map(columns).max().unwrap_or_default()
    }

    /// Returns the lines of the cell, each as wide as its column.
    fn lines(&self, width: usize) -> Vec<String> {
        let style = self.style;
        let text = wrapped(&self.text, width);
        let lines = text.lines().map(|line| {
            let blanks = " ".repeat(width.saturating_sub(columns(line)));
            match self.is_number {
                true => format!("{blanks}{style}{line}{style:#}"),
                false => format!("{style}{line}{style:#}{blanks}"),
            }
        });
        lines.collect()
    }
}

/// Rows of cells below a header. Only the last column is wrapped.
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|it| (*it).to_owned()).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the table in lines of this width. Where a name would have to be broken, every row
    /// becomes an item of a list.
    pub(crate) fn shown(&self, width: usize) -> String {
        match self.widths(width) {
            Some(widths) => self.as_table(&widths),
            None => self.as_list(width),
        }
    }

    /// Returns the widths of the columns; `None` if they do not fit.
    fn widths(&self, width: usize) -> Option<Vec<usize>> {
        let widest = |at: usize| {
            let cells = self.rows.iter().filter_map(|row| Some(row.get(at)?.width()));
            cells.chain(self.header.get(at).map(|name| columns(name))).max().unwrap_or_default()
        };
        let mut widths: Vec<usize> = (0..self.header.len()).map(widest).collect();
        let last = widths.pop()?;
        let before: usize = widths.iter().map(|width| width + GAP).sum();
        let room = width.checked_sub(before)?;
        let needed = self.longest_word().max(last.min(NARROWEST));
        (needed <= room).then(|| {
            widths.push(last.min(room));
            widths
        })
    }

    /// Returns the width of the longest word of the last column.
    fn longest_word(&self) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(self.header.len() - 1));
        let words = cells.flat_map(|cell| cell.text.split([' ', '\n']));
        words.map(columns).max().unwrap_or_default()
    }

    fn as_table(&self, widths: &[usize]) -> String {
        let header: Vec<Cell> =
            self.header.iter().map(|name| Cell::new(name).styled(Style::new().dimmed())).collect();
        let rows = std::iter::once(&header).chain(&self.rows);
        let lines: Vec<String> = rows.flat_map(|row| row_lines(row, widths)).collect();
        lines.join("\n")
    }

    fn as_list(&self, width: usize) -> String {
        let mut lines = Vec::new();
        for row in &self.rows {
            for (at, (cell, header)) in row.iter().zip(&self.header).enumerate() {
                let (style, words) = (cell.style, cell.text.replace('\n', " "));
                let line = match at {
                    _ if words.is_empty() => continue,
                    0 => format!("{}{words}{:#}", style.bold(), style.bold()),
                    _ => format!("  {header}: {HANG}{style}{words}{style:#}"),
                };
                lines.push(wrapped(&line, width));
            }
        }
        lines.join("\n")
    }
}

/// Returns the lines of a row.
fn row_lines(row: &[Cell], widths: &[usize]) -> Vec<String> {
    let cells = row.iter().zip(widths).map(|(cell, width)| cell.lines(*width));
    let cells: Vec<Vec<String>> = cells.collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let cells = cells.iter().zip(widths);
        let cells = cells.map(|(lines, width)| match lines.get(at) {
            Some(line) => line.clone(),
            None => " ".repeat(*width),
        });
        cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::super::name;
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["name", "cost", "because"]);
        table.row([
            Cell::new("one/alpha"),
            Cell::new("$1.00").number(),
            Cell::new("a reason of several words that is long"),
        ]);
        table.row([
            Cell::new(format!("{}\nand two", name("密钥/模型"))),
            Cell::new("$10.00").number(),
            Cell::new(""),
        ]);
        table
    }

    #[test]
    fn the_last_column_is_wrapped_and_others_never() {
        let shown = anstream::adapter::strip_str(&table().shown(44)).to_string();
        let expected = "\
name       cost    because
one/alpha   $1.00  a reason of several words
                     that is long
密钥/模型  $10.00
and two";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_table_that_does_not_fit_is_a_list() {
        let shown = anstream::adapter::strip_str(&table().shown(30)).to_string();
        let expected = "\
one/alpha
  cost: $1.00
  because: a reason of several
           words that is long
密钥/模型 and two
  cost: $10.00";
        assert_eq!(shown, expected);
    }

    #[test]
    fn names_are_whole_in_every_width() {
        for width in 1..120 {
            for line in table().shown(width).lines() {
                assert!(columns(line) <= width || !line.trim().contains(' '), "{width}: {line}");
            }
            for name in ["one/alpha", "密钥/模型", "$10.00", "several"] {
                assert!(table().shown(width).contains(name), "{name} in {width}");
            }
        }
    }
}
