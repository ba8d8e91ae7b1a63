//! A Markdown page, read as far as the tests of documents need it.

use std::collections::BTreeSet;
use std::path::PathBuf;

pub(super) use crate::source::{files, read, root};

/// Returns every page that people read.
pub(super) fn pages() -> Vec<Page> {
    let mut names: Vec<String> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
            .map(str::to_owned)
            .to_vec();
    names.extend(files("docs", ".md"));
    names.extend(files("examples/clients", ".md"));
    names.push("llm-gateway-core/tests/fixtures/README.md".to_owned());
    names.push("tests/servers/README.md".to_owned());
    names.push("tests/clients/README.md".to_owned());
    assert!(names.len() > 30, "{names:?}");
    names.into_iter().map(Page::at).collect()
}

/// A page and its text.
pub(super) struct Page {
    /// The path of the page from the root of the repository.
    pub(super) name: String,
    pub(super) text: String,
}

impl Page {
    pub(super) fn at(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { text: read(&name), name }
    }

    /// Returns the folder of the page.
    pub(super) fn folder(&self) -> PathBuf {
        root().join(&self.name).parent().unwrap().to_path_buf()
    }

    /// Returns the lines of the page outside of blocks of code, with their numbers.
    pub(super) fn prose(&self) -> Vec<(usize, &str)> {
        let (mut in_block, mut after_blank) = (false, true);
        let mut prose = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let is_fence = line.trim_start().starts_with("```");
            in_block ^= is_fence;
            // An indented line goes on with the paragraph above it, if there is one.
            let is_indented_code = after_blank && line.starts_with("    ");
            if !is_fence && !in_block && !is_indented_code {
                prose.push((index + 1, line));
                after_blank = line.trim().is_empty();
            }
        }
        prose
    }

    /// Returns the prose as one text, without line numbers.
    pub(super) fn prose_text(&self) -> String {
        self.prose().into_iter().flat_map(|(_, line)| [line, "\n"]).collect()
    }

    /// Returns the texts between backticks in the prose.
    pub(super) fn code_spans(&self) -> Vec<String> {
        let prose = self.prose_text();
        prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }

    /// Returns the names that are no longer used: the first column of a table whose head says so.
    pub(super) fn old_names(&self) -> BTreeSet<String> {
        let Some((_, table)) = self.text.split_once("\n| old | new |\n") else {
            return BTreeSet::new();
        };
        let table = table.split("\n\n").next().unwrap();
        rows(table).iter().flat_map(|row| named(row[0])).map(str::to_owned).collect()
    }

    /// Returns the blocks of code of a language.
    pub(super) fn blocks(&self, language: &str) -> Vec<String> {
        let open = format!("```{language}\n");
        let blocks = self.text.split(&open).skip(1);
        blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
    }

    /// Returns the targets of the page's links, with the numbers of their lines.
    pub(super) fn links(&self) -> Vec<(usize, String)> {
        let targets = |(number, line): (usize, &str)| {
            let ends = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            ends.map(|target| (number, target.to_owned())).collect::<Vec<_>>()
        };
        self.prose().into_iter().flat_map(targets).collect()
    }

    /// Returns the anchors of the page's headings, as GitHub makes them.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose().into_iter().filter(|(_, line)| line.starts_with('#'));
        headings.map(|(_, line)| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// Returns the text below a heading, up to the next heading of its level or above.
    pub(super) fn section(&self, heading: &str) -> Option<&str> {
        let start = self.text.find(&format!("{heading}\n"))?;
        let below = &self.text[start + heading.len()..];
        let level = heading.split(' ').next().unwrap();
        let next = (1..=level.len())
            .filter_map(|hashes| below.find(&format!("\n{} ", "#".repeat(hashes))));
        Some(&below[..next.min().unwrap_or(below.len())])
    }
}

/// Returns the rows of the tables in a text as cells, without the heads of the tables.
pub(super) fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = text.lines().collect();
    let is_rule = |line: &str| line.starts_with("|--");
    let is_row = |at: &usize| {
        let is_head = lines.get(at + 1).is_some_and(|next| is_rule(next));
        lines[*at].starts_with('|') && !is_rule(lines[*at]) && !is_head
    };
    let rows = (0..lines.len()).filter(is_row);
    rows.map(|at| lines[at].trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Returns the names in backticks in a text.
pub(super) fn named(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[test]
fn a_page_is_read_as_it_is_shown() {
    let text = "# A page\n\nSee [b](c.md#d) and `e\nf`.\n\n```sh\n# g [h](i)\n```\n## J's `k`, l\n| m |\n|---|\n| n | o |\n";
    let page = Page { name: "page.md".to_owned(), text: text.to_owned() };
    assert_eq!(page.links(), [(3, "c.md#d".to_owned())]);
    assert_eq!(page.code_spans(), ["e f", "k"]);
    assert_eq!(page.blocks("sh"), ["# g [h](i)\n"]);
    assert_eq!(page.anchors(), ["a-page", "js-k-l"].map(str::to_owned).into());
    assert_eq!(rows(page.section("## J's `k`, l").unwrap()), [["n", "o"]]);
}
