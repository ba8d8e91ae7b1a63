//! Compares the certificate's readers with the adapters, over the responses in `tests/fixtures`.

use std::fs;
use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::certificate::RecordedResponse;
use crate::certificate::readers::{ReadResponse, response as read};
use crate::model::Dialect;

/// Fixtures in which the readers see an answer and the adapters do not.
const ONLY_READ: &[&str] = &[];

/// Fixtures in which the adapters see an answer and the readers do not.
const ONLY_TAKEN: &[&str] = &[];

/// Returns the name of each fixture, its response, and the result that the adapter must have.
pub(super) fn fixtures(dialect: Dialect) -> Vec<(String, RecordedResponse, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(folder.join(dialect.as_str())).unwrap();
    let fixture = |file: &Path| {
        let fixture: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let stem = file.file_stem().unwrap().to_string_lossy();
        let name = format!("{}/{stem}", dialect.as_str());
        (name, recorded(&fixture["response"]), fixture["expect"].clone())
    };
    files.map(|file| fixture(&file.unwrap().path())).collect()
}

pub(super) fn recorded(response: &Value) -> RecordedResponse {
    let headers = response["headers"].as_object().unwrap().iter();
    let headers: HeaderMap = headers
        .map(|(name, value)| {
            let value = HeaderValue::from_str(value.as_str().unwrap()).unwrap();
            (HeaderName::try_from(name).unwrap(), value)
        })
        .collect();
    let body = match response["body_text"].as_str() {
        Some(text) => text.to_owned(),
        None => response["body"].to_string(),
    };
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    RecordedResponse::new(1, status, &headers, body)
}

/// Returns whether reader and adapter agree on a name. If the adapter has none, the reader may keep
/// a number as it is written.
fn agrees(read: Option<&str>, taken: &Value) -> bool {
    match (read, taken.as_str()) {
        (Some(read), None) => read.parse::<f64>().is_ok(),
        (read, taken) => read == taken,
    }
}

/// Checks that readers agree with the adapters, whose results the files in `tests/fixtures` state,
/// as the test `every_fixture_holds` proves.
#[test]
fn readers_and_adapters_see_the_same_answers() {
    let mut odd = Vec::new();
    for dialect in Dialect::SPOKEN {
        let fixtures = fixtures(dialect);
        assert!(fixtures.len() > 50, "{}", dialect.as_str());
        for (name, response, expect) in fixtures {
            let is_taken = expect.get("error").is_none();
            match read(dialect, &response) {
                Ok(ReadResponse { model, other_models, response_id, text }) if is_taken => {
                    assert!(other_models.is_empty(), "{name}: {other_models:?}");
                    assert_eq!(text, expect["text"], "{name}");
                    assert!(agrees(model.as_deref(), &expect["model"]), "{name}: {model:?}");
                    let id = response_id.as_deref();
                    assert!(agrees(id, &expect["response_id"]), "{name}: {id:?}");
                }
                Ok(_) if !ONLY_READ.contains(&&*name) => odd.push(format!("only read: {name}")),
                Err(why) if is_taken && !ONLY_TAKEN.contains(&&*name) => {
                    odd.push(format!("only taken: {name}: {why}"));
                }
                _ => {}
            }
        }
    }
    assert!(odd.is_empty(), "{odd:#?}");
}
