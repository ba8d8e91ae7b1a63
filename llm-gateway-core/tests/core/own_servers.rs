//! Servers of the user's own: headers that the policy sends to them, and servers that do not
//! stream.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use llm_gateway_core::config::PolicySource;
use llm_gateway_core::describe::KeyState;
use llm_gateway_core::ledger::{MemoryLedger, SpendBy};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Category, Environment, Gateway, Request, Scripted};
use serde_json::Value;
use test_support::{FakeProvider, Place, Wire};

use crate::support::{loaded_from, obeying, outcomes, spent};

const SECRET: &str = "pk-canary-0123456789abcdef";

/// Returns a policy that asks a server at `base_url`, with `more` keys of its provider.
fn policy(base_url: &str, more: &str) -> String {
    format!(
        "defaults: {{ask: {{provider: lab, model: m, max_tokens: 100}}}}
reliability: {{retry: {{max_retries: 1, base_delay_s: 0.001}}}}
providers:
  lab:
    kind: openai
    base_url: {base_url}
    api_key_env: null
    models: {{m: {{in: 1, out: 10}}}}
{more}"
    )
}

#[tokio::test]
async fn headers_of_the_policy_reach_the_server_with_their_variables() {
    let fake = FakeProvider::answering(Wire::OpenAi, "m", &format!("you said {SECRET}")).await;
    let headers = "    headers: {x-portkey-provider: openai, X-Key: \"Bearer ${LAB_KEY}!\"}\n";
    let place = Place::with_policy(policy(&fake.base_url(), headers))
        .dotenv(&format!("LAB_KEY={SECRET}\nOTHER=x\n"));
    let builder = Gateway::builder().environment(Environment::empty());
    let gateway = builder.policy_file(place.policy()).build().unwrap();
    let described = &gateway.describe().unwrap().providers;
    let lab = described.iter().find(|it| it.name.as_str() == "lab").unwrap();
    assert_eq!((lab.key, &lab.header_variables[..]), (KeyState::Set, &["LAB_KEY".to_owned()][..]));
    let answer = gateway.route(Request::new("ask", "hi")).await.unwrap();
    assert_eq!(answer.text(), "you said [redacted]", "the scrubber knows the value");
    let request = fake.request().await;
    assert_eq!(request.headers["x-portkey-provider"], "openai");
    assert_eq!(request.headers["x-key"], format!("Bearer {SECRET}!"));
    assert!(!request.headers.contains_key("authorization"));
}

#[tokio::test]
async fn a_variable_of_a_header_that_is_missing_is_a_missing_key() {
    let fake = FakeProvider::answering(Wire::OpenAi, "m", "hello").await;
    let headers = "    headers: {x-a: \"${LAB_A}\", x-b: \"${LAB_B}\"}\n";
    for value in ["", "${LAB_B}"] {
        let environment = Environment::empty().with("LAB_A", "a").with("LAB_B", value);
        let builder = obeying(policy(&fake.base_url(), headers)).environment(environment);
        let gateway = builder.build().unwrap();
        let failure = gateway.route(Request::new("ask", "hi")).await.unwrap_err();
        assert_eq!(failure.category(), Category::MissingKey, "{failure}");
        assert!(failure.to_string().contains("LAB_B"), "{failure}");
        let description = gateway.describe().unwrap();
        let class = &description.task_classes[0];
        assert_eq!((class.available, &class.missing_keys[..]), (false, &["LAB_B".to_owned()][..]));
        assert_eq!(class.unavailable_because.as_deref(), Some("set LAB_B"));
    }
    let unfit = Environment::empty().with("LAB_A", "a").with("LAB_B", "line\none");
    let builder = obeying(policy(&fake.base_url(), headers)).environment(unfit);
    let failure = builder.build().unwrap().route(Request::new("ask", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::Auth, "{failure}");
    assert!(fake.requests().await.is_empty(), "nothing was sent");
}

#[test]
fn a_header_that_a_policy_may_not_send_is_an_error_at_its_place() {
    let problems = |kind: &str, header: &str| {
        let yaml = policy("http://127.0.0.1:1", &format!("    headers:\n      {header}\n"));
        let yaml = yaml.replace("kind: openai", &format!("kind: {kind}"));
        let loaded = loaded_from(&PolicySource::Text(yaml), Environment::empty());
        let [problem] = &loaded.problems[..] else { panic!("{header}: {:?}", loaded.problems) };
        assert_eq!(problem.line, 10, "{header}");
        assert!(loaded.policy.is_err(), "{header}");
        format!("{problem}")
    };
    for (kind, header, says) in [
        ("openai", "Authorization: x", "api_key_env"),
        ("openai", "HOST: example.com", "set by the gateway"),
        ("openai", "Content-Length: \"5\"", "set by the gateway"),
        ("openai", "content-type: text/plain", "set by the gateway"),
        ("openai", "transfer-encoding: chunked", "set by the gateway"),
        ("openai", "accept-encoding: gzip", "set by the gateway"),
        ("anthropic", "x-api-key: x", "set by the gateway"),
        ("anthropic", "Anthropic-Version: x", "set by the gateway"),
        ("gemini", "X-Goog-Api-Key: x", "set by the gateway"),
        ("openai", "\"x a\": x", "not the name of a header"),
        ("openai", "x-a: \"${LAB\"", "without its }"),
        ("openai", "x-a: \"${lab key}\"", "not the name of a variable"),
        ("openai", "x-a: $LAB_KEY", "without braces"),
        ("openai", "x-a: \"a\\nb\"", "no header can carry"),
        ("openai", "x-a: \"caf\u{e9}\"", "no header can carry"),
        ("openai", "x-a: sk-proj-0123456789abcdefghijklmnop", "looks like a key"),
        ("openai", "x-a: 5", "text"),
        ("openai", "x-a: null", "text"),
    ] {
        let shown = problems(kind, header);
        assert!(shown.contains(says), "{header}: {shown}");
        assert!(!shown.contains("sk-proj-"), "{shown}");
    }
    let twice = policy("http://127.0.0.1:1", "    headers: {x-a: \"1\", X-A: \"2\"}\n");
    let loaded = loaded_from(&PolicySource::Text(twice), Environment::empty());
    assert!(loaded.problems[0].message.contains("twice"), "{:?}", loaded.problems);
}

/// A server that refuses a stream with `status` and `words`, and answers a request without one.
struct Whole {
    status: u16,
    words: &'static str,
    /// Whether each request asked for a stream, in order.
    asked: Mutex<Vec<bool>>,
}

#[async_trait]
impl Transport for Whole {
    async fn send(
        &self,
        request: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let is_stream = body.get("stream").is_some();
        assert_eq!(body.get("stream_options").is_some(), is_stream);
        self.asked.lock().unwrap().push(is_stream);
        let (status, body) = match is_stream {
            true => (self.status, self.words.to_owned()),
            false => (200, Wire::OpenAi.answer("m", "hello").to_string()),
        };
        let status = StatusCode::from_u16(status).unwrap();
        Ok(HttpResponse::new(status, HeaderMap::new(), Body::whole(body.into_bytes())))
    }
}

fn whole(status: u16, words: &'static str) -> (Arc<Whole>, Gateway, Arc<MemoryLedger>) {
    let server = Arc::new(Whole { status, words, asked: Mutex::default() });
    let ledger = Arc::new(MemoryLedger::new());
    let builder = obeying(policy("https://lab.example.com/v1", "")).transport(server.clone());
    (server, builder.ledger(ledger.clone()).build().unwrap(), ledger)
}

#[tokio::test]
async fn a_server_that_refuses_a_stream_is_asked_once_more_and_remembered() {
    for (status, words) in [
        (400, r#"{"error":{"message":"Unrecognized request argument: stream_options"}}"#),
        (422, r#"{"detail":[{"loc":["body","stream"],"msg":"Extra inputs are not permitted"}]}"#),
    ] {
        let (server, gateway, ledger) = whole(status, words);
        let answer = gateway.route(Request::new("ask", "hi")).await.unwrap();
        assert_eq!(answer.retries(), 0, "it is no retry");
        assert_eq!(outcomes(&answer.attempts), ["invalid_request", "ok"]);
        let refused = &answer.attempts[0];
        assert_eq!((refused.refused_stream, refused.http_status), (true, Some(status)));
        assert_eq!(refused.cost.map(|cost| cost.as_nanos()), Some(0), "nothing was billed");
        assert!(!answer.attempts[1].refused_stream);
        let next = gateway.route(Request::new("ask", "again")).await.unwrap();
        assert_eq!(outcomes(&next.attempts), ["ok"], "it is remembered");
        assert_eq!(*server.asked.lock().unwrap(), [true, false, false]);
        let spent = spent(&ledger, SpendBy::Model).await;
        assert_eq!(spent.held.as_nanos(), 0);
    }
}

#[tokio::test]
async fn a_400_about_something_else_is_not_asked_again() {
    let (server, gateway, _) = whole(400, r#"{"error":"upstream says: bad request"}"#);
    let failure = gateway.route(Request::new("ask", "hi")).await.unwrap_err();
    assert_eq!(outcomes(failure.attempts()), ["invalid_request"]);
    assert!(!failure.attempts()[0].refused_stream);
    assert_eq!(*server.asked.lock().unwrap(), [true]);
}

/// Returns the body of the request that a policy leads to.
async fn body_of(policy: &str, environment: Environment) -> Value {
    let script = Scripted::new();
    let builder = obeying(policy).environment(environment).transport(Arc::new(script.clone()));
    builder.build().unwrap().route(Request::new("ask", "hi")).await.unwrap();
    serde_json::from_slice(&script.requests()[0].body).unwrap()
}

/// Checks that a new model of OpenAI is asked with the parameter that OpenAI accepts. It once was
/// asked with `max_tokens`, which OpenAI refuses.
#[tokio::test]
async fn a_model_of_openai_that_no_table_knows_is_asked_as_its_family_is() {
    let key = || Environment::empty().with("OPENAI_API_KEY", "sk-0123456789abcdef");
    let azure = "providers: {lab: {kind: openai, api_key_env: null, \
                 base_url: \"https://me.openai.azure.com/openai/v1\"}}\n";
    let own = "providers: {lab: {kind: openai, api_key_env: null, \
               base_url: \"https://lab.example.com/v1\"}}\n";
    let priced = "providers: {openai: {models: {gpt-9-sol: {in: 1, out: 2}}}}\n";
    let stated = "providers: {openai: {models: {gpt-9-sol: {capabilities: []}}}}\n";
    for (provider, model, more, is_renamed) in [
        ("openai", "gpt-9-sol", "", true),
        ("openai", "o7-mini", "", true),
        ("openai", "gpt-4o-next", "", false),
        ("openai", "gpt-9-sol", priced, true),
        ("openai", "gpt-9-sol", stated, false),
        ("lab", "gpt-9-sol", azure, true),
        ("lab", "gpt-9-sol", own, false),
    ] {
        let class = format!("defaults: {{ask: {{provider: {provider}, model: {model}}}}}\n{more}");
        let body = body_of(&class, key()).await;
        let renamed = body.get("max_completion_tokens").is_some();
        assert_eq!(
            (renamed, body.get("max_tokens").is_none()),
            (is_renamed, is_renamed),
            "{class}"
        );
    }
}

#[tokio::test]
async fn a_prompt_that_cannot_fit_is_refused_before_it_is_paid_for() {
    let yaml = policy("https://lab.example.com/v1", "").replace("{in: 1,", "{context: 10, in: 1,");
    let script = Scripted::new();
    let gateway = obeying(yaml).transport(Arc::new(script.clone())).build().unwrap();
    let ask = |prompt: String| gateway.route(Request::new("ask", prompt));
    let failure = ask("word ".repeat(11)).await.unwrap_err();
    assert_eq!(failure.category(), Category::ContextLength, "{failure}");
    assert_eq!(failure.to_string(), "lab/m takes 10 tokens, and the prompt is 11 words or more");
    assert!(script.requests().is_empty(), "nothing was sent");
    // What may fit is sent: ten words, and any length of marks and spaces.
    ask(format!("{}{}", "word ".repeat(10), " -".repeat(5_000))).await.unwrap();
}

#[test]
fn openrouter_and_huggingface_are_there_with_their_keys_alone() {
    let listed = |policy: &str, environment: Environment| {
        let gateway = obeying(policy).environment(environment).build().unwrap();
        let providers = gateway.describe().unwrap().providers;
        providers.into_iter().map(|it| (it.name.to_string(), it.base_url)).collect::<Vec<_>>()
    };
    let names = |listed: &[(String, String)]| -> Vec<String> {
        listed.iter().map(|(name, _)| name.clone()).collect()
    };
    let plain = "defaults: {ask: {provider: openai, model: gpt-6-luna}}\n";
    let built_in = ["anthropic", "deepseek", "gemini", "openai"];
    assert_eq!(names(&listed(plain, Environment::empty())), built_in);
    let keys = Environment::empty().with("OPENROUTER_API_KEY", "k").with("HF_TOKEN", "k");
    let with_keys = listed(plain, keys);
    for (name, base_url) in [
        ("openrouter", "https://openrouter.ai/api/v1"),
        ("huggingface", "https://router.huggingface.co/v1"),
    ] {
        assert!(with_keys.contains(&(name.to_owned(), base_url.to_owned())), "{with_keys:?}");
    }
    let used = "defaults: {ask: {provider: openrouter, model: a/b}}\n";
    assert!(names(&listed(used, Environment::empty())).contains(&"openrouter".to_owned()));
    let written = "defaults: {ask: {provider: openai, model: gpt-6-luna}}\n\
                   providers: {huggingface: {timeout_s: 5}}\n";
    assert!(names(&listed(written, Environment::empty())).contains(&"huggingface".to_owned()));
}
