//! What an instance demands of a story before readers see it. Pure: what is known of the draft comes in, a decision comes out.

use uuid::Uuid;

use crate::{
    context::Policy,
    error::{ApiError, ApiResult, ProblemType},
    faults::Fault,
    http::conditional::IfMatch,
    text_enum,
};

text_enum! {
    /// What a draft may lack.
    pub enum Demand {
        /// It has to name where the story comes from.
        Citation = "citation_required",
        /// Another one than who publishes it has to have written on it.
        Review = "review_required",
    }
}

impl Demand {
    fn fault(self) -> Fault {
        let (pointer, detail) = match self {
            Self::Citation => {
                ("/citations", "A story needs at least one citation before readers may see it.")
            }
            Self::Review => (
                "",
                "You alone wrote what is to be published: somebody else has to publish it, or to write on it first.",
            ),
        };
        Fault::at(pointer, self.as_str(), detail)
    }
}

/// What the draft lacks. `writers` wrote on it since it was last published; neither they nor `has_citation` count where the policy does not
/// ask for it.
#[must_use]
pub(crate) fn lacking(policy: Policy, has_citation: bool, writers: &[Uuid], publisher: Uuid) -> Vec<Demand> {
    let unmet = |demand: &Demand| match demand {
        Demand::Citation => policy.require_citation && !has_citation,
        Demand::Review => policy.require_review && writers.iter().all(|writer| *writer == publisher),
    };
    Demand::ALL.iter().copied().filter(unmet).collect()
}

/// Whether the caller names the state that is to be published: with a review, the one that was reviewed, and no text that came after it.
///
/// # Errors
/// `428`.
pub(crate) fn require_reviewed_state(policy: Policy, if_match: &IfMatch) -> ApiResult<()> {
    if !policy.require_review || matches!(if_match, IfMatch::Tags(_)) {
        return Ok(());
    }
    Err(ApiError::new(
        ProblemType::PreconditionRequired,
        "This newsroom publishes what was reviewed: send the ETag of the draft that you have read (with `?draft=true`) in If-Match. `*` \
         names no draft.",
    ))
}

/// `422` with all that is lacking at once.
#[must_use]
pub(crate) fn refusal(lacking: &[Demand]) -> ApiError {
    let detail =
        "The draft lacks what this newsroom asks for before readers see a story; `errors` says what.";
    let error = ApiError::new(ProblemType::PublishGate, detail);
    lacking.iter().map(|demand| demand.fault()).fold(error, ApiError::with_fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_draft_lacks_what_the_policy_asks_for_and_nothing_else() {
        use Demand::{Citation, Review};
        let cases: [(bool, &[Uuid], &[Demand]); 6] = [
            (true, &[ONE, OTHER], &[]),
            (true, &[OTHER], &[]),
            (true, &[ONE], &[Review]),
            (false, &[OTHER, ONE], &[Citation]),
            (false, &[ONE], &[Citation, Review]),
            (false, &[], &[Citation, Review]),
        ];
        for (has_citation, writers, expected) in cases {
            for (require_citation, require_review) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let policy = Policy { require_citation, require_review };
                let asked = |demand: &Demand| match demand {
                    Citation => require_citation,
                    Review => require_review,
                };
                let expected: Vec<_> = expected.iter().copied().filter(asked).collect();
                assert_eq!(lacking(policy, has_citation, writers, ONE), expected, "{policy:?} {writers:?}");
            }
        }
    }
}
