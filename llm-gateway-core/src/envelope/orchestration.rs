//! An orchestration in the envelope's shape.

use serde_json::{Map, Value, json};

use crate::certificate::Claim;
use crate::orchestrate::Round;
use crate::outcome::{Answer, Ending, Failure, Orchestrated, StepOutcome};

use super::{Envelope, Status, insert_some, millis, tokens};

impl From<&Orchestrated> for Envelope {
    fn from(work: &Orchestrated) -> Self {
        let status = match work.ending {
            Ending::Success => Status::Success,
            Ending::NeedsHumanReview => Status::NeedsHumanReview,
            Ending::Unverified => Status::Unverified,
            Ending::Failed { .. } => Status::Error,
        };
        Self { status, meta: meta(work), ..Self::success(data(work)) }
    }
}

fn data(work: &Orchestrated) -> Value {
    let mut data = work.current().map(round).unwrap_or_default();
    let others = work.others().map(|(number, other)| {
        let mut other = round(other);
        other.insert("round".to_owned(), json!(number));
        Value::Object(other)
    });
    let others: Vec<Value> = others.collect();
    if !others.is_empty() {
        data.insert("other_rounds".to_owned(), json!(others));
    }
    Value::Object(data)
}

fn round(round: &Round) -> Map<String, Value> {
    let Round { artifact, plan, verdict } = round;
    let fields =
        [("artifact", json!(artifact)), ("plan", json!(plan)), ("verdict", json!(verdict))];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn meta(work: &Orchestrated) -> Map<String, Value> {
    let mut meta = Map::new();
    let mut put = |key: &str, value: Value| meta.insert(key.to_owned(), value);
    put("depth", json!(work.depth));
    put("steps", work.steps.iter().map(step).collect());
    put("rounds", json!(work.rounds.len()));
    put("visibility", visibility(work));
    put("certificate", certificate(work));
    put("total_cost_usd_approx", json!(work.total_cost()));
    put("latency_ms", millis(work.latency));
    if let (Ending::Unverified, Some(failure)) = (&work.ending, last_failure(work)) {
        put("unverified_because", json!(failure.to_string()));
    }
    if work.spend_recorded() == Some(false) {
        put("spend_recorded", json!(false));
    }
    if work.offline {
        put("offline", json!(true));
    }
    put("run_id", json!(work.run_id));
    meta
}

fn visibility(work: &Orchestrated) -> Value {
    json!({
        "verifier_sees": work.verifier_sees,
        "verifier_blind_to_plan": work.is_verifier_blind_to_plan(),
        "independence_certified": work.independence_certified(),
    })
}

fn certificate(work: &Orchestrated) -> Value {
    let certificate = work.certificate();
    let claim = |(name, claim): (&str, &Claim)| (name.to_owned(), json!(claim));
    let claims: Map<String, Value> = certificate.claims.named().into_iter().map(claim).collect();
    let mut receipt = Map::new();
    receipt.insert("digest".to_owned(), json!(work.receipt.digest()));
    insert_some(&mut receipt, "path", work.receipt_path.as_ref());
    json!({
        "claims": claims,
        "not_proven": certificate.not_proven,
        "warnings": certificate.warnings,
        "receipt": receipt,
    })
}

fn last_failure(work: &Orchestrated) -> Option<&Failure> {
    work.steps.last()?.result.as_ref().err()
}

/// A step in one row: who was asked, how it went, and what it cost.
fn step(step: &StepOutcome) -> Value {
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| row.insert(key.to_owned(), value);
    put("step", json!(step.step));
    put("role", json!(step.role));
    put("round", json!(step.round));
    if step.is_repair {
        put("repair", json!(true));
    }
    put("provider", json!(step.target.provider));
    put("model", json!(step.target.model));
    match &step.result {
        Ok(answer) => {
            row.extend(answered(step, answer));
        }
        Err(failure) => {
            let error = failure.error();
            put("outcome", json!(error.category()));
            put("error", json!(error.message()));
            insert_some(&mut row, "hint", error.hint());
        }
    }
    row.insert("attempts".to_owned(), json!(step.attempts()));
    Value::Object(row)
}

fn answered(step: &StepOutcome, answer: &Answer) -> Map<String, Value> {
    let mut row = Map::new();
    let mut put = |key: &str, value: Value| row.insert(key.to_owned(), value);
    let model = answer.completion.model.as_deref().unwrap_or(step.target.model.as_str());
    if model != step.target.model.as_str() {
        put("model", json!(model));
        put("model_requested", json!(step.target.model));
    }
    put("outcome", json!("ok"));
    put("finish_reason", json!(answer.completion.finish_reason));
    put("latency_ms", millis(answer.latency));
    put("tokens", tokens(&answer.cost.usage));
    put("cost_usd_approx", json!(answer.cost.amount));
    put("cost_basis", json!(answer.cost.basis));
    row
}
