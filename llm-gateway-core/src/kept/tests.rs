//! Tests of what is kept of runs: within which bounds, and in which order they give way.

use super::*;
use crate::Status;
use serde_json::json;

fn id(number: u128) -> RunId {
    RunId::from_bits(number)
}

fn answer(text: &str) -> Envelope {
    Envelope::success(json!({ "text": text }))
}

/// Keeps a run that has ended with this text.
fn ended(kept: &KeptRuns, number: u128, text: &str) {
    let _ = kept.begin(id(number), "ask", Instant::now()).finish(answer(text));
}

/// Returns the text of a kept result; `None` if the run is not kept.
fn text(kept: &KeptRuns, number: u128) -> Option<String> {
    let envelope = kept.find(id(number))?.envelope()?;
    Some(envelope.whole_text().into_owned())
}

#[tokio::test]
async fn a_result_is_kept_as_it_was() {
    let kept = KeptRuns::default();
    let ticket = kept.begin(id(1), "ask", Instant::now());
    let run = kept.find(id(1)).unwrap();
    assert_eq!((run.state(), run.envelope()), (RunState::Running, None));
    let waiters = [run.clone(), ticket.run().clone(), kept.newest().unwrap()];
    let waiters = waiters.map(|run| tokio::spawn(async move { run.done().await }));
    tokio::task::yield_now().await;
    let envelope = answer("äö \u{1F980} \" \u{0}");
    let envelope = Arc::new(envelope);
    assert_eq!(ticket.finish(Envelope::clone(&envelope)), envelope);
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap(), envelope);
    }
    assert_eq!((run.state(), run.envelope()), (RunState::Done, Some(envelope)));
    assert!(kept.find(id(2)).is_none());
}

#[test]
fn the_newest_runs_are_kept() {
    let kept = KeptRuns::default();
    (0..300).for_each(|number| ended(&kept, number, &number.to_string()));
    assert_eq!(text(&kept, 43), None);
    assert_eq!(text(&kept, 44).as_deref(), Some("44"));
    assert_eq!(text(&kept, 299).as_deref(), Some("299"));
    assert_eq!(kept.describe(1_000, Instant::now()).len(), 256);
    let newest = kept.describe(16, Instant::now());
    let newest: Vec<RunId> = newest.into_iter().map(|run| run.run_id).collect();
    assert_eq!(newest, (284..300).rev().map(id).collect::<Vec<_>>());
    assert_eq!(kept.newest().unwrap().id(), id(299));
}

#[test]
fn results_have_a_bound_in_bytes() {
    let kept = KeptRuns::within(100, 10_000);
    for number in 0..50 {
        ended(&kept, number, &"x".repeat(1_000));
        assert!(kept.0.list().bytes() <= 10_000);
    }
    assert_eq!(kept.describe(100, Instant::now()).len(), 7);
    // One that fits only alone leaves nothing else.
    ended(&kept, 50, &"x".repeat(9_600));
    assert_eq!(kept.describe(100, Instant::now()).len(), 1);
    assert_eq!(text(&kept, 50).unwrap().len(), 9_600);
}

#[test]
fn sixty_four_mebibytes_are_the_most() {
    let kept = KeptRuns::default();
    let large = "x".repeat(10 * 1024 * 1024);
    for number in 0..8 {
        ended(&kept, number, &large);
        let list = kept.0.list();
        let held = list.runs.iter().filter_map(|it| it.run.result.borrow().clone());
        assert!(held.map(|result| result.bytes()).sum::<usize>() <= MOST_BYTES);
    }
    assert_eq!(kept.describe(100, Instant::now()).len(), 6);
}

/// One result that is larger than all together may be keeps its beginning and its end, and is
/// returned as it is kept, so that nobody is told of pages that are not there.
#[test]
fn a_result_larger_than_the_bound_keeps_head_and_tail() {
    let kept = KeptRuns::within(10, 20_000);
    ended(&kept, 1, "small");
    let large = format!("HEAD {} TAIL", "ä\u{1F980}".repeat(20_000));
    let ticket = kept.begin(id(2), "ask", Instant::now());
    let envelope = ticket.finish(answer(&large));
    assert_eq!(kept.find(id(2)).unwrap().envelope().as_ref(), Some(&envelope));
    assert_eq!(envelope.meta["truncated"], true);
    let shown = text(&kept, 2).unwrap();
    assert!(shown.starts_with("HEAD") && shown.ends_with("TAIL"), "{shown}");
    assert!(shown.len() > 5_000);
    assert!(kept.0.list().bytes() <= 20_000);
}

#[test]
fn what_is_under_way_gives_way_last() {
    let kept = KeptRuns::within(4, 10_000);
    let old = kept.begin(id(0), "ask", Instant::now());
    (1..10).for_each(|number| ended(&kept, number, "x"));
    assert!(kept.find(id(0)).is_some(), "it is under way");
    assert_eq!(kept.find(id(6)).map(|run| run.id()), None);
    // Its result is the newest, though it was started first.
    let _ = old.finish(answer("late"));
    (10..13).for_each(|number| ended(&kept, number, "x"));
    assert_eq!(text(&kept, 0).as_deref(), Some("late"));
    ended(&kept, 13, "x");
    assert_eq!(text(&kept, 0), None);
}

#[tokio::test]
async fn more_runs_under_way_than_are_kept_still_answer_those_who_wait() {
    let kept = KeptRuns::within(2, 10_000);
    let tickets: Vec<_> =
        (0..5).map(|number| kept.begin(id(number), "ask", Instant::now())).collect();
    assert_eq!(kept.describe(100, Instant::now()).len(), 2);
    let runs: Vec<KeptRun> = tickets.iter().map(|ticket| ticket.run().clone()).collect();
    for ticket in tickets {
        let _ = ticket.finish(answer("here"));
    }
    for run in runs {
        assert_eq!(run.done().await.whole_text(), "here");
    }
    assert_eq!(kept.describe(100, Instant::now()).len(), 2);
}

#[tokio::test]
async fn a_ticket_that_is_dropped_ends_its_run() {
    let kept = KeptRuns::default();
    let ticket = kept.begin(id(1), "ask", Instant::now());
    let run = ticket.run().clone();
    let waiter = tokio::spawn(async move { run.done().await });
    drop(ticket);
    let envelope = waiter.await.unwrap();
    assert_eq!((envelope.status, &envelope.meta["run_id"]), (Status::Error, &json!(id(1))));
    assert_eq!(envelope.meta["error_category"], "cancelled");
    let ticket = kept.begin(id(2), "ask", Instant::now());
    let failed = ticket.fail(Error::new(Category::Internal, "it broke"));
    assert_eq!(failed.error.as_deref(), Some("it broke"));
    assert_eq!(kept.find(id(2)).unwrap().envelope(), Some(failed));
}

#[test]
fn bounds_of_nothing_keep_nothing() {
    for (most_runs, most_bytes) in [(0, 10_000), (10, 0), (0, 0), (10, 1)] {
        let kept = KeptRuns::within(most_runs, most_bytes);
        ended(&kept, 1, &"x".repeat(1_000));
        assert_eq!(text(&kept, 1), None, "{most_runs} {most_bytes}");
        assert_eq!(kept.0.list().bytes(), 0);
    }
}

#[test]
fn a_task_class_of_a_megabyte_is_kept_short() {
    let kept = KeptRuns::default();
    let _ticket = kept.begin(id(1), &"ä".repeat(1_000_000), Instant::now());
    assert_eq!(kept.newest().unwrap().task_class().chars().count(), 64);
    let shown = format!("{kept:?} {:?}", kept.newest().unwrap());
    assert!(shown.len() < 200, "{shown}");
}

/// Checks the bounds, and that what is kept is whole, while runs come and go in many threads.
#[test]
fn many_threads_keep_the_bounds() {
    let kept = KeptRuns::within(20, 50_000);
    std::thread::scope(|threads| {
        for thread in 0..8_u128 {
            let kept = kept.clone();
            threads.spawn(move || {
                for number in 0..200 {
                    let own = thread * 1_000 + number;
                    let ticket = kept.begin(id(own), "ask", Instant::now());
                    match number % 7 {
                        0 => drop(ticket),
                        size => drop(
                            ticket.finish(answer(&own.to_string().repeat(100 * size as usize))),
                        ),
                    }
                    let list = kept.0.list();
                    assert!(list.bytes() <= 50_000 && list.runs.len() <= 20);
                    let counted = list.runs.iter().filter_map(|it| it.result.map(|it| it.1));
                    let held = list.runs.iter().filter_map(|it| it.run.result.borrow().clone());
                    // A result that is being handed in is counted already.
                    assert!(held.map(|it| it.bytes()).sum::<usize>() <= counted.sum::<usize>());
                }
            });
        }
    });
}

/// A run that was promised to a caller stays, however many are started after it.
#[test]
fn of_runs_under_way_the_newest_gives_way() {
    let kept = KeptRuns::within(2, 10_000);
    let tickets: Vec<_> =
        (0..5).map(|number| kept.begin(id(number), "ask", Instant::now())).collect();
    let is_kept = |number| kept.find(id(number)).is_some();
    assert_eq!([0, 1, 2, 3, 4].map(is_kept), [true, true, false, false, false]);
    drop(tickets);
}

#[tokio::test]
async fn a_refusal_is_told_and_takes_no_place() {
    let kept = KeptRuns::within(2, 10_000);
    ended(&kept, 1, "paid");
    for number in 2..9 {
        let ticket = kept.begin(id(number), "ask", Instant::now());
        let run = ticket.run().clone();
        let refused = ticket.finish_unkept(Envelope::from(&Error::new(Category::Internal, "no")));
        assert_eq!((run.done().await, kept.find(id(number)).is_none()), (refused, true));
    }
    assert_eq!(kept.newest().map(|run| run.id()), Some(id(1)));
    assert_eq!(text(&kept, 1).as_deref(), Some("paid"));
}

/// Returns the slices of all pages of a run from `first` on.
fn slices(run: &KeptRun, max_chars: usize, first: u64, last: u64) -> String {
    let pages = (first..=last).map(|number| run.page(number, max_chars).unwrap().unwrap());
    pages.map(|page| page.whole_text().into_owned()).collect()
}

#[test]
fn pages_join_although_the_bound_changes() {
    let whole = "äö \u{1F980} \"\n words ".repeat(3_000);
    for (first, later) in [(2_000, 30_000), (30_000, 2_000), (2_000, 2_000), (5_000, 4_999)] {
        for is_shown in [true, false] {
            let kept = KeptRuns::default();
            let mut envelope = answer(&whole);
            envelope.meta.insert("run_id".to_owned(), json!(id(1)));
            let _ = kept.begin(id(1), "ask", Instant::now()).finish(envelope);
            let run = kept.find(id(1)).unwrap();
            let told = match is_shown {
                true => run.shown(first).unwrap(),
                false => run.page(1, first).unwrap().unwrap(),
            };
            let pages = told.meta["pages"].as_u64().unwrap();
            assert_eq!(run.page_count(first), Some(pages));
            let beginning = slices(&run, first, 1, 2);
            if first <= later {
                assert_eq!(format!("{beginning}{}", slices(&run, later, 3, pages)), whole);
                continue;
            }
            for _ in 0..2 {
                let error = run.page(3, later).unwrap().unwrap_err();
                let count = run.page_count(later).unwrap();
                assert!(count > pages || first - later == 1, "{count}");
                assert!(error.message().contains(&format!("there are {count}")), "{error}");
                assert!(error.hint().unwrap().contains("page 1"));
            }
            // Whoever begins again, or is told the new count, goes on with it.
            match is_shown {
                true => drop(run.page(1, later)),
                false => drop(run.shown(later)),
            }
            let count = run.page_count(later).unwrap();
            assert_eq!(slices(&run, later, 1, count), whole);
            assert_eq!(slices(&run, first, 1, count), whole, "the size belongs to the run");
        }
    }
}

#[test]
fn those_who_ask_at_once_are_shown_the_same() {
    let kept = KeptRuns::default();
    let mut envelope = answer(&"\"x\n".repeat(300_000));
    envelope.meta.insert("run_id".to_owned(), json!(id(1)));
    let _ = kept.begin(id(1), "ask", Instant::now()).finish(envelope.clone());
    let run = kept.find(id(1)).unwrap();
    assert!(run.is_large());
    let expected = envelope.clone().bounded_in_pages(2_000);
    let page = envelope.page(7, 2_000).unwrap();
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| {
                assert_eq!(run.shown(2_000).unwrap(), expected);
                assert_eq!(run.page(7, 2_000).unwrap().unwrap(), page);
            });
        }
    });
    assert_eq!(run.envelope().unwrap(), run.envelope().unwrap());
    assert_eq!(run.shown(usize::MAX).unwrap(), envelope);
}
