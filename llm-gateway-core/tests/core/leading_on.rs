//! Tests of what an error leads to: a retry, the next target, or the end. The table of section 3 of
//! the contract is repeated here and compared with every category and every status.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Answer, Category, Environment, Error, Failure, Gateway, Request, Scripted};
use tokio::time::Instant;

use crate::support::{ask, attempts, obeying, outcomes, tried};

/// The table: a category, then whether the same target is retried, the next one asked, the breaker
/// told.
const TABLE: &str = "
rate_limit              | yes | yes | yes
overloaded              | yes | yes | yes
provider_5xx            | yes | yes | yes
timeout                 | yes | yes | yes
network                 | yes | yes | yes
truncated               | yes | yes | yes
bad_response            | yes | yes | yes
bad_response of a 4xx   | no  | yes | no
empty_output            | yes | yes | no
breaker_open            | no  | yes | no
quota                   | no  | yes | no
auth                    | no  | yes | no
missing_key             | no  | yes | no
model_not_found         | no  | yes | no
policy_blocked          | no  | yes | no
invalid_request         | no  | no  | no
context_length          | no  | no  | no
content_filter          | no  | no  | no
output_budget_exhausted | no  | no  | no
unknown_task_class      | no  | no  | no
policy_invalid          | no  | no  | no
ledger                  | no  | no  | no
quorum                  | no  | no  | no
independence            | no  | no  | no
cancelled               | no  | no  | no
internal                | no  | no  | no
";

/// Returns what the table says: tried again, goes on, counts.
fn stated(category: Category, status: Option<u16>) -> [bool; 3] {
    let is_4xx = status.is_some_and(|status| status / 100 == 4);
    let name = match (category, is_4xx) {
        (Category::BadResponse, true) => "bad_response of a 4xx",
        _ => category.as_str(),
    };
    let cells = |line: &'static str| line.split('|').map(str::trim).collect::<Vec<_>>();
    let row = TABLE.trim().lines().map(cells).find(|row| row[0] == name).expect(name);
    [row[1], row[2], row[3]].map(|cell| cell == "yes")
}

#[test]
fn every_category_leads_where_the_table_says_at_every_status() {
    for category in Category::ALL.iter().copied() {
        for status in (100..=599).map(Some).chain([None]) {
            let error = Error::new(category, "no");
            let error = status.map_or(error.clone(), |status| error.with_http_status(status));
            let meant = [error.retry_same(), error.next_target(), error.counts_for_breaker()];
            assert_eq!(meant, stated(category, status), "{category} {status:?}");
        }
        let meant = [category.retry_same(), category.next_target(), category.counts_for_breaker()];
        assert_eq!(meant, stated(category, None), "{category}");
    }
}

const POLICY: &str = "
providers:
  first: {kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, stream: false, models: {m: {in: 1, out: 10}}}
  other: {kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, stream: false, models: {m: {in: 1, out: 10}}}
defaults: {ask: {provider: first, model: m, max_tokens: 100}}
fallback: {ask: [{provider: other, model: m}]}
reliability: {deadline_s: 300, retry: {max_retries: 1, base_delay_s: 0.1}, breaker: {failure_threshold: 9}}
";

#[tokio::test(start_paused = true)]
async fn every_status_leads_where_its_category_does() {
    for status in 400..=599 {
        let script = Scripted::new().raw(status, "{}").raw(status, "{}").answer("here");
        let gateway = obeying(POLICY).scripted(script).build().unwrap();
        let outcome = ask(&gateway, "ask").await;
        let attempts = attempts(&outcome);
        let category: Category = attempts[0].outcome.as_str().parse().unwrap();
        let [again, next, counts] = stated(category, Some(status));
        let tries = if again { 2 } else { 1 };
        let mut expected = vec![format!("first {category}"); tries];
        // Without a second try, the other target gets the second reply of the script, which is the
        // same status.
        if next && again {
            expected.push("other ok".to_owned());
        } else if next {
            expected.push(format!("other {category}"));
        }
        assert_eq!(tried(attempts), expected, "{status}");
        let breakers = gateway.describe().unwrap().circuit_breakers;
        let failures = breakers["first/m"].consecutive_failures as usize;
        assert_eq!(failures, if counts { tries } else { 0 }, "{status}");
    }
}

/// Returns a policy of a chain whose targets have these contexts.
fn chain_of(contexts: &[Option<u64>]) -> String {
    let row = |(n, context): (usize, &Option<u64>)| {
        let context = context.map(|context| format!(", context: {context}")).unwrap_or_default();
        format!("m{n}: {{in: 1, out: 10{context}}}")
    };
    let rows: Vec<_> = contexts.iter().enumerate().map(row).collect();
    let later: Vec<_> =
        (1..contexts.len()).map(|n| format!("{{provider: first, model: m{n}}}")).collect();
    format!(
        "
providers: {{first: {{kind: openai, base_url: 'http://127.0.0.1:9/v1', api_key_env: null, stream: false, models: {{{}}}}}}}
defaults: {{ask: {{provider: first, model: m0, max_tokens: 100}}}}
fallback: {{ask: [{}]}}
",
        rows.join(", "),
        later.join(", ")
    )
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_too_long_goes_to_larger_contexts_only() {
    let (k8, k32, k128) = (Some(8_192), Some(32_768), Some(131_072));
    for (contexts, asked) in [
        (&[k8, k32, k128][..], &[0, 1, 2][..]),
        (&[k32, k8, k128], &[0, 2]),
        (&[k32, k32, k8], &[0]),
        (&[k128, k8, k32], &[0]),
        (&[k8, None, k32], &[0, 2]),
        (&[k8, None], &[0]),
        // A context that nobody knows is smaller than this request of 166 tokens at most.
        (&[None, Some(165), Some(166)], &[0, 2]),
        (&[k8], &[0]),
    ] {
        let script = contexts.iter().fold(Scripted::new(), |script, _| script.status(413));
        let gateway = obeying(chain_of(contexts)).scripted(script).build().unwrap();
        let failure = ask(&gateway, "ask").await.unwrap_err();
        assert_eq!(failure.category(), Category::ContextLength, "{contexts:?}");
        let models: Vec<_> =
            failure.attempts().iter().map(|it| it.target.model.to_string()).collect();
        let expected: Vec<_> = asked.iter().map(|n| format!("m{n}")).collect();
        assert_eq!(models, expected, "{contexts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_larger_context_answers_what_the_first_could_not_hold() {
    let script = Scripted::new().status(413).answer("all of it");
    let policy = chain_of(&[Some(8_192), Some(131_072)]);
    let gateway = obeying(policy).scripted(script).build().unwrap();
    let answer = ask(&gateway, "ask").await.unwrap();
    assert_eq!(outcomes(&answer.attempts), ["context_length", "ok"]);
    assert_eq!(answer.fallback_from.unwrap().model.as_str(), "m0");
}

/// A transport that answers the first call with a rate limit and these headers, and the others with
/// a text.
struct Limited {
    headers: HeaderMap,
    body: String,
    calls: AtomicUsize,
}

#[async_trait]
impl Transport for Limited {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        match self.calls.fetch_add(1, Ordering::SeqCst) {
            0 => {
                let body = Body::whole(self.body.clone());
                Ok(HttpResponse::new(StatusCode::TOO_MANY_REQUESTS, self.headers.clone(), body))
            }
            _ => Scripted::new().answer("let in").send(request, credential).await,
        }
    }
}

async fn limited(headers: &[(&'static str, &str)], body: &str) -> (Result<Answer, Failure>, u64) {
    let header =
        |(name, value): &(&'static str, &str)| (name.parse().unwrap(), value.parse().unwrap());
    let headers = headers.iter().map(header).collect();
    let transport = Limited { headers, body: body.to_owned(), calls: AtomicUsize::new(0) };
    let gateway = obeying(POLICY).transport(Arc::new(transport)).build().unwrap();
    let began = Instant::now();
    let outcome = ask(&gateway, "ask").await;
    (outcome, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_is_obeyed_beside_any_reset() {
    let headers = [
        ("retry-after", "1"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "6m0s"),
    ];
    let (outcome, took) = limited(&headers, "{}").await;
    assert_eq!(tried(&outcome.unwrap().attempts), ["first rate_limit", "first ok"]);
    assert_eq!(took, 1);
}

#[tokio::test(start_paused = true)]
async fn a_limit_whose_reset_lies_beyond_the_deadline_is_tried_once() {
    let headers = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")];
    let (outcome, took) = limited(&headers, "{}").await;
    assert_eq!(tried(&outcome.unwrap().attempts), ["first rate_limit", "other ok"]);
    assert_eq!(took, 0);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_not_used_up_is_not_waited_for() {
    let headers = [("x-ratelimit-remaining-tokens", "12"), ("x-ratelimit-reset-tokens", "6m0s")];
    let (outcome, took) = limited(&headers, "{}").await;
    assert_eq!(tried(&outcome.unwrap().attempts), ["first rate_limit", "first ok"]);
    assert_eq!(took, 0, "our own backoff");
}

#[tokio::test(start_paused = true)]
async fn a_wait_behind_a_proxy_is_obeyed() {
    let raw = r#"{\"error\": {\"details\": [{\"retryDelay\": \"9s\"}]}}"#;
    let body = format!(
        r#"{{"error": {{"code": 429, "message": "upstream", "metadata": {{"raw": "{raw}"}}}}}}"#
    );
    let (outcome, took) = limited(&[], &body).await;
    assert_eq!((outcome.unwrap().attempts[1].waited.as_secs(), took), (9, 9));
    // What the proxy's own headers say of a bucket does not replace it.
    let empty = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")];
    let (outcome, took) = limited(&empty, &body).await;
    assert_eq!((outcome.unwrap().attempts[1].waited.as_secs(), took), (9, 9));
    // The headers of the provider behind it count where nothing else is stated.
    let handed_on = r#"{"error": {"code": 429, "metadata": {"headers":
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"}}}}"#;
    let (outcome, took) = limited(&[], handed_on).await;
    assert_eq!((outcome.unwrap().attempts[1].waited.as_secs(), took), (5, 5));
}

/// Returns `meta.blocked_by` of the failure of a request.
async fn blocked_by(gateway: &Gateway, request: Request) -> String {
    let failure = gateway.start(request).outcome.await.unwrap_err();
    let envelope = llm_gateway_core::Envelope::from(&failure);
    assert_eq!(envelope.meta["error_category"], "policy_blocked", "{failure}");
    envelope.meta["blocked_by"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_a_policy_blocks_says_by_what() {
    let policy = "
defaults:
  ask: {provider: openai, model: gpt-6-luna, max_tokens: 1000, allow_override: false}
  panel: {members: [{provider: openai, model: gpt-6-luna}, {provider: anthropic, model: claude-haiku-5-5}], max_tokens: 1000, cost_cap_usd: 0.000001}
";
    let gateway = |policy: &str, variables: &[(&str, &str)]| {
        let environment = variables
            .iter()
            .fold(Environment::empty(), |all, (name, value)| all.with(*name, *value));
        let ledger = Arc::new(llm_gateway_core::ledger::MemoryLedger::new());
        let environment = environment.with("HOME", "/nowhere");
        obeying(policy).environment(environment).offline().ledger(ledger).build().unwrap()
    };
    let ask = || Request::new("ask", "hi");
    let unknown = policy.replace("gpt-6-luna, max", "nobody-knows, max");
    let tiny = format!("{policy}cost_preflight: {{block_usd: 0.000001, warn_usd: 0}}\n");
    let cap = ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "0.000001");
    let of_provider = ("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "0.000001");
    for (policy, variables, request, expected) in [
        (policy, &[("LLM_GATEWAY_DISABLED", "1")][..], ask(), "switch"),
        (policy, &[("LLM_GATEWAY_DISABLED", "1")], Request::new("panel", "hi"), "switch"),
        (&unknown, &[("LLM_GATEWAY_EXPENSIVE_DISABLED", "1")], ask(), "switch"),
        (policy, &[cap], ask(), "cap"),
        (policy, &[of_provider], ask(), "cap"),
        (&unknown, &[cap], ask(), "price"),
        (&tiny, &[], ask(), "price"),
        (policy, &[], Request::new("panel", "hi"), "max_usd"),
        (policy, &[], ask().override_model("gpt-6-sol"), "caller"),
    ] {
        let found = blocked_by(&gateway(policy, variables), request).await;
        assert_eq!(found, expected, "{variables:?} {policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_what_a_provider_will_not_do_for_anybody() {
    for status in [400, 422] {
        let script = Scripted::new().status(status).answer("no");
        let gateway = obeying(POLICY).scripted(script).build().unwrap();
        let failure = ask(&gateway, "ask").await.unwrap_err();
        assert_eq!(outcomes(failure.attempts()), ["invalid_request"]);
    }
    let filtered = r#"{"error": {"code": "content_filter", "message": "no"}}"#;
    let script = Scripted::new().raw(403, filtered).answer("no");
    let gateway = obeying(POLICY).scripted(script).build().unwrap();
    let failure = ask(&gateway, "ask").await.unwrap_err();
    assert_eq!(outcomes(failure.attempts()), ["content_filter"]);
}

#[tokio::test(start_paused = true)]
async fn what_real_servers_refuse_is_answered_by_the_next_target() {
    // Groq: a request larger than the limit of a minute. Bedrock: a model that is not ready.
    let above = r#"{"error": {"type": "tokens", "code": "rate_limit_exceeded", "message": "Request too large for model `m`: limit 6000 tokens per minute, requested 12328"}}"#;
    let not_ready = r#"{"message": "The model is not ready for inference."}"#;
    for (status, body, tries) in [(413, above, 1), (424, not_ready, 2)] {
        let script = (0..tries).fold(Scripted::new(), |script, _| script.raw(status, body));
        let gateway = obeying(POLICY).scripted(script.answer("here")).build().unwrap();
        let answer = ask(&gateway, "ask").await.unwrap();
        assert_eq!(answer.attempts.len(), tries + 1, "{status}");
        assert_eq!(answer.target.provider.as_str(), "other", "{status}");
    }
}
