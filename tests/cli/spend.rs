//! `spend`: what a month has cost, what its caps leave, and what dead processes have held.

use serde_json::{Value, json};
use test_support::{BlockingProvider, nanos};
use wiremock::ResponseTemplate;

use crate::hanging::Hanging;
use crate::policies::served_by;
use crate::program::{Ended, Home, Run, flowing};

const TOTAL: &str = "LLM_GATEWAY_CAP_TOTAL_MONTHLY";

/// A home with a ledger that all its runs share.
pub(crate) struct Till(pub(crate) Home);

impl Till {
    pub(crate) fn at(url: &str) -> Self {
        Self(Home::holding(&served_by(url, url)))
    }

    /// Creates a till whose provider is never asked.
    pub(crate) fn closed() -> Self {
        Self::at("http://127.0.0.1:9")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let run = self.0.with_policy(arguments).env("LOCAL_API_KEY", "key-of-local");
        let ledger = self.0.path().join("state/ledger.db");
        run.env("LLM_GATEWAY_LEDGER_PATH", ledger).env("LLM_GATEWAY_LEDGER", "1")
    }

    /// Returns the report of `spend` with more `arguments`.
    #[track_caller]
    pub(crate) fn spent(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = ["--json", "spend"].iter().chain(arguments).copied().collect();
        data(&self.run(&arguments).ends().exits(0))
    }

    /// Asks a class with more `arguments`. Returns the cost in nano-dollars.
    #[track_caller]
    fn pays(&self, class: &str, arguments: &[&str]) -> u64 {
        let question: Vec<&str> =
            ["--json", "route", class, "Why?"].iter().chain(arguments).copied().collect();
        let answer = self.run(&question).ends().exits(0).document();
        nanos(&answer["meta"]["cost_usd_approx"])
    }
}

#[track_caller]
fn data(ended: &Ended) -> Value {
    let document = ended.document();
    assert_eq!(document["status"], "success", "{document}");
    assert_eq!(ended.stderr, "");
    document["data"].clone()
}

/// Returns the rows of a report as (name, nano-dollars, calls).
fn rows<'a>(report: &'a Value, by: &str) -> Vec<(&'a str, u64, u64)> {
    let row = |row: &'a Value| {
        (row[by].as_str().unwrap(), nanos(&row["cost_usd"]), row["calls"].as_u64().unwrap())
    };
    report["rows"].as_array().unwrap().iter().map(row).collect()
}

#[test]
fn the_sum_is_that_of_the_envelopes_to_the_nano_dollar() {
    // The response names no model, so each call has the price of the model that was asked.
    let provider = BlockingProvider::with(ResponseTemplate::new(200).set_body_json(json!({
        "choices": [{ "message": { "content": "Because." }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 11, "completion_tokens": 3 },
    })));
    let till = Till::at(&provider.address());
    let small = till.pays("quick_answer", &[]);
    let safe = till.pays("safe", &[]);
    let large = till.pays("quick_answer", &["--override-model", "larger"]);
    // Each call has 11 tokens in and 3 out, at $1 and $2 per million, or at ten times that.
    assert_eq!((small, safe, large), (17_000, 17_000, 170_000));

    let report = till.spent(&[]);
    assert_eq!(nanos(&report["total_usd"]), small + safe + large);
    assert_eq!((&report["held_usd"], &report["unsettled_usd"]), (&json!(0.0), &json!(0.0)));
    assert_eq!(report["caps"], json!({}));
    assert_eq!(rows(&report, "provider"), [("local", small + safe + large, 3)]);
    let by_model = till.spent(&["--by", "model"]);
    assert_eq!(rows(&by_model, "model"), [("larger", large, 1), ("small", small + safe, 2)]);
    let by_class = till.spent(&["--by", "task_class"]);
    let classes = [("quick_answer", small + large, 2), ("safe", safe, 1)];
    assert_eq!(rows(&by_class, "task_class"), classes);
    assert_eq!(by_class["total_usd"], report["total_usd"]);
    assert_eq!(by_class["month"], report["month"]);
}

#[test]
fn caps_and_what_they_leave_are_told() {
    let provider = BlockingProvider::answering("small", "Because.");
    let till = Till::at(&provider.address());
    let paid = till.pays("quick_answer", &[]);
    let run = |arguments: &[&str]| {
        let run = till.run(arguments).env(TOTAL, "0.5").env("LLM_GATEWAY_CAP_LOCAL_MONTHLY", "12");
        run.env("LLM_GATEWAY_CAP_SPARE_MONTHLY", "0.000000001").without("LLM_GATEWAY_LEDGER")
    };
    let report = data(&run(&["--json", "spend"]).ends().exits(0));
    let caps = report["caps"].as_object().unwrap();
    assert_eq!(caps.keys().collect::<Vec<_>>(), ["total/month", "local/month", "spare/month"]);
    for (name, cap, left) in [
        ("total/month", 500_000_000, 500_000_000 - paid),
        ("local/month", 12_000_000_000, 12_000_000_000 - paid),
        ("spare/month", 1, 1),
    ] {
        let told = (nanos(&caps[name]["cap_usd"]), nanos(&caps[name]["left_usd"]));
        assert_eq!(told, (cap, left), "{name}");
    }
    let shown = run(&["spend"]).ends().exits(0).stdout;
    let month = report["month"].as_str().unwrap();
    for told in [month, "local", "$0.000017", "everything", "$0.50", "$0.499983", "unsettled"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
}

#[test]
fn a_call_whose_tokens_nobody_reported_is_told_from_the_rest() {
    let provider = BlockingProvider::with(ResponseTemplate::new(200).set_body_json(json!({
        "choices": [{ "message": { "content": "Because." }, "finish_reason": "stop" }],
    })));
    let till = Till::at(&provider.address());
    let paid = till.pays("quick_answer", &[]);
    let report = till.spent(&[]);
    assert_eq!(rows(&report, "provider"), [("local", paid, 1)]);
    assert_eq!(
        (&report["rows"][0]["estimated"], report["rows"][0].get("unknown")),
        (&json!(1), None)
    );
    let shown = till.run(&["spend"]).ends().exits(0).stdout;
    assert!(shown.contains("1 (1 estimated)"), "{shown}");
}

#[test]
fn a_month_without_calls_has_cost_nothing() {
    for month in ["1999-12", "9999-12"] {
        let report = Till::closed().spent(&["--month", month]);
        let nothing = json!({
            "month": month, "total_usd": 0.0, "held_usd": 0.0, "unsettled_usd": 0.0, "caps": {},
            "rows": [],
        });
        assert_eq!(report, nothing);
    }
    let shown = Till::closed().run(&["spend", "--month", "1999-12"]).ends().exits(0).stdout;
    assert!(shown.contains("1999-12") && shown.contains("no call"), "{shown}");
}

#[test]
fn a_month_that_is_none_is_named_with_the_form_that_is_right() {
    for month in ["2026", "2026-13", "2026-1", "november"] {
        let ended = Till::closed().run(&["spend", "--month", month]).ends().exits(2);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains(month) && ended.stderr.contains("YYYY-MM"), "{month}");
    }
}

#[test]
fn a_day_is_shown_in_place_of_a_month_and_without_a_value_it_is_today() {
    let provider = BlockingProvider::answering("small", "Because.");
    let till = Till::at(&provider.address());
    let paid = till.pays("quick_answer", &[]);
    let capped = |arguments: &[&str]| {
        let run = till.run(arguments).env("LLM_GATEWAY_CAP_TOTAL_DAILY", "0.5");
        run.env("LLM_GATEWAY_CAP_LOCAL_DAILY", "2").env("LLM_GATEWAY_CAP_SESSION", "1")
    };
    let today = data(&capped(&["--json", "spend", "--day"]).ends().exits(0));
    assert_eq!((nanos(&today["total_usd"]), today.get("month")), (paid, None));
    let day = today["day"].as_str().unwrap().to_owned();
    let caps = today["caps"].as_object().unwrap();
    assert_eq!(caps.keys().collect::<Vec<_>>(), ["total/day", "local/day", "session"]);
    assert_eq!(nanos(&caps["total/day"]["left_usd"]), 500_000_000 - paid);
    assert_eq!(
        nanos(&caps["session"]["left_usd"]),
        1_000_000_000,
        "this command is another session"
    );
    assert_eq!(data(&capped(&["--json", "spend", "--day", &day]).ends().exits(0)), today);
    let month = data(&capped(&["--json", "spend"]).ends().exits(0));
    assert_eq!((&month["caps"], &day[..7]), (&today["caps"], month["month"].as_str().unwrap()));
    let before = till.spent(&["--day", "1999-12-31"]);
    assert_eq!((&before["day"], &before["rows"]), (&json!("1999-12-31"), &json!([])));
    let shown = capped(&["spend", "--day"]).ends().exits(0).stdout;
    for told in [day.as_str(), "everything", "local", "day", "session", "$0.50"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    for wrong in [&["--day", "2026-11"][..], &["--day", "today"], &["--day", "2026-02-30"]] {
        let ended = till.run(&[&["spend"], wrong].concat()).ends().exits(2);
        assert!(ended.stderr.contains("YYYY-MM-DD"), "{}", ended.stderr);
    }
    for wrong in [&["--day", "--month", "2026-11"][..], &["--day", "--drop-unsettled", "--yes"]] {
        till.run(&[&["spend"], wrong].concat()).ends().exits(2);
    }
}

#[test]
fn without_a_ledger_there_is_nothing_to_show_and_nothing_is_made() {
    let till = Till::closed();
    for arguments in [&["--json", "spend"][..], &["--json", "spend", "--drop-unsettled", "--yes"]] {
        let document = till.run(arguments).without("LLM_GATEWAY_LEDGER").ends().exits(1).document();
        assert_eq!(document["meta"]["error_category"], "ledger");
        let hint = document["meta"]["hint"].as_str().unwrap();
        assert!(hint.contains("LLM_GATEWAY_LEDGER=1") && hint.contains(TOTAL), "{hint}");
    }
    assert!(!till.0.path().join("state").exists());
}

#[test]
fn a_ledger_that_cannot_be_read_is_an_error_that_names_it() {
    let till = Till::closed();
    till.0.write("state/ledger.db", "this is no database, and long enough to be looked at");
    let document = till.run(&["--json", "spend"]).ends().exits(1).document();
    assert_eq!(document["meta"]["error_category"], "ledger");
    assert!(document["error"].as_str().unwrap().contains("state/ledger.db"), "{document}");
}

#[test]
fn offline_the_users_own_ledger_is_left_alone() {
    let till = Till::closed();
    assert_eq!(till.spent(&["--offline"])["total_usd"], 0.0);
    assert!(!till.0.path().join("state").exists());
}

#[test]
fn nothing_is_dropped_unasked() {
    let hanging = Hanging::new();
    let till = Till::at(&hanging.address());
    hanging.asks_and_dies(&till);
    let unsettled = till.spent(&[])["unsettled_usd"].clone();
    for json in [&[][..], &["--json"]] {
        let arguments = [&["spend", "--drop-unsettled"], json].concat();
        let ended = till.run(&arguments).stdin("y\n").ends().exits(2);
        assert_eq!(ended.stdout, "");
        assert!(ended.stderr.contains("--yes"), "{}", ended.stderr);
    }
    assert_eq!(till.spent(&[])["unsettled_usd"], unsettled);
}

#[test]
fn what_a_killed_process_held_counts_until_it_is_dropped_and_a_living_ones_stays() {
    let hanging = Hanging::new();
    let till = Till::at(&hanging.address());
    let _alive = hanging.asks(&till);
    hanging.asks_and_dies(&till);
    let capped = |arguments: &[&str]| {
        let arguments: Vec<&str> = ["--json", "spend"].iter().chain(arguments).copied().collect();
        data(&till.run(&arguments).env(TOTAL, "1").ends().exits(0))
    };
    let before = capped(&[]);
    let (held, unsettled) = (nanos(&before["held_usd"]), nanos(&before["unsettled_usd"]));
    assert!(held > 0 && unsettled == held, "the same question was asked twice: {before}");
    assert_eq!(nanos(&before["caps"]["total/month"]["left_usd"]), 1_000_000_000 - held - unsettled);
    assert_eq!((&before["total_usd"], &before["rows"]), (&json!(0.0), &json!([])));
    let shown = till.run(&["spend"]).ends().exits(0);
    assert!(shown.stderr.contains("--drop-unsettled"), "{}", shown.stderr);

    let after = capped(&["--drop-unsettled", "--yes"]);
    assert_eq!(after["dropped"], json!({ "holds": 1, "amount_usd": before["unsettled_usd"] }));
    assert_eq!((nanos(&after["held_usd"]), nanos(&after["unsettled_usd"])), (held, 0));
    assert_eq!(nanos(&after["caps"]["total/month"]["left_usd"]), 1_000_000_000 - held);
    let again = capped(&["--drop-unsettled", "--yes"]);
    assert_eq!(again["dropped"], json!({ "holds": 0, "amount_usd": 0.0 }));
}

#[test]
fn every_answer_tells_a_person_what_is_left_and_warns_near_the_end() {
    let ask = |class: &str, name: &str, cap: &str| {
        let home = Home::new();
        let run = home.program(["--offline", "route", class, "Why?"]).env(name, cap);
        flowing(&run.ends().exits(0).stderr)
    };
    for class in ["quick_answer", "triple_review"] {
        let free = flowing(
            &Home::new().program(["--offline", "route", class, "Why?"]).ends().exits(0).stderr,
        );
        assert!(!free.contains(" left "), "{free}");
        for (name, when) in [
            ("LLM_GATEWAY_CAP_SESSION", "left in this session"),
            ("LLM_GATEWAY_CAP_TOTAL_DAILY", "left today"),
            ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "left this month"),
        ] {
            let told = ask(class, name, "9");
            assert!(told.contains("· $8.9") && told.contains(when), "{told}");
            assert!(!told.contains("warning"), "{told}");
        }
    }
    let home = Home::new();
    let task = home.program(["--offline", "orchestrate", "Tidy up"]);
    let told = flowing(&task.env("LLM_GATEWAY_CAP_SESSION", "9").ends().exits(0).stderr);
    assert!(told.contains("left in this session"), "{told}");
}

#[test]
fn a_cap_that_is_nearly_used_is_a_warning_on_stderr() {
    // A cut answer counts at its whole worst case, and the fallback is free.
    let cut = BlockingProvider::with(ResponseTemplate::new(200).set_body_string("{"));
    let spare = BlockingProvider::answering("smaller", "because");
    let home = Home::holding(&served_by(&cut.address(), &spare.address()));
    let ask = |cap: &str| {
        let run = home.with_policy(&["route", "safe", "Why?"]).env("LOCAL_API_KEY", "key-of-local");
        let ended = run.env("LLM_GATEWAY_CAP_SESSION", cap).ends().exits(0);
        assert_eq!(ended.stdout, "because\n");
        flowing(&ended.stderr)
    };
    let told = ask("0.0006");
    let sentence = "warning: the session cap of $0.0006 on everything leaves $0.0000";
    assert!(told.contains(sentence) && told.contains("begins anew with a new process"), "{told}");
    let told = ask("0.6");
    assert!(!told.contains("warning") && told.contains("left in this session"), "{told}");
}
