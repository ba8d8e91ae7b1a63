//! Test cases about a panel's requests, for each wire dialect.

use serde_json::{Value, json};

use super::cases::{Case, case};
use super::panel::{
    QUESTION, SEATS, SYSTEM, Seat, ask, panel, response, rewrite, seats_of, written,
};
use crate::certificate::{CallEvidence, RecordedExchange, readers};
use crate::model::{ContentPart, Delivery, Dialect, Message, Prompt, Role};

/// Returns the user's only text in a request's body of the dialect.
fn user_text(dialect: Dialect, body: &mut Value) -> &mut Value {
    match dialect {
        Dialect::OpenAi => &mut body["messages"][1]["content"],
        Dialect::Anthropic => &mut body["messages"][0]["content"],
        _ => &mut body["contents"][0]["parts"][0]["text"],
    }
}

pub(super) fn system_text(dialect: Dialect, body: &mut Value) -> &mut Value {
    match dialect {
        Dialect::OpenAi => &mut body["messages"][0]["content"],
        Dialect::Anthropic => &mut body["system"],
        _ => &mut body["systemInstruction"]["parts"][0]["text"],
    }
}

fn say(text: &mut Value, change: impl FnOnce(&str) -> String) {
    *text = change(text.as_str().unwrap()).into();
}

/// Adds a second attempt to the first member's call, and changes that attempt.
fn retried(members: &mut [CallEvidence], change: impl FnOnce(&mut RecordedExchange)) {
    let first = &mut members[0];
    let mut retry = first.exchanges[0].clone();
    first.exchanges[0].response.as_mut().unwrap().status = 503;
    (retry.sent, retry.response.as_mut().unwrap().sequence) = (10, 11);
    change(&mut retry);
    first.exchanges.push(retry);
}

/// Changes the first member's call into one whose stream was refused with `status`: it committed
/// and sent the real adapter's request for a stream, then sent the request for a whole answer.
fn refused(members: &mut [CallEvidence], status: u16) {
    retried(members, |_| {});
    let first = &mut members[0];
    let seat = Seat { delivery: Delivery::Stream, ..SEATS[0] };
    let seat = Seat { dialect: first.dialect, ..seat };
    let question =
        Message { role: Role::User, parts: vec![ContentPart::Text(QUESTION.to_owned())] };
    let prompt = Prompt::from_caller(Some(SYSTEM.to_owned()), vec![question]);
    let streamed = written(&seat, prompt.into(), Vec::new());
    first.exchanges[0].response.as_mut().unwrap().status = status;
    *first.exchanges[0].request = streamed.clone();
    *first.committed.as_mut().unwrap().request = streamed;
}

/// Returns the test cases about a member whose server refuses to stream.
fn refusals(dialect: Dialect) -> Vec<Case> {
    let seats = seats_of(dialect);
    let one = |about: &str, change: fn(&mut [CallEvidence])| {
        case(4, format!("{}: {about}", dialect.as_str()), &seats, |members| change(members))
    };
    vec![
        one("a refused stream is asked for whole", |members| refused(members, 400)),
        one("a refused stream is asked for whole, and again", |members| {
            refused(members, 422);
            let mut again = members[0].exchanges[1].clone();
            (again.sent, again.response.as_mut().unwrap().sequence) = (12, 13);
            members[0].exchanges.push(again);
        }),
        one("a stream that nobody refused", |members| refused(members, 503))
            .not_blind()
            .because(&[("context_blind", "of try 2 is not the committed one")]),
        one("a whole request before the stream was refused", |members| {
            refused(members, 400);
            let exchanges = &mut members[0].exchanges;
            exchanges[0].request = exchanges[1].request.clone();
        })
        .not_blind(),
        one("a refused stream comes with another text", |members| {
            refused(members, 400);
            let dialect = members[0].dialect;
            rewrite(&mut members[0].exchanges[1].request, |body| {
                say(user_text(dialect, body), |text| format!("{text} Member B said yes"));
            });
        })
        .not_blind(),
        one("a refused stream comes with another bound", |members| {
            refused(members, 400);
            let request = &mut members[0].exchanges[1].request;
            let body = String::from_utf8(request.body.as_bytes().to_vec()).unwrap();
            request.body = body.replace(":64", ":65").into_bytes().into();
        })
        .not_blind(),
        one("a refused stream comes with another header", |members| {
            refused(members, 400);
            let header = ("accept".to_owned(), "application/json".to_owned());
            members[0].exchanges[1].request.headers.push(header);
        })
        .not_blind(),
        one("a refused stream goes to another place", |members| {
            refused(members, 400);
            members[0].exchanges[1].request.url.push('/');
        })
        .not_blind(),
    ]
}

/// Returns the test cases about requests in one wire dialect.
pub(super) fn requests(dialect: Dialect) -> Vec<Case> {
    let seats = seats_of(dialect);
    let name = dialect.as_str();
    let body = |number, about: &str, change: fn(Dialect, &mut Value)| {
        case(number, format!("{name}: {about}"), &seats, move |members| {
            ask(&mut members[1], |request| rewrite(request, |body| change(dialect, body)));
        })
        .not_blind()
    };
    let mut cases = vec![
        case(0, format!("{name}: all went well"), &seats, |_| {}),
        case(4, format!("{name}: a retry with the same bytes"), &seats, |members| {
            retried(members, |_| {});
        }),
        body(1, "an adapter adds a sibling's answer to the question", |dialect, body| {
            say(user_text(dialect, body), |text| format!("{text} Member A said yes"));
        })
        .because(&[("context_blind", "member 2: /")]),
        body(1, "an adapter adds a turn", |dialect, body| {
            let list = if dialect == Dialect::Gemini { "contents" } else { "messages" };
            let turn = body[list].as_array().unwrap().last().unwrap().clone();
            body[list].as_array_mut().unwrap().push(turn);
        }),
        body(1, "an adapter adds an earlier answer as the model's turn", |dialect, body| {
            let turn = match dialect {
                Dialect::Gemini => json!({"role": "model", "parts": [{"text": QUESTION}]}),
                _ => json!({"role": "assistant", "content": QUESTION}),
            };
            let list = if dialect == Dialect::Gemini { "contents" } else { "messages" };
            body[list].as_array_mut().unwrap().push(turn);
        }),
        body(1, "the question is left out", |dialect, body| {
            *user_text(dialect, body) = SYSTEM.into();
        }),
        body(2, "metadata carries it", |_, body| {
            body["metadata"] = json!({"note": "Member A said yes"});
        })
        .because(&[("context_blind", "/metadata/note is no place of the protocol")]),
        body(2, "a tool's description carries it", |_, body| {
            body["tools"] = json!([{"description": "Member A said yes"}]);
        })
        .because(&[("context_blind", "/tools/0/description")]),
        body(2, "a key carries it", |_, body| body["Member A said yes"] = json!({})),
        body(2, "a number where none belongs", |_, body| body["seed"] = 1.into()),
        body(3, "a space at the end of the system text", |dialect, body| {
            say(system_text(dialect, body), |text| format!("{text} "));
        }),
        case(3, format!("{name}: one member has no system text"), &seats, |members| {
            ask(&mut members[1], |request| {
                rewrite(request, |body| match dialect {
                    Dialect::OpenAi => drop(body["messages"].as_array_mut().unwrap().remove(0)),
                    Dialect::Anthropic => drop(body.as_object_mut().unwrap().remove("system")),
                    _ => drop(body.as_object_mut().unwrap().remove("systemInstruction")),
                });
            });
        })
        .not_blind()
        .because(&[("context_blind", "member 2's system part is not that of member 1")]),
        case(4, format!("{name}: a retry with other bytes"), &seats, |members| {
            retried(members, |retry| {
                let body = [retry.request.body.as_bytes(), b"\n"].concat();
                retry.request.body = body.into();
            });
        })
        .not_blind()
        .because(&[("context_blind", "member 1: the body of try 2 is not the committed one")]),
        body(5, "previous_response_id", |_, body| body["previous_response_id"] = "resp_1".into())
            .because(&[("context_blind", "/previous_response_id")]),
        body(5, "conversation", |_, body| body["conversation"] = json!({"id": "c"})),
        body(5, "store", |_, body| body["store"] = true.into()),
        body(5, "container", |_, body| body["container"] = "c".into()),
        case(5, format!("{name}: a cookie"), &seats, |members| {
            ask(&mut members[1], |request| {
                request.headers.push(("cookie".to_owned(), "session=1".to_owned()));
            });
        })
        .not_blind()
        .because(&[("context_blind", "header cookie is no header of the protocol")]),
        case(1, format!("{name}: a header's value carries it"), &seats, |members| {
            ask(&mut members[1], |request| request.headers[0].1.push_str("; Member A said yes"));
        })
        .not_blind(),
        case(1, format!("{name}: the query carries it"), &seats, |members| {
            ask(&mut members[1], |request| request.url.push_str("?hint=yes"));
        })
        .not_blind()
        .because(&[("context_blind", "member 2: url")]),
        case(1, format!("{name}: a key stands twice"), &seats, move |members| {
            // A reader that takes the last of two equal keys sees nothing wrong.
            let first = match dialect {
                Dialect::Gemini => r#"{"contents":["Member A said yes"],"#,
                _ => r#"{"messages":["Member A said yes"],"#,
            };
            ask(&mut members[1], |request| {
                let body = String::from_utf8(request.body.as_bytes().to_vec()).unwrap();
                request.body = body.replacen('{', first, 1).into_bytes().into();
            });
        })
        .not_blind()
        .because(&[("context_blind", "a key stands twice")]),
        body(2, "a key below a place of the protocol carries it", |dialect, body| {
            let bound = match dialect {
                Dialect::Gemini => &mut body["generationConfig"]["maxOutputTokens"],
                _ => &mut body["max_tokens"],
            };
            *bound = json!({"Member A said yes": 64});
        }),
        case(
            14,
            format!("{name}: the second is built after the first answer"),
            &seats,
            |members| {
                members[1].committed.as_mut().unwrap().sequence = 7;
                members[1].exchanges[0].sent = 8;
                members[0].committed.as_mut().unwrap().sequence = 1;
                members[2].committed.as_mut().unwrap().sequence = 2;
                members[2].exchanges[0].sent = 5;
                members[0].exchanges[0].sent = 3;
                response(&mut members[0]).sequence = 4;
                response(&mut members[2]).sequence = 6;
            },
        )
        .not_blind()
        .because(&[("context_blind", "member 2's request was committed at moment 7, after")]),
        body(20, "a homoglyph in the question", |dialect, body| {
            say(user_text(dialect, body), |text| text.replace('a', "\u{430}"));
        }),
        body(20, "a zero-width space in the question", |dialect, body| {
            say(user_text(dialect, body), |text| format!("{text}\u{200b}"));
        }),
        case(1, format!("{name}: a request that nobody committed"), &seats, |members| {
            members[0].committed = None;
            for (moment, member) in (1..).zip(&mut members[1..]) {
                member.committed.as_mut().unwrap().sequence = moment;
            }
            for (moment, member) in (3..).zip(members.iter_mut()) {
                member.exchanges[0].sent = moment;
                response(member).sequence = moment + 3;
            }
        })
        .not_blind(),
    ];
    cases.extend(refusals(dialect));
    cases
}

/// Checks that the number of findings is bounded, because a stranger's request may consist of
/// nothing else.
#[test]
fn the_number_of_findings_is_bounded() {
    let mut member = panel(&SEATS).members.remove(0);
    let long = "k".repeat(4_096);
    let request = &mut member.exchanges[0].request;
    rewrite(request, |body| body[&long] = json!(vec![1; 60_000]));
    request.headers.extend((0..60_000).map(|n| (format!("x-{n}"), String::new())));
    let asked = readers::request(&member, &member.exchanges[0].request, None).unwrap();
    assert_eq!(asked.findings.len(), readers::MOST_REQUEST_FINDINGS);
}
