//! `route` on a cascade: the answer, the model that gave it, and the cost.

use test_support::BlockingProvider;

use crate::policies::{each_answering, summed_by};
use crate::program::Home;

/// Creates a home whose policy has a cascade of these providers: a gate of two, then the strong
/// one.
fn home_of(targets: &[BlockingProvider; 3]) -> Home {
    let urls = targets.each_ref().map(BlockingProvider::address);
    Home::holding(&summed_by(urls.each_ref().map(String::as_str)))
}

#[test]
fn a_gate_that_agrees_is_the_answer() {
    let targets = each_answering(["42", "42.", "never said"]);
    let ended = home_of(&targets).with_policy(&["route", "sums", "6 x 7 = ?"]).ends().exits(0);
    assert_eq!(ended.stdout, "42\n");
    for told in ["one/alpha for the gate: all 2 models", "(number)", "$0.000034", " s\n"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    assert_eq!(targets[2].requests().len(), 0, "the strong model was not asked");
}

#[test]
fn an_escalation_says_why() {
    let targets = each_answering(["42", "41", "strong"]);
    let home = home_of(&targets);
    let ended = home.with_policy(&["route", "sums", "6 x 7 = ?"]).ends().exits(0);
    assert_eq!(ended.stdout, "strong\n");
    let told = "three/gamma, escalated: the gate's answers differ (number) · $0.000051 · ";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let json = home.with_policy(&["--json", "route", "sums", "6 x 7 = ?"]).ends().exits(0);
    assert_eq!(json.document()["meta"]["cascade"]["answered_by"], "else");
}

#[test]
fn a_strong_model_that_fails_shows_what_the_gate_said() {
    let [one, two, _] = each_answering(["paid for", "and this", ""]);
    let targets = [one, two, BlockingProvider::refusing(500, "down")];
    let ended = home_of(&targets).with_policy(&["route", "sums", "hi"]).ends().exits(1);
    assert!(ended.stderr.starts_with("error: three answered 500"), "{}", ended.stderr);
    for told in ["paid for", "and this"] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
}

#[test]
fn the_gate_has_a_receipt_that_verify_re_checks() {
    let targets = each_answering(["42", "41", "strong"]);
    let home = home_of(&targets);
    let documents = ["--receipt", "receipt.json", "--bundle", "bundle.json"];
    let question = ["route", "sums", "hi"];
    home.with_policy(&[&question[..], &documents].concat()).ends().exits(0);
    let verify = ["verify", "receipt.json", "--bundle", "bundle.json"];
    let ended = home.program(verify).ends().exits(0);
    assert!(ended.stdout.contains("2 calls of 2 members"), "{}", ended.stdout);
}

#[test]
fn a_cascade_is_listed_with_its_gate_and_what_comes_else() {
    let home = Home::holding(&summed_by(["http://127.0.0.1:9"; 3]));
    let ended = home.with_policy(&["info"]).ends().exits(0);
    for told in ["cascade", "one/alpha", "and two/beta", "else three/gamma"] {
        assert!(ended.stdout.contains(told), "{told}: {}", ended.stdout);
    }
    let class = home.with_policy(&["--json", "info"]).ends().exits(0).document();
    let class = &class["data"]["task_classes"][0];
    assert_eq!(class["available"], true);
    assert_eq!(class["escalation"]["asked"], 0);
}
