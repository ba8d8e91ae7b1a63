//! The public face of the library: what its first page shows, and which crates its signatures
//! name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;
use syn::{Attribute, ImplItem, Item, TraitItem, UseTree, Visibility};

use crate::source::{ModulePath, Paths, is_test, modules};

/// The crates that a program names where it implements a trait of this one.
const RE_EXPORTED: [&str; 3] = ["async_trait", "bytes", "http"];

/// The most names that the first page may show. A name that an embedding program meets later
/// belongs in a module.
const MOST_NAMES: usize = 22;

/// The names that the first page repeats from a module: what every call returns, and the script
/// for tests.
const REPEATED: &[&str] = &[
    "Answer",
    "CascadeAnswer",
    "Failure",
    "OrchestrationOutcome",
    "PanelAnswer",
    "Reply",
    "Scripted",
];

/// The third-party types that a public signature may name, by the beginning of their paths.
/// `Serialize` is a bound only, and of the family of `serde_json`.
const ALLOWED: &[&str] = &["http::", "serde_json::", "tokio::time::Instant", "serde::Serialize"];

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("doc") && list.tokens.to_string().contains("hidden")
    })
}

fn is_documented(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) => pair.path.is_ident("doc"),
        _ => false,
    })
}

/// Adds the names that a tree brings into scope.
fn leaves(tree: &UseTree, names: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Name(name) => names.push(name.ident.to_string()),
        UseTree::Rename(name) => names.push(name.rename.to_string()),
        UseTree::Glob(_) => names.push("*".to_owned()),
    }
}

/// Returns the names that the root exports, without its modules.
fn root_names(root: &syn::File) -> Vec<String> {
    let mut names = Vec::new();
    for item in &root.items {
        if let Item::Use(item) = item
            && is_public(&item.vis)
        {
            leaves(&item.tree, &mut names);
        }
    }
    names
}

/// Returns the pages of the library, with the names that each shows: those that it defines, and
/// those that it exports. A hidden module has no page.
fn pages(modules: &BTreeMap<ModulePath, syn::File>) -> BTreeMap<ModulePath, Vec<String>> {
    let mut pages = BTreeMap::new();
    let mut open = vec![ModulePath::new()];
    while let Some(page) = open.pop() {
        let file = &modules[&page];
        let mut names = root_names(file);
        names.extend(public_types(file).into_iter().map(|(name, _)| name));
        for item in &file.items {
            match item {
                Item::Fn(it) if is_public(&it.vis) => names.push(it.sig.ident.to_string()),
                Item::Const(it) if is_public(&it.vis) => names.push(it.ident.to_string()),
                Item::Mod(it) if is_public(&it.vis) && !is_hidden(&it.attrs) => {
                    open.push([page.as_slice(), &[it.ident.to_string()]].concat());
                }
                _ => {}
            }
        }
        pages.insert(page, names);
    }
    // The root exports this module of `model`, whose own page hides it.
    let prompt: ModulePath = ["model", "prompt"].map(str::to_owned).into();
    let names = root_names(&modules[&prompt]).into_iter();
    let types = public_types(&modules[&prompt]).into_iter().map(|(name, _)| name);
    pages.insert(prompt, names.chain(types).collect());
    pages
}

#[test]
fn a_name_has_one_public_path() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (page, names) in pages(&modules()) {
        for name in names {
            places.entry(name).or_default().push(page.join("::"));
        }
    }
    assert!(places.len() > 150, "{} names", places.len());
    places.retain(|_, pages| pages.len() > 1);
    let repeated: Vec<&str> = places.keys().map(String::as_str).collect();
    assert_eq!(repeated, REPEATED, "{places:?}");
    let with_root = |pages: &Vec<String>| pages.len() == 2 && pages[0].is_empty();
    assert!(places.values().all(with_root), "{places:?}");
}

/// Returns every public type of a file, with whether it has documentation.
fn public_types(file: &syn::File) -> Vec<(String, bool)> {
    let found = file.items.iter().filter_map(|item| {
        let (name, visibility, attributes) = match item {
            Item::Struct(it) => (&it.ident, &it.vis, &it.attrs),
            Item::Enum(it) => (&it.ident, &it.vis, &it.attrs),
            Item::Trait(it) => (&it.ident, &it.vis, &it.attrs),
            Item::Type(it) => (&it.ident, &it.vis, &it.attrs),
            _ => return None,
        };
        is_public(visibility).then(|| (name.to_string(), is_documented(attributes)))
    });
    found.collect()
}

#[test]
fn the_first_page_shows_the_names_that_matter() {
    let modules = modules();
    let mut names = root_names(&modules[&Vec::<String>::new()]);
    names.retain(|name| !RE_EXPORTED.contains(&name.as_str()));
    assert!(names.len() <= MOST_NAMES, "{} names: {names:?}", names.len());
    for needed in ["Gateway", "Request", "Answer", "Failure", "Category", "Envelope", "Scripted"] {
        assert!(names.iter().any(|name| name == needed), "the first page lacks {needed}");
    }
    let types: BTreeMap<String, bool> = modules.values().flat_map(public_types).collect();
    for name in names.iter().filter(|name| name.starts_with(char::is_uppercase)) {
        assert_eq!(types.get(name), Some(&true), "{name} has no documentation");
    }
}

#[test]
fn every_public_module_has_a_page_that_stands_alone() {
    let modules = modules();
    let root = &modules[&Vec::<String>::new()];
    let mut public = 0;
    for item in &root.items {
        let Item::Mod(item) = item else { continue };
        if !is_public(&item.vis) || is_hidden(&item.attrs) {
            continue;
        }
        public += 1;
        let page = &modules[&vec![item.ident.to_string()]];
        let lines = page.attrs.iter().filter(|it| is_documented(std::slice::from_ref(*it))).count();
        assert!(lines >= 3, "the page of `{}` has {lines} lines", item.ident);
    }
    assert!(public >= 10, "{public} modules");
}

#[test]
fn every_public_module_has_a_worked_example() {
    let modules = modules();
    let pages = pages(&modules).into_keys().filter(|page| !page.is_empty());
    for page in pages {
        let mut found = Examples::default();
        modules.iter().filter(|(module, _)| module.starts_with(&page)).for_each(|(_, file)| {
            found.visit_file(file);
        });
        assert!(found.count > 0, "`{}` has no worked example", page.join("::"));
    }
}

/// The number of examples in the documentation that run. An example that must not compile shows no
/// use.
#[derive(Default)]
struct Examples {
    is_inside: bool,
    count: usize,
}

impl<'ast> Visit<'ast> for Examples {
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else {
            return;
        };
        if pair.path.is_ident("doc") && text.value().trim().starts_with("```") {
            self.count += usize::from(!self.is_inside && text.value().trim() == "```");
            self.is_inside = !self.is_inside;
        }
    }
}

/// The paths in the public signatures of a file.
#[derive(Default)]
struct Signatures {
    /// The paths, each with the item whose signature contains it.
    paths: Vec<(String, Vec<String>)>,
    item: String,
}

impl Signatures {
    fn of(file: &syn::File) -> Self {
        let mut signatures = Self::default();
        file.items.iter().for_each(|item| signatures.take(item));
        signatures
    }

    fn take(&mut self, item: &Item) {
        match item {
            Item::Fn(it) if is_public(&it.vis) => {
                self.item = it.sig.ident.to_string();
                self.visit_signature(&it.sig);
            }
            Item::Const(it) if is_public(&it.vis) => {
                self.item = it.ident.to_string();
                self.visit_type(&it.ty);
            }
            Item::Type(it) if is_public(&it.vis) => {
                self.item = it.ident.to_string();
                self.visit_type(&it.ty);
            }
            Item::Struct(it) if is_public(&it.vis) => {
                self.item = it.ident.to_string();
                self.visit_generics(&it.generics);
                let fields = it.fields.iter().filter(|field| is_public(&field.vis));
                fields.for_each(|field| self.visit_type(&field.ty));
            }
            Item::Enum(it) if is_public(&it.vis) => {
                self.item = it.ident.to_string();
                let fields = it.variants.iter().flat_map(|variant| &variant.fields);
                fields.for_each(|field| self.visit_type(&field.ty));
            }
            Item::Trait(it) if is_public(&it.vis) => {
                for inner in &it.items {
                    if let TraitItem::Fn(inner) = inner {
                        self.item = format!("{}::{}", it.ident, inner.sig.ident);
                        self.visit_signature(&inner.sig);
                    }
                }
            }
            Item::Impl(it) if it.trait_.is_none() && !is_test(&it.attrs) => {
                for inner in &it.items {
                    if let ImplItem::Fn(inner) = inner
                        && is_public(&inner.vis)
                    {
                        self.item = inner.sig.ident.to_string();
                        self.visit_signature(&inner.sig);
                    }
                }
            }
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Signatures {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string());
        self.paths.push((self.item.clone(), segments.collect()));
        syn::visit::visit_path(self, path);
    }
}

/// Returns the crates that core depends on, as code names them.
fn dependencies() -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).unwrap();
    let section = manifest.split("[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let name =
        |line: &str| line.split(['.', ' ', '=']).next().unwrap_or_default().replace('-', "_");
    section.lines().map(name).filter(|name| !name.is_empty()).collect()
}

/// Returns the third-party names in the public signatures of a file that are not allowed.
fn leaks(file: &syn::File, dependencies: &BTreeSet<String>) -> Vec<String> {
    let imports: BTreeMap<String, Vec<String>> = Paths::of(file).imports.into_iter().collect();
    let signatures = Signatures::of(file).paths.into_iter();
    let leaks = signatures.filter_map(|(item, path)| {
        let (first, rest) = path.split_first()?;
        let whole = match imports.get(first) {
            Some(imported) => [imported, rest].concat(),
            None => path,
        };
        let text = whole.join("::");
        let is_allowed = ALLOWED.iter().any(|it| text.starts_with(it));
        (dependencies.contains(&whole[0]) && !is_allowed).then(|| format!("{item} names {text}"))
    });
    leaks.collect()
}

#[test]
fn public_signatures_name_no_crate_but_those_that_are_allowed() {
    let dependencies = dependencies();
    assert!(dependencies.contains("bytes") && dependencies.contains("futures_util"));
    let mut found = Vec::new();
    for (module, file) in modules() {
        let leaks = leaks(&file, &dependencies).into_iter();
        found.extend(leaks.map(|leak| format!("{}: {leak}", module.join("::"))));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_check_sees_a_leak() {
    let source = "
        use bytes::Bytes;
        use http::{HeaderMap, StatusCode};
        use tokio::time::Instant;
        use tokio::sync::watch;
        pub struct Shown { pub body: Bytes, pub headers: HeaderMap, inner: Bytes }
        pub struct Kept(Bytes);
        pub fn told(at: Instant) -> futures_util::stream::Empty<StatusCode> { todo!() }
        pub(crate) fn inside(bytes: Bytes) {}
        impl Shown { pub fn next(&self) -> watch::Receiver<bool> { todo!() } }
        pub enum Ending { Broken(bytes::BytesMut) }
    ";
    let found = leaks(&syn::parse_str(source).unwrap(), &dependencies());
    assert_eq!(
        found,
        [
            "Shown names bytes::Bytes",
            "told names futures_util::stream::Empty",
            "next names tokio::sync::watch::Receiver",
            "Ending names bytes::BytesMut",
        ]
    );
    let root = "pub use gateway::{Gateway, GatewayBuilder}; pub use stop::Stop as Halt; use a::B;";
    let root = syn::parse_str(root).unwrap();
    assert_eq!(root_names(&root), ["Gateway", "GatewayBuilder", "Halt"]);
}
