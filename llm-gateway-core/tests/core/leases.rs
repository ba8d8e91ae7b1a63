//! The source of keys hears exactly once of each lease how its attempt ended, and may offer another
//! key after a failure that is about the key.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, LeaseEnd, Secret};
use llm_gateway_core::model::{NanoUsd, ProviderName, Target};
use llm_gateway_core::transport::{
    Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Category, Event, Gateway, Request, Run, Scripted, Stop, Task};
use tokio::time::Instant;

use crate::support::{obeying, outcomes, tried};

const POLICY: &str = "
providers:
  openai:
    headers: {x-org: '${ORG}', x-both: 'a ${ORG} b ${TEAM}'}
    models: {gpt-6-luna: {in: 1, out: 10}}
  anthropic: {models: {claude-haiku-5-5: {in: 1, out: 10}}}
defaults:
  one: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  two:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
    max_tokens: 100
fallback: {one: [{provider: anthropic, model: claude-haiku-5-5}]}
orchestration:
  roles:
    worker: {provider: openai, model: gpt-6-luna}
    verifier: {provider: anthropic, model: claude-haiku-5-5}
reliability: {deadline_s: 60, retry: {max_retries: 2, base_delay_s: 1}, breaker: {failure_threshold: 1}}
";

/// A source of keys that notes what it lends and hears.
#[derive(Default)]
struct Vault {
    /// The ids of the keys that it offers for the variable of OpenAI's key.
    ids: Vec<&'static str>,
    /// The ids of keys that are offered and gone when they are leased.
    gone: Vec<&'static str>,
    /// A variable for which a lease never comes.
    never: Option<&'static str>,
    leased: Mutex<Vec<String>>,
    heard: Mutex<Vec<String>>,
}

impl Vault {
    fn lend(&self, id: &str) -> Lease {
        self.leased.lock().unwrap().push(id.to_owned());
        Lease::new(id, Secret::new(format!("sk-0123456789-{id}")))
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// Asserts that each lease was reported once, and nothing else.
    fn is_balanced(&self) {
        let mut leased = self.leased.lock().unwrap().clone();
        let heard = self.heard();
        let mut heard: Vec<_> = heard.iter().map(|it| it.split(' ').next().unwrap()).collect();
        leased.sort_unstable();
        heard.sort_unstable();
        assert_eq!(leased, heard);
    }
}

#[async_trait]
impl CredentialSource for Vault {
    async fn lease(&self, _: &ProviderName, variable: &str) -> Option<Lease> {
        if self.never == Some(variable) {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        match variable {
            "OPENAI_API_KEY" => self.ids.first().map(|id| self.lend(id)),
            variable => Some(self.lend(variable)),
        }
    }

    async fn lease_key(&self, _: &ProviderName, variable: &str, id: &str) -> Option<Lease> {
        assert_eq!(variable, "OPENAI_API_KEY");
        (!self.gone.contains(&id)).then(|| self.lend(id))
    }

    fn keys(&self, _: &ProviderName, variable: &str) -> Vec<String> {
        let ids = self.ids.iter().filter(|_| variable == "OPENAI_API_KEY");
        ids.map(|id| (*id).to_owned()).collect()
    }

    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }

    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }

    fn report(&self, lease: &Lease, target: &Target, end: LeaseEnd<'_>) {
        let end = match end {
            LeaseEnd::Answered => "answered",
            LeaseEnd::Failed(error) => error.category().as_str(),
            LeaseEnd::Dropped => "dropped",
            _ => "other",
        };
        self.heard.lock().unwrap().push(format!("{} {} {end}", lease.id, target.provider));
    }
}

/// A transport that notes the keys that it is given.
struct Keys(Scripted, Mutex<Vec<String>>);

#[async_trait]
impl Transport for Keys {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let key = credential.map(|it| it.secret.expose().replace("sk-0123456789-", ""));
        self.1.lock().unwrap().extend(key);
        self.0.send(request, credential).await
    }
}

struct World {
    gateway: Gateway,
    vault: Arc<Vault>,
    transport: Arc<Keys>,
}

fn world(vault: Vault, script: Scripted) -> World {
    world_of(POLICY, vault, script)
}

fn world_of(policy: &str, vault: Vault, script: Scripted) -> World {
    let (vault, transport) = (Arc::new(vault), Arc::new(Keys(script, Mutex::default())));
    let builder = obeying(policy).credentials(vault.clone()).transport(transport.clone());
    let gateway = builder.build().unwrap();
    World { gateway, vault, transport }
}

/// Creates a vault with these keys for OpenAI.
fn vault(ids: &[&'static str]) -> Vault {
    Vault { ids: ids.to_vec(), ..Vault::default() }
}

impl World {
    fn sent(&self) -> Vec<String> {
        self.transport.1.lock().unwrap().clone()
    }

    fn breaker(&self) -> &'static str {
        let breakers = self.gateway.describe().unwrap().circuit_breakers;
        breakers.get("openai/gpt-6-luna").map_or("closed", |breaker| breaker.state)
    }
}

fn question() -> Request {
    Request::new("one", "hi")
}

#[tokio::test(start_paused = true)]
async fn each_lease_is_reported_once_with_the_end_of_its_attempt() {
    for (script, ends) in [
        (Scripted::new().answer("hi"), &["answered"][..]),
        (Scripted::new().status(400), &["invalid_request"]),
        (Scripted::new().status(500).answer("hi"), &["provider_5xx", "answered"]),
        (Scripted::new().cut().reset().answer("hi"), &["truncated", "network", "answered"]),
        (Scripted::new().refuse().empty().answer("hi"), &["network", "empty_output", "answered"]),
        (Scripted::new().hang(), &["timeout"]),
    ] {
        let fallback = "fallback: {one: [{provider: anthropic, model: claude-haiku-5-5}]}";
        let policy = POLICY.replace("failure_threshold: 1", "failure_threshold: 9");
        let World { gateway, vault, .. } =
            world_of(&policy.replace(fallback, ""), vault(&["main"]), script);
        let _ = gateway.route(question()).await;
        let each = |end: &&str| ["main", "ORG", "TEAM"].map(|id| format!("{id} openai {end}"));
        let expected: Vec<_> = ends.iter().flat_map(each).collect();
        assert_eq!(vault.heard(), expected);
        vault.is_balanced();
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_call_reports_its_leases() {
    let world = world(vault(&["main"]), Scripted::new().answer("42").answer("42"));
    world.gateway.panel(Request::new("two", "hi")).await.unwrap();
    world.vault.is_balanced();
    assert!(world.vault.heard().iter().all(|it| it.ends_with("answered")));
    assert_eq!(world.vault.heard().len(), 4);
    world.gateway.orchestrate(Task::new("hi")).await.unwrap();
    world.vault.is_balanced();
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_reported_although_its_caller_leaves_at_any_moment() {
    for polls in 1.. {
        let script = Scripted::new().status(500).delay(Duration::from_millis(5)).answer("hi");
        let world = world(vault(&["main"]), script);
        let mut route = Box::pin(world.gateway.route(question()));
        let mut polled = 0;
        let ended = std::future::poll_fn(|context| {
            polled += 1;
            match route.as_mut().poll(context) {
                Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
                Poll::Pending if polled == polls => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        drop(route);
        world.vault.is_balanced();
        if let Some(outcome) = ended {
            assert!(outcome.is_ok() && polls > 5, "{polls}");
            break;
        }
    }
    for polls in 1..6 {
        let world = world(vault(&["main"]), Scripted::new().hang());
        let waits = world.gateway.route(question());
        assert!(tokio::time::timeout(Duration::from_secs(polls), waits).await.is_err());
        world.vault.is_balanced();
        assert!(world.vault.heard().iter().all(|it| it.ends_with("dropped")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_attempt_reports_its_leases() {
    let world = world(vault(&["main"]), Scripted::new().hang());
    let stop = Stop::new();
    let Run { mut events, outcome, .. } = world.gateway.start(question().stopped_by(&stop));
    let stopping = async {
        while let Some(event) = events.next().await {
            if matches!(event, Event::Attempt { .. }) {
                tokio::time::sleep(Duration::from_secs(1)).await;
                stop.stop();
            }
        }
    };
    assert!(tokio::join!(outcome, stopping).0.is_err());
    world.vault.is_balanced();
    assert_eq!(world.vault.heard()[0], "main openai cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_costs_nothing_and_what_it_lent_before_is_reported() {
    for never in ["OPENAI_API_KEY", "ORG", "TEAM"] {
        let vault = Vault { never: Some(never), ..vault(&["main"]) };
        let world = world(vault, Scripted::new().answer("hi"));
        let answer = world.gateway.route(question()).await.unwrap();
        assert_eq!(tried(&answer.attempts)[0], "openai network", "{never}");
        assert_eq!(answer.target.provider.as_str(), "anthropic");
        assert_eq!(answer.attempts[0].cost, Some(NanoUsd::ZERO));
        world.vault.is_balanced();
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_about_the_key_another_one_answers_at_once() {
    for status in [429, 401, 403, 402] {
        let script = Scripted::new().status(status).answer("hi");
        let world = world(vault(&["one", "two", "three"]), script.clone());
        let began = Instant::now();
        let answer = world.gateway.route(question()).await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "{status}");
        assert_eq!(answer.target.provider.as_str(), "openai");
        assert_eq!(world.sent(), ["one", "two"]);
        let requests = script.requests();
        assert_eq!(requests[0].body, requests[1].body, "the bytes are equal whichever key");
        assert_eq!(world.breaker(), "closed", "another key was left");
        assert_eq!(answer.attempts[1].waited, Duration::ZERO);
        world.vault.is_balanced();
    }
}

#[tokio::test(start_paused = true)]
async fn other_failures_stay_with_their_key() {
    for (script, sent) in [
        (Scripted::new().status(400), &["one"][..]),
        (Scripted::new().status(404).answer("hi"), &["one", "ANTHROPIC_API_KEY"]),
        (Scripted::new().status(500).answer("hi"), &["one", "ANTHROPIC_API_KEY"]),
    ] {
        let world = world(vault(&["one", "two"]), script);
        let _ = world.gateway.route(question()).await;
        assert_eq!(world.sent(), sent);
        world.vault.is_balanced();
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_failed_is_not_asked_again_and_then_comes_the_next_target() {
    // Each key is refused once; then the next target is asked.
    let script = Scripted::new().status(401).status(401).answer("hi");
    let two = world(vault(&["one", "two"]), script);
    let answer = two.gateway.route(question()).await.unwrap();
    assert_eq!(two.sent(), ["one", "two", "ANTHROPIC_API_KEY"]);
    assert_eq!(answer.target.provider.as_str(), "anthropic");
    two.vault.is_balanced();

    // No more than the policy's retries, however many keys there are.
    let script = Scripted::new().status(401).status(429).status(402).answer("hi");
    let three = world(vault(&["1", "2", "3", "4", "5", "6"]), script);
    three.gateway.route(question()).await.unwrap();
    assert_eq!(three.sent(), ["1", "2", "3", "ANTHROPIC_API_KEY"]);

    // The last key that is limited is waited for, and its limit counts for the breaker.
    let policy = POLICY.replace("failure_threshold: 1", "failure_threshold: 2");
    let script = Scripted::new().status(429).status(429).answer("hi");
    let four = world_of(&policy, vault(&["one", "two"]), script);
    let answer = four.gateway.route(question()).await.unwrap();
    assert_eq!(four.sent(), ["one", "two", "two"]);
    assert_eq!(outcomes(&answer.attempts), ["rate_limit", "rate_limit", "ok"]);
    assert!(answer.attempts[2].waited > Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_gone_is_passed_over() {
    let gone = Vault { gone: vec!["two"], ..vault(&["one", "two", "three"]) };
    let one = world(gone, Scripted::new().status(401).answer("hi"));
    let answer = one.gateway.route(question()).await.unwrap();
    assert_eq!(one.sent(), ["one", "three"]);
    assert_eq!(outcomes(&answer.attempts), ["auth", "missing_key", "ok"]);
    one.vault.is_balanced();

    // What the last key that was asked had to say explains more than a key that is gone.
    let gone = Vault { gone: vec!["two"], ..vault(&["one", "two"]) };
    let two = world(gone, Scripted::new().status(401).status(400));
    let failure = two.gateway.route(question()).await.unwrap_err();
    assert_eq!(failure.category(), Category::InvalidRequest, "the next target was asked");
    assert_eq!(tried(failure.attempts())[..2], ["openai auth", "openai missing_key"]);
}

#[tokio::test(start_paused = true)]
async fn without_other_keys_all_is_as_it_was() {
    let script = Scripted::new().status(401).answer("hi");
    let one = world(vault(&["one"]), script);
    let answer = one.gateway.route(question()).await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai auth", "anthropic ok"]);
    let two = world(vault(&[]), Scripted::new().answer("hi"));
    let answer = two.gateway.route(question()).await.unwrap();
    assert_eq!(tried(&answer.attempts), ["openai missing_key", "anthropic ok"]);
    two.vault.is_balanced();
}
