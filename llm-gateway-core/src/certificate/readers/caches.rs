//! The headers of a response that speak of a cache, and what they say of the response.
//!
//! There is no list of all headers that caches write. What one says in words that are not known
//! here stays open.

/// The most that is kept of a header's value.
const SHOWN_VALUE: usize = 200;

/// The headers of a response that speak of a cache, whatever they say.
pub(in crate::certificate) fn cache_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, value)| speaks_of_a_cache(name, value) && !is_of_another_matter(name))
        .map(|(name, value)| (name, value.chars().take(SHOWN_VALUE).collect()))
        .collect()
}

/// By its name, or as `server-timing: cdn-cache; desc=HIT` (Akamai, Cloudflare, Fastly) by its words.
fn speaks_of_a_cache(name: &str, value: &str) -> bool {
    let is_timing = || name == "server-timing" && value.to_ascii_lowercase().contains("cache");
    name == "age" || name == VARNISH || name.contains("cache") || is_timing()
}

/// Varnish tells the id of the request, and after it that of the one whose answer it had kept:
/// <https://varnish-cache.org/docs/trunk/reference/vcl.html>.
const VARNISH: &str = "x-varnish";

/// Orders to caches to come (`cache-control`, `cdn-cache-control`), and tokens of a prompt that
/// were read from a cache (`x-amzn-bedrock-cache-read-input-token-count`): the answer was made.
fn is_of_another_matter(name: &str) -> bool {
    name.ends_with("cache-control") || name.contains("token")
}

/// What a header says of the response.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::certificate) enum Origin {
    /// A cache had it.
    Cache,
    /// It was made.
    Provider,
    /// Nothing that can be interpreted.
    Untold,
}

/// Words for an answer of a cache, stale and asked-after ones too: of `x-cache` (CloudFront,
/// Fastly, Squid, Akamai), nginx's `$upstream_cache_status`, `cf-cache-status`
/// (<https://developers.cloudflare.com/cache/concepts/cache-responses/>), `cf-aig-cache-status`,
/// `helicone-cache`, `x-portkey-cache-status` and the like.
const CACHED: &[&str] =
    &["hit", "hits", "refreshhit", "originshieldhit", "cached", "stale", "updating", "revalidated"];

/// Words of the same headers for an answer that was made.
const MADE: &[&str] = &[
    "miss",
    "bypass",
    "dynamic",
    "expired",
    "refresh",
    "pass",
    "skip",
    "uncacheable",
    "uncached",
    "nocache",
    "disabled",
    "off",
    "none",
    "no",
    "false",
    "0",
];

/// Words for yes, where the name of the header asks whether a cache had it.
const YES: &[&str] = &["true", "yes", "on"];

/// What the standard `cache-status` (RFC 9211) says instead: `fwd=stale` names why the request
/// was handed on.
const STANDARD: (&[&str], &[&str]) = (&["hit"], &["fwd"]);

/// Whether the name asks if, or how often, a cache had the response: `x-from-cache`,
/// `x-served-from-cache`, `x-cached`, `x-cache-hits`, `age` (seconds since it was made, RFC 9111,
/// section 5.1). Elsewhere a number may be a time to live, and `true` that there is a cache.
fn asks_whether(name: &str) -> bool {
    let last = name.rsplit(['-', '_']).next();
    name == "age" || name.contains("from-cache") || matches!(last, Some("cached" | "hit" | "hits"))
}

/// LiteLLM sends `x-litellm-cache-key` with what it had in its cache, whatever the key.
const KEYS_OF_HITS: &str = "x-litellm-cache-";

/// What a header that speaks of a cache says of the response.
pub(in crate::certificate) fn origin(name: &str, value: &str) -> Origin {
    let value = value.to_ascii_lowercase();
    let words: Vec<&str> = value.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let counts = || words.iter().any(|word| word.parse::<u64>().is_ok_and(|count| count > 0));
    let (cached, made) = if name == "cache-status" { STANDARD } else { (CACHED, MADE) };
    if name == VARNISH {
        return match words.iter().filter(|word| !word.is_empty()).count() {
            1 => Origin::Provider,
            _ => Origin::Cache,
        };
    }
    // A denial of a word is not the word: `not cached`.
    if has(&["not"]) {
        Origin::Untold
    } else if has(cached) || (asks_whether(name) && (has(YES) || counts())) {
        Origin::Cache
    } else if has(made) {
        Origin::Provider
    } else if name.starts_with(KEYS_OF_HITS) && !value.trim().is_empty() {
        Origin::Cache
    } else {
        Origin::Untold
    }
}
