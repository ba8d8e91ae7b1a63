//! A key that a vault has rotated in is removed from texts like the first one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::model::{Completion, OutputPart, ProviderName};
use llm_gateway_core::provider::{Call, Prepared, Provider, SendContext};
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Recorder, Transport, TransportError,
};
use llm_gateway_core::{Category, Envelope, Environment, Error, Gateway, Request};

/// A vault whose key is another one from time to time. It always names the one in force.
struct Vault(Mutex<String>);

impl Vault {
    fn key(&self) -> Secret {
        Secret::new(self.0.lock().unwrap().clone())
    }
}

#[async_trait]
impl CredentialSource for Vault {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        Some(Lease::new("key", self.key()))
    }
    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }
    fn known(&self) -> Vec<Secret> {
        vec![self.key()]
    }
}

/// A server that shows the key in force, whoever asks: two providers behind one careless proxy.
struct Careless(Arc<Vault>);

#[async_trait]
impl Transport for Careless {
    async fn send(
        &self,
        _: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let key = self.0.key();
        let body = format!(r#"{{"error":{{"message":"key {} is over its limit"}}}}"#, key.expose());
        let body = Body::whole(body);
        Ok(HttpResponse::new(http::StatusCode::BAD_REQUEST, http::HeaderMap::new(), body))
    }
}

const POLICY: &str = "
defaults: {q: {provider: local, model: m}}
providers: {local: {kind: openai, base_url: \"http://127.0.0.1:9/v1\", api_key_env: null, models: {m: {in: 0, out: 0}}}}
reliability: {retry: {max_retries: 0}}
";

#[tokio::test]
async fn the_key_of_tuesday_is_scrubbed_too() {
    let vault = Arc::new(Vault(Mutex::new("key-of-monday-0123456789".to_owned())));
    let gateway = Gateway::builder()
        .policy_yaml(POLICY)
        .environment(Environment::empty())
        .credentials(vault.clone())
        .transport(Arc::new(Careless(vault.clone())))
        .build()
        .unwrap();
    let monday = gateway.route(Request::new("q", "hello")).await.unwrap_err().to_string();
    assert!(!monday.contains("key-of-monday"), "{monday}");
    *vault.0.lock().unwrap() = "key-of-tuesday-9876543210".to_owned();
    let tuesday = gateway.route(Request::new("q", "hello")).await.unwrap_err().to_string();
    assert!(!tuesday.contains("key-of-tuesday"), "{tuesday}");
}

const MONDAY: &str = "key-of-monday-0123456789";
const TUESDAY: &str = "key-of-tuesday-9876543210";

/// An own provider that tells what it likes, whatever it is asked.
struct Talks {
    vault: Arc<Vault>,
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Answer,
    Parts,
    Model,
    ResponseId,
    Tier,
    Message,
    Hint,
    Cause,
    CauseOfTheCause,
    AnsweredBy,
    Prepare,
    Base64,
    Pieces,
}

const WAYS: [Way; 13] = [
    Way::Answer,
    Way::Parts,
    Way::Model,
    Way::ResponseId,
    Way::Tier,
    Way::Message,
    Way::Hint,
    Way::Cause,
    Way::CauseOfTheCause,
    Way::AnsweredBy,
    Way::Prepare,
    Way::Base64,
    Way::Pieces,
];

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Caused(String, #[source] Option<Box<Caused>>);

#[async_trait]
impl Provider for Talks {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        match self.way {
            Way::Prepare => Err(Error::new(Category::InvalidRequest, self.vault.key().expose())),
            _ => Ok(Prepared::unrecorded(call)),
        }
    }
    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        self.send_with(prepared, &SendContext::new(recorder)).await
    }
    async fn send_with(
        &self,
        _: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let key = self.vault.key().expose().to_owned();
        let mut answer = Completion::text("hello");
        let error = Error::new(Category::InvalidRequest, "no");
        match self.way {
            Way::Answer => answer = Completion::text(format!("my key is {key}")),
            Way::Parts => {
                let halves = key.split_at(9);
                answer.parts = vec![
                    OutputPart::Text(format!("it is {}", halves.0)),
                    OutputPart::Text(halves.1.to_owned()),
                ];
            }
            Way::Model => answer.model = Some(key),
            Way::ResponseId => answer.response_id = Some(key),
            Way::Tier => answer.service_tier = Some(key),
            Way::Message => return Err(Error::new(Category::InvalidRequest, key)),
            Way::Hint => return Err(error.with_hint(key)),
            Way::Cause => return Err(error.with_source(Caused(key, None))),
            Way::CauseOfTheCause => {
                let cause = Caused(key, None);
                return Err(error.with_source(Caused("outer".to_owned(), Some(Box::new(cause)))));
            }
            Way::AnsweredBy => return Err(error.with_answered_by(key)),
            Way::Base64 => {
                use base64::Engine;
                let key = base64::engine::general_purpose::STANDARD.encode(key);
                return Err(Error::new(Category::InvalidRequest, key));
            }
            Way::Pieces => {
                for piece in key.as_bytes().chunks(3) {
                    context.heard(&String::from_utf8_lossy(piece)).await;
                }
                answer = Completion::text(key);
            }
            Way::Prepare => {}
        }
        Ok(answer)
    }
}

/// Returns everything that a caller can see of a result.
async fn seen(gateway: &Gateway) -> String {
    match gateway.route(Request::new("own", "hello")).await {
        Ok(answer) => format!("{answer:?}{:?}", serde_json::to_string(&Envelope::from(&answer))),
        Err(failure) => {
            let error: &(dyn std::error::Error + 'static) = failure.error();
            let causes = std::iter::successors(Some(error), |error| error.source());
            let causes: String = causes.map(|error| format!("{error}{error:?}")).collect();
            let by = failure.error().answered_by();
            format!(
                "{failure:?}{causes}{by:?}{:?}",
                serde_json::to_string(&Envelope::from(&failure))
            )
        }
    }
}

fn own_gateway(vault: &Arc<Vault>, way: Way) -> Gateway {
    let policy = "
defaults: {own: {provider: mine, model: m}}
providers: {mine: {models: {m: {in: 0, out: 0}}}}
reliability: {retry: {max_retries: 0}}
";
    let own = Talks { vault: Arc::clone(vault), way };
    let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty());
    builder.credentials(vault.clone()).provider("mine", Arc::new(own)).build().unwrap()
}

#[tokio::test]
async fn the_texts_of_an_own_provider_hold_no_key_and_no_rotated_one() {
    for way in WAYS {
        let vault = Arc::new(Vault(Mutex::new(MONDAY.to_owned())));
        let gateway = own_gateway(&vault, way);
        for key in [MONDAY, TUESDAY, MONDAY] {
            *vault.0.lock().unwrap() = key.to_owned();
            let seen = seen(&gateway).await;
            assert!(
                !seen.contains("9876543210") && !seen.contains("0123456789"),
                "{way:?}: {seen}"
            );
            assert!(!seen.contains("of-monday") && !seen.contains("of-tuesday"), "{way:?}: {seen}");
        }
    }
}

/// A vault that lends a new key for each attempt, and names none.
#[derive(Default)]
struct Minting {
    lent: Mutex<Vec<String>>,
}

#[async_trait]
impl CredentialSource for Minting {
    async fn lease(&self, _: &ProviderName, _: &str) -> Option<Lease> {
        let mut lent = self.lent.lock().unwrap();
        let key = format!("sk-minted-{:012}-x", lent.len());
        lent.push(key.clone());
        Some(Lease::new("minted", Secret::new(key)))
    }
    fn has(&self, _: &ProviderName, _: &str) -> bool {
        true
    }
    fn known(&self) -> Vec<Secret> {
        Vec::new()
    }
}

/// A server that shows the first key that was ever lent, and the newest, to whoever asks, once it
/// is told to answer.
struct Shows(Arc<Minting>, tokio::sync::watch::Receiver<bool>);

#[async_trait]
impl Transport for Shows {
    async fn send(
        &self,
        _: &HttpRequest,
        own: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let own = own.map(|own| own.secret.expose().to_owned()).unwrap_or_default();
        if own == "sk-minted-000000000000-x" {
            self.1.clone().wait_for(|go| *go).await.unwrap();
        }
        let lent = self.0.lent.lock().unwrap();
        let message = format!("{} {} {own}", lent[0], lent[lent.len() - 1]);
        let body = Body::whole(serde_json::json!({"error": {"message": message}}).to_string());
        Ok(HttpResponse::new(http::StatusCode::BAD_REQUEST, http::HeaderMap::new(), body))
    }
}

/// However many keys are lent meanwhile, the key of a call that is under way stays scrubbed, in the
/// answers to others too.
#[tokio::test]
async fn a_key_that_is_in_use_is_never_forgotten() {
    let vault = Arc::new(Minting::default());
    let (go, wait) = tokio::sync::watch::channel(false);
    let policy = POLICY.replace("api_key_env: null", "api_key_env: LOCAL_KEY");
    let policy =
        policy.replace("max_retries: 0", "max_retries: 0}, breaker: {failure_threshold: 1000");
    let gateway = Gateway::builder()
        .policy_yaml(policy)
        .environment(Environment::empty())
        .credentials(vault.clone())
        .transport(Arc::new(Shows(vault.clone(), wait)))
        .build()
        .unwrap();
    let other = gateway.clone();
    let first = tokio::spawn(async move { other.route(Request::new("q", "hello")).await });
    while vault.lent.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    // The gateway remembers 256 keys that nobody uses.
    for number in 0..270 {
        let error = gateway.route(Request::new("q", "hello")).await.unwrap_err().to_string();
        assert!(!error.contains("sk-minted"), "{number}: {error}");
        assert!(error.contains("[redacted] [redacted] [redacted]"), "{number}: {error}");
    }
    go.send(true).unwrap();
    let error = first.await.unwrap().unwrap_err().to_string();
    assert!(!error.contains("sk-minted"), "{error}");
}
