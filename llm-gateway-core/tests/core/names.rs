//! Checks that one word means one thing: the name of a type that more than its own file's
//! neighbours can see is defined once in core, and so is the name of a constant.

use std::collections::BTreeMap;

use syn::Visibility;
use syn::parse::ParseStream;
use syn::visit::Visit;

use crate::source::{is_test, modules};

/// The types that a file defines, with whether the whole crate can see each.
#[derive(Default)]
struct Types(Vec<(String, bool)>);

impl Types {
    fn add(&mut self, name: &syn::Ident, visibility: &Visibility) {
        let is_wide = match visibility {
            Visibility::Public(_) => true,
            Visibility::Restricted(to) => to.path.is_ident("crate"),
            _ => false,
        };
        self.0.push((name.to_string(), is_wide));
    }
}

impl<'ast> Visit<'ast> for Types {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    /// Reads `name! { /// Documentation. \n TaskClass, ... }`: a macro that makes a public type.
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Ok(Some(name)) = item.mac.parse_body_with(made_type) {
            self.0.push((name.to_string(), true));
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident, &item.vis);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.ident, &item.vis);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.ident, &item.vis);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.ident, &item.vis);
    }
}

/// Returns the type that a macro makes: a name in capitals that is its first argument.
fn made_type(input: ParseStream<'_>) -> syn::Result<Option<syn::Ident>> {
    input.call(syn::Attribute::parse_outer)?;
    let name: Option<syn::Ident> = input.parse()?;
    let is_first = input.is_empty() || input.peek(syn::Token![,]);
    input.step(|cursor| {
        let mut rest = *cursor;
        while let Some((_, next)) = rest.token_tree() {
            rest = next;
        }
        Ok(((), rest))
    })?;
    Ok(name.filter(|name| is_first && name.to_string().starts_with(char::is_uppercase)))
}

/// Returns the names with a definition that the whole crate can see, and another definition beside
/// it.
fn ambiguous(files: &[(String, syn::File)]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<(&str, bool)>> = BTreeMap::new();
    for (path, file) in files {
        let mut types = Types::default();
        types.visit_file(file);
        for (name, is_wide) in types.0 {
            places.entry(name).or_default().push((path, is_wide));
        }
    }
    let is_ambiguous =
        |places: &[(&str, bool)]| places.len() > 1 && places.iter().any(|(_, is_wide)| *is_wide);
    let named = |(name, places): (String, Vec<(&str, bool)>)| {
        let places: Vec<&str> = places.into_iter().map(|(path, _)| path).collect();
        format!("{name}: {}", places.join(", "))
    };
    places.into_iter().filter(|(_, places)| is_ambiguous(places)).map(named).collect()
}

#[test]
fn a_type_that_the_crate_can_see_has_a_name_of_its_own() {
    let files: Vec<_> = modules().into_iter().map(|(path, file)| (path.join("/"), file)).collect();
    assert_eq!(ambiguous(&files), Vec::<String>::new());
}

#[test]
fn a_second_definition_is_seen_whoever_can_see_it() {
    let twice = |one: &str, other: &str| {
        let files = [one, other].map(|text| (text.to_owned(), syn::parse_file(text).unwrap()));
        ambiguous(&files).len()
    };
    assert_eq!(twice("pub struct Place;", "enum Place {}"), 1);
    assert_eq!(twice("pub(super) trait Place {}", "pub(crate) type Place = u8;"), 1);
    assert_eq!(twice("name! { /** A name. */ Place, \"place\", is_place }", "struct Place;"), 1);
    assert_eq!(twice("pub(super) struct Place;", "struct Place;"), 0);
    assert_eq!(twice("pub struct Place;", "#[cfg(test)] mod tests { struct Place; }"), 0);
}

/// Constants that several files define in one sense: the bound on nesting, the fields of a
/// server-sent event, the words of a failure, the places of token counts, and what replaces text
/// that cannot be read. Certificate and adapters share no code, so each has its own.
const IN_ONE_SENSE: &[&str] = &["DEEPEST", "FAILURES", "FIELDS", "PLACES", "UNREADABLE"];

/// Returns the constants of modules that several files define, with those files.
fn constants_defined_twice(files: &[(String, syn::File)]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (path, file) in files {
        for item in &file.items {
            let (name, attributes) = match item {
                syn::Item::Const(item) => (&item.ident, &item.attrs),
                syn::Item::Static(item) => (&item.ident, &item.attrs),
                _ => continue,
            };
            if name != "_" && !is_test(attributes) {
                places.entry(name.to_string()).or_default().push(path);
            }
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    let other = twice.filter(|(name, _)| !IN_ONE_SENSE.contains(&name.as_str()));
    other.map(|(name, places)| format!("{name}: {}", places.join(", "))).collect()
}

#[test]
fn a_constant_has_a_name_of_its_own() {
    let files: Vec<_> = modules().into_iter().map(|(path, file)| (path.join("/"), file)).collect();
    assert_eq!(constants_defined_twice(&files), Vec::<String>::new());
    let parse = |text: &str| (text.to_owned(), syn::parse_file(text).unwrap());
    let twice = ["const RUN: u8 = 8;", "pub(crate) static RUN: u8 = 25;"].map(parse);
    assert_eq!(constants_defined_twice(&twice).len(), 1);
    assert_eq!(constants_defined_twice(&twice[..1]).len(), 0);
}
