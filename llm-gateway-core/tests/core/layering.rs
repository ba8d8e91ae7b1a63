//! The invariants of ARCHITECTURE.md, checked by reading the code.
//!
//! An import is followed to the room that defines what it names, so that a re-export hides none.
//! The words that no file of a room may use are looked for in the text.

use std::collections::BTreeSet;

use crate::imports::{Crate, crate_of};
use crate::rooms::MAY_NAME;
use crate::source::{read, sources, without_tests};

/// The room that exports the results of other rooms. What it exports counts as its own.
const FACE: &str = "outcome";

/// Crates that only one place of the workspace may name, and that place.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("reqwest", &["llm-gateway-core/src/transport/reqwest"]),
    ("rustls", &["llm-gateway-core/src/transport/reqwest"]),
    ("rusqlite", &["llm-gateway-core/src/ledger/sqlite"]),
    ("governor", &["llm-gateway-core/src/reliability/limiter"]),
    ("serde_yaml", &["llm-gateway-core/src/config/"]),
    ("rmcp", &["llm-gateway-stdio/", "llm-gateway-cli/src/tour"]),
];

/// The sources of the front ends, and of what they share.
const FRONTS: &[&str] =
    &["llm-gateway-process/src", "llm-gateway-stdio/src", "llm-gateway-cli/src"];

/// Returns the code of a file: without comments, whose links may lead anywhere, and without its
/// unit tests, which may import anything.
fn code(text: &str) -> String {
    let text = without_tests(text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Returns the room that a file of core belongs to.
fn room(path: &str) -> String {
    let inside = path.trim_start_matches("llm-gateway-core/src/").trim_end_matches(".rs");
    let parts: Vec<&str> = inside.split('/').collect();
    match parts.as_slice() {
        ["provider", "fixtures"] | [.., "kill"] => "tests".to_owned(),
        parts if parts.contains(&"tests") => "tests".to_owned(),
        ["transport", adapter @ ("reqwest" | "scripted"), ..] => format!("transport/{adapter}"),
        ["ledger", adapter @ ("memory" | "sqlite"), ..] => format!("ledger/{adapter}"),
        ["credential", "environment"] => "credential/environment".to_owned(),
        ["provider", "mod"] => "provider".to_owned(),
        ["provider", ..] => "provider/adapters".to_owned(),
        [room, ..] => (*room).to_owned(),
        [] => String::new(),
    }
}

/// Returns the rooms that a text names as `crate::room`, also inside a macro's parentheses.
fn named(text: &str) -> BTreeSet<String> {
    let word = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    text.split("crate::").skip(1).map(word).filter(|room| !room.is_empty()).collect()
}

/// Returns every file of core that names a room that its own room may not name.
fn breaches(core: &Crate, files: &[(String, String)]) -> Vec<String> {
    let mut breaches = BTreeSet::new();
    for (path, text) in files {
        let room = room(path);
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == room) else {
            breaches.insert(format!("{path}: the room `{room}` has no rule"));
            continue;
        };
        if room == "tests" || room == "lib" {
            continue;
        }
        let imported = core.named_by(&module(path), FACE);
        let imported = imported.iter().filter_map(|module| module.first().cloned());
        let own = room.split('/').next().unwrap();
        for named in imported.chain(named(&code(text))) {
            if named != own && !allowed.contains(&named.as_str()) {
                breaches.insert(format!("{path}: `{room}` names `{named}`"));
            }
        }
    }
    breaches.into_iter().collect()
}

/// Returns the path of a file's module.
fn module(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("llm-gateway-core/src/").trim_end_matches(".rs");
    let parts = inside.split('/').filter(|part| !["mod", "lib"].contains(part));
    parts.map(str::to_owned).collect()
}

#[test]
fn every_room_names_only_what_it_may() {
    let breaches = breaches(&Crate::of_core(), &sources("llm-gateway-core/src"));
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn no_call_goes_around_dispatch() {
    for (path, text) in sources("llm-gateway-core/src") {
        let may_send = ["dispatch", "provider", "provider/adapters", "transport", "tests"];
        let inner = ["transport/reqwest", "transport/scripted", "lib"];
        if may_send.contains(&room(&path).as_str()) || inner.contains(&room(&path).as_str()) {
            continue;
        }
        for word in ["Prepared", "Recorder", ".send(request"] {
            assert!(!has_word(&code(&text), word), "{path} has {word}");
        }
    }
}

/// Returns whether a text has a word, and not only as the beginning of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| ends(&text[at + word.len()..]))
}

#[test]
fn dialects_do_not_know_each_other() {
    let dialects = [("openai", "OpenAi"), ("anthropic", "Anthropic"), ("gemini", "Gemini")];
    let rooms = ["llm-gateway-core/src/provider", "llm-gateway-core/src/transport/scripted"];
    let mut checked = 0;
    for (path, text) in rooms.into_iter().flat_map(sources) {
        let belongs = |(name, _): &&(&str, &str)| {
            path.ends_with(&format!("/{name}.rs")) || path.contains(&format!("/{name}/"))
        };
        let Some(own) = dialects.iter().find(belongs) else { continue };
        checked += 1;
        for (other, adapter) in dialects.iter().filter(|dialect| *dialect != own) {
            for parent in ["super", "provider", "dialect", "scripted"] {
                let module = format!("{parent}::{other}");
                assert!(!code(&text).contains(&module), "{path} names {module}");
            }
            assert!(!code(&text).contains(adapter), "{path} names {adapter}");
        }
    }
    // A module, its answer and its stream in `provider`, one file in the scripted transport.
    assert_eq!(checked, dialects.len() * 4);
}

/// Checks that the certificate shares no code with the adapters whose bytes it judges; that is what
/// lets it fail.
#[test]
fn the_certificate_shares_no_code_with_what_it_judges() {
    for (path, text) in sources("llm-gateway-core/src/certificate") {
        if room(&path) == "tests" {
            continue;
        }
        let code = code(&text);
        for other in ["provider::", "transport::", "use crate::{", "crate::policy::{", "crate::*"] {
            assert!(!code.contains(other), "{path} has {other}");
        }
        for policy in code.split("crate::policy::").skip(1) {
            assert!(policy.starts_with("Level;"), "{path} names more of the policy than `Level`");
        }
    }
}

/// Checks that what decides purely names caps, and neither the port nor an adapter.
#[test]
fn policies_name_the_words_for_caps_and_no_ledger() {
    let rooms = ["llm-gateway-core/src/policy", "llm-gateway-core/src/config"];
    for (path, text) in rooms.into_iter().flat_map(sources) {
        let code = code(&text);
        for rest in code.split("crate::ledger::").skip(1) {
            let named = rest.split(';').next().unwrap_or_default().trim_matches(['{', '}']);
            for word in named.split(',').map(str::trim) {
                assert!(["Cap", "Per", "Scope"].contains(&word), "{path} names `{word}`");
            }
        }
    }
}

/// Returns whether a text names a crate: `name::` that is not the end of another path or word.
fn names_crate(text: &str, name: &str) -> bool {
    text.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = &text[..at];
        let in_path =
            ["self::", "super::", "crate::", "transport::"].iter().any(|p| before.ends_with(p));
        !in_path && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn a_heavy_crate_has_one_home() {
    for (path, text) in
        ["llm-gateway-core/src", "examples"].iter().chain(FRONTS).flat_map(|it| sources(it))
    {
        for (name, homes) in ONLY_IN {
            let at_home = homes.iter().any(|home| path.starts_with(home));
            let names_it = names_crate(&code(&text), name);
            assert!(at_home || !names_it, "{path} names {name}");
        }
    }
}

#[test]
fn the_environment_is_read_in_one_place_and_nothing_is_global() {
    for (path, text) in sources("llm-gateway-core/src") {
        if room(&path) == "tests" {
            continue;
        }
        let reads = code(&text).contains("env::var");
        assert!(!reads || path.ends_with("src/environment.rs"), "{path} reads the environment");
        for global in ["static mut ", "lazy_static", "thread_local!", "println!(", "print!("] {
            let used = code(&text)
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(global));
            assert!(!used, "{path} has {global}");
        }
    }
}

#[test]
fn core_depends_on_no_sibling_and_no_front_end_holds_a_policy() {
    let manifest = read("llm-gateway-core/Cargo.toml");
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
    for sibling in ["llm-gateway-process", "llm-gateway-stdio", "llm-gateway-cli", "test-support"] {
        assert!(!dependencies.contains(sibling), "core depends on {sibling}");
    }
    for (path, text) in FRONTS.iter().flat_map(|it| sources(it)) {
        for inner in ["PlanRequest", "ProviderSpec", "HttpRequest"] {
            assert!(!code(&text).contains(inner), "{path} works with {inner}");
        }
    }
}

#[test]
fn a_breach_is_seen_however_it_is_written() {
    let sees = |written: &str| {
        let reexport = "pub(crate) use crate::transport::Sequence; pub(crate) struct Context;";
        let modules = [
            ("", ""),
            ("dispatch", reexport),
            ("transport", "pub struct Sequence; pub mod body { pub struct Body; }"),
            ("panel", ""),
            ("panel/form", written),
        ];
        let file = ("llm-gateway-core/src/panel/form.rs".to_owned(), written.to_owned());
        breaches(&crate_of(&modules), &[file])
    };
    let breach = ["llm-gateway-core/src/panel/form.rs: `panel` names `transport`"];
    for written in [
        "use crate::transport::Sequence;",
        "use crate::{dispatch::Context, transport};",
        "use crate::{dispatch::Context, transport::Sequence as Renamed};",
        "use crate::transport::*;",
        "use super::super::transport::Sequence;",
        "use crate::dispatch::Sequence;",
        "fn f(_: super::super::transport::Sequence) {}",
        "fn f() { log!(crate::transport::Sequence) }",
        "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n\nuse crate::transport::Sequence;",
        "#[cfg(test)]\nmod tests;\nfn f() { log!(crate::transport::Sequence) }",
    ] {
        assert_eq!(sees(written), breach, "{written}");
    }
    assert!(sees("use crate::dispatch::Context;").is_empty());
    assert!(sees("#[cfg(test)]\nmod tests {\n    use crate::transport::Sequence;\n}").is_empty());
}

#[test]
fn the_check_sees_a_breach() {
    assert_eq!(
        named("use crate::config::load;\ncrate::model::X"),
        ["config", "model"].map(String::from).into()
    );
    assert!(has_word("use Prepared;", "Prepared") && !has_word("PreparedCall", "Prepared"));
    assert_eq!(room("llm-gateway-core/src/policy/plan.rs"), "policy");
    assert_eq!(room("llm-gateway-core/src/provider/dialect/gemini/mod.rs"), "provider/adapters");
    assert_eq!(code("a\n// crate::gateway\n#[cfg(test)]\nmod tests { crate::gateway }"), "a\n");
    assert_eq!(code("a\n#[cfg(test)]\nmod tests {\n    b\n}\nc\n"), "a\nc\n");
    assert_eq!(code("a\n#[cfg(test)]\npub(super) mod tests;\nc\n"), "a\nc\n");
    assert!(
        names_crate("use reqwest::Client;", "reqwest")
            && names_crate("::reqwest::Client", "reqwest")
    );
    assert!(!names_crate("pub use self::reqwest::ReqwestTransport;", "reqwest"));
}
