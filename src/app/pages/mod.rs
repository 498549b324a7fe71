//! The pages that people open in a browser: the documentation, the types of problems, and the demo reader.

pub(crate) mod docs;
pub(crate) mod problems;
pub(crate) mod reader;
