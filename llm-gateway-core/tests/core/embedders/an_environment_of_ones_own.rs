//! An environment that is given is the only one that is read: what the process has is not.

use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::{Category, Environment, Gateway, Request};

/// The variable by which a test knows that it is the program within.
const WITHIN: &str = "EMBEDDER_WITHIN";

/// Starts this very test in a process with these variables, and returns whether it passed.
fn passes_with(test: &str, variables: &[(&str, &str)]) {
    let this = std::env::current_exe().unwrap();
    let mut child = Command::new(this);
    child.args(["--exact", test, "--nocapture"]).env(WITHIN, "1");
    let ended = child.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

fn is_within() -> bool {
    Environment::from_process().get(WITHIN).is_some()
}

const POLICY: &str = "
defaults: {q: {provider: far, model: m}, k: {provider: openai, model: gpt-6-luna}}
providers: {far: {kind: openai, base_url: \"http://llm.invalid/v1\", insecure_http: true, api_key_env: null, models: {m: {in: 1, out: 1}}}}
reliability: {retry: {max_retries: 0}}
";

#[tokio::test]
async fn variables_of_the_process_change_nothing() {
    if !is_within() {
        let (proxy, asked) = proxy();
        let spoilt: Vec<(&str, &str)> = [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "OPENAI_BASE_URL",
            "ANTHROPIC_BASE_URL",
            "GEMINI_BASE_URL",
            "DEEPSEEK_BASE_URL",
        ]
        .into_iter()
        .map(|name| (name, proxy.as_str()))
        .chain([
            ("OPENAI_API_KEY", "sk-of-the-process"),
            ("LLM_GATEWAY_DISABLED", "1"),
            ("LLM_GATEWAY_EXPENSIVE_DISABLED", "1"),
            ("LLM_GATEWAY_LEDGER", "1"),
            ("LLM_GATEWAY_LEDGER_PATH", "not/absolute"),
            ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "nonsense"),
            ("LLM_GATEWAY_CAP_SESSION", "0.000000001"),
            ("LLM_GATEWAY_ROUTING", "/nowhere/routing.yaml"),
        ])
        .collect();
        passes_with(
            concat!(module_path!(), "::variables_of_the_process_change_nothing")
                .split_once("::")
                .unwrap()
                .1,
            &spoilt,
        );
        assert_eq!(asked.load(Ordering::SeqCst), 0, "the process's proxy was asked");
        return;
    }
    let empty = Environment::empty();
    assert_eq!(PolicySource::discover(&empty), PolicySource::Embedded);
    let built = Gateway::builder().policy_yaml(POLICY).environment(empty.clone()).build().unwrap();
    // A key that only the process has is told as a warning, if at all; nothing else is.
    assert_eq!((built.problems(), &*built.certificate_problems()), (&[][..], &[][..]));
    for (class, category) in [("q", Category::Network), ("k", Category::MissingKey)] {
        let failure = built.route(Request::new(class, "?")).await.unwrap_err();
        assert_eq!(failure.category(), category, "{failure}");
        assert!(!failure.to_string().contains("proxy"), "{failure}");
    }
    let described = serde_json::to_value(built.describe().unwrap()).unwrap();
    assert!(described.get("proxy").is_none() && described.get("certificates").is_none());
}

/// A listener that counts who comes, and answers nobody.
fn proxy() -> (String, std::sync::Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(connection);
        }
    });
    (address, asked)
}
