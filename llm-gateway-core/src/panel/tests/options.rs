//! Tests of the ways in which models answer a multiple-choice question.

use super::agrees;
use crate::policy::Agree::NormalizedExact;

/// Ways of writing option B. The first group names the option by a capital, or marks it; the second
/// by a small letter that nothing marks; the third says more than the option, or quotes it.
const WAYS: [(&str, usize); 22] = [
    ("B", 1),
    ("**B**", 1),
    ("*B*", 1),
    ("B.", 1),
    ("(B)", 1),
    ("B)", 1),
    ("(b)", 1),
    ("b)", 1),
    ("Option B", 1),
    ("Answer: B", 1),
    ("**Answer: B**", 1),
    ("**Answer:** B", 1),
    ("Final answer: B", 1),
    ("The answer is B.", 1),
    ("The correct answer is (B).", 1),
    ("\\boxed{B}", 1),
    ("Answer: b", 2),
    ("b", 2),
    ("`B`", 3),
    ("\"B\"", 3),
    ("B) Paris", 3),
    ("B: the second", 3),
];

#[test]
fn ways_to_name_an_option_agree() {
    let (mut agreeing, mut pairs) = (0, 0);
    for (index, (one, group)) in WAYS.iter().enumerate() {
        for (other, other_group) in WAYS.iter().skip(index + 1) {
            pairs += 1;
            let agree = agrees(one, other, NormalizedExact);
            agreeing += usize::from(agree);
            let must = (*group, *other_group) == (1, 1);
            assert!(agree || !must, "{one} and {other}");
            assert!(!agree || (*group < 3 && *other_group < 3), "{one} and {other}");
        }
    }
    assert_eq!((agreeing, pairs), (133, 231), "pairs of ways that agree");
}
