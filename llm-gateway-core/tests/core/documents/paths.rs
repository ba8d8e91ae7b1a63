//! Checks that the files and folders that documents name exist.

use std::collections::BTreeSet;

use super::page::{Page, files, named, pages, read, root, rows};

/// Files of other projects, to which CONTRIBUTING.md points as examples.
const OF_OTHER_PROJECTS: &[&str] =
    &["main.rs", "env.rs", "types/error.rs", "classify.rs", "gate.rs"];

/// The sources of core.
const CORE: &str = "llm-gateway-core/src";

/// Returns the files and folders in a folder; folders end with a slash.
fn entries(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap());
    let name = |entry: std::fs::DirEntry| {
        let slash = if entry.path().is_dir() { "/" } else { "" };
        format!("{}{slash}", entry.file_name().to_string_lossy())
    };
    entries.map(name).collect()
}

/// Returns whether a name in backticks is meant as a file or folder of this repository.
fn is_path(span: &str, own: &BTreeSet<String>) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    let first = span.split_once('/').map(|(first, _)| format!("{first}/"));
    let begins_here = first.is_some_and(|first| own.contains(&first));
    span.chars().all(is_plain) && (begins_here || span.ends_with(".rs"))
}

/// Returns whether a path exists: from the root, from the page's folder or from core's sources. A
/// file's name alone may exist anywhere.
fn is_there(path: &str, page: &Page, names: &BTreeSet<String>) -> bool {
    let places = [root().join(path), page.folder().join(path), root().join(CORE).join(path)];
    places.iter().any(|place| place.exists()) || names.contains(path)
}

#[test]
fn every_path_in_backticks_is_there() {
    let mut own: BTreeSet<String> = [entries(CORE), entries(".")].into_iter().flatten().collect();
    // What a build makes.
    own.remove("target/");
    let sources = ["llm-gateway-core", "llm-gateway-stdio", "llm-gateway-cli", "tests"];
    let sources = sources.into_iter().flat_map(|folder| files(folder, ".rs"));
    let names: BTreeSet<String> =
        sources.filter_map(|path| path.rsplit('/').next().map(str::to_owned)).collect();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        // Paths that are meant not to be there.
        let mut absent = page.old_names();
        if page.name == "ARCHITECTURE.md" {
            absent.extend(super::absent::signs());
        }
        for path in page.code_spans().iter().filter(|span| is_path(span, &own)) {
            seen += 1;
            let is_known = OF_OTHER_PROJECTS.contains(&path.as_str()) || absent.contains(path);
            if !is_known && !is_there(path, &page, &names) {
                wrong.push(format!("{}: {path}", page.name));
            }
        }
    }
    assert!(seen > 60, "{seen} paths are named");
    assert!(wrong.is_empty(), "there is no such path: {wrong:#?}");
}

#[test]
fn the_table_of_rooms_is_the_source_folder() {
    let page = Page::at("ARCHITECTURE.md");
    let section = page.section("## Layout").unwrap();
    let table = section.split("| room |").nth(1).unwrap();
    let rooms: Vec<&str> = rows(table).iter().flat_map(|row| named(row[0])).collect();
    let told: BTreeSet<String> = rooms.iter().map(|&room| room.to_owned()).collect();
    assert_eq!(told.len(), rooms.len(), "a room stands in the table twice: {rooms:?}");
    assert_eq!(told, entries(CORE));
}

#[test]
fn the_layout_names_every_crate() {
    let page = Page::at("ARCHITECTURE.md");
    let section = page.section("## Layout").unwrap();
    let manifest = read("Cargo.toml");
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    for member in members.split('"').skip(1).step_by(2) {
        assert!(section.contains(&format!("`{member}/`")), "the layout does not name {member}");
    }
}

#[test]
fn the_page_on_embedding_names_every_feature() {
    let manifest = read("llm-gateway-core/Cargo.toml");
    let features = manifest.split("[features]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = features.lines().filter_map(|line| line.split_once(" = ["));
    let names: Vec<&str> = names.map(|(name, _)| name).filter(|name| *name != "default").collect();
    assert!(names.len() > 1, "{features}");
    let spans = Page::at("docs/embedding.md").code_spans();
    for name in names {
        assert!(spans.iter().any(|span| span == name), "docs/embedding.md does not name `{name}`");
    }
}
