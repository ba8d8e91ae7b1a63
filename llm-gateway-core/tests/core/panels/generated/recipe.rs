//! Creates generated panels, and makes them dirty.

use test_support::Wire;

/// A seeded source of choices: SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| self.one_of(&['0', '1', '4', '7', 'a', 'c', 'e', 'f'])).collect()
    }
}

/// A member of a generated panel, and what its server answers.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) wire: Wire,
    /// The id that is requested.
    pub(super) model: String,
    pub(super) developer: String,
    pub(super) family: String,
    /// The id that the response names; `None` if it names none.
    pub(super) answers_as: Option<String>,
    pub(super) response_id: String,
    pub(super) text: String,
    pub(super) headers: Vec<(&'static str, String)>,
    /// The statuses of the attempts that fail before the answer.
    pub(super) fails_with: Vec<u16>,
    /// The addition of a faulty adapter to the member's requests, if it has one.
    pub(super) leak: Option<Leak>,
}

/// The fault of an adapter of OpenAI's format.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Leak {
    Question,
    System,
    Turn,
    Metadata,
    Header,
    Query,
    StoredState,
    Invisible,
    Retry,
}

const NAMES: &[&str] = &[
    "aurora", "boreal", "cirrus", "dune", "ember", "fjord", "garnet", "harbor", "iris", "juniper",
    "karst", "lumen", "meadow", "nimbus", "onyx", "prairie",
];
const ENDINGS: &[&str] = &["", "-1", "-2.5-pro", "-mini", "-70b", "-r1-distill", "-4o", "-turbo"];
const DATES: &[&str] =
    &["-2026-08-01", "-20260801", "-0613", "-2411", "-08-2025", "-05-06", "-001"];
const TEXTS: &[&str] = &["B", "yes", "42", "The second option.", "{\"answer\": 3}", "ja"];

/// Headers that clean servers and proxies send.
const HARMLESS: &[(&str, &str)] = &[
    ("x-request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
    ("cf-cache-status", "DYNAMIC"),
    ("x-cache", "Miss from cloudfront"),
    ("cache-control", "no-store"),
    ("cache-tag", "cached,hit"),
    ("x-cache-key", "/hit/v1"),
    ("age", "0"),
    ("cache-status", "edge; fwd=miss; detail=\"no hit\""),
    ("x-litellm-attempted-fallbacks", "0"),
    ("x-litellm-attempted-retries", "2"),
    ("x-portkey-last-used-option-index", "config.targets[0]"),
    ("x-portkey-cache-status", "MISS"),
    ("fireworks-cached-prompt-tokens", "12"),
    ("server-timing", "total; dur=31"),
    ("x-litellm-cache-hit", "False"),
];

/// Headers of answers that came from a cache.
const CACHED: &[(&str, &str)] = &[
    ("x-cache", "HIT"),
    ("x-cache", "TCP_REFRESH_UNMODIFIED"),
    ("age", "31"),
    ("cache-status", "edge; fwd=uri-miss; collapsed"),
    ("cache-status", "edge; fwd=stale; fwd-status=304"),
    ("cf-aig-cache-status", "HIT"),
    ("helicone-cache", "HIT"),
    ("x-portkey-cache-status", "SEMANTIC HIT"),
    ("x-litellm-cache-key", "5d41402abc4b2a76"),
    ("x-varnish", "32770 3"),
];

/// Headers of answers by another model than the one that was asked for.
const REROUTED: &[(&str, &str)] = &[
    ("x-litellm-attempted-fallbacks", "1"),
    ("x-portkey-last-used-option-index", "config.targets[2]"),
    ("helicone-fallback-index", "1"),
    ("cf-aig-step", "1"),
    ("ngrok-aig-model", "another-model"),
];

/// Returns a clean panel.
pub(super) fn clean(dice: &mut Dice) -> Vec<Member> {
    let start = dice.below(NAMES.len());
    (0..2 + dice.below(3)).map(|n| member(dice, NAMES[(start + n) % NAMES.len()])).collect()
}

fn member(dice: &mut Dice, name: &str) -> Member {
    let wire = dice.one_of(&[Wire::OpenAi, Wire::Anthropic, Wire::Gemini]);
    let model = format!("{name}{}", dice.one_of(ENDINGS));
    let answers_as = match dice.below(5) {
        0 => Some(format!("{model}{}", dice.one_of(DATES))),
        1 => Some(format!("{name}-labs/{}", model.to_uppercase())),
        2 => Some(format!("{model}:free")),
        3 => None,
        _ => Some(model.clone()),
    };
    let mut headers: Vec<_> = (0..dice.below(4)).map(|_| dice.one_of(HARMLESS)).collect();
    headers.dedup_by_key(|header| header.0);
    Member {
        wire,
        model,
        developer: format!("{name} labs"),
        family: name.to_owned(),
        answers_as,
        response_id: format!("resp_{}", dice.hex(20)),
        text: dice.one_of(TEXTS).to_owned(),
        headers: headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect(),
        fails_with: if dice.below(6) == 0 { vec![dice.one_of(&[503, 500, 529])] } else { vec![] },
        leak: None,
    }
}

/// Makes a clean panel dirty in one way. Returns a description, and the claim that must not pass.
pub(super) fn soil(dice: &mut Dice, members: &mut [Member]) -> (String, &'static str) {
    let at = dice.below(members.len());
    let other = (at + 1 + dice.below(members.len() - 1)) % members.len();
    let sibling = members[other].clone();
    let member = &mut members[at];
    let (what, claim) = match dice.below(12) {
        0 => {
            let (name, value) = dice.one_of(CACHED);
            member.headers.retain(|header| header.0 != name);
            member.headers.push((name, value.to_owned()));
            (format!("{name}: {value}"), "fresh")
        }
        1 => {
            (member.response_id, member.text) = (sibling.response_id, sibling.text);
            ("one response for two members".to_owned(), "fresh")
        }
        2 => {
            let (name, value) = dice.one_of(REROUTED);
            member.headers.retain(|header| header.0 != name);
            member.headers.push((name, value.to_owned()));
            member.answers_as = Some(member.model.clone());
            (format!("{name}: {value}"), "model_distinct")
        }
        3 => {
            let id = dice.hex(32);
            for member in [at, other] {
                members[member].headers.push(("x-litellm-model-id", id.clone()));
            }
            ("one deployment for two members".to_owned(), "model_distinct")
        }
        4 => {
            member.answers_as = Some(sibling.model);
            ("a sibling's model answered".to_owned(), "model_distinct")
        }
        5 => {
            member.answers_as = Some(format!("host/{}{}", sibling.model, dice.one_of(DATES)));
            ("a sibling's model answered under a host's name".to_owned(), "model_distinct")
        }
        6 => {
            member.answers_as = Some(format!("{}-other", member.model));
            ("a model that nobody knows answered".to_owned(), "model_distinct")
        }
        7 => {
            member.developer = sibling.developer.to_uppercase();
            ("one developer".to_owned(), "vendor_distinct")
        }
        8 => {
            member.family = sibling.family;
            ("one family".to_owned(), "lineage_distinct")
        }
        9 => {
            member.fails_with = vec![500; 9];
            ("a member that does not answer".to_owned(), "answered_quorum")
        }
        _ => {
            member.wire = Wire::OpenAi;
            let leak = dice.one_of(&[
                Leak::Question,
                Leak::System,
                Leak::Turn,
                Leak::Metadata,
                Leak::Header,
                Leak::Query,
                Leak::StoredState,
                Leak::Invisible,
                Leak::Retry,
            ]);
            member.fails_with = if leak == Leak::Retry { vec![503] } else { vec![] };
            member.leak = Some(leak);
            (format!("an adapter leaks by {leak:?}"), "context_blind")
        }
    };
    (what, claim)
}
