//! The source of core as syntax, for the tests that hold its shape.

use std::collections::BTreeMap;
use std::path::Path;

use syn::visit::Visit;

/// Returns the root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Reads a file of the repository.
pub(crate) fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns every file below `folder` whose name ends with `ending`, by its path from the root.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<String> {
    let mut open = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
            let name = path.strip_prefix(root()).unwrap();
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    files.sort();
    files
}

/// Returns every Rust file below `folder`, by its path from the root, with its text.
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
    let with_text = |name: String| {
        let text = read(&name);
        (name, text)
    };
    let sources: Vec<_> = files(folder, ".rs").into_iter().map(with_text).collect();
    assert!(!sources.is_empty(), "{folder} holds no source");
    sources
}

/// The path of a module from the crate's root: `["ledger", "sqlite"]`.
pub(crate) type ModulePath = Vec<String>;

/// Parses every file of `llm-gateway-core/src` except unit tests, by module.
pub(crate) fn modules() -> BTreeMap<ModulePath, syn::File> {
    const SRC: &str = "llm-gateway-core/src";
    let mut modules = BTreeMap::new();
    for (path, text) in sources(SRC) {
        let inside = Path::new(&path).strip_prefix(SRC).unwrap().with_extension("");
        let mut module: ModulePath =
            inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if module.iter().any(|part| ["tests", "fixtures", "kill"].contains(&part.as_str())) {
            continue;
        }
        module.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
        let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        modules.insert(module, file);
    }
    modules
}

/// Returns whether an item is compiled for unit tests only.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

/// Returns the text of a file without its modules of unit tests, wherever in the file they stand.
/// rustfmt puts the closing brace of such a module at the beginning of a line.
pub(crate) fn without_tests(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let module = lines.peek().filter(|next| line == "#[cfg(test)]\n" && begins_module(next));
        let Some(module) = module else {
            kept.push_str(line);
            continue;
        };
        let is_whole = module.trim_end().ends_with([';', '}']);
        lines.next();
        if !is_whole {
            lines.by_ref().find(|line| line.starts_with('}'));
        }
    }
    kept
}

fn begins_module(line: &str) -> bool {
    line.starts_with("mod ") || (line.starts_with("pub") && line.contains(" mod "))
}

/// A type and one of its methods, by their names.
pub(crate) type Method = (String, String);

/// The paths that a module names: those of its imports, with the name that each brings into
/// scope, and those written out in its code. What stands inside a macro's parentheses is not
/// read.
#[derive(Default)]
pub(crate) struct Paths {
    pub(crate) imports: Vec<(String, Vec<String>)>,
    pub(crate) written: Vec<Vec<String>>,
    /// The methods that the module defines: those of its types, and those that its traits declare.
    pub(crate) methods: Vec<Method>,
    /// The methods that the module calls on `self`.
    pub(crate) called: Vec<Method>,
    /// The names of the methods that the module calls on anything else.
    pub(crate) called_on_others: Vec<String>,
    /// The type whose implementation is read.
    current: Option<String>,
}

impl Paths {
    pub(crate) fn of(file: &syn::File) -> Self {
        let mut paths = Self::default();
        paths.visit_file(file);
        paths
    }

    fn import(&mut self, tree: &syn::UseTree, before: &[String]) {
        let joined = |ident: &syn::Ident| [before, &[ident.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.import(&path.tree, &joined(&path.ident)),
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, before));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                let last = before.last().cloned().unwrap_or_default();
                self.imports.push((last, before.to_vec()));
            }
            syn::UseTree::Name(name) => {
                self.imports.push((name.ident.to_string(), joined(&name.ident)));
            }
            syn::UseTree::Rename(rename) => {
                self.imports.push((rename.rename.to_string(), joined(&rename.ident)));
            }
            syn::UseTree::Glob(_) => self.imports.push(("*".to_owned(), before.to_vec())),
        }
    }
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_test(&item.attrs) {
            self.import(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string());
        self.written.push(segments.collect());
        syn::visit::visit_path(self, path);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if is_test(&item.attrs) {
            return;
        }
        if let syn::Type::Path(path) = &*item.self_ty {
            self.current = path.path.segments.last().map(|segment| segment.ident.to_string());
        }
        if let (Some(name), None) = (&self.current, &item.trait_) {
            let functions = item.items.iter().filter_map(|inner| match inner {
                syn::ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
                _ => None,
            });
            self.methods.extend(functions.map(|function| (name.clone(), function)));
        }
        syn::visit::visit_item_impl(self, item);
        self.current = None;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let declared = item.items.iter().filter_map(|inner| match inner {
            syn::TraitItem::Fn(function) => Some(function.sig.ident.to_string()),
            _ => None,
        });
        self.methods.extend(declared.map(|function| (item.ident.to_string(), function)));
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let method = call.method.to_string();
        let is_self = matches!(&*call.receiver, syn::Expr::Path(it) if it.path.is_ident("self"));
        match &self.current {
            Some(name) if is_self => self.called.push((name.clone(), method)),
            _ => self.called_on_others.push(method),
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}
