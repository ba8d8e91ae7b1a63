//! Random panels, clean and dirty. No clean one may raise an alarm, and every dirty one must.
//!
//! A few hundred run with the suite. The large form is a command:
//!
//! ```sh
//! LLM_GATEWAY_PANELS=10000 cargo test --release -p llm-gateway-core --test core generated
//! ```

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use llm_gateway_core::Error;
use llm_gateway_core::certificate::{Certificate, Claim};
use llm_gateway_core::model::Completion;
use llm_gateway_core::provider::{Call, Prepared, Provider};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Recorder, Transport, TransportError,
};
use serde_json::Value;
use test_support::Wire;

use super::*;
use crate::support::obeying;

/// A seeded source of choices: SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| self.one_of(&['0', '1', '4', '7', 'a', 'c', 'e', 'f'])).collect()
    }
}

/// A member of a generated panel, and what its server answers.
#[derive(Debug, Clone)]
struct Member {
    wire: Wire,
    /// The id that is requested.
    model: String,
    developer: String,
    family: String,
    /// The id that the response names; `None` if it names none.
    answers_as: Option<String>,
    response_id: String,
    text: String,
    headers: Vec<(&'static str, String)>,
    /// The statuses of the attempts that fail before the answer.
    fails_with: Vec<u16>,
    /// What this process's own adapter adds to its requests, if it has one.
    leak: Option<Leak>,
}

/// What a faulty adapter of OpenAI's format does to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leak {
    Question,
    System,
    Turn,
    Metadata,
    Header,
    Query,
    StoredState,
    Invisible,
    Retry,
}

const NAMES: &[&str] = &[
    "aurora", "boreal", "cirrus", "dune", "ember", "fjord", "garnet", "harbor", "iris", "juniper",
    "karst", "lumen", "meadow", "nimbus", "onyx", "prairie",
];
const ENDINGS: &[&str] = &["", "-1", "-2.5-pro", "-mini", "-70b", "-r1-distill", "-4o", "-turbo"];
const DATES: &[&str] =
    &["-2026-08-01", "-20260801", "-0613", "-2411", "-08-2025", "-05-06", "-001"];
const TEXTS: &[&str] = &["B", "yes", "42", "The second option.", "{\"answer\": 3}", "ja"];

/// Headers that clean servers and proxies send.
const HARMLESS: &[(&str, &str)] = &[
    ("x-request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
    ("cf-cache-status", "DYNAMIC"),
    ("x-cache", "Miss from cloudfront"),
    ("cache-control", "no-store"),
    ("cache-tag", "cached,hit"),
    ("x-cache-key", "/hit/v1"),
    ("age", "0"),
    ("cache-status", "edge; fwd=miss; detail=\"no hit\""),
    ("x-litellm-attempted-fallbacks", "0"),
    ("x-litellm-attempted-retries", "2"),
    ("x-portkey-last-used-option-index", "config.targets[0]"),
    ("x-portkey-cache-status", "MISS"),
    ("fireworks-cached-prompt-tokens", "12"),
    ("server-timing", "total; dur=31"),
    ("x-litellm-cache-hit", "False"),
];

/// Headers of answers that came from a cache.
const CACHED: &[(&str, &str)] = &[
    ("x-cache", "HIT"),
    ("x-cache", "TCP_REFRESH_UNMODIFIED"),
    ("age", "31"),
    ("cache-status", "edge; fwd=uri-miss; collapsed"),
    ("cache-status", "edge; fwd=stale; fwd-status=304"),
    ("cf-aig-cache-status", "HIT"),
    ("helicone-cache", "HIT"),
    ("x-portkey-cache-status", "SEMANTIC HIT"),
    ("x-litellm-cache-key", "5d41402abc4b2a76"),
    ("x-varnish", "32770 3"),
];

/// Headers of answers by another model than the one that was asked for.
const REROUTED: &[(&str, &str)] = &[
    ("x-litellm-attempted-fallbacks", "1"),
    ("x-portkey-last-used-option-index", "config.targets[2]"),
    ("helicone-fallback-index", "1"),
    ("cf-aig-step", "1"),
    ("ngrok-aig-model", "another-model"),
];

/// Returns a clean panel.
fn clean(dice: &mut Dice) -> Vec<Member> {
    let start = dice.below(NAMES.len());
    (0..2 + dice.below(3)).map(|n| member(dice, NAMES[(start + n) % NAMES.len()])).collect()
}

fn member(dice: &mut Dice, name: &str) -> Member {
    let wire = dice.one_of(&[Wire::OpenAi, Wire::Anthropic, Wire::Gemini]);
    let model = format!("{name}{}", dice.one_of(ENDINGS));
    let answers_as = match dice.below(5) {
        0 => Some(format!("{model}{}", dice.one_of(DATES))),
        1 => Some(format!("{name}-labs/{}", model.to_uppercase())),
        2 => Some(format!("{model}:free")),
        3 => None,
        _ => Some(model.clone()),
    };
    let mut headers: Vec<_> = (0..dice.below(4)).map(|_| dice.one_of(HARMLESS)).collect();
    headers.dedup_by_key(|header| header.0);
    Member {
        wire,
        model,
        developer: format!("{name} labs"),
        family: name.to_owned(),
        answers_as,
        response_id: format!("resp_{}", dice.hex(20)),
        text: dice.one_of(TEXTS).to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect(),
        fails_with: if dice.below(6) == 0 { vec![dice.one_of(&[503, 500, 529])] } else { vec![] },
        leak: None,
    }
}

/// Makes a clean panel dirty in one way. Returns what was done, and the claim that must not pass.
fn soil(dice: &mut Dice, members: &mut [Member]) -> (String, &'static str) {
    let at = dice.below(members.len());
    let other = (at + 1 + dice.below(members.len() - 1)) % members.len();
    let sibling = members[other].clone();
    let member = &mut members[at];
    let (what, claim) = match dice.below(12) {
        0 => {
            let (name, value) = dice.one_of(CACHED);
            member.headers.retain(|header| header.0 != name);
            member.headers.push((name, value.to_owned()));
            (format!("{name}: {value}"), "fresh")
        }
        1 => {
            (member.response_id, member.text) = (sibling.response_id, sibling.text);
            ("one response for two members".to_owned(), "fresh")
        }
        2 => {
            let (name, value) = dice.one_of(REROUTED);
            member.headers.retain(|header| header.0 != name);
            member.headers.push((name, value.to_owned()));
            member.answers_as = Some(member.model.clone());
            (format!("{name}: {value}"), "model_distinct")
        }
        3 => {
            let id = dice.hex(32);
            for member in [at, other] {
                members[member].headers.push(("x-litellm-model-id", id.clone()));
            }
            ("one deployment for two members".to_owned(), "model_distinct")
        }
        4 => {
            member.answers_as = Some(sibling.model);
            ("a sibling's model answered".to_owned(), "model_distinct")
        }
        5 => {
            member.answers_as = Some(format!("host/{}{}", sibling.model, dice.one_of(DATES)));
            ("a sibling's model answered under a host's name".to_owned(), "model_distinct")
        }
        6 => {
            member.answers_as = Some(format!("{}-other", member.model));
            ("a model that nobody knows answered".to_owned(), "model_distinct")
        }
        7 => {
            member.developer = sibling.developer.to_uppercase();
            ("one developer".to_owned(), "vendor_distinct")
        }
        8 => {
            member.family = sibling.family;
            ("one family".to_owned(), "lineage_distinct")
        }
        9 => {
            member.fails_with = vec![500; 9];
            ("a member that does not answer".to_owned(), "answered_quorum")
        }
        _ => {
            member.wire = Wire::OpenAi;
            let leak = dice.one_of(&[
                Leak::Question,
                Leak::System,
                Leak::Turn,
                Leak::Metadata,
                Leak::Header,
                Leak::Query,
                Leak::StoredState,
                Leak::Invisible,
                Leak::Retry,
            ]);
            member.fails_with = if leak == Leak::Retry { vec![503] } else { vec![] };
            member.leak = Some(leak);
            (format!("an adapter leaks by {leak:?}"), "context_blind")
        }
    };
    (what, claim)
}

/// Servers that answer each member of a generated panel, at the host of its name.
#[derive(Clone)]
struct Servers(Arc<Vec<(Member, std::sync::atomic::AtomicUsize)>>);

impl Servers {
    fn answer(&self, request: &HttpRequest) -> (StatusCode, HeaderMap, String) {
        let host = request.url.split(['/', '.']).nth(2).unwrap_or_default();
        let at: usize = host.trim_start_matches('p').parse().unwrap();
        let (member, asked) = &self.0[at];
        let n = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if let Some(status) = member.fails_with.get(n) {
            let status = StatusCode::from_u16(*status).unwrap();
            return (status, HeaderMap::new(), "{\"error\": {\"message\": \"busy\"}}".to_owned());
        }
        let mut body = member.wire.answer(&member.model, &member.text);
        let (model, id) = match member.wire {
            Wire::Gemini => ("modelVersion", "responseId"),
            _ => ("model", "id"),
        };
        body[model] = member.answers_as.clone().map_or(Value::Null, Value::from);
        body[id] = member.response_id.clone().into();
        let mut headers = HeaderMap::new();
        for (name, value) in &member.headers {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        (StatusCode::OK, headers, body.to_string())
    }
}

#[async_trait]
impl Transport for Servers {
    async fn send(
        &self,
        request: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let (status, headers, body) = self.answer(request);
        Ok(HttpResponse::new(status, headers, Body::whole(body.into_bytes())))
    }
}

/// A faulty adapter of OpenAI's format.
struct Faulty {
    at: usize,
    leak: Leak,
    servers: Servers,
}

#[async_trait]
impl Provider for Faulty {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        const SECRET: &str = "Member A said yes.";
        let question: String = call.prompt.texts().collect();
        let mut turns = vec![json!({"role": "user", "content": question})];
        let mut url = format!("http://p{}.test/v1/chat/completions", self.at);
        let mut headers = HeaderMap::new();
        match self.leak {
            Leak::Question => turns[0]["content"] = format!("{question} {SECRET}").into(),
            Leak::Invisible => turns[0]["content"] = format!("{question}\u{200b}").into(),
            Leak::System => turns.insert(0, json!({"role": "system", "content": SECRET})),
            Leak::Turn => turns.push(json!({"role": "assistant", "content": SECRET})),
            Leak::Header => drop(headers.insert("x-note", HeaderValue::from_static("yes"))),
            Leak::Query => url.push_str("?hint=yes"),
            Leak::Metadata | Leak::StoredState | Leak::Retry => {}
        }
        let mut body =
            json!({"model": call.model, "messages": turns, "max_tokens": call.max_tokens});
        match self.leak {
            Leak::Metadata => body["metadata"] = json!({"note": SECRET}),
            Leak::StoredState => body["previous_response_id"] = "resp_1".into(),
            _ => {}
        }
        Ok(Prepared::recorded(call, HttpRequest::post(url, headers, body.to_string())))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        let mut request = prepared.request.clone().unwrap();
        let asked = self.servers.0[self.at].1.load(std::sync::atomic::Ordering::Relaxed);
        if self.leak == Leak::Retry && asked > 0 {
            let body = String::from_utf8(request.body.to_vec()).unwrap();
            request = HttpRequest::post(request.url, request.headers, format!("{body} "));
        }
        recorder.sent(&request);
        let (status, headers, body) = self.servers.answer(&request);
        recorder.received(status, headers, body);
        match status.is_success() {
            true => Ok(Completion::text(self.servers.0[self.at].0.text.clone())),
            false => Err(Error::new(Category::Provider5xx, "busy")),
        }
    }
}

/// Returns the policy of a generated panel.
fn policy(members: &[Member]) -> String {
    let named: Vec<_> = (0..members.len())
        .map(|at| format!("{{provider: p{at}, model: \"{}\"}}", members[at].model))
        .collect();
    let providers: String = members
        .iter()
        .enumerate()
        .map(|(at, Member { wire, model, developer, family, .. })| {
            let kind = match wire {
                Wire::Anthropic => "anthropic",
                Wire::Gemini => "gemini",
                Wire::OpenAi | Wire::DeepSeek => "openai",
            };
            let base = wire.base();
            format!(
                "  p{at}: {{kind: {kind}, base_url: \"https://p{at}.test{base}\", api_key_env: null, \
                 stream: false, models: {{\"{model}\": {{in: 1, out: 1, developer: {developer}, \
                 lineage: [{family}]}}}}}}\n"
            )
        })
        .collect();
    format!(
        "defaults: {{three: {{members: [{}], max_tokens: 100}}}}\n\
         visibility: {{three: {{mode: blind, require: lineage_distinct}}}}\n\
         reliability: {{retry: {{max_retries: 3, base_delay_s: 0.001}}}}\nproviders:\n{providers}",
        named.join(", ")
    )
}

/// Asks a generated panel, checks that its receipt holds, and returns the certificate.
async fn certificate(members: &[Member]) -> Certificate {
    let servers = Servers(Arc::new(members.iter().map(|it| (it.clone(), 0.into())).collect()));
    let mut builder = obeying(policy(members)).transport(Arc::new(servers.clone()));
    for (at, member) in members.iter().enumerate() {
        if let Some(leak) = member.leak {
            let faulty = Faulty { at, leak, servers: servers.clone() };
            builder = builder.provider(&format!("p{at}"), Arc::new(faulty));
        }
    }
    let outcome = builder.build().unwrap().panel(Request::new("three", "Which one?")).await;
    let (receipt, bundle, certificate) = match &outcome {
        Ok(panel) => (&panel.receipt, &panel.bundle, panel.certificate()),
        Err(failure) => {
            let panel = failure.panel().unwrap_or_else(|| panic!("{failure:?}"));
            (&panel.receipt, &panel.bundle, panel.certificate())
        }
    };
    let bundle = bundle.to_bytes();
    let verified = verify(&receipt.to_bytes(), Against::default().with_bundle(&bundle));
    assert_eq!(verified.result, VerifyResult::Holds, "{members:#?}: {:?}", verified.findings);
    certificate.clone()
}

/// Returns how many panels are generated, clean and dirty each.
#[allow(clippy::disallowed_methods)] // The large form is asked for by a variable.
fn panels() -> u64 {
    let asked = std::env::var("LLM_GATEWAY_PANELS").ok().and_then(|count| count.parse().ok());
    asked.unwrap_or(100)
}

#[tokio::test(start_paused = true)]
async fn generated_clean_panels_raise_no_alarm() {
    for seed in 0..panels() {
        let members = clean(&mut Dice(seed));
        let certificate = certificate(&members).await;
        let failed: Vec<(&str, &Claim)> = certificate.claims.named();
        let not_passed: Vec<_> =
            failed.iter().filter(|(_, claim)| claim.result != ClaimResult::Pass).collect();
        assert!(not_passed.is_empty(), "seed {seed}: {not_passed:#?} {members:#?}");
        assert!(certificate.independence_certified(), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn generated_dirty_panels_are_all_noticed() {
    for seed in 0..panels() {
        let mut dice = Dice(seed ^ (1 << 63));
        let mut members = clean(&mut dice);
        let (what, claim) = soil(&mut dice, &mut members);
        let certificate = certificate(&members).await;
        let named = certificate.claims.named();
        let (_, found) = named.iter().find(|(name, _)| *name == claim).unwrap();
        assert_ne!(
            found.result,
            ClaimResult::Pass,
            "seed {seed}, {what}: {} {members:#?}",
            found.because
        );
        // An unknown `fresh` alone leaves a panel certified.
        if found.result == ClaimResult::Fail || claim != "fresh" {
            assert!(!certificate.independence_certified(), "seed {seed}, {what}");
        }
    }
}
