//! Test cases about a panel's responses, for each wire dialect.

use super::cases::{Case, case, identity};
use super::panel::{answer, response, seats_of};
use crate::certificate::ClaimResult::{Fail, NotApplicable, Unknown};
use crate::model::Dialect;
use crate::policy::Level;

const LONG_ID: &str = "resp_68a1f0c2d3e4";

fn model_key(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Gemini { "modelVersion" } else { "model" }
}

fn id_key(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Gemini { "responseId" } else { "id" }
}

fn text_at(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Anthropic => "/content/0/text",
        Dialect::Gemini => "/candidates/0/content/parts/0/text",
        Dialect::OpenAi | Dialect::Own => "/choices/0/message/content",
    }
}

/// Returns the test cases about responses in one wire dialect.
pub(super) fn responses(dialect: Dialect) -> Vec<Case> {
    let seats = seats_of(dialect);
    let name = dialect.as_str();
    let returned =
        |number, about: &str, first: Option<&'static str>, second: Option<&'static str>| {
            case(number, format!("{name}: {about}"), &seats, |members| {
                for (member, id) in members.iter_mut().zip([first, second]) {
                    let Some(id) = id else { continue };
                    answer(member, |body| body[model_key(dialect)] = id.into());
                }
            })
        };
    let header = |about: &str, header: &'static str, value: &'static str| {
        case(12, format!("{name}: {about}"), &seats, |members| {
            response(&mut members[2]).headers.push((header.to_owned(), value.to_owned()));
        })
    };
    // Of members 2 and 3, whose texts differ by themselves.
    let shared = |about: &str, id: &'static str, text: Option<&'static str>| {
        case(12, format!("{name}: {about}"), &seats, |members| {
            for member in &mut members[1..] {
                answer(member, |body| {
                    body[id_key(dialect)] = id.into();
                    if let Some(text) = text {
                        *body.pointer_mut(text_at(dialect)).unwrap() = text.into();
                    }
                });
            }
        })
    };
    let stale = |case: Case| case.fails(&[("fresh", Fail)], Level::LineageDistinct);
    let blind = Level::ContextBlind;
    vec![
        returned(6, "rerouted to a sibling's model", None, Some("gpt-4o"))
            .fails(&identity(Fail), blind)
            .because(&[("model_distinct", "members 1 and 2 are gpt-4o")]),
        returned(7, "two dated names", Some("gpt-4o-2024-08-06"), Some("gpt-4o"))
            .fails(&identity(Fail), blind)
            .because(&[("model_distinct", "gpt-4o-2024-08-06")]),
        returned(8, "one open model at two hosts", Some("llama3.3"), Some("meta-llama/Llama-3.3"))
            .fails(&identity(Fail), blind),
        returned(9, "a distillate and its base", Some("r1-distill-qwen"), Some("qwen-2.5"))
            .fails(&[("lineage_distinct", Fail)], Level::VendorDistinct)
            .because(&[("lineage_distinct", "members 1 and 2 both descend from qwen")]),
        returned(10, "an unknown model", None, Some("gpt-5-secret"))
            .fails(&identity(Unknown), blind)
            .because(&[("model_distinct", "nothing is known of member 2's model gpt-5-secret")]),
        returned(10, "one unknown model twice", Some("who"), Some("who"))
            .fails(&identity(Fail), blind),
        returned(7, "the requested model with its date", Some("gpt-4o-2099-01-01"), None).because(
            &[(
                "model_distinct",
                "member 1 answered as gpt-4o-2099-01-01, the requested gpt-4o with its date",
            )],
        ),
        returned(7, "the requested model as a host writes it", Some("openai/GPT-4o:nitro"), None)
            .because(&[("model_distinct", "with what hosts add to a name")]),
        returned(7, "the requested model dated, and its sibling", Some("gpt-4o-2099-01-01"), {
            Some("gpt-4o-2024-08-06")
        })
        .fails(&identity(Fail), blind),
        returned(7, "a name in two hosts' forms", Some("who/one"), Some("ONE:free"))
            .fails(&identity(Unknown), blind)
            .because(&[(
                "model_distinct",
                "member 1 and member 2 may be one model, who/one and ONE:free",
            )]),
        returned(10, "a relative of the requested model", Some("gpt-4o-nano"), None)
            .fails(&identity(Unknown), blind),
        case(11, format!("{name}: no model is named"), &seats, |members| {
            answer(&mut members[0], |body| {
                body.as_object_mut().unwrap().remove(model_key(dialect));
            });
        })
        .because(&[("model_distinct", "member 1 is gpt-4o as declared")]),
        stale(header("x-cache", "x-cache", "Hit from edge"))
            .because(&[("fresh", "member 3 answered with x-cache: Hit from edge")]),
        stale(header("age", "age", "7")),
        stale(header("an AI gateway's cache", "cf-aig-cache-status", "HIT")),
        stale(header("LiteLLM", "x-litellm-cache-hit", "True")),
        stale(header("LiteLLM's key", "x-litellm-cache-key", "5d41402a")),
        stale(header("RFC 9211", "cache-status", "edge; hit; ttl=30")),
        header("LiteLLM's fallback", "x-litellm-attempted-fallbacks", "1")
            .fails(&identity(Unknown), blind)
            .because(&[(
                "model_distinct",
                "for member 3 by another model (x-litellm-attempted-fallbacks: 1)",
            )]),
        header("LiteLLM's other group", "x-litellm-model-group", "gpt-4o-mini")
            .fails(&identity(Unknown), blind),
        header("Portkey's second target", "x-portkey-last-used-option-index", "config.targets[1]")
            .fails(&identity(Unknown), blind),
        header("Cloudflare's second step", "cf-aig-step", "1").fails(&identity(Unknown), blind),
        header("Kong's other model", "x-kong-llm-model", "openai/gpt-4o")
            .fails(&identity(Unknown), blind),
        header("TrueFoundry's other model", "x-tfy-resolved-model", "openai-main/gpt-4o")
            .fails(&identity(Unknown), blind),
        case(6, format!("{name}: two proxies, of which one tells"), &seats, |members| {
            let headers = &mut response(&mut members[0]).headers;
            headers.push(("x-litellm-model-group".to_owned(), "gpt-4o".to_owned()));
            headers.push(("ngrok-aig-model".to_owned(), "qwen-2.5".to_owned()));
        })
        .fails(&identity(Unknown), blind),
        header("a fallback that was not taken", "x-litellm-attempted-fallbacks", "0"),
        header("Portkey's first target", "x-portkey-last-used-option-index", "config.targets[0]"),
        header("a retry of the same", "x-portkey-retry-attempt-count", "2"),
        case(6, format!("{name}: a fallback that names its model"), &seats, |members| {
            answer(&mut members[2], |body| body[model_key(dialect)] = "qwen-2.5".into());
            let headers = &mut response(&mut members[2]).headers;
            headers.push(("x-litellm-attempted-fallbacks".to_owned(), "1".to_owned()));
        }),
        case(8, format!("{name}: one deployment for two members"), &seats, |members| {
            for member in &mut members[..2] {
                let id = "5d41402abc4b2a76b9719d911017c592".to_owned();
                response(member).headers.push(("x-litellm-model-id".to_owned(), id));
            }
        })
        .fails(&identity(Fail), blind)
        .because(&[("model_distinct", "members 1 and 2 are one deployment, 5d41402a")]),
        // What is certain counts before what is doubted.
        case(8, format!("{name}: a fallback to another member's deployment"), &seats, |members| {
            for member in &mut members[..2] {
                let other = format!("of-{}-alone-0123456789", member.position);
                let headers = &mut response(member).headers;
                let id = "5d41402abc4b2a76b9719d911017c592".to_owned();
                headers.push(("x-litellm-model-id".to_owned(), other));
                headers.push(("llm_provider-x-ms-deployment-name".to_owned(), id));
            }
            let headers = &mut response(&mut members[0]).headers;
            headers.push(("x-litellm-attempted-fallbacks".to_owned(), "1".to_owned()));
        })
        .fails(&identity(Fail), blind)
        .because(&[("model_distinct", "members 1 and 2 are one deployment, 5d41402a")]),
        header("a miss", "x-cache", "MISS"),
        header("age 0", "age", "0"),
        header("no LiteLLM hit", "x-litellm-cache-hit", "False"),
        header("what the OpenAI API sends", "cf-cache-status", "DYNAMIC"),
        stale(shared("one response twice", LONG_ID, Some("Yes.")))
            .because(&[("fresh", "members 2 and 3 have one response id, resp_68a1f0c2d3e4")]),
        shared("one id for two texts", LONG_ID, None).because(&[(
            "fresh",
            "members 2 and 3 have different texts under one response id, resp_68a1f0c2d3e4",
        )]),
        // Ollama draws each id from 999 numbers.
        shared("one number of few twice", "chatcmpl-437", Some("Yes."))
            .fails(&[("fresh", Unknown)], Level::LineageDistinct)
            .because(&[("fresh", "members 2 and 3 have one response id, chatcmpl-437")]),
        shared("one second twice", "chatcmpl-1790000000", Some("Yes."))
            .fails(&[("fresh", Unknown)], Level::LineageDistinct),
        shared("one second for two texts", "chatcmpl-1790000000", None),
        case(12, format!("{name}: a response without an id"), &seats, |members| {
            answer(&mut members[1], |body| {
                body.as_object_mut().unwrap().remove(id_key(dialect));
            });
        })
        .fails(&[("fresh", Unknown)], Level::LineageDistinct),
        case(13, format!("{name}: one answer of three"), &seats, |members| {
            for member in &mut members[1..] {
                response(member).status = 500;
                member.answered = false;
            }
        })
        .fails(&[&[("answered_quorum", Fail)], identity(NotApplicable).as_slice()].concat(), blind)
        .because(&[("answered_quorum", "1 of 3 answered, 3 were required")]),
        case(13, format!("{name}: an answer that cannot be read"), &seats, |members| {
            response(&mut members[2]).body = b"<html>".to_vec().into();
        })
        .fails(
            &[
                ("fresh", Unknown),
                ("answered_quorum", Unknown),
                ("model_distinct", Unknown),
                ("vendor_distinct", Unknown),
                ("lineage_distinct", Unknown),
            ],
            blind,
        ),
        case(
            13,
            format!("{name}: an error that the panel took for an answer"),
            &seats,
            |members| {
                response(&mut members[2]).status = 500;
            },
        )
        .fails(
            &[&[("fresh", Unknown), ("answered_quorum", Unknown)], identity(Unknown).as_slice()]
                .concat(),
            blind,
        ),
    ]
}
