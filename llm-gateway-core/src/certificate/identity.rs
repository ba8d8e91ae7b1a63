//! Who answered: whether models, their developers and their families are pairwise distinct.
//!
//! The claims are nested. Two names of one model have one developer and one family, whatever
//! the rows say; a model that no row knows leaves all three open.

use super::answers::AnsweredCall;
use super::claims::{Claim, ClaimResult};
use super::kind::Speaker;
use super::lineage::{Kinship, Lineage};

/// The claims about identity.
pub(super) struct Identity {
    pub(super) model: Claim,
    pub(super) vendor: Claim,
    pub(super) lineage: Claim,
}

/// Who a model is, as far as its response tells.
pub(super) struct NamedModel<'a> {
    speaker: Speaker,
    id: &'a str,
    /// Whether the id is the declared one because the response names none.
    as_declared: bool,
    lineage: Option<&'a Lineage>,
}

impl NamedModel<'_> {
    pub(super) fn canonical(&self) -> &str {
        self.lineage.map_or(self.id, |lineage| &lineage.canonical)
    }
}

/// How two models stand to each other.
pub(super) enum Relation {
    Distinct,
    Same(String),
    Unknown(String),
}

type Compare = fn(&NamedModel<'_>, &NamedModel<'_>) -> Relation;

/// The claims about those who answered.
pub(super) fn identity(answers: &[AnsweredCall<'_>], kinship: &Kinship) -> Identity {
    let mut named = Vec::new();
    let mut gaps = Vec::new();
    for answer in answers {
        match (name(answer, kinship), answer.record.gap(answer.speaker)) {
            (Some(name), _) => named.push(name),
            (None, gap) => gaps.extend(gap),
        }
    }
    let claim = |compare: Compare, describe: fn(&NamedModel<'_>) -> String| {
        if answers.len() < 2 {
            let because = format!("{} answered: there is no pair to compare", answers.len());
            return Claim::new(ClaimResult::NotApplicable, because);
        }
        distinct(&named, &gaps, compare, describe)
    };
    Identity {
        model: claim(same_model, |member| member.canonical().to_owned()),
        vendor: claim(same_vendor, |member| {
            member.lineage.and_then(|lineage| lineage.developer.clone()).unwrap_or_default()
        }),
        lineage: claim(same_lineage, |member| {
            member.lineage.map(|known| families(known.families.iter())).unwrap_or_default()
        }),
    }
}

/// Who gave the answer; `None` where no response tells.
pub(super) fn name<'a>(
    answer: &'a AnsweredCall<'_>,
    kinship: &'a Kinship,
) -> Option<NamedModel<'a>> {
    let id = answer.id()?;
    Some(NamedModel {
        speaker: answer.speaker,
        id,
        as_declared: answer.facts().is_some_and(|facts| facts.model.is_none()),
        lineage: kinship.find(answer.provider, id),
    })
}

/// Fails for one pair that is known to be the same, is unknown for one that is not known.
fn distinct(
    named: &[NamedModel<'_>],
    gaps: &[String],
    compare: Compare,
    describe: fn(&NamedModel<'_>) -> String,
) -> Claim {
    let mut against = Vec::new();
    let mut open = gaps.to_vec();
    for (n, a) in named.iter().enumerate() {
        for b in named.iter().skip(n + 1) {
            let pair = format!("members {} and {}", a.speaker.position(), b.speaker.position());
            match compare(a, b) {
                Relation::Distinct => {}
                Relation::Same(why) => against.push(format!("{pair} {why}")),
                Relation::Unknown(why) if open.contains(&why) => {}
                Relation::Unknown(why) => open.push(why),
            }
        }
    }
    let seen = |member: &NamedModel<'_>| format!("{} {}", member.speaker, describe(member));
    let seen: Vec<String> = named.iter().map(seen).collect();
    let mut claim = Claim::weigh(&against, &open, seen.join(", "));
    claim.because.extend(named.iter().filter_map(declared));
    claim
}

/// What is added to a claim where a model is only the declared one.
pub(super) fn declared(named: &NamedModel<'_>) -> Option<String> {
    let NamedModel { speaker, id, as_declared, .. } = named;
    let says = || format!("; {speaker} is {id} as declared: its response names no model");
    as_declared.then(says)
}

/// How far two models are from each other: what they share, from the model down to a family,
/// else what is not known of them.
pub(super) fn relation(a: &NamedModel<'_>, b: &NamedModel<'_>) -> Relation {
    let relations = [same_model(a, b), same_vendor(a, b), same_lineage(a, b)];
    let mut unknown = Relation::Distinct;
    for relation in relations {
        match relation {
            Relation::Same(_) => return relation,
            Relation::Unknown(_) if matches!(unknown, Relation::Distinct) => unknown = relation,
            Relation::Unknown(_) | Relation::Distinct => {}
        }
    }
    unknown
}

fn unknown_model(member: &NamedModel<'_>) -> String {
    let NamedModel { speaker, id, .. } = member;
    match member.lineage {
        None => format!("nothing is known of {speaker}'s model {id}"),
        Some(_) => {
            format!("neither developer nor lineage is declared of {speaker}'s model {id}")
        }
    }
}

fn same_model(a: &NamedModel<'_>, b: &NamedModel<'_>) -> Relation {
    // One id is one model, even where no row knows it.
    if a.canonical() == b.canonical() || a.id == b.id {
        return Relation::Same(format!("are {} ({}, {})", a.canonical(), a.id, b.id));
    }
    // A row that says nothing but a price may be the other model under another name.
    let says_who = |member: &NamedModel<'_>| {
        member
            .lineage
            .is_some_and(|lineage| lineage.developer.is_some() || !lineage.families.is_empty())
    };
    match (says_who(a), says_who(b)) {
        (true, true) => same_under_a_name_that_moves(a, b),
        (false, _) => Relation::Unknown(unknown_model(a)),
        (_, false) => Relation::Unknown(unknown_model(b)),
    }
}

/// A name that moves may be the other model today, unless that is of another house.
fn same_under_a_name_that_moves(a: &NamedModel<'_>, b: &NamedModel<'_>) -> Relation {
    let are_strangers = a.lineage.zip(b.lineage).is_some_and(|(a, b)| a.is_stranger_to(b));
    let moving =
        [a, b].into_iter().find(|member| member.lineage.is_some_and(|lineage| lineage.moves));
    match moving {
        Some(NamedModel { speaker, id, .. }) if !are_strangers => Relation::Unknown(format!(
            "{speaker}'s model {id} is a name that moves from model to model"
        )),
        _ => Relation::Distinct,
    }
}

/// Decides what the models' ids decide, and hands on the rows of two models that are not known to
/// be one: what those share they share whatever the models are.
fn beyond_model(
    a: &NamedModel<'_>,
    b: &NamedModel<'_>,
    compare: impl FnOnce(&Lineage, &Lineage) -> Relation,
) -> Relation {
    match (same_model(a, b), a.lineage, b.lineage) {
        (Relation::Distinct, Some(first), Some(second)) => compare(first, second),
        (unknown @ Relation::Unknown(_), Some(first), Some(second)) => {
            match compare(first, second) {
                same @ Relation::Same(_) => same,
                _ => unknown,
            }
        }
        (decided, _, _) => decided,
    }
}

fn same_vendor(a: &NamedModel<'_>, b: &NamedModel<'_>) -> Relation {
    let unknown = |member: &NamedModel<'_>| {
        let NamedModel { speaker, id, .. } = member;
        Relation::Unknown(format!("who made {speaker}'s model {id} is not known"))
    };
    beyond_model(a, b, |first, second| match (&first.developer, &second.developer) {
        (None, _) => unknown(a),
        (_, None) => unknown(b),
        (Some(x), Some(y)) if x == y => {
            Relation::Same(format!("are both of {x} ({}, {})", a.id, b.id))
        }
        _ => Relation::Distinct,
    })
}

fn same_lineage(a: &NamedModel<'_>, b: &NamedModel<'_>) -> Relation {
    let unknown = |member: &NamedModel<'_>| {
        let NamedModel { speaker, id, .. } = member;
        Relation::Unknown(format!("what {speaker}'s model {id} descends from is not known"))
    };
    beyond_model(a, b, |first, second| {
        let shared = families(first.families.intersection(&second.families));
        match (first.families.is_empty(), second.families.is_empty()) {
            (true, _) => unknown(a),
            (_, true) => unknown(b),
            _ if shared.is_empty() => Relation::Distinct,
            _ => Relation::Same(format!("both descend from {shared} ({}, {})", a.id, b.id)),
        }
    })
}

fn families<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join("+")
}
