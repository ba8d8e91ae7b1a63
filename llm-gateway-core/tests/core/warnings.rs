//! Warnings about keys of a valid policy that cannot do what they were written for: each with its
//! line, once.

use llm_gateway_core::Environment;
use llm_gateway_core::config::PolicySource;

use crate::support::loaded_from;

/// A sound policy, below which a test writes what it expects a warning about.
const SOUND: &str = "defaults:\n  quick: {provider: openai, model: gpt-6-luna}\n";

/// Returns the problems of a sound policy with `more` from its third line on: line, message, hint.
fn said(more: &str) -> Vec<(u32, String, String)> {
    let source = PolicySource::Text(format!("{SOUND}{more}"));
    let problems = loaded_from(&source, Environment::empty()).problems;
    problems.into_iter().map(|it| (it.line, it.message, it.hint)).collect()
}

/// Returns the messages about two roles, all of them at the verifier's place.
fn said_of_roles(worker: &str, verifier: &str) -> Vec<String> {
    let more = format!(
        "providers:
  own:
    kind: openai
    base_url: http://127.0.0.1:1/v1
    models:
      gpt-6-luna: {{in: 0, out: 0, developer: OpenAI, lineage: [gpt]}}
      tuned: {{in: 0, out: 0, developer: me, lineage: [Llama, gpt]}}
      other: {{in: 0, out: 0, developer: me, lineage: [mine]}}
      dark: {{in: 0, out: 0}}
orchestration:
  roles:
    worker: {{{worker}}}
    verifier: {{{verifier}}}
"
    );
    let said = said(&more);
    assert!(said.iter().all(|(line, ..)| *line == 15), "{said:?}");
    said.into_iter().map(|(_, message, _)| message).collect()
}

#[test]
fn a_verifier_that_is_the_worker_by_another_name_or_of_its_house_is_a_warning() {
    let [luna, own] = ["provider: openai, model: ", "provider: own, model: "];
    let none: [&str; 0] = [];
    for (worker, verifier, shared) in [
        (format!("{luna}gpt-6-luna"), format!("{luna}gpt-6-luna"), "are both openai/gpt-6-luna"),
        (format!("{own}dark"), format!("{own}dark"), "are both own/dark"),
        (
            format!("{luna}gpt-6-luna"),
            format!("{own}gpt-6-luna"),
            "are one model (openai/gpt-6-luna, own/gpt-6-luna)",
        ),
        (format!("{own}tuned"), format!("{own}other"), "are both of me"),
        (format!("{own}tuned"), format!("{own}gpt-6-luna"), "both descend from gpt"),
    ] {
        let told = format!("worker and verifier {shared}, so no verdict is ever certified");
        assert_eq!(said_of_roles(&worker, &verifier), [told]);
    }
    // A task that nobody judges gets no warning.
    let claude = "provider: anthropic, model: claude-haiku-5-5";
    assert_eq!(said_of_roles(&format!("{luna}gpt-6-luna"), claude), none);
    let dark = "developer and lineage are not both declared of own/dark, so a verdict is certified \
                only if the answers name models that are known";
    assert_eq!(said_of_roles(claude, &format!("{own}dark")), [dark]);
    let luna = "{provider: openai, model: gpt-6-luna}";
    let unjudged = "depth: {trivial: {}}";
    let roles = format!("roles: {{worker: {luna}, verifier: {luna}}}");
    assert_eq!(said(&format!("orchestration: {{{roles}, {unjudged}}}\n")), []);
}

#[test]
fn a_part_of_a_class_that_is_missing_is_one_problem() {
    let luna = "{provider: openai, model: gpt-6-luna}";
    for (class, missing) in [
        (format!("cascade: {{gate: [{luna}, {luna}]}}"), "`cascade` has no `else`"),
        (format!("cascade: {{else: {luna}}}"), "`cascade` has no `gate`"),
        (format!("members: {luna}"), "`members` is a mapping, not a list (`- item` lines)"),
    ] {
        let said: Vec<_> = said(&format!("  torn: {{{class}}}\n"));
        let told: Vec<_> = said.iter().map(|(_, message, _)| message.as_str()).collect();
        assert_eq!(told, [missing], "{class}");
    }
}

#[test]
fn a_gate_that_is_never_certified_is_a_warning_with_the_keys_that_it_lacks() {
    let class = |gate: &str| {
        format!(
            "  torn: {{cascade: {{gate: [{gate}], else: {{provider: openai, model: gpt-6-luna}}}}}}
providers:
  own:
    kind: openai
    base_url: http://127.0.0.1:1/v1
    models:
      a: {{in: 0, out: 0}}
      b: {{in: 0, out: 0, developer: me}}
      c: {{in: 0, out: 0, lineage: [mine]}}
      gpt-6-luna: {{in: 0, out: 0}}
"
        )
    };
    let own = |id: &str| format!("{{provider: own, model: {id}}}");
    let said_of = |first: &str, second: &str| said(&class(&format!("{first}, {second}")));
    let unknown = "neither developer nor lineage is declared of own/a, so the gate of `torn` \
                   escalates unless the answers name models that are known";
    let hint = "add `developer` and `lineage` to its row under providers.own.models";
    let expected = [(3, unknown.to_owned(), hint.to_owned())];
    assert_eq!(said_of(&own("a"), &own("b")), expected);
    assert_eq!(said_of(&own("b"), &own("c")), []);
    let luna = "{provider: openai, model: gpt-6-luna}";
    let said = said_of(&own("gpt-6-luna"), luna);
    let one = "own/gpt-6-luna and openai/gpt-6-luna are one model, so the gate of `torn` is never \
               certified and always escalates";
    assert_eq!(said.first().map(|(_, message, _)| message.as_str()), Some(one), "{said:?}");
    assert!(said_of(&own("b"), &own("b")).iter().all(|it| !it.1.contains("escalates")));
}

/// Returns the warnings about a panel of these models under a visibility.
fn said_of_panel(members: &[&str], visibility: &str) -> Vec<String> {
    let member = |id: &&str| {
        let (provider, id) = id.split_once(": ").unwrap_or(("own", id));
        format!("{{provider: {provider}, model: \"{id}\"}}")
    };
    let members: Vec<_> = members.iter().map(member).collect();
    let more = format!(
        "  pair: {{members: [{}]}}
visibility: {{pair: {{mode: blind, {visibility}}}}}
providers:
  own:
    kind: openai
    base_url: http://127.0.0.1:1/v1
    models:
      alpha-1: {{in: 0, out: 0, developer: a, lineage: [x]}}
      host/Alpha-1: {{in: 0, out: 0, developer: a, lineage: [x]}}
      alpha-2: {{in: 0, out: 0, developer: a, lineage: [y]}}
      beta-1: {{in: 0, out: 0, developer: b, lineage: [x]}}
      gamma-1: {{in: 0, out: 0, developer: c, lineage: [z], aliases: [gamma]}}
      dark: {{in: 0, out: 0}}
      half: {{in: 0, out: 0, developer: h}}
      other-half: {{in: 0, out: 0, lineage: [h]}}
  else:
    kind: openai
    base_url: http://127.0.0.1:2/v1
    models:
      dark: {{in: 0, out: 0}}
      gamma: {{in: 0, out: 0, developer: d, lineage: [w]}}
",
        members.join(", ")
    );
    said(&more).into_iter().map(|(_, message, _)| message).collect()
}

#[test]
fn a_panel_that_can_never_be_certified_is_a_warning() {
    let never = |members: &[&str], visibility: &str| {
        let said = said_of_panel(members, visibility);
        assert!(said.len() <= 1, "{said:?}");
        said.into_iter().next().unwrap_or_default()
    };
    for (members, visibility, says) in [
        (&["gamma-1", "gamma"][..], "enforce: hard", "own/gamma-1 and own/gamma are one model, so"),
        (&["alpha-1", "host/Alpha-1"], "enforce: soft", "may be one model, as hosts write names"),
        (
            &["alpha-1", "alpha-2"],
            "require: vendor_distinct",
            "own/alpha-1 and own/alpha-2 are both of a, so `pair` never reaches vendor_distinct",
        ),
        (&["alpha-1", "beta-1"], "require: lineage_distinct", "both descend from x"),
        (&["alpha-1", "alpha-2"], "require: lineage_distinct", "are both of a"),
        // The quorum decides how many must differ.
        (&["alpha-1", "alpha-2", "beta-1"], "require: vendor_distinct, quorum: 3", "both of a"),
        (&["dark", "alpha-1"], "enforce: hard", "certified only if the answers name models"),
        (&["dark", "else: dark"], "enforce: hard", "certified only if the answers name models"),
        (&["half", "alpha-1"], "require: lineage_distinct", "not both declared of own/half, so"),
        (&["other-half", "half"], "require: vendor_distinct", "no developer is declared of own/o"),
        // One name means one model at every provider.
        (&["gamma-1", "else: gamma"], "enforce: hard", "own/gamma-1 and else/gamma are one model"),
    ] {
        let said = never(members, visibility);
        assert!(said.contains(says), "{members:?}: {said}");
    }
    for (members, visibility) in [
        (&["alpha-1", "alpha-2"][..], "require: model_distinct"),
        (&["alpha-1", "host/Alpha-1"], "require: context_blind"),
        (&["alpha-1", "alpha-2", "beta-1"], "require: vendor_distinct, quorum: 2"),
        (&["alpha-1", "host/Alpha-1", "gamma-1"], "require: lineage_distinct, quorum: 2"),
        (&["alpha-1", "gamma-1"], "require: lineage_distinct"),
        (&["half", "other-half"], "require: model_distinct"),
        (&["dark", "alpha-1"], "require: none"),
    ] {
        assert_eq!(never(members, visibility), "", "{members:?}");
    }
}

/// Checks that a panel of any size is reported if too many of its members are of one developer.
#[test]
fn a_large_panel_that_can_never_be_certified_is_a_warning() {
    let said_of = |members: usize, quorum: usize| {
        let row = |n: usize| {
            let developer = if n == 0 { "other" } else { "one" };
            format!("m{n}: {{in: 0, out: 0, developer: {developer}, lineage: [l{n}]}}")
        };
        let rows: Vec<_> = (0..members).map(row).collect();
        let members: Vec<_> =
            (0..members).map(|n| format!("{{provider: own, model: m{n}}}")).collect();
        said(&format!(
            "  many: {{members: [{}]}}
visibility: {{many: {{mode: blind, require: vendor_distinct, quorum: {quorum}}}}}
providers:
  own: {{kind: openai, base_url: \"http://127.0.0.1:1/v1\", models: {{{}}}}}
",
            members.join(", "),
            rows.join(", ")
        ))
    };
    for members in [3, 16, 17, 64] {
        assert_eq!(said_of(members, 2), [], "{members}");
        let said = said_of(members, 3);
        assert!(
            said.len() == 1 && said[0].1.contains("are both of one, so `many` never"),
            "{said:?}"
        );
    }
}

#[test]
fn a_gate_of_one_model_under_two_names_is_a_warning() {
    let gate = "[{provider: openai, model: gpt-6-luna}, {provider: own, model: openai/gpt-6-luna}]";
    let more = format!(
        "  torn: {{cascade: {{gate: {gate}, else: {{provider: anthropic, model: claude-opus-5-5}}}}}}
providers:
  own:
    kind: openai
    base_url: http://127.0.0.1:1/v1
    models: {{openai/gpt-6-luna: {{in: 0, out: 0, developer: openai, lineage: [gpt]}}}}
"
    );
    let told = "openai/gpt-6-luna and own/openai/gpt-6-luna may be one model, as hosts write \
                names, so the gate of `torn` is never certified and always escalates";
    assert_eq!(said(&more).first().map(|(_, message, _)| message.as_str()), Some(told));
}

#[test]
fn a_strong_model_that_stands_in_its_own_gate_is_a_warning() {
    let luna = "{provider: openai, model: gpt-6-luna}";
    let gate = format!("[{luna}, {{provider: gemini, model: gemini-3.8-flash}}]");
    let said_of =
        |strong| said(&format!("  torn: {{cascade: {{gate: {gate}, else: {strong}}}}}\n"));
    let twice = "`torn` escalates to openai/gpt-6-luna, which its gate has asked already";
    let hint = "name a stronger model as `else`".to_owned();
    assert_eq!(said_of(luna), [(3, twice.to_owned(), hint)]);
    assert_eq!(said_of("{provider: anthropic, model: claude-opus-5-5}"), []);
}

/// Checks the largest panel: `verify` reads no more members than one run with the most retries has.
#[test]
fn a_panel_of_more_members_than_a_receipt_may_have_is_refused() {
    let member = "{provider: openai, model: gpt-6-luna}, ";
    for (class, key, what) in [
        ("members: [LIST]", "members", "panel"),
        (
            "cascade: {gate: [LIST], else: {provider: anthropic, model: claude-opus-5-5}}",
            "gate",
            "gate",
        ),
    ] {
        let of = |n| said(&format!("  many: {{{}}}\n", class.replace("LIST", &member.repeat(n))));
        let is_refused = |n| {
            of(n).iter().any(|(_, message, _)| {
                *message == format!("`{key}` has {n} models, and a {what} asks 64 at most")
            })
        };
        assert!(is_refused(65) && !is_refused(64), "{key}: {:?}", of(65).first());
    }
}

#[test]
fn an_orchestration_that_can_run_nothing_is_a_warning() {
    let luna = "{provider: openai, model: gpt-6-luna}";
    let nobody = "`orchestration` can run nothing: nobody is named as its worker";
    let no_depth = "`orchestration` can run nothing: its `depth` table is empty";
    for (orchestration, message) in [
        ("{}".to_owned(), nobody),
        ("{roles: {}}".to_owned(), nobody),
        (format!("{{roles: {{verifier: {luna}}}}}"), nobody),
        (format!("{{roles: {{worker: {luna}}}, depth: {{}}}}"), no_depth),
    ] {
        let said = said(&format!("orchestration: {orchestration}\n"));
        let told: Vec<_> = said.iter().map(|(line, told, _)| (*line, told.as_str())).collect();
        assert_eq!(told, [(3, message)], "{orchestration}");
    }
    assert_eq!(said(&format!("orchestration: {{roles: {{worker: {luna}}}}}\n")), []);
}

#[test]
fn re_plans_that_are_never_used_are_a_warning() {
    let depth = |depth: &str| {
        let worker = "worker: {provider: openai, model: gpt-6-luna}";
        let verifier = "verifier: {provider: anthropic, model: claude-haiku-5-5}";
        let roles = format!("roles: {{{worker}, {verifier}}}");
        let said = said(&format!("orchestration: {{{roles}, depth: {{standard: {{{depth}}}}}}}\n"));
        said.into_iter().map(|(_, message, _)| message).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    let unused = "depth `standard` has 3 `max_replans` and never re-plans";
    assert_eq!(depth("verify: true, max_replans: 3"), [unused]);
    assert_eq!(depth("verify: true, replan_on_fail: false, max_replans: 3"), [unused]);
    assert_eq!(depth("verify: true, max_replans: 0"), none);
    assert_eq!(depth("verify: true, replan_on_fail: true, max_replans: 3"), none);
}

#[test]
fn a_bound_that_refuses_every_task_of_a_depth_is_a_warning() {
    let bounded = |usd: &str, prices: &str| {
        said(&format!(
            "providers:
  openai: {{models: {{gpt-6-luna: {{{prices}}}}}}}
  anthropic: {{models: {{claude-haiku-5-5: {{in: 1, out: 10}}}}}}
orchestration:
  roles:
    worker: {{provider: openai, model: gpt-6-luna, max_tokens: 100}}
    verifier: {{provider: anthropic, model: claude-haiku-5-5, max_tokens: 100}}
  max_usd: {usd}
"
        ))
    };
    let flat = "in: 1, out: 10";
    // 100 tokens at $10 a million, and two verdicts of 100 on 150 tokens at $1 a million; each of
    // the three calls has an instruction and a turn, which count as 64 tokens each, and a byte.
    let standard = "`max_usd` is $0.003686, and every task of depth `standard` may cost $0.003687 or \
                    more, so none is let through";
    let hint = "raise it, or lower max_tokens of the roles".to_owned();
    assert_eq!(bounded("0.003686", flat), [(10, standard.to_owned(), hint)]);
    let told: Vec<_> = bounded("0", flat).into_iter().map(|it| it.1).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("depth `trivial` may cost $0.001129 or more"), "{told:?}");
    assert_eq!(bounded("0.003687", flat), []);
    // A free model passes any bound.
    let trivial_alone = bounded("0", "in: 0, out: 0").into_iter().map(|it| it.1);
    assert!(trivial_alone.into_iter().all(|told| told.contains("`standard`")));
}

/// Checks a base URL that was copied from an example of a request. Nothing once said that it cannot
/// work.
#[test]
fn a_base_url_that_leads_elsewhere_is_found_in_the_policy_and_in_the_environment() {
    let own = |kind: &str, url: &str| {
        format!("providers:\n  lab:\n    kind: {kind}\n    base_url: \"{url}\"\n")
    };
    for (kind, url, right) in [
        ("openai", "http://127.0.0.1:9001/v1/chat/completions", "http://127.0.0.1:9001/v1"),
        ("anthropic", "http://127.0.0.1:9001/v1", "http://127.0.0.1:9001"),
        ("anthropic", "http://127.0.0.1:9001/v1/messages", "http://127.0.0.1:9001"),
        ("gemini", "http://127.0.0.1:9001/v1beta", "http://127.0.0.1:9001"),
    ] {
        let said = said(&own(kind, url));
        let [(line, message, hint)] = &said[..] else { panic!("{url}: {said:?}") };
        assert_eq!(*line, 6, "{url}");
        assert!(message.starts_with("`base_url`: it ends in /"), "{url}: {message}");
        assert!(hint.starts_with(&format!("write {right}: the gateway adds /")), "{url}: {hint}");
    }
    for (variable, url) in [
        ("OPENAI_BASE_URL", "https://api.openai.com/v1/chat/completions"),
        ("OPENAI_BASE_URL", "https://api.openai.com"),
        ("ANTHROPIC_BASE_URL", "https://api.anthropic.com/v1"),
        ("GEMINI_BASE_URL", "https://proxy.example.com/v1beta/"),
    ] {
        let source = PolicySource::Text(SOUND.to_owned());
        let loaded = loaded_from(&source, Environment::empty().with(variable, url));
        let [problem] = &loaded.problems[..] else { panic!("{url}: {:?}", loaded.problems) };
        assert!(problem.message.starts_with(&format!("{variable}: ")), "{problem:?}");
        assert!(problem.hint.contains("the gateway adds /"), "{problem:?}");
        assert_eq!(loaded.policy.is_err(), url.ends_with("completions"), "{problem:?}");
    }
}
