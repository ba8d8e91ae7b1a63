//! Checks that no two siblings of core need each other: of the files and folders in one folder, the
//! needs lead one way only, so that a reader can begin with the one that needs nothing.
//!
//! A need is an import, a path, or a call of a method or function that another file than its type's
//! defines. A call on anything but `self` counts where its module also names the type, and no other
//! type has such a method: what type a value has, only the compiler knows. A method that stands
//! beside its type adds no need, because the type is named or returned by another module. An
//! implementation of a trait needs no rule of its own: it names trait and type.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports::{Crate, crate_of};
use crate::source::ModulePath;

/// The needs among siblings: which needs which, with the modules between which the need arises.
type Needs = BTreeMap<(String, String), BTreeSet<String>>;

impl Crate {
    /// Returns the needs among the children of each folder.
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

    /// Returns the needs that lie on a circle.
    fn circles(&self) -> Vec<String> {
        let on_a_circle = |needs: &Needs| {
            let back = |(from, to): &(String, String)| reaches(needs, to, from);
            let edges = needs.iter().filter(|(edge, _)| back(edge));
            edges.flat_map(|(_, between)| between.iter().cloned()).collect::<Vec<_>>()
        };
        self.needs().values().flat_map(on_a_circle).collect()
    }
}

/// Returns whether `from` needs `to`, directly or by way of others.
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
fn a_circle_by_way_of_a_method_is_seen() {
    let files = [
        ("", "mod room;"),
        ("room", "mod run; mod panel; pub(crate) use run::Run;"),
        ("room/run", "pub struct Run; impl Run { fn reply(&self) { self.panel() } }"),
        (
            "room/panel",
            "use super::Run; impl Run { fn panel(&self) { self.ask() } fn ask(&self) {} }",
        ),
    ];
    assert_eq!(crate_of(&files).circles().len(), 2);
}

#[test]
fn a_circle_by_way_of_a_value_or_a_path_is_seen() {
    let panel = "use super::Run; impl Run { fn panel(&self) { super::reply::f() } }";
    for (call, circles) in [
        ("use super::Run; fn f(run: &Run) { run.panel() }", 2),
        ("use super::Run; fn f(run: &Run) { Run::panel(run) }", 2),
        ("fn f() { super::Run::panel() }", 2),
        ("fn f(text: &str) { text.panel() }", 0),
        ("use super::Run; fn f(run: &Run) { run.start() }", 0),
    ] {
        let files = [
            ("", "mod room;"),
            ("room", "mod run; mod panel; mod reply; pub(crate) use run::Run;"),
            ("room/run", "pub struct Run; impl Run { fn start(&self) {} }"),
            ("room/panel", panel),
            ("room/reply", call),
        ];
        assert_eq!(crate_of(&files).circles().len(), circles, "{call}");
    }
}

#[test]
fn a_circle_by_way_of_a_trait_is_seen() {
    let files = [
        ("", "mod room;"),
        ("room", "mod port; mod adapter; pub(crate) use port::Port; pub(crate) use adapter::Own;"),
        ("room/port", "pub trait Port {} fn own() -> super::Own {}"),
        ("room/adapter", "pub struct Own; impl super::Port for Own {}"),
    ];
    assert_eq!(crate_of(&files).circles().len(), 2);
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
