//! Checks that links of documents lead somewhere.

use super::page::{Page, pages, root};

/// Returns what is wrong with a link; `None` if nothing is.
fn broken(page: &Page, target: &str) -> Option<String> {
    if target.contains("://") {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = match path {
        "" => root().join(&page.name),
        path => page.folder().join(path),
    };
    if !file.exists() {
        return Some("there is no such file".to_owned());
    }
    if anchor.is_empty() {
        return None;
    }
    let file = file.canonicalize().unwrap();
    let name = file.strip_prefix(root().canonicalize().unwrap()).unwrap();
    let anchors = Page::at(name.to_string_lossy()).anchors();
    (!anchors.contains(anchor)).then(|| format!("its headings are {anchors:?}"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for (line, target) in page.links() {
            links += 1;
            if let Some(why) = broken(&page, &target) {
                wrong.push(format!("{}:{line}: {target}: {why}", page.name));
            }
        }
    }
    assert!(links > 80, "{links} links were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_index_leads_to_every_page() {
    let indexes = [("docs", "docs/README.md"), ("docs/decisions", "docs/decisions/README.md")];
    for (folder, index) in indexes {
        let links: Vec<String> = Page::at(index).links().into_iter().map(|(_, to)| to).collect();
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") && name != "README.md" {
                assert!(links.contains(&name), "{index} does not lead to {name}");
            }
        }
    }
}
