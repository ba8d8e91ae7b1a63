//! A cascade in the envelope's shape: a single answer's, with what the gate did beside it.

use serde_json::{Map, Value, json};

use crate::outcome::{AnsweredBy, CascadeAnswer, Escalation, FailureParts, PanelAnswer};

use super::{Envelope, insert_some, millis};

impl From<&CascadeAnswer> for Envelope {
    fn from(cascade: &CascadeAnswer) -> Self {
        let Self { mut meta, .. } = Self::from(&cascade.answer);
        // What is said of one call by the single answer is said of all calls here.
        let mut put = |key: &str, value: Value| meta.insert(key.to_owned(), value);
        put("latency_ms", millis(cascade.latency));
        put("cost_usd_approx", json!(cascade.total_cost()));
        put("cost_basis", json!(cascade.cost_basis()));
        put("attempts", json!(cascade.attempts().collect::<Vec<_>>()));
        if cascade.spend_recorded() == Some(false) {
            put("spend_recorded", json!(false));
        }
        let CascadeAnswer { answered_by, because, gate, preflight, .. } = cascade;
        put("cascade", trace(Some(*answered_by), because, gate, json!(preflight)));
        // One provider's own word on one call of several would be read as the whole.
        meta.remove("cost_usd_reported");
        let data = json!({ "text": cascade.text(), "gate": in_short(gate) });
        Self { meta, ..Self::success(data) }
    }
}

/// A cascade whose strong model gave no answer: its error, with everything that the gate said.
pub(super) fn failed(parts: &FailureParts, gate: &PanelAnswer, why: &Escalation) -> Envelope {
    let mut envelope = Envelope::failed(&parts.error);
    envelope.data = Envelope::from(gate).data;
    let meta = &mut envelope.meta;
    meta.insert("cost_usd_approx".to_owned(), json!(parts.total_cost()));
    let trace = trace(None, &why.because, gate, json!(why.preflight));
    meta.insert("cascade".to_owned(), trace);
    envelope
}

fn trace(
    answered_by: Option<AnsweredBy>,
    because: &str,
    gate: &PanelAnswer,
    preflight: Value,
) -> Value {
    let certificate = gate.certificate();
    let mut receipt = Map::new();
    receipt.insert("digest".to_owned(), json!(gate.receipt.digest()));
    insert_some(&mut receipt, "path", gate.receipt_path.as_ref());
    json!({
        "answered_by": answered_by,
        "escalated": answered_by != Some(AnsweredBy::Gate),
        "because": because,
        "agreement": gate.agreement,
        "certificate": {
            "level": certificate.level,
            "required": certificate.required,
            "independence_certified": gate.independence_certified(),
            "receipt": receipt,
        },
        "preflight": preflight,
    })
}

/// Who of the gate said what, in a line each.
fn in_short(gate: &PanelAnswer) -> Vec<Value> {
    let members = gate.targets.iter().zip(&gate.members).zip(1..);
    let lines = members.map(|((target, member), position)| {
        let (provider, model) = (&target.provider, &target.model);
        match member {
            Ok(answer) => json!({
                "member": position, "provider": provider, "model": model, "gist": answer.gist(),
            }),
            Err(failure) => json!({
                "member": position, "provider": provider, "model": model,
                "error_category": failure.category(),
            }),
        }
    });
    lines.collect()
}
