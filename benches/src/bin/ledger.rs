//! Measures how long a hold takes: one reservation and its settlement in the ledger that all
//! processes of a user share, at a growing number of rows, processes and callers.
//!
//! ```console
//! $ cargo run --release --package llm-gateway-benches --bin ledger
//! ```
//!
//! The floor is one bare SQLite transaction that writes one row, with the same pragmas, in the same
//! folder, measured before and after each figure. A hold of one caller is two transactions, so its
//! ratio is at least 2. Many callers share transactions and get below that.
#![allow(clippy::disallowed_methods)] // a benchmark reads the machine's clock
#![allow(clippy::print_stdout)] // and prints what it measured

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use llm_gateway_core::ledger::{
    Cap, Day, HoldRequest, Ledger, Per, Period, Scope, SpendBy, SqliteLedger,
};
use llm_gateway_core::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, TaskClass};
use rusqlite::Connection;
use tokio::task::JoinSet;

/// The argument that makes this program one of the measured processes.
const CHILD: &str = "--child";

/// The numbers of rows in the ledger before the first call. A real month has one row for each model
/// and task class, so a million is more than any month will have.
const ROWS: [u64; 3] = [0, 100_000, 1_000_000];

/// The measured combinations, with enough calls for a steady median in half a minute altogether.
const CROWDS: [Crowd; 4] = [
    Crowd { processes: 1, callers: 1, rounds: 1_500 },
    Crowd { processes: 1, callers: 40, rounds: 150 },
    Crowd { processes: 8, callers: 1, rounds: 300 },
    Crowd { processes: 8, callers: 40, rounds: 60 },
];

/// The number of bare transactions before and after each crowd.
const FLOOR_ROUNDS: u32 = 300;

/// The day on which the holds are made.
const DAY: &str = "2026-11-30";

/// Inserts rows where a settlement looks, one for each number: in a day, and in its month.
const FILL: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
    INSERT INTO spending
        SELECT ?2, 'provider-' || i % 10, 'model-' || i, 'c', 1, 1, 0, 0 FROM n";
/// Inserts the totals of those rows, without which the ledger would not add up.
const FILL_SUMS: &str = "
    INSERT INTO totals SELECT period, 'provider:' || key, cost, 0 FROM sums WHERE kind = 'provider'
    UNION ALL SELECT period, 'class:' || key, cost, 0 FROM sums WHERE kind = 'task_class'
    UNION ALL SELECT period, 'total', sum(cost), 0 FROM sums WHERE kind = 'provider' GROUP BY period";
/// Inserts rows of another month where a reservation looks, one for each number.
const FILL_TOTALS: &str = "
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
    INSERT INTO totals SELECT '2026-10', 'provider:p' || i, 1, 0 FROM n";

/// Processes with concurrent callers, each of which makes so many holds.
#[derive(Clone, Copy)]
struct Crowd {
    processes: u32,
    callers: u32,
    rounds: u32,
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        [] => measure(),
        [CHILD, path, rows, callers, rounds] => {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            let load = Load { rows: rows.parse()?, rounds: rounds.parse()? };
            runtime.block_on(child(Path::new(path), load, callers.parse()?))
        }
        _ => bail!("this takes no arguments"),
    }
}

fn measure() -> anyhow::Result<()> {
    println!("| rows | processes x callers | per hold | floor | ratio | median wait | slowest |");
    println!("|---|---|---|---|---|---|---|");
    for rows in ROWS {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("ledger.db");
        fill(&path, rows)?;
        let day = Day::parse(DAY)?;
        for (name, period) in [("month", day.month().into()), ("day", day.into())] {
            let took = millis(reading(&path, period)?);
            println!("| {rows} | reading the {name} | {took:.2} ms | | | | |");
        }
        for crowd in CROWDS {
            let before = floor(folder.path())?;
            let Measured { each, median, slowest } = run(&path, rows, crowd)?;
            let floor = (before + floor(folder.path())?) / 2;
            println!(
                "| {rows} | {} x {} | {:.2} ms | {:.2} ms | {:.2} | {:.1} ms | {:.0} ms |",
                crowd.processes,
                crowd.callers,
                millis(each),
                millis(floor),
                millis(each) / millis(floor),
                millis(median),
                millis(slowest),
            );
        }
    }
    Ok(())
}

/// Returns the median time of a report of `period`.
fn reading(path: &Path, period: Period) -> anyhow::Result<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let ledger = SqliteLedger::at(path);
    let mut times = Vec::new();
    for _ in 0..101 {
        let begun = Instant::now();
        runtime.block_on(ledger.spent(period, SpendBy::Provider))?;
        times.push(begun.elapsed());
    }
    times.sort();
    times.get(50).copied().context("no report was read")
}

/// Creates a ledger with `rows` rows of spending.
fn fill(path: &Path, rows: u64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(SqliteLedger::at(path).drain())?;
    if rows > 0 {
        let connection = Connection::open(path)?;
        for period in Period::all_of(Day::parse(DAY)?) {
            connection.execute(FILL, rusqlite::params![rows.cast_signed(), period.to_string()])?;
        }
        connection.execute(FILL_SUMS, [])?;
        connection.execute(FILL_TOTALS, [rows.cast_signed()])?;
        // Without a checkpoint, the first calls would move all that into the database file.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(())
}

/// Returns how long one bare, durable transaction takes.
fn floor(folder: &Path) -> anyhow::Result<Duration> {
    let connection = Connection::open(folder.join("floor.db"))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch("CREATE TABLE IF NOT EXISTS floor (n INTEGER) STRICT")?;
    let began = Instant::now();
    for n in 0..FLOOR_ROUNDS {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        connection.prepare_cached("INSERT INTO floor VALUES (?1)")?.execute([n])?;
        connection.execute_batch("COMMIT")?;
    }
    Ok(began.elapsed() / FLOOR_ROUNDS)
}

/// The time that the holds of a crowd took.
struct Measured {
    /// The time of the whole crowd, divided by its holds.
    each: Duration,
    /// The median time that a caller waits for a reservation and its settlement.
    median: Duration,
    /// The longest time that a caller waits.
    slowest: Duration,
}

/// Starts the processes of a crowd, lets them begin at the same time, and waits for the last.
fn run(path: &Path, rows: u64, crowd: Crowd) -> anyhow::Result<Measured> {
    let mut processes = Vec::new();
    for _ in 0..crowd.processes {
        processes.push(Process::start(path, rows, crowd)?);
    }
    for process in &mut processes {
        process.hears("ready")?;
    }
    let began = Instant::now();
    for process in &mut processes {
        writeln!(process.stdin, "go")?;
    }
    let mut waits = Vec::new();
    for process in &mut processes {
        waits.append(&mut process.waits()?);
    }
    let took = began.elapsed();
    for mut process in processes {
        process.child.wait()?;
    }
    waits.sort_unstable();
    let holds = crowd.processes * crowd.callers * crowd.rounds;
    if u32::try_from(waits.len())? != holds {
        bail!("{} of {holds} holds were made", waits.len());
    }
    let median = waits.get(waits.len() / 2).copied().unwrap_or_default();
    let slowest = waits.last().copied().unwrap_or_default();
    Ok(Measured { each: took / holds, median, slowest })
}

/// One process of a crowd, as its parent sees it.
struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    fn start(path: &Path, rows: u64, crowd: Crowd) -> anyhow::Result<Self> {
        let Crowd { callers, rounds, .. } = crowd;
        let mut child = Command::new(std::env::current_exe()?)
            .arg(CHILD)
            .arg(path)
            .args([rows.to_string(), callers.to_string(), rounds.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let stdout = BufReader::new(child.stdout.take().context("no stdout")?);
        Ok(Self { child, stdin, stdout })
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line)
    }

    fn hears(&mut self, word: &str) -> anyhow::Result<()> {
        let line = self.line()?;
        if line.trim() != word {
            bail!("a process said {line:?} where it should have said {word}");
        }
        Ok(())
    }

    fn waits(&mut self) -> anyhow::Result<Vec<Duration>> {
        let nanos: Vec<u64> = serde_json::from_str(&self.line()?)?;
        Ok(nanos.into_iter().map(Duration::from_nanos).collect())
    }
}

/// The load of each caller: so many holds, spread over so many rows.
#[derive(Clone, Copy)]
struct Load {
    rows: u64,
    rounds: u64,
}

/// Runs one process: opens the ledger, waits for `go`, and prints how long each hold took.
async fn child(path: &Path, load: Load, callers: u64) -> anyhow::Result<()> {
    let ledger = Arc::new(SqliteLedger::at(path));
    ledger.drain().await?;
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;
    let mut running = JoinSet::new();
    for number in 0..callers {
        running.spawn(caller(Arc::clone(&ledger), load, number));
    }
    let mut waits = Vec::new();
    while let Some(ended) = running.join_next().await {
        waits.append(&mut ended??);
    }
    println!("{}", serde_json::to_string(&waits)?);
    Ok(())
}

/// Makes one hold after the other. Returns how long each took, in nanoseconds.
async fn caller(ledger: Arc<SqliteLedger>, load: Load, number: u64) -> anyhow::Result<Vec<u64>> {
    let (day, limit) = (Day::parse(DAY)?, NanoUsd::parse_usd("1000000")?);
    let class = Scope::Class(TaskClass::new("c")?);
    let caps = [
        Cap::new(Scope::Total, Per::Month, limit),
        Cap::new(Scope::Total, Per::Day, limit),
        Cap::new(class, Per::Day, limit),
    ];
    let mut waits = Vec::new();
    for round in 0..load.rounds {
        // The rows are far apart, so that no page of the file serves two calls.
        let model = (number * 7_919 + round * 104_729) % load.rows.max(1) + 1;
        let model = ModelId::new(&format!("model-{model}"))?;
        let target = Target::new(ProviderName::new("openai")?, model);
        let call = HoldRequest::new(target, TaskClass::new("c")?, NanoUsd::from_nanos(10));
        let began = Instant::now();
        let mut hold = ledger.reserve_one(day, call, &caps).await?;
        hold.sent();
        hold.settle(NanoUsd::from_nanos(4), CostBasis::Exact).await?;
        waits.push(u64::try_from(began.elapsed().as_nanos())?);
    }
    Ok(waits)
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
