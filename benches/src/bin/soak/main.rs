//! Soaks the MCP server: very many calls against everything that is slow or goes away on people's
//! machines, and then counts whether each was answered once, what memory they took, and whether the
//! ledger has what the model served.
//!
//! ```console
//! $ cargo build --release --bin llm-gateway-stdio
//! $ cargo run --release --package llm-gateway-benches --bin soak -- 1000000
//! ```
//!
//! Nobody reads stderr, which is at level `debug`. Every few seconds the client stops reading and
//! floods the server, another program locks the ledger, or the ledger's folder is not there for a
//! while or is moved away for good. A cap is set, so calls are refused while there is no ledger.
#![allow(clippy::disallowed_methods)] // a benchmark reads the machine's clock
#![allow(clippy::print_stdout)] // and prints what it measured

mod model;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, bail};
use llm_gateway_core::ledger::{Ledger, Month, SpendBy, SqliteLedger};
use rusqlite::Connection;
use serde_json::{Value, json};

use model::Model;

/// The calls that are under way while the client reads.
const IN_FLIGHT: u64 = 64;

/// The calls that a client has under way at most while it does not read.
const FLOOD: u64 = 4_096;

/// The time that the client waits after an error.
const BACKOFF: Duration = Duration::from_millis(2);

/// The time from one disturbance to the next.
const QUIET: Duration = Duration::from_secs(4);

/// The time that a disturbance lasts. It is longer than an answer waits for the books.
const DISTURBED: Duration = Duration::from_secs(3);

fn main() -> anyhow::Result<()> {
    let calls = std::env::args().nth(1).map_or(Ok(100_000), |text| text.parse())?;
    let own = std::env::current_exe()?;
    let server = own.with_file_name(format!("llm-gateway-stdio{}", std::env::consts::EXE_SUFFIX));
    if !server.is_file() {
        bail!("{} is not there: cargo build --release --bin llm-gateway-stdio", server.display());
    }
    let place = tempfile::tempdir()?;
    let model = Model::serve()?;
    let began = Instant::now();
    let (child, stdin, stdout) = start(&server, place.path(), &model.address)?;
    let soak = Arc::new(Soak::new(calls));
    let disturbing = soak.clone().disturb(place.path().to_owned());
    let watching = soak.clone().watch(&child);
    let writing = soak.clone().write(stdin);
    let answers = soak.read(stdout)?;
    soak.is_over.store(true, Ordering::Relaxed);
    drop(writing.join());
    let left_alone = ended(child)?;
    let disturbances =
        disturbing.join().map_err(|_| anyhow::anyhow!("the disturbances broke"))??;
    let memory = watching.join().map_err(|_| anyhow::anyhow!("nothing was watched"))?;
    println!(
        "{calls} calls in {:.0} s, {disturbances} disturbances",
        began.elapsed().as_secs_f64()
    );
    answers.print(calls);
    println!("end after the end of stdin: {:.2} s", left_alone.as_secs_f64());
    print_memory(&memory);
    compare(place.path(), &model)
}

/// Starts the server with one model and a cap, and asks it to begin.
fn start(
    server: &Path,
    place: &Path,
    model: &str,
) -> anyhow::Result<(Child, ChildStdin, BufReader<ChildStdout>)> {
    let policy = json!({
        "version": "1.0.0",
        "providers": {"soak": {"kind": "openai", "base_url": model, "stream": false,
            "models": {"m": {"in": 1, "out": 2, "context": 100_000, "max_output": 64}}}},
        "defaults": {"quick": {"provider": "soak", "model": "m", "max_tokens": 8, "rationale": "soak"}},
    });
    let routing = place.join("routing.yaml");
    std::fs::write(&routing, policy.to_string())?;
    let mut child = Command::new(server)
        .args(["--log", "debug", "--routing"])
        .arg(routing)
        .env_clear()
        .env("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "1000")
        .env("LLM_GATEWAY_LEDGER_PATH", place.join("books").join("ledger.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // A pipe that nobody reads.
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {},
        "clientInfo": {"name": "soak", "version": "0"}});
    writeln!(
        stdin,
        "{}",
        json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello})
    )?;
    writeln!(stdin, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
    let mut stdout = BufReader::new(child.stdout.take().context("no stdout")?);
    stdout.read_line(&mut String::new())?;
    Ok((child, stdin, stdout))
}

/// Waits for a server whose stdin was closed. Returns how long it took.
fn ended(mut child: Child) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let status = child.wait()?;
    if !status.success() {
        bail!("the server ended with {status}");
    }
    Ok(began.elapsed())
}

/// What the threads of the client share.
struct Soak {
    calls: u64,
    answered: Mutex<u64>,
    has_answer: Condvar,
    is_stalled: AtomicBool,
    is_over: AtomicBool,
}

impl Soak {
    fn new(calls: u64) -> Self {
        Self {
            calls,
            answered: Mutex::new(0),
            has_answer: Condvar::new(),
            is_stalled: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    /// Writes all calls, with a bounded number under way, and closes stdin when all are answered.
    fn write(
        self: Arc<Self>,
        mut stdin: ChildStdin,
    ) -> std::thread::JoinHandle<std::io::Result<()>> {
        std::thread::spawn(move || {
            for id in 0..self.calls {
                self.wait_until(|answered| {
                    let is_stalled = self.is_stalled.load(Ordering::Relaxed);
                    id < answered + if is_stalled { FLOOD } else { IN_FLIGHT }
                });
                let arguments = json!({"task_class": "quick", "prompt": format!("soak {id}.")});
                let params = json!({"name": "llm_route", "arguments": arguments});
                let call =
                    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params});
                stdin.write_all(format!("{call}\n").as_bytes())?;
            }
            self.wait_until(|answered| answered == self.calls);
            Ok(())
        })
    }

    /// Waits until a number of answers suffices or all is over, and looks anew at least ten times a
    /// second.
    fn wait_until(&self, suffices: impl Fn(u64) -> bool) {
        let Ok(mut answered) = self.answered.lock() else { return };
        while !suffices(*answered) && !self.is_over.load(Ordering::Relaxed) {
            let waited = self.has_answer.wait_timeout(answered, Duration::from_millis(100));
            let Ok((now, _)) = waited else { return };
            answered = now;
        }
    }

    /// Reads until every call has an answer or stdout ends.
    fn read(&self, mut stdout: BufReader<ChildStdout>) -> anyhow::Result<Answers> {
        let mut answers = Answers::default();
        answers.times.resize(usize::try_from(self.calls)?, 0);
        let mut line = String::new();
        for _ in 0..self.calls {
            while self.is_stalled.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
            }
            line.clear();
            if stdout.read_line(&mut line)? == 0 {
                break;
            }
            answers.take(&line)?;
            *self.answered.lock().map_err(|_| anyhow::anyhow!("the writer broke"))? += 1;
            self.has_answer.notify_one();
        }
        Ok(answers)
    }

    /// Disturbs the server until all is over. Returns how often.
    fn disturb(self: Arc<Self>, place: PathBuf) -> std::thread::JoinHandle<anyhow::Result<u32>> {
        std::thread::spawn(move || {
            let mut times = 0;
            loop {
                for _ in 0..40 {
                    if self.is_over.load(Ordering::Relaxed) {
                        return Ok(times);
                    }
                    std::thread::sleep(QUIET / 40);
                }
                match times % 4 {
                    0 => {
                        self.is_stalled.store(true, Ordering::Relaxed);
                        std::thread::sleep(DISTURBED);
                        self.is_stalled.store(false, Ordering::Relaxed);
                    }
                    1 => lock(&place)?,
                    2 => hide(&place, times)?,
                    _ => {
                        std::fs::rename(place.join("books"), place.join(format!("books-{times}")))?
                    }
                }
                times += 1;
            }
        })
    }

    /// Notes the server's memory with the number of answers, each second.
    fn watch(self: Arc<Self>, child: &Child) -> std::thread::JoinHandle<Vec<(u64, u64)>> {
        let path = PathBuf::from(format!("/proc/{}/status", child.id()));
        std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !self.is_over.load(Ordering::Relaxed) {
                let answered = self.answered.lock().map_or(0, |answered| *answered);
                seen.extend(resident_kib(&path).map(|kib| (answered, kib)));
                std::thread::sleep(Duration::from_secs(1));
            }
            seen
        })
    }
}

/// Locks the ledger as a program does that writes for a long time.
fn lock(place: &Path) -> anyhow::Result<()> {
    let connection = Connection::open(place.join("books").join("ledger.db"))?;
    connection.busy_timeout(DISTURBED)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    std::thread::sleep(DISTURBED);
    connection.execute_batch("ROLLBACK")?;
    Ok(())
}

/// Takes the ledger's folder away for a while, with a file in its place. If the server makes a new
/// folder first, `number`, which is that of the disturbance, names the old one.
fn hide(place: &Path, number: u32) -> anyhow::Result<()> {
    let (books, away) = (place.join("books"), place.join("hidden"));
    std::fs::rename(&books, &away)?;
    let is_free = std::fs::write(&books, "no folder").is_ok();
    std::thread::sleep(DISTURBED);
    if is_free {
        std::fs::remove_file(&books)?;
        std::fs::rename(away, books)?;
    } else {
        std::fs::rename(away, place.join(format!("books-{number}")))?;
    }
    Ok(())
}

/// Returns the resident memory of a process in KiB, on Linux only.
fn resident_kib(status: &Path) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What the server answered.
#[derive(Default)]
struct Answers {
    /// How often each id was answered.
    times: Vec<u32>,
    /// How many answers there are of each status or category of error.
    kinds: BTreeMap<String, u64>,
    /// How many answers went out before the ledger was written.
    unrecorded: u64,
}

impl Answers {
    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        let answer: Value = serde_json::from_str(line)?;
        let id = answer.get("id").and_then(Value::as_u64).with_context(|| line.to_owned())?;
        let times = self.times.get_mut(usize::try_from(id)?).context("an id that nobody sent")?;
        *times += 1;
        // An error has its envelope as text only.
        let text = answer.pointer("/result/content/0/text").and_then(Value::as_str);
        let envelope: Value = serde_json::from_str(text.with_context(|| line.to_owned())?)?;
        let text = |path| envelope.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let category = text("/meta/error_category");
        if category.is_some() {
            // As clients do, or most calls would be those that are refused at once.
            std::thread::sleep(BACKOFF);
        }
        let kind = category.or_else(|| text("/status"));
        *self.kinds.entry(kind.unwrap_or_default()).or_default() += 1;
        self.unrecorded +=
            u64::from(envelope.pointer("/meta/spend_recorded") == Some(&json!(false)));
        Ok(())
    }

    fn print(&self, calls: u64) {
        let once = self.times.iter().filter(|times| **times == 1).count();
        let more = self.times.iter().filter(|times| **times > 1).count();
        println!("ids answered once: {once} of {calls}; more than once: {more}");
        println!("answers by kind: {:?}; before the books: {}", self.kinds, self.unrecorded);
    }
}

/// Prints the largest memory in each tenth of the calls.
fn print_memory(seen: &[(u64, u64)]) {
    let last = seen.last().map_or(1, |(answered, _)| answered + 1);
    let mut most = [0; 10];
    for (answered, kib) in seen {
        let tenth = usize::try_from(answered * 10 / last).unwrap_or_default();
        if let Some(most) = most.get_mut(tenth) {
            *most = (*most).max(*kib);
        }
    }
    let mib: Vec<String> = most.iter().map(|kib| format!("{}", kib / 1024)).collect();
    println!("most resident memory in each tenth, MiB: {}", mib.join(" "));
}

/// Compares what all ledgers have with what the model served.
fn compare(place: &Path, model: &Model) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let month = Month::of(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?);
    let (mut settled, mut calls, mut files, mut held, mut left_behind) = (0, 0, 0, 0, 0);
    for entry in std::fs::read_dir(place)? {
        let folder = entry?;
        let path = folder.path().join("ledger.db");
        if !path.is_file() {
            continue;
        }
        let spent =
            runtime.block_on(SqliteLedger::at(path).spent(month.into(), SpendBy::Provider))?;
        settled += spent.settled.as_nanos();
        calls += spent.rows.iter().map(|row| row.calls).sum::<u64>();
        files += 1;
        // A ledger that was moved away keeps the holds of calls that were under way: their costs
        // are booked in the new one.
        let of_file = if folder.file_name() == "books" { &mut held } else { &mut left_behind };
        *of_file += spent.held.as_nanos() + spent.unsettled.as_nanos();
    }
    let (served, cost) = (model.served.load(Ordering::Relaxed), model.cost.load(Ordering::Relaxed));
    println!("served: {served} calls for {cost} n$");
    println!("booked: {calls} calls for {settled} n$ in {files} ledgers");
    println!("held: {held} n$, and {left_behind} n$ in ledgers that were moved away");
    if (served, cost, 0) != (calls, settled, held) {
        bail!("the ledger is not what the model served");
    }
    Ok(())
}
