//! Tests of the text that is kept of a call that is not answered: whose it is, and of which
//! attempt.

use super::*;
use crate::outcome::PartialText;

/// What is left of a request that failed.
struct Left {
    failure: Failure,
    heard: String,
}

impl Left {
    fn partial(&self) -> Option<(&str, String, bool)> {
        let PartialText { target, text, is_committed } = self.failure.partial()?;
        Some((text, target.to_string(), *is_committed))
    }
}

/// Asks a class that fails, with or without a listener, and stops it after some seconds.
async fn left(
    gateway: &Gateway,
    class: &str,
    is_heard: bool,
    seconds: Option<u64>,
) -> Result<Left, Reply> {
    let (sink, content) = stream::channel();
    let stop = Stop::new();
    let request = Request::new(class, "hi").stopped_by(&stop);
    let sink = is_heard.then_some(sink);
    let run = run::start_heard(&gateway.state, request, AcceptedReply::Anything, sink);
    let ends = async {
        if let Some(seconds) = seconds {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            stop.stop();
        }
    };
    let (outcome, heard, ()) = tokio::join!(run.outcome, pieces(content), ends);
    let heard = heard.concat();
    match outcome {
        Ok(reply) => Err(reply),
        Err(failure) => Ok(Left { failure, heard }),
    }
}

fn fails(pieces: &[&'static str]) -> Turn {
    (pieces.to_vec(), Err(Category::Overloaded))
}

#[tokio::test(start_paused = true)]
async fn the_longest_text_of_all_attempts_is_kept_with_its_target() {
    let (house, other) = ("house/m", "openai/gpt-6-luna");
    let half = || Scripted::new().cut().cut();
    for (turns, script, text, from) in [
        (vec![fails(&["Par"]), fails(&["Pari"])], Scripted::new().status(401), "Pari", house),
        (
            vec![fails(&["Paris", " is"]), fails(&["P"])],
            Scripted::new().status(401),
            "Paris is",
            house,
        ),
        (
            vec![fails(&["Paris", " is"]), fails(&[])],
            Scripted::new().status(401),
            "Paris is",
            house,
        ),
        (vec![fails(&["ab"]), fails(&["cd"])], Scripted::new().status(401), "cd", house),
        (vec![fails(&[]), fails(&[" "])], half(), "This is an", other),
        (vec![fails(&["P"]), fails(&["Pa"])], half(), "This is an", other),
    ] {
        let house = House::new(turns);
        let left = left(&gateway(&house, &script), "one", false, None).await.unwrap();
        let (kept, target, is_committed) = left.partial().unwrap();
        assert!(kept == text || (from == other && kept.starts_with(text)), "{kept:?} {text:?}");
        assert_eq!((target.as_str(), is_committed), (from, false), "{kept}");
        // The error is the last asked target's, whoever wrote the text.
        assert_eq!(left.failure.error().target().unwrap().to_string(), other);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_keeps_what_came_until_then_and_no_more() {
    let long = || fails(&["one ", "two ", "three ", "four "]);
    for (seconds, turns, text) in [
        (1, vec![long()], Some("one ")),
        (3, vec![long()], Some("one two ")),
        (5, vec![long()], Some("one two three ")),
        // The second attempt has said less than the first one.
        (9, vec![long(), fails(&["1 ", "2 "])], Some("one two three four ")),
        (3, vec![fails(&["a"]), fails(&["bc", "d"])], Some("bc")),
        (1, vec![fails(&[""])], None),
    ] {
        let house = House::new(turns);
        let gateway = gateway(&house, &Scripted::new());
        let left = left(&gateway, "one", false, Some(seconds)).await.unwrap();
        assert_eq!(left.failure.category(), Category::Cancelled, "{seconds}");
        assert_eq!(left.partial().map(|it| it.0), text, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_it_waits_keeps_what_had_come() {
    let house = House::new([fails(&["Par", "is"]), fails(&["no"])]);
    let policy = POLICY.replace("base_delay_s: 0.1", "base_delay_s: 30, max_delay_s: 30");
    let builder = Gateway::builder().policy_yaml(policy).environment(Environment::empty()).seed(7);
    let builder = builder.scripted(Scripted::new()).provider("house", house.clone());
    let left = left(&builder.build().unwrap(), "one", false, Some(5)).await.unwrap();
    assert_eq!(house.asked.load(Ordering::SeqCst), 1);
    assert_eq!(left.failure.category(), Category::Cancelled);
    assert_eq!(left.partial().unwrap().0, "Paris");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_keeps_what_came_until_then() {
    let many = vec!["word "; 100];
    let house = House::new([(many, Ok("never"))]);
    let left = left(&gateway(&house, &Scripted::new()), "one", false, None).await.unwrap();
    assert_eq!(left.failure.category(), Category::Timeout);
    // Each piece takes two seconds, and the deadline is a minute.
    let words = left.partial().unwrap().0.split_whitespace().count();
    assert!((29..=31).contains(&words), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_was_passed_on_is_told_as_committed() {
    for (turn, seconds) in [(fails(&["Par", "is"]), None), (fails(&["Par", "is", "!"]), Some(3))] {
        let house = House::new([turn]);
        let script = Scripted::new().answer("Lyon");
        let left = left(&gateway(&house, &script), "one", true, seconds).await.unwrap();
        assert_eq!(left.partial(), Some(("Paris", "house/m".to_owned(), true)));
        assert_eq!((left.heard.as_str(), script.requests().len()), ("Paris", 0));
    }
    // Nothing was passed on before the stop.
    let house = House::new([fails(&["", " "])]);
    let left = left(&gateway(&house, &Scripted::new()), "one", true, Some(1)).await.unwrap();
    assert_eq!(left.partial(), None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_no_text_of_the_attempts_before_it() {
    let house = House::new([fails(&["Lyon"]), (vec!["Pa", "ris"], Ok("Paris"))]);
    let reply = left(&gateway(&house, &Scripted::new()), "one", false, None).await.err().unwrap();
    assert_eq!(reply.text(), "Paris");
    let envelope = serde_json::to_string(&crate::Envelope::from(&Ok::<_, Failure>(reply)));
    assert!(!envelope.unwrap().contains("Lyon"));
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_says_without_end_is_bounded() {
    let house = House::new([(vec![leaked("word "); 8], Err(Category::Overloaded)), fails(&[])]);
    let left = left(&gateway(&house, &Scripted::new().status(401)), "one", false, None).await;
    let left = left.unwrap();
    assert_eq!(left.partial().unwrap().0.len(), 16 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn runs_at_the_same_time_share_no_text() {
    let pieces = ["a", "b", "c", "d"];
    let ask = async |piece: &'static str| {
        let house = House::new([fails(&[piece; 3]), fails(&[piece])]);
        let gateway = gateway(&house, &Scripted::new());
        left(&gateway, "one", false, Some(3)).await.unwrap()
    };
    let all = futures_util::future::join_all(pieces.map(ask)).await;
    for (piece, left) in pieces.iter().zip(all) {
        assert_eq!(left.partial().unwrap().0, piece.repeat(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_with_half_a_text_has_not_answered() {
    let house = House::new([fails(&["Par", "is"]), fails(&["P"])]);
    let script = Scripted::new().answer("Paris");
    let reply = left(&gateway(&house, &script), "three", false, None).await;
    let (panel, failure) = match reply {
        Ok(Left { failure, .. }) => (failure.panel().unwrap().clone(), Some(failure)),
        Err(reply) => (reply.into_panel().unwrap(), None),
    };
    assert_eq!(panel.answers().count(), 1);
    let member = panel.members[0].as_ref().unwrap_err();
    assert_eq!(member.partial().unwrap().text, "Paris");
    assert!(failure.is_none_or(|failure| failure.partial().is_none()), "a panel has none itself");
    let text = panel.text();
    assert!(text.contains("house/m: no answer") && text.contains("As far as it came:\n\nParis\n"));
    let envelope = serde_json::to_value(crate::Envelope::from(&panel)).unwrap();
    let shown = &envelope["data"]["members"][0];
    assert_eq!((&shown["status"], &shown["data"]["text"]), (&"error".into(), &"Paris".into()));
    assert_eq!(shown["meta"]["text_from"]["provider"], "house");
    assert_eq!(envelope["meta"]["answered"], 1);
    let clusters = envelope["data"]["agreement"]["clusters"].to_string();
    assert!(!clusters.contains("[1"), "{clusters}");
}
