//! A policy of version 1.0.0, which every later version must load with the same meaning.

/// A policy with every key of version 1.0.0, in the styles that people write YAML in.
pub const VERSION_1_0_0: &str = r#"
version: "1.0.0"
defaults:
  quick:
    provider: openai
    model: gpt-4o-mini
    max_tokens: 1024
    rationale: "Short answers."
  deep: {provider: anthropic, model: claude-opus-4-8, max_tokens: 16000, rationale: "Audits."}
  panel:
    members:
      - {provider: openai,    model: gpt-4o}
      - {provider: anthropic, model: claude-sonnet-4-6}
      - {provider: gemini,    model: gemini-2.5-pro}
    cost_cap_usd: 1.00
    max_tokens: 4000
    rationale: "Three reviews."
cost_preflight: {enabled: true, chars_per_token: 4, warn_usd: 0.50, block_usd: 15.00}
visibility:
  panel: {mode: blind, members_see: original_prompt_only, enforce: hard}
fallback:
  quick:
    - {provider: anthropic, model: claude-haiku-4-5}
  deep: []
  panel: []
orchestration:
  roles:
    planner: {provider: gemini, model: gemini-2.5-pro, max_tokens: 4000}
    worker: {provider: openai, model: gpt-4o, max_tokens: 8000}
    verifier: {provider: anthropic, model: claude-sonnet-4-6, max_tokens: 2000}
  instructions:
    planner: >-
      Decompose the task.
      Do NOT solve it.
    worker: "Solve it."
    verifier: "Reply with exactly one of 'ACCEPT' or 'REVISE: <reasons>'."
  depth:
    trivial:  {plan: false, verify: false}
    standard: {plan: false, verify: true}
    complex:  {plan: true,  verify: true, replan_on_fail: true, max_replans: 1}
"#;
