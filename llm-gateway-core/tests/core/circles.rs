//! No two siblings of core need each other: of the files and folders in one folder, the
//! imports lead one way only. A reader can begin with the one that needs nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{ModulePath, Paths, modules};

/// Modules and the names that each brings into its scope.
struct Crate {
    modules: BTreeSet<ModulePath>,
    imports: BTreeMap<ModulePath, BTreeMap<String, Vec<String>>>,
    written: BTreeMap<ModulePath, Vec<Vec<String>>>,
}

/// Which sibling needs which, with the modules between which the need arises.
type Needs = BTreeMap<(String, String), BTreeSet<String>>;

impl Crate {
    fn of_core() -> Self {
        Self::new(modules().into_iter().map(|(module, file)| (module, Paths::of(&file))))
    }

    fn new(files: impl Iterator<Item = (ModulePath, Paths)>) -> Self {
        let files: Vec<_> = files.collect();
        let modules: BTreeSet<ModulePath> = files.iter().map(|(path, _)| path.clone()).collect();
        let mut core = Self { modules, imports: BTreeMap::new(), written: BTreeMap::new() };
        for (module, paths) in files {
            let absolute = |(name, path): &(String, Vec<String>)| {
                Some((name.clone(), core.absolute(&module, path)?))
            };
            let imports = paths.imports.iter().filter_map(absolute).collect();
            core.written.insert(module.clone(), paths.written);
            core.imports.insert(module, imports);
        }
        core
    }

    /// A path as seen from the crate's root; `None` for one that leaves the crate.
    fn absolute(&self, module: &ModulePath, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let begin = |base: &[String]| [base, rest].concat();
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some(begin(module)),
            "super" => {
                let supers = path.iter().take_while(|part| *part == "super").count();
                let base = &module[..module.len().checked_sub(supers)?];
                Some([base, &path[supers..]].concat())
            }
            _ => {
                let child = [module.as_slice(), std::slice::from_ref(first)].concat();
                self.modules.contains(&child).then(|| begin(&child))
            }
        }
    }

    /// The module that defines what a path names, through the re-exports on its way.
    fn home(&self, path: &[String], hops: usize) -> ModulePath {
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains(&path[..*depth]));
        let (module, rest) = path.split_at(depth.unwrap_or(0));
        let exported = rest.first().and_then(|name| self.imports.get(module)?.get(name));
        match exported {
            Some(exported) if hops < 8 && exported != path => {
                self.home(&[exported.as_slice(), &rest[1..]].concat(), hops + 1)
            }
            _ => module.to_vec(),
        }
    }

    /// Every module that `module` needs something of.
    fn needed_by(&self, module: &ModulePath) -> BTreeSet<ModulePath> {
        let imports = &self.imports[module];
        let written = self.written[module].iter().filter_map(|path| {
            let (first, rest) = path.split_first()?;
            match imports.get(first) {
                // `module::item` after `use super::module`.
                Some(imported) => Some([imported.as_slice(), rest].concat()),
                None => self.absolute(module, path),
            }
        });
        imports.values().cloned().chain(written).map(|path| self.home(&path, 0)).collect()
    }

    /// Who needs whom among the children of each folder.
    fn needs(&self) -> BTreeMap<ModulePath, Needs> {
        let mut folders: BTreeMap<ModulePath, Needs> = BTreeMap::new();
        for module in &self.modules {
            for other in self.needed_by(module) {
                let shared = module.iter().zip(&other).take_while(|(a, b)| a == b).count();
                // A parent and its child are no siblings.
                let (Some(from), Some(to)) = (module.get(shared), other.get(shared)) else {
                    continue;
                };
                let edge = (from.clone(), to.clone());
                let between = format!("{} -> {}", module.join("/"), other.join("/"));
                let needs = folders.entry(module[..shared].to_vec()).or_default();
                needs.entry(edge).or_default().insert(between);
            }
        }
        folders
    }

    /// The needs that lie on a circle.
    fn circles(&self) -> Vec<String> {
        let on_a_circle = |needs: &Needs| {
            let back = |(from, to): &(String, String)| reaches(needs, to, from);
            let edges = needs.iter().filter(|(edge, _)| back(edge));
            edges.flat_map(|(_, between)| between.iter().cloned()).collect::<Vec<_>>()
        };
        self.needs().values().flat_map(on_a_circle).collect()
    }
}

/// Whether `from` needs `to`, directly or by way of others.
fn reaches(needs: &Needs, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for (_, next) in needs.keys().filter(|(from, _)| from == at) {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    from != to && seen.contains(to)
}

#[test]
fn no_two_siblings_need_each_other() {
    let core = Crate::of_core();
    assert!(core.modules.len() > 150, "{} modules were read", core.modules.len());
    assert_eq!(core.circles(), Vec::<String>::new());
}

/// A crate of these modules, each with its source.
fn crate_of(files: &[(&str, &str)]) -> Crate {
    let parse = |(path, text): &(&str, &str)| {
        let module = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        (module, Paths::of(&syn::parse_file(text).unwrap()))
    };
    Crate::new(files.iter().map(parse))
}

#[test]
fn a_circle_is_seen_however_it_is_written() {
    let sees = |one: &str, other: &str| {
        let parent = "mod one; mod other; pub use other::Other;";
        let files = [("", "mod room;"), ("room", parent), ("room/one", one), ("room/other", other)];
        crate_of(&files).circles().len()
    };
    let back = "pub struct Other; use super::one::One;";
    for there in [
        "use super::other::Other;",
        "use crate::room::{other::Other};",
        "use super::Other;",
        "use crate::room::Other as Renamed;",
        "use super::other; fn f(_: other::Other) {}",
        "fn f(_: super::other::Other) {}",
    ] {
        assert_eq!(sees(there, back), 2, "{there}");
        assert_eq!(sees(there, "pub struct Other;"), 0, "{there}");
    }
    let in_tests = "#[cfg(test)] mod tests { use super::super::other::Other; }";
    assert_eq!(sees(in_tests, back), 0, "unit tests may reach where they like");
    assert_eq!(sees("use other::Other;", back), 0, "a crate of that name");
}

#[test]
fn a_circle_of_three_is_seen() {
    let files = [
        ("", "mod a; mod b; mod c;"),
        ("a", "use crate::b::B;"),
        ("b", "use crate::c::C;"),
        ("c", "use crate::a::A;"),
    ];
    assert_eq!(crate_of(&files).circles().len(), 3);
}
