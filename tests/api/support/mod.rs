//! What the tests stand on.

mod answer;
pub(crate) mod cluster;
mod contract;
mod operations;
mod proxy;
mod server;
mod snapshot;
mod wire;

pub(crate) use self::{
    answer::Answer,
    contract::{document, escaped, hold},
    operations::{Article, Cast, Operation, Prepared, operations},
    proxy::{Line, Proxy},
    server::{PASSWORD, Server, WRITER},
    wire::{Wire, raw},
};
