//! Checks that things which documents call absent are absent, and that one list names all of them.

use super::page::{Page, named, pages, read, root, rows};

/// Words for things that do not exist. They go stale, so they are allowed in one tested list only.
const WORDS: &[&str] = &[
    "not built",
    "not yet",
    "not implemented",
    "unimplemented",
    "will come",
    "yet to come",
    "is owed",
    "are owed",
    "a later version",
    "a future version",
];

/// The page and the heading of that list.
const LIST: (&str, &str) = ("ARCHITECTURE.md", "## Not built yet");

/// Reasons in the README not to use the gateway, each with the sign in the code that it is no
/// longer true: a path, or a word in a file.
const DENIED_BY_THE_README: &[(&str, &str, Option<&str>)] = &[
    ("no HTTP API", "llm-gateway-http", None),
    (
        "tool calls, images or embeddings",
        "Image(",
        Some("llm-gateway-core/src/model/prompt/mod.rs"),
    ),
    ("tool calls, images or embeddings", "Tool(", Some("llm-gateway-core/src/model/prompt/mod.rs")),
    ("handed to you whole", "fn streamed", Some("llm-gateway-core/src/run/request.rs")),
    ("You want an agent framework", "llm-gateway-agent", None),
    ("cached answers", "Cached", Some("llm-gateway-core/src/model/cost_basis.rs")),
    ("many keys for one provider", "llm-gateway-core/src/reliability/keys.rs", None),
];

/// Returns whether the thing that a sign stands for is built.
fn is_built(sign: &str, file: Option<&str>) -> bool {
    let Some(file) = file else { return root().join(sign).exists() };
    let text = read(file);
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.into_iter().any(|line| line.contains(sign))
}

/// Returns the signs of the list that are paths.
pub(super) fn signs() -> Vec<String> {
    let page = Page::at(LIST.0);
    let table = rows(page.section(LIST.1).unwrap()).into_iter().map(|row| row[1].to_owned());
    table.flat_map(|cell| named(&cell).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn what_is_missing_is_said_in_one_place() {
    for page in pages() {
        let mut prose = page.prose_text();
        if page.name == LIST.0 {
            let section = page.section(LIST.1).unwrap();
            assert!(prose.contains(section), "the list holds no code");
            prose = prose.replace(section, "").replace(LIST.1, "");
        }
        let prose = prose.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        for word in WORDS {
            if let Some(at) = prose.find(word) {
                let around: String = prose[at..].chars().take(60).collect();
                panic!("{} says \"{around}\"; that belongs into {LIST:?}", page.name);
            }
        }
    }
}

#[test]
fn what_the_list_calls_not_built_is_not_built() {
    let page = Page::at(LIST.0);
    let table = rows(page.section(LIST.1).unwrap());
    assert!(table.len() > 5, "{table:?}");
    for row in table {
        let (sign, file) = match *named(row[1]).collect::<Vec<_>>() {
            [path] => (path, None),
            [word, file] => (word, Some(file)),
            _ => panic!("{} is no sign", row[1]),
        };
        assert!(!is_built(sign, file), "{} is built: {sign}", row[0]);
    }
}

#[test]
fn what_the_readme_denies_is_not_there() {
    let readme = Page::at("README.md");
    let section = readme.section("## When not to use it").unwrap();
    let section = section.split_whitespace().collect::<Vec<_>>().join(" ");
    for (words, sign, file) in DENIED_BY_THE_README {
        assert!(section.contains(words), "the README no longer says \"{words}\"");
        assert!(!is_built(sign, *file), "the README says \"{words}\", and there is {sign}");
    }
}
