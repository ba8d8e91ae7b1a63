//! Reads the names under which hosts offer one model.
//!
//! A host may put a prefix before a model's id (`meta-llama/`, `us.anthropic.`), change its case, or
//! add a tag, a version or a date. What it adds says nothing about which model it is, so two ids
//! that differ in nothing else may name one model. This file decides identity, never a price.
//!
//! The forms were collected from the model lists of
//! [OpenAI](https://platform.openai.com/docs/models) (`gpt-4o-2024-08-06`, `gpt-4-1106-preview`),
//! [Anthropic](https://docs.anthropic.com/en/docs/about-claude/models)
//! (`claude-opus-4-1-20250805`, `-latest`),
//! [Vertex AI](https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude)
//! (`claude-opus-4-1@20250805`), [Gemini](https://ai.google.dev/gemini-api/docs/models)
//! (`gemini-2.0-flash-001`), [Mistral](https://docs.mistral.ai/getting-started/models/)
//! (`mistral-large-2411`), [Cohere](https://docs.cohere.com/docs/models) (`command-r-08-2024`),
//! [Bedrock](https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html)
//! (`us.anthropic.claude-sonnet-4-20250514-v1:0`), [OpenRouter](https://openrouter.ai/docs)
//! (`deepseek/deepseek-r1:free`) and [Ollama](https://ollama.com/library) (`llama3.3:70b`).

use std::borrow::Cow;

/// How an id that was answered is read as the id that was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameMatch {
    /// Both ids are equal to the letter.
    Same,
    /// The ids differ in what hosts add to a name.
    Hosted,
    /// The id that was answered is the undated requested one with a date or a version.
    Dated,
}

/// Reads the id that a response names in the light of the id that was requested. `None` if the
/// response names something else.
pub(crate) fn read_as(requested: &str, answered: &str) -> Option<NameMatch> {
    if requested == answered {
        return Some(NameMatch::Same);
    }
    let (requested, answered) = (unhosted(requested), unhosted(answered));
    if requested == answered {
        return Some(NameMatch::Hosted);
    }
    let (asked, answered) = (without_latest(&requested), without_latest(&answered));
    if without_date(asked) != asked {
        return None;
    }
    if asked == answered {
        return Some(NameMatch::Hosted);
    }
    let is_dated = [without_date(answered), without_version(answered)].contains(&asked);
    is_dated.then_some(NameMatch::Dated)
}

/// Returns whether two ids name one model as far as can be told: they are equal after everything is
/// taken off that hosts add, dates included, or one of them is the other with a version (`-001`).
pub(crate) fn may_be_one(one: &str, other: &str) -> bool {
    one == other || BareName::of(one).may_be(&BareName::of(other))
}

/// What no host adds to a model's id, ready to be compared with many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BareName(String);

impl BareName {
    /// Takes everything off an id that hosts add.
    pub(crate) fn of(id: &str) -> Self {
        Self(bare(id))
    }

    /// Returns whether two names may be of one model.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        let (one, other) = (self.0.as_str(), other.0.as_str());
        one == other || without_version(one) == other || one == without_version(other)
    }
}

/// Returns what no host adds to a model's id: the id without prefix, case, tag, version and date.
fn bare(id: &str) -> String {
    let id = unhosted(id);
    without_date(without_latest(without_date(&id))).to_owned()
}

/// Regions that Bedrock's inference profiles put before an id.
const REGIONS: &[&str] =
    &["us", "us-gov", "eu", "apac", "global", "jp", "au", "ca", "sa", "me", "af", "il", "mx"];

/// Developers whose names Bedrock puts before an id.
const BEDROCK_DEVELOPERS: &[&str] = &[
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "luma",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "zai",
];

/// Returns an id in lower case without prefix, tag and Bedrock's form. A date stays, also as
/// `@20250929`, which is written with a dash then. A name for a model that its customer has tuned
/// (`ft:…`) stays whole behind its prefix.
fn unhosted(id: &str) -> String {
    let lower = id.trim().to_lowercase();
    let is_start =
        |at: &usize| lower.get(..*at).is_some_and(|it| it.is_empty() || it.ends_with('/'));
    let tuned = lower.match_indices("ft:").map(|(at, _)| at).find(is_start);
    if let Some(tuned) = tuned.and_then(|at| lower.get(at..)) {
        return tuned.to_owned();
    }
    let name = lower.rsplit('/').find(|part| !part.is_empty()).unwrap_or(&lower);
    let name = without_tag(&without_bedrock_form(name));
    match name.split_once('@') {
        Some((model, version)) if !model.is_empty() && is_date(version) => {
            format!("{model}-{version}")
        }
        Some((model, _)) if !model.is_empty() => model.to_owned(),
        _ => name,
    }
}

/// Returns an id without Bedrock's region, developer and version, if it is in Bedrock's form. The
/// models of DeepSeek begin with their developer's name elsewhere (`deepseek.r1-v1:0`).
fn without_bedrock_form(name: &str) -> Cow<'_, str> {
    let regional = behind(name, REGIONS).map_or(name, |(_, rest)| rest);
    let parts = behind(regional, BEDROCK_DEVELOPERS);
    match parts.map(|(developer, rest)| (developer, without_bedrock_version(rest))) {
        Some(("deepseek", model)) if !model.starts_with("deepseek") => {
            Cow::Owned(format!("deepseek-{model}"))
        }
        Some((_, model)) => Cow::Borrowed(model),
        None => Cow::Borrowed(name),
    }
}

/// Returns a known word before the first point of an id, and what is behind it.
fn behind<'n>(name: &'n str, known: &[&str]) -> Option<(&'n str, &'n str)> {
    name.split_once('.').filter(|(first, rest)| known.contains(first) && !rest.is_empty())
}

/// Returns an id without the version at the end of Bedrock's form: `-v1:0`, `-1:0`, `-v1`. Without
/// a minor number, a later version is the model's own (`nvidia.nemotron-nano-9b-v2`).
fn without_bedrock_version(name: &str) -> &str {
    let (start, has_minor) = match name.split_once(':') {
        Some((start, _)) => (start, true),
        None => (name, false),
    };
    let Some((model, version)) = start.rsplit_once('-') else { return start };
    let is_version = match has_minor {
        true => is_digits(version.strip_prefix('v').unwrap_or(version)),
        false => version == "v1",
    };
    if is_version && !model.is_empty() { model } else { start }
}

/// Returns an id without its tag. What the tag states of the model's size stays, as in
/// `llama3.3:70b-instruct-q4_K_M`.
fn without_tag(name: &str) -> String {
    let Some((model, tag)) = name.split_once(':').filter(|(model, _)| !model.is_empty()) else {
        return name.to_owned();
    };
    let sizes: Vec<&str> = tag.split(['-', '_', ':']).filter(|part| is_size(part)).collect();
    let size = if sizes.is_empty() { String::new() } else { format!(":{}", sizes.join("-")) };
    format!("{model}{size}")
}

/// Returns whether a part of a tag states a size: `70b`, `1.5b`, `8x7b`, `e4b`, `270m`.
fn is_size(part: &str) -> bool {
    let number = part.strip_suffix(['b', 'm', 't']).unwrap_or_default();
    let number = number.strip_prefix(['a', 'e']).unwrap_or(number);
    number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'x'))
}

/// Returns an id without `-latest` at its end.
fn without_latest(id: &str) -> &str {
    id.strip_suffix("-latest").filter(|rest| !rest.is_empty()).unwrap_or(id)
}

/// The number of bytes of the longest date: `2024-08-06`.
const LONGEST_DATE: usize = 10;

/// Returns an id without the date at its end.
fn without_date(id: &str) -> &str {
    // The longest date counts: `-2024-08-06` is no `-08-06` behind a year.
    let first = id.len().saturating_sub(LONGEST_DATE + 1).max(1);
    let model = (first..id.len()).find_map(|at| {
        let (model, date) = id.split_at_checked(at)?;
        is_date(date.strip_prefix('-')?).then_some(model)
    });
    model.unwrap_or(id)
}

/// Returns an id without a version of three digits at its end, such as `-001`.
fn without_version(id: &str) -> &str {
    match id.rsplit_once('-') {
        Some((model, version)) if version.len() == 3 && is_digits(version) && !model.is_empty() => {
            model
        }
        _ => id,
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether a text is a date as model ids write it: `2024-08-06`, `20240806`, `08-06`,
/// `0806`, `2408` or `08-2024`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    if !parts.iter().all(|part| is_digits(part)) {
        return false;
    }
    match parts.as_slice() {
        [year, month, day] => is_year(year) && is_month(month) && is_day(day),
        [month, other] => is_month(month) && (is_day(other) || is_year(other)),
        [whole] => match (whole.len(), whole.split_at_checked(2), whole.split_at_checked(4)) {
            (4, Some((first, second)), _) => {
                (is_month(first) && is_day(second)) || (is_short_year(first) && is_month(second))
            }
            (8, _, Some((year, rest))) => {
                let (month, day) = rest.split_at_checked(2).unwrap_or_default();
                is_year(year) && is_month(month) && is_day(day)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Returns whether a text has this many digits, and their number is in a range.
fn is_number(text: &str, digits: usize, range: std::ops::RangeInclusive<u32>) -> bool {
    text.len() == digits && text.parse().is_ok_and(|number| range.contains(&number))
}

fn is_year(text: &str) -> bool {
    is_number(text, 4, 2015..=2099)
}

/// Returns whether a text is a year in two digits. Models with dated names exist since 2020.
fn is_short_year(text: &str) -> bool {
    is_number(text, 2, 20..=99)
}

fn is_month(text: &str) -> bool {
    is_number(text, 2, 1..=12)
}

fn is_day(text: &str) -> bool {
    is_number(text, 2, 1..=31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_the_requested_model_with_its_date_or_as_its_host_writes_it() {
        use NameMatch::{Dated, Hosted, Same};
        for (requested, answered, reading) in [
            ("gpt-4o", "gpt-4o", Some(Same)),
            ("gpt-6.1-sol", "gpt-6.1-sol-2026-08-01", Some(Dated)),
            ("claude-sonnet-5-5", "claude-sonnet-5-5-20260801", Some(Dated)),
            ("claude-opus-4-1", "claude-opus-4-1@20250805", Some(Dated)),
            ("gpt-4", "gpt-4-0613", Some(Dated)),
            ("mistral-large", "mistral-large-2411", Some(Dated)),
            ("mistral-large-latest", "mistral-large-2411", Some(Dated)),
            ("command-r", "command-r-08-2024", Some(Dated)),
            ("gemini-2.5-pro-preview", "gemini-2.5-pro-preview-05-06", Some(Dated)),
            ("gemini-2.0-flash", "gemini-2.0-flash-001", Some(Dated)),
            ("models/gemini-2.0-flash", "gemini-2.0-flash-001", Some(Dated)),
            ("openai/gpt-4o-mini", "gpt-4o-mini-2024-07-18", Some(Dated)),
            ("llama-3.3-70b", "meta-llama/Llama-3.3-70B", Some(Hosted)),
            ("deepseek/deepseek-r1:free", "deepseek/deepseek-r1", Some(Hosted)),
            ("claude-sonnet-4", "us.anthropic.claude-sonnet-4-20250514-v1:0", Some(Dated)),
            ("anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4-20250514", Some(Hosted)),
            ("claude-x-1@20250929", "claude-x-1-20250929", Some(Hosted)),
            ("mistral-large", "mistral-large-latest", Some(Hosted)),
            ("gpt-oss:120b-cloud", "gpt-oss:120b", Some(Hosted)),
            ("openai/ft:gpt-4o:acme::one", "ft:gpt-4o:acme::one", Some(Hosted)),
            // Another model, another snapshot, or less than was asked for.
            ("gpt-4o", "gpt-4o-mini", None),
            ("gpt-4o", "gpt-4o-mini-2024-07-18", None),
            ("gpt-4o-2024-05-13", "gpt-4o-2024-08-06", None),
            ("gpt-4o-2024-05-13", "gpt-4o", None),
            ("gpt-4", "gpt-4-1106-preview", None),
            ("gpt-4", "gpt-4-32k", None),
            ("llama3.3:8b", "llama3.3:70b", None),
            ("gpt-4o", "ft:gpt-4o-2024-08-06:acme::x", None),
            ("openai/ft:gpt-4o:acme::one", "openai/ft:qwen-72:other::x", None),
            ("openai/ft:gpt-4o:acme::one", "ft:gpt-4.1:acme::two", None),
            ("gemini-2.0-flash-001", "gemini-2.0-flash-002", None),
            ("gpt-4o", "", None),
            ("o3", "o3-pro-2025-06-10", None),
            ("qwen3", "qwen3-2507-thinking", None),
            ("alpha", "alpha-9999", None),
            ("alpha", "alpha-13-32", None),
            ("alpha", "alpha-2024-13-06", None),
            ("alpha", "-2024-08-06", None),
        ] {
            assert_eq!(read_as(requested, answered), reading, "{requested} {answered}");
        }
    }

    #[test]
    fn names_that_differ_only_as_hosts_make_them_differ_may_be_one() {
        for (one, other) in [
            ("llama-3.3-70b", "meta-llama/llama-3.3-70b"),
            ("qwen3-32b", "Qwen3-32B"),
            ("claude-x-1", "claude-x-1@20250929"),
            ("claude-x-1", "claude-x-1-20250929"),
            ("claude-x-1", "claude-x-1@default"),
            ("claude-x-1-latest", "claude-x-1-20250929"),
            ("claude-x-1-20240101", "claude-x-1-20250929"),
            ("gpt-4o", "openrouter/openai/gpt-4o:nitro"),
            ("accounts/fireworks/models/deepseek-r1", "deepseek-ai/DeepSeek-R1"),
            ("meta.llama3-70b-instruct-v1:0", "llama3-70b-instruct"),
            ("openai.gpt-oss-120b-1:0", "openai/gpt-oss-120b"),
            ("eu.amazon.nova-pro-v1:0", "nova-pro"),
            ("amazon.nova-pro-v1:0:300k", "nova-pro"),
            ("us.deepseek.r1-v1:0", "deepseek-r1"),
            ("deepseek.v3.2", "deepseek-ai/DeepSeek-V3.2"),
            ("nvidia.nemotron-nano-9b-v2", "nvidia/nemotron-nano-9b-v2"),
            ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
            ("gemma3:latest", "gemma3"),
            ("gemini-2.0-flash", "google/gemini-2.0-flash-001"),
            ("gpt-oss:120b-cloud", "gpt-oss:120b"),
            ("llama3.3:70b-instruct-q4_K_M", "llama3.3:70b"),
            ("llama3.1:8b", "LLAMA3.1:8B"),
            ("gemini-2.0-flash", "gemini-2.0-flash-001"),
            ("models/gemini-2.0-flash-001", "google/gemini-2.0-flash"),
            ("openai/ft:gpt-4o:acme::one", "ft:gpt-4o:acme::one"),
        ] {
            assert!(may_be_one(one, other) && may_be_one(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("gpt-4o", "gpt-4o-mini"),
            ("gpt-4", "gpt-4-turbo"),
            ("claude-opus-4", "claude-opus-4-1"),
            ("llama3.1:8b", "llama3.1:70b"),
            ("llama3.1:8b", "llama3.1"),
            ("gemma3n:e2b", "gemma3n:e4b"),
            ("mixtral:8x7b", "mixtral:8x22b"),
            ("ft:gpt-4o:acme::one", "ft:gpt-4o:acme::two"),
            ("openai/ft:gpt-4o:acme::one", "openai/ft:gpt-4o:acme::two"),
            ("gpt-oss:120b-cloud", "gpt-oss:20b-cloud"),
            ("ft:gpt-4o:acme::one", "gpt-4o"),
            ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
            ("o1", "o3"),
            ("deepseek-v3", "deepseek-v3.1"),
            ("phi-3", "phi-4"),
            ("us.model", "eu.model"),
            ("gemini-2.0-flash-001", "gemini-2.0-flash-002"),
            ("openai/ft:gpt-4o:acme::one", "openai/ft:qwen-72:other::x"),
        ] {
            assert!(!may_be_one(one, other) && !may_be_one(other, one), "{one} {other}");
        }
    }

    /// The work on a long id must grow with its length. If it grew with the square, the test would
    /// take minutes.
    #[test]
    fn a_long_name_takes_linear_time() {
        let long = "-a".repeat(2_000_000);
        assert_eq!(bare(&long), long);
    }

    /// Whatever an id is, taking everything off twice takes off no more than once, and something
    /// stays.
    #[test]
    fn any_name_has_a_bare_form() {
        for id in [
            "",
            "/",
            ":",
            "@",
            "-",
            "a/",
            "@cf/meta/x",
            "-2024-01-01",
            "a-2024-01-01-latest",
            "é-2024-08-06",
            "a:b:c",
            "us.",
            "us.anthropic.",
            "anthropic.-v1:0",
            "2024-08-06",
        ] {
            let once = bare(id);
            assert_eq!(bare(&once), once, "{id}");
            assert_eq!(once.is_empty(), id.is_empty(), "{id}: {once}");
        }
    }
}
