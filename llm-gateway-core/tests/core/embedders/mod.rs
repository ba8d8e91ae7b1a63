//! What programs that embed the library rely on, each part written as such a program would.

mod caps_in_code;
#[cfg(feature = "sqlite")]
mod shared_ledger;
mod shutdown;
