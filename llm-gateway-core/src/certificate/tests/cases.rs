//! One table: what happened, and the exact set of claims that do not pass because of it.

use serde_json::{Value, json};

use super::panel::{
    QUESTION, SEATS, SYSTEM, Seat, answer, ask, kinship, not_passed, panel, response, rewrite,
    rules, seats_of,
};
use crate::certificate::Verdict::{Fail, NotApplicable, Unknown};
use crate::certificate::{
    Certificate, Claim, Claims, Evidence, Kinship, MemberEvidence, RecordedExchange, Rules,
    Verdict, certify,
};
use crate::model::Dialect;
use crate::policy::Level;

type Certifier = fn(&Evidence, &Rules, &Kinship) -> Certificate;

/// What happened, and what should come of it.
pub(super) struct Case {
    number: u32,
    pub(super) about: String,
    pub(super) evidence: Evidence,
    /// The claims that do not pass, in their order.
    expected: Vec<(&'static str, Verdict)>,
    level: Level,
    /// What `because` of a claim must name.
    because: &'static [(&'static str, &'static str)],
    warnings: usize,
}

const BLIND: &[(&str, Verdict)] = &[("context_blind", Fail)];
const IDENTITY: [&str; 3] = ["model_distinct", "vendor_distinct", "lineage_distinct"];

fn identity(verdict: Verdict) -> Vec<(&'static str, Verdict)> {
    IDENTITY.map(|name| (name, verdict)).to_vec()
}

fn case(
    number: u32,
    about: impl Into<String>,
    seats: &[Seat],
    change: impl FnOnce(&mut Vec<MemberEvidence>),
) -> Case {
    let mut evidence = panel(seats);
    change(&mut evidence.members);
    Case {
        number,
        about: about.into(),
        evidence,
        expected: Vec::new(),
        level: Level::LineageDistinct,
        because: &[],
        warnings: 0,
    }
}

impl Case {
    fn fails(self, expected: &[(&'static str, Verdict)], level: Level) -> Self {
        Self { expected: expected.to_vec(), level, ..self }
    }

    fn not_blind(self) -> Self {
        self.fails(BLIND, Level::None)
    }

    fn because(self, because: &'static [(&'static str, &'static str)]) -> Self {
        Self { because, ..self }
    }
}

/// Where a dialect keeps the user's only text.
fn user_text(dialect: Dialect, body: &mut Value) -> &mut Value {
    match dialect {
        Dialect::OpenAi => &mut body["messages"][1]["content"],
        Dialect::Anthropic => &mut body["messages"][0]["content"],
        _ => &mut body["contents"][0]["parts"][0]["text"],
    }
}

fn system_text(dialect: Dialect, body: &mut Value) -> &mut Value {
    match dialect {
        Dialect::OpenAi => &mut body["messages"][0]["content"],
        Dialect::Anthropic => &mut body["system"],
        _ => &mut body["systemInstruction"]["parts"][0]["text"],
    }
}

fn say(text: &mut Value, change: impl FnOnce(&str) -> String) {
    *text = change(text.as_str().unwrap()).into();
}

/// A retry of the first member that leaves and is answered before all else has come.
fn retried(members: &mut [MemberEvidence], change: impl FnOnce(&mut RecordedExchange)) {
    let first = &mut members[0];
    let mut retry = first.exchanges[0].clone();
    first.exchanges[0].response.as_mut().unwrap().status = 503;
    (retry.sent, retry.response.as_mut().unwrap().sequence) = (10, 11);
    change(&mut retry);
    first.exchanges.push(retry);
}

/// Cases about requests, which each dialect has to show.
fn requests(dialect: Dialect) -> Vec<Case> {
    let seats = seats_of(dialect);
    let name = dialect.as_str();
    let body = |number, about: &str, change: fn(Dialect, &mut Value)| {
        case(number, format!("{name}: {about}"), &seats, move |members| {
            ask(&mut members[1], |request| rewrite(request, |body| change(dialect, body)));
        })
        .not_blind()
    };
    vec![
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
            // A reader that lets the last one win sees nothing strange.
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
    ]
}

fn model_key(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Gemini { "modelVersion" } else { "model" }
}

fn id_key(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Gemini { "responseId" } else { "id" }
}

/// Cases about responses, which each dialect has to show.
fn responses(dialect: Dialect) -> Vec<Case> {
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
        header("a miss", "x-cache", "MISS"),
        header("age 0", "age", "0"),
        header("no LiteLLM hit", "x-litellm-cache-hit", "False"),
        header("what the OpenAI API sends", "cf-cache-status", "DYNAMIC"),
        stale(case(12, format!("{name}: one response id twice"), &seats, |members| {
            for member in &mut members[1..] {
                answer(member, |body| body[id_key(dialect)] = "id-1".into());
            }
        }))
        .because(&[("fresh", "members 2 and 3 have one response id, id-1")]),
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

/// Cases that need no dialect of their own.
fn others() -> Vec<Case> {
    let earlier = "An earlier answer, long enough to be told from chance: tomatoes are berries.";
    let quoting = |about: &str, answers: &[&str], quoted: &str, warnings| {
        let seats = seats_of(Dialect::OpenAi);
        let mut case = case(15, about, &seats, |members| {
            for member in members {
                ask(member, |request| {
                    rewrite(request, |body| body["messages"][1]["content"] = quoted.into());
                });
            }
        });
        case.evidence.caller.user = vec![quoted.to_owned()];
        case.evidence.earlier_answers = answers.iter().map(|&text| text.to_owned()).collect();
        Case { warnings, ..case }
    };
    let run: String = earlier.chars().take(64).collect();
    let short: String = earlier.chars().take(63).collect();
    let asked = |quote: &str| format!("You said \"{quote}\". Is that so?");
    vec![
        case(0, "three dialects, all went well", &SEATS, |_| {}),
        quoting("a run of 64 characters", &[earlier], &asked(&run), 1),
        quoting("a run of 63 characters", &[earlier], &asked(&short), 0),
        quoting(
            "a short answer, whole",
            &[" Tomatoes are berries, yes.\n"],
            &asked("Tomatoes are berries, yes."),
            1,
        ),
        quoting("a very short answer", &["Yes."], &asked("Yes."), 0),
        case(14, "a moment is missing", &SEATS, |members| response(&mut members[2]).sequence = 99)
            .fails(&[("context_blind", Unknown)], Level::None)
            .because(&[("context_blind", "moment 9 is missing")]),
        case(13, "a provider that records nothing", &SEATS, |members| {
            members[2].dialect = Dialect::Own;
            members[2].committed = None;
            members[2].exchanges.clear();
            for (moment, member) in (1..).zip(&mut members[..2]) {
                member.exchanges[0].sent = moment + 2;
                response(member).sequence = moment + 4;
            }
        })
        .fails(
            &[&[("context_blind", Unknown), ("fresh", Unknown)], identity(Unknown).as_slice()]
                .concat(),
            Level::None,
        ),
        case(13, "nobody was asked", &[], |_| {}).fails(
            &[
                &[
                    ("context_blind", NotApplicable),
                    ("fresh", NotApplicable),
                    ("answered_quorum", Fail),
                ],
                identity(NotApplicable).as_slice(),
            ]
            .concat(),
            Level::None,
        ),
    ]
}

pub(super) fn table() -> Vec<Case> {
    let dialects = [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini];
    let each = dialects.into_iter().flat_map(|dialect| [requests(dialect), responses(dialect)]);
    each.flatten().chain(others()).collect()
}

/// What the certifier gets wrong of a case.
fn mistakes(certifier: Certifier, case: &Case) -> Vec<String> {
    let certificate = certifier(&case.evidence, &rules(), &kinship());
    let mut mistakes = Vec::new();
    let mut same = |is_same: bool, what: String| {
        if !is_same {
            mistakes.push(format!("case {}, {}: {what}", case.number, case.about));
        }
    };
    let found = not_passed(&certificate);
    same(found == case.expected, format!("{found:?}: {:#?}", certificate.claims));
    same(certificate.level == case.level, format!("{:?}", certificate.level));
    same(certificate.warnings.len() == case.warnings, format!("{:?}", certificate.warnings));
    for (name, part) in case.because {
        let claims = certificate.claims.named();
        let (_, claim) = claims.into_iter().find(|(claim, _)| claim == name).unwrap();
        same(claim.because.contains(part), format!("{name} because {}", claim.because));
    }
    let certified = case.level >= Level::ModelDistinct
        && case.expected.iter().all(|(name, verdict)| match *name {
            "fresh" => *verdict != Fail,
            "answered_quorum" => false,
            _ => true,
        });
    same(certificate.independence_certified() == certified, format!("certified: {certified}"));
    mistakes
}

#[test]
fn every_case_flips_exactly_its_claims() {
    let mistakes: Vec<String> = table().iter().flat_map(|case| mistakes(certify, case)).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Case 21.
#[test]
fn a_certifier_that_passes_everything_turns_the_table_red() {
    fn everything_passes(_: &Evidence, rules: &Rules, _: &Kinship) -> Certificate {
        let pass = || Claim::new(Verdict::Pass, "true");
        let claims = Claims {
            context_blind: pass(),
            fresh: pass(),
            answered_quorum: pass(),
            model_distinct: pass(),
            vendor_distinct: pass(),
            lineage_distinct: pass(),
        };
        Certificate::of(claims, rules.required, Vec::new())
    }
    for case in table() {
        let is_red = !mistakes(everything_passes, &case).is_empty();
        let has_something_to_find =
            !case.expected.is_empty() || !case.because.is_empty() || case.warnings > 0;
        assert_eq!(is_red, has_something_to_find, "case {}: {}", case.number, case.about);
    }
}

#[test]
fn every_case_of_the_design_has_a_row() {
    let numbers: std::collections::BTreeSet<u32> = table().iter().map(|case| case.number).collect();
    // 16 to 18 are about orchestrations, 19 about receipts, 21 and 22 are tests of their own.
    for number in (1..=15).chain([20]) {
        assert!(numbers.contains(&number), "case {number} has no row");
    }
}

#[test]
fn a_quorum_is_never_less_than_two() {
    let mut evidence = panel(&SEATS);
    evidence.members[2].answered = false;
    let quorum = |evidence: &Evidence, quorum| {
        let rules = Rules::new(Level::ModelDistinct, quorum);
        certify(evidence, &rules, &kinship()).claims.answered_quorum.result
    };
    assert_eq!(quorum(&evidence, None), Fail);
    assert_eq!(quorum(&evidence, Some(2)), Verdict::Pass);
    evidence.members[1].answered = false;
    assert_eq!(quorum(&evidence, Some(1)), Fail);
    assert_eq!(quorum(&evidence, Some(0)), Fail);
}

#[test]
fn a_certificate_has_the_shape_of_the_contract() {
    fn keys(value: &Value) -> Vec<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }
    let certificate = json!(certify(&panel(&SEATS), &rules(), &kinship()));
    assert_eq!(keys(&certificate), ["level", "required", "claims", "not_proven", "warnings"]);
    assert_eq!(certificate["level"], "lineage_distinct");
    assert_eq!(certificate["required"], "model_distinct");
    let names = ["context_blind", "fresh", "answered_quorum"].into_iter().chain(IDENTITY);
    assert_eq!(keys(&certificate["claims"]), names.collect::<Vec<_>>());
    for claim in certificate["claims"].as_object().unwrap().values() {
        assert_eq!(keys(claim), ["result", "because"]);
        assert_eq!(claim["result"], "pass");
    }
    for verdict in [Verdict::Pass, Fail, Unknown, NotApplicable] {
        assert_eq!(json!(verdict), verdict.to_string());
    }
}

#[test]
fn what_is_not_proven_is_always_told() {
    let certificate = certify(&Evidence::default(), &rules(), &Kinship::default());
    assert_eq!(certificate.not_proven, crate::certificate::NOT_PROVEN);
}

#[test]
fn a_policy_text_may_be_shown_and_a_failed_member_is_read_too() {
    let mut evidence = panel(&SEATS);
    evidence.policy_texts = vec!["Be brief.".to_owned()];
    for member in &mut evidence.members {
        let dialect = member.dialect;
        ask(member, |request| {
            rewrite(request, |body| *system_text(dialect, body) = "Be brief.".into());
        });
    }
    let certificate = certify(&evidence, &rules(), &kinship());
    assert_eq!(not_passed(&certificate), []);
    let last = &mut evidence.members[2];
    last.answered = false;
    ask(last, |request| rewrite(request, |body| body["cachedContent"] = "c".into()));
    let rules = Rules::new(Level::ModelDistinct, Some(2));
    assert_eq!(not_passed(&certify(&evidence, &rules, &kinship())), BLIND);
}
