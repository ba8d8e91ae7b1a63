//! Properties that hold whatever the providers do: random faults, over random chains, under random
//! rules. Time is paused, so that hours take milliseconds.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use llm_gateway_core::ledger::{MemoryLedger, PeriodSpend, SpendBy};
use llm_gateway_core::model::NanoUsd;
use llm_gateway_core::transport::{
    Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Answer, Environment, Failure, Gateway, Request, Scripted};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::support::{attempts, in_paused_time, obeying, spent};

/// The reaction of a provider to one request.
#[derive(Debug, Clone, Copy)]
enum Reply {
    Answer,
    Empty,
    Status(u16),
    Busy { status: u16, retry_after_s: u64 },
    Slow { s: u64, status: u16 },
    Cut,
    Stall,
    Refuse,
    Reset,
    Hang,
}

impl Reply {
    fn add_to(self, script: Scripted) -> Scripted {
        match self {
            Self::Answer => script.answer("at last"),
            Self::Empty => script.empty(),
            Self::Status(status) => script.status(status),
            Self::Busy { status, retry_after_s } => {
                script.status_with_retry_after(status, Duration::from_secs(retry_after_s))
            }
            Self::Slow { s, status } => script.delay(Duration::from_secs(s)).status(status),
            Self::Cut => script.cut(),
            Self::Stall => script.stall(),
            Self::Refuse => script.refuse(),
            Self::Reset => script.reset(),
            Self::Hang => script.hang(),
        }
    }

    fn retry_after(self) -> Duration {
        match self {
            Self::Busy { retry_after_s, .. } => Duration::from_secs(retry_after_s),
            _ => Duration::ZERO,
        }
    }
}

fn replies() -> impl Strategy<Value = Vec<Reply>> {
    let busy = (prop_oneof![Just(429), Just(503), Just(529)], 0u64..40);
    let reply = prop_oneof![
        1 => Just(Reply::Answer),
        1 => Just(Reply::Empty),
        1 => prop_oneof![Just(400), Just(401), Just(402), Just(404)].prop_map(Reply::Status),
        4 => prop_oneof![Just(429), Just(500), Just(529)].prop_map(Reply::Status),
        4 => busy.prop_map(|(status, retry_after_s)| Reply::Busy { status, retry_after_s }),
        2 => (1u64..20).prop_map(|s| Reply::Slow { s, status: 500 }),
        1 => Just(Reply::Cut),
        1 => Just(Reply::Stall),
        1 => Just(Reply::Refuse),
        1 => Just(Reply::Reset),
        1 => Just(Reply::Hang),
    ];
    prop::collection::vec(reply, 0..40)
}

/// A random policy.
#[derive(Debug, Clone)]
struct Rules {
    /// The number of providers in the chain, of three.
    targets: usize,
    max_retries: usize,
    base_delay_s: u64,
    max_delay_s: u64,
    deadline_s: u64,
    idle_timeout_s: u64,
    failure_threshold: u32,
    cooldown_s: u64,
    /// The limit of each provider, or none if it is zero.
    requests_per_minute: u32,
    seed: u64,
}

prop_compose! {
    fn rules()(
        targets in 1usize..=3, max_retries in 0usize..=4, base_delay_s in 0u64..8,
        max_delay_s in 1u64..20, deadline_s in 1u64..120, idle_timeout_s in 1u64..60,
        failure_threshold in 1u32..8, cooldown_s in 1u64..90, requests_per_minute in 0u32..6,
        seed: u64,
    ) -> Rules {
        Rules {
            targets, max_retries, base_delay_s, max_delay_s, deadline_s, idle_timeout_s,
            failure_threshold, cooldown_s, requests_per_minute, seed,
        }
    }
}

const PROVIDERS: [&str; 3] = ["openai", "anthropic", "gemini"];

impl Rules {
    fn policy(&self) -> String {
        let Self { max_retries, base_delay_s, max_delay_s, deadline_s, .. } = self;
        let Self { failure_threshold, cooldown_s, idle_timeout_s, .. } = self;
        let limits = match self.requests_per_minute {
            0 => String::new(),
            limit => format!("limits: {{requests_per_minute: {limit}}},"),
        };
        let provider = format!(
            "{{idle_timeout_s: {idle_timeout_s}, {limits} models: {{m: {{in: 1, out: 10}}}}}}"
        );
        let [first, others @ ..] = &PROVIDERS[..self.targets] else { panic!("a target") };
        let others: Vec<_> =
            others.iter().map(|name| format!("{{provider: {name}, model: m}}")).collect();
        format!(
            "
providers: {{openai: {provider}, anthropic: {provider}, gemini: {provider}}}
defaults: {{ask: {{provider: {first}, model: m, max_tokens: 100}}}}
fallback: {{ask: [{}]}}
reliability:
  deadline_s: {deadline_s}
  retry: {{max_retries: {max_retries}, base_delay_s: {base_delay_s}, max_delay_s: {max_delay_s}}}
  breaker: {{failure_threshold: {failure_threshold}, cooldown_s: {cooldown_s}}}
",
            others.join(", ")
        )
    }
}

/// A script that records when it was asked, and at which URL.
struct Watched {
    script: Scripted,
    sent: Mutex<Vec<(Instant, String)>>,
}

#[async_trait]
impl Transport for Watched {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.sent.lock().unwrap().push((Instant::now(), request.url.clone()));
        self.script.send(request, credential).await
    }
}

struct World {
    gateway: Gateway,
    ledger: Arc<MemoryLedger>,
    watched: Arc<Watched>,
}

impl World {
    fn new(rules: &Rules, replies: &[Reply]) -> Self {
        let script = replies.iter().fold(Scripted::new(), |script, reply| reply.add_to(script));
        let watched = Arc::new(Watched { script, sent: Mutex::default() });
        let ledger = Arc::new(MemoryLedger::new());
        let environment = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"]
            .into_iter()
            .fold(Environment::empty(), |environment, name| environment.with(name, "a-key"));
        let gateway = obeying(rules.policy())
            .environment(environment)
            .transport(watched.clone())
            .ledger(ledger.clone())
            .seed(rules.seed)
            .build()
            .unwrap();
        Self { gateway, ledger, watched }
    }

    fn sent(&self) -> Vec<(Instant, String)> {
        self.watched.sent.lock().unwrap().clone()
    }

    /// Returns until when each provider's breaker refuses every call.
    fn refused_until(&self) -> Vec<(&'static str, Instant)> {
        let breakers = self.gateway.describe().unwrap().circuit_breakers;
        let until = |name| {
            let breaker = breakers.get(&format!("{name}/m"))?;
            Some((name, Instant::now() + Duration::from_secs_f64(breaker.cooldown_remaining_s)))
        };
        PROVIDERS.into_iter().filter_map(until).collect()
    }

    async fn spent(&self) -> PeriodSpend {
        self.gateway.drain().await.unwrap();
        spent(&self.ledger, SpendBy::Model).await
    }
}

/// The resolution of tokio's timer.
const TICK: Duration = Duration::from_millis(2);

/// Asks three times, one after the other, so that breakers and limits get into every state.
async fn live(rules: &Rules, replies: &[Reply]) -> Result<(), TestCaseError> {
    let world = World::new(rules, replies);
    let mut cost = NanoUsd::ZERO;
    for _ in 0..3 {
        let (before, began) = (world.sent().len(), Instant::now());
        let closed_until = world.refused_until();
        let outcome = world.gateway.route(Request::new("ask", "hi")).await;
        let deadline = began + Duration::from_secs(rules.deadline_s);
        prop_assert!(Instant::now() <= deadline + TICK, "it ends by its deadline");

        let tried = tried(&outcome);
        prop_assert!(!tried.is_empty(), "it says what was tried");
        prop_assert!(tried.len() <= rules.targets * (rules.max_retries + 1), "{:?}", tried);
        let blocks = tried.chunk_by(|one, other| one == other);
        let in_order: Vec<_> = blocks.clone().map(|block| block[0].as_str()).collect();
        prop_assert!(PROVIDERS.starts_with(&in_order), "nobody twice: {:?}", in_order);
        for block in blocks {
            prop_assert!(block.len() <= rules.max_retries + 1, "{:?}", tried);
        }

        let sent = world.sent();
        for (at, to) in &sent[before..] {
            prop_assert!(*at < deadline, "nothing leaves after the deadline");
            let refused = closed_until.iter().any(|(host, until)| to.contains(host) && at < until);
            prop_assert!(!refused, "an open breaker lets nobody through");
        }
        for (index, pair) in sent.windows(2).enumerate().skip(before) {
            let [(first, to), (second, again)] = pair else { panic!("a pair") };
            let asked = replies.get(index).map_or(Duration::ZERO, |reply| reply.retry_after());
            prop_assert!(to != again || *second - *first >= asked, "{:?} of {:?}", index, asked);
        }
        let costs = attempts(&outcome).iter().map(|attempt| attempt.cost.unwrap());
        cost = costs.fold(cost, NanoUsd::saturating_add);
        let spent = world.spent().await;
        prop_assert_eq!((spent.held, spent.settled), (NanoUsd::ZERO, cost));
    }
    Ok(())
}

fn tried(outcome: &Result<Answer, Failure>) -> Vec<String> {
    attempts(outcome).iter().map(|attempt| attempt.target.provider.to_string()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_request_keeps_to_its_plan_its_deadline_and_its_money(
        rules in rules(), replies in replies(),
    ) {
        in_paused_time(live(&rules, &replies))?;
    }
}
