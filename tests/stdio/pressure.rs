//! A client that does not read: neither its stderr nor its answers stop the server, its memory has
//! a bound, and it ends in time whatever is stuck.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use test_support::{FakeProvider, FakeSocket, Place, Wire, in_time};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::{asking, question};

/// A server whose stderr nobody reads. Its end of the pipe is held open.
struct Deaf {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Deaf {
    async fn with(policy: Option<&Place>, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llm-gateway-stdio"));
        match policy {
            Some(place) => command.arg("--routing").arg(place.policy()),
            None => command.arg("--offline"),
        };
        command.args(arguments).env_clear().env("OPENAI_API_KEY", crate::KEY);
        command.envs(variables.iter().copied()).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        test_support::heed_signals();
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self { child, stdin, stdout };
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": { "name": "deaf", "version": "1" } });
        server.send(json!({ "id": 0, "method": "initialize", "params": hello })).await;
        server.heard().await;
        server.send(json!({ "method": "notifications/initialized" })).await;
        server
    }

    async fn send(&mut self, mut message: Value) {
        message["jsonrpc"] = json!("2.0");
        in_time("sending", self.stdin.write_all(format!("{message}\n").as_bytes())).await.unwrap();
    }

    async fn heard(&mut self) -> Value {
        let mut line = String::new();
        in_time("an answer", self.stdout.read_line(&mut line)).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Floods the server with questions whose answers nobody reads, until it reads no more.
    async fn flood(&mut self) {
        let info = json!({ "name": "llm_routing_info", "arguments": {} });
        for id in 1..20_000 {
            let call =
                json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": info });
            let line = format!("{call}\n");
            let sent = self.stdin.write_all(line.as_bytes());
            if tokio::time::timeout(Duration::from_secs(2), sent).await.is_err() {
                return;
            }
        }
        panic!("everything was read though nothing is taken");
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id().unwrap());
        assert!(std::process::Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
    }

    /// Waits for the end of the server, which must come within two seconds and be a clean one.
    async fn ends(&mut self, why: &str) {
        // One second more, for a machine that is busy with other tests.
        let end = tokio::time::timeout(Duration::from_secs(3), self.child.wait()).await;
        let status = end.unwrap_or_else(|_| panic!("{why}: it goes on")).unwrap();
        assert!(status.success(), "{why}: {status}");
    }

    /// Returns the memory that the process uses, in MiB.
    #[cfg(target_os = "linux")]
    fn memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1024
    }
}

#[tokio::test]
async fn a_stderr_that_nobody_reads_costs_no_answer() {
    let mut server = Deaf::with(None, &[], &["--log", "trace"]).await;
    for id in 1..500 {
        let wrong = json!({ "name": "ask_model", "arguments": {} });
        server.send(json!({ "id": id, "method": "tools/call", "params": wrong })).await;
        assert_eq!(server.heard().await["id"], id);
    }
    server.send(json!({ "id": "last", "method": "ping" })).await;
    assert_eq!(server.heard().await["id"], "last");
    server.signal("TERM");
    server.ends("TERM").await;
}

#[tokio::test]
async fn a_warning_with_each_call_costs_no_answer_and_the_end_comes() {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let place = Place::with_policy(asking(&fake.base_url()).to_string());
    let variables =
        [("LLM_GATEWAY_LEDGER", "1"), ("LLM_GATEWAY_LEDGER_PATH", "/proc/none/ledger.db")];
    let mut server = Deaf::with(Some(&place), &variables, &[]).await;
    for id in 1..=350 {
        let params = json!({ "name": "llm_route", "arguments": question() });
        server.send(json!({ "id": id, "method": "tools/call", "params": params })).await;
        assert_eq!(server.heard().await["id"], id);
    }
    drop(server.stdin.shutdown().await);
    let Deaf { child, stdin, stdout } = server;
    drop(stdin);
    let mut left = Deaf { child, stdin: detached().await, stdout };
    left.ends("the end of stdin").await;
}

/// Returns a stdin of another process, in place of one that was closed.
async fn detached() -> ChildStdin {
    let mut other = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    let stdin = other.stdin.take().unwrap();
    other.wait().await.unwrap();
    stdin
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn answers_that_nobody_takes_stop_the_reading_and_come_when_they_are_taken() {
    const CALLS: usize = 2000;
    let mut server = Deaf::with(None, &[], &[]).await;
    let before = server.memory();
    let mut stdin = std::mem::replace(&mut server.stdin, detached().await);
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let sending = tokio::spawn(async move {
        for id in 0..CALLS {
            let info = json!({ "name": "llm_routing_info", "arguments": {} });
            let call =
                json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": info });
            stdin.write_all(format!("{call}\n").as_bytes()).await.unwrap();
            counted.store(id, Ordering::Relaxed);
        }
        stdin
    });
    let mut seen = usize::MAX;
    while std::mem::replace(&mut seen, sent.load(Ordering::Relaxed)) != seen {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(seen < CALLS - 1, "everything was read though nothing is taken");
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 100, "{grown} MiB");
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..CALLS {
        let answer = server.heard().await;
        assert!(answer["result"].is_object(), "{answer}");
        assert!(ids.insert(answer["id"].as_u64().unwrap()), "{} twice", answer["id"]);
    }
    let _stdin = in_time("the last call", sending).await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_stuck_in_writing_ends_in_time() {
    let ways =
        [stuck_until("TERM"), stuck_until("INT"), stuck_until("stdin"), stuck_until("stdout")];
    futures_util::future::join_all(ways).await;
}

/// Floods a server, and asserts that a signal, or the end of a pipe, still ends it.
async fn stuck_until(way: &str) {
    let mut server = Deaf::with(None, &[], &["--log", "debug"]).await;
    server.flood().await;
    match way {
        "stdin" => server.stdin = detached().await,
        "stdout" => {
            let mut other = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
            server.stdout = BufReader::new(other.stdout.take().unwrap());
            other.wait().await.unwrap();
        }
        signal => server.signal(signal),
    }
    server.ends(way).await;
}

#[tokio::test]
async fn a_call_that_is_ended_after_the_end_of_stdin_gets_no_answer_from_a_stuck_server() {
    let ends = [None, Some("TERM")].map(async |signal| {
        let fake = FakeSocket::hanging().await;
        let place = Place::with_policy(asking(&fake.base_url()).to_string());
        let mut server = Deaf::with(Some(&place), &[], &[]).await;
        let slow = json!({ "name": "llm_route", "arguments": question() });
        server.send(json!({ "id": "slow", "method": "tools/call", "params": slow })).await;
        fake.asked(1).await;
        server.flood().await;
        server.stdin = detached().await;
        if let Some(signal) = signal {
            tokio::time::sleep(Duration::from_millis(100)).await;
            server.signal(signal);
        }
        // The answers are taken when the call has ended, and the server has not.
        fake.left(1).await;
        let mut answers = String::new();
        in_time("the end", server.stdout.read_to_string(&mut answers)).await.unwrap();
        assert!(answers.contains("\"id\":1,") && !answers.contains("slow"), "{signal:?}");
        server.ends("stdin").await;
    });
    futures_util::future::join_all(ends).await;
}

#[tokio::test]
async fn a_closed_stdout_ends_a_server_that_has_nothing_to_say() {
    let server = Deaf::with(None, &[], &[]).await;
    let Deaf { mut child, stdin, stdout } = server;
    drop(stdout);
    let status = in_time("the end without a reader", child.wait()).await.unwrap();
    assert!(status.success(), "{status}");
    drop(stdin);
}
