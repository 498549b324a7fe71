//! Pages by keyset: a page begins after the last row of the page before.
//!
//! The first condition alone bounds the part of the index that is read; the second one leaves out what a tie
//! would repeat.

/// Sorts a boxed query by a key and an id, both ascending, and begins after `Some((key, id))`.
macro_rules! ascending {
    ($query:expr, $key:expr, $id:expr, $after:expr) => {{
        let query = $query.order(($key.asc(), $id.asc()));
        match $after {
            Some((key, id)) => query.filter($key.ge(key.clone())).filter($key.gt(key).or($id.gt(id))),
            None => query,
        }
    }};
}

/// Sorts a boxed query by a key and an id, both descending, and begins after `Some((key, id))`.
macro_rules! descending {
    ($query:expr, $key:expr, $id:expr, $after:expr) => {{
        let query = $query.order(($key.desc(), $id.desc()));
        match $after {
            Some((key, id)) => query.filter($key.le(key.clone())).filter($key.lt(key).or($id.lt(id))),
            None => query,
        }
    }};
}

pub(crate) use {ascending, descending};
