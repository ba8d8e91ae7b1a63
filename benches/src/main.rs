//! Measures the start of the MCP server: the time from exec to the `initialize` reply, and the
//! resident memory after it, compared with a floor, a program that does nothing but answer.
//!
//! ```console
//! $ cargo build --release --bin llm-gateway-stdio
//! $ cargo run --release --package llm-gateway-benches
//! ```
//!
//! Starts of the server and of the floor alternate, so that other load on the machine affects both.
//! Quote the ratio together with the median.
#![allow(clippy::disallowed_methods)] // a benchmark reads the machine's clock
#![allow(clippy::print_stdout)] // and prints what it measured

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// The number of starts of each program. On a noisy machine, their median varies by a tenth.
const ROUNDS: usize = 60;

/// The argument that makes this program the floor.
const FLOOR: &str = "--floor";

fn main() -> anyhow::Result<()> {
    if std::env::args().any(|argument| argument == FLOOR) {
        return floor();
    }
    let own = std::env::current_exe()?;
    let server = own.with_file_name(format!("llm-gateway-stdio{}", std::env::consts::EXE_SUFFIX));
    if !server.is_file() {
        bail!("{} is not there: cargo build --release --bin llm-gateway-stdio", server.display());
    }
    let (mut servers, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        servers.push(start(&server, &[])?);
        floors.push(start(&own, &[FLOOR])?);
    }
    let (server_start, floor_start) = (median(&servers, |s| s.reply), median(&floors, |s| s.reply));
    println!("{ROUNDS} starts each, medians");
    println!("exec to initialize reply   {:6.2} ms", millis(server_start));
    println!("  the floor's              {:6.2} ms", millis(floor_start));
    println!("  ratio                    {:6.2}", millis(server_start) / millis(floor_start));
    match (median_memory(&servers), median_memory(&floors)) {
        (Some(server), Some(floor)) => {
            println!("resident after start       {server:6.2} MB");
            println!("  the floor's              {floor:6.2} MB");
        }
        _ => println!("resident after start       not known on this system"),
    }
    println!("size of the server         {:6.2} MB", megabytes(std::fs::metadata(&server)?.len()));
    Ok(())
}

/// One start of a program: the time until its reply, and its memory then.
struct Start {
    reply: Duration,
    resident_kib: Option<u64>,
}

/// Starts a program, waits for its `initialize` reply, and ends it.
fn start(program: &Path, arguments: &[&str]) -> anyhow::Result<Start> {
    let initialize = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "bench", "version": "0"},
        },
    });
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    writeln!(stdin, "{initialize}")?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("no stdout")?).read_line(&mut line)?;
    let reply = began.elapsed();
    let answer: Value = serde_json::from_str(&line)?;
    if answer.get("id") != Some(&json!(1)) || answer.get("result").is_none() {
        bail!("{} answered {line}", program.display());
    }
    let resident_kib = resident_kib(&child);
    drop(stdin);
    child.wait()?;
    Ok(Start { reply, resident_kib })
}

/// Returns the resident memory of a process in KiB, on Linux only.
fn resident_kib(child: &Child) -> Option<u64> {
    let status =
        std::fs::read_to_string(PathBuf::from(format!("/proc/{}/status", child.id()))).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Does the least that a server can do: reads a line and writes a line.
fn floor() -> anyhow::Result<()> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    println!("{}", json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
    std::io::stdin().read_line(&mut line)?;
    Ok(())
}

fn median<T: Ord + Copy + Default>(starts: &[Start], of: impl Fn(&Start) -> T) -> T {
    let mut values: Vec<T> = starts.iter().map(of).collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn median_memory(starts: &[Start]) -> Option<f64> {
    median(starts, |start| start.resident_kib).map(|kib| megabytes(kib * 1024))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
