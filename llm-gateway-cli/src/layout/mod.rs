//! Lays text out for a person: how wide it is, where its lines end, and what a terminal must never
//! be sent.
//!
//! One rule holds for every command: a line is as wide as the terminal at most, it ends between
//! words, and a name is never broken. Where a name is wider than the terminal, it stands alone on
//! its line.

mod harmless;
mod measure;
mod prose;
mod size;
mod table;
mod wrap;

pub(crate) use harmless::{
    harmless, harmless_json, is_shown_in_place, name, path_name, with_names,
};
pub(crate) use measure::{columns, shortened};
pub(crate) use prose::prose;
pub(crate) use size::width_of;
pub(crate) use table::{Cell, Table};
pub(crate) use wrap::{HANG, wrapped};
