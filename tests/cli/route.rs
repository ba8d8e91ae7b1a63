//! `route`: one question over real HTTP, and what a person sees of the answer.

use serde_json::{Value, json};
use test_support::BlockingProvider;

use crate::policies::{SMALL, served_by};
use crate::program::{Ended, Home, Run};

/// Prepares a run of `route` against a provider, with its key.
fn asking(home: &Home, arguments: &[&str]) -> Run {
    let arguments: Vec<&str> = ["route"].iter().chain(arguments).copied().collect();
    home.with_policy(&arguments).env("LOCAL_API_KEY", "key-of-local")
}

fn home_of(provider: &BlockingProvider) -> Home {
    Home::holding(&served_by(&provider.address(), &provider.address()))
}

fn prompt_in(body: &Value) -> &str {
    let messages = body["messages"].as_array().expect("messages");
    messages.last().expect("a message")["content"].as_str().expect("text")
}

#[test]
fn the_answer_is_all_of_stdout_and_stderr_says_who_and_for_how_much() {
    let provider = BlockingProvider::answering("small", "Paris.");
    let ended = asking(&home_of(&provider), &["quick_answer", "Capital?"]).ends().exits(0);
    assert_eq!(ended.stdout, "Paris.\n");
    // 11 tokens at 1 $/M and 3 at 2 $/M.
    for told in ["local/small", "11 tokens in, 3 out", "$0.000017"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    let request = &provider.requests()[0];
    assert_eq!(request.url.path(), "/v1/chat/completions");
    assert_eq!(request.headers["authorization"], "Bearer key-of-local");
}

#[test]
fn a_prompt_comes_as_an_argument_after_a_dash_or_on_stdin() {
    let prompt = "first line\nsecond \"line\", größer";
    for (arguments, stdin) in [
        (vec!["quick_answer", prompt], ""),
        (vec!["quick_answer", "-"], prompt),
        (vec!["quick_answer"], prompt),
    ] {
        let provider = BlockingProvider::answering("small", "ok");
        asking(&home_of(&provider), &arguments).stdin(stdin).ends().exits(0);
        assert_eq!(prompt_in(&provider.request_body()), prompt, "{arguments:?}");
    }
}

#[test]
fn a_prompt_that_begins_with_a_dash_can_be_asked() {
    let provider = BlockingProvider::answering("small", "ok");
    asking(&home_of(&provider), &["quick_answer", "--", "--why?"]).ends().exits(0);
    assert_eq!(prompt_in(&provider.request_body()), "--why?");
}

#[test]
fn a_long_prompt_arrives_whole() {
    let provider = BlockingProvider::answering("small", "ok");
    let prompt = "a line of the file, größer\n".repeat(80_000);
    asking(&home_of(&provider), &["quick_answer", "-"]).stdin(prompt.as_str()).ends().exits(0);
    assert!(prompt_in(&provider.request_body()) == prompt, "2 MB are not the same 2 MB");
}

#[test]
fn a_prompt_too_long_to_read_is_refused_and_never_cut() {
    let home = Home::holding(SMALL);
    let run = home.with_policy(&["--offline", "route", "quick_answer", "-"]);
    let ended = run.stdin(vec![b'a'; 65 * 1024 * 1024]).ends().exits(1);
    assert!(ended.stderr.contains("error:"), "{}", ended.stderr);
}

#[test]
fn an_empty_prompt_is_an_error_that_asks_nobody() {
    let provider = BlockingProvider::answering("small", "never");
    let home = home_of(&provider);
    for (arguments, stdin) in [
        (vec!["quick_answer", ""], ""),
        (vec!["quick_answer", "-"], ""),
        (vec!["quick_answer"], " \n"),
    ] {
        let ended = asking(&home, &arguments).stdin(stdin).ends().exits(1);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("empty"), "{}", ended.stderr);
        assert!(ended.stderr.contains("hint:"), "{}", ended.stderr);
    }
    assert_eq!(provider.requests().len(), 0);
}

#[test]
fn system_text_bound_and_model_reach_the_provider() {
    let provider = BlockingProvider::answering("small", "ok");
    let flags = ["--system", "Be brief.", "--max-tokens", "17", "--override-model", "larger"];
    let arguments: Vec<&str> = ["quick_answer", "Why?"].iter().chain(&flags).copied().collect();
    asking(&home_of(&provider), &arguments).ends().exits(0);
    let body = provider.request_body();
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(prompt_in(&body), "Why?");
    assert_eq!(body["model"], "larger");
    assert_eq!(bound_in(&body), 17);
}

fn bound_in(body: &Value) -> u64 {
    let bound = body.get("max_tokens").or_else(|| body.get("max_completion_tokens"));
    bound.and_then(Value::as_u64).expect("the output is always bounded")
}

#[test]
fn the_class_bounds_the_output_where_the_caller_does_not() {
    let provider = BlockingProvider::answering("small", "ok");
    asking(&home_of(&provider), &["quick_answer", "Why?"]).ends().exits(0);
    let body = provider.request_body();
    assert_eq!((body["model"].as_str(), bound_in(&body)), (Some("small"), 256));
}

#[test]
fn a_model_that_may_not_be_overridden_is_not_asked() {
    let provider = BlockingProvider::answering("small", "never");
    let home = home_of(&provider);
    for (class, model) in [("strict", "larger"), ("quick_answer", "a b"), ("quick_answer", "../x")]
    {
        let ended = asking(&home, &[class, "Why?", "--override-model", model]).ends().exits(1);
        assert!(ended.stderr.contains("hint:"), "{class}: {}", ended.stderr);
    }
    assert_eq!(provider.requests().len(), 0);
}

#[test]
fn json_is_the_envelope_of_the_contract() {
    let provider = BlockingProvider::answering("small", "Paris.");
    let ended = asking(&home_of(&provider), &["quick_answer", "Capital?", "--json"]).ends();
    let envelope = ended.exits(0).document();
    assert_eq!(envelope["data"], json!({"text": "Paris."}));
    let meta = &envelope["meta"];
    assert_eq!(meta["task_class"], "quick_answer");
    assert_eq!((&meta["provider"], &meta["model"]), (&json!("local"), &json!("small")));
    assert_eq!(
        meta["tokens"],
        json!({"input": 11, "output": 3, "total": 14, "cached_input": 0, "reasoning": 0})
    );
    assert_eq!((&meta["cost_usd_approx"], &meta["cost_basis"]), (&json!(17e-6), &json!("exact")));
    assert_eq!((&meta["finish_reason"], &meta["retries"]), (&json!("stop"), &json!(0)));
    assert_eq!(meta["attempts"][0]["outcome"], "ok");
    assert_eq!(meta["attempts"][0]["http_status"], 200);
    assert_eq!(meta["preflight"]["action"], "ok");
    assert_eq!(meta["preflight"]["max_tokens_out"], 256);
    assert!(meta["latency_ms"].is_u64());
    assert_eq!(meta["run_id"].as_str().unwrap().len(), 32, "128 bits in hex");
    assert!(meta.get("offline").is_none(), "it was not");
}

/// Returns the output about a provider that fails, as text and as JSON.
fn failing(status: u16, message: &str) -> (Ended, Value) {
    let provider = BlockingProvider::refusing(status, message);
    let home = home_of(&provider);
    let told = asking(&home, &["quick_answer", "Why?"]).ends().exits(1);
    let json = asking(&home, &["quick_answer", "Why?", "--json"]).ends().exits(1).document();
    (told, json)
}

#[test]
fn a_failure_is_an_error_and_a_hint_on_stderr_and_nothing_on_stdout() {
    for (status, category) in
        [(401, "auth"), (404, "model_not_found"), (429, "rate_limit"), (500, "provider_5xx")]
    {
        let (told, json) = failing(status, "no such luck");
        assert_eq!(told.stdout, "", "{status}");
        assert!(told.stderr.starts_with("error: "), "{status}: {}", told.stderr);
        assert!(told.stderr.contains("\nhint:"), "{status}: {}", told.stderr);
        assert!(told.stderr.contains(&format!("local/small: {category}")), "{}", told.stderr);
        assert_eq!(json["meta"]["error_category"], category);
        assert_eq!(json["meta"]["attempts"][0]["http_status"], status);
    }
}

#[test]
fn the_next_target_answers_when_the_first_fails_and_that_is_said() {
    let (broken, spare) =
        (BlockingProvider::refusing(500, "down"), BlockingProvider::answering("small", "Here."));
    let home = Home::holding(&served_by(&broken.address(), &spare.address()));
    let ended = asking(&home, &["safe", "Why?"]).ends().exits(0);
    assert_eq!(ended.stdout, "Here.\n");
    assert!(ended.stderr.contains("in place of local/small"), "{}", ended.stderr);
    let envelope = asking(&home, &["safe", "Why?", "--json"]).ends().exits(0).document();
    assert_eq!(envelope["meta"]["fallback_from"], json!({"provider": "local", "model": "small"}));
    assert_eq!(envelope["meta"]["attempts"][0]["outcome"], "provider_5xx");
    let spares = spare.requests();
    assert!(!spares[0].headers.contains_key("authorization"), "a key of another provider");
}

#[test]
fn a_class_whose_key_is_missing_names_the_variable() {
    let ended = Home::holding(SMALL).with_policy(&["route", "quick_answer", "Why?"]).ends();
    let ended = ended.exits(1);
    assert!(ended.stderr.contains("OPENAI_API_KEY is not set"), "{}", ended.stderr);
    assert!(ended.stderr.contains(".env"), "{}", ended.stderr);
}

#[test]
fn an_unknown_class_is_answered_with_the_nearest_and_all_others() {
    let ended = Home::holding(SMALL).with_policy(&["route", "quick_anwser", "Why?"]).ends();
    let ended = ended.exits(1);
    assert!(ended.stderr.contains("did you mean `quick_answer`?"), "{}", ended.stderr);
}

#[test]
fn offline_answers_without_key_and_without_network() {
    let provider = BlockingProvider::answering("small", "never");
    let home = home_of(&provider);
    let run = home.with_policy(&["--offline", "--json", "route", "quick_answer", "Why?"]);
    let envelope = run.ends().exits(0).document();
    assert_eq!(envelope["meta"]["offline"], true);
    assert!(!envelope["data"]["text"].as_str().unwrap().is_empty());
    assert_eq!(provider.requests().len(), 0);
}

/// A text by which a model could try to take control of a terminal.
pub(crate) const ESCAPES: &str = "a\x1b[31mred\x1b]0;title\x07\u{202e}z";

#[test]
fn a_pipe_gets_the_bytes_that_the_model_wrote() {
    let provider = BlockingProvider::answering("small", ESCAPES);
    let home = home_of(&provider);
    let ended = asking(&home, &["quick_answer", "Why?"]).ends().exits(0);
    assert_eq!(ended.stdout, format!("{ESCAPES}\n"));
    let envelope = asking(&home, &["quick_answer", "Why?", "--json"]).ends().exits(0).document();
    assert_eq!(envelope["data"]["text"], ESCAPES);
}

#[test]
fn an_error_of_a_provider_reaches_stderr_without_its_escape_sequences() {
    let (told, _) = failing(400, ESCAPES);
    assert!(told.stderr.contains("title"), "the provider's words are told: {}", told.stderr);
    assert!(!told.stderr.contains(['\x1b', '\x07', '\u{202e}']), "{:?}", told.stderr);
}
