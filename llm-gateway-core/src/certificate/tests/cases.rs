//! A table of events in a panel, and the exact set of claims that do not pass because of each.

use serde_json::{Value, json};

use super::panel::{
    SEATS, Seat, ask, kinship, not_passed, panel, response, rewrite, rules, seats_of,
};
use super::requests::{requests, system_text};
use super::responses::responses;
use crate::certificate::ClaimResult::{Fail, NotApplicable, Unknown};
use crate::certificate::{
    CallEvidence, Certificate, Claim, ClaimResult, Claims, Evidence, Kinship, Rules, certify,
};
use crate::model::Dialect;
use crate::policy::Level;

type Certifier = fn(&Evidence, &Rules, &Kinship) -> Certificate;

/// One test case: what happened to a panel, and what its certificate must say.
pub(super) struct Case {
    number: u32,
    pub(super) about: String,
    pub(super) evidence: Evidence,
    /// The claims that must not pass, with their results, in the order of the certificate.
    expected: Vec<(&'static str, ClaimResult)>,
    level: Level,
    /// The words that the reason `because` of a claim must contain.
    because: &'static [(&'static str, &'static str)],
    warnings: usize,
}

const BLIND: &[(&str, ClaimResult)] = &[("context_blind", Fail)];
const IDENTITY: [&str; 3] = ["model_distinct", "vendor_distinct", "lineage_distinct"];

pub(super) fn identity(verdict: ClaimResult) -> Vec<(&'static str, ClaimResult)> {
    IDENTITY.map(|name| (name, verdict)).to_vec()
}

pub(super) fn case(
    number: u32,
    about: impl Into<String>,
    seats: &[Seat],
    change: impl FnOnce(&mut Vec<CallEvidence>),
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
    pub(super) fn fails(self, expected: &[(&'static str, ClaimResult)], level: Level) -> Self {
        Self { expected: expected.to_vec(), level, ..self }
    }

    pub(super) fn not_blind(self) -> Self {
        self.fails(BLIND, Level::None)
    }

    pub(super) fn because(self, because: &'static [(&'static str, &'static str)]) -> Self {
        Self { because, ..self }
    }
}

/// Returns the test cases that do not depend on the wire dialect.
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
    // The beginning with so many letters.
    let begun = |letters: usize| -> String {
        let ends = earlier.char_indices().filter(|(_, c)| c.is_alphanumeric());
        let last = ends.map(|(at, c)| at + c.len_utf8()).nth(letters - 1);
        earlier[..last.unwrap()].to_owned()
    };
    let (run, short) = (begun(52), begun(51));
    let asked = |quote: &str| format!("You said \"{quote}\". Is that so?");
    vec![
        case(0, "three dialects, all went well", &SEATS, |_| {}),
        quoting("a run of 52 letters", &[earlier], &asked(&run), 1),
        quoting("a run of 51 letters", &[earlier], &asked(&short), 0),
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
            &[
                &[("context_blind", Unknown), ("fresh", Unknown), ("answered_quorum", Unknown)],
                identity(Unknown).as_slice(),
            ]
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
    let each =
        Dialect::SPOKEN.into_iter().flat_map(|dialect| [requests(dialect), responses(dialect)]);
    each.flatten().chain(others()).collect()
}

/// Returns the mistakes of a certifier in one test case, one sentence each.
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

/// Checks, as case 21, that the table of cases notices a certifier that does nothing.
#[test]
fn a_certifier_that_passes_everything_turns_the_table_red() {
    fn everything_passes(_: &Evidence, rules: &Rules, _: &Kinship) -> Certificate {
        let pass = || Claim::new(ClaimResult::Pass, "true");
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
    assert_eq!(quorum(&evidence, Some(2)), ClaimResult::Pass);
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
    for verdict in [ClaimResult::Pass, Fail, Unknown, NotApplicable] {
        assert_eq!(json!(verdict), verdict.to_string());
    }
}

#[test]
fn what_is_not_proven_is_always_listed() {
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
