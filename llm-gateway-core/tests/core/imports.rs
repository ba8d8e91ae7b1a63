//! Which module of core needs which: what a path names is followed to the module that defines it,
//! through groups, `super::super`, renames, re-exports and the methods of a type.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Method, ModulePath, Paths, modules};

/// Modules and the names that each brings into its scope.
pub(crate) struct Crate {
    pub(crate) modules: BTreeSet<ModulePath>,
    imports: BTreeMap<ModulePath, BTreeMap<String, Vec<String>>>,
    written: BTreeMap<ModulePath, Vec<Vec<String>>>,
    called: BTreeMap<ModulePath, Vec<Method>>,
    called_on_others: BTreeMap<ModulePath, Vec<String>>,
    /// The module that defines each method of a type, with the type's home.
    methods: BTreeMap<(ModulePath, Method), ModulePath>,
}

impl Crate {
    pub(crate) fn of_core() -> Self {
        Self::new(modules().into_iter().map(|(module, file)| (module, Paths::of(&file))))
    }

    fn new(files: impl Iterator<Item = (ModulePath, Paths)>) -> Self {
        let files: Vec<_> = files.collect();
        let modules: BTreeSet<ModulePath> = files.iter().map(|(path, _)| path.clone()).collect();
        let mut core = Self {
            modules,
            imports: BTreeMap::new(),
            written: BTreeMap::new(),
            called: BTreeMap::new(),
            called_on_others: BTreeMap::new(),
            methods: BTreeMap::new(),
        };
        let mut defined = Vec::new();
        for (module, paths) in files {
            let absolute = |(name, path): &(String, Vec<String>)| {
                Some((name.clone(), core.absolute(&module, path)?))
            };
            let imports = paths.imports.iter().filter_map(absolute).collect();
            core.written.insert(module.clone(), paths.written);
            core.called.insert(module.clone(), paths.called);
            core.called_on_others.insert(module.clone(), paths.called_on_others);
            core.imports.insert(module.clone(), imports);
            defined.extend(paths.methods.into_iter().map(|method| (module.clone(), method)));
        }
        for (module, method) in defined {
            let home = core.home_of_type(&module, &method.0);
            core.methods.insert((home, method), module);
        }
        core
    }

    /// Returns a path as seen from the crate's root; `None` for a path that leaves the crate.
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

    /// Returns the module that defines what a path names, through the re-exports on its way.
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

    /// Returns the module that defines a type for which `module` writes an implementation.
    fn home_of_type(&self, module: &ModulePath, name: &str) -> ModulePath {
        let imported = self.imports[module].get(name);
        imported.map_or_else(|| module.clone(), |path| self.home(path, 0))
    }

    /// Returns every module that a path in `module` names or leads to. What `face` exports counts
    /// as its own.
    pub(crate) fn named_by(&self, module: &ModulePath, face: &str) -> BTreeSet<ModulePath> {
        let mut named = self.methods_of(module);
        for path in self.paths_of(module) {
            let depth = (0..=path.len()).rev().find(|depth| self.modules.contains(&path[..*depth]));
            let written = path[..depth.unwrap_or(0)].to_vec();
            if written != [face] {
                named.insert(self.home(&path, 0));
            }
            named.insert(written);
        }
        named
    }

    /// Returns every module of which `module` needs something.
    pub(crate) fn needed_by(&self, module: &ModulePath) -> BTreeSet<ModulePath> {
        let mut needed = self.methods_of(module);
        for path in self.paths_of(module) {
            let home = self.home(&path, 0);
            // `Type::function`, which may be defined in another file than its type.
            if let [.., name, function] = path.as_slice() {
                let method = (name.clone(), function.clone());
                needed.extend(self.methods.get(&(home.clone(), method)).cloned());
            }
            needed.insert(home);
        }
        let called = self.called_on_others[module].iter();
        let apart: Vec<_> = called.filter_map(|name| self.apart_from_its_type(name)).collect();
        let is_known = |home: &ModulePath| home == module || needed.contains(home);
        let apart = apart.into_iter().filter(|(home, _)| is_known(home));
        needed.extend(apart.map(|(_, definition)| definition).collect::<Vec<_>>());
        needed
    }

    /// Returns the home of a type and the module that defines its method of this name, if the two
    /// differ and no other type of the crate has such a method.
    fn apart_from_its_type(&self, name: &str) -> Option<(ModulePath, ModulePath)> {
        let mut of_name = self.methods.iter().filter(|((_, (_, method)), _)| method == name);
        let ((home, _), definition) = of_name.next()?;
        let is_apart = of_name.next().is_none() && home != definition;
        is_apart.then(|| (home.clone(), definition.clone()))
    }

    /// Returns every module that defines a method that `module` calls on `self`.
    fn methods_of(&self, module: &ModulePath) -> BTreeSet<ModulePath> {
        let called = self.called[module].iter().filter_map(|method| {
            let home = self.home_of_type(module, &method.0);
            self.methods.get(&(home, method.clone())).cloned()
        });
        called.collect()
    }

    /// Returns every path into the crate that `module` names, as seen from the root.
    fn paths_of(&self, module: &ModulePath) -> Vec<Vec<String>> {
        let imports = &self.imports[module];
        let written = self.written[module].iter().filter_map(|path| {
            let (first, rest) = path.split_first()?;
            match imports.get(first) {
                // `module::item` after `use super::module`.
                Some(imported) => Some([imported.as_slice(), rest].concat()),
                None => self.absolute(module, path),
            }
        });
        imports.values().cloned().chain(written).collect()
    }
}

/// Returns a crate of these modules, each with its source.
pub(crate) fn crate_of(files: &[(&str, &str)]) -> Crate {
    let parse = |(path, text): &(&str, &str)| {
        let module = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        (module, Paths::of(&syn::parse_file(text).unwrap()))
    };
    Crate::new(files.iter().map(parse))
}
