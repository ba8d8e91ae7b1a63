//! The matrix: every fault, in every dialect, whole and streamed, at every target.
//!
//! One table says what section 3 of the contract promises, and one check holds each cell against
//! it. Nothing of the table is taken from the code: the meaning of a category is written down here
//! a second time. [`faults`] knows how a fault looks on the wire. [`expected`] and [`seen`] tell
//! the same [`story`] of a [`cell`], one from the table and one from the gateway.

mod cell;
mod expected;
mod faults;
mod seen;
mod story;

use std::time::Duration;

use cell::Cell;
use test_support::Wire;

use crate::support::WORST_CASE;

/// The contract as a table: what each fault is, and what it leads to.
///
/// - *as*: whether it can hit a whole answer, a stream, or both;
/// - *then*: the same target is tried again, the next one is asked, or the request ends; `done`
///   is an answer all the same, in a form that real servers send;
/// - *counts*: for the circuit breaker of its target;
/// - *billed*: nothing, where an error status or a failed connect says so; the tokens that were
///   reported; else the whole hold, because nobody knows;
/// - *waits*: before a retry, by our own backoff or for as long as the provider says;
/// - *takes*: how long the attempt lasts.
const CONTRACT: &str = "
fault                   | as     | category                | then  | counts | billed   | waits   | takes
429                     | both   | rate_limit              | retry | yes    | nothing  | backoff | 0 s
429, retry-after        | both   | rate_limit              | retry | yes    | nothing  | 5 s     | 0 s
529                     | both   | overloaded              | retry | yes    | nothing  | backoff | 0 s
503 by overload         | both   | overloaded              | retry | yes    | nothing  | backoff | 0 s
503 with retry-after    | both   | overloaded              | retry | yes    | nothing  | 5 s     | 0 s
503 of a proxy          | both   | provider_5xx            | retry | yes    | nothing  | backoff | 0 s
500                     | both   | provider_5xx            | retry | yes    | nothing  | backoff | 0 s
refused                 | both   | network                 | retry | yes    | nothing  | backoff | 0 s
reset before the head   | both   | network                 | retry | yes    | the hold | backoff | 0 s
hang                    | both   | timeout                 | retry | yes    | the hold | backoff | 7 s
stall in the middle     | both   | timeout                 | retry | yes    | the hold | backoff | 7 s
cut in the middle       | both   | truncated               | retry | yes    | the hold | backoff | 0 s
ends in the middle      | both   | truncated               | retry | yes    | the hold | backoff | 0 s
no terminal event       | stream | truncated               | retry | yes    | the hold | backoff | 0 s
not JSON                | both   | bad_response            | retry | yes    | the hold | backoff | 0 s
JSON of another API     | both   | bad_response            | retry | yes    | the hold | backoff | 0 s
HTML with 200           | both   | bad_response            | retry | yes    | the hold | backoff | 0 s
no body                 | whole  | bad_response            | retry | yes    | the hold | backoff | 0 s
redirect                | both   | bad_response            | retry | yes    | the hold | backoff | 0 s
429 in the middle       | stream | rate_limit              | retry | yes    | the hold | backoff | 0 s
529 in the middle       | stream | overloaded              | retry | yes    | the hold | backoff | 0 s
500 in the middle       | stream | provider_5xx            | retry | yes    | the hold | backoff | 0 s
400 in the middle       | stream | invalid_request         | end   | no     | the hold | backoff | 0 s
odd error in the middle | stream | provider_5xx            | retry | yes    | the hold | backoff | 0 s
too long, in the middle | stream | context_length          | end   | no     | the hold | backoff | 0 s
no text                 | both   | empty_output            | retry | no     | reported | backoff | 0 s
402                     | both   | quota                   | next  | no     | nothing  | backoff | 0 s
out of credit by name   | both   | quota                   | next  | no     | nothing  | backoff | 0 s
401                     | both   | auth                    | next  | no     | nothing  | backoff | 0 s
403                     | both   | auth                    | next  | no     | nothing  | backoff | 0 s
404                     | both   | model_not_found         | next  | no     | nothing  | backoff | 0 s
400                     | both   | invalid_request         | end   | no     | nothing  | backoff | 0 s
422                     | both   | invalid_request         | end   | no     | nothing  | backoff | 0 s
413                     | both   | context_length          | end   | no     | nothing  | backoff | 0 s
too long by name        | both   | context_length          | end   | no     | nothing  | backoff | 0 s
filtered                | both   | content_filter          | end   | no     | reported | backoff | 0 s
all spent on reasoning  | both   | output_budget_exhausted | end   | no     | reported | backoff | 0 s
a reason of failure     | both   | provider_5xx            | retry | yes    | reported | backoff | 0 s
409                     | both   | overloaded              | retry | yes    | nothing  | backoff | 0 s
424                     | both   | overloaded              | retry | yes    | nothing  | backoff | 0 s
499                     | both   | overloaded              | retry | yes    | nothing  | backoff | 0 s
blank events            | stream | ok                      | done  | no     | reported | backoff | 0 s
heartbeats of a proxy   | stream | ok                      | done  | no     | reported | backoff | 0 s
another closing word    | stream | ok                      | done  | no     | reported | backoff | 0 s
no last line end        | stream | ok                      | done  | no     | reported | backoff | 0 s
bare carriage returns   | stream | ok                      | done  | no     | reported | backoff | 0 s
a document a line       | stream | ok                      | done  | no     | reported | backoff | 0 s
another content type    | both   | ok                      | done  | no     | reported | backoff | 0 s
a byte order mark       | both   | ok                      | done  | no     | reported | backoff | 0 s
an odd number           | both   | ok                      | done  | no     | reported | backoff | 0 s
half a surrogate pair   | both   | ok                      | done  | no     | reported | backoff | 0 s
names that stand twice  | both   | ok                      | done  | no     | reported | backoff | 0 s
nulls for what is not   | both   | ok                      | done  | no     | reported | backoff | 0 s
the reason's other case | both   | ok                      | done  | no     | reported | backoff | 0 s
";

/// A row of the table.
struct Row {
    fault: &'static str,
    /// The deliveries that the fault can hit.
    hits: &'static [Delivery],
    then: Then,
    told: Told,
}

/// The result that one attempt leads to.
#[derive(Clone, Copy)]
struct Told {
    /// The category, or `ok`.
    outcome: &'static str,
    counts: bool,
    /// The cost in nano-dollars.
    billed: u64,
    wait: Wait,
    takes_s: u64,
}

/// The step that follows a fault.
#[derive(Clone, Copy)]
enum Then {
    Retry,
    Next,
    End,
    /// No step follows: the reply is an answer in an odd form.
    Done,
}

/// The wait before a retry.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wait {
    /// There is no wait, because the attempt is the first.
    No,
    /// The wait is a part of the base delay, and more than nothing.
    Backoff,
    /// The wait has exactly this length.
    Exactly(Duration),
}

/// The cost of an answer of [`Wire`]: 15 tokens at $1 per million, 5 cached ones at $0.50, and 10
/// at $10.
const REPORTED: u64 = 15 * 1_000 + 5 * 500 + 10 * 10_000;

/// The fault that precedes the one of the cell: a 500.
const STUMBLE: &str = "500";

fn rows() -> impl Iterator<Item = Row> {
    CONTRACT.trim().lines().skip(1).map(|line| {
        let cells: Vec<&'static str> = line.split('|').map(str::trim).collect();
        let [fault, hits, category, then, counts, billed, waits, takes] = cells[..] else {
            panic!("eight columns: {line}")
        };
        let seconds = |text: &str| text.strip_suffix(" s").unwrap().parse().unwrap();
        Row {
            fault,
            hits: match hits {
                "whole" => &[Delivery::Whole],
                "stream" => &[Delivery::Stream],
                _ => &[Delivery::Whole, Delivery::Stream],
            },
            then: match then {
                "retry" => Then::Retry,
                "next" => Then::Next,
                "end" => Then::End,
                "done" => Then::Done,
                other => panic!("{other}"),
            },
            told: Told {
                outcome: category,
                counts: counts == "yes",
                billed: match billed {
                    "nothing" => 0,
                    "the hold" => WORST_CASE,
                    "reported" => REPORTED,
                    other => panic!("{other}"),
                },
                wait: match waits {
                    "backoff" => Wait::Backoff,
                    asked => Wait::Exactly(Duration::from_secs(seconds(asked))),
                },
                takes_s: seconds(takes),
            },
        }
    })
}

/// The way in which an answer is delivered.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Delivery {
    /// The answer is delivered as one body.
    Whole,
    /// The answer is delivered as a stream of events.
    Stream,
}

impl Delivery {
    fn other(self) -> Self {
        match self {
            Self::Whole => Self::Stream,
            Self::Stream => Self::Whole,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Stream => "streamed",
        }
    }
}

/// The place in a request where the fault hits. Each target may be tried twice.
#[derive(Debug, Clone, Copy)]
enum Position {
    /// The fault hits the first attempt. All others succeed.
    First,
    /// The fault hits the retry, after a 500.
    Retry,
    /// The fault hits the fallback, after its predecessor failed twice.
    Fallback,
    /// The fault hits every attempt.
    Throughout,
}

/// The target that is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Who {
    /// The provider that the cell is about.
    It,
    /// The other target of the chain.
    Other,
}

/// The reply of a target.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Reply {
    Fault,
    Stumble,
    Good,
}

/// Returns every attempt of a request, in order, and what comes back. After a good reply there is
/// an answer; after the last bad one the request fails with its category.
fn course(position: Position, then: Then) -> &'static [(Who, Reply)] {
    use Reply::{Fault, Good, Stumble};
    use Who::{It, Other};
    match (position, then) {
        (Position::First, Then::Retry) => &[(It, Fault), (It, Good)],
        (Position::First, Then::Next) => &[(It, Fault), (Other, Good)],
        (Position::First, Then::End | Then::Done) => &[(It, Fault)],

        (Position::Retry, Then::Retry | Then::Next) => &[(It, Stumble), (It, Fault), (Other, Good)],
        (Position::Retry, Then::End | Then::Done) => &[(It, Stumble), (It, Fault)],

        (Position::Fallback, Then::Retry) => {
            &[(Other, Stumble), (Other, Stumble), (It, Fault), (It, Good)]
        }
        (Position::Fallback, Then::Next | Then::End | Then::Done) => {
            &[(Other, Stumble), (Other, Stumble), (It, Fault)]
        }

        (Position::Throughout, Then::Retry) => {
            &[(It, Fault), (It, Fault), (Other, Fault), (Other, Fault)]
        }
        (Position::Throughout, Then::Next) => &[(It, Fault), (Other, Fault)],
        (Position::Throughout, Then::End | Then::Done) => &[(It, Fault)],
    }
}

/// Checks one position in every row, dialect and delivery.
async fn check(position: Position) {
    let (mut cells, mut wrong) = (0, Vec::new());
    for row in rows() {
        for wire in [Wire::OpenAi, Wire::Anthropic, Wire::Gemini] {
            for &delivery in row.hits {
                let cell = Cell { row: &row, wire, delivery, position };
                let differences = cell.expected().against(&cell.seen().await);
                cells += 1;
                if !differences.is_empty() {
                    wrong.push(format!("{cell}\n{}", differences.join("\n")));
                }
            }
        }
    }
    assert!(cells > 180, "only {cells} cells");
    assert!(wrong.is_empty(), "{} of {cells} cells:\n\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_the_first_attempt() {
    check(Position::First).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_the_retry() {
    check(Position::Retry).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_the_fallback() {
    check(Position::Fallback).await;
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_everything() {
    check(Position::Throughout).await;
}
