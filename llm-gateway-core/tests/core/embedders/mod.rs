//! What programs run into that embed the library: each file is one situation, with its relatives.

mod a_cap_without_a_home;
mod a_crate_that_is_vendored;
#[cfg(feature = "reqwest")]
mod a_gateway_of_two_runtimes;
mod a_key_in_a_bundle;
mod a_key_that_rotates;
mod a_ledger_of_ones_own;
#[cfg(feature = "reqwest")]
mod a_paused_clock;
mod a_policy_value_is_json;
mod a_rate_limit_of_an_own_provider;
mod a_script_of_1500_steps;
mod an_empty_answer_of_an_own_provider;
#[cfg(feature = "reqwest")]
mod an_environment_of_ones_own;
mod an_observer;
mod an_own_provider_that_hangs;
mod caps_in_code;
mod certified_by_providers_that_record_nothing;
mod dropped_while_the_vault_is_asked;
mod errors_that_clone;
mod hermetic_tests;
mod names_that_show;
mod no_runtime;
mod one_message_said_twice;
mod own_books_that_panic;
mod own_deadlines;
mod own_parts_that_block;
mod own_parts_that_panic;
mod runs_that_are_spawned;
mod scripts_per_target;
#[cfg(feature = "reqwest")]
mod server;
#[cfg(feature = "sqlite")]
mod shared_ledger;
mod shutdown;
mod sixty_members_that_tell;
mod what_own_parts_say;
