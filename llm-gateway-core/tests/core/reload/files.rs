//! Policies and variables in files that are changed while a gateway is in use.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use http::{HeaderMap, StatusCode};
use llm_gateway_core::config::PolicySource;
use llm_gateway_core::transport::{
    Body, Credential, HttpRequest, HttpResponse, Transport, TransportError,
};
use llm_gateway_core::{Category, Environment, Gateway, Request};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::{category, described, policy};
use crate::support::ask;

const KEY: &str = "OPENAI_API_KEY";
const OLD: &str = "sk-test-old-8f2d6c1b";
const NEW: &str = "sk-test-new-47a9e03c";

/// A server that answers with every key that there ever was.
struct Gossip;

#[async_trait]
impl Transport for Gossip {
    async fn send(
        &self,
        _: &HttpRequest,
        _: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        let message = json!({ "role": "assistant", "content": format!("{OLD} and {NEW}") });
        let choice = json!({ "index": 0, "finish_reason": "stop", "message": message });
        let body = json!({ "id": "1", "model": "m", "choices": [choice], "usage": {
            "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2,
        }});
        let body = Body::whole(body.to_string().into_bytes());
        Ok(HttpResponse::new(StatusCode::OK, HeaderMap::new(), body))
    }
}

/// A gossip that says nothing before it is let, and tells when it was asked.
#[derive(Default)]
struct Blocked {
    asked: Notify,
    may_answer: Notify,
}

#[async_trait]
impl Transport for Blocked {
    async fn send(
        &self,
        request: &HttpRequest,
        credential: Option<&Credential>,
    ) -> Result<HttpResponse, TransportError> {
        self.asked.notify_one();
        self.may_answer.notified().await;
        Gossip.send(request, credential).await
    }
}

/// A directory with a policy and its `.env`.
struct Place(TempDir);

impl Place {
    fn new(policy: &str, env: Option<&str>) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("routing.yaml", policy);
        if let Some(env) = env {
            place.write(".env", env);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn source(&self) -> PolicySource {
        PolicySource::File(self.path("routing.yaml"))
    }

    fn gateway(&self, environment: Environment) -> Gateway {
        self.gateway_over(environment, Arc::new(Gossip))
    }

    fn gateway_over(&self, environment: Environment, transport: Arc<dyn Transport>) -> Gateway {
        let builder = Gateway::builder().policy(self.source()).environment(environment);
        builder.transport(transport).build().unwrap()
    }

    fn reloaded(&self, gateway: &Gateway) -> Gateway {
        gateway.with_policy(self.source())
    }
}

#[tokio::test]
async fn a_key_that_is_changed_counts_and_the_old_one_is_still_removed() {
    let place = Place::new(&policy("ask"), None);
    let gateway = place.gateway(Environment::empty());
    assert_eq!(category(&gateway, "ask").await, Some(Category::MissingKey));

    place.write(".env", &format!("{KEY}={OLD}\n"));
    let gateway = place.reloaded(&gateway);
    assert_eq!(ask(&gateway, "ask").await.unwrap().text(), format!("[redacted] and {NEW}"));

    place.write(".env", &format!("{KEY}={NEW}\n"));
    let gateway = place.reloaded(&gateway);
    assert_eq!(ask(&gateway, "ask").await.unwrap().text(), "[redacted] and [redacted]");

    place.write(".env", "# none\n");
    let gateway = place.reloaded(&gateway);
    assert_eq!(category(&gateway, "ask").await, Some(Category::MissingKey));
    assert!(!format!("{gateway:?}").contains("sk-test"), "{gateway:?}");
}

#[tokio::test]
async fn a_key_that_comes_into_force_is_removed_from_an_answer_under_way() {
    // A broken policy brings its keys too, and so does a reload of a reload.
    for (policies, keys) in [
        (vec![policy("ask")], [OLD, NEW].as_slice()),
        (vec![policy("talk")], &[OLD, NEW]),
        (vec!["defaults: {ask: 5}".to_owned()], &[OLD, NEW]),
        (vec![policy("ask"), policy("ask")], &["sk-test-first-5d1e0b7a", OLD, NEW]),
    ] {
        let place = Place::new(&policy("ask"), Some(&format!("{KEY}={}\n", keys[0])));
        let provider = Arc::new(Blocked::default());
        let before = place.gateway_over(Environment::empty(), Arc::<Blocked>::clone(&provider));
        let under_way = tokio::spawn(before.start(Request::new("ask", "hi")).outcome);
        provider.asked.notified().await;
        let mut newest = before;
        for (text, key) in policies.iter().zip(&keys[1..]) {
            place.write(".env", &format!("{KEY}={key}\n"));
            place.write("routing.yaml", text);
            newest = place.reloaded(&newest);
        }
        provider.may_answer.notify_one();
        let answer = under_way.await.unwrap().unwrap();
        assert_eq!(answer.text(), "[redacted] and [redacted]", "{policies:?}");
        assert!(!format!("{answer:?}").contains("sk-test"), "{policies:?}");
    }
}

#[tokio::test]
async fn the_process_wins_over_the_file_after_a_reload_too() {
    let place = Place::new(&policy("ask"), None);
    let gateway = place.gateway(Environment::empty().with(KEY, OLD));
    place.write(".env", &format!("{KEY}={NEW}\n"));
    let gateway = place.reloaded(&gateway);
    assert_eq!(ask(&gateway, "ask").await.unwrap().text(), format!("[redacted] and {NEW}"));
}

#[tokio::test]
async fn an_env_file_that_is_gone_may_have_held_a_cap() {
    let place = Place::new(&policy("ask"), Some("LLM_GATEWAY_DISABLED=1\n"));
    let gateway = place.gateway(Environment::empty().with(KEY, OLD));
    assert_eq!(category(&gateway, "ask").await, Some(Category::PolicyBlocked));
    std::fs::remove_file(place.path(".env")).unwrap();
    let mut gateway = place.reloaded(&gateway);
    for _ in 0..2 {
        assert_eq!(category(&gateway, "ask").await, Some(Category::PolicyBlocked));
        let told = described(&gateway)["policy_error"].to_string();
        assert!(told.contains(".env cannot be read: there is no such file"), "{told}");
        gateway = place.reloaded(&gateway);
    }
    // Docker makes a directory where the file to mount is not there.
    std::fs::create_dir(place.path(".env")).unwrap();
    let gateway = place.reloaded(&gateway);
    assert_eq!(category(&gateway, "ask").await, Some(Category::PolicyBlocked));
    let told = described(&gateway)["policy_error"].to_string();
    assert!(told.contains(".env cannot be read: it is a directory"), "{told}");
    std::fs::remove_dir(place.path(".env")).unwrap();
    // A file that holds nothing says so, and is no error.
    place.write(".env", "");
    let gateway = place.reloaded(&gateway);
    assert!(gateway.policy_error().is_none());
    assert!(ask(&gateway, "ask").await.is_ok());
    // At the start there is nothing to keep.
    std::fs::remove_file(place.path(".env")).unwrap();
    assert!(ask(&place.gateway(Environment::empty().with(KEY, OLD)), "ask").await.is_ok());
}

#[tokio::test]
async fn a_policy_that_is_gone_keeps_the_last_good_one() {
    let place = Place::new(&policy("ask"), Some(&format!("{KEY}={OLD}\n")));
    let gateway = place.gateway(Environment::empty());
    for broken in ["gone", "directory", "not text", "huge"] {
        std::fs::remove_file(place.path("routing.yaml")).unwrap();
        match broken {
            "gone" => {}
            "directory" => std::fs::create_dir(place.path("routing.yaml")).unwrap(),
            "not text" => std::fs::write(place.path("routing.yaml"), [0xff, 0xfe, 0, 1]).unwrap(),
            _ => place.write("routing.yaml", &"# huge\n".repeat(1_000_000)),
        }
        let kept = place.reloaded(&gateway);
        let told = described(&kept)["policy_error"].to_string();
        assert!(told.contains("cannot be read"), "{broken}: {told}");
        assert!(told.contains("routing.yaml"), "{broken}: {told}");
        assert!(ask(&kept, "ask").await.is_ok(), "{broken}");
        let _ = std::fs::remove_dir(place.path("routing.yaml"));
        place.write("routing.yaml", &policy("ask"));
        assert!(place.reloaded(&kept).policy_error().is_none(), "{broken}");
    }
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn the_ledger_stays_where_it_is_and_may_be_opened_later() {
    let at =
        |name: &str| format!("{KEY}={OLD}\nLLM_GATEWAY_LEDGER=1\nLLM_GATEWAY_LEDGER_PATH={name}\n");
    let place = Place::new(&policy("ask"), Some(&format!("{KEY}={OLD}\n")));
    let (first, second) = (place.path("first.db"), place.path("second.db"));
    let gateway = place.gateway(Environment::empty());
    ask(&gateway, "ask").await.unwrap();
    place.write(".env", &at(first.to_str().unwrap()));
    let gateway = place.reloaded(&gateway);
    ask(&gateway, "ask").await.unwrap();
    let calls = async |gateway: &Gateway| {
        let report = gateway.spent(None, llm_gateway_core::ledger::SpendBy::Model).await.unwrap();
        report.spent.rows.iter().map(|row| row.calls).sum::<u64>()
    };
    assert_eq!(calls(&gateway).await, 1, "the first call was not counted");

    place.write(".env", &at(second.to_str().unwrap()));
    let gateway = place.reloaded(&gateway);
    let warned = gateway
        .problems()
        .iter()
        .any(|it| it.message.contains("first.db") && it.message.contains("second.db"));
    assert!(warned, "{:?}", gateway.problems());
    ask(&gateway, "ask").await.unwrap();
    assert_eq!(calls(&gateway).await, 2);
    assert!(!second.exists());

    // Switched off it counts nothing, and switched on again it goes on.
    place.write(".env", &format!("{KEY}={OLD}\n"));
    let off = place.reloaded(&gateway);
    ask(&off, "ask").await.unwrap();
    assert!(off.spent(None, llm_gateway_core::ledger::SpendBy::Model).await.is_err());
    off.drain().await.unwrap();
    place.write(".env", &at(first.to_str().unwrap()));
    let on = place.reloaded(&off);
    ask(&on, "ask").await.unwrap();
    assert_eq!(calls(&on).await, 3);
    on.drain().await.unwrap();
}

/// Checks that a pipe is read once: its writer may have gone when the policy is read again.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_read_once() {
    let place = Place::new(&policy("ask"), None);
    let path = place.path(".env");
    let make = || {
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let path = path.clone();
        std::thread::spawn(move || std::fs::write(path, format!("{KEY}={OLD}\n")))
    };
    let writer = make();
    let gateway = place.gateway(Environment::empty());
    writer.join().unwrap().unwrap();
    place.write("routing.yaml", &policy("talk"));
    let gateway = place.reloaded(&gateway);
    assert!(gateway.policy_error().is_none(), "{:?}", gateway.policy_error());
    assert!(ask(&gateway, "talk").await.is_ok(), "the key is still known");
    // Another pipe in its place is read.
    std::fs::rename(&path, place.path("old")).unwrap();
    let writer = make();
    let gateway = place.reloaded(&gateway);
    writer.join().unwrap().unwrap();
    assert!(ask(&gateway, "talk").await.is_ok());
}

#[test]
fn the_files_that_decide_are_these() {
    let at = PathBuf::from("/etc/llm/routing.yaml");
    let beside = PathBuf::from("/etc/llm/.env");
    let named = PathBuf::from("/home/a/keys");
    let all = [PolicySource::File(at.clone()), PolicySource::EmbeddedInPlaceOf(at.clone())];
    for source in all {
        assert_eq!(source.watched_paths(None), [at.clone(), beside.clone()]);
        assert_eq!(source.watched_paths(Some(&named)), [at.clone(), named.clone()]);
    }
    for source in [PolicySource::Embedded, PolicySource::Text(String::new())] {
        assert!(source.watched_paths(None).is_empty());
        assert_eq!(source.watched_paths(Some(&named)), std::slice::from_ref(&named));
    }
    assert_eq!(
        PolicySource::File("routing.yaml".into()).watched_paths(None)[1],
        PathBuf::from(".env")
    );
}
