//! Plan, execute, verify: three providers over real HTTP, one in each role.

use serde_json::{Value, json};
use test_support::{ACCEPTS, FakeProvider, FakeSocket, Place, REFUSES, Session, Wire};

use crate::{
    KEY, failure_of, provider_at, redacted, server, session, success, text_block, with_keys,
};

pub(crate) const TASK: &str = "Name the capital of France in one sentence.";
pub(crate) const PLAN: &str = "Recall which city it is; then write a single sentence about it.";
pub(crate) const GOOD: &str = "It is Paris.";
const BAD: &str = "It is Lyon.";

/// A role: its name, its wire format, its provider, its model.
const ROLES: [(&str, Wire, &str, &str); 3] = [
    ("planner", Wire::Gemini, "gemini", "gemini-test"),
    ("worker", Wire::OpenAi, "openai", "gpt-test"),
    ("verifier", Wire::Anthropic, "anthropic", "claude-test"),
];

/// Returns a policy with the three depths, whose planner, worker and verifier are at these base
/// URLs.
pub(crate) fn working(urls: [&str; 3]) -> Value {
    let mut policy = json!({
        "defaults": { "ask": { "provider": "openai", "model": "gpt-test", "max_tokens": 100 } },
        "orchestration": {
            "roles": {},
            "depth": {
                "trivial": { "plan": false, "verify": false },
                "standard": { "plan": false, "verify": true },
                "complex": {
                    "plan": true, "verify": true, "replan_on_fail": true, "max_replans": 1,
                },
            },
            "max_usd": 0.5,
        },
        "reliability": { "retry": { "max_retries": 0 } },
    });
    for (url, (role, _, provider, model)) in urls.into_iter().zip(ROLES) {
        policy["orchestration"]["roles"][role] =
            json!({ "provider": provider, "model": model, "max_tokens": 100 });
        let mut at = provider_at(url, model);
        at["models"][model]["developer"] = json!(provider);
        at["models"][model]["lineage"] = json!([model]);
        policy["providers"][provider] = at;
    }
    policy
}

/// A planner, a worker and a verifier, each with the texts of its model in turn.
pub(crate) struct Crew([FakeProvider; 3]);

impl Crew {
    pub(crate) async fn saying(planner: &[&str], worker: &[&str], verifier: &[&str]) -> Self {
        let [one, two, three] = [planner, worker, verifier];
        let fake = async |(_, wire, _, model): (&str, Wire, &str, &str), texts: &[&str]| {
            FakeProvider::answering_in_turn(wire, model, texts).await
        };
        Self([fake(ROLES[0], one).await, fake(ROLES[1], two).await, fake(ROLES[2], three).await])
    }

    /// Replaces the provider of one role with one that is down.
    async fn without(mut self, role: usize) -> Self {
        let (_, wire, _, model) = ROLES[role];
        self.0[role] = FakeProvider::refusing(wire, model, 500, "INTERNAL", "sorry").await;
        self
    }

    pub(crate) fn policy(&self) -> Value {
        let urls = self.0.each_ref().map(FakeProvider::base_url);
        working(urls.each_ref().map(String::as_str))
    }

    /// Returns the policy with a verifier at another address.
    pub(crate) fn policy_verified_at(&self, base_url: &str) -> Value {
        let [planner, worker, _] = self.0.each_ref().map(FakeProvider::base_url);
        working([&planner, &worker, base_url])
    }

    /// Runs the task. Returns the result of the tool.
    async fn works(&self, depth: &str) -> Value {
        let (_place, mut session) = session(&self.policy()).await;
        call(&mut session, depth).await
    }

    /// Returns how often planner, worker and verifier were asked.
    async fn asked(&self) -> [usize; 3] {
        let [one, two, three] = &self.0;
        [one.requests().await.len(), two.requests().await.len(), three.requests().await.len()]
    }

    /// Returns every request to a role, in order.
    async fn heard(&self, role: usize) -> Vec<String> {
        let requests = self.0[role].requests().await;
        requests.into_iter().map(|it| String::from_utf8(it.body).unwrap()).collect()
    }
}

async fn call(session: &mut Session, depth: &str) -> Value {
    session.call("llm_orchestrate", json!({ "task": TASK, "depth": depth })).await
}

/// Returns the envelope of a task that ended with this status. It is a result, not an MCP error.
pub(crate) fn ended(status: &str, result: &Value) -> Value {
    let envelope = text_block(result);
    assert_eq!(envelope["status"], status, "{envelope:#}");
    assert_ne!(result["isError"], true, "{envelope:#}");
    assert_eq!(result["structuredContent"], envelope);
    envelope
}

#[tokio::test]
async fn a_trivial_task_asks_the_worker_alone() {
    let crew = Crew::saying(&[PLAN], &[GOOD], &[ACCEPTS]).await;
    let envelope = success(&crew.works("trivial").await);
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    assert_eq!(data["artifact"], GOOD);
    assert_eq!((&data["plan"], &data["verdict"]), (&Value::Null, &Value::Null));
    assert_eq!((&meta["depth"], &meta["rounds"]), (&json!("trivial"), &json!(1)));
    assert_eq!(crew.asked().await, [0, 1, 0]);
}

#[tokio::test]
async fn without_a_depth_the_work_is_verified() {
    let crew = Crew::saying(&[PLAN], &[GOOD], &[ACCEPTS]).await;
    let (_place, mut session) = session(&crew.policy()).await;
    let result = session.call("llm_orchestrate", json!({ "task": TASK })).await;
    let mut envelope = redacted(success(&result));
    // The receipt differs each time.
    envelope["meta"]["certificate"].as_object_mut().unwrap().remove("receipt");
    let raw = &mut envelope["data"]["verdict"]["raw"];
    assert!(raw.as_str().unwrap().contains("ACCEPT"), "{raw}");
    *raw = json!("[raw]");
    insta::assert_json_snapshot!(envelope);
    assert_eq!(crew.asked().await, [0, 1, 1]);
}

#[tokio::test]
async fn a_complex_task_is_planned_and_planned_anew_and_the_verifier_knows_of_neither() {
    let crew = Crew::saying(&[PLAN, "Take Paris."], &[BAD, GOOD], &[REFUSES, ACCEPTS]).await;
    let envelope = success(&crew.works("complex").await);
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    assert_eq!((&data["artifact"], &data["plan"]), (&json!(GOOD), &json!("Take Paris.")));
    assert_eq!(data["verdict"]["accepted"], true);
    let first = &data["other_rounds"][0];
    assert_eq!((&first["round"], &first["artifact"]), (&json!(1), &json!(BAD)));
    assert_eq!(first["verdict"]["accepted"], false);
    assert_eq!((&meta["rounds"], &meta["depth"]), (&json!(2), &json!("complex")));
    let visibility = json!({
        "verifier_sees": ["task", "artifact"], "verifier_blind_to_plan": true,
        "independence_certified": true,
    });
    assert_eq!(meta["visibility"], visibility, "{:#}", meta["certificate"]);
    let steps = meta["steps"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["plan", "execute", "verify", "plan", "execute", "verify"]);
    // 20 tokens in, 5 of them cached, 10 out: $0.0000375 a call.
    assert_eq!(meta["total_cost_usd_approx"], 0.000_225);
    assert_eq!(crew.asked().await, [2, 2, 2]);
    for role in [0, 1] {
        assert!(crew.heard(role).await[1].contains("another city is named"), "the reasons");
    }
    assert!(crew.heard(1).await[0].contains(PLAN), "the worker has the plan");
    for heard in crew.heard(2).await {
        assert!(heard.contains(TASK));
        for hidden in [PLAN, "Take Paris", "another city is named"] {
            assert!(!heard.contains(hidden), "the verifier saw `{hidden}`: {heard}");
        }
    }
    assert!(!crew.heard(2).await[1].contains("Lyon"), "the verifier saw what was refused");
}

#[tokio::test]
async fn what_is_refused_to_the_end_is_a_result_that_needs_a_person() {
    let crew = Crew::saying(&[PLAN], &[BAD], &[REFUSES]).await;
    let envelope = ended("needs_human_review", &crew.works("complex").await);
    let verdict = &envelope["data"]["verdict"];
    assert_eq!(envelope["data"]["artifact"], BAD);
    assert_eq!(verdict["accepted"], false);
    let expected = json!(["another city is named (It is Lyon): name the capital"]);
    assert_eq!(verdict["reasons"], expected);
    assert_eq!(verdict["checklist"][0]["met"], "no");
    assert_eq!(crew.asked().await, [2, 2, 2], "one re-plan, as the policy says");
}

#[tokio::test]
async fn a_reply_that_is_no_verdict_accepts_nothing() {
    let crew = Crew::saying(&[PLAN], &[GOOD], &["ACCEPTANCE criteria are not met"]).await;
    let envelope = ended("needs_human_review", &crew.works("standard").await);
    assert_eq!(envelope["data"]["verdict"]["decision"], "CANNOT_JUDGE");
    assert_eq!(crew.asked().await, [0, 1, 2], "it is asked once more");
}

#[tokio::test]
async fn a_verifier_that_is_down_leaves_the_artifact_unverified() {
    let crew = Crew::saying(&[PLAN], &[GOOD], &[]).await.without(2).await;
    let envelope = ended("unverified", &crew.works("complex").await);
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    assert_eq!((&data["artifact"], &data["plan"]), (&json!(GOOD), &json!(PLAN)));
    assert_eq!(data["verdict"], Value::Null);
    assert!(meta["unverified_because"].as_str().unwrap().contains("500"), "{meta:#}");
    assert_eq!(meta["steps"][2]["outcome"], "provider_5xx");
}

#[tokio::test]
async fn a_worker_that_is_down_is_an_error_that_keeps_the_plan() {
    let crew = Crew::saying(&[PLAN], &[], &[ACCEPTS]).await.without(1).await;
    let envelope = failure_of("provider_5xx", &crew.works("complex").await);
    assert_eq!(envelope["meta"]["failed_stage"], "execute");
    assert_eq!(envelope["data"]["plan"], PLAN);
    assert_eq!(envelope["data"]["artifact"], Value::Null);
    assert_eq!(crew.asked().await, [1, 1, 0]);
}

#[tokio::test]
async fn a_planner_that_is_down_is_an_error_before_anybody_works() {
    let crew = Crew::saying(&[], &[GOOD], &[ACCEPTS]).await.without(0).await;
    let envelope = failure_of("provider_5xx", &crew.works("complex").await);
    assert_eq!(envelope["meta"]["failed_stage"], "plan");
    let hint = "try again later, or name another planner in the policy";
    assert_eq!(envelope["meta"]["hint"], hint);
    let data = &envelope["data"];
    assert_eq!((&data["plan"], &data["artifact"]), (&Value::Null, &Value::Null));
    assert_eq!(crew.asked().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_missing_key_is_told_before_the_work_begins_unless_it_is_the_verifiers() {
    let variable = |role: usize| format!("{}_API_KEY", ROLES[role].2.to_uppercase());
    for (missing, [trivial, standard, complex]) in [
        (0, ["success", "success", "error"]),
        (1, ["error"; 3]),
        (2, ["success", "unverified", "unverified"]),
    ] {
        let crew = Crew::saying(&[PLAN], &[GOOD], &[ACCEPTS]).await;
        let place = Place::with_policy(crew.policy().to_string());
        let launch = with_keys(server().at(&place)).without(&variable(missing));
        let mut session = launch.connect().await;
        let info = success(&session.call("llm_routing_info", json!({})).await);
        let told = &info["data"]["orchestration"];
        let role = &told["roles"][ROLES[missing].0];
        assert_eq!(role["missing_key"], variable(missing));
        let depths = [("trivial", trivial), ("standard", standard), ("complex", complex)];
        for (number, (depth, status)) in depths.into_iter().enumerate() {
            let described = &told["depths"][number];
            assert_eq!(described["name"], depth);
            assert_eq!(described["available"], status != "error", "{described:#}");
            let why = described["unavailable_because"].as_str().unwrap_or_default();
            assert_eq!(why.contains(&variable(missing)), status == "error", "{described:#}");
            let why = described["unverified_because"].as_str().unwrap_or_default();
            assert_eq!(why.contains(&variable(missing)), status == "unverified", "{described:#}");
            let before = crew.asked().await;
            let result = call(&mut session, depth).await;
            if status == "error" {
                let envelope = failure_of("missing_key", &result);
                assert!(envelope["error"].as_str().unwrap().contains(&variable(missing)));
                assert_eq!(envelope["meta"]["failed_stage"], "preflight");
                assert_eq!(crew.asked().await, before, "nobody is paid in vain");
            } else {
                assert_eq!(ended(status, &result)["data"]["artifact"], GOOD);
            }
        }
    }
}

#[tokio::test]
async fn a_policy_without_an_orchestration_lists_the_tool_and_says_so() {
    let (_place, mut session) = session(&crate::asking("http://127.0.0.1:9/v1")).await;
    let tools = session.request("tools/list", json!({})).await["result"]["tools"].clone();
    let tools = tools.as_array().unwrap().iter();
    let tool = tools.clone().find(|tool| tool["name"] == "llm_orchestrate").unwrap();
    assert!(tool["description"].as_str().unwrap().contains("describes no orchestration"));
    assert_eq!(tool["inputSchema"]["properties"]["depth"].get("enum"), None);
    let envelope = failure_of("policy_invalid", &call(&mut session, "standard").await);
    assert!(envelope["meta"]["hint"].as_str().unwrap().contains("orchestration.roles"));
    let info = success(&session.call("llm_routing_info", json!({})).await);
    assert_eq!(info["data"].get("orchestration"), None);
    assert_eq!(info["data"]["orchestration_depths"], json!([]));
}

#[tokio::test]
async fn a_broken_policy_is_an_error_with_its_place() {
    let place = Place::with_policy("orchestration: {roles: {woker: {}}}\n");
    let mut session = server().at(&place).connect().await;
    let envelope = failure_of("policy_invalid", &call(&mut session, "standard").await);
    assert!(envelope["error"].as_str().unwrap().contains("routing.yaml:"), "{envelope:#}");
}

#[tokio::test]
async fn wrong_arguments_are_told_so_that_an_agent_can_mend_them() {
    let (_place, mut session) = session(&working(["http://127.0.0.1:9"; 3])).await;
    for (arguments, told) in [
        (json!({}), "`task` is missing"),
        (json!({ "tsak": "a" }), "did you mean `task`"),
        (json!({ "task": [3] }), "`task` must be text"),
        (json!({ "task": " " }), "`task` is empty"),
        (json!({ "task": "a", "depth": "complx" }), "no depth is called `complx`"),
    ] {
        let result = session.call("llm_orchestrate", arguments).await;
        let envelope = failure_of("invalid_request", &result);
        assert!(envelope["error"].as_str().unwrap().contains(told), "{told}: {envelope:#}");
    }
    let wrong = json!({ "task": "a", "depth": "complx" });
    let envelope = failure_of("invalid_request", &session.call("llm_orchestrate", wrong).await);
    assert!(envelope["meta"]["hint"].as_str().unwrap().contains("did you mean `complex`"));
}

#[tokio::test]
async fn the_depths_are_an_enum_with_their_steps() {
    let place = Place::with_policy(working(["http://127.0.0.1:9"; 3]).to_string());
    let keys = server().at(&place).variable("OPENAI_API_KEY", KEY);
    let mut session = keys.variable("GEMINI_API_KEY", KEY).connect().await;
    let tools = session.request("tools/list", json!({})).await["result"]["tools"].clone();
    let tool = tools.as_array().unwrap().iter().find(|it| it["name"] == "llm_orchestrate").unwrap();
    let depth = &tool["inputSchema"]["properties"]["depth"];
    assert_eq!(depth["enum"], json!(["trivial", "standard", "complex"]));
    assert_eq!(tool["inputSchema"]["required"], json!(["task"]));
    let told = tool["description"].as_str().unwrap();
    for line in [
        "- trivial: execute",
        "- standard: execute, verify (ends unverified: set ANTHROPIC_API_KEY)",
        "- complex: plan, execute, verify; a refusal is worked on once more (ends unverified",
    ] {
        assert!(told.contains(line), "{line}: {told}");
    }
}

#[tokio::test]
async fn the_breakers_of_all_roles_are_told() {
    let (_place, mut session) = session(&working(["http://127.0.0.1:9"; 3])).await;
    let info = success(&session.call("llm_routing_info", json!({})).await);
    for (role, _, provider, model) in ROLES {
        let breaker = &info["data"]["circuit_breakers"][format!("{provider}/{model}")];
        assert_eq!(breaker["state"], "closed", "{role}");
    }
    let told = &info["data"]["orchestration"];
    assert_eq!((&told["max_usd"], &told["deadline_s"]), (&json!(0.5), &json!(600.0)));
    assert_eq!(told["verdict"], "structured");
    assert_eq!(told["depths"][2]["steps"], json!(["plan", "execute", "verify"]));
    assert_eq!(told["depths"][2]["max_replans"], 1);
}

#[tokio::test]
async fn a_call_that_is_cancelled_in_the_middle_hangs_up_and_holds_nothing() {
    let planner = FakeProvider::answering(Wire::Gemini, "gemini-test", PLAN).await;
    let worker = FakeSocket::hanging().await;
    let policy = working([&planner.base_url(), &worker.base_url(), "http://127.0.0.1:9"]);
    let place = Place::with_policy(policy.to_string());
    let ledger = place.path("state/ledger.db");
    let launch = with_keys(server().at(&place)).variable("LLM_GATEWAY_LEDGER", "1");
    let launch = launch.variable("LLM_GATEWAY_LEDGER_PATH", ledger.to_str().unwrap());
    let mut session = launch.connect().await;
    let id = session.begin_call("llm_orchestrate", json!({ "task": TASK, "depth": "complex" }));
    worker.asked(1).await;
    session.notify("notifications/cancelled", json!({ "requestId": id, "reason": "bored" }));
    worker.left(1).await;
    // The connection is closed, and the hold will be released soon.
    let settled = async {
        loop {
            let info = success(&session.call("llm_routing_info", json!({})).await);
            if info["data"]["spend"]["held_usd"] == 0.0 {
                break info;
            }
        }
    };
    let info = test_support::in_time("hold nothing", settled).await;
    let spend = &info["data"]["spend"];
    assert_eq!(spend["unsettled_usd"], 0.0);
    assert!(spend["total_usd"].as_f64() > Some(0.000_037_5), "plan and broken call: {spend}");
    let ending = session.leave().await;
    assert_eq!(ending.replies_to(id), 0);
}

#[tokio::test]
async fn long_texts_are_cut_with_a_marked_gap_within_the_bound() {
    let long = |what: &str| format!("{what} HEAD {} TAIL", "\"x\"\n".repeat(20_000));
    let accepts = ACCEPTS.replace("Paris", "artifact HEAD");
    let refuses = format!("{}{}", REFUSES.replace("Lyon", "artifact HEAD"), " ".repeat(40_000));
    let (plan, artifact) = (long("plan"), long("artifact"));
    for max_chars in [2_000, 30_000] {
        let crew = Crew::saying(&[&plan], &[&artifact], &[&refuses, &accepts]).await;
        let mut policy = crew.policy();
        policy["output"] = json!({ "max_chars": max_chars });
        let (_place, mut session) = session(&policy).await;
        let result = call(&mut session, "complex").await;
        let envelope = success(&result);
        let length = result["content"][0]["text"].as_str().unwrap().chars().count();
        assert!(length <= max_chars, "{length} characters, {max_chars} allowed");
        assert_eq!(envelope["meta"]["truncated"], true);
        let shown = envelope["data"]["artifact"].as_str().unwrap();
        assert!(shown.starts_with("artifact HEAD") && shown.ends_with("TAIL"), "{shown}");
        for pointer in ["/data/artifact", "/data/plan", "/data/other_rounds/0/artifact"] {
            let text = envelope.pointer(pointer).unwrap().as_str().unwrap();
            assert!(text.contains("characters left out"), "{pointer}: {text}");
        }
        assert_eq!(envelope["meta"]["run_id"].as_str().unwrap().len(), 32);
        assert_eq!(envelope["data"]["verdict"]["accepted"], true);
    }
}
