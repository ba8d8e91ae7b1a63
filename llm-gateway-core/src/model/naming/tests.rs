//! Tables of names: which are read as the requested one, and which may be one model.

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

/// Checks that the work on a long id grows with its length. If it grew with the square, the test
/// would take minutes.
#[test]
fn a_long_name_takes_linear_time() {
    let long = "-a".repeat(2_000_000);
    assert_eq!(bare(&long), long);
}

/// Checks that removing twice what hosts add to an id removes no more than removing it once, and
/// that something stays.
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
