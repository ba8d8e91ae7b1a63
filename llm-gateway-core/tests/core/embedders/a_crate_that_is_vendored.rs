//! What a crate includes lies within it: `cargo vendor`, `cargo package` and most build systems
//! take the folder alone.

use std::path::Path;

use crate::source::{files, read, root, sources};

const CRATE: &str = "llm-gateway-core";

/// Returns the string literal that follows a place in a text, if it stands there alone.
fn literal(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix('"')?.split('"').next()
}

#[test]
fn nothing_is_included_from_outside() {
    let home = root().join(CRATE).canonicalize().unwrap();
    let mut included = 0;
    for (path, text) in sources("llm-gateway-core/src") {
        let folder = root().join(&path).parent().unwrap().to_owned();
        for word in ["include_str!(", "include_bytes!(", "include!(", "#[path ="] {
            for (at, _) in text.match_indices(word) {
                let rest = &text[at + word.len()..];
                let name = literal(rest).unwrap_or_else(|| panic!("{path}: {word} of no literal"));
                let file = folder.join(name).canonicalize();
                assert!(file.is_ok_and(|it| it.starts_with(&home)), "{path} includes {name}");
                included += 1;
            }
        }
    }
    assert!(included > 5, "found {included} includes");
}

#[test]
fn no_file_of_the_crate_leads_outside() {
    let home = root().join(CRATE).canonicalize().unwrap();
    for file in files("llm-gateway-core", "") {
        let path = root().join(&file).canonicalize();
        assert!(path.is_ok_and(|it| it.starts_with(&home)), "{file} leads outside");
    }
}

/// The manifest names nothing beside the folder but what only tests need.
#[test]
fn the_manifest_needs_no_neighbour() {
    let manifest = read("llm-gateway-core/Cargo.toml");
    let (needed, _) = manifest.split_once("[dev-dependencies]").unwrap();
    for word in ["path", "build =", "readme", "license-file", "include =", "exclude ="] {
        let line = needed.lines().find(|line| line.contains(word) && !line.starts_with('#'));
        assert_eq!(line, None);
    }
    assert!(!Path::new(&root().join(CRATE).join("build.rs")).exists());
}
