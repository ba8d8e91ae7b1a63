//! Tests of quotes in `.env` files: a line within a value of several lines sets nothing, or the
//! quote is refused by name.

use llm_gateway_core::config::Severity;

use crate::env_files::{KEY, beside, told};

/// Notes over several lines, with `§` where a line stands that would set a variable.
const NOTES: [&str; 27] = [
    "NOTE=\"\"\"\n§\n\"\"\"\n",
    "NOTE='''\n§\n'''\n",
    "NOTE=```\n§\n```\n",
    "NOTE=\"\"\"\n§\n\"\n",
    "NOTE='''it's\n§\n'''\n",
    "NOTE=\"\"\"say \"hi\" to\n§\nall\"\"\" # c\n",
    "NOTE=\"\"\"\"\n§\n\"\"\"\"\n",
    "NOTE=\"'\"'\n§\n'\"'\"\n",
    "NOTE=\u{a0}\"a\\\"\n§\n\"\n",
    "NOTE=\"a\"\" b\n§\n\"\n",
    "NOTE=\"a\"' b\n§\n'\n",
    "NOTE='a'$' b\n§\n'\n",
    "NOTE=$'a\n§\n'\n",
    "NOTE=$'it\\'s\n§\n'\n",
    "NOTE=$\"a\n§\n\"\n",
    "NOTE: \"a\n§\n\"\n",
    "my.note-x: \"a\n§\n\"\n",
    "my.note-x: \"a=b\n§\n\"\n",
    "my.note-x:\t'''\n§\n''' # c\n",
    "export NOTE: `a\n§\n`\n",
    "my.note-x=\"a\n§\n\"\n",
    "\u{feff}NOTE: \"a\r\n§\r\n\"\r\n",
    "NOTE=\"a\r§\r\"\r",
    "declare -x NOTE=\"a\n§\n\"\n",
    "note+=\"a\n§\n\"\n",
    "1NOTE=\"a\n§\n\"\n",
    "NOTE = \"\"\n§\n",
];

#[test]
fn a_line_within_a_note_sets_nothing_however_the_note_is_quoted() {
    // The last one is no note, and its line counts.
    let (alone, notes) = NOTES.split_last().unwrap();
    for note in notes {
        let env = format!("{KEY}=sk-test-0001\n{}B=c\n", note.replace('§', "OPENAI_API_KEY=sk-in"));
        let loaded = beside(&env, &[]);
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{env:?}");
        let warnings = told(&loaded, Severity::Warning);
        assert!(loaded.policy.is_ok(), "{env:?}: {}", told(&loaded, Severity::Error));
        assert!(warnings.contains(".env:2: the value") && warnings.contains(KEY), "{env:?}");
        assert!(!warnings.contains("sk-in"), "{env:?}: {warnings}");

        let env = note.replace('§', "LLM_GATEWAY_DISABLED=1");
        let policy = beside(&env, &[]).policy.unwrap_or_else(|why| panic!("{env:?}: {why}"));
        assert!(!policy.switches().disabled, "{env:?}");
    }
    let env = alone.replace('§', "OPENAI_API_KEY=sk-test-0001");
    assert_eq!(beside(&env, &[]).environment.get(KEY), Some("sk-test-0001"));
}

#[test]
fn a_quote_that_only_some_readers_take_for_one_is_refused_where_it_matters() {
    for note in [
        "NOTE=a\"\n§\n\"\n",
        "NOTE=a'\n§\n'\n",
        "NOTE=a \"b\n§\n\"\n",
        "NOTE=\"a\" \"b\n§\nc\"\n",
        "NOTE=\"a\"b\"c\n§\n\"\n",
        "NOTE=\"a\"b \"c\n§\n\" # d\n",
        "NOTE=it's\n§\n'\n",
        "NOTE='it\\'s\n§\n'\n",
        "NOTE='a\\'\n§\n'\n",
        "NOTE=\u{200b}\"a\n§\n\"\n",
        "NOTE=b'''\n§\n'''\n",
        "MSG=don't \"quote\n§\nme\"\n",
        "export A=\"x\" NOTE=\"a\n§\n\"\n",
        "\"NOTE\": \"a\n§\n\"\n",
        ": 'x\n§\ny'\n",
        "NOTE=x$'a\n§\n'\n",
        "NOTE=`a` `b\n§\n`\n",
        "NOTE=\n\"\n§\n\"\n",
        "NOTE \"a\n§\n\"\n",
        "set NOTE \"a\n§\n\"\n",
        "echo '\n§\n'\n",
        "note:\"a\n§\nb\" c\n",
        "NOTE: \"a\n§\nb\" c\n",
        "NOTE=\"\"\"\n§\n\"\"\" c\n",
    ] {
        for inner in ["OPENAI_API_KEY=sk-in", "LLM_GATEWAY_DISABLED=1"] {
            let env = format!("{KEY}=sk-test-0001\n{}", note.replace('§', inner));
            let loaded = beside(&env, &[]);
            let errors = told(&loaded, Severity::Error);
            assert!(loaded.policy.is_err(), "{env:?}");
            assert!(errors.contains("a quote in the line") && !errors.contains("sk-"), "{errors}");
            let name = inner.split('=').next().unwrap();
            assert!(errors.contains(name), "{env:?}: {errors}");
        }
        // Around a line that means nothing to the gateway it is passed over.
        let env = format!("{KEY}=sk-test-0001\n{}", note.replace('§', "OTHER=1"));
        let loaded = beside(&env, &[]);
        assert!(loaded.policy.is_ok(), "{env:?}: {}", told(&loaded, Severity::Error));
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{env:?}");
    }
}

#[test]
fn a_quote_that_is_no_quote_costs_no_line() {
    for env in [
        "NAME=it's\n§",
        "NAME=it's\n§# don't\n",
        "NAME=it's\n§# 'quoted' words\n",
        "NAME=it's mine\n§OTHER=that's\n",
        "NAME=O'Brien\n§JSON='\n'\n",
        "SIZE=5\"\n§",
        "SIZE=5\"\n§# a 7\" one\n",
        "PASSWORD=$'x\n§",
        "WORDS: it's\n§",
        "TODO: 'tis open\n§",
        "TODO: \"open\n§",
        "DIR='C:\\dir\\'\n§",
        "DIR=C:\\dir\\\n§",
        "A=\"x\"\"\n§",
        "A=\"x\" it's\n§",
        "# it's\n§# '\n",
    ] {
        let env = env.replace('§', "OPENAI_API_KEY=sk-test-0001\n");
        for env in [env.clone(), env.replace('\n', "\r\n"), env.replace('\n', "\r")] {
            let loaded = beside(&env, &[]);
            assert!(loaded.policy.is_ok(), "{env:?}: {}", told(&loaded, Severity::Error));
            assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{env:?}");
            let warnings = told(&loaded, Severity::Warning);
            assert!(!warnings.contains("is not closed"), "{env:?}: {warnings}");
        }
    }
    // Between two such passwords a shell reads nothing, and other readers read each line.
    let loaded = beside("A=x\"y\nOPENAI_API_KEY=sk-test-0001\nB=x\"y\n", &[]);
    assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"));
    let warnings = told(&loaded, Severity::Warning);
    assert!(loaded.policy.is_ok() && warnings.contains("line of A is not closed"), "{warnings}");
}
