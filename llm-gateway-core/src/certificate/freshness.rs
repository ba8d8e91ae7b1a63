//! Whether the answers were made for these requests: no cache says that it gave one, and no
//! response stands for two members.

use super::answers::{Answer, Said};
use super::claims::{Claim, Verdict};

/// The most that is kept of a header's value.
const SHOWN_VALUE: usize = 200;

/// The headers of a response that speak of a cache, whatever they say.
pub(super) fn cache_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let speaks = |name: &str| name == "age" || (name.contains("cache") && name != "cache-control");
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| speaks(name))
        .map(|(name, value)| (name, value.chars().take(SHOWN_VALUE).collect()))
        .collect()
}

/// Whether a header says that the response came from a cache.
///
/// `hit` as a word covers `x-cache`, `cf-aig-cache-status`, `x-vercel-cache`,
/// `x-portkey-cache-status`, `helicone-cache` and the standard `cache-status` (RFC 9211).
fn says_hit(name: &str, value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let has_word =
        |word: &str| value.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == word);
    let counts = || value.split(',').any(|n| n.trim().parse::<u64>().is_ok_and(|n| n > 0));
    match name {
        // Seconds since the response was made (RFC 9111, section 5.1).
        "age" => counts(),
        "x-cache-hits" => counts(),
        // Cloudflare serves these from its cache, too:
        // <https://developers.cloudflare.com/cache/concepts/cache-responses/>.
        "cf-cache-status" => {
            ["hit", "stale", "updating", "revalidated"].iter().any(|w| has_word(w))
        }
        // LiteLLM: `x-litellm-cache-hit: True`, and the key of what it gave from its cache.
        name if name.starts_with("x-litellm-cache-") => {
            !["", "0", "false", "none", "no", "miss"].contains(&value.as_str())
        }
        _ => has_word("hit"),
    }
}

/// The claim `fresh`.
pub(super) fn fresh(answers: &[Answer<'_>]) -> Claim {
    if answers.is_empty() {
        return Claim::new(Verdict::NotApplicable, "no member answered");
    }
    let mut against = Vec::new();
    let mut open = Vec::new();
    let mut ids: Vec<(u32, &str)> = Vec::new();
    for answer in answers {
        let position = answer.position;
        let Some(said) = answer.said() else {
            open.extend(answer.heard.gap(position));
            continue;
        };
        against
            .extend(hits(said).map(|header| format!("member {position} answered with {header}")));
        let Some(id) = said.response_id.as_deref() else {
            open.push(format!("member {position}'s response has no id"));
            continue;
        };
        if let Some((other, _)) = ids.iter().find(|(_, known)| *known == id) {
            against.push(format!("members {other} and {position} have one response id, {id}"));
        }
        ids.push((position, id));
    }
    let pass = "no header says that a cache answered, and response ids are distinct";
    Claim::weigh(&against, &open, pass.to_owned())
}

fn hits(said: &Said) -> impl Iterator<Item = String> + '_ {
    let headers = said.cache_headers.iter();
    headers.filter(|(name, value)| says_hit(name, value)).map(|(name, v)| format!("{name}: {v}"))
}
