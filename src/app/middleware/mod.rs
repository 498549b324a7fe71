//! The middleware: the steps between the connection and a handler, in both directions.
//!
//! | file | what it does |
//! |---|---|
//! | [`fast_path`] | answers from memory before anything else is done |
//! | [`span`] | opens the request's span, and writes its line of log |
//! | [`envelope`] | gives each request its id, finds out who asks, and sets the headers of every answer |
//! | [`outage`] | answers while the database is away |
//! | [`cache_key`] | builds the key under which an answer is kept |
//! | [`cache`] | answers from memory what no change has touched |

pub(crate) mod cache;
pub(crate) mod cache_key;
pub(crate) mod envelope;
pub(crate) mod fast_path;
pub(crate) mod outage;
pub(crate) mod span;
