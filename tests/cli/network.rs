//! Proxies, certificates and base URLs that variables set: used, shown, and named where they cannot
//! be used.

use serde_json::{Value, json};
use test_support::BlockingProvider;

use crate::policies::SMALL;
use crate::program::{Home, Run};

/// A policy of one class that is answered on another machine, in plain http.
const FAR: &str = "\
defaults:
  quick_answer: {provider: far, model: m, max_tokens: 256}
reliability: {retry: {max_retries: 0}}
providers:
  far: {kind: openai, base_url: 'http://far.example/v1', insecure_http: true, api_key_env: null,
        models: {m: {in: 1, out: 2}}}
";

fn with(run: Run, variables: &[(&str, &str)]) -> Run {
    variables.iter().fold(run, |run, (name, value)| run.env(name, value))
}

/// Returns the messages of the problems that `check` finds.
fn found(home: &Home, variables: &[(&str, &str)]) -> (Value, Vec<String>) {
    let run = with(home.with_policy(&["check", "--json"]), variables);
    let document = run.ends().exits(0).document();
    let problems = document["data"]["problems"].as_array().expect("a list").clone();
    let messages = problems.iter().map(|it| it["message"].as_str().expect("a text").to_owned());
    (document, messages.collect())
}

#[test]
fn a_call_goes_through_a_proxy_and_never_shows_its_password() {
    let proxy = BlockingProvider::answering("m", "by proxy");
    let home = Home::holding(FAR);
    let url = proxy.address().replace("http://", "http://canary-user:canary-word@");
    let variables = [("http_proxy", &*url)];
    let ask = ["route", "quick_answer", "hi"];
    let ended = with(home.with_policy(&ask), &variables).ends().exits(0);
    assert_eq!(ended.stdout, "by proxy\n");
    let shown = json!({ "variable": "http_proxy", "url": proxy.address() });
    let (document, messages) = found(&home, &variables);
    assert_eq!((&document["data"]["proxy"], messages), (&json!({ "http": shown }), vec![]));
    let info = with(home.with_policy(&["info", "--json"]), &variables).ends().exits(0);
    assert_eq!(info.document()["data"]["proxy"]["http"], shown);
    let address = proxy.address();
    let line = format!("proxy: http by {address} (http_proxy); never to this machine\n");
    for command in ["check", "info"] {
        let run = with(home.with_policy(&[command, "--log", "trace"]), &variables);
        let ended = run.ends().exits(0);
        assert!(ended.stdout.contains(&line), "{}", ended.stdout);
        assert!(!ended.everything().contains("canary"), "{}", ended.everything());
    }
    assert!(!format!("{}{}", ended.everything(), document).contains("canary"));
}

/// A SOCKS proxy is used, so one that nobody runs is named.
#[test]
fn a_socks_proxy_that_cannot_be_reached_is_named() {
    let home = Home::holding(FAR);
    for proxy in ["socks5h://127.0.0.1:9", "socks5h://canary:canary@127.0.0.1:9"] {
        let variables = [("ALL_PROXY", proxy)];
        let ask = ["route", "quick_answer", "hi", "--json"];
        let failure = with(home.with_policy(&ask), &variables).ends().exits(1).document();
        let error = failure["error"].as_str().expect("a sentence");
        let told = "far could not be reached: through the proxy of ALL_PROXY: ";
        assert!(error.starts_with(told), "{error}");
        assert!(!failure.to_string().contains("canary"), "{failure}");
        let (document, messages) = found(&home, &variables);
        assert_eq!(messages, [""; 0]);
        let proxy = &document["data"]["proxy"];
        assert_eq!(proxy["https"]["url"], "socks5h://127.0.0.1:9", "{proxy}");
        assert_eq!(proxy["https"], proxy["http"]);
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_named() {
    let home = Home::holding(FAR);
    for proxy in ["${PROXY}", "socks6://canary@proxy", "http://canary:canary/@proxy", "http://"] {
        let variables = [("all_proxy", proxy)];
        let ask = ["route", "quick_answer", "hi", "--json"];
        let failure = with(home.with_policy(&ask), &variables).ends().exits(1).document();
        let error = failure["error"].as_str().expect("a sentence");
        assert!(error.contains("all_proxy: "), "{error}");
        let hint = failure["meta"]["hint"].as_str().expect("advice");
        assert!(hint.contains("socks5h://"), "{hint}");
        let (document, messages) = found(&home, &variables);
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(message.starts_with("all_proxy: "), "{message}");
        assert!(!format!("{failure}{document}").contains("canary"), "{failure} {document}");
        let strict = home.with_policy(&["check", "--strict"]);
        with(strict, &variables).ends().exits(1);
    }
}

#[test]
fn a_certificate_file_that_is_not_there_is_named() {
    let home = Home::holding(SMALL);
    let key = ("OPENAI_API_KEY", "sk-test-0001");
    for path in ["~/company-ca.pem", "certs/none.pem", "/nowhere/none.pem", "${CA}"] {
        let variables = [key, ("SSL_CERT_FILE", path)];
        let (_, messages) = found(&home, &variables);
        let [message] = messages.as_slice() else { panic!("{messages:?}") };
        assert!(message.starts_with("SSL_CERT_FILE: "), "{message}");
        let ask = ["route", "quick_answer", "hi", "--json"];
        let failure = with(home.with_policy(&ask), &variables).ends().exits(1).document();
        let error = failure["error"].as_str().expect("a sentence");
        let told = "openai was not asked: no certificates can be trusted: SSL_CERT_FILE: ";
        assert!(error.starts_with(told), "{error}");
        let offline = home.with_policy(&["check", "--offline", "--strict"]);
        with(offline, &variables).ends().exits(0);
    }
}

#[test]
fn a_base_url_of_a_variable_is_told() {
    let home = Home::holding(SMALL);
    let (file, url) = ("OPENAI_BASE_URL=http://127.0.0.1:9/v1\n", "http://127.0.0.1:8");
    let variables = [("OPENAI_API_KEY", "sk-test-0001"), ("ANTHROPIC_BASE_URL", url)];
    home.write(".env", file);
    let (document, _) = found(&home, &variables);
    let from = json!({ "anthropic": "environment", "openai": "env_file" });
    assert_eq!(document["data"]["base_url_from"], from);
    let info = with(home.with_policy(&["info", "--json"]), &variables).ends().exits(0).document();
    let providers = info["data"]["providers"].as_array().expect("a list");
    let of =
        |name: &str| providers.iter().find(|it| it["name"] == name).map(|it| &it["base_url_from"]);
    assert_eq!(of("openai"), Some(&json!("env_file")));
    assert_eq!(of("gemini"), Some(&json!("built_in")));
    let check = with(home.with_policy(&["check"]), &variables).ends().exits(0).stdout;
    assert!(check.contains("base URL of anthropic: http://127.0.0.1:8 (ANTHROPIC_BASE_URL)\n"));
    std::fs::remove_file(home.path().join(".env")).expect("the file");
    let (document, messages) = found(&home, &[("OPENAI_API_KEY", "sk-test-0001")]);
    assert_eq!((document["data"].get("base_url_from"), messages), (None, vec![]));
}

/// Codex hands down no variable but those that its entry names.
#[test]
fn codex_lets_the_variables_in_force_through() {
    let home = Home::holding(SMALL);
    let proxies =
        [("https_proxy", "http://canary@proxy:1"), ("NO_PROXY", "a.b"), ("HTTP_PROXY", "")];
    let certificates = [("SSL_CERT_FILE", "/etc/ca.pem")];
    let run = with(home.with_policy(&["client-config", "codex"]), &proxies);
    let entry = with(run, &certificates).ends().exits(0).stdout;
    let names = r#"["NO_PROXY","OPENAI_API_KEY","SSL_CERT_FILE","https_proxy"]"#;
    assert!(entry.contains(&format!("env_vars = {names}\n")), "{entry}");
    assert!(!entry.contains("canary"), "{entry}");
    for client in ["claude-code", "gemini"] {
        let run = with(home.with_policy(&["client-config", client]), &proxies);
        assert!(!run.ends().exits(0).stdout.contains("roxy"), "{client}");
    }
}
