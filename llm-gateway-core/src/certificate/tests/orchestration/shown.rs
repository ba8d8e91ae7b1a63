//! Test cases about the texts that verifiers were shown, for each wire dialect.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::cases::{BOTH, Case, HISTORY, PLAN, case, changed};
use super::run::{ARTIFACTS, CRITIQUE, INSTRUCTION, PLANS, Run, call, nonce, replanned, retry};
use crate::certificate::tests::panel::{ask, rewrite};
use crate::certificate::tests::requests::system_text;
use crate::certificate::{Ask, JudgementEvidence, OrchestrationEvidence};
use crate::model::Dialect;

/// Returns the list of turns in a request's body.
fn turns(dialect: Dialect, body: &mut Value) -> &mut Vec<Value> {
    let list = if dialect == Dialect::Gemini { "contents" } else { "messages" };
    body[list].as_array_mut().unwrap()
}

fn turn(dialect: Dialect, role: &str, text: &str) -> Value {
    match dialect {
        Dialect::Gemini => json!({"role": role, "parts": [{"text": text}]}),
        _ => json!({"role": role, "content": text}),
    }
}

/// Changes every text of the user's turn in a request's body.
fn say(dialect: Dialect, body: &mut Value, change: impl Fn(&str) -> String) {
    let turn = turns(dialect, body).last_mut().unwrap();
    let parts = if dialect == Dialect::Gemini { &mut turn["parts"] } else { &mut turn["content"] };
    let changed = |text: &mut Value| *text = change(text.as_str().unwrap()).into();
    match parts {
        Value::Array(parts) => parts.iter_mut().for_each(|part| changed(&mut part["text"])),
        text => changed(text),
    }
}

/// Returns test cases for the six ways in which a text may get into the request of the second
/// verifier.
fn handed_on(number: u32, dialect: Dialect, what: &str, text: &'static str) -> Vec<Case> {
    let body = |how: &str, change: fn(Dialect, &mut Value, &str)| {
        changed(number, format!("{what} {how}"), dialect, |evidence| {
            ask(call(evidence, 6), |request| {
                rewrite(request, |body| change(dialect, body, text));
            });
        })
    };
    // The claim that passes must not say that there is nothing else in the request.
    let other_claim: &[_] = match number {
        2 => &[("verifier_history_blind", "in 2 requests to verifiers repeats no earlier verdict")],
        _ => {
            &[("verifier_plan_blind", "what is strange in 2 requests to verifiers repeats no plan")]
        }
    };
    vec![
        body("as a turn of the user", |dialect, body, text| {
            let turn = turn(dialect, "user", text);
            turns(dialect, body).push(turn);
        }),
        body("as a turn of the model", |dialect, body, text| {
            let role = if dialect == Dialect::Gemini { "model" } else { "assistant" };
            let turn = turn(dialect, role, text);
            turns(dialect, body).push(turn);
        }),
        body("as the system text", |dialect, body, text| {
            *system_text(dialect, body) = text.into();
        }),
        body("below the instruction", |dialect, body, text| {
            *system_text(dialect, body) = format!("{INSTRUCTION}\n\n{text}").into();
        }),
        body("inside the message", |dialect, body, text| {
            say(dialect, body, |said| {
                said.replace("The artifact ends", &format!("{text}\n\nThe artifact ends"))
            });
        }),
        body("set out anew", |dialect, body, text| {
            let text = format!("Mind: {}!", text.to_uppercase().replace(' ', "\n"));
            say(dialect, body, |said| said.replace("The artifact ends", &text));
        }),
        body("in metadata", |_, body, text| body["metadata"] = json!({"note": text}))
            .because(other_claim),
        body("as a key", |_, body, text| body[text] = json!({})),
        changed(number, format!("{what} in a header"), dialect, |evidence| {
            ask(call(evidence, 6), |request| {
                request.headers.push(("x-context".to_owned(), text.to_owned()));
            });
        }),
        changed(number, format!("{what} in the query"), dialect, |evidence| {
            ask(call(evidence, 6), |request| {
                request.url.push_str("?context=");
                request.url.push_str(&text.replace(' ', "%20"));
            });
        }),
        changed(number, format!("{what} only in a retry"), dialect, |evidence| {
            rewrite(&mut retry(evidence, 6).request, |body| body["metadata"] = text.into());
        }),
        changed(number, format!("{what} in the instruction itself"), dialect, |evidence| {
            let told = format!("{INSTRUCTION}\n\n{text}");
            ask(call(evidence, 6), |request| {
                rewrite(request, |body| *system_text(dialect, body) = told.as_str().into());
            });
            evidence.steps[5].instruction = told;
        }),
    ]
}

/// Returns test cases in which a stray text is not recognised.
fn unrecognised(dialect: Dialect) -> Vec<Case> {
    let body = |about: &str, change: fn(Dialect, &mut Value)| {
        changed(1, about, dialect, |evidence| {
            ask(call(evidence, 6), |request| rewrite(request, |body| change(dialect, body)));
        })
    };
    let judged =
        |about: &str, change: fn(&mut OrchestrationEvidence)| changed(1, about, dialect, change);
    vec![
        body("a text of nobody", |dialect, body| {
            say(dialect, body, |said| format!("{said} The other reviewer has no doubts at all."));
        })
        .because(&[("verifier_plan_blind", "step 6 (verify, round 2): /")]),
        body("a hint of one word", |_, body| body["metadata"] = "yes".into()),
        body("what the task says, once more", |_, body| body["note"] = super::run::TASK.into()),
        body("what the artifact says, once more", |_, body| body["note"] = ARTIFACTS[1].into()),
        body("another nonce", |dialect, body| {
            say(dialect, body, |said| said.replace(&nonce(2, 0), &nonce(7, 0)));
        }),
        body("no line at the end of the artifact", |dialect, body| {
            let line = format!("<<<END ARTIFACT {}>>>", nonce(2, 0));
            say(dialect, body, |said| said.replace(&line, ""));
        }),
        body("no task", |dialect, body| {
            say(dialect, body, |said| said.replace(super::run::TASK, ""));
        }),
        body("an artifact that lost a full stop", |dialect, body| {
            say(dialect, body, |said| said.replace("generic word.", "generic word"));
        }),
        body("an artifact with a zero-width space", |dialect, body| {
            say(dialect, body, |said| said.replace("Robots", "Robots\u{200b}"));
        }),
        body("an artifact with a homoglyph", |dialect, body| {
            say(dialect, body, |said| said.replace("Robots", "R\u{43e}bots"));
        }),
        body("no instruction", |dialect, body| match dialect {
            Dialect::OpenAi => drop(turns(dialect, body).remove(0)),
            Dialect::Anthropic => drop(body.as_object_mut().unwrap().remove("system")),
            _ => drop(body.as_object_mut().unwrap().remove("systemInstruction")),
        }),
        body("no turn of the user", |dialect, body| drop(turns(dialect, body).pop())),
        body("a schema that nobody asked for", |_, body| {
            body["response_format"] = json!({"description": "The other reviewer had no doubts."});
        }),
        changed(4, "a retry with other bytes", dialect, |evidence| {
            let retry = retry(evidence, 6);
            retry.request.body = [retry.request.body.as_bytes(), b"\n"].concat().into();
        })
        .because(&[("verifier_plan_blind", "try 2 : the body of try 2 is not the committed one")]),
        judged("nothing says what was judged", |evidence| evidence.steps[5].judged = None),
        judged("an ask that was not sent", |evidence| {
            evidence.steps[5].judged.as_mut().unwrap().ask = Ask::PlainAgain;
        }),
        judged("a nonce that nobody drew", |evidence| {
            evidence.steps[5].judged.as_mut().unwrap().nonce = PLANS[1].to_owned();
        }),
        judged("the plan is judged", |evidence| {
            evidence.steps[5].judged = Some(JudgementEvidence::new(4, nonce(2, 0), Ask::Plain));
        })
        .because(&[("verifier_plan_blind", "step 4, which gave no artifact of its round")]),
        judged("the verdict is judged", |evidence| {
            evidence.steps[5].judged = Some(JudgementEvidence::new(6, nonce(2, 0), Ask::Plain));
        }),
        changed(1, "a request that nobody committed", dialect, |evidence| {
            let call = call(evidence, 6);
            call.committed = None;
            call.exchanges[0].sent -= 1;
            call.exchanges[0].response.as_mut().unwrap().sequence -= 1;
        }),
    ]
}

/// Returns test cases in which only a part of a stray text is recognised.
fn recognised_in_part(dialect: Dialect) -> Vec<Case> {
    let note = |about: &str, text: String| {
        changed(2, about, dialect, |evidence| {
            ask(call(evidence, 6), |request| rewrite(request, |body| body["note"] = json!(text)));
        })
    };
    let encoded = STANDARD.encode(CRITIQUE);
    let paraphrased = "The other reviewer missed a prefix in both samples.";
    vec![
        note("the plan before an encoded text", format!("{} {encoded}", PLANS[1])).because(&[(
            "verifier_history_blind",
            "/note is no place of the protocol and holds more than is recognised",
        )]),
        note("the plan before a critique in other words", format!("{} {paraphrased}", PLANS[1])),
        note("the critique before an encoded text", format!("{CRITIQUE} {encoded}")),
        note("the plan before one word of the critique", format!("{} REVISE", PLANS[1])),
        note("the critique before one word of the plan", format!("{CRITIQUE} Shorten")),
        changed(2, "the plan, and one word beside it", dialect, |evidence| {
            ask(call(evidence, 6), |request| {
                rewrite(request, |body| {
                    body["note"] = json!(PLANS[1]);
                    body["b"] = "REVISE".into();
                });
            });
        })
        .because(&[("verifier_history_blind", "/b is no place of the protocol")]),
    ]
}

/// Returns a test case with more stray texts than are examined: the others count as not recognised.
fn many(dialect: Dialect) -> Case {
    changed(2, "the plan, over and over", dialect, |evidence| {
        ask(call(evidence, 6), |request| {
            rewrite(request, |body| body["note"] = json!(vec![PLANS[1]; 300]));
        });
    })
}

/// Returns the schema of an answer in a request's body.
fn schema(dialect: Dialect, body: &mut Value) -> &mut Value {
    let place = match dialect {
        Dialect::OpenAi => "/response_format/json_schema/schema",
        Dialect::Anthropic => "/output_config/format/schema",
        _ => "/generationConfig/responseJsonSchema",
    };
    body.pointer_mut(place).unwrap()
}

/// Returns test cases in which the verdict is requested with its schema.
fn structured(dialect: Dialect) -> Vec<Case> {
    let run = Run { structured: true, ..replanned().speaking(dialect) }.evidence();
    let structured = |number, about: &str, change: &dyn Fn(&mut OrchestrationEvidence)| {
        let mut evidence = run.clone();
        change(&mut evidence);
        case(number, format!("{}: {about}", dialect.as_str()), evidence)
    };
    let described = |text: &'static str| {
        move |evidence: &mut OrchestrationEvidence| {
            ask(call(evidence, 6), |request| {
                rewrite(request, |body| {
                    schema(dialect, body)["properties"]["verdict"]["description"] = text.into();
                });
            });
        }
    };
    vec![
        structured(0, "a schema", &|_| {}),
        // If the schema is not the known one, the rest of it is not recognised.
        structured(2, "the plan in the schema", &described(PLANS[1])).fails(BOTH).because(&[(
            "verifier_plan_blind",
            "/verdict/description is no place of the protocol and repeats the plan of step 4",
        )]),
        structured(18, "the critique in the schema", &described(CRITIQUE)).fails(BOTH).because(&[(
            "verifier_history_blind",
            "/verdict/description is no place of the protocol and repeats the verdict of step 3",
        )]),
        structured(2, "a hint in the schema", &described("yes")).fails(BOTH),
        structured(2, "a schema that nobody asked for", &|evidence| {
            evidence.steps[5].judged.as_mut().unwrap().structured = false;
        })
        .fails(BOTH),
        structured(0, "a model that can be held to none", &|evidence| {
            ask(call(evidence, 6), |request| {
                rewrite(request, |body| {
                    let body = body.as_object_mut().unwrap();
                    match dialect {
                        Dialect::OpenAi => drop(body.remove("response_format")),
                        Dialect::Anthropic => drop(body.remove("output_config")),
                        _ => {
                            let config = body["generationConfig"].as_object_mut().unwrap();
                            config.remove("responseMimeType");
                            config.remove("responseJsonSchema");
                        }
                    }
                });
            });
        }),
    ]
}

/// Returns a test case in which a verifier is shown the artifact of the round before, and its step
/// states `judged`.
fn earlier_artifact_judged(dialect: Dialect, about: &str, judged: u32) -> Case {
    let mut run = replanned().speaking(dialect);
    run.rounds[1].artifact = run.rounds[0].artifact.clone();
    let shown = run.evidence().steps.pop().unwrap();
    changed(18, about, dialect, |evidence| {
        let sent = shown.call.exchanges[0].request.clone();
        ask(call(evidence, 6), |request| *request = (*sent).clone());
        evidence.steps[5].judged.as_mut().unwrap().artifact = judged;
    })
}

pub(super) fn shown(dialect: Dialect) -> Vec<Case> {
    const PURE: &str = "holds the instruction, the task, the artifact as it was received";
    let mut cases = vec![
        changed(0, "all went well", dialect, |_| {})
            .because(&[("verifier_plan_blind", PURE), ("verifier_history_blind", PURE)]),
        changed(4, "a retry with the same bytes", dialect, |evidence| {
            retry(evidence, 6);
        }),
        earlier_artifact_judged(dialect, "the earlier artifact for the new one", 5).fails(HISTORY),
        earlier_artifact_judged(dialect, "the earlier artifact, and said so", 2).fails(BOTH),
        many(dialect).fails(BOTH),
    ];
    let failing = |cases: Vec<Case>, expected| cases.into_iter().map(move |it| it.fails(expected));
    cases.extend(failing(handed_on(2, dialect, "the plan", PLANS[1]), PLAN));
    cases.extend(failing(handed_on(2, dialect, "the first plan", PLANS[0]), PLAN));
    cases.extend(failing(handed_on(18, dialect, "the critique", CRITIQUE), HISTORY));
    cases.extend(failing(handed_on(18, dialect, "the earlier artifact", ARTIFACTS[0]), HISTORY));
    cases.extend(failing(unrecognised(dialect), BOTH));
    cases.extend(failing(recognised_in_part(dialect), BOTH));
    cases.extend(structured(dialect));
    cases
}
