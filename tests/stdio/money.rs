//! Money over MCP: caps, kill switches, and how they are reported.

use serde_json::{Value, json};
use test_support::{FakeProvider, FakeSocket, Launch, Place, Session, Wire, nanos};

use crate::{asking, failure_of, question, server, success, with_keys};

const TOTAL: &str = "LLM_GATEWAY_CAP_TOTAL_MONTHLY";

/// The highest cost of one question: 16 bytes and the margin of one message at 1 $/M, and 100
/// tokens at 2 $/M.
const WORST_CASE: u64 = (16 + 64) * 1_000 + 100 * 2_000;

/// Launches a server with keys and a ledger that every server of the place shares.
fn counting(place: &Place) -> Launch {
    let ledger = place.path("state/ledger.db");
    let launch = with_keys(server().at(place)).variable("LLM_GATEWAY_LEDGER", "1");
    launch.variable("LLM_GATEWAY_LEDGER_PATH", ledger.to_str().unwrap())
}

/// Starts a provider, and creates a place whose class `ask` it serves.
async fn served() -> (FakeProvider, Place) {
    let fake = FakeProvider::answering(Wire::OpenAi, "gpt-test", "hello").await;
    let place = Place::with_policy(asking(&fake.base_url()).to_string());
    (fake, place)
}

async fn info(session: &mut Session) -> Value {
    success(&session.call("llm_routing_info", json!({})).await)["data"].clone()
}

/// Returns nano-dollars as a variable spells them.
fn usd(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[tokio::test]
async fn the_months_sum_is_that_of_the_envelopes_to_the_nano_dollar() {
    let (_fake, place) = served().await;
    let mut session = counting(&place).variable(TOTAL, "1").connect().await;
    let mut sum = 0;
    for _ in 0..3 {
        let envelope = success(&session.call("llm_route", question()).await);
        assert_eq!(envelope["meta"].get("spend_recorded"), None, "it is recorded");
        sum += nanos(&envelope["meta"]["cost_usd_approx"]);
    }
    // 15 tokens at 1 $/M, 5 cached ones at half of that, 10 at 2 $/M.
    assert_eq!(sum, 3 * 37_500);
    let spend = info(&mut session).await["spend"].clone();
    assert_eq!(spend["enabled"], true);
    let month = spend["month"].as_str().unwrap();
    assert!(month.len() == 7 && month.as_bytes()[4] == b'-', "{month}");
    assert_eq!(nanos(&spend["total_usd"]), sum);
    assert_eq!((&spend["held_usd"], &spend["unsettled_usd"]), (&json!(0.0), &json!(0.0)));
    let cap = &spend["caps"]["total/month"];
    let (cap, left) = (nanos(&cap["cap_usd"]), nanos(&cap["left_usd"]));
    assert_eq!((cap, left), (1_000_000_000, 1_000_000_000 - sum));
    assert_eq!(spend.get("rows"), None, "an agent needs no more");
}

#[tokio::test]
async fn a_call_that_the_cap_does_not_pay_for_is_refused_and_nothing_is_sent() {
    let (fake, place) = served().await;
    let mut session = counting(&place).variable(TOTAL, usd(WORST_CASE - 1)).connect().await;
    let envelope = failure_of("policy_blocked", &session.call("llm_route", question()).await);
    let error = envelope["error"].as_str().unwrap();
    assert!(error.contains("monthly cap") && error.contains("$0.000279999"), "{error}");
    assert!(fake.requests().await.is_empty());
    let mut session = counting(&place).variable(TOTAL, usd(WORST_CASE)).connect().await;
    success(&session.call("llm_route", question()).await);
    failure_of("policy_blocked", &session.call("llm_route", question()).await);
    assert_eq!(fake.requests().await.len(), 1, "what one server spent the cap knows for good");
}

#[tokio::test]
async fn the_kill_switches_hold_without_a_ledger_and_without_a_price_check() {
    let (fake, _) = served().await;
    let mut policy = asking(&fake.base_url());
    policy["cost_preflight"] = json!({ "enabled": false });
    policy["defaults"]["ask"].as_object_mut().unwrap().remove("max_tokens");
    // Above one dollar at the model's largest answer.
    policy["providers"]["openai"]["models"]["gpt-test"]["out"] = json!(900);
    let place = Place::with_policy(policy.to_string());
    for switch in ["LLM_GATEWAY_DISABLED", "LLM_GATEWAY_EXPENSIVE_DISABLED"] {
        let mut session = with_keys(server().at(&place)).variable(switch, "yes").connect().await;
        let envelope = failure_of("policy_blocked", &session.call("llm_route", question()).await);
        assert!(envelope.to_string().contains(switch), "{envelope:#}");
        info(&mut session).await;
    }
    assert!(fake.requests().await.is_empty());
    let mut session = with_keys(server().at(&place)).connect().await;
    success(&session.call("llm_route", question()).await);
}

#[tokio::test]
async fn a_cap_on_nobody_is_what_every_tool_complains_of() {
    let (fake, place) = served().await;
    let launch = counting(&place).variable("LLM_GATEWAY_CAP_OPNAI_MONTHLY", "5");
    let mut session = launch.connect().await;
    for (tool, arguments) in [("llm_route", question()), ("llm_routing_info", json!({}))] {
        let envelope = failure_of("policy_invalid", &session.call(tool, arguments).await);
        let error = envelope["error"].as_str().unwrap();
        assert!(error.contains("LLM_GATEWAY_CAP_OPNAI_MONTHLY"), "{tool}: {error}");
    }
    assert!(fake.requests().await.is_empty());
}

#[tokio::test]
async fn what_a_killed_server_held_stays_counted_as_unsettled() {
    let fake = FakeSocket::hanging().await;
    let place = Place::with_policy(asking(&fake.base_url()).to_string());
    let mut first = counting(&place).connect().await;
    first.begin_call("llm_route", question());
    fake.asked(1).await;
    let mut second = counting(&place).variable(TOTAL, usd(WORST_CASE)).connect().await;
    let spend = info(&mut second).await["spend"].clone();
    let told = (nanos(&spend["held_usd"]), nanos(&spend["unsettled_usd"]));
    assert_eq!(told, (WORST_CASE, 0), "while it lives");
    first.signal("KILL");
    first.exit().await;
    let spend = info(&mut second).await["spend"].clone();
    let told = (nanos(&spend["held_usd"]), nanos(&spend["unsettled_usd"]));
    assert_eq!(told, (0, WORST_CASE), "when it is dead");
    assert_eq!(spend["caps"]["total/month"]["left_usd"], 0.0);
    failure_of("policy_blocked", &second.call("llm_route", question()).await);
    assert_eq!(fake.asked_so_far(), 1);
}

#[tokio::test]
async fn without_a_ledger_nothing_is_counted_and_no_file_is_made() {
    let (_fake, place) = served().await;
    let mut session = counting(&place).without("LLM_GATEWAY_LEDGER").connect().await;
    success(&session.call("llm_route", question()).await);
    assert_eq!(info(&mut session).await["spend"], json!({ "enabled": false }));
    assert!(!place.path("state").exists());
}

#[tokio::test]
async fn a_damaged_ledger_stops_calls_under_a_cap_and_hides_nothing_else() {
    let (fake, place) = served().await;
    let place = place.file("state/ledger.db", "this is no database, and long enough to be read");
    let mut session = counting(&place).variable(TOTAL, "1").connect().await;
    let envelope = failure_of("ledger", &session.call("llm_route", question()).await);
    assert!(envelope["error"].as_str().unwrap().contains("ledger.db"), "{envelope:#}");
    assert!(fake.requests().await.is_empty());
    let told = info(&mut session).await;
    assert_eq!(told["spend"]["enabled"], true);
    assert!(told["spend"]["error"].as_str().unwrap().contains("ledger.db"), "{told:#}");
    assert_eq!(told["task_classes"][0]["available"], true);

    let mut session = counting(&place).connect().await;
    let envelope = success(&session.call("llm_route", question()).await);
    assert_eq!(envelope["meta"]["spend_recorded"], false);
}
