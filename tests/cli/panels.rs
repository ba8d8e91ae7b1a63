//! `route` on a panel: how far the members agree, and whether that is certified.

use test_support::BlockingProvider;

use crate::policies::{each_answering, reviewed_by};
use crate::program::{Ended, Home, flowing};

/// Creates a home whose policy has a panel of these providers.
pub(crate) fn home_of(members: &[BlockingProvider; 3], promise: &str) -> Home {
    let urls = members.each_ref().map(BlockingProvider::address);
    Home::holding(&reviewed_by(urls.each_ref().map(String::as_str), promise))
}

/// Asks a panel of these providers.
fn ask(members: &[BlockingProvider; 3], promise: &str) -> Ended {
    home_of(members, promise).with_policy(&["route", "review", "6 x 7 = ?"]).ends()
}

/// Returns the number of the line that begins with this text.
#[track_caller]
fn line_of(said: &str, beginning: &str) -> usize {
    let found = said.lines().position(|line| line.trim_start().starts_with(beginning));
    found.unwrap_or_else(|| panic!("no line `{beginning}`: {said}"))
}

#[test]
fn a_split_is_shown_with_dissent_first() {
    let members = each_answering(["42", "Surely 41.\n\nSecond line.", "42"]);
    let ended = ask(&members, "").exits(0);
    assert!(ended.stdout.starts_with("not comparable"), "{}", ended.stdout);
    let ended = ask(&each_answering(["42", "41", "**42**"]), "").exits(0);
    insta::assert_snapshot!(ended.stdout);
    for told in ["3 of 3 answered", "$0.000051", "receipt "] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
}

#[test]
fn a_unanimous_panel_is_good_news_only_when_it_is_certified() {
    let green = |text: &str| format!("\x1b[1m\x1b[32m{text}");
    let shown = |members: &[BlockingProvider; 3]| {
        let home = home_of(members, "");
        let run = home.with_policy(&["--color", "always", "route", "review", "6 x 7 = ?"]);
        run.ends().exits(0).stdout
    };
    let said = shown(&each_answering(["yes", "Yes.", "**YES**"]));
    assert!(said.starts_with(&green("unanimous: 3 of 3 agree (boolean)")), "{said:?}");
    let [one, _, three] = each_answering(["yes"; 3]);
    // The second member's provider answers with the first member's model.
    let said = shown(&[one, BlockingProvider::answering("alpha", "yes"), three]);
    assert!(!said.starts_with(&green("")), "{said:?}");
    let first = flowing(said.split("dissent").next().unwrap().split(" all ").next().unwrap());
    assert!(first.contains("unanimous") && first.contains("NOT CERTIFIED"), "{first:?}");
    assert!(said.contains("answered as alpha"), "{said}");
    let claim = &said[said.find("model_distinct").unwrap()..];
    assert!(claim.lines().next().unwrap().contains("\x1b[31mfail"), "in red: {claim:?}");
}

#[test]
fn a_panel_that_cannot_be_certified_is_refused_and_shown() {
    let [one, _, three] = each_answering(["yes"; 3]);
    let members = [one, BlockingProvider::answering("alpha", "yes"), three];
    let ended = ask(&members, ", enforce: hard, require: model_distinct").exits(1);
    assert!(ended.stderr.starts_with("error: the independence of `review`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint:  model_distinct"), "{}", ended.stderr);
    line_of(&ended.stdout, "not certified: level context_blind reached, model_distinct required");
    line_of(&ended.stdout, "3. three/gamma");
}

#[test]
fn a_member_that_failed_is_named_and_what_came_is_shown() {
    let failing = || {
        let [one, two, _] = each_answering(["no", "paid for", ""]);
        [one, two, BlockingProvider::refusing(500, "down")]
    };
    let ended = ask(&failing(), ", quorum: 2").exits(0);
    line_of(&ended.stdout, "silent    3. three/gamma: provider_5xx");
    line_of(&ended.stdout, "no answer:");
    line_of(&ended.stdout, "tried  three/gamma: provider_5xx");
    assert!(ended.stderr.contains("2 of 3 answered"), "{}", ended.stderr);

    let ended = ask(&failing(), "").exits(1);
    let error = "error: 2 of 3 members of `review` answered, and 3 must";
    assert!(ended.stderr.starts_with(error), "{}", ended.stderr);
    let answer = line_of(&ended.stdout, "paid for");
    assert_eq!(ended.stdout.lines().nth(answer - 1), Some("2. two/beta"));
}

#[test]
fn where_nothing_is_to_compare_the_first_line_says_so() {
    let down = || BlockingProvider::refusing(500, "down");
    let ended = ask(&[down(), down(), down()], "").exits(1);
    assert!(ended.stdout.starts_with("no member answered · NOT CERTIFIED\n"), "{}", ended.stdout);
    let [one, ..] = each_answering(["yes"; 3]);
    let ended = ask(&[one, down(), down()], ", quorum: 2").exits(1);
    let only = "only one member answered · NOT CERTIFIED\n";
    assert!(ended.stdout.starts_with(only), "{}", ended.stdout);
    let like = || BlockingProvider::answering("alpha", "yes");
    let ended = ask(&[like(), like(), like()], "").exits(0);
    let first = ended.stdout.lines().next().unwrap();
    assert!(first.contains(" · worth at most 1 independent vote · NOT"), "{first}");
}

#[test]
fn json_is_one_envelope_with_every_member() {
    // The members are kept to the end, because the server of a dropped provider is used by another
    // test.
    let members = each_answering(["42", "41", "42"]);
    let home = home_of(&members, "");
    let run = home.with_policy(&["--json", "route", "review", "6 x 7 = ?"]);
    let envelope = run.ends().exits(0).document();
    let members = envelope["data"]["members"].as_array().unwrap();
    let said: Vec<_> = members.iter().map(|it| it["data"]["text"].as_str().unwrap()).collect();
    assert_eq!(said, ["42", "41", "42"]);
    assert_eq!(envelope["data"]["agreement"]["outcome"], "majority");
    assert_eq!(envelope["meta"]["visibility"]["independence_certified"], true);
}

#[test]
fn the_panels_of_the_default_policy_run_offline() {
    for class in ["dual_opinion", "triple_review"] {
        let ended = Home::new().program(["--offline", "route", class, "Is it so?"]).ends().exits(0);
        line_of(&ended.stdout, "certified: level lineage_distinct reached");
        line_of(&ended.stdout, "not proven:");
    }
}
