//! The `warta` command line.

fn main() {}
