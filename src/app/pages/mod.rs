//! What people open in a browser: the documentation, the types of problems, and the demo reader.

pub mod docs;
pub mod problems;
pub mod reader;
