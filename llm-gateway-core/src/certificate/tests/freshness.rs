//! Tests of the claim `fresh` with headers that caches write, and with headers that only look like
//! them.

use super::panel::{SEATS, kinship, panel, response, rules};
use crate::certificate::{Certificate, ClaimResult, certify};

/// Returns the certificate of a panel whose second response has one more header.
fn with(name: &str, value: &str) -> Certificate {
    let mut evidence = panel(&SEATS);
    let member = &mut evidence.members[1];
    response(member).headers.push((name.to_owned(), value.to_owned()));
    certify(&evidence, &rules(), &kinship())
}

#[track_caller]
fn all_are(expected: ClaimResult, headers: &[(&str, &str)]) {
    for (name, value) in headers {
        let certificate = with(name, value);
        let fresh = &certificate.claims.fresh;
        assert_eq!(fresh.result, expected, "{name}: {value}: {}", fresh.because);
        let named = format!("member 2 answered with {}: {value}", name.to_lowercase());
        assert_eq!(
            fresh.because.contains(&named),
            expected != ClaimResult::Pass,
            "{}",
            fresh.because
        );
        // A panel is certified even if a cache may have answered.
        assert_eq!(certificate.independence_certified(), expected != ClaimResult::Fail);
    }
}

#[test]
fn a_header_that_says_a_cache_answered_fails_the_claim() {
    all_are(
        ClaimResult::Fail,
        &[
            ("x-cache", "HIT"),
            ("X-Cache", "RefreshHit from cloudfront"),
            ("x-cache", "MISS, HIT"),
            ("x-cache", "TCP_MEM_HIT from a123.deploy.akamaitechnologies.com"),
            ("x-cache-hits", "3"),
            ("x-cache-hits", "0, 1"),
            ("x-cache-status", "cached"),
            ("x-cached", "true"),
            ("x-from-cache", "1"),
            ("x-served-from-cache", "yes"),
            ("x-proxy-cache", "STALE"),
            ("x-portkey-cache-status", "SEMANTIC HIT"),
            ("helicone-cache", "HIT"),
            ("cf-cache-status", "STALE"),
            ("cf-cache-status", "REVALIDATED"),
            ("cf-cache-status", "UPDATING"),
            ("x-litellm-cache-hit", "True"),
            ("cache-status", "edge; fwd=miss, \"origin\"; hit; ttl=30"),
            ("age", "1"),
            ("x-varnish", "32770 3"),
            ("server-timing", "cdn-cache; desc=HIT, edge; dur=1"),
            ("server-timing", "cfCacheStatus;desc=\"HIT\""),
            ("cache-status", "edge; fwd=uri-miss; collapsed"),
            ("cache-status", "edge; fwd=stale; fwd-status=304"),
            ("cache-status", "edge; fwd=miss; collapsed=?1; stored"),
            ("cache-status", "\"a; b, c\"; hit; key=\"x\""),
            ("cache-status", "origin; fwd=miss, edge; hit"),
            ("cache-status", "HIT"),
            ("cdn-cache-status", "edge; hit; detail=\"a \\\" b\""),
            ("x-cache", "TCP_REFRESH_UNMODIFIED"),
            ("x-cache", "TCP_REFRESH_HIT"),
            ("x-cache", "TCP_IMS_HIT"),
            ("x-cache", "TCP_REFRESH_FAIL_HIT from proxy"),
            ("x-cache", "HIT-STALE-CLUSTER"),
            ("x-vercel-cache", "PRERENDER"),
            ("x-openrouter-cache-status", "HIT"),
            ("x-bifrost-cache-hit", "true"),
            ("x-bifrost-cache-hit-type", "semantic"),
            ("x-litellm-semantic-similarity", "0.93"),
            ("warning", "110 - \"Response is Stale\""),
            ("x-cache", "hit-for-pass, HIT"),
            ("x-cache", "HIT, HITMISS"),
            // LiteLLM hands on what the server behind it sent.
            ("llm_provider-x-cache", "HIT"),
            ("llm_provider-age", "12"),
            ("llm_provider-x-varnish", "32770 3"),
        ],
    );
}

#[test]
fn a_header_in_unknown_words_leaves_the_claim_unknown() {
    all_are(
        ClaimResult::Unknown,
        &[
            ("x-cache", "Error from cloudfront"),
            ("x-cache", ""),
            ("x-cache-ttl", "3600"),
            ("x-cache-max-age", "60"),
            ("x-cache-enabled", "true"),
            ("x-cacheable", "YES"),
            ("x-cache-status", "not cached"),
            ("x-from-cache", "perhaps"),
            ("cf-cache-status", "UNKNOWN"),
            ("cache-status", "edge; detail=odd"),
            ("age", "old"),
            ("server-timing", "cdn-cache; desc=odd"),
            ("cache-status", "edge; fwd=partial; fwd-status=206"),
            ("cache-status", "edge; detail=odd, origin; fwd=miss"),
            ("cache-status", "edge; hit=?0"),
            ("x-cache", "TCP_CF_MISS"),
            // What was stored is not what was sent.
            ("x-cache-lookup", "HIT from proxy:3128"),
        ],
    );
}

#[test]
fn a_header_that_says_the_answer_was_made_passes() {
    all_are(
        ClaimResult::Pass,
        &[
            ("cf-cache-status", "DYNAMIC"),
            ("cf-cache-status", "BYPASS"),
            ("cf-cache-status", "EXPIRED"),
            ("cf-aig-cache-status", "MISS"),
            ("x-cache", "Miss from cloudfront"),
            ("x-cache", "TCP_MISS"),
            ("x-cache", "CONFIG_NOCACHE"),
            ("x-cache-hits", "0, 0"),
            ("x-from-cache", "0"),
            ("x-cached", "false"),
            ("x-litellm-cache-hit", "False"),
            ("x-litellm-cache-key", "None"),
            ("x-cacheable", "NO"),
            ("cache-status", "edge; fwd=stale; fwd-status=200; stored"),
            ("age", "0"),
            ("x-varnish", "32770"),
            ("server-timing", "cdn-cache; desc=MISS, edge; dur=1"),
            ("server-timing", "total; dur=31"),
            ("cache-status", "edge; fwd=miss; detail=\"hit, and run; hit\"; key=\"/hit\""),
            ("cache-status", "edge; fwd=request; ttl=-30, \"hit; x\"; fwd=bypass"),
            ("cache-status", "MISS"),
            ("x-cache", "TCP_REFRESH_MODIFIED"),
            ("x-cache", "TCP_CLIENT_REFRESH_MISS"),
            ("x-cache", "HITPASS"),
            ("x-cache", "hit-for-pass"),
            ("x-cache", "Hit for pass"),
            ("llm_provider-age", "0"),
            ("llm_provider-cf-cache-status", "DYNAMIC"),
            ("x-cache", "PRIVATE_NOSTORE"),
            ("x-portkey-cache-status", "SEMANTIC MISS"),
            ("x-litellm-semantic-similarity", "0.0"),
            ("server-timing", "db; desc=\"cache hit\", cdn-cache; desc=MISS"),
            // Headers about something else.
            ("cache-tag", "cached,updating"),
            ("x-cache-tags", "hit"),
            ("x-cache-key", "/hit/v1/chat/completions"),
            ("helicone-cache-seed", "hit"),
            ("x-cache-id", "cached-1"),
            ("x-cache-zone", "hit"),
            ("x-cache-mode", "semantic"),
            ("x-prompt-cache-hit", "true"),
            ("x-prefix-cache-hit", "true"),
            ("msh-context-cache-id", "cache-f3a1"),
            ("warning", "299 - \"Deprecated API, cache hit\""),
            ("cache-control", "no-store"),
            ("cdn-cache-control", "max-age=60"),
            ("x-amzn-bedrock-cache-read-input-token-count", "1200"),
            ("fireworks-cached-prompt-tokens", "12"),
            ("anthropic-ratelimit-tokens-remaining", "79000"),
            ("openai-processing-ms", "120"),
            ("x-ratelimit-remaining-requests", "9999"),
        ],
    );
}
