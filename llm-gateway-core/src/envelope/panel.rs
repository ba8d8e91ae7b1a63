//! A panel in the envelope's shape.

use serde_json::{Map, Value, json};

use crate::certificate::Claim;
use crate::outcome::PanelAnswer;

use super::{Envelope, insert_some, millis};

impl From<&PanelAnswer> for Envelope {
    fn from(panel: &PanelAnswer) -> Self {
        let members = panel.members.iter().zip(1..).map(|(member, position)| {
            let mut envelope = Self::from(member);
            envelope.meta.insert("member".to_owned(), json!(position));
            json!(envelope)
        });
        let members: Vec<Value> = members.collect();
        let data = json!({ "members": members, "agreement": panel.agreement });
        Self { meta: meta(panel), ..Self::success(data) }
    }
}

fn meta(panel: &PanelAnswer) -> Map<String, Value> {
    let mut meta = Map::new();
    let mut put = |key: &str, value: Value| meta.insert(key.to_owned(), value);
    put("task_class", json!(panel.task_class));
    put("visibility", visibility(panel));
    put("certificate", certificate(panel));
    put("total_cost_usd_approx", json!(panel.total_cost()));
    put("cost_cap_usd", json!(panel.cost_cap));
    put("cap_exceeded", json!(panel.cap_exceeded()));
    put("answered", json!(panel.answers().count()));
    put("asked", json!(panel.members.len()));
    put("latency_ms", millis(panel.latency));
    if panel.spend_recorded() == Some(false) {
        put("spend_recorded", json!(false));
    }
    if panel.offline {
        put("offline", json!(true));
    }
    put("run_id", json!(panel.run_id));
    meta
}

fn visibility(panel: &PanelAnswer) -> Value {
    json!({
        "mode": "blind",
        "members_see": "original_prompt_only",
        "enforce": panel.visibility.enforce,
        "independence_certified": panel.independence_certified(),
        "level": panel.certificate().level,
        "required": panel.visibility.require,
    })
}

fn certificate(panel: &PanelAnswer) -> Value {
    let certificate = panel.certificate();
    let claim = |(name, claim): (&str, &Claim)| (name.to_owned(), json!(claim));
    let claims: Map<String, Value> = certificate.claims.named().into_iter().map(claim).collect();
    let mut receipt = Map::new();
    receipt.insert("digest".to_owned(), json!(panel.receipt.digest()));
    insert_some(&mut receipt, "path", panel.receipt_path.as_ref());
    json!({
        "level": certificate.level,
        "required": certificate.required,
        "claims": claims,
        "not_proven": certificate.not_proven,
        "warnings": certificate.warnings,
        "receipt": receipt,
    })
}
