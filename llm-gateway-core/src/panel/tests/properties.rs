//! Tests of properties that any two answers have.

use proptest::prelude::{Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::{Index, select};

use super::corpus::all_answers;
use super::{agrees, outcome};
use crate::panel::agreement::Consensus;
use crate::panel::form::Form;
use crate::panel::likeness::Likeness;
use crate::policy::Agree::{self, ByValue, NormalizedExact};

/// Checks each pair of the corpus in both ways of comparing: the likeness does not depend on the
/// order, and no answer is the same as two answers that differ.
#[test]
fn likeness_is_symmetric_and_ties_no_two_answers_that_differ() {
    let answers = all_answers();
    let forms: Vec<Form> = answers.iter().map(|answer| Form::of(answer)).collect();
    for agree in [NormalizedExact, ByValue] {
        for (one, text) in forms.iter().zip(&answers) {
            let mut same = Vec::new();
            for (other, other_text) in forms.iter().zip(&answers) {
                let likeness = one.likeness(other, agree);
                assert_eq!(likeness, other.likeness(one, agree), "{text:?} and {other_text:?}");
                if likeness == Likeness::Same {
                    same.push((other, other_text));
                }
            }
            let is_read = *one != Form::Unreadable;
            assert_eq!(is_read, same.iter().any(|(_, same)| *same == text), "{text:?}");
            for (one, one_text) in &same {
                for (other, other_text) in &same {
                    let tied = one.likeness(other, agree);
                    assert_ne!(
                        tied,
                        Likeness::Different,
                        "{one_text:?} and {other_text:?} by {text:?}"
                    );
                }
            }
        }
    }
}

/// Returns any answer of the corpus.
fn corpus() -> impl Strategy<Value = String> {
    select(all_answers())
}

/// Returns a letter or a digit of several scripts.
fn sign() -> impl Strategy<Value = char> {
    let signs = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789éßøñжшλω京はกא٣०".chars();
    select(signs.collect::<Vec<_>>())
}

/// Returns a short answer without emphasis.
fn short() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z]",
        "(yes|no|Yes|No|YES|NO)",
        "-?[0-9]{1,20}",
        "-?[0-9]{1,9}\\.[0-9]{1,9}",
        "[1-9][0-9]{0,2}(,[0-9]{3}){1,3}",
    ]
}

fn ways() -> impl Strategy<Value = Agree> {
    select(vec![NormalizedExact, ByValue])
}

proptest! {
    /// Checks that a changed letter or digit makes another answer, unless the value stays the same:
    /// the letter before an exponent of zero, in place of a zero at the end of a fraction.
    #[test]
    fn another_letter_or_digit_never_agrees(
        text in corpus(), at in any::<Index>(), sign in sign(), agree in ways(),
    ) {
        let places: Vec<(usize, char)> =
            text.char_indices().filter(|(_, c)| c.is_alphanumeric()).collect();
        if !places.is_empty() {
            let (place, old) = *at.get(&places);
            let is_other = !old.to_lowercase().eq(sign.to_lowercase());
            let mut changed = text.clone();
            changed.replace_range(place..place + old.len_utf8(), &sign.to_string());
            let may_keep_value = matches!(agree, ByValue) && sign == 'e' && old == '0';
            let may_agree = !is_other || may_keep_value;
            prop_assert!(may_agree || !agrees(&text, &changed, agree), "{text:?} {changed:?}");
        }
    }

    /// Checks that an added letter or digit makes another answer, unless the value stays the same:
    /// a zero at the end of a fraction, or the letter before an exponent of zero.
    #[test]
    fn one_letter_or_digit_more_never_agrees(
        text in corpus(), at in any::<Index>(), sign in sign(),
    ) {
        let places: Vec<usize> =
            text.char_indices().map(|(place, _)| place).chain([text.len()]).collect();
        let mut longer = text.clone();
        longer.insert(*at.get(&places), sign);
        prop_assert!(!agrees(&text, &longer, NormalizedExact), "{text:?} {longer:?}");
        let may_keep_value = matches!(sign, '0' | 'e');
        prop_assert!(may_keep_value || !agrees(&text, &longer, ByValue), "{text:?} {longer:?}");
    }

    /// Checks that emphasis, space around an answer and a closing full stop do not make another
    /// answer.
    #[test]
    fn dress_is_no_part_of_a_short_answer(
        short in short(),
        mark in select(vec!["", "*", "**", "***", "_", "__"]),
        stop in select(vec!["", "."]),
        inner_stop in select(vec!["", "."]),
        space in select(vec!["", " ", "\n", "  \t"]),
        lead_in in select(vec!["", "Answer: ", "The answer is ", "**Answer:** "]),
        agree in ways(),
    ) {
        let stop = if inner_stop.is_empty() { stop } else { "" };
        let dressed = format!("{space}{lead_in}{mark}{short}{inner_stop}{mark}{stop}{space}");
        prop_assert!(agrees(&short, &dressed, agree), "{short:?} {dressed:?}");
    }

    /// Checks that any text agrees with itself, or is not compared.
    #[test]
    fn a_text_never_differs_from_itself(text in "\\PC{0,40}", agree in ways()) {
        prop_assert!(outcome(&text, &text, agree) != Consensus::NoConsensus);
    }

    /// Checks that code and quotations agree to the byte, and with nothing else.
    #[test]
    fn code_agrees_to_the_byte(
        one in "[a-c *_.'\"]{1,3}", other in "[a-c *_.'\"]{1,3}", agree in ways(),
    ) {
        let code = |text: &str| format!("`{text}`");
        prop_assert!(agrees(&code(&one), &code(&other), agree) == (one == other));
        prop_assert!(!agrees(&code(&one), &one, agree));
    }

    /// Checks that numbers agree by value exactly if their digits do, without the zeros that end a
    /// fraction.
    #[test]
    fn numbers_agree_by_value(whole in 1_000..100_000_u32, fraction in "[0-9]{1,6}", zeros in 0..5_usize) {
        let number = format!("{whole}.{fraction}");
        let longer = format!("{number}{}", "0".repeat(zeros));
        prop_assert!(agrees(&number, &longer, ByValue));
        prop_assert!(agrees(&number, &longer, NormalizedExact) == (zeros == 0));
        let more = number.clone() + "1";
        prop_assert!(!agrees(&number, &more, ByValue));
    }
}
