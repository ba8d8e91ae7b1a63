//! Tests of which answers of a gate settle a question, and which do not.

use super::*;

/// Returns who answers if the members of the gate say these two texts.
async fn answered_by(policy: &str, one: &str, other: &str) -> (AnsweredBy, String) {
    let script = Scripted::new().answer(one).answer(other).answer("strong");
    let cascade = ask(policy, script).await.unwrap();
    (cascade.answered_by, cascade.because)
}

/// Returns the policy with numbers compared by their values.
fn by_value() -> String {
    POLICY.replace("agree: normalized_exact", "agree: by_value")
}

#[tokio::test]
async fn what_two_readers_could_take_for_two_answers_settles_nothing() {
    for (one, other) in [
        ("`*test*`", "`test`"),
        ("`**kwargs**`", "`kwargs`"),
        ("`\"ab\"`", "`ab`"),
        ("`\"0\"`", "`0`"),
        ("\"42\"", "42"),
        ("\"true\"", "true"),
        ("G", "g"),
        ("K", "k"),
        ("i", "I"),
        ("3.10", "3.1"),
        ("1.20", "1.2"),
        ("example.com.", "example.com"),
        ("^ab.", "^ab"),
        ("007", "7"),
        ("02134", "2134"),
        ("42", "42.0"),
    ] {
        let (by, because) = answered_by(POLICY, one, other).await;
        assert_eq!(by, AnsweredBy::Else, "{one} and {other}: {because}");
        assert!(because.contains("without a guess"), "{because}");
    }
}

#[tokio::test]
async fn what_nobody_could_take_for_two_answers_is_settled() {
    for (one, other) in [("(b)", "Answer: B"), ("B", "(b)"), ("Yes.", "yes"), ("42", "**42**.")] {
        let (by, because) = answered_by(POLICY, one, other).await;
        assert_eq!(by, AnsweredBy::Gate, "{one} and {other}: {because}");
    }
}

#[tokio::test]
async fn numbers_are_compared_by_value_where_the_policy_says_so() {
    for (one, other, by) in [
        ("42", "42.0", AnsweredBy::Gate),
        ("2.50", "2.5", AnsweredBy::Gate),
        ("{\"a\": 1}", "{\"a\": 1.0}", AnsweredBy::Gate),
        ("1.000", "1", AnsweredBy::Else),
        ("1,5", "1.5", AnsweredBy::Else),
        ("007", "7", AnsweredBy::Else),
    ] {
        let (answered, because) = answered_by(&by_value(), one, other).await;
        assert_eq!(answered, by, "{one} and {other}: {because}");
    }
    let described = described(&gateway(&by_value(), Scripted::new()));
    assert_eq!(json!(described)["agree"], "by_value");
}

#[tokio::test]
async fn a_gate_that_does_not_know_settles_nothing() {
    for (one, other) in [
        ("I don't know.", "I don't know."),
        ("Unknown", "unknown."),
        ("42", "I am not sure."),
        ("Ich weiß es nicht.", "Ich weiß es nicht."),
        ("我不知道。", "我不知道。"),
        ("{\"answer\": \"unknown\"}", "{\"answer\": \"unknown\"}"),
    ] {
        let (by, because) = answered_by(POLICY, one, other).await;
        assert_eq!(by, AnsweredBy::Else, "{one} and {other}");
        assert!(because.ends_with("says that it does not know or cannot tell"), "{because}");
    }
}

/// Checks an answer that a server has cut although it says `stop`.
#[tokio::test]
async fn an_answer_as_long_as_its_bound_settles_nothing() {
    let whole = POLICY.replace("models:", "stream: false, models:");
    let says = |tokens: u64| {
        let choice = json!({"message": {"content": "4"}, "finish_reason": "stop"});
        let usage = json!({"prompt_tokens": 1, "completion_tokens": tokens});
        let one = json!({"id": "a", "model": "gpt-6-luna", "choices": [choice], "usage": usage});
        Scripted::new().raw(200, one.to_string()).answer("4").answer("strong")
    };
    let below = ask(&whole, says(99)).await.unwrap();
    assert_eq!(below.answered_by, AnsweredBy::Gate, "{}", below.because);
    for tokens in [100, 101] {
        let cut = ask(&whole, says(tokens)).await.unwrap();
        assert_eq!(cut.answered_by, AnsweredBy::Else);
        let because = "openai/gpt-6-luna of the gate did not end by itself: its answer is as long \
            as its bound of 100 tokens";
        assert_eq!(cut.because, because);
    }
}

/// Checks a long answer of a server that counts no tokens, so that it may have been cut.
#[tokio::test]
async fn a_long_answer_that_nobody_counted_settles_nothing() {
    let whole = POLICY.replace("models:", "stream: false, models:");
    for (length, by) in [(99, AnsweredBy::Gate), (100, AnsweredBy::Else)] {
        let text = "4".repeat(length);
        let choice = json!({"message": {"content": text}, "finish_reason": "stop"});
        let one = json!({"id": "a", "model": "gpt-6-luna", "choices": [choice]});
        let script = Scripted::new().raw(200, one.to_string()).answer(&*text).answer("strong");
        assert_eq!(ask(&whole, script).await.unwrap().answered_by, by, "{length}");
    }
}
