//! Which decision stands, and what status a comment has from it.
//!
//! Both are pure functions of what is known, so the order of arrival can't matter.

use serde::{Deserialize, Serialize};
use stoa_proto::Verdict;

use crate::fact::Digest;
use crate::place::Place;

/// What the view keeps of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// The revision that was judged.
    pub(crate) revision: u32,
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// Whether a person decided.
    pub(crate) moderator: bool,
    /// When, in microseconds since 1970.
    pub(crate) decided_at: i64,
    /// Digest of the decision's id.
    pub(crate) id: Digest,
    /// Digest of the id of the decision that it replaces.
    pub(crate) supersedes: Option<Digest>,
    /// Where the event is.
    pub(crate) place: Place,
}

/// Picks the decision about a revision that stands.
///
/// A decision that another one about the revision replaces falls out; of what is left a person's goes
/// before a rule set's, whatever the times, then the latest counts, and at equal times the id decides.
/// A rule set replaces a person's decision when readers report the comment afterwards.
pub(crate) fn effective(decisions: &[Standing], revision: u32) -> Option<&Standing> {
    let about = || {
        decisions
            .iter()
            .filter(move |decision| decision.revision == revision)
    };
    let replaced = |decision: &Standing| about().any(|other| other.supersedes == Some(decision.id));
    let rank = |decision: &&Standing| (decision.moderator, decision.decided_at, decision.id);
    // Decisions that replace each other in a circle would leave none.
    about()
        .filter(|decision| !replaced(decision))
        .max_by_key(rank)
        .or_else(|| about().max_by_key(rank))
}

/// What a comment is, as answers say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Status {
    /// Nothing but events about it came so far.
    Unknown,
    /// Not decided, or held for a moderator.
    Pending,
    /// It may be published.
    Approved,
    /// It may not be published.
    Rejected,
    /// Its author took it back.
    Withdrawn,
}

impl Status {
    /// Derives the status of a revision from its decision.
    pub(crate) fn of(verdict: Option<Verdict>) -> Self {
        match verdict {
            None | Some(Verdict::Hold) => Self::Pending,
            Some(Verdict::Approve) => Self::Approved,
            Some(Verdict::Reject) => Self::Rejected,
        }
    }

    /// Returns the name that answers use.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decision(id: u8, moderator: bool, at: i64, supersedes: Option<u8>) -> Standing {
        Standing {
            revision: 1,
            verdict: Verdict::Approve,
            moderator,
            decided_at: at,
            id: [id; 8],
            supersedes: supersedes.map(|id| [id; 8]),
            place: Place { seq: 0, offset: 0 },
        }
    }

    /// Checks which of the decisions stands.
    fn check(decisions: &[Standing], expected: Option<u8>) {
        let stands = effective(decisions, 1).map(|decision| decision.id[0]);
        assert_eq!(stands, expected, "{decisions:?}");
    }

    #[test]
    fn the_one_that_stands() {
        check(&[], None);
        check(
            &[decision(1, false, 5, None), decision(2, false, 7, None)],
            Some(2),
        );
        // A person goes before a newer rule set.
        check(
            &[decision(1, true, 5, None), decision(2, false, 7, None)],
            Some(1),
        );
        // A chain goes before the clock.
        check(
            &[decision(1, true, 9, None), decision(2, true, 7, Some(1))],
            Some(2),
        );
        // A rule set that replaces a person's decision, because of reports, and a person again.
        let reported = [
            decision(1, false, 3, None),
            decision(2, true, 5, Some(1)),
            decision(3, false, 7, Some(2)),
            decision(4, true, 9, Some(3)),
        ];
        check(&reported[..2], Some(2));
        check(&reported[..3], Some(3));
        check(&reported, Some(4));
        // A circle: the latest.
        check(
            &[decision(1, true, 5, Some(2)), decision(2, true, 7, Some(1))],
            Some(2),
        );
        // Another revision.
        check(
            &[Standing {
                revision: 2,
                ..decision(1, true, 5, None)
            }],
            None,
        );
    }

    fn decisions() -> impl Strategy<Value = Vec<Standing>> {
        let one = (
            any::<bool>(),
            0_i64..3,
            proptest::option::of(0_u8..8),
            1_u32..3,
        );
        proptest::collection::vec(one, 0..8).prop_map(|drawn| {
            (0_u8..)
                .zip(drawn)
                .map(|(id, (moderator, at, supersedes, revision))| Standing {
                    revision,
                    ..decision(id, moderator, at, supersedes)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn arrival_does_not_matter(
            (sorted, shuffled) in
                decisions().prop_flat_map(|d| (Just(d.clone()), Just(d).prop_shuffle()))
        ) {
            prop_assert_eq!(effective(&sorted, 1), effective(&shuffled, 1));
            let stands = effective(&sorted, 1);
            let about = || sorted.iter().filter(|d| d.revision == 1);
            prop_assert_eq!(stands.is_some(), about().next().is_some());
            // What a person decided last is never overruled by what does not replace it.
            let replaced = |d: &Standing| about().any(|other| other.supersedes == Some(d.id));
            let by_person = about().any(|d| d.moderator && !replaced(d));
            prop_assert!(!by_person || stands.is_some_and(|d| d.moderator));
        }
    }
}
