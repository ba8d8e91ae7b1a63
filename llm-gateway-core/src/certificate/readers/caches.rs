//! Reads response headers that mention a cache, and what they say about the response.
//!
//! There is no list of all headers that caches write. A header in unknown words is
//! [`Origin::Unknown`].

use super::intermediaries::{kept, of_sender};

/// Returns the headers of a response that mention a cache, whatever they say about it.
pub(in crate::certificate) fn cache_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    kept(headers, |name, value| mentions_cache(name, value) && !is_about_something_else(name))
}

/// Returns whether a header mentions a cache by its name, or, as in `server-timing: cdn-cache;
/// desc=HIT` (Akamai, Cloudflare, Fastly), by its value.
fn mentions_cache(name: &str, value: &str) -> bool {
    let is_timing = || name == TIMING && value.to_ascii_lowercase().contains("cache");
    let is_warning = || name == "warning" && origin(name, value) == Origin::Cache;
    [AGE, VARNISH, SIMILARITY].contains(&name)
        || name.contains("cache")
        || is_timing()
        || is_warning()
}

/// The header with the age of a stored response in seconds: RFC 9111, section 5.1.
const AGE: &str = "age";

/// The header in which Varnish writes the id of the request, followed by the id of the earlier
/// request if it answers from its cache: <https://varnish-cache.org/docs/trunk/reference/vcl.html>.
const VARNISH: &str = "x-varnish";

/// The header with the metrics of a server, each with its name:
/// <https://www.w3.org/TR/server-timing/>.
const TIMING: &str = "server-timing";

/// The header in which LiteLLM sends the similarity of the earlier prompt, with answers of its
/// semantic cache: <https://docs.litellm.ai/docs/proxy/caching>.
const SIMILARITY: &str = "x-litellm-semantic-similarity";

/// The beginning of the header `x-litellm-cache-key`, which LiteLLM sends with every answer from
/// its cache, whatever the key is.
const KEYS_OF_HITS: &str = "x-litellm-cache-";

/// Ends of the names of headers that describe the entry of a cache or instruct later caches:
/// `cdn-cache-control`, Cloudflare's `cache-tag`
/// (<https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags/>), `x-cache-key` of
/// Akamai and nginx, Helicone's `helicone-cache-seed`.
const ABOUT_ENTRIES: &[&str] = &[
    "cache-control",
    "-group",
    "-hash",
    "-id",
    "-key",
    "-keys",
    "-mode",
    "-name",
    "-namespace",
    "-policy",
    "-rule",
    "-seed",
    "-tag",
    "-tags",
    "-vary",
    "-zone",
];

/// Words in the names of headers about prompts that a provider keeps, such as Moonshot's
/// `msh-context-cache-id` and the prefixes that vLLM keeps.
const ABOUT_PROMPTS: &[&str] = &["token", "prompt", "context-cache", "prefix-cache", "kv-cache"];

/// Returns whether a header is not about the origin of the answer, but about the entry of a cache,
/// or a prompt that a provider read from a cache of its own
/// (`x-amzn-bedrock-cache-read-input-token-count`, `fireworks-cached-prompt-tokens`).
fn is_about_something_else(name: &str) -> bool {
    let describes_entry = ABOUT_ENTRIES.iter().any(|end| name.ends_with(end));
    describes_entry && !name.starts_with(KEYS_OF_HITS)
        || ABOUT_PROMPTS.iter().any(|word| name.contains(word))
}

/// The origin of a response, according to a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::certificate) enum Origin {
    /// A cache stored the response.
    Cache,
    /// The provider made the response for this request.
    Provider,
    /// The words of the header are unknown.
    Unknown,
}

/// Words that mean an answer from a cache, stale and revalidated answers included: of `x-cache`
/// ([CloudFront](https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html),
/// [Fastly](https://docs.fastly.com/documentation/reference/http/http-headers/X-Cache/),
/// [Squid](https://wiki.squid-cache.org/SquidFaq/SquidLogs), whose `TCP_REFRESH_UNMODIFIED` is the
/// newer word for `TCP_REFRESH_HIT`), nginx's `$upstream_cache_status`, `cf-cache-status`
/// (<https://developers.cloudflare.com/cache/concepts/cache-responses/>), `cf-aig-cache-status`,
/// `helicone-cache`, `x-portkey-cache-status`, `x-openrouter-cache-status`, Bifrost's
/// `x-bifrost-cache-*` and the like.
const CACHED: &[&str] = &[
    "hit",
    "hits",
    "refreshhit",
    "originshieldhit",
    "remotehit",
    "cached",
    "stale",
    "updating",
    "revalidated",
    "unmodified",
    "prerender",
    "semantic",
];

/// Words in headers about caches that mean an answer made by the provider.
const MADE: &[&str] = &[
    "miss",
    "bypass",
    "dynamic",
    "expired",
    "refresh",
    "modified",
    "pass",
    "skip",
    "uncacheable",
    "uncached",
    "nocache",
    "nostore",
    "disabled",
    "off",
    "none",
    "no",
    "false",
    "0",
];

/// Words of Varnish and Fastly for a cached note that an answer must not be cached. The provider
/// then made the answer:
/// <https://varnish-cache.org/docs/trunk/users-guide/increasing-your-hitrate.html>.
const MARKED_AS_UNSTORED: &[&str] = &[
    "hitpass",
    "hitmiss",
    "hit-for-pass",
    "hit-for-miss",
    "hit_for_pass",
    "hit_for_miss",
    "hit for pass",
    "hit for miss",
];

/// Words that mean yes, in a header whose name asks whether a cache answered.
const YES: &[&str] = &["true", "yes", "on"];

/// Words that say that a cache may have joined this request to another one: Squid's tag `CF`.
const MAYBE_SHARED: &[&str] = &["cf", "collapsed"];

/// The codes of the old `warning` header that only caches write: a stale answer, one whose
/// revalidation failed, a disconnected cache, a guessed lifetime: RFC 7234, section 5.5.
const CACHE_WARNINGS: &[&str] = &["110", "111", "112", "113"];

/// Returns whether a header's name asks if, or how often, a cache answered: `x-from-cache`,
/// `x-served-from-cache`, `x-cached`, `x-cache-hits`, `age` (seconds since the response was made).
/// In other headers a number may be a time to live, and `true` may only mean that there is a cache.
fn asks_whether(name: &str) -> bool {
    let last = name.rsplit(['-', '_']).next();
    [AGE, SIMILARITY].contains(&name)
        || name.contains("from-cache")
        || matches!(last, Some("cached" | "hit" | "hits"))
}

/// Returns the origin of a response, according to one header that mentions a cache.
pub(in crate::certificate) fn origin(name: &str, value: &str) -> Origin {
    let (name, value) = (of_sender(name), value.to_ascii_lowercase());
    match name {
        VARNISH => match value.split_whitespace().count() {
            1 => Origin::Provider,
            _ => Origin::Cache,
        },
        "warning" => {
            let codes = value.split(',').filter_map(|warning| warning.split_whitespace().next());
            let mut codes = codes.filter(|code| CACHE_WARNINGS.contains(code));
            if codes.next().is_some() { Origin::Cache } else { Origin::Unknown }
        }
        TIMING => {
            let metrics = value.split(',').filter(|metric| {
                metric.split(';').next().is_some_and(|name| name.contains("cache"))
            });
            all(metrics.map(|metric| {
                let told = metric.split_once(';').map_or("", |(_, told)| told);
                by_words(name, told)
            }))
        }
        name if name.ends_with("cache-status") && value.contains(';') => {
            all(split_outside_quotes(&value, ',').into_iter().map(standard))
        }
        _ => by_words(name, &value),
    }
}

/// Returns the common result of several caches on the way: a cache that answered decides, else a
/// cache whose words are unknown.
fn all(origins: impl Iterator<Item = Origin>) -> Origin {
    origins
        .reduce(|one, other| match (one, other) {
            (Origin::Cache, _) | (_, Origin::Cache) => Origin::Cache,
            (Origin::Unknown, _) | (_, Origin::Unknown) => Origin::Unknown,
            (Origin::Provider, Origin::Provider) => Origin::Provider,
        })
        .unwrap_or(Origin::Unknown)
}

/// Reads the words of one cache in the standard's form, a name with parameters: RFC 9211, section
/// 2. Its detail, its key and its lifetime say nothing about the origin of the answer.
fn standard(member: &str) -> Origin {
    let mut parameters = split_outside_quotes(member, ';').into_iter().skip(1);
    let mut said = CacheReport::default();
    parameters.by_ref().for_each(|parameter| {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, "?1"));
        match (key.trim(), value.trim().trim_matches('"')) {
            ("hit", value) => said.hit = value != "?0",
            ("collapsed", value) => said.collapsed = value != "?0",
            // A part of the answer was stored, which part is not said.
            ("fwd", "partial") => {}
            ("fwd", _) => said.forwarded = true,
            ("fwd-status", status) => said.validated = status == "304",
            _ => {}
        }
    });
    match said {
        // A request that was collapsed got another one's answer. A 304 says that the stored answer
        // is valid, and it is sent.
        CacheReport { hit: true, .. }
        | CacheReport { collapsed: true, .. }
        | CacheReport { validated: true, .. } => Origin::Cache,
        CacheReport { forwarded: true, .. } => Origin::Provider,
        _ => Origin::Unknown,
    }
}

/// The report of a cache in the parameters of `cache-status`.
#[derive(Default)]
struct CacheReport {
    hit: bool,
    collapsed: bool,
    validated: bool,
    forwarded: bool,
}

/// Splits a header's value at a character outside quoted strings.
fn split_outside_quotes(value: &str, at: char) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (place, c) in value.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == at && !is_quoted => {
                parts.extend(value.get(start..place));
                start = place + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(value.get(start..));
    parts
}

/// Reads a header in the words of its maker.
fn by_words(name: &str, value: &str) -> Origin {
    // Another cache on the way may say more.
    let unmarked = |value: String, mark: &&str| value.replace(mark, "pass");
    let value = &MARKED_AS_UNSTORED.iter().fold(value.to_owned(), unmarked);
    let words: Vec<&str> = value.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let counts = || value.split([',', ' ']).any(|word| word.parse().is_ok_and(|n: f64| n > 0.0));
    // Squid's lookup tells what was stored, not what was sent.
    let is_lookup = name.ends_with("-lookup");
    // A negated word does not mean the word: `not cached`.
    if has(&["not"]) || is_lookup && has(CACHED) {
        Origin::Unknown
    } else if has(CACHED) && !is_semantic_miss(&words)
        || asks_whether(name) && (has(YES) || counts())
    {
        Origin::Cache
    } else if has(MAYBE_SHARED) {
        Origin::Unknown
    } else if has(MADE) {
        Origin::Provider
    } else if name.starts_with(KEYS_OF_HITS) && !value.trim().is_empty() {
        Origin::Cache
    } else {
        Origin::Unknown
    }
}

/// Returns whether the words are those of a semantic cache that had no answer: Portkey's `SEMANTIC
/// MISS` (<https://portkey.ai/docs/api-reference/response-schema>).
fn is_semantic_miss(words: &[&str]) -> bool {
    let cached = words.iter().filter(|word| CACHED.contains(word));
    words.contains(&"miss") && cached.copied().all(|word| word == "semantic")
}
