//! What the tests stand on.

pub(crate) mod cluster;
mod contract;
mod operations;
mod proxy;
mod server;
mod snapshot;
mod wire;

pub(crate) use self::{
    contract::{document, escaped, hold},
    operations::{Article, Cast, Operation, Prepared, operations},
    proxy::{Line, Proxy},
    server::{Answer, PASSWORD, Server, WRITER},
    wire::{Wire, raw},
};
