//! Checks, as case 16, artifacts that repeat the plan, just below and just above the limits.

use super::cases::{Case, case};
use super::run::replanned;
use crate::certificate::ClaimResult::{Fail, NotApplicable};
use crate::certificate::tests::panel::kinship;
use crate::certificate::{OrchestrationEvidence, certify_orchestration};

/// Returns words that occur in no other text.
fn words(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("Word{n}")).collect::<Vec<_>>().join(", ")
}

/// Returns the evidence of an orchestration whose second round has this plan and this artifact.
fn planned(task: &str, plan: &str, artifact: &str) -> OrchestrationEvidence {
    let mut run = replanned();
    run.task = format!("{} {task}", run.task);
    (run.rounds[1].plan, run.rounds[1].artifact) = (Some(plan.to_owned()), artifact.to_owned());
    run.evidence()
}

/// Returns the evidence of an orchestration whose first round has this plan and whose second round
/// has this artifact.
fn planned_before(plan: &str, artifact: &str) -> OrchestrationEvidence {
    let mut run = replanned();
    run.rounds[0].plan = Some(plan.to_owned());
    run.rounds[1].artifact = artifact.to_owned();
    run.evidence()
}

/// Joins pieces of text with other words between them.
fn with_gaps(pieces: &[String]) -> String {
    pieces.iter().enumerate().map(|(n, piece)| format!("gap{n}: {piece}\n")).collect()
}

pub(super) fn leaks() -> Vec<Case> {
    // 107 words have 100 shingles; a piece of n of these words has n - 7.
    let plan = words(0..107);
    let repeats =
        |about: &str, pieces: &[String]| case(16, about, planned("", &plan, &with_gaps(pieces)));
    let fails = |case: Case| case.fails(&[("plan_leak", Fail)]);
    let lower = |numbers| words(numbers).to_lowercase().replace(", ", "\n- ");
    vec![
        repeats("19 of 100 shingles", &[words(0..17), words(50..66)])
            .because(&[("plan_leak", "round 2: the artifact repeats 19 of the plan's 100 runs")]),
        fails(repeats("20 of 100 shingles", &[words(0..17), words(50..67)]))
            .because(&[("plan_leak", "20 of the plan's 100 runs of 8 words (20 %), and no run")]),
        fails(repeats("20 of 100, set out anew", &[lower(0..17), lower(50..67)])),
        repeats("a run of 24 words", &[words(30..54)]),
        fails(repeats("a run of 25 words", &[words(30..55)]))
            .because(&[("plan_leak", "18 of the plan's 100 runs of 8 words (18 %), and a run")]),
        fails(case(
            16,
            "the first round's plan in the second artifact",
            planned_before(&plan, &plan),
        ))
        .because(&[(
            "plan_leak",
            "round 2: the artifact repeats 100 of the round 1 plan's 100 runs of 8 words (100 %)",
        )]),
        case(16, "19 of 100 shingles of the plan before", {
            planned_before(&plan, &with_gaps(&[words(0..17), words(50..66)]))
        })
        .because(&[("plan_leak", "round 2: the artifact repeats 19 of the round 1 plan's")]),
        repeats("one piece, again and again", &vec![words(0..17); 9]),
        case(16, "what the task itself says", planned(&words(0..107), &plan, &plan))
            .because(&[("plan_leak", "round 2: the artifact repeats 0 of the round 1 plan's")]),
        fails(case(
            16,
            "the verifier sees the plan only in the artifact",
            planned("", &plan, &plan),
        )),
        case(16, "31 words", planned("", &words(0..31), &words(0..10))),
        case(16, "a short plan that is not repeated", planned("", &words(0..30), "another thing")),
        case(16, "less than half of a short plan", planned("", &words(0..30), &words(0..18))),
        fails(case(16, "half of a short plan", planned("", &words(0..30), &words(0..19))))
            .because(&[("plan_leak", "12 of the plan's 23 runs of 8 words (52 %), and no run")]),
        fails(case(16, "a short plan as a whole", planned_alone(SHORT_PLAN, &above(SHORT_PLAN))))
            .because(&[("plan_leak", "repeats 10 of the plan's 10 runs of 8 words (100 %)")]),
        case(16, "a plan of seven words", planned_alone("Open on the crane, close on light.", "x"))
            .fails(&[("plan_leak", NotApplicable)])
            .because(&[("plan_leak", "round 1: 7 words of the plan's own are too few")]),
        case(16, "a plan that is the task", planned_alone(super::run::TASK, super::run::TASK))
            .fails(&[("plan_leak", NotApplicable)])
            .because(&[("plan_leak", "round 1: 0 words of the plan's own are too few")]),
        fails(case(
            16,
            "a run of 25 words of a short plan",
            planned("", &words(0..30), &words(0..25)),
        )),
    ]
}

/// A plan of 17 words.
const SHORT_PLAN: &str = "Open on the crane. Close on the light. Count syllables twice. Use exactly \
                          one verb per line.";

/// Returns an artifact with a text above it.
fn above(text: &str) -> String {
    format!(
        "{text}\n\nSteel crane, pale water,\nthe harbour of Valparaiso\nunfolds its first light.\n"
    )
}

/// Returns the evidence of an orchestration both of whose rounds have this plan and this artifact.
fn planned_alone(plan: &str, artifact: &str) -> OrchestrationEvidence {
    let mut run = replanned();
    for round in &mut run.rounds {
        (round.plan, round.artifact) = (Some(plan.to_owned()), artifact.to_owned());
    }
    run.evidence()
}

/// A plan of which the artifact shows a reader every word, however it is written.
const PLAN: &str = "Chọn năm âm tiết mở đầu, then weigh the quiet second line against tidal imagery; \
                    afterwards close on luminous understatement; finally count syllables twice, and \
                    discard adjectives that merely decorate every short-lived line. Die Größe der \
                    Straße zählt, und das Œuvre in voller Länge; проверить ударения в каждой строке.";

/// Returns a text with `mark` between any two letters that follow each other.
fn between_letters(text: &str, mark: &str) -> String {
    let mut marked = String::new();
    for c in text.chars() {
        if c.is_alphabetic() && marked.ends_with(char::is_alphabetic) {
            marked.push_str(mark);
        }
        marked.push(c);
    }
    marked
}

/// Returns a text in letters of mathematics, circles or full width, whose `A` and `a` are these.
fn styled(text: &str, upper: u32, lower: u32) -> String {
    let letter = |c: char| match c {
        'A'..='Z' => char::from_u32(upper + u32::from(c) - u32::from('A')),
        'a'..='z' => char::from_u32(lower + u32::from(c) - u32::from('a')),
        _ => None,
    };
    text.chars().map(|c| letter(c).unwrap_or(c)).collect()
}

/// Returns a text in which every character that is not ASCII, and every third letter, is a
/// reference.
fn referred(text: &str, written: impl Fn(u32) -> String) -> String {
    let chars = text.chars().enumerate();
    let refer = |(n, c): (usize, char)| match !c.is_ascii() || (c.is_alphabetic() && n % 3 == 0) {
        true => written(u32::from(c)),
        false => c.to_string(),
    };
    chars.map(refer).collect()
}

#[test]
fn a_plan_is_seen_however_it_is_written() {
    let normal =
        |text: &str| icu_normalizer::DecomposingNormalizer::new_nfd().normalize(text).into_owned();
    let swap = |text: &str, pairs: &[(char, char)]| -> String {
        let swapped = |c| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
        text.chars().map(swapped).collect()
    };
    let mut written: Vec<(String, String)> = [
        ("soft hyphens", "\u{ad}"),
        ("zero-width spaces", "\u{200b}"),
        ("zero-width non-joiners", "\u{200c}"),
        ("word joiners", "\u{2060}"),
        ("byte order marks", "\u{feff}"),
        ("tag characters", "\u{e0041}"),
        ("variation selectors", "\u{fe0f}"),
        ("Hangul fillers", "\u{3164}"),
        ("grapheme joiners", "\u{34f}"),
        ("directional marks", "\u{202c}"),
        ("null characters", "\u{0}"),
        ("low lines", "\u{332}"),
        ("strokes", "\u{336}"),
        ("references to soft hyphens", "&shy;"),
        ("references by number", "&#8203;"),
        ("references within references", "&amp;#x200b;"),
        ("escapes", "\\u00ad"),
        ("empty tags", "<b></b>"),
        ("breaks within words", "<wbr>"),
        ("comments", "<!-- - -->"),
        ("emphasis", "**"),
        ("hyphens", "-"),
        ("hyphens at the ends of lines", "-\n  "),
    ]
    .iter()
    .map(|(about, mark)| ((*about).to_owned(), between_letters(PLAN, mark)))
    .collect();
    let mut add = |about: &str, text: String| written.push((about.to_owned(), text));
    add("as it is", PLAN.to_owned());
    add("accents as marks of their own", normal(PLAN));
    add("in capitals", PLAN.to_uppercase());
    add("full width", styled(PLAN, 0xff21, 0xff41));
    add("mathematical bold", styled(PLAN, 0x1_d400, 0x1_d41a));
    add("circled", styled(PLAN, 0x24b6, 0x24d0));
    add("monospace", styled(PLAN, 0x1_d670, 0x1_d68a));
    add(
        "Cyrillic letters",
        swap(PLAN, &[('a', 'а'), ('e', 'е'), ('o', 'о'), ('c', 'с'), ('p', 'р')]),
    );
    add("decimal references", referred(PLAN, |code| format!("&#{code};")));
    add("hexadecimal references", referred(PLAN, |code| format!("&#x{code:X};")));
    add("escapes of each letter", referred(PLAN, |code| format!("\\u{code:04x}")));
    add("a word a cell", format!("<tr><td>{}</td></tr>", PLAN.replace(' ', "</td><td>")));
    add("a word a line", PLAN.replace(' ', "<br>"));
    add("in a comment", format!("<!-- {PLAN} -->"));
    add("in an attribute", format!("<img alt=\"{PLAN}\">"));
    add("a JSON string of short lines", PLAN.replace(' ', "\\n"));
    add("no-break spaces", PLAN.replace(' ', "&nbsp;"));
    for (about, text) in written {
        let certificate = certify_orchestration(&planned("", PLAN, &above(&text)), &kinship());
        let claim = &certificate.claims.plan_leak;
        assert_eq!(claim.result, Fail, "{about}: {}\n{text}", claim.because);
        assert!(!certificate.independence_certified(), "{about}");
        // A plan that is written so itself is the same plan.
        let certificate = certify_orchestration(&planned("", &text, &above(PLAN)), &kinship());
        assert_eq!(certificate.claims.plan_leak.result, Fail, "the plan, {about}");
    }
}

/// Checks plans in other alphabets, whose capitals may look like Latin letters although their small
/// letters do not.
#[test]
fn a_plan_in_capitals_is_seen_in_every_alphabet() {
    for plan in [
        "Сначала проверь ввод, потом напиши функцию, которая считает среднее, и испытай её.",
        "Πρώτα έλεγξε τις εισόδους, μετά γράψε τη συνάρτηση και στο τέλος δοκίμασέ την.",
        "Zuerst die Straße, große Maße, süße Füße, weiße Grüße, und am Schluß Spaß.",
        "İlk iş ışığı açmak, sonra iğneyi ip ile iliştir ve işi bitir.",
    ] {
        let evidence = planned("", plan, &above(&plan.to_uppercase()));
        let claim = certify_orchestration(&evidence, &kinship()).claims.plan_leak;
        assert_eq!(claim.result, Fail, "{}\n{plan}", claim.because);
    }
}
