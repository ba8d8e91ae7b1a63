//! Checks that every dialect has all of its pieces, and reports the missing ones of a new dialect.
//!
//! Pieces that the compiler demands are not checked here: the matches in `for_endpoint`, in
//! `certificate/readers/{mod,response}.rs`, in `config/compile/{base_url,headers}.rs` and in
//! `Dialect::as_str`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::FixedClock;
use crate::config::json_schema;
use crate::credential::EnvironmentCredentials;
use crate::environment::Environment;
use crate::error::Error;
use crate::model::{
    Completion, Delivery, Dialect, Endpoint, Message, ModelId, Prompt, ProviderName,
};
use crate::provider::{AnswerRoom, Call, ProviderParts, for_endpoint};
use crate::transport::{Recorder, Scripted, Scrubber};

/// Returns whether this crate has adapters for a dialect. It does not compile after a dialect is
/// added: name the dialect here, and in [`Dialect::SPOKEN`].
fn is_ours(dialect: Dialect) -> bool {
    match dialect {
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Gemini => true,
        Dialect::Own => false,
    }
}

/// The files of the crate in which a dialect has a piece, each with the text of the piece; `@`
/// stands for the dialect's name.
const FILES: [(&str, &str); 6] = [
    ("src/provider/dialect/@/mod.rs", "impl WireFormat for "),
    ("src/provider/dialect/@/stream.rs", "impl Assembly for "),
    ("src/transport/scripted/@.rs", "impl Server for "),
    ("src/certificate/readers/@.rs", "impl Format for "),
    // How its usage counts cached input and reasoning.
    ("tests/fixtures/README.md", "| `@` |"),
    // Dialects do not know each other.
    ("tests/core/layering.rs", "(\"@\", "),
];

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(path).unwrap_or_default()
}

/// Returns the names of a dialect's fixtures, without their folder.
fn cases(dialect: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(dialect);
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Returns the cases that each of the first three dialects has.
fn common_cases() -> BTreeSet<String> {
    let [openai, anthropic, gemini] = ["openai", "anthropic", "gemini"].map(cases);
    openai.into_iter().filter(|case| anthropic.contains(case) && gemini.contains(case)).collect()
}

/// Returns the words that `kind` may have in a policy.
fn kinds() -> BTreeSet<String> {
    let schema = json_schema();
    let words = schema["$defs"]["RawKind"]["oneOf"].as_array().unwrap();
    words.iter().map(|word| word["const"].as_str().unwrap().to_owned()).collect()
}

/// Returns the missing pieces of the dialect called `name`.
fn missing(name: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for (file, piece) in FILES {
        let (file, piece) = (file.replace('@', name), piece.replace('@', name));
        if !read(&file).contains(&piece) {
            missing.push(format!("{file}: `{piece}`"));
        }
    }
    for case in common_cases().difference(&cases(name)) {
        missing.push(format!("tests/fixtures/{name}/{case}"));
    }
    if !kinds().contains(name) {
        missing.push(format!("src/config/raw_provider.rs: a kind `{name}`"));
    }
    missing
}

/// Sends a call through the adapter of a dialect to the offline transport.
async fn answer(dialect: Dialect, delivery: Delivery) -> Result<Completion, Error> {
    let endpoint = Endpoint {
        provider: ProviderName::new(dialect.as_str()).unwrap(),
        dialect,
        base_url: "https://api.test".to_owned(),
        api_key_env: None,
        headers: Vec::new(),
        delivery,
        timeout: Duration::from_secs(1),
        idle_timeout: Duration::from_secs(1),
    };
    let parts = ProviderParts::new(
        Arc::new(Scripted::new().strict().answer("an answer")),
        Arc::new(EnvironmentCredentials::new(Environment::empty(), [])),
        Scrubber::default(),
        Arc::new(FixedClock::new(Duration::ZERO)),
        AnswerRoom::of(1 << 27),
    );
    let provider = for_endpoint(endpoint, parts).expect("src/provider/http/mod.rs: no adapter");
    let prompt = Prompt::from_messages([Message::user("a question")]);
    let prepared = provider.prepare(Call::new(ModelId::new("m").unwrap(), prompt, 8))?;
    provider.send(&prepared, &Recorder::new()).await
}

#[test]
fn every_dialect_has_all_its_pieces() {
    assert!(Dialect::SPOKEN.into_iter().all(is_ours));
    assert!(common_cases().len() >= 60, "a case that all dialects had is gone");
    let missing: Vec<_> =
        Dialect::SPOKEN.iter().flat_map(|dialect| missing(dialect.as_str())).collect();
    assert!(missing.is_empty(), "{missing:#?}");
    let names = Dialect::SPOKEN.map(|dialect| dialect.as_str().to_owned());
    assert_eq!(kinds(), names.into(), "a kind that is no dialect of the list above");
}

#[test]
fn a_dialect_without_any_piece_is_told_of_each() {
    let missing = missing("esperanto");
    assert_eq!(missing.len(), FILES.len() + common_cases().len() + 1, "{missing:#?}");
}

#[tokio::test]
async fn the_offline_transport_answers_every_dialect() {
    for dialect in Dialect::SPOKEN {
        for delivery in [Delivery::Whole, Delivery::Stream] {
            let answer = answer(dialect, delivery).await;
            let answer =
                answer.unwrap_or_else(|error| panic!("{dialect:?}, {delivery:?}: {error}"));
            assert_eq!(answer.joined_text(), "an answer", "{dialect:?}, {delivery:?}");
        }
    }
}

#[test]
fn the_hint_about_a_missing_kind_names_every_dialect() {
    let [first @ .., last] = &Dialect::SPOKEN.map(Dialect::as_str);
    let hint = format!("write kind: {} or {last}:", first.join(", "));
    let file = "src/config/compile/providers.rs";
    assert!(read(file).contains(&hint), "{file} has no hint `{hint}`");
}
