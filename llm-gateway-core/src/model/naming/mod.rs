//! Reads the names under which hosts offer one model.
//!
//! A host may put a prefix before a model's id (`meta-llama/`, `us.anthropic.`), change its case,
//! or add a tag, a version or a date. What it adds says nothing about which model it is, so two ids
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

mod dates;

use self::dates::{LONGEST_DATE, is_date, is_digits};

use std::borrow::Cow;

/// The ways in which the id of an answer can match the id that was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameMatch {
    /// Both ids are equal to the letter.
    Same,
    /// The ids differ in what hosts add to a name.
    Hosted,
    /// The id that was answered is the undated requested one with a date or a version.
    Dated,
}

/// Compares the id that a response names with the id that was requested. Returns `None` if the
/// response names another model.
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

/// Returns whether two ids may name one model: they are equal without everything that hosts add,
/// dates included, or one of them is the other with a version (`-001`).
pub(crate) fn may_be_one(one: &str, other: &str) -> bool {
    one == other || BareName::of(one).may_be(&BareName::of(other))
}

/// A model's id without everything that hosts add, ready to be compared with many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BareName(String);

impl BareName {
    /// Removes everything from an id that hosts add.
    pub(crate) fn of(id: &str) -> Self {
        Self(bare(id))
    }

    /// Returns whether two bare names may be of one model.
    pub(crate) fn may_be(&self, other: &Self) -> bool {
        let (one, other) = (self.0.as_str(), other.0.as_str());
        one == other || without_version(one) == other || one == without_version(other)
    }
}

/// Returns an id without everything that hosts add: prefix, case, tag, version and date.
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

/// Returns an id in lower case without prefix, tag and Bedrock's form. A date stays; the form
/// `@20250929` is rewritten with a dash. The name of a model that a customer has tuned (`ft:…`)
/// stays whole behind its prefix.
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

/// Returns the known word before the first point of an id, and the rest behind it.
fn behind<'n>(name: &'n str, known: &[&str]) -> Option<(&'n str, &'n str)> {
    name.split_once('.').filter(|(first, rest)| known.contains(first) && !rest.is_empty())
}

/// Returns an id without the version at the end of Bedrock's form: `-v1:0`, `-1:0`, `-v1`. A later
/// version without a minor number belongs to the model (`nvidia.nemotron-nano-9b-v2`).
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

/// Returns an id without its tag. A size that the tag states stays, as in
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

#[cfg(test)]
mod tests;
