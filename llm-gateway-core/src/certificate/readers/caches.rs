//! Response headers that mention a cache, and what they say about the response.
//!
//! There is no list of all headers that caches write. A header in unknown words is
//! [`Origin::Unknown`].

/// How many characters of a header's value are kept.
const SHOWN_VALUE: usize = 200;

/// Returns the headers of a response that mention a cache, whatever they say about it.
pub(in crate::certificate) fn cache_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, value)| mentions_cache(name, value) && !is_about_something_else(name))
        .map(|(name, value)| (name, value.chars().take(SHOWN_VALUE).collect()))
        .collect()
}

/// Returns whether a header mentions a cache by its name, or, as in `server-timing: cdn-cache;
/// desc=HIT` (Akamai, Cloudflare, Fastly), by its value.
fn mentions_cache(name: &str, value: &str) -> bool {
    let is_timing = || name == "server-timing" && value.to_ascii_lowercase().contains("cache");
    name == "age" || name == VARNISH || name.contains("cache") || is_timing()
}

/// Varnish writes the id of the request, followed by the id of the earlier request if it answers
/// from its cache: <https://varnish-cache.org/docs/trunk/reference/vcl.html>.
const VARNISH: &str = "x-varnish";

/// Returns whether a header is about something else than where the answer came from: instructions
/// to later caches (`cache-control`, `cdn-cache-control`), or prompt tokens that were read from a
/// cache (`x-amzn-bedrock-cache-read-input-token-count`).
fn is_about_something_else(name: &str) -> bool {
    name.ends_with("cache-control") || name.contains("token")
}

/// Where a response comes from, according to a header.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::certificate) enum Origin {
    /// A cache stored the response.
    Cache,
    /// The provider made the response for this request.
    Provider,
    /// The header's words are not known.
    Unknown,
}

/// Words that mean an answer from a cache, stale and revalidated answers included: of `x-cache`
/// (CloudFront, Fastly, Squid, Akamai), nginx's `$upstream_cache_status`, `cf-cache-status`
/// (<https://developers.cloudflare.com/cache/concepts/cache-responses/>), `cf-aig-cache-status`,
/// `helicone-cache`, `x-portkey-cache-status` and the like.
const CACHED: &[&str] =
    &["hit", "hits", "refreshhit", "originshieldhit", "cached", "stale", "updating", "revalidated"];

/// Words of the same headers that mean an answer made by the provider.
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

/// Words that mean yes, in a header whose name asks whether a cache answered.
const YES: &[&str] = &["true", "yes", "on"];

/// The words of the standard `cache-status` (RFC 9211) for both cases. Other words do not count:
/// `fwd=stale` says why the request was forwarded.
const STANDARD: (&[&str], &[&str]) = (&["hit"], &["fwd"]);

/// Returns whether the name asks if, or how often, a cache answered: `x-from-cache`,
/// `x-served-from-cache`, `x-cached`, `x-cache-hits`, `age` (seconds since the response was made,
/// RFC 9111, section 5.1). In other headers a number may be a time to live, and `true` may only
/// mean that there is a cache.
fn asks_whether(name: &str) -> bool {
    let last = name.rsplit(['-', '_']).next();
    name == "age" || name.contains("from-cache") || matches!(last, Some("cached" | "hit" | "hits"))
}

/// LiteLLM sends `x-litellm-cache-key` with every answer from its cache, whatever the key is.
const KEYS_OF_HITS: &str = "x-litellm-cache-";

/// Returns where a response comes from, according to one header that mentions a cache.
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
    // A negated word does not mean the word: `not cached`.
    if has(&["not"]) {
        Origin::Unknown
    } else if has(cached) || (asks_whether(name) && (has(YES) || counts())) {
        Origin::Cache
    } else if has(made) {
        Origin::Provider
    } else if name.starts_with(KEYS_OF_HITS) && !value.trim().is_empty() {
        Origin::Cache
    } else {
        Origin::Unknown
    }
}
