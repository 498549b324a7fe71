//! The requirements of an instance for publishing a story. Pure: what is known of the draft comes in, a
//! decision comes out.

use uuid::Uuid;

use crate::{
    context::Policy,
    error::{ApiError, ApiResult, ProblemType},
    faults::Fault,
    http::conditional::IfMatch,
    text_enum,
};

text_enum! {
    /// A requirement that a draft does not meet.
    pub enum Demand {
        /// The story has to cite at least one document.
        Citation = "citation_required",
        /// Somebody other than the publisher has to have written on the draft.
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
                "You are the only one who has edited these changes. Somebody else has to publish them, or edit the draft first.",
            ),
        };
        Fault::at(pointer, self.as_str(), detail)
    }
}

/// Returns the requirements that the draft does not meet. `writers` are the editors who wrote on it since it
/// was last published. They and `has_citation` count only if the policy asks for them.
#[must_use]
pub(crate) fn lacking(policy: Policy, has_citation: bool, writers: &[Uuid], publisher: Uuid) -> Vec<Demand> {
    let unmet = |demand: &Demand| match demand {
        Demand::Citation => policy.require_citation && !has_citation,
        Demand::Review => policy.require_review && writers.iter().all(|writer| *writer == publisher),
    };
    Demand::ALL.iter().copied().filter(unmet).collect()
}

/// Checks that the caller names the state that is to be published. With a required review, this is the state
/// that was reviewed, so that no later text is published instead.
///
/// # Errors
/// `428` if the policy requires review and `If-Match` names no state.
pub(crate) fn require_reviewed_state(policy: Policy, if_match: &IfMatch) -> ApiResult<()> {
    if !policy.require_review || matches!(if_match, IfMatch::Tags(_)) {
        return Ok(());
    }
    Err(ApiError::new(
        ProblemType::PreconditionRequired,
        "This newsroom publishes only what was reviewed: send the ETag of the draft that you have read (with `?draft=true`) in If-Match. `*` does \
         not name a draft.",
    ))
}

/// Returns the `422` that names all unmet requirements at once.
#[must_use]
pub(crate) fn refusal(lacking: &[Demand]) -> ApiError {
    let detail =
        "The draft does not meet this newsroom's requirements for publishing; `errors` lists which ones.";
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
