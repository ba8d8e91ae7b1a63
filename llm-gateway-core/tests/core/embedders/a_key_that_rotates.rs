//! A key that a vault has rotated in is removed from texts like the first one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use llm_gateway_core::credential::{CredentialSource, Lease, Secret};
use llm_gateway_core::model::ProviderName;
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Environment, Gateway, Request};

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
