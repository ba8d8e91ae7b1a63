//! Decides whether the models that answered, their developers and their families are distinct.
//!
//! The claims are nested: two names of one model have one developer and one family, whatever the
//! rows say. A model that no row knows leaves all three claims unknown, and so do two names that
//! differ only in what hosts add to a name.
//!
//! The requested id helps to read the id that a response names: the same name with a date or in a
//! host's form is the model that was requested. The reason of a claim says where this was decisive.

use super::answers::AnsweredCall;
use super::claims::{Claim, ClaimResult};
use super::kind::Speaker;
use super::lineage::{Kinship, Lineage};
use super::readers::{self, Intermediary};
use crate::model::naming::{self, BareName, NameMatch};

/// The claims that the models that answered, their developers and their families are distinct.
pub(super) struct Identity {
    pub(super) model: Claim,
    pub(super) vendor: Claim,
    pub(super) lineage: Claim,
}

/// A model that answered, as far as its response identifies it.
pub(super) struct NamedModel<'a> {
    speaker: Speaker,
    id: &'a str,
    /// The source of the model's id.
    source: IdSource<'a>,
    lineage: Option<&'a Lineage>,
    /// The answered and the canonical id without everything that hosts add.
    bare: [BareName; 2],
    /// The name that the policy gives the provider.
    provider: &'a str,
    /// The headers in which proxies name what they asked.
    between: Intermediary<'a>,
    /// The reason why another model may have answered under this name; `None` if there is none.
    doubt: Option<String>,
}

/// The source of the id of a model that answered.
enum IdSource<'a> {
    /// The response names the model, by a name that a row has or of which nothing is known.
    Answered,
    /// The response names no model, so it counts as the requested one.
    Declared,
    /// The response names the requested model in another form.
    Read { requested: &'a str, reading: NameMatch },
}

impl NamedModel<'_> {
    /// Returns the model's canonical id.
    pub(super) fn canonical(&self) -> &str {
        canonical(self.id, &self.source, self.lineage)
    }

    /// Returns whether a row states the model's developer or its families.
    fn has_origin(&self) -> bool {
        self.lineage.is_some_and(Lineage::has_origin)
    }
}

/// Returns a model's canonical id. If no row of the lineage data has it, returns the requested id
/// that the response names in another form, else the model's id itself.
fn canonical<'a>(id: &'a str, source: &IdSource<'a>, lineage: Option<&'a Lineage>) -> &'a str {
    let id = match source {
        IdSource::Read { requested, .. } => requested,
        IdSource::Answered | IdSource::Declared => id,
    };
    lineage.map_or(id, |lineage| &lineage.canonical)
}

/// The relation of two models: distinct, the same in some respect, or unknown.
pub(super) enum Relation {
    /// The models are distinct in the respect that is compared.
    Distinct,
    /// The models are the same, or share a developer or family; the text says what.
    Same(String),
    /// Whether the models are related is not known; the text says why.
    Unknown(String),
}

type Compare = fn(&NamedModel<'_>, &NamedModel<'_>) -> Relation;

/// Decides the claims about the identity of the models that answered.
pub(super) fn identity(answers: &[AnsweredCall<'_>], kinship: &Kinship) -> Identity {
    let mut named = Vec::new();
    let mut gaps = Vec::new();
    for answer in answers {
        match (named_model(answer, kinship), answer.record.gap(answer.speaker)) {
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
    let noted = |mut claim: Claim| {
        claim.because.extend(answers.iter().filter_map(base_url_note));
        claim
    };
    Identity {
        model: noted(claim(same_model, |member| member.canonical().to_owned())),
        vendor: noted(claim(same_vendor, |member| {
            member.lineage.and_then(|lineage| lineage.developer.clone()).unwrap_or_default()
        })),
        lineage: claim(same_lineage, |member| {
            member.lineage.map(|known| families(known.families.iter())).unwrap_or_default()
        }),
    }
}

/// Returns the model that answered a call; `None` if no response of the call was read, or if the
/// response names several models.
pub(super) fn named_model<'a>(
    answer: &'a AnsweredCall<'_>,
    kinship: &'a Kinship,
) -> Option<NamedModel<'a>> {
    let id = one_name(answer, kinship)?;
    let AnsweredCall { speaker, provider, declared: requested, .. } = *answer;
    let is_declared = answer.facts().is_some_and(|facts| facts.model.is_none());
    let (lineage, reading) = kinship.read(provider, requested, id);
    let source = match reading {
        _ if is_declared => IdSource::Declared,
        Some(reading) => IdSource::Read { requested, reading },
        None => IdSource::Answered,
    };
    let headers = answer.facts().map_or(&[][..], |facts| &facts.routing_headers);
    let between = Intermediary::of(headers);
    let is_requested = is_declared || naming::read_as(requested, id).is_some();
    let doubt = is_requested.then(|| doubt(speaker, requested, &between)).flatten();
    let canonical = canonical(id, &source, lineage);
    let bare = [BareName::of(id), BareName::of(canonical)];
    Some(NamedModel { speaker, id, source, lineage, bare, provider, between, doubt })
}

/// Returns the name of the model that answered. A response may give one model several names, such
/// as an id in its first event and an alias in the next; the first name then counts.
fn one_name<'a>(answer: &'a AnsweredCall<'_>, kinship: &Kinship) -> Option<&'a str> {
    let names = answer.names();
    let (first, others) = names.split_first()?;
    let canonical = |name: &str| kinship.find(answer.provider, name).map(|it| &it.canonical);
    let is_requested = |name: &str| naming::read_as(answer.declared, name).is_some();
    let is_first = |name: &&str| {
        let by_rows =
            canonical(first).zip(canonical(name)).is_some_and(|(one, other)| one == other);
        by_rows || is_requested(first) && is_requested(name)
    };
    others.iter().all(is_first).then_some(*first)
}

/// Returns the reason why another model than the requested one may have answered under its name,
/// according to the headers of proxies.
fn doubt(speaker: Speaker, requested: &str, between: &Intermediary<'_>) -> Option<String> {
    let is_other = |(_, model): &(&str, &str)| !naming::may_be_one(requested, model);
    let other_model = || between.models.iter().copied().find(is_other);
    let (header, value) = between.fallback.or_else(other_model)?;
    Some(format!("a proxy may have answered for {speaker} by another model ({header}: {value})"))
}

/// Decides one claim about distinctness by comparing all pairs of models. The claim fails if one
/// pair is known to be the same, and stays unknown if one pair cannot be compared.
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
    claim.because.extend(named.iter().filter_map(source_note));
    claim
}

/// Returns the note in a claim's reason about the source of a model's id, if the response does not
/// simply name the model.
pub(super) fn source_note(named: &NamedModel<'_>) -> Option<String> {
    let NamedModel { speaker, id, source, .. } = named;
    match source {
        IdSource::Answered => None,
        IdSource::Declared => {
            Some(format!("; {speaker} is {id} as declared: its response names no model"))
        }
        IdSource::Read { requested, reading } => {
            let added = match reading {
                NameMatch::Dated => "its date or version",
                NameMatch::Same | NameMatch::Hosted => "what hosts add to a name",
            };
            Some(format!("; {speaker} answered as {id}, the requested {requested} with {added}"))
        }
    }
}

/// Returns the note in a claim's reason about a base URL that a variable sets. Somebody else's
/// server may answer there, and a client may hand such a variable down without its user knowing.
fn base_url_note(answer: &AnsweredCall<'_>) -> Option<String> {
    let variable = answer.base_url_variable?;
    Some(format!("; {} answered at the base URL of {variable}", answer.speaker))
}

/// Returns the closest relation of two models: what they share, comparing the models, then their
/// developers, then their families. If they share nothing, returns what is unknown about them.
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

/// Compares whether two models are the same, by their ids and lineages.
fn same_model(a: &NamedModel<'_>, b: &NamedModel<'_>) -> Relation {
    let is_one =
        |one: &str, other: &str| readers::is_one_deployment(one, other, a.provider == b.provider);
    let is_shared = |one: &&&str| b.between.deployments.iter().any(|other| is_one(one, other));
    if let Some(deployment) = a.between.deployments.iter().find(is_shared) {
        return Relation::Same(format!("are one deployment, {deployment} ({}, {})", a.id, b.id));
    }
    if let Some(doubt) = a.doubt.as_ref().or(b.doubt.as_ref()) {
        return Relation::Unknown(doubt.clone());
    }
    // One id is one model, even if no row knows it.
    if a.canonical() == b.canonical() || a.id == b.id {
        return Relation::Same(format!("are {} ({}, {})", a.canonical(), a.id, b.id));
    }
    // Hosts write one model's name in many ways, and no row says that these are two models.
    let may_be_one = a.bare.iter().any(|one| b.bare.iter().any(|other| one.may_be(other)));
    if may_be_one {
        return Relation::Unknown(format!(
            "{} and {} may be one model, {} and {}, as hosts write names",
            a.speaker, b.speaker, a.id, b.id
        ));
    }
    // A row that has no more than a price may be the other model under another name.
    match (a.has_origin(), b.has_origin()) {
        (true, true) => same_under_a_name_that_moves(a, b),
        (false, _) => Relation::Unknown(unknown_model(a)),
        (_, false) => Relation::Unknown(unknown_model(b)),
    }
}

/// Compares two models of which one may have a name that moves: that name may mean the other model
/// now, unless developers or families show that the two are different.
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

/// Compares two models by their ids and, where these do not decide, by `compare` of their lineages.
/// A developer or family in common counts even if it is unknown whether the models are the same.
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

/// Compares the developers of two models.
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

/// Compares the families that two models descend from.
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
