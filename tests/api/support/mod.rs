//! What the tests stand on.

pub(crate) mod cluster;
mod contract;
mod operations;
mod server;
mod snapshot;
mod wire;

pub(crate) use self::{
    contract::{document, escaped, hold},
    operations::{Article, Cast, Operation, Prepared, operations},
    server::{Answer, PASSWORD, Server, WRITER},
    wire::{Wire, raw},
};
