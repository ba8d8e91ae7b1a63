//! Tests of the certificate: what makes which claim fail, over bytes that the real adapters wrote.

mod cases;
mod digests;
mod fixtures;
mod forms;
mod freshness;
mod kinship;
mod linear;
mod names;
mod orchestration;
mod panel;
mod parts;
mod random;
mod receipts;
mod requests;
mod responses;
mod rewritten;
mod schemas;
mod stored;
mod streams;
mod tries;
mod trust;
mod usage;
