//! What the tests stand on.

pub(crate) mod cluster;
mod contract;
mod server;

pub(crate) use self::{
    contract::document,
    server::{Answer, PASSWORD, Server},
};
