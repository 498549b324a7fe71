//! Whether a request came with a token.

/// That it did; the envelope leaves it in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn;
